/** The log store itself: a write-ahead log, hot lanes in memory, sealed blocks on disk, a budget. One writer, many readers. */
import type { Clock } from '../../../base/clock';
import type { Disposable } from '../../../base/lifecycle';
import type { Codec, FileDisk, TextCodec } from '../../disk';
import type { ContainerCursor } from '../ingest/cursor';
import type { AppendBatch, IntakeState } from '../ingest/intake';
import type { Lane, LogSource } from '../line';
import type { Block, BlockMeta } from './block';
import { HotLane } from './hot';
import { Segments, type BlockEntry } from './segments';
import { readState, writeState, type VaultState } from './state';
import { encodeRecord, readRecords } from './wal';

export interface VaultOptions {
  files: FileDisk;
  codec: Codec;
  text: TextCodec;
  clock: Clock;
  budget: LogBudget;
  sizes?: Partial<VaultSizes>;
}

/** How much history is kept. */
export interface LogBudget {
  bytes: number;
  /** Milliseconds. */
  age: number;
}

/** The vault's measures in characters or bytes; tests make them small. */
export interface VaultSizes {
  /** A lane is sealed into a block at so many characters. */
  block: number;
  /** A write-ahead log is replaced at so many bytes. */
  log: number;
  /** Lanes smaller than this are carried into the next log instead of making tiny blocks. */
  carry: number;
  /** At most so many characters are carried. */
  carryTotal: number;
}

const defaultSizes: VaultSizes = {
  block: 256 * 1024,
  log: 16 * 1024 * 1024,
  carry: 64 * 1024,
  carryTotal: 4 * 1024 * 1024,
};

/** Something a search can read: a block on disk, or one in memory. */
export interface Stored {
  meta: BlockMeta;
  /** Certain answer "no" for a word hash, or "maybe". */
  filter: Uint8Array | undefined;
  read(): Promise<Block | undefined>;
  /** The block when it is in memory. */
  ready: Block | undefined;
}

const syncDelay = 1000;
const keepDelay = 10 * 60_000;
/** Decoded blocks kept for the next page, characters. */
const cacheSize = 24 * 1024 * 1024;
/** Lanes being sealed at once before writers wait. */
const mostSealing = 8;
const logPattern = /^wal-(\d{8})\.log$/;

/** Opens, appends, seals, forgets. */
export class Vault {
  private readonly lanes = new Map<number, Lane>();
  private readonly next = new Map<number, number>();
  private readonly sources = new Map<number, LogSource>();
  private readonly hot = new Map<number, HotLane>();
  private readonly sealing = new Map<Block, Promise<void>>();
  private readonly cursors = new Map<string, ContainerCursor>();
  private readonly cache = new Map<BlockEntry, Block>();
  private cachedSize = 0;
  private nextSource = 1;
  private log = 0;
  private logSize = 0;
  private logs: { number: number; size: number }[] = [];
  private described = { lanes: new Set<number>(), sources: new Set<number>() };
  private turn: Promise<void> = Promise.resolve();
  private sealTurn: Promise<void> = Promise.resolve();
  private sealProblem: unknown;
  private unsealed: Block[] = [];
  private dirty = false;
  private syncTimer: Disposable | undefined;
  private keepTimer: Disposable | undefined;
  private readonly sizes: VaultSizes;
  private budget: LogBudget;
  private closed = false;

  private constructor(
    private readonly options: VaultOptions,
    private readonly segments: Segments,
  ) {
    this.sizes = { ...defaultSizes, ...options.sizes };
    this.budget = options.budget;
  }

  /** Opens the store; what a crash tore is cut off, what it left unsealed is read back from the write-ahead logs. */
  static async open(options: VaultOptions): Promise<Vault> {
    const segments = await Segments.open(options, segmentBytes(options.budget));
    const vault = new Vault(options, segments);
    await vault.recover();
    vault.keepTimer = options.clock.timer(keepDelay, () => vault.keepSoon());
    return vault;
  }

  /** What the intake needs to go on: numbering and cursors. */
  state(): IntakeState {
    return {
      lanes: [...this.lanes.values()].map((lane) => ({ lane, next: this.next.get(lane.number) ?? 0 })),
      nextSource: this.nextSource,
      cursors: new Map([...this.cursors].map(([container, cursor]) => [container, { ...cursor }])),
    };
  }

  /** Bytes on disk. */
  get bytes(): number {
    return this.segments.bytes + this.logs.reduce((sum, log) => sum + log.size, 0) + this.logSize;
  }

  get budgetBytes(): number {
    return this.budget.bytes;
  }

  /** Blocks that could not be read back. */
  get damaged(): number {
    return this.segments.damaged;
  }

  /** Makes a batch durable against a crash of the process, then visible. Rejects, changing nothing, when it cannot. */
  append(batch: AppendBatch): Promise<void> {
    const done = this.turn.then(() => this.appendNow(batch));
    this.turn = done.catch(() => undefined);
    return done;
  }

  setBudget(budget: LogBudget): Promise<void> {
    this.budget = budget;
    this.segments.setSegmentBytes(segmentBytes(budget));
    return this.keep();
  }

  /** Every block whose facts pass, newest and oldest in no order. Filters of full segments are loaded when `words` are wanted. */
  async stored(passes: (meta: BlockMeta) => boolean, words: boolean): Promise<Stored[]> {
    const found: Stored[] = [];
    for (const segment of [...this.segments.list]) {
      const entries = segment.entries.filter((entry) => passes(entry.meta));
      if (entries.length === 0) continue;
      if (words && entries.length > 1 && !this.segments.hasFilters(segment)) await this.segments.loadFilters(segment);
      for (const entry of entries) found.push(this.storedEntry(entry));
    }
    for (const block of [...this.sealing.keys(), ...this.hotBlocks()])
      if (passes(block.meta)) found.push({ meta: block.meta, filter: undefined, ready: block, read: () => Promise.resolve(block) });
    return found;
  }

  /** Seals what is big enough, makes everything durable, and stops. The rest waits in the write-ahead log. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.syncTimer?.dispose();
    this.keepTimer?.dispose();
    await this.turn;
    await this.sealTurn;
    await this.sync();
    await this.saveState();
  }

  private storedEntry(entry: BlockEntry): Stored {
    const cached = this.cache.get(entry);
    return {
      meta: entry.meta,
      filter: this.segments.filterOf(entry),
      ready: cached,
      read: async () => {
        const known = this.cache.get(entry);
        if (known) {
          this.cache.delete(entry);
          this.cache.set(entry, known);
          return known;
        }
        const block = await this.segments.read(entry);
        if (block) this.remember(entry, block);
        return block;
      },
    };
  }

  private remember(entry: BlockEntry, block: Block): void {
    if (this.cache.has(entry)) return;
    this.cache.set(entry, block);
    this.cachedSize += block.meta.size;
    for (const [oldest, other] of this.cache) {
      if (this.cachedSize <= cacheSize) break;
      this.cache.delete(oldest);
      this.cachedSize -= other.meta.size;
    }
  }

  private hotBlocks(): Block[] {
    return [...this.hot.values()].filter((lane) => lane.count > 0).map((lane) => lane.block(this.sources));
  }

  private async appendNow(batch: AppendBatch): Promise<void> {
    if (this.sealing.size >= mostSealing) await Promise.race(this.sealing.values());
    for (const lane of batch.newLanes) this.lanes.set(lane.number, lane);
    for (const { number, source } of batch.newSources) this.learnSource(number, source);
    await this.writeLog(batch);
    this.take(batch);
    for (const own of batch.lanes) {
      const hot = this.hot.get(own.lane);
      if (hot && hot.size >= this.sizes.block) this.seal(hot);
    }
    if (this.logSize >= this.sizes.log) await this.turnLog();
    this.syncSoon();
  }

  private take(batch: AppendBatch): void {
    for (const own of batch.lanes) {
      const lane = this.lanes.get(own.lane);
      if (!lane) continue;
      const next = this.next.get(lane.number) ?? 0;
      const end = own.first + own.texts.length;
      if (end <= next) continue;
      let hot = this.hot.get(lane.number);
      if (hot && own.first > next) {
        // Ordinals in a block have no holes.
        this.seal(hot);
        hot = undefined;
      }
      if (!hot) {
        hot = new HotLane(lane, Math.max(next, own.first));
        this.hot.set(lane.number, hot);
      }
      hot.add(own);
      this.next.set(lane.number, end);
    }
    for (const { container, cursor } of batch.cursors) {
      const known = this.cursors.get(container);
      if (known) Object.assign(known, cursor);
      else this.cursors.set(container, { ...cursor });
    }
  }

  private learnSource(number: number, source: LogSource): void {
    this.sources.set(number, source);
    this.nextSource = Math.max(this.nextSource, number + 1);
  }

  /** Appends to the current log, together with every definition this log does not hold yet. */
  private async writeLog(batch: AppendBatch): Promise<void> {
    const lanes = new Set(batch.lanes.map((own) => own.lane));
    const sources = new Set(batch.lanes.flatMap((own) => [...new Set(own.sources)]));
    const newLanes = [...lanes].filter((number) => !this.described.lanes.has(number));
    const newSources = [...sources].filter((number) => !this.described.sources.has(number));
    const record = encodeRecord(
      {
        ...batch,
        newLanes: newLanes.flatMap((number) => this.lanes.get(number) ?? []),
        newSources: newSources.flatMap((number) => {
          const source = this.sources.get(number);
          return source ? [{ number, source }] : [];
        }),
      },
      this.options.text,
    );
    const name = logName(this.log);
    try {
      this.logSize = await this.options.files.append(name, record);
    } catch (thrown) {
      await this.mendLog(name);
      throw thrown;
    }
    for (const number of newLanes) this.described.lanes.add(number);
    for (const number of newSources) this.described.sources.add(number);
    this.dirty = true;
  }

  /** After a failed append half a record may stand at the end: cut it, or go on in a new file. */
  private async mendLog(name: string): Promise<void> {
    try {
      const files = await this.options.files.list();
      if (files.some((file) => file.name === name && file.size > this.logSize)) await this.options.files.truncate(name, this.logSize);
    } catch {
      this.logs.push({ number: this.log, size: this.logSize });
      this.startLog(this.log + 1);
    }
  }

  private startLog(number: number): void {
    this.log = number;
    this.logSize = 0;
    this.described = { lanes: new Set(), sources: new Set() };
  }

  private seal(hot: HotLane): void {
    if (this.hot.get(hot.lane.number) === hot) this.hot.delete(hot.lane.number);
    const block = hot.block(this.sources);
    const done = this.sealTurn.then(async () => {
      try {
        await this.segments.append(block);
        this.sealProblem = undefined;
      } catch (thrown) {
        // The lines stay readable in memory and safe in their log, which is not removed before they are sealed.
        this.sealProblem = thrown;
        this.unsealed.push(block);
        return;
      }
      this.sealing.delete(block);
    });
    this.sealing.set(block, done);
    this.sealTurn = done;
  }

  /** Starts a new log: small lanes are carried over, the others sealed; then the old ones are not needed any more. */
  private async turnLog(): Promise<void> {
    this.logs.push({ number: this.log, size: this.logSize });
    this.startLog(this.log + 1);
    const lanes = [...this.hot.values()].sort((left, right) => left.size - right.size);
    let carried = 0;
    const carry: HotLane[] = [];
    for (const hot of lanes) {
      if (hot.size < this.sizes.carry && carried + hot.size <= this.sizes.carryTotal) {
        carried += hot.size;
        carry.push(hot);
      } else this.seal(hot);
    }
    if (carry.length > 0)
      await this.writeLog({ newLanes: [], newSources: [], lanes: carry.map((hot) => hot.batch()), cursors: [] });
    await this.retryUnsealed();
    await this.sealTurn;
    if (this.unsealed.length > 0) return;
    await this.sync();
    await this.saveState();
    for (const { number } of this.logs.splice(0)) await this.options.files.remove(logName(number));
    await this.keep();
  }

  private async retryUnsealed(): Promise<void> {
    await this.sealTurn;
    for (const block of this.unsealed.splice(0)) {
      try {
        await this.segments.append(block);
        this.sealing.delete(block);
      } catch (thrown) {
        this.sealProblem = thrown;
        this.unsealed.push(block);
      }
    }
  }

  /** Why sealing failed last; undefined when all is well. */
  get problem(): unknown {
    return this.sealProblem;
  }

  private syncSoon(): void {
    if (this.closed) return;
    this.syncTimer ??= this.options.clock.timer(syncDelay, () => {
      this.syncTimer = undefined;
      this.turn = this.turn.then(() => this.sync()).catch(() => undefined);
    });
  }

  private async sync(): Promise<void> {
    if (!this.dirty) return;
    this.dirty = false;
    await this.options.files.sync(logName(this.log));
  }

  private keepSoon(): void {
    if (this.closed) return;
    this.keepTimer = this.options.clock.timer(keepDelay, () => this.keepSoon());
    this.turn = this.turn.then(() => this.keep()).catch(() => undefined);
  }

  /** Removes what is over the budget or too old, whole segments at a time, oldest first. */
  private async keep(): Promise<void> {
    let removed = true;
    while (removed && this.bytes > this.budget.bytes) removed = await this.segments.removeOldest();
    const oldest = this.options.clock.now() - this.budget.age;
    const tooOld = (entries: BlockEntry[], before: number): boolean =>
      entries.length > 0 && entries.every((entry) => entry.meta.to / 1000 < before);
    const active = this.segments.list.at(-1);
    // A file that fills for months would keep its oldest lines for months: close it early.
    if (active && !active.full && (active.entries[0]?.meta.to ?? Infinity) / 1000 < this.options.clock.now() - this.budget.age / 8)
      await this.segments.finishActive();
    // One a turn: a clock that jumps ahead for a moment must not empty the store.
    const first = this.segments.list[0];
    if (first?.full && tooOld(first.entries, oldest)) await this.segments.removeOldest();
  }

  private async saveState(): Promise<void> {
    const state: VaultState = {
      lanes: [...this.lanes.values()].map((lane) => ({ ...lane, next: this.next.get(lane.number) ?? 0 })),
      nextSource: this.nextSource,
      cursors: Object.fromEntries(this.cursors),
    };
    // A container silent for twice the age of the history has nothing left that could come twice.
    await writeState(this.options, state, this.options.clock.now() - 2 * this.budget.age);
  }

  private async recover(): Promise<void> {
    const { files, text } = this.options;
    const state = await readState(this.options);
    const floor = new Map<number, number>();
    this.nextSource = state.nextSource;
    for (const { next, ...lane } of state.lanes) {
      this.lanes.set(lane.number, lane);
      // The log may hold lines below the saved number that were carried over: blocks alone decide what is stored.
      this.next.set(lane.number, 0);
      floor.set(lane.number, next);
    }
    for (const [container, cursor] of Object.entries(state.cursors)) this.cursors.set(container, cursor);
    for (const segment of this.segments.list) {
      for (const { meta } of segment.entries) {
        this.lanes.set(meta.lane.number, meta.lane);
        this.next.set(meta.lane.number, Math.max(this.next.get(meta.lane.number) ?? 0, meta.first + meta.count));
      }
    }
    const logs = (await files.list()).filter((file) => logPattern.test(file.name)).sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const file of logs) {
      const number = Number(logPattern.exec(file.name)?.[1]);
      const { good } = await readRecords(files, file, text, (batch) => {
        for (const lane of batch.newLanes) this.lanes.set(lane.number, lane);
        for (const own of batch.newSources) this.learnSource(own.number, own.source);
        this.take(batch);
      });
      if (good < file.size) await files.truncate(file.name, good);
      this.logs.push({ number, size: good });
    }
    for (const [lane, next] of floor) this.next.set(lane, Math.max(next, this.next.get(lane) ?? 0));
    // Appending goes on in the last log; definitions are simply written again.
    const last = this.logs.pop();
    this.startLog(last?.number ?? 1);
    this.logSize = last?.size ?? 0;
  }

}

function logName(number: number): string {
  return `wal-${String(number).padStart(8, '0')}.log`;
}

/** A sixteenth of the budget, so that the oldest can go in small steps; between 1 and 64 MiB. */
function segmentBytes(budget: LogBudget): number {
  return Math.min(64, Math.max(1, budget.bytes / 16 / 1024 / 1024)) * 1024 * 1024;
}
