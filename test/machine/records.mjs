/**
 * What is written down about each private engine, so that any later process can end it completely: the one that started
 * it may have crashed. One JSON file per engine in a folder that only we may write.
 */
import { lstatSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTimeOf } from './processes.mjs';

/**
 * @typedef {{ pid: number, startTime: string }} Owner the process an engine ends with
 * @typedef {object} EngineRecord
 * @property {string} name
 * @property {'docker' | 'podman'} program
 * @property {Owner | null} owner null: it stays until somebody ends it by name
 * @property {Owner | null} preparedBy the process that is still putting images into it; null once it is ready for use
 * @property {number} index picks the engine's addresses: 10.(210 + index).0.0/16
 * @property {boolean} hostNetwork
 * @property {string} address where published ports are reached from this machine's own namespace
 * @property {string} socket
 * @property {string} dataRoot
 * @property {boolean} keepData
 * @property {string} execRoot
 * @property {string} cgroupParent
 * @property {string} log
 * @property {string[]} argv what runs the daemon, program first
 * @property {number} pid of the daemon, 0 while it is down
 * @property {string} daemonStart when that daemon began
 * @property {string} forwardPolicy the host's FORWARD policy before us
 * @property {boolean} foreignChains whether Docker's firewall chains were there before us
 */

/**
 * The folder of all records. Refuses one that another user may have prepared.
 * @returns {string}
 */
export function recordsFolder() {
  const folder = join(tmpdir(), 'pilothouse-engines');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== process.getuid?.()) throw new Error(`${folder} belongs to somebody else`);
  return folder;
}

/**
 * @param {EngineRecord} record
 */
export function writeRecord(record) {
  const file = join(recordsFolder(), `${record.name}.json`);
  writeFileSync(`${file}.part`, JSON.stringify(record, null, 2), { mode: 0o600 });
  renameSync(`${file}.part`, file);
}

/**
 * @param {string} name
 * @returns {EngineRecord | undefined}
 */
export function readRecord(name) {
  try {
    return JSON.parse(readFileSync(join(recordsFolder(), `${name}.json`), 'utf8'));
  } catch {
    return undefined;
  }
}

/** @returns {EngineRecord[]} */
export function readRecords() {
  return readdirSync(recordsFolder())
    .filter((file) => file.endsWith('.json'))
    .flatMap((file) => readRecord(file.slice(0, -'.json'.length)) ?? []);
}

/**
 * @param {EngineRecord} record
 */
export function dropRecord(record) {
  rmSync(join(recordsFolder(), `${record.name}.json`), { force: true });
  releaseIndex(record.index);
}

/**
 * Takes the lowest free number; making a folder is the atomic step, so two processes never get the same one.
 * @param {(index: number) => boolean} isFree whether its addresses are
 * @param {number} [preferred] an engine whose data outlives it wants the addresses again that its networks have
 * @returns {number}
 */
export function takeIndex(isFree, preferred) {
  const numbers = Array.from({ length: 40 }, (_, index) => index);
  for (const index of preferred === undefined ? numbers : [preferred, ...numbers]) {
    try {
      mkdirSync(join(recordsFolder(), `index-${index}`));
    } catch {
      continue; // Taken by an engine that still lives.
    }
    if (isFree(index)) return index;
    releaseIndex(index);
  }
  throw new Error('40 private engines are running already');
}

/**
 * @param {number} index
 */
export function releaseIndex(index) {
  rmSync(join(recordsFolder(), `index-${index}`), { recursive: true, force: true });
}

/**
 * @param {EngineRecord} record
 * @returns {boolean} whether the process it was to end with, or that was to make it ready, is gone
 */
export function isAbandoned(record) {
  return [record.owner, record.preparedBy].some((process) => process && !lives(process));
}

/**
 * @param {Owner} owner
 * @returns {boolean}
 */
function lives(owner) {
  return startTimeOf(owner.pid) === owner.startTime;
}

/**
 * @param {EngineRecord} record
 * @returns {boolean} whether its daemon is the process we started, and lives
 */
export function daemonLives(record) {
  return record.pid > 0 && startTimeOf(record.pid) === record.daemonStart;
}
