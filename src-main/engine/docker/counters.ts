/** Reads one container's counters from the kernel's files: some twenty times cheaper than asking the engine for them. */
import { closeSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { StatsSample } from '../../core/engine';
import type { CgroupFolders } from './cgroups';

/** Files that may stay open at once, over all containers; beyond that they are opened for each reading. */
const MOST_OPEN = 700;
let open = 0;

/** One buffer for all: readings are synchronous and never overlap. A file longer than this is cut at its end. */
const scratch = Buffer.allocUnsafe(64 * 1024);

/** A file that is read again and again from its start. */
class CounterFile {
  private descriptor: number | undefined;

  constructor(private readonly file: string) {}

  /** @throws when the file is gone: the container ended, or was restarted in a new group */
  read(): string {
    if (this.descriptor !== undefined) return readAt(this.descriptor);
    const descriptor = openSync(this.file, 'r');
    try {
      const text = readAt(descriptor);
      if (open >= MOST_OPEN) closeSync(descriptor);
      else this.keep(descriptor);
      return text;
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
  }

  close(): void {
    if (this.descriptor === undefined) return;
    closeSync(this.descriptor);
    this.descriptor = undefined;
    open -= 1;
  }

  private keep(descriptor: number): void {
    this.descriptor = descriptor;
    open += 1;
  }
}

function readAt(descriptor: number): string {
  return scratch.toString('latin1', 0, readSync(descriptor, scratch, 0, scratch.length, 0));
}

/** Memory limits of generation 1 without a limit are a number near 2^63. */
const NO_LIMIT = 2 ** 60;
/** A limit changes seldom; it is read every so many samples. */
const LIMIT_EVERY = 15;

/** One running container's counters. */
export class ContainerCounters {
  private readonly files: Record<'cpu' | 'memory' | 'stat', CounterFile>;
  /** These may not exist: a controller can be off, a network shared with the host. */
  private readonly others: Partial<Record<'quota' | 'block' | 'pids' | 'network' | 'limit', CounterFile>>;
  private readonly generation: 1 | 2;
  private readings = 0;
  private limit: number | undefined;

  /**
   * @param options.pid first process of the container; its network is read through it
   * @param options.ownNetwork false when the container uses the host's network, whose traffic is not its own
   * @param options.throttled whether the container has a CPU limit at all
   */
  constructor(
    private readonly id: string,
    folders: CgroupFolders,
    options: { pid: number; ownNetwork: boolean; throttled: boolean; root?: string },
  ) {
    const first = folders.generation === 1;
    this.generation = folders.generation;
    this.files = {
      cpu: new CounterFile(join(folders.cpu, first ? 'cpuacct.usage' : 'cpu.stat')),
      memory: new CounterFile(join(folders.memory, first ? 'memory.usage_in_bytes' : 'memory.current')),
      stat: new CounterFile(join(folders.memory, 'memory.stat')),
    };
    const network = join(options.root ?? '/', 'proc', String(options.pid), 'net/dev');
    this.others = {
      ...(first && options.throttled && folders.quota
        ? { quota: new CounterFile(join(folders.quota, 'cpu.stat')) }
        : {}),
      ...(folders.block
        ? {
            block: new CounterFile(
              join(folders.block, first ? 'blkio.throttle.io_service_bytes_recursive' : 'io.stat'),
            ),
          }
        : {}),
      ...(folders.pids ? { pids: new CounterFile(join(folders.pids, 'pids.current')) } : {}),
      ...(options.ownNetwork ? { network: new CounterFile(network) } : {}),
      limit: new CounterFile(join(folders.memory, first ? 'memory.limit_in_bytes' : 'memory.max')),
    };
  }

  /**
   * One sample.
   * @param now gives epoch milliseconds; asked right at the reading, since CPU use is a quotient of the two
   * @throws when the container's group is gone
   */
  sample(now: () => number): StatsSample {
    const first = this.generation === 1;
    const cpu = this.files.cpu.read();
    const at = now();
    const usage = Number(this.files.memory.read());
    const stat = this.files.stat.read();
    const inactive = valueOf(stat, first ? 'total_inactive_file' : 'inactive_file');
    const throttled = first ? this.readOther('quota') : cpu;
    const network = networkOf(this.readOther('network'));
    const block = (first ? blockOfFirst : blockOfSecond)(this.readOther('block'));
    if (this.readings % LIMIT_EVERY === 0) this.limit = limitOf(this.readOther('limit'));
    this.readings += 1;
    const throttledNanos = first ? valueOf(throttled, 'throttled_time') : valueOf(throttled, 'throttled_usec') * 1_000;
    return {
      id: this.id,
      at,
      cpuNanos: first ? Number(cpu) : valueOf(cpu, 'usage_usec') * 1_000,
      ...(throttled === '' ? {} : { cpuThrottledNanos: throttledNanos }),
      memory: Math.max(0, usage - inactive),
      ...(this.limit === undefined ? {} : { memoryLimit: this.limit }),
      networkRx: network.received,
      networkTx: network.sent,
      blockRead: block.read,
      blockWrite: block.written,
      pids: Number(this.readOther('pids')) || 0,
    };
  }

  close(): void {
    for (const file of [...Object.values(this.files), ...Object.values(this.others)]) file.close();
  }

  private readOther(name: keyof ContainerCounters['others']): string {
    const file = this.others[name];
    if (!file) return '';
    try {
      return file.read();
    } catch {
      // Not there on this machine, or the container is just ending: then the next reading of the CPU says so.
      file.close();
      if (name !== 'limit') delete this.others[name];
      return '';
    }
  }
}

/** The number after `key ` at the start of a line; 0 when there is none. */
export function valueOf(text: string, key: string): number {
  const at = text.startsWith(`${key} `) ? 0 : text.indexOf(`\n${key} `) + 1;
  if (at === 0 && !text.startsWith(`${key} `)) return 0;
  return parseInt(text.slice(at + key.length + 1, at + key.length + 24), 10) || 0;
}

function limitOf(text: string): number | undefined {
  const limit = Number(text.trim() || NaN);
  return limit > 0 && limit < NO_LIMIT ? limit : undefined;
}

/** Bytes over all interfaces but loopback, of `/proc/PID/net/dev`. */
export function networkOf(text: string): { received: number; sent: number } {
  let [received, sent] = [0, 0];
  for (const line of text.split('\n')) {
    const at = line.indexOf(':');
    if (at < 0 || line.slice(0, at).trim() === 'lo') continue;
    const columns = line
      .slice(at + 1)
      .trim()
      .split(/\s+/);
    received += Number(columns[0]) || 0;
    sent += Number(columns[8]) || 0;
  }
  return { received, sent };
}

/** `8:0 Read 4096` lines of generation 1. */
export function blockOfFirst(text: string): { read: number; written: number } {
  let [read, written] = [0, 0];
  for (const line of text.split('\n')) {
    const [, operation, bytes] = line.split(' ');
    if (operation === 'Read') read += Number(bytes) || 0;
    if (operation === 'Write') written += Number(bytes) || 0;
  }
  return { read, written };
}

/** `8:0 rbytes=4096 wbytes=0 …` lines of generation 2. */
export function blockOfSecond(text: string): { read: number; written: number } {
  const sum = (key: RegExp): number => [...text.matchAll(key)].reduce((total, [, bytes]) => total + Number(bytes), 0);
  return { read: sum(/\brbytes=(\d+)/g), written: sum(/\bwbytes=(\d+)/g) };
}
