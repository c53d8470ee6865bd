/** Whether some Docker engine already answers on this machine, looked for where the app itself looks. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { answers } from './api.mjs';

/**
 * @typedef {{ host: string, answers: boolean, asked: boolean }} FoundEngine `asked`: the user named it by DOCKER_HOST or a
 *   context, so no other may take its place
 */

/**
 * @returns {Promise<FoundEngine | undefined>} undefined when nothing is configured and no usual socket answers
 */
export async function findEngine() {
  const named = process.env['DOCKER_HOST'] || contextHost();
  if (named) return { host: named, answers: await hostAnswers(named), asked: true };
  for (const host of usualHosts()) {
    if (await hostAnswers(host)) return { host, answers: true, asked: false };
  }
  return undefined;
}

/** @returns {string | undefined} the endpoint of the context in use, unless it is the default one */
function contextHost() {
  try {
    const folder = process.env['DOCKER_CONFIG'] || join(homedir(), '.docker');
    const name =
      process.env['DOCKER_CONTEXT'] || JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')).currentContext;
    if (!name || name === 'default') return undefined;
    const id = createHash('sha256').update(name).digest('hex');
    const meta = JSON.parse(readFileSync(join(folder, 'contexts', 'meta', id, 'meta.json'), 'utf8'));
    return meta.Endpoints?.docker?.Host;
  } catch {
    return undefined;
  }
}

/** @returns {string[]} */
function usualHosts() {
  if (process.platform === 'win32')
    return ['npipe:////./pipe/docker_engine', 'npipe:////./pipe/dockerDesktopLinuxEngine'];
  const home = homedir();
  const runtime = process.env['XDG_RUNTIME_DIR'];
  const sockets = [
    '/var/run/docker.sock',
    ...(runtime ? [join(runtime, 'docker.sock')] : []),
    ...['.docker/run/docker.sock', '.docker/desktop/docker.sock', '.colima/default/docker.sock', '.rd/docker.sock'].map(
      (path) => join(home, path),
    ),
    ...(runtime ? [join(runtime, 'podman', 'podman.sock')] : []),
    '/run/podman/podman.sock',
  ];
  return sockets.map((socket) => `unix://${socket}`);
}

/**
 * @param {string} host
 * @returns {Promise<boolean>}
 */
async function hostAnswers(host) {
  if (host.startsWith('unix://')) return answers(host.slice('unix://'.length));
  if (host.startsWith('npipe://')) return answers(host.slice('npipe://'.length).replaceAll('/', '\\'));
  // An ssh:// engine can only be asked by logging in; the app does that, and says what came of it.
  if (host.startsWith('ssh://')) return true;
  try {
    const { hostname, port } = new URL(host.replace(/^(tcp|https?):/, 'http:'));
    return await connects(hostname, Number(port) || 2375);
  } catch {
    return false;
  }
}

/**
 * @param {string} hostname
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function connects(hostname, port) {
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port, timeout: 3_000 });
    const end = (/** @type {boolean} */ result) => {
      socket.destroy();
      resolve(result);
    };
    socket.on('connect', () => end(true));
    socket.on('timeout', () => end(false));
    socket.on('error', () => end(false));
  });
}
