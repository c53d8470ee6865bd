/** The daemon process of a private engine: started from its record, ended by a signal. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { answers } from './api.mjs';
import { startTimeOf, waitFor, which } from './processes.mjs';
import { daemonLives, writeRecord } from './records.mjs';

/** @typedef {import('./records.mjs').EngineRecord} EngineRecord */

/** Why no private engine can be started here, in one sentence that says what to do. */
export class EngineUnavailable extends Error {
  /** @override */
  name = 'EngineUnavailable';
}

/**
 * Starts the daemon of a record and waits until it answers.
 * @param {EngineRecord} record
 * @returns {Promise<void>}
 * @throws {EngineUnavailable} with the daemon's last words
 */
export async function startDaemon(record) {
  // A pid file that is left names a process id that somebody else may have by now; the daemon would refuse to start.
  rmSync(join(record.execRoot, '..', 'dockerd.pid'), { force: true });
  const log = openSync(record.log, 'a', 0o600);
  const [program = '', ...argv] = record.argv;
  // A session of its own: an interrupt at the terminal is for us, and we end the daemon in order.
  const child = spawn(which(program) ?? program, argv, { detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  child.on('error', () => undefined);
  child.unref();
  const pid = child.pid ?? 0;
  Object.assign(record, { pid, daemonStart: startTimeOf(pid) ?? '' });
  writeRecord(record);
  const up = await waitFor(async () => child.exitCode !== null || (await answers(record.socket)), {
    timeoutMs: 60_000,
  });
  if (!up || child.exitCode !== null) {
    const said = readFileSync(record.log, 'utf8').trim().split('\n').slice(-3).join(' / ');
    throw new EngineUnavailable(`The private engine did not start: ${said.slice(-600)}`);
  }
}

/**
 * Ends the daemon by a signal and waits until the next one can start.
 * @param {EngineRecord} record
 * @param {NodeJS.Signals} signal
 * @returns {Promise<void>}
 */
export async function endDaemon(record, signal) {
  const containerd = readNumber(join(record.execRoot, 'containerd', 'containerd.pid'));
  if (daemonLives(record)) process.kill(record.pid, signal);
  const gone = await waitFor(() => !daemonLives(record), { timeoutMs: signal === 'SIGKILL' ? 10_000 : 30_000 });
  if (!gone) throw new Error(`The Docker daemon ${record.pid} does not end after ${signal}.`);
  // containerd dies with a killed daemon. Until it is reaped the next daemon takes the zombie for a living one and gives up.
  if (containerd) await waitFor(() => !existsSync(`/proc/${containerd}`), { timeoutMs: 5_000 });
  record.pid = 0;
  writeRecord(record);
}

/**
 * @param {string} file
 * @returns {number} 0 when there is none
 */
function readNumber(file) {
  try {
    return Number(readFileSync(file, 'utf8')) || 0;
  } catch {
    return 0;
  }
}
