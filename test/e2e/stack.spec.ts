/** The main job in the real window over the real engine: apply, become healthy, scale, heal, read logs, take down. */
import { request } from 'node:http';
import { expect, test } from './pilothouse';

test.use({ launchOptions: { engine: 'docker' } });
test.skip(() => !process.env['PILOTHOUSE_TEST_ENGINE'], 'no Docker engine can be started here');
test.describe.configure({ mode: 'serial', timeout: 180_000 });

/** Asks the engine's API directly, as somebody beside the app would. */
function engineApi(method: string, path: string): Promise<unknown> {
  const socketPath = (process.env['DOCKER_HOST'] ?? '').replace('unix://', '');
  return new Promise((resolve, reject) => {
    const call = request({ socketPath, method, path }, (answer) => {
      let text = '';
      answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
      answer.on('end', () => resolve(text ? (JSON.parse(text) as unknown) : null));
    });
    call.on('error', reject);
    call.end();
  });
}

interface Row {
  Id: string;
  Names: string[];
  State: string;
  Created: number;
  Labels: Record<string, string>;
}

/** The running containers of a service of the sample. */
async function containersOf(service: string): Promise<Row[]> {
  const filters = encodeURIComponent(
    JSON.stringify({ label: ['io.pilothouse.stack=demo', `io.pilothouse.service=${service}`], status: ['running'] }),
  );
  return (await engineApi('GET', `/containers/json?filters=${filters}`)) as Row[];
}

test('the first run finds the engine and applies the sample stack', async ({ pilothouse: { page, go } }) => {
  await go('/stacks');
  await page.getByTestId('apply-sample').first().click();
  await expect(page.getByTestId('stack-row-demo')).toBeVisible();
  await go('/services');
  await expect(page.getByTestId('service-row-demo/web')).toBeVisible();
  await expect(page.getByTestId('service-status-demo/web')).toContainText(/running/i, { timeout: 120_000 });
  await expect(page.getByTestId('service-status-demo/worker')).toContainText(/running/i, { timeout: 60_000 });
  expect(await containersOf('web')).toHaveLength(3);
});

test('one click scales: 3 to 8, and back to 2', async ({ pilothouse: { page } }) => {
  const stepper = page.getByTestId('stepper-demo/web');
  const more = stepper.getByRole('button').last();
  const less = stepper.getByRole('button').first();
  await stepper.scrollIntoViewIfNeeded();
  for (let click = 0; click < 5; click++) await more.click();
  await expect.poll(async () => (await containersOf('web')).length, { timeout: 90_000 }).toBe(8);
  await expect(page.getByTestId('service-status-demo/web')).toContainText(/running/i, { timeout: 90_000 });
  for (let click = 0; click < 6; click++) await less.click();
  await expect.poll(async () => (await containersOf('web')).length, { timeout: 90_000 }).toBe(2);
  await expect(page.getByTestId('service-status-demo/web')).toContainText(/running/i, { timeout: 60_000 });
});

test('a container killed from outside comes back, and the events tell of it', async ({ pilothouse: { page, go } }) => {
  const [victim] = await containersOf('worker');
  if (!victim) throw new Error('There is no worker.');
  await engineApi('POST', `/containers/${victim.Id}/kill`);
  await expect.poll(async () => (await containersOf('worker')).length, { timeout: 30_000 }).toBe(2);
  const [gone] = await containersOf('web');
  if (!gone) throw new Error('There is no web.');
  await engineApi('DELETE', `/containers/${gone.Id}?force=1`);
  await expect
    .poll(async () => (await containersOf('web')).filter((row) => row.Id !== gone.Id).length, { timeout: 30_000 })
    .toBe(2);
  await go('/events');
  await expect(page.getByTestId('view-events')).toContainText(/removed outside Pilothouse/, { timeout: 15_000 });
});

test('log lines arrive live', async ({ pilothouse: { page, go } }) => {
  await go('/logs');
  const lines = page.getByTestId('log-line');
  await expect(lines.first()).toBeVisible({ timeout: 30_000 });
  const newest = async (): Promise<string> => (await lines.last().textContent()) ?? '';
  const before = await newest();
  await expect.poll(newest, { timeout: 30_000 }).not.toBe(before);
});

test('the service’s own page shows its replicas, charts and declaration', async ({ pilothouse: { page, go } }) => {
  await go('/services/demo/web');
  await expect(page.getByTestId('view-service')).toBeVisible();
  await expect(page.getByTestId('service-status')).toContainText(/running/i);
  await expect(page.getByTestId('chart-cpu')).toBeVisible();
  await expect(page.locator('canvas').first()).toBeVisible();
  await go('/services/demo/web/yaml');
  await expect(page.getByTestId('view-service')).toContainText('busybox');
});

test('the command line sees the same, and what it does shows in the window', async ({
  pilothouse: { page, go, cli },
}) => {
  await go('/services');
  const listed = await cli('ps', 'demo', '--json');
  expect(listed.code).toBe(0);
  const services = JSON.parse(listed.stdout) as { key: string; ready: number }[];
  expect(services.find((service) => service.key === 'demo/web')?.ready).toBe(2);
  const scaled = await cli('scale', 'demo/web=3', '--wait', '--timeout', '90s');
  expect(scaled.stderr).toContain('2 → 3');
  expect(scaled.code).toBe(0);
  await expect(page.getByTestId('stepper-demo/web')).toContainText('3');
  const wrong = await cli('scale', 'demo/nothing=3', '--json');
  expect(wrong.code).toBe(1);
  expect(JSON.parse(wrong.stderr)).toMatchObject({ code: 'not-found' });
});

test('quitting leaves everything running, and the next start adopts it', async ({ pilothouse }) => {
  const before = (await containersOf('web')).map((row) => row.Id).sort();
  const { cli } = pilothouse;
  const status = await cli('status', '--json');
  expect(status.code).toBe(0);
  // The same home is served again by the command line, after the window's core has been told to let go of it.
  await pilothouse.app.evaluate(({ app }) => app.quit()).catch(() => undefined);
  await expect.poll(async () => (await cli('status')).code, { timeout: 20_000 }).toBe(4);
  expect((await containersOf('web')).map((row) => row.Id).sort()).toEqual(before);
  const again = await pilothouse.reopen();
  await again.go('/services');
  await expect(again.page.getByTestId('service-status-demo/web')).toContainText(/running/i, { timeout: 60_000 });
  expect((await containersOf('web')).map((row) => row.Id).sort()).toEqual(before);
});

test('down removes what is ours and nothing else', async ({ pilothouse }) => {
  const foreign = (await engineApi('GET', '/containers/json?all=1')) as Row[];
  const others = foreign.filter((row) => row.Labels['io.pilothouse.stack'] === undefined).map((row) => row.Id);
  const down = await pilothouse.cli('down', 'demo', '--volumes', '--timeout', '90s');
  expect(down.stderr).toBe('');
  expect(down.code).toBe(0);
  const left = (await engineApi('GET', '/containers/json?all=1')) as Row[];
  expect(left.map((row) => row.Id).sort()).toEqual(others.sort());
});
