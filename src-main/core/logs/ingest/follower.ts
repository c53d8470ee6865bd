/** Reads one container's output from where the store left off to its end, through cuts, restarts and floods, exactly once. */
import { type Clock } from '../../../base/clock';
import type { Disposable } from '../../../base/lifecycle';
import type { Random } from '../../../base/random';
import type { Sentence } from '../../../contract/sentence';
import type { ContainerDetail, Engine, EngineStream, LogEntry } from '../../engine';
import { Level, microsOf, stderrBit, type LogSource } from '../line';
import { compareStamps, CursorTrack, resumeStamp, type ContainerCursor } from './cursor';
import { FloodGate } from './flood';
import type { Intake, SourceHandle } from './intake';
import { levelOf } from './level';
import { LineGrouper, PartJoiner, type JoinedLine, type StreamCursor } from './multiline';
import { JumpCheck, JumpWatch, type Jump } from './overrun';
import { plainOf, sanitize } from './sanitize';

/** Milliseconds: how long a line may wait for its group, and an unfinished line for its end, while its stream is quiet. */
const groupDelay = 50;
const partDelay = 4000;
const skippedDelay = 1000;
/**
 * Microseconds by the engine's stamps: what one stream holds back is stored before the other is so far ahead. It must stay well below the
 * stretch that is read again on resume, or a crash would lose what was held.
 */
const longestHeld = 5_000_000;
/** Milliseconds between tries: after a cut, and to look whether an ended container runs again. */
const retryDelays = [250, 500, 1000, 2000, 4000, 8000, 15_000] as const;
const endedDelay = 60_000;
/** After a jump of the stamps, before it is looked into: the lines around it have come, and the engine has not rotated them away yet. */
const checkDelay = 300;
/** Entries that are read again beyond those taken since the jump, before all is read. */
const checkSlack = 1000;
/** After sleep, before what still looks open is opened anew; spread by a fifth both ways. */
const wakeDelay = 1_000;

interface StreamState {
  name: 'stdout' | 'stderr';
  track: CursorTrack;
  joiner: PartJoiner;
  grouper: LineGrouper;
  /** When its last entry came, on the monotonic clock. */
  lastEntry: number;
  /** Position after the last line the flood gate dropped. */
  dropped: StreamCursor | undefined;
}

export interface FollowerOptions {
  clock: Clock;
  random: Random;
  intake: Intake;
  source: LogSource;
  /** Lines a second; 0 means no limit. */
  limit: number;
  /** Lines the flood limit dropped. */
  onSkipped(count: number): void;
}

/** Follows one container. `attach` gives it an engine, `detach` takes it away. */
export class Follower implements Disposable {
  private readonly handle: SourceHandle;
  private readonly streams: { stdout: StreamState; stderr: StreamState };
  private readonly gate: FloodGate;
  private engine: Engine | undefined;
  private open: EngineStream<LogEntry> | undefined;
  private retry: Disposable | undefined;
  private settleTimer: Disposable | undefined;
  private attempts = 0;
  private paused = false;
  private disposed = false;
  private startMark: boolean;
  private limit: number;
  private readonly watch = new JumpWatch();
  /** Whether the engine rotates this container's log; undefined until somebody has to know. */
  private rotates: boolean | undefined;
  private checkTimer: Disposable | undefined;
  private checking: EngineStream<LogEntry> | undefined;

  constructor(private readonly options: FollowerOptions) {
    const { intake, source } = options;
    const cursor = intake.cursor(source.container);
    this.startMark = cursor === undefined && source.generation > 1;
    this.handle = intake.source(source);
    this.limit = options.limit;
    this.gate = new FloodGate(options.limit);
    this.streams = { stdout: this.stream('stdout', cursor), stderr: this.stream('stderr', cursor) };
  }

  /** Whether a stream is open now. */
  get following(): boolean {
    return this.open !== undefined;
  }

  /** The number of the timeline this container's lines go to. */
  get lane(): number {
    return this.handle.lane.number;
  }

  /** Writes a marker beside the lines, at this moment. */
  announce(words: Sentence): void {
    this.flushGroups();
    this.options.intake.mark(this.handle, { time: this.options.clock.now() * 1000, level: Level.warn, words });
  }

  setLimit(limit: number): void {
    this.limit = limit;
    this.gate.setLimit(limit);
  }

  attach(engine: Engine): void {
    if (this.engine === engine) return;
    this.detach();
    this.engine = engine;
    this.attempts = 0;
    this.connect();
  }

  /** The engine is gone; positions are kept. */
  detach(): void {
    this.engine = undefined;
    this.retry?.dispose();
    this.retry = undefined;
    this.close();
    const { checking } = this;
    this.checking = undefined;
    checking?.dispose();
  }

  /** Something happened to the container: look at once rather than at the next try. */
  touch(): void {
    if (!this.engine || this.open || this.disposed) return;
    this.attempts = 0;
    this.retry?.dispose();
    this.retry = undefined;
    this.connect();
  }

  /** Reads on over a new connection, a moment later and not all followers at once. */
  wake(): void {
    if (!this.engine || this.disposed) return;
    if (!this.open) return this.touch();
    this.later(wakeDelay, () => {
      this.close();
      this.connect();
    });
  }

  pause(paused: boolean): void {
    if (this.paused === paused) return;
    this.paused = paused;
    if (paused) this.open?.pause();
    else this.open?.resume();
  }

  /** Stops. Whole lines are handed on; an unfinished one is not, so that it is read whole next time. */
  dispose(): void {
    if (this.disposed) return;
    this.detach();
    this.flushGroups();
    this.disposed = true;
    this.settleTimer?.dispose();
    this.settleTimer = undefined;
    this.checkTimer?.dispose();
    this.checkTimer = undefined;
  }

  private stream(name: 'stdout' | 'stderr', cursor: ContainerCursor | undefined): StreamState {
    const state: StreamState = {
      name,
      track: new CursorTrack(cursor?.[name]),
      joiner: new PartJoiner(),
      grouper: new LineGrouper((line) => this.emit(state, line)),
      lastEntry: 0,
      dropped: undefined,
    };
    return state;
  }

  /** Opens a stream from where the store left off; without `follow` it ends at what there is. */
  private connect(follow = true): void {
    const { engine } = this;
    if (!engine || this.disposed) return;
    const { stdout, stderr } = this.streams;
    const cursor: ContainerCursor = {};
    const out = stdout.track.position();
    const err = stderr.track.position();
    if (out) cursor.stdout = out;
    if (err) cursor.stderr = err;
    const since = resumeStamp(cursor, this.options.clock.now());
    stdout.track.resume(since);
    stderr.track.resume(since);
    this.watch.reset();
    let fresh = 0;
    const stream = engine.logs(
      this.options.source.container,
      since === undefined ? { follow } : { follow, since },
      (entries) => {
        if (this.open === stream) fresh += this.receive(entries);
      },
    );
    this.open = stream;
    if (this.paused) stream.pause();
    void stream.ended.then(({ error }) => {
      if (this.open !== stream) return;
      this.open = undefined;
      if (fresh > 0) this.attempts = 0;
      if (error)
        this.later(retryDelays[Math.min(this.attempts++, retryDelays.length - 1)] ?? 1000, () => this.connect(follow));
      else if (follow) void this.afterEnd(engine);
      else {
        this.flushAll();
        this.look(engine);
      }
    });
  }

  /** The stream ended in good order: the container stopped, or was not started yet (then the engine ends it at once). */
  private async afterEnd(engine: Engine): Promise<void> {
    const delay = retryDelays[Math.min(this.attempts++, retryDelays.length - 1)] ?? 1000;
    try {
      const detail = await engine.inspect(this.options.source.container);
      if (this.engine !== engine || this.open || this.disposed) return;
      // dockerd 20.10 ends a stream that is followed when the container ends, also for a reader who is behind: the rest is read apart.
      if (detail && isOver(detail)) return this.connect(false);
      this.flushAll();
      if (detail) this.later(delay);
    } catch {
      if (this.engine === engine && !this.open && !this.disposed) this.later(delay);
    }
  }

  /** An ended container is only read again when it was started again: reading it costs the engine a scan of the whole log. */
  private look(engine: Engine): void {
    engine.inspect(this.options.source.container).then(
      (detail) => {
        if (this.engine !== engine || this.open || this.disposed || !detail) return;
        if (isOver(detail)) this.later(endedDelay, () => this.look(engine));
        else this.connect();
      },
      () => {
        if (this.engine === engine && !this.open && !this.disposed) this.later(endedDelay, () => this.look(engine));
      },
    );
  }

  private later(delay: number, then: () => void = () => this.connect()): void {
    this.retry?.dispose();
    const jitter = 0.8 + 0.4 * this.options.random();
    this.retry = this.options.clock.timer(delay * jitter, () => {
      this.retry = undefined;
      then();
    });
  }

  private close(): void {
    const stream = this.open;
    this.open = undefined;
    stream?.dispose();
  }

  /** Takes a batch of entries; returns how many were new. */
  private receive(entries: readonly LogEntry[]): number {
    const now = this.options.clock.monotonic();
    const { stdout, stderr } = this.streams;
    let fresh = 0;
    for (const entry of entries) {
      const [stream, other] = entry.stream === 'stderr' ? [stderr, stdout] : [stdout, stderr];
      const before = stream.track.stamp;
      const { taken, gap } = stream.track.take(entry);
      if (!taken) continue;
      fresh += 1;
      stream.lastEntry = now;
      const time = microsOf(entry.stamp);
      if (time - heldSince(other) > longestHeld) this.finish(other);
      if (gap) this.tellMissing('log.missing', { from: before, to: entry.stamp });
      if (this.rotates !== false) this.watch.take(entry, time);
      const whole = stream.joiner.push(entry.text, time, entry.partial);
      if (!whole) continue;
      const position = stream.track.position() ?? { stamp: entry.stamp, count: 1 };
      if (!this.gate.admit(whole.time, whole.text.length)) {
        stream.dropped = position;
        continue;
      }
      if (this.gate.skipped > 0) this.tellSkipped(whole.time);
      if (this.startMark) this.tellStart(whole.time);
      stream.grouper.push(sanitize(whole.text), whole.time, position);
    }
    for (const stream of [stdout, stderr]) {
      if (stream.grouper.pending && !stream.grouper.expectsMore) stream.grouper.flush();
    }
    this.settleLater();
    if (this.watch.waiting) this.checkLater();
    return fresh;
  }

  private emit(stream: Pick<StreamState, 'name'>, line: JoinedLine, late = false): void {
    const end = line.text.indexOf('\n');
    const first = end < 0 ? line.text : line.text.slice(0, end);
    let level = levelOf(plainOf(first));
    // A trace whose head says nothing is still a trace: its last line names the error.
    if (level === Level.unknown && end >= 0) level = levelOf(plainOf(line.text.slice(line.text.lastIndexOf('\n') + 1)));
    const flags = level | (stream.name === 'stderr' ? stderrBit : 0);
    const own = { time: line.time, flags, text: line.text };
    // Late ones lie before the position, which must not go back.
    this.options.intake.add(this.handle, own, late ? undefined : { [stream.name]: line.cursor });
  }

  private tellMissing(code: 'log.missing' | 'log.overrun', { from, to }: { from: string; to: string }): void {
    this.flushGroups();
    const args = { from: timeOf(from), to: timeOf(to) };
    this.options.intake.mark(this.handle, { time: microsOf(to), level: Level.warn, words: { code, args } });
  }

  private checkLater(): void {
    if (this.checkTimer || this.checking || this.disposed) return;
    this.checkTimer = this.options.clock.timer(checkDelay, () => {
      this.checkTimer = undefined;
      void this.checkJumps();
    });
  }

  /** Reads once more where the stamps jumped, if the engine rotates at all. */
  private async checkJumps(): Promise<void> {
    const { engine } = this;
    if (!engine || this.disposed) return;
    try {
      this.rotates ??= (await engine.inspect(this.options.source.container))?.logsRotate ?? false;
    } catch {
      return;
    }
    if (this.engine !== engine || this.checking || this.disposed) return;
    const { jumps, since } = this.watch.takeJumps();
    if (this.rotates && jumps.length > 0) this.readAgain(engine, jumps, since * 2 + checkSlack);
  }

  /** The newest `tail` entries first, since finding them costs the engine little; all of them when the jump is not among those. */
  private readAgain(engine: Engine, jumps: readonly Jump[], tail?: number): void {
    const check = new JumpCheck(jumps);
    const first = jumps.reduce(
      (least, { from }) => (compareStamps(from, least) < 0 ? from : least),
      jumps[0]?.from ?? '',
    );
    const options = { follow: false, since: first, ...(tail === undefined ? {} : { tail }) };
    const stream = engine.logs(this.options.source.container, options, (entries) => check.read(entries));
    this.checking = stream;
    void stream.ended.then(({ error }) => {
      if (this.checking !== stream) return;
      this.checking = undefined;
      if (error) {
        this.watch.giveBack(jumps);
        return;
      }
      const missing = check.missing();
      if (missing && tail !== undefined) return this.readAgain(engine, jumps);
      this.addLate(check.found);
      if (missing) this.tellMissing('log.overrun', missing);
    });
  }

  /** Stores entries that were left out when they were due. */
  private addLate(entries: readonly LogEntry[]): void {
    const gate = new FloodGate(this.limit);
    const cursor = { stamp: '', count: 0 };
    const [stdout, stderr] = (['stdout', 'stderr'] as const).map((name) => {
      return { joiner: new PartJoiner(), grouper: new LineGrouper((line) => this.emit({ name }, line, true)) };
    });
    if (!stdout || !stderr) return;
    this.flushGroups();
    for (const entry of entries) {
      const { joiner, grouper } = entry.stream === 'stderr' ? stderr : stdout;
      const whole = joiner.push(entry.text, microsOf(entry.stamp), entry.partial);
      if (whole && gate.admit(whole.time, whole.text.length)) grouper.push(sanitize(whole.text), whole.time, cursor);
    }
    for (const { joiner, grouper } of [stdout, stderr]) {
      if (joiner.pending) {
        const part = joiner.take();
        grouper.push(sanitize(part.text), part.time, cursor);
      }
      grouper.flush();
    }
    if (gate.skipped > 0) this.options.onSkipped(gate.skipped);
  }

  private tellStart(time: number): void {
    this.startMark = false;
    const { source } = this.options;
    this.options.intake.mark(this.handle, {
      time,
      words: {
        code: 'log.generation',
        args: { replica: `${source.service}.${source.slot}`, generation: source.generation, revision: source.revision },
      },
    });
  }

  /** The marker carries the dropped lines' cursors: after a crash they are neither read nor counted twice. */
  private tellSkipped(time: number): void {
    this.flushGroups();
    const cursor: ContainerCursor = {};
    for (const stream of [this.streams.stdout, this.streams.stderr]) {
      if (stream.dropped) cursor[stream.name] = stream.dropped;
      stream.dropped = undefined;
    }
    const count = this.gate.takeSkipped();
    this.options.onSkipped(count);
    this.options.intake.mark(
      this.handle,
      { time, level: Level.warn, words: { code: 'log.skipped', args: { count } } },
      cursor,
    );
  }

  private flushGroups(): void {
    this.streams.stdout.grouper.flush();
    this.streams.stderr.grouper.flush();
  }

  /** At the end of output: unfinished lines will not be finished. */
  private flushAll(): void {
    this.finish(this.streams.stdout);
    this.finish(this.streams.stderr);
    if (this.gate.skipped > 0) this.tellSkipped(this.options.clock.now() * 1000);
  }

  /** Hands on what a stream holds back: its group, and its unfinished line as it is. */
  private finish(stream: StreamState): void {
    const position = stream.track.position();
    if (stream.joiner.pending && position) {
      const part = stream.joiner.take();
      stream.grouper.push(sanitize(part.text), part.time, position);
    }
    stream.grouper.flush();
  }

  /** Each stream by itself: one that is never quiet must not keep the other's last line from being seen. */
  private settleLater(): void {
    const { stdout, stderr } = this.streams;
    if (this.settleTimer || this.disposed) return;
    const grouping = stdout.grouper.pending || stderr.grouper.pending;
    const joining = stdout.joiner.pending || stderr.joiner.pending;
    if (!grouping && !joining && this.gate.skipped === 0) return;
    const delay = grouping ? groupDelay : this.gate.skipped > 0 ? skippedDelay : partDelay;
    this.settleTimer = this.options.clock.timer(delay, () => {
      this.settleTimer = undefined;
      const now = this.options.clock.monotonic();
      for (const stream of [stdout, stderr]) {
        const quiet = now - stream.lastEntry;
        if (quiet >= partDelay) this.finish(stream);
        else if (quiet >= groupDelay) stream.grouper.flush();
      }
      const quiet = now - Math.max(stdout.lastEntry, stderr.lastEntry);
      if (quiet >= skippedDelay && this.gate.skipped > 0) this.tellSkipped(this.options.clock.now() * 1000);
      this.settleLater();
    });
  }
}

function isOver({ state }: ContainerDetail): boolean {
  return state === 'exited' || state === 'dead' || state === 'removing';
}

/** An engine's stamp as a sentence says it. */
function timeOf(stamp: string): string {
  return new Date(microsOf(stamp) / 1000).toISOString();
}

/** The stamp, in microseconds, of the oldest thing a stream holds back; infinite when it holds nothing. */
function heldSince({ joiner, grouper }: StreamState): number {
  return Math.min(joiner.since, grouper.since);
}
