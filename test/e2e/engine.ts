/**
 * The private engine of this run, for what is done behind the app's back. It is the only one that tests speak to: on a machine where none can
 * run, `DOCKER_HOST` leads to somebody's own Docker, which is never touched.
 */

/** Why tests that need the real engine are skipped. */
export const noEngineReason = 'no private Docker engine can run here';

/** True where this run has no engine of its own. Asked in hooks too: they run even when every test of their file is skipped. */
export function noEngine(): boolean {
  return !process.env['PILOTHOUSE_TEST_ENGINE'];
}

/** One request to the engine itself, as another tool would send it. Throws when this run has none of its own. */
export async function askEngine(
  method: string,
  path: string,
  body?: object,
): Promise<{ status: number; text: string }> {
  if (noEngine()) throw new Error(`${method} ${path} was not sent: ${noEngineReason}`);
  // Loaded here and not above: Playwright turns static imports of these modules into something Node cannot run.
  const { call } = await import('../machine/api.mjs');
  const socket = (process.env['DOCKER_HOST'] ?? '').replace('unix://', '');
  return call(socket, method, path, body === undefined ? {} : { body });
}

/** The same, for answers that must be good; parsed. */
export async function fromEngine<Answer>(method: string, path: string, body?: object): Promise<Answer> {
  const { status, text } = await askEngine(method, path, body);
  if (status >= 400) throw new Error(`${method} ${path}: ${status} ${text}`);
  return (text === '' ? undefined : JSON.parse(text)) as Answer;
}
