/** Gathers the lines of all containers into batches, numbers them, and hands them to the store and to the live tails. */
import type { Clock } from '../../../base/clock';
import { Emitter, type Event } from '../../../base/emitter';
import type { Disposable } from '../../../base/lifecycle';
import type { Sentence } from '../../../contract/sentence';
import { Level, markerBit, type Lane, type LineRecord, type LogSource } from '../line';
import type { ContainerCursor } from './cursor';

/**
 * Lines of one lane in the order they came, a column each, so that they cross to the store's thread and into its files as a few pieces of
 * memory. `first` is the first line's ordinal.
 */
export interface LaneBatch {
  lane: number;
  first: number;
  times: Float64Array;
  flags: Uint8Array;
  /** Source numbers. */
  sources: Uint32Array;
  /** All lines joined by line feeds; line `i` is `starts[i]` to `starts[i + 1] - 1`. */
  text: string;
  starts: Uint32Array;
}

/** What is written at once: all of it survives a crash, or none. */
export interface AppendBatch {
  newLanes: Lane[];
  newSources: { number: number; source: LogSource }[];
  lanes: LaneBatch[];
  cursors: { container: string; cursor: ContainerCursor }[];
}

/** What the store knew when it was opened: the numbering goes on from here. */
export interface IntakeState {
  lanes: { lane: Lane; next: number }[];
  nextSource: number;
  cursors: Map<string, ContainerCursor>;
}

/** Lines of one lane as they gather. */
interface PendingLane {
  lane: number;
  first: number;
  times: number[];
  flags: number[];
  sources: number[];
  texts: string[];
}

interface LaneState {
  lane: Lane;
  next: number;
  pending: PendingLane | undefined;
}

/** A container known to the intake; get it from `Intake.source`. */
export interface SourceHandle {
  readonly number: number;
  readonly source: LogSource;
  readonly lane: Lane;
}

interface OwnHandle extends SourceHandle {
  state: LaneState;
}

export interface IntakeOptions {
  clock: Clock;
  state: IntakeState;
  /** Makes a batch durable; rejecting means it is not, and it will be offered again. */
  append(batch: AppendBatch): Promise<void>;
  onLine?(record: LineRecord): void;
}

/** A batch waits at most so long (milliseconds) or for so many characters. */
const batchDelay = 40;
const batchSize = 256 * 1024;
/** Above `high` characters not yet stored, reading stops until `low`. */
const high = 16 * 1024 * 1024;
const low = 4 * 1024 * 1024;
const retryDelay = 1000;

/** The one writer of the log store. */
export class Intake implements Disposable {
  private readonly laneStates = new Map<string, LaneState>();
  private readonly handles = new Map<string, OwnHandle>();
  private nextLane = 1;
  private nextSource: number;
  private newLanes: Lane[] = [];
  private newSources: AppendBatch['newSources'] = [];
  private gathered: PendingLane[] = [];
  private batchCursors = new Map<string, ContainerCursor>();
  private size = 0;
  private waiting = 0;
  private timer: Disposable | undefined;
  private writing: Promise<void> = Promise.resolve();
  private pressed = false;
  private disposed = false;
  private readonly pressureChanged = new Emitter<boolean>();
  /** Fires true when readers must stop, false when they may go on. */
  readonly onPressure: Event<boolean> = this.pressureChanged.event;
  /** Lines taken since the start, markers not counted. */
  lines = 0;
  /** Why the last write failed; undefined when it did not. */
  problem: unknown;

  constructor(private readonly options: IntakeOptions) {
    for (const { lane, next } of options.state.lanes) {
      this.laneStates.set(laneKey(lane), { lane, next, pending: undefined });
      this.nextLane = Math.max(this.nextLane, lane.number + 1);
    }
    this.nextSource = options.state.nextSource;
  }

  get underPressure(): boolean {
    return this.pressed;
  }

  /** Where reading a container goes on. */
  cursor(container: string): ContainerCursor | undefined {
    return this.options.state.cursors.get(container);
  }

  /** Registers a container. A new generation of a known slot gets a marker, so that its predecessor's lines end visibly. */
  source(source: LogSource): SourceHandle {
    const known = this.handles.get(source.container);
    if (known && sameSource(known.source, source)) return known;
    const key = laneKey(source);
    let state = this.laneStates.get(key);
    if (!state) {
      const lane: Lane = { number: this.nextLane++, stack: source.stack, service: source.service };
      state = { lane, next: 0, pending: undefined };
      this.laneStates.set(key, state);
      this.newLanes.push(lane);
    }
    const handle: OwnHandle = { number: this.nextSource++, source, lane: state.lane, state };
    this.handles.set(source.container, handle);
    this.newSources.push({ number: handle.number, source });
    return handle;
  }

  /** Adds a line. `cursor` is the container's position after it; `stream` says of which stream. */
  add(handle: SourceHandle, line: { time: number; flags: number; text: string }, cursor?: ContainerCursor): void {
    this.put(handle as OwnHandle, line);
    this.lines += 1;
    if (cursor) this.moveCursor(handle.source.container, cursor);
    if (this.size >= batchSize) void this.flush();
    else this.schedule();
  }

  /** Adds a marker: something about the log rather than of it. Never splits from the line that follows it in the same turn. */
  mark(
    handle: SourceHandle,
    marker: { time: number; words: Sentence; level?: number },
    cursor?: ContainerCursor,
  ): void {
    const flags = markerBit | (marker.level ?? Level.unknown);
    this.put(handle as OwnHandle, { time: marker.time, flags, text: JSON.stringify(marker.words) });
    if (cursor) this.moveCursor(handle.source.container, cursor);
    this.schedule();
  }

  /** Writes what is gathered; resolves when everything added before the call is durable. */
  flush(): Promise<void> {
    this.timer?.dispose();
    this.timer = undefined;
    if (this.gathered.length > 0 || this.batchCursors.size > 0) {
      const batch: AppendBatch = {
        newLanes: this.newLanes,
        newSources: this.newSources,
        lanes: this.gathered.map(inColumns),
        cursors: [...this.batchCursors].map(([container, cursor]) => ({ container, cursor })),
      };
      const size = this.size;
      this.newLanes = [];
      this.newSources = [];
      this.gathered = [];
      this.batchCursors = new Map();
      this.size = 0;
      for (const state of this.laneStates.values()) state.pending = undefined;
      this.waiting += size;
      this.press();
      this.writing = this.writing.then(() => this.write(batch, size));
    }
    return this.writing;
  }

  /** Stops retrying; what is gathered is written once more first by the caller's `flush`. */
  dispose(): void {
    this.disposed = true;
    this.timer?.dispose();
    this.timer = undefined;
  }

  private put(handle: OwnHandle, line: { time: number; flags: number; text: string }): void {
    const { state } = handle;
    let pending = state.pending;
    if (!pending) {
      pending = { lane: state.lane.number, first: state.next, times: [], flags: [], sources: [], texts: [] };
      state.pending = pending;
      this.gathered.push(pending);
    }
    const ordinal = state.next++;
    pending.times.push(line.time);
    pending.flags.push(line.flags);
    pending.sources.push(handle.number);
    pending.texts.push(line.text);
    this.size += line.text.length + 16;
    this.options.onLine?.({
      lane: state.lane,
      ordinal,
      time: line.time,
      flags: line.flags,
      source: handle.source,
      text: line.text,
    });
  }

  private moveCursor(container: string, cursor: ContainerCursor): void {
    moved(this.batchCursors, container, cursor);
    moved(this.options.state.cursors, container, cursor);
  }

  private schedule(): void {
    this.timer ??= this.options.clock.timer(batchDelay, () => {
      this.timer = undefined;
      void this.flush();
    });
  }

  private async write(batch: AppendBatch, size: number): Promise<void> {
    for (;;) {
      try {
        await this.options.append(batch);
        this.problem = undefined;
        break;
      } catch (thrown) {
        this.problem = thrown;
        if (this.disposed) break;
        await new Promise<void>((resolve) => this.options.clock.timer(retryDelay, resolve));
      }
    }
    this.waiting -= size;
    this.press();
  }

  private press(): void {
    const pressed = this.pressed ? this.waiting > low : this.waiting > high;
    if (pressed === this.pressed) return;
    this.pressed = pressed;
    this.pressureChanged.fire(pressed);
  }
}

function moved(cursors: Map<string, ContainerCursor>, container: string, to: ContainerCursor): void {
  const own = cursors.get(container);
  if (!own) cursors.set(container, { ...to });
  else {
    if (to.stdout) own.stdout = to.stdout;
    if (to.stderr) own.stderr = to.stderr;
  }
}

function inColumns(own: PendingLane): LaneBatch {
  const { texts } = own;
  return {
    lane: own.lane,
    first: own.first,
    times: new Float64Array(own.times),
    flags: new Uint8Array(own.flags),
    sources: new Uint32Array(own.sources),
    text: texts.join('\n'),
    starts: startsOf(texts),
  };
}

/** Where each of the lines begins when they are joined by line feeds, and where one after the last would. */
function startsOf(texts: readonly string[]): Uint32Array {
  const starts = new Uint32Array(texts.length + 1);
  let at = 0;
  for (let index = 0; index < texts.length; index++) {
    starts[index] = at;
    at += (texts[index] as string).length + 1;
  }
  starts[texts.length] = at;
  return starts;
}

function laneKey(lane: { stack: string; service: string }): string {
  return `${lane.stack}\u0000${lane.service}`;
}

function sameSource(left: LogSource, right: LogSource): boolean {
  return (
    left.stack === right.stack &&
    left.service === right.service &&
    left.slot === right.slot &&
    left.generation === right.generation &&
    left.revision === right.revision
  );
}
