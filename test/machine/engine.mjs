/**
 * A private engine, Docker's or Podman's: its own daemon, data, bridge, cgroup and (when another daemon already has this machine's
 * network) its own network namespace. It never touches an engine of the user's, and everything it made is removed at
 * the end, also when the process that wanted it crashed: a watcher waits for that process's end, and every later start
 * sweeps what is left.
 *
 *   node test/machine/engine.mjs up   [--name NAME] [--own-network] [--podman]   starts one (or finds it), prints its environment
 *   node test/machine/engine.mjs env  [--name NAME]                              prints it again
 *   node test/machine/engine.mjs down [--name NAME]                              ends it and removes everything
 *   node test/machine/engine.mjs list | sweep
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { answers } from './api.mjs';
import { EngineUnavailable, endDaemon, startDaemon } from './daemon.mjs';
import { removeEngine } from './engine-removal.mjs';
import { buildImages, importImages } from './images.mjs';
import {
  addressesAreFree,
  enter,
  firewallNow,
  hostHasDaemon,
  makeNetwork,
  networkOf,
  openNetwork,
} from './network.mjs';
import { say } from './place.mjs';
import { podmanService, whyNoPodman } from './podman.mjs';
import { isLinuxRoot, startTimeOf, waitFor, which } from './processes.mjs';
import {
  daemonLives,
  isAbandoned,
  readRecord,
  readRecords,
  recordsFolder,
  releaseIndex,
  takeIndex,
  writeRecord,
} from './records.mjs';

export { EngineUnavailable } from './daemon.mjs';

/** @typedef {import('./records.mjs').EngineRecord} EngineRecord */

/**
 * @typedef {object} EngineOptions
 * @property {string} name letters, digits and dashes; one engine per name on a machine
 * @property {boolean} [hostNetwork] true demands this machine's own network namespace, false a separate one; unset takes
 *   the host's unless a daemon already runs there
 * @property {boolean} [liveRestore] containers outlive the daemon
 * @property {boolean} [persistent] stays after this process has ended
 * @property {string} [dataRoot] where images and containers are kept; given, it outlives the engine
 * @property {string[]} [daemonArguments] more flags for dockerd
 * @property {'docker' | 'podman'} [program] what runs it; Podman always has a network namespace of its own
 */

/**
 * @typedef {object} PrivateEngine
 * @property {string} name
 * @property {string} socket path of its Unix socket
 * @property {string} dockerHost the same as DOCKER_HOST wants it
 * @property {string} address where published ports are reached from this machine's own namespace
 * @property {boolean} hostNetwork
 * @property {string} dataRoot
 * @property {string} execRoot
 * @property {string} cgroupParent
 * @property {string} log path of the daemon's log
 * @property {() => number} pid of the daemon now; 0 while it is down
 * @property {() => Promise<void>} stop ends it and removes everything (data given by the caller is kept)
 * @property {() => Promise<void>} restart asks the daemon to end, waits, and starts it again
 * @property {() => Promise<void>} kill ends the daemon at once (SIGKILL), leaving whatever that leaves
 * @property {() => Promise<void>} start starts a daemon that is down
 * @property {(argv: string[]) => string[]} runInNamespace the argv that runs a program where published ports are on localhost
 */

/** Packages of Debian that a private engine needs. */
export const ENGINE_PACKAGES = ['docker.io', 'iptables', 'iproute2', 'tini'];

/**
 * @param {EngineOptions['program']} [program]
 * @returns {string | undefined} what stands against a private engine on this machine; undefined when nothing does
 */
export function whyNoPrivateEngine(program = 'docker') {
  if (process.platform !== 'linux') return 'A private Docker engine needs Linux: start Docker Desktop instead.';
  if (!isLinuxRoot()) return 'A private Docker engine needs root: start Docker, or run this as root.';
  for (const needed of [...(program === 'docker' ? ['dockerd'] : []), 'ip', 'iptables', 'nsenter']) {
    if (!which(needed)) return `A private engine needs the program ${needed}: install ${ENGINE_PACKAGES.join(' ')}.`;
  }
  return program === 'podman' ? whyNoPodman() : undefined;
}

/**
 * Starts a private engine with the project's images in it.
 * @param {EngineOptions} options
 * @returns {Promise<PrivateEngine>}
 * @throws {EngineUnavailable} when this machine cannot run one
 */
export async function startPrivateEngine(options) {
  const why = whyNoPrivateEngine(options.program);
  if (why) throw new EngineUnavailable(why);
  if (!/^[a-z0-9][a-z0-9-]{0,30}$/.test(options.name))
    throw new EngineUnavailable(`${options.name} is no engine name.`);
  await sweepEngines();
  // Somebody else may be starting the same one right now.
  await waitFor(() => !readRecord(options.name)?.preparedBy, { timeoutMs: 90_000, everyMs: 200 });
  const known = readRecord(options.name);
  if (known && daemonLives(known) && (await answers(known.socket))) {
    if (!known.owner) return handleOf(known);
    throw new EngineUnavailable(`The private engine ${known.name} is in use by process ${known.owner.pid}.`);
  }
  if (known) await removeEngine(known);
  buildImages();
  const record = prepare(options);
  writeRecord(record);
  try {
    makeNetwork(record);
    await startDaemon(record);
    if (!record.hostNetwork) openNetwork(record.index, record.program);
    await importImages(record.socket, record.dataRoot);
    record.preparedBy = null;
    writeRecord(record);
    if (record.owner) watch(record.owner.pid);
    return handleOf(record);
  } catch (error) {
    await removeEngine(record).catch((left) => say(`What was started could not all be removed: ${left.message}`));
    throw error;
  }
}

/**
 * A handle for an engine that another process started.
 * @param {string} name
 * @returns {PrivateEngine | undefined}
 */
export function findPrivateEngine(name) {
  const record = readRecord(name);
  return record && !record.preparedBy && daemonLives(record) ? handleOf(record) : undefined;
}

/** Removes every engine whose owner is gone. @returns {Promise<void>} */
export async function sweepEngines() {
  for (const record of readRecords()) {
    if (isAbandoned(record)) await removeEngine(record);
  }
  // A process that died between taking a number and writing its record leaves the number; it is free after a minute.
  const used = new Set(readRecords().map((record) => `index-${record.index}`));
  for (const entry of readdirSync(recordsFolder())) {
    if (!entry.startsWith('index-') || used.has(entry)) continue;
    if (Date.now() - statSync(join(recordsFolder(), entry)).mtimeMs > 60_000) releaseIndex(Number(entry.slice(6)));
  }
}

/**
 * @param {EngineOptions} options
 * @returns {EngineRecord}
 */
function prepare(options) {
  const hostTaken = hostHasDaemon() || readRecords().some((record) => record.hostNetwork);
  if (options.hostNetwork && hostTaken) {
    throw new EngineUnavailable('A Docker daemon already runs in this network namespace: use it, or end it first.');
  }
  const hostNetwork = options.program !== 'podman' && (options.hostNetwork ?? !hostTaken);
  const preferred = options.dataRoot
    ? 20 + ((createHash('md5').update(options.name).digest()[0] ?? 0) % 20)
    : undefined;
  const index = takeIndex(addressesAreFree, preferred);
  const net = networkOf(index);
  const root = join(tmpdir(), 'pilothouse-engines', `${options.name}.d`);
  rmSync(root, { recursive: true, force: true });
  const dataRoot = options.dataRoot ?? join(root, 'data');
  const execRoot = join(root, 'run');
  mkdirSync(dataRoot, { recursive: true });
  mkdirSync(execRoot, { recursive: true });
  const socket = join(root, 'docker.sock');
  const cgroupParent = `/pilothouse-${options.name}`;
  const program = options.program ?? 'docker';
  const daemon =
    program === 'podman'
      ? podmanService({ root, socket, dataRoot, execRoot, prefix: net.prefix })
      : dockerd(options, { root, socket, dataRoot, execRoot, cgroupParent, net });
  const self = { pid: process.pid, startTime: startTimeOf(process.pid) ?? '' };
  return {
    name: options.name,
    program,
    owner: options.persistent ? null : self,
    preparedBy: self,
    index,
    hostNetwork,
    address: hostNetwork ? '127.0.0.1' : net.ownAddress,
    socket,
    dataRoot,
    keepData: options.dataRoot !== undefined,
    execRoot,
    cgroupParent,
    log: join(root, 'log'),
    argv: hostNetwork ? daemon : [...enter(net.namespace), ...daemon],
    pid: 0,
    daemonStart: '',
    ...firewallNow(),
  };
}

/**
 * @param {EngineOptions} options
 * @param {{ root: string, socket: string, dataRoot: string, execRoot: string, cgroupParent: string,
 *   net: ReturnType<typeof networkOf> }} place
 * @returns {string[]}
 */
function dockerd(options, { root, socket, dataRoot, execRoot, cgroupParent, net }) {
  // Our own empty settings: /etc/docker/daemon.json is for the machine's engine.
  const settings = join(root, 'daemon.json');
  writeFileSync(settings, '{}');
  const tini = which('tini-static') ?? which('tini');
  return [
    ...['dockerd', '--host', `unix://${socket}`, '--data-root', dataRoot, '--exec-root', execRoot],
    ...['--pidfile', join(root, 'dockerd.pid'), '--config-file', settings],
    ...['--bridge', net.bridge, '--default-address-pool', net.pool],
    ...['--cgroup-parent', cgroupParent, '--exec-opt', 'native.cgroupdriver=cgroupfs'],
    ...(tini ? ['--init-path', tini] : []),
    ...(options.liveRestore ? ['--live-restore'] : []),
    ...(options.daemonArguments ?? []),
  ];
}

/**
 * @param {EngineRecord} record
 * @returns {PrivateEngine}
 */
function handleOf(record) {
  // Several processes may hold a handle of one engine and restart it, so the facts are read anew.
  const now = () => readRecord(record.name) ?? { ...record, pid: 0 };
  return {
    name: record.name,
    socket: record.socket,
    dockerHost: `unix://${record.socket}`,
    address: record.address,
    hostNetwork: record.hostNetwork,
    dataRoot: record.dataRoot,
    execRoot: record.execRoot,
    cgroupParent: record.cgroupParent,
    log: record.log,
    pid: () => now().pid,
    stop: () => removeEngine(now()),
    restart: async () => {
      const current = now();
      await endDaemon(current, 'SIGTERM');
      await startDaemon(current);
    },
    kill: () => endDaemon(now(), 'SIGKILL'),
    start: () => startDaemon(now()),
    runInNamespace: (argv) => (record.hostNetwork ? argv : [...enter(networkOf(record.index).namespace), ...argv]),
  };
}

/**
 * Leaves a small process behind that waits for the end of `pid` and then sweeps.
 * @param {number} pid
 */
function watch(pid) {
  const script = 'while kill -0 "$1" 2>/dev/null; do sleep 1; done; exec "$2" "$3" sweep';
  const argv = ['-c', script, 'sh', String(pid), process.execPath, fileURLToPath(import.meta.url)];
  spawn('/bin/sh', argv, { detached: true, stdio: 'ignore' }).unref();
}

/**
 * @param {PrivateEngine} engine
 * @returns {string} lines for a shell to evaluate
 */
function environmentOf(engine) {
  return [
    `export DOCKER_HOST=${engine.dockerHost}`,
    `export PILOTHOUSE_TEST_ENGINE=${engine.name}`,
    `export PILOTHOUSE_TEST_ADDRESS=${engine.address}`,
    '',
  ].join('\n');
}

/**
 * @param {string[]} argv
 * @returns {Promise<number>} exit code
 */
async function main(argv) {
  const at = argv.indexOf('--name');
  const name = at >= 0 ? (argv[at + 1] ?? '') : 'dev';
  const engine = findPrivateEngine(name);
  switch (argv[0]) {
    case 'up': {
      const hostNetwork = argv.includes('--own-network') ? false : undefined;
      const liveRestore = argv.includes('--live-restore');
      const program = argv.includes('--podman') ? 'podman' : 'docker';
      const wanted = { name, hostNetwork, liveRestore, program, persistent: true };
      const started = engine ?? (await startPrivateEngine(/** @type {EngineOptions} */ (wanted)));
      process.stdout.write(environmentOf(started));
      return 0;
    }
    case 'env':
      if (engine) process.stdout.write(environmentOf(engine));
      else say(`No private engine ${name} runs. Start it: node test/machine/engine.mjs up --name ${name}`);
      return engine ? 0 : 1;
    case 'down': {
      const record = readRecord(name);
      if (record) await removeEngine(record);
      return 0;
    }
    case 'sweep':
      await sweepEngines();
      return 0;
    case 'list':
      for (const record of readRecords()) {
        const state = daemonLives(record) ? `pid ${record.pid}` : 'down';
        const owner = record.owner ? `process ${record.owner.pid}` : 'nobody';
        process.stdout.write(
          `${record.name}  ${state}  ${record.address}  unix://${record.socket}  owned by ${owner}\n`,
        );
      }
      return 0;
    default:
      say('engine.mjs up | env | down | list | sweep   [--name NAME] [--own-network] [--live-restore] [--podman]');
      return 2;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  main(process.argv.slice(2)).then(
    (code) => process.exit(code),
    (error) => {
      say(error instanceof Error ? error.message : String(error));
      process.exit(1);
    },
  );
}
