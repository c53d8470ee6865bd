/** The log store itself: a write-ahead log, hot lanes in memory, sealed blocks on disk, a budget. One writer, many readers. */
import type { Clock } from '../../../base/clock';
import type { Disposable } from '../../../base/lifecycle';
import type { Codec, FileDisk, TextCodec } from '../../disk';
import type { ContainerCursor } from '../ingest/cursor';
import type { AppendBatch, IntakeState } from '../ingest/intake';
import type { Lane, LogSource } from '../line';
import type { Block, BlockMeta } from './block';
import { BlockCache } from './cache';
import { HotLane } from './hot';
import { Journal } from './journal';
import { applyBudget, segmentBytes, type LogBudget } from './retention';
import { Segments } from './segments';
import { readState, writeState, type VaultState } from './state';

export interface VaultOptions {
  files: FileDisk;
  codec: Codec;
  text: TextCodec;
  clock: Clock;
  budget: LogBudget;
  sizes?: Partial<VaultSizes>;
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

/** Which blocks a search wants. */
export interface BlockChoice {
  passes(meta: BlockMeta): boolean;
  /** Filters of words help. */
  words: boolean;
  /** 0 leaves the block out; anything else is handed back. */
  verdict(meta: BlockMeta, filter: Uint8Array | undefined): number;
}

/** A block a search wants: on disk, or in memory (`ready`). */
export interface Chosen {
  verdict: number;
  meta: BlockMeta;
  ready: Block | undefined;
  /** Undefined when it was removed meanwhile or is damaged. */
  read(): Promise<Block | undefined>;
}

const syncDelay = 1000;
const keepDelay = 10 * 60_000;
/** Lanes being sealed at once before writers wait. */
const mostSealing = 8;

/** Opens, appends, seals, forgets. */
export class Vault {
  private readonly lanes = new Map<number, Lane>();
  private readonly next = new Map<number, number>();
  private readonly sources = new Map<number, LogSource>();
  private readonly hot = new Map<number, HotLane>();
  private readonly sealing = new Map<Block, Promise<void>>();
  private readonly cursors = new Map<string, ContainerCursor>();
  private readonly cache: BlockCache;
  private nextSource = 1;
  private readonly journal: Journal;
  private turn: Promise<void> = Promise.resolve();
  private sealTurn: Promise<void> = Promise.resolve();
  private sealProblem: unknown;
  private unsealed: Block[] = [];
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
    this.cache = new BlockCache((entry) => segments.read(entry));
    this.journal = new Journal(options, {
      lane: (number) => this.lanes.get(number),
      source: (number) => this.sources.get(number),
    });
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
    return this.segments.bytes + this.journal.bytes;
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

  /**
   * Every block that may matter, in no order. What exists is decided at once, so that a block on its way to disk is neither missed nor
   * seen twice; then the filters of full segments are brought in one segment after another.
   */
  async choose(choice: BlockChoice): Promise<Chosen[]> {
    const inMemory = [...this.sealing.keys(), ...this.hotBlocks()].filter((block) => choice.passes(block.meta));
    const onDisk = this.segments.list
      .map((segment) => ({ segment, entries: segment.entries.filter((entry) => choice.passes(entry.meta)) }))
      .filter(({ entries }) => entries.length > 0);
    const found: Chosen[] = [];
    for (const { segment, entries } of onDisk) {
      if (choice.words && entries.length > 1 && !this.segments.hasFilters(segment))
        await this.segments.loadFilters(segment);
      for (const entry of entries) {
        const verdict = choice.verdict(entry.meta, choice.words ? this.segments.filterOf(entry) : undefined);
        if (verdict !== 0)
          found.push({ verdict, meta: entry.meta, ready: this.cache.peek(entry), read: () => this.cache.read(entry) });
      }
    }
    for (const block of inMemory) {
      const verdict = choice.verdict(block.meta, undefined);
      if (verdict !== 0) found.push({ verdict, meta: block.meta, ready: block, read: () => Promise.resolve(block) });
    }
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
    await this.journal.sync();
    await this.saveState();
  }

  private hotBlocks(): Block[] {
    return [...this.hot.values()].filter((lane) => lane.count > 0).map((lane) => lane.block(this.sources));
  }

  private async appendNow(batch: AppendBatch): Promise<void> {
    if (this.sealing.size >= mostSealing) await Promise.race(this.sealing.values());
    for (const lane of batch.newLanes) this.lanes.set(lane.number, lane);
    for (const { number, source } of batch.newSources) this.learnSource(number, source);
    await this.journal.append(batch);
    this.take(batch);
    for (const own of batch.lanes) {
      const hot = this.hot.get(own.lane);
      if (hot && hot.size >= this.sizes.block) this.seal(hot);
    }
    if (this.journal.currentBytes >= this.sizes.log) await this.changeJournal();
    this.syncSoon();
  }

  private take(batch: AppendBatch): void {
    for (const own of batch.lanes) {
      const lane = this.lanes.get(own.lane);
      if (!lane) continue;
      const next = this.next.get(lane.number) ?? 0;
      const end = own.first + own.times.length;
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

  private seal(hot: HotLane): void {
    if (this.hot.get(hot.lane.number) === hot) this.hot.delete(hot.lane.number);
    const block = hot.block(this.sources);
    const done = this.sealTurn.then(async () => {
      try {
        await this.store(block);
      } catch (thrown) {
        // The lines stay readable in memory and safe in their log, which is not removed before they are sealed.
        this.sealProblem = thrown;
        this.unsealed.push(block);
      }
    });
    this.sealing.set(block, done);
    this.sealTurn = done;
  }

  private async store(block: Block): Promise<void> {
    // The cursors of these lines must not be less durable than the lines: after a power cut they would be read twice.
    await this.journal.sync();
    await this.segments.append(block, () => this.sealing.delete(block));
    this.sealProblem = undefined;
  }

  /** Starts a new journal file: small lanes are carried over, the others sealed; then the old files are not needed any more. */
  private async changeJournal(): Promise<void> {
    await this.journal.change();
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
      await this.journal.append({ newLanes: [], newSources: [], lanes: carry.map((hot) => hot.batch()), cursors: [] });
    await this.retryUnsealed();
    await this.sealTurn;
    if (this.unsealed.length > 0) return;
    await this.journal.sync();
    await this.saveState();
    await this.journal.removeOld();
    await this.keep();
  }

  private async retryUnsealed(): Promise<void> {
    await this.sealTurn;
    for (const block of this.unsealed.splice(0)) {
      try {
        await this.store(block);
      } catch (thrown) {
        this.sealProblem = thrown;
        this.unsealed.push(block);
      }
    }
  }

  /** Why sealing or reading failed last; undefined when all is well. */
  get problem(): unknown {
    return this.sealProblem ?? this.segments.problem;
  }

  private syncSoon(): void {
    if (this.closed) return;
    this.syncTimer ??= this.options.clock.timer(syncDelay, () => {
      this.syncTimer = undefined;
      void this.journal.sync().catch(() => this.syncSoon());
    });
  }

  private keepSoon(): void {
    if (this.closed) return;
    this.keepTimer = this.options.clock.timer(keepDelay, () => this.keepSoon());
    void this.keep();
  }

  /** In turn with sealing: both write to the last segment. */
  private keep(): Promise<void> {
    const world = { clock: this.options.clock, otherBytes: this.journal.bytes };
    this.sealTurn = this.sealTurn
      .then(() => applyBudget(this.segments, this.budget, world))
      .catch((thrown: unknown) => {
        this.sealProblem = thrown;
      });
    return this.sealTurn;
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
    await this.journal.replay((batch) => {
      for (const lane of batch.newLanes) this.lanes.set(lane.number, lane);
      for (const own of batch.newSources) this.learnSource(own.number, own.source);
      this.take(batch);
    });
    for (const [lane, next] of floor) this.next.set(lane, Math.max(next, this.next.get(lane) ?? 0));
  }
}
