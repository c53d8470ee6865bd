/** Ending a private engine: its processes, cgroups, mounts, network and files, from its record alone. */
import { readFileSync, readdirSync, rmSync, rmdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { networkOf, removeNetwork } from './network.mjs';
import { podmanCgroups } from './podman.mjs';
import { capture, startTimeOf, waitFor } from './processes.mjs';
import { daemonLives, dropRecord } from './records.mjs';

/** @typedef {import('./records.mjs').EngineRecord} EngineRecord */

/**
 * Ends an engine and removes what it made. Everything is thrown away, so nothing is asked to end politely.
 * @param {EngineRecord} record
 * @returns {Promise<void>}
 */
export async function removeEngine(record) {
  if (daemonLives(record)) process.kill(record.pid, record.keepData ? 'SIGTERM' : 'SIGKILL');
  await waitFor(() => !daemonLives(record), { timeoutMs: 20_000 });
  if (daemonLives(record)) process.kill(record.pid, 'SIGKILL');
  const parents = record.program === 'podman' ? podmanCgroups(record.dataRoot) : [record.cgroupParent];
  const cgroups = parents.flatMap(cgroupsOf);
  await waitFor(
    () => {
      const pids = [...helpersOf(record), ...nameServersOf(record), ...cgroups.flatMap(processesIn)];
      for (const pid of pids) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // Ended meanwhile.
        }
      }
      return pids.length === 0;
    },
    { timeoutMs: 20_000 },
  );
  unmountBelow(record.execRoot);
  unmountBelow(record.dataRoot);
  for (const cgroup of cgroups) removeCgroup(cgroup);
  removeNetwork(record);
  if (!record.keepData) rmSync(record.dataRoot, { recursive: true, force: true });
  rmSync(join(record.execRoot, '..'), { recursive: true, force: true, maxRetries: 5 });
  dropRecord(record);
}

/**
 * containerd, shims and port proxies of Docker, or monitors of Podman, of this engine, told by its own folder on their command line.
 * @param {EngineRecord} record
 * @returns {number[]}
 */
function helpersOf(record) {
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      const argv = readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0');
      const program = argv[0] ?? '';
      const ours = argv.some((word) => word.includes(`${record.execRoot}/`));
      return ours &&
        /containerd|dockerd|docker-proxy|runc|crun|conmon|podman/.test(program) &&
        startTimeOf(Number(entry))
        ? [Number(entry)]
        : [];
    } catch {
      return [];
    }
  });
}

/**
 * Podman's name server says on no command line whose it is, but it is in the engine's own network.
 * @param {EngineRecord} record
 * @returns {number[]}
 */
function nameServersOf(record) {
  if (record.program !== 'podman') return [];
  const inside = capture('ip', ['netns', 'pids', networkOf(record.index).namespace]).stdout;
  return inside
    .split('\n')
    .filter((pid) => pid !== '' && commandOf(pid) === 'aardvark-dns')
    .map(Number);
}

/**
 * @param {string} pid
 * @returns {string} '' once it has ended
 */
function commandOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return '';
  }
}

/**
 * @param {string} parent
 * @returns {string[]} the folders of that cgroup, one per hierarchy
 */
function cgroupsOf(parent) {
  const top = '/sys/fs/cgroup';
  return ['', ...readdirSync(top)].map((part) => join(top, part, parent)).filter((folder) => isFolder(folder));
}

/**
 * @param {string} path
 * @returns {boolean}
 */
function isFolder(path) {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/**
 * @param {string} folder of a cgroup
 * @returns {number[]} all processes in it and below
 */
function processesIn(folder) {
  try {
    const own = readFileSync(join(folder, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean).map(Number);
    const below = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return [...own.filter((pid) => pid > 1), ...below.flatMap((entry) => processesIn(join(folder, entry.name)))];
  } catch {
    return [];
  }
}

/**
 * @param {string} folder of a cgroup without processes
 */
function removeCgroup(folder) {
  try {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) removeCgroup(join(folder, entry.name));
    }
    rmdirSync(folder);
  } catch {
    // A process in it has not been reaped yet; an empty cgroup costs nothing.
  }
}

/**
 * @param {string} folder
 */
function unmountBelow(folder) {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((place) => place === folder || place.startsWith(`${folder}/`));
  for (const place of mounts.reverse()) capture('umount', ['-l', place]);
}
