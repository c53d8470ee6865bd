/** One tier on disk: the period in the making as frames, older ones as sealed blocks. A file's name says what it holds. */
import { DamagedError } from '../../../base/bytes';
import type { Log } from '../../../base/log';
import type { Codec, FileDisk } from '../../disk';
import { blockHead, decodePart, encodeBlock, readBlockHead, readParts, type Part } from './block';
import type { PartCache } from './cache';
import { encodeFrame, replay, type Numbers } from './frames';
import { Period, type Columns, type Row } from './period';
import { periodBuckets } from './tiers';

export interface TierTools {
  files: FileDisk;
  codec: Codec;
  log: Log;
  cache: PartCache;
}

/** A period whose frames are in a file. */
interface HotFile {
  period: Period;
  name: FileName;
  numbers: Numbers;
  size: number;
  /** Its block is written and its file removed. */
  sealed: boolean;
}

interface SealedFile {
  name: FileName;
  size: number;
  head: Promise<{ parts: Part[]; base: number }> | undefined;
}

/** `t<step in seconds>-<start in seconds>-<serial>.<kind>`: two files may hold one period, since a clock can be set back. */
interface FileName {
  start: number;
  serial: number;
}

/** Frames are made durable so often, in milliseconds of buckets; a killed app loses nothing, a power cut this much. */
const syncEvery = 60_000;

export class Tier {
  private hot: HotFile | undefined;
  /** Finished periods that are not sealed yet, oldest first. */
  private sealing: HotFile[] = [];
  private sealed: SealedFile[] = [];
  private work: Promise<void> = Promise.resolve();
  private failing = false;
  private unsynced = 0;

  constructor(
    readonly step: number,
    private readonly tools: TierTools,
  ) {}

  private get span(): number {
    return this.step * periodBuckets;
  }

  get bytes(): number {
    const hot = this.hot ? [this.hot] : [];
    return [...this.sealed, ...this.sealing, ...hot].reduce((sum, file) => sum + file.size, 0);
  }

  /** Reads what is there: torn tails are cut, periods that a crash left unsealed are sealed. */
  async open(listed: readonly { name: string; size: number }[], now: number): Promise<void> {
    const pattern = new RegExp(`^t${this.step / 1000}-(\\d{1,13})-(\\d{1,6})\\.(hot|blk)$`);
    const found = listed.flatMap(({ name, size }) => {
      const [, start, serial, kind] = pattern.exec(name) ?? [];
      return kind ? [{ name: { start: Number(start) * 1000, serial: Number(serial) }, size, kind }] : [];
    });
    this.sealed = found.filter(({ kind }) => kind === 'blk').map(({ name, size }) => ({ name, size, head: undefined }));
    this.sealed.sort((one, other) => byName(one.name, other.name));
    const hots = found.filter(({ kind }) => kind === 'hot').sort((one, other) => byName(one.name, other.name));
    for (const { name, size } of hots) {
      const text = this.textOf(name, 'hot');
      // Sealed, and then killed before the frames were removed.
      if (this.sealed.some((file) => byName(file.name, name) === 0)) {
        await this.tools.files.remove(text);
        continue;
      }
      const { period, numbers, good } = await replay(
        this.tools.files,
        { name: text, size },
        { start: name.start, step: this.step },
      );
      if (good < size) {
        this.tools.log('warn', 'cut a torn tail of metrics', { file: text, bytes: size - good });
        await this.tools.files.truncate(text, good);
      }
      if (this.hot) this.sealing.push(this.hot);
      this.hot = { period, name, numbers, size: good, sealed: false };
    }
    const last = this.hot;
    if (last && (last.period.end <= now || last.period.start > now)) this.finish(last);
    if (this.sealing.length > 0) this.queue(() => this.seal());
  }

  /** Keeps a finished bucket. In memory at once; on disk soon after. */
  append(bucket: number, rows: readonly Row[]): void {
    const at = bucket * this.step;
    const start = Math.floor(at / this.span) * this.span;
    if (this.hot && this.hot.period.start !== start) {
      this.finish(this.hot);
      this.queue(() => this.seal());
    }
    const hot = (this.hot ??= this.begin(start));
    const index = Math.round((at - start) / this.step);
    for (const row of rows) hot.period.set(index, row);
    this.queue(() => this.write(hot, index, rows));
  }

  /** Calls `each` with the columns of a metric in files that touch `[from, to)`; what was written later counts. */
  async read(
    request: { metric: string; from: number; to: number },
    each: (start: number, columns: Columns) => void,
  ): Promise<void> {
    const { metric, from, to } = request;
    const touches = (start: number): boolean => start < to && start + this.span > from;
    // Taken together, since a period may be sealed while blocks are read.
    const sealed = this.sealed.filter(({ name }) => touches(name.start));
    const unsealed = [...this.sealing, ...(this.hot ? [this.hot] : [])].filter(({ name }) => touches(name.start));
    const found: { start: number; columns: Columns }[] = [];
    for (const file of sealed)
      for (const columns of await this.partOf(file, metric)) found.push({ start: file.name.start, columns });
    for (const { period } of unsealed)
      for (const columns of period.columns.values())
        if (columns.name.metric === metric) found.push({ start: period.start, columns });
    for (const { start, columns } of overlaid(found)) each(start, columns);
  }

  /** Names of all metrics in the tier's files. */
  async metrics(): Promise<Set<string>> {
    const names = new Set<string>();
    for (const file of [...this.sealed]) {
      try {
        for (const { metric } of (await this.headOf(file)).parts) names.add(metric);
      } catch (thrown) {
        this.blame(file, thrown);
      }
    }
    for (const { period } of [...this.sealing, ...(this.hot ? [this.hot] : [])])
      for (const { name } of period.columns.values()) names.add(name.metric);
    return names;
  }

  /** Removes blocks that end before `before`, and tries again to seal what could not be sealed. */
  prune(before: number): void {
    const old = this.sealed.filter((file) => file.name.start + this.span <= before);
    if (old.length > 0) {
      this.sealed = this.sealed.filter((file) => !old.includes(file));
      this.queue(async () => {
        for (const file of old) await this.tools.files.remove(this.textOf(file.name, 'blk'));
      });
    }
    if (this.sealing.length > 0) this.queue(() => this.seal());
  }

  /** Resolves when everything appended so far is on disk, or has failed aloud. */
  async flush(): Promise<void> {
    this.queue(async () => {
      if (this.hot && this.unsynced > 0) await this.tools.files.sync(this.textOf(this.hot.name, 'hot'));
    });
    await this.work;
  }

  private begin(start: number): HotFile {
    const serials = [...this.sealed, ...this.sealing]
      .filter(({ name }) => name.start === start)
      .map(({ name }) => name.serial);
    const serial = Math.max(-1, ...serials) + 1;
    return {
      period: new Period(start, this.step),
      name: { start, serial },
      numbers: new Map(),
      size: 0,
      sealed: false,
    };
  }

  private finish(hot: HotFile): void {
    this.sealing.push(hot);
    this.hot = undefined;
  }

  private async write(hot: HotFile, index: number, rows: readonly Row[]): Promise<void> {
    // A slow disk: sealing, which takes all from memory, was quicker.
    if (hot.sealed) return;
    const { bytes, fresh } = encodeFrame(index, rows, hot.numbers);
    const text = this.textOf(hot.name, 'hot');
    hot.size = await this.tools.files.append(text, bytes);
    for (const [key, number] of fresh) hot.numbers.set(key, number);
    this.unsynced += this.step;
    if (this.unsynced < syncEvery) return;
    this.unsynced = 0;
    await this.tools.files.sync(text);
  }

  private async seal(): Promise<void> {
    for (const hot of [...this.sealing]) {
      const text = this.textOf(hot.name, 'hot');
      if (hot.period.columns.size > 0) {
        const bytes = await encodeBlock(hot.period, this.tools.codec);
        await this.tools.files.write(this.textOf(hot.name, 'blk'), bytes);
        this.sealed.push({ name: hot.name, size: bytes.length, head: undefined });
        this.sealed.sort((one, other) => byName(one.name, other.name));
      }
      hot.sealed = true;
      this.sealing = this.sealing.filter((other) => other !== hot);
      await this.tools.files.remove(text);
    }
  }

  private async partOf(file: SealedFile, metric: string): Promise<Columns[]> {
    const text = this.textOf(file.name, 'blk');
    const key = `${text}/${metric}`;
    const known = this.tools.cache.get(key);
    if (known) return known;
    try {
      const { parts, base } = await this.headOf(file);
      const part = parts.find((one) => one.metric === metric);
      if (!part) return [];
      const bytes = await this.tools.files.read(text, base + part.offset, part.length);
      const columns = await decodePart(part, bytes, this.tools.codec);
      this.tools.cache.set(key, columns);
      return columns;
    } catch (thrown) {
      this.blame(file, thrown);
      return [];
    }
  }

  private headOf(file: SealedFile): Promise<{ parts: Part[]; base: number }> {
    file.head ??= (async () => {
      const text = this.textOf(file.name, 'blk');
      const { length, crc } = readBlockHead(await this.tools.files.read(text, 0, blockHead));
      return { parts: readParts(await this.tools.files.read(text, blockHead, length), crc), base: blockHead + length };
    })();
    file.head.catch(() => undefined); // told to whoever awaits it
    return file.head;
  }

  /** A damaged block is a gap on the chart, said once, and not an error of the whole question. */
  private blame(file: SealedFile, thrown: unknown): void {
    if (!this.sealed.includes(file)) return; // removed by retention while it was read
    const damaged = thrown instanceof DamagedError || thrown instanceof SyntaxError;
    if (damaged) this.sealed = this.sealed.filter((other) => other !== file);
    else file.head = undefined;
    this.tools.log('warn', 'a block of metrics cannot be read', {
      file: this.textOf(file.name, 'blk'),
      reason: String(thrown),
    });
  }

  /** One piece of disk work after another. A failure is said once until something works again; memory still has the values. */
  private queue(work: () => Promise<void>): void {
    this.work = this.work.then(work).then(
      () => {
        this.failing = false;
      },
      (thrown: unknown) => {
        if (!this.failing)
          this.tools.log('error', 'metrics cannot be written', { step: this.step, reason: String(thrown) });
        this.failing = true;
      },
    );
  }

  private textOf({ start, serial }: FileName, kind: 'hot' | 'blk'): string {
    return `t${this.step / 1000}-${start / 1000}-${serial}.${kind}`;
  }
}

function byName(one: FileName, other: FileName): number {
  return one.start - other.start || one.serial - other.serial;
}

/** Where a clock was set back, two files have one stretch: of two values for one bucket the one written later counts. */
function overlaid(found: readonly { start: number; columns: Columns }[]): { start: number; columns: Columns }[] {
  const byPlace = new Map<string, { start: number; columns: Columns }>();
  for (const { start, columns } of found) {
    const key = `${start} ${columns.name.key}`;
    const under = byPlace.get(key)?.columns;
    byPlace.set(key, { start, columns: under ? overlay(under, columns) : columns });
  }
  return [...byPlace.values()];
}

function overlay(under: Columns, over: Columns): Columns {
  const pick = (field: 'average' | 'minimum' | 'maximum'): Float32Array =>
    over[field].map((value, index) => (Number.isNaN(over.average[index]) ? (under[field][index] as number) : value));
  return { name: over.name, average: pick('average'), minimum: pick('minimum'), maximum: pick('maximum') };
}
