/**
 * Live tails: each line is offered to every subscriber, filtered here, and sent when its reader has granted credit. A reader that is
 * slower than the writers sees the newest lines and is told how many it did not get; nothing queues without bound.
 */
import type { Clock } from '../../base/clock';
import { toDisposable, type Disposable } from '../../base/lifecycle';
import { Ring } from '../../base/ring';
import type { Sink } from '../../contract/api';
import type { LogPage, TailBatch } from '../../contract/api/observe';
import type { LogLine } from '../../contract/nouns';
import { lineId, markerBit, toLogLine, type LineRecord } from './line';
import type { Matcher } from './query/match';
import { compileSelection } from './search/run';
import { matchesRecord, RecordView } from './search/scan';
import type { LogSelection } from './store';
import type { Meter } from './meter';

/** Lines held for a reader without credit, and lines of one batch. */
const mostHeld = 1000;
/** Milliseconds between the first line of a batch and its sending. */
const batchDelay = 25;
/** Milliseconds between batches that only bring a new rate. */
const rateDelay = 1000;

export interface TailTools {
  clock: Clock;
  meter: Meter;
  /** The newest stored lines of a selection, everything taken so far included. */
  backlog(selection: LogSelection, limit: number): Promise<LogPage>;
}

/** Hands lines to subscribers. */
export class TailHub implements Disposable {
  private readonly subscribers = new Set<Subscriber>();

  constructor(private readonly tools: TailTools) {}

  get size(): number {
    return this.subscribers.size;
  }

  /** Offers a line to everybody. */
  offer(record: LineRecord): void {
    if (this.subscribers.size === 0) return;
    const view = new RecordView(record);
    for (const subscriber of this.subscribers) subscriber.offer(record, view);
  }

  /** Opens a tail: first the backlog, then what comes. A query that is wrong fails the sink. */
  subscribe(selection: LogSelection, backlog: number, sink: Sink<TailBatch>): Disposable {
    try {
      const subscriber = new Subscriber(compileSelection(selection), sink, this.tools);
      this.subscribers.add(subscriber);
      void subscriber.begin(selection, backlog);
      return toDisposable(() => {
        this.subscribers.delete(subscriber);
        subscriber.dispose();
      });
    } catch (thrown) {
      sink.fail(thrown);
      return toDisposable(() => undefined);
    }
  }

  dispose(): void {
    for (const subscriber of this.subscribers) subscriber.dispose();
    this.subscribers.clear();
  }
}

class Subscriber implements Disposable {
  private readonly held = new Ring<LineRecord>(mostHeld);
  private first: LogLine[] | undefined;
  private started = false;
  private skipped = 0;
  private lastRate = -1;
  private timer: Disposable | undefined;
  private rateTimer: Disposable | undefined;
  private readonly onCredit: Disposable;
  private disposed = false;

  constructor(
    private readonly matcher: Matcher,
    private readonly sink: Sink<TailBatch>,
    private readonly tools: TailTools,
  ) {
    this.onCredit = sink.onCredit(() => this.sendSoon());
  }

  /** Reads the backlog while live lines are held; lines that came both ways are sent once. */
  async begin(selection: LogSelection, limit: number): Promise<void> {
    try {
      this.first = limit > 0 ? (await this.tools.backlog(selection, limit)).lines : [];
    } catch (thrown) {
      if (!this.disposed) this.sink.fail(thrown);
      return;
    }
    if (this.disposed) return;
    this.started = true;
    this.send();
    this.tellRate();
  }

  offer(record: LineRecord, view: RecordView): void {
    const belongs = record.flags & markerBit ? matchesRecord(this.matcher, record) : this.matcher.line(view);
    if (!belongs) return;
    if (this.held.push(record)) this.skipped += 1;
    if (this.started) this.sendSoon();
  }

  dispose(): void {
    this.disposed = true;
    this.timer?.dispose();
    this.rateTimer?.dispose();
    this.onCredit.dispose();
  }

  private sendSoon(): void {
    if (this.disposed || !this.started || this.timer || this.sink.credit() <= 0) return;
    if (this.held.length === 0 && this.skipped === 0 && this.first === undefined) return;
    this.timer = this.tools.clock.timer(batchDelay, () => {
      this.timer = undefined;
      this.send();
    });
  }

  private send(): void {
    if (this.disposed || this.sink.credit() <= 0) return;
    const live = this.held.toArray();
    this.held.clear();
    let lines: LogLine[];
    if (this.first) {
      const known = new Set(this.first.map((line) => line.id));
      const fresh = live.filter((record) => !known.has(lineId(record.time, record.lane.number, record.ordinal)));
      lines = [...this.first, ...fresh.map(toLogLine)].sort((left, right) => (left.id < right.id ? -1 : 1));
      this.first = undefined;
    } else lines = live.map(toLogLine);
    const skipped = this.skipped;
    this.skipped = 0;
    this.lastRate = this.tools.meter.rate();
    this.sink.send({ lines, skipped, rate: this.lastRate });
  }

  private tellRate(): void {
    this.rateTimer = this.tools.clock.timer(rateDelay, () => {
      if (this.tools.meter.rate() !== this.lastRate && this.held.length === 0) this.send();
      this.tellRate();
    });
  }
}
