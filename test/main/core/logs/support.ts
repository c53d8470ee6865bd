/** Things the log tests share: files that can crash, a codec, lines by the thousand. */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { seeded, type Random } from '../../../../src-main/base/random';
import type { Codec, FileDisk, TextCodec } from '../../../../src-main/core/disk';
import type { AppendBatch, IntakeState, SourceHandle } from '../../../../src-main/core/logs/ingest/intake';
import { Intake } from '../../../../src-main/core/logs/ingest/intake';
import type { LogSource } from '../../../../src-main/core/logs/line';
import { openLogStore, type LogStore, type VaultSizes } from '../../../../src-main/core/logs';
import { FakeClock } from '../../../support/clock';

export const codec: Codec = {
  compress: (bytes) => Promise.resolve(new Uint8Array(deflateRawSync(bytes, { level: 1 }))),
  decompress: (bytes) => Promise.resolve(new Uint8Array(inflateRawSync(bytes))),
};

export const text: TextCodec = {
  encode: (value) => new Uint8Array(Buffer.from(value, 'utf8')),
  decode: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'),
  holds: (bytes, value) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(value),
};

interface MemoryFile {
  bytes: Uint8Array;
  synced: number;
}

/** Files in memory. What was appended survives `killed()`; `powerCut()` tears everything after the last sync at a random place. */
export class CrashingFiles implements FileDisk {
  private readonly files = new Map<string, MemoryFile>();
  /** Called before each change; throwing makes it fail, a number makes an append fail after so many bytes. */
  fault: ((verb: string, name: string) => number | undefined) | undefined;

  list(): Promise<{ name: string; size: number }[]> {
    return Promise.resolve([...this.files].map(([name, file]) => ({ name, size: file.bytes.length })));
  }

  append(name: string, bytes: Uint8Array): Promise<number> {
    return this.run(() => {
      const file = this.files.get(name) ?? { bytes: new Uint8Array(0), synced: 0 };
      const torn = this.fault?.('append', name);
      const part = torn === undefined ? bytes : bytes.subarray(0, torn);
      const grown = new Uint8Array(file.bytes.length + part.length);
      grown.set(file.bytes);
      grown.set(part, file.bytes.length);
      file.bytes = grown;
      this.files.set(name, file);
      if (torn !== undefined) throw new Error('no space left');
      return grown.length;
    });
  }

  sync(name: string): Promise<void> {
    return this.run(() => {
      this.fault?.('sync', name);
      const file = this.files.get(name);
      if (file) file.synced = file.bytes.length;
    });
  }

  read(name: string, offset: number, length: number): Promise<Uint8Array> {
    return this.run(() => {
      const file = this.files.get(name);
      if (!file) throw new Error(`there is no ${name}`);
      return file.bytes.slice(offset, offset + length);
    });
  }

  write(name: string, bytes: Uint8Array): Promise<void> {
    return this.run(() => {
      this.fault?.('write', name);
      this.files.set(name, { bytes: bytes.slice(), synced: bytes.length });
    });
  }

  truncate(name: string, size: number): Promise<void> {
    return this.run(() => {
      this.fault?.('truncate', name);
      const file = this.files.get(name);
      if (!file) throw new Error(`there is no ${name}`);
      file.bytes = file.bytes.slice(0, size);
      file.synced = Math.min(file.synced, size);
    });
  }

  remove(name: string): Promise<void> {
    return this.run(() => {
      this.fault?.('remove', name);
      this.files.delete(name);
    });
  }

  /** The disk as the next process finds it after this one was killed now. */
  killed(): CrashingFiles {
    const next = new CrashingFiles();
    for (const [name, file] of this.files) next.files.set(name, { bytes: file.bytes.slice(), synced: file.synced });
    return next;
  }

  /** The disk after the power went: unsynced bytes end anywhere, and the last of them may be garbage. */
  powerCut(random: Random): CrashingFiles {
    const next = new CrashingFiles();
    for (const [name, file] of this.files) {
      const size = file.synced + Math.floor(random() * (file.bytes.length - file.synced + 1));
      const bytes = file.bytes.slice(0, size);
      if (size > file.synced && random() < 0.5) bytes[size - 1] = Math.floor(random() * 256);
      if (size > 0) next.files.set(name, { bytes, synced: size });
    }
    return next;
  }

  /** Flips one byte. */
  damage(name: string, at: number): void {
    const file = this.files.get(name);
    const byte = file?.bytes[at];
    if (file && byte !== undefined) file.bytes[at] = byte ^ 0xff;
  }

  private async run<T>(work: () => T): Promise<T> {
    await Promise.resolve();
    return work();
  }
}

export const smallSizes: VaultSizes = { block: 2000, log: 12_000, carry: 700, carryTotal: 2500 };

export function sourceOf(over: Partial<LogSource> = {}): LogSource {
  return { container: 'c1', stack: 'shop', service: 'web', slot: 1, generation: 1, revision: 1, ...over };
}

/** A store on memory files, and a way to put lines into it. */
export class Bench {
  readonly handles = new Map<string, SourceHandle>();

  private constructor(
    readonly store: LogStore,
    readonly intake: Intake,
    readonly files: CrashingFiles,
    readonly clock: FakeClock,
  ) {}

  static async open(
    options: { files?: CrashingFiles; sizes?: VaultSizes; clock?: FakeClock; bytes?: number; age?: number } = {},
  ): Promise<Bench> {
    const files = options.files ?? new CrashingFiles();
    const clock = options.clock ?? new FakeClock();
    const budget = { bytes: options.bytes ?? 1e9, age: options.age ?? 1e12 };
    const store = await openLogStore({ files, codec, text, clock, budget, sizes: options.sizes ?? smallSizes });
    const state: IntakeState = await store.state();
    const intake = new Intake({ clock, state, append: (batch: AppendBatch) => store.append(batch) });
    return new Bench(store, intake, files, clock);
  }

  put(source: LogSource, line: { time: number; flags?: number; text: string }): void {
    this.intake.add(this.intake.source(source), { flags: 0, ...line });
  }

  async close(): Promise<void> {
    await this.intake.flush();
    this.intake.dispose();
    await this.store.close();
  }
}

export const never = { aborted: false, addEventListener: () => undefined, removeEventListener: () => undefined };

/** The real logs beside the project, or undefined when they are not here. */
export function sharedLogs(): { name: string; lines: string[] }[] | undefined {
  const root = process.env['PILOTHOUSE_SHARED_DATA'] ?? resolve(import.meta.dirname, '../../../../../shared/data');
  const folder = join(root, 'logs');
  if (!existsSync(folder)) return undefined;
  return readdirSync(folder)
    .filter((name) => name.endsWith('.log'))
    .map((name) => ({
      name,
      lines: readFileSync(join(folder, name), 'utf8')
        .split(/\r?\n/)
        .filter((line) => line !== ''),
    }));
}

const verbs = ['opened', 'closed', 'refused', 'timeout', 'error', 'Warning', 'ERROR'];
const things = ['connection', 'order', 'session', 'block', 'user', 'Заказ', '错误'];

/** A plausible line; equal seeds give equal lines. */
export function makeLine(random: Random): string {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const id = Math.floor(random() * 40);
  switch (Math.floor(random() * 6)) {
    case 0:
      return JSON.stringify({
        level: pick(['info', 'warn', 'error']),
        msg: `${pick(things)} ${pick(verbs)}`,
        id,
        took: `${id}ms`,
      });
    case 1:
      return `level=${pick(['info', 'debug'])} msg="${pick(things)} ${pick(verbs)}" id=${id} path=/api/${pick(things)}`;
    case 2:
      return `\u001b[3${id % 8}m${pick(['INFO', 'WARN', 'ERROR'])}\u001b[0m ${pick(things)}-${id} ${pick(verbs)}`;
    case 3:
      return `10.0.0.${id} - - [10/Oct/2000:13:55:36 -0700] "GET /${pick(things)} HTTP/1.1" ${pick([200, 404, 503])} ${id}`;
    case 4:
      return `${pick(things)}: ${pick(verbs)} ${pick(verbs)}\n    at ${pick(things)}.run(${id})`;
    default:
      return `${pick(things)}_${id} ${pick(verbs)} by ${pick(things)}`;
  }
}

export { seeded };
