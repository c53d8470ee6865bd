/** The few calls of the Docker Engine API that preparing a machine needs, over a Unix socket or a named pipe. */
import { createReadStream } from 'node:fs';
import { request } from 'node:http';

/**
 * One call of the engine's API.
 * @param {string} socketPath
 * @param {string} method
 * @param {string} path with query
 * @param {{ body?: unknown, file?: string, timeoutMs?: number }} [options] body is sent as JSON, file is streamed as a tar
 * @returns {Promise<{ status: number, text: string }>}
 */
export function call(socketPath, method, path, options = {}) {
  return new Promise((resolve, reject) => {
    const headers = options.file
      ? { 'Content-Type': 'application/x-tar' }
      : options.body === undefined
        ? {}
        : { 'Content-Type': 'application/json' };
    const outgoing = request({ socketPath, method, path, headers: { Host: 'docker', ...headers } }, (response) => {
      response.setEncoding('utf8');
      let text = '';
      response.on('data', (chunk) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      response.on('error', reject);
    });
    outgoing.setTimeout(options.timeoutMs ?? 30_000, () => outgoing.destroy(new Error(`${method} ${path}: no answer`)));
    outgoing.on('error', reject);
    if (options.file) createReadStream(options.file).on('error', reject).pipe(outgoing);
    else outgoing.end(options.body === undefined ? undefined : JSON.stringify(options.body));
  });
}

/**
 * @param {string} socketPath
 * @param {number} [timeoutMs]
 * @returns {Promise<boolean>} whether an engine answers there
 */
export async function answers(socketPath, timeoutMs = 1_500) {
  try {
    const { status, text } = await call(socketPath, 'GET', '/_ping', { timeoutMs });
    return status === 200 && text.trim() === 'OK';
  } catch {
    return false;
  }
}

/**
 * Makes an image out of the tar of a root file system, as `docker import` does.
 * @param {string} socketPath
 * @param {{ file: string, repository: string, tag: string, changes: string[] }} image changes are Dockerfile lines
 * @returns {Promise<void>}
 */
export async function importImage(socketPath, image) {
  // The tag as a part of the name: Podman hears no other.
  const query = new URLSearchParams({ fromSrc: '-', repo: `${image.repository}:${image.tag}` });
  for (const change of image.changes) query.append('changes', change);
  const { status, text } = await call(socketPath, 'POST', `/images/create?${query}`, {
    file: image.file,
    timeoutMs: 120_000,
  });
  if (status !== 200 || text.includes('"error"')) {
    throw new Error(`importing ${image.repository}:${image.tag} failed with ${status}: ${text.trim().slice(0, 300)}`);
  }
}

/**
 * Gives an image one more name.
 * @param {string} socketPath
 * @param {string} from
 * @param {{ repository: string, tag: string }} to
 * @returns {Promise<void>}
 */
export async function tagImage(socketPath, from, to) {
  const query = new URLSearchParams({ repo: to.repository, tag: to.tag });
  const { status, text } = await call(socketPath, 'POST', `/images/${encodeURIComponent(from)}/tag?${query}`);
  if (status !== 201) throw new Error(`tagging ${from} failed with ${status}: ${text.trim().slice(0, 300)}`);
}
