/**
 * When the engine itself was away. Containers that ended then did not fail: "everything exited 137 at the same second" is one event,
 * not N crashes, and no back-off counts it (F1).
 */
import type { Clock } from '../../base/clock';
import type { Disposable } from '../../base/lifecycle';
import { sentence } from '../../contract/sentence';
import type { Recorder } from './recorder';

/** A clean shutdown stops containers before the connection breaks; the stop takes up to the grace period and a little. */
const before = 15_000;
/** Containers may end a moment after the engine answers again. */
const after = 2000;
/** Ends are counted until so long has passed without another; together they become one event. */
const gather = 2000;
const kept = 8;

/** Wall-clock milliseconds between which an end is the engine's doing. */
export interface OutageSpan {
  from: number;
  to: number;
  /** Only this node was away; absent: the whole engine. */
  node?: string;
}

export class Outages implements Disposable {
  private readonly spans: OutageSpan[];
  private readonly current = new Map<string | undefined, { from: number; monotonic: number }>();
  private ends = 0;
  private timer: Disposable | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly recorder: Recorder,
    before: readonly OutageSpan[] = [],
  ) {
    this.spans = [...before];
  }

  /** The last outages, oldest first. */
  get known(): readonly OutageSpan[] {
    return this.spans;
  }

  /** The engine, or one node of it, has stopped answering. */
  begin(node?: string): void {
    if (this.current.has(node)) return;
    this.current.set(node, { from: this.clock.now(), monotonic: this.clock.monotonic() });
  }

  /** It answers again; returns how long it was away, in monotonic milliseconds. */
  end(node?: string): number {
    const current = this.current.get(node);
    if (!current) return 0;
    this.current.delete(node);
    const gone = this.clock.monotonic() - current.monotonic;
    const span = { from: current.from - before, to: Math.max(current.from, this.clock.now()) + after };
    this.spans.push(node === undefined ? span : { ...span, node });
    if (this.spans.length > kept) this.spans.shift();
    return gone;
  }

  /** True when a container that ended then (engine's stamp) ended because of an outage. */
  explains(finishedAt: number, node: string): boolean {
    return this.spans.some((span) => finishedAt >= span.from && finishedAt <= span.to && (span.node ?? node) === node);
  }

  /** One more container ended that way. */
  count(): void {
    this.ends += 1;
    this.timer?.dispose();
    this.timer = this.clock.timer(gather, () => {
      this.timer = undefined;
      const count = this.ends;
      this.ends = 0;
      this.recorder.record({
        kind: 'engine.massExit',
        health: 'warning',
        actor: 'engine',
        words: sentence('event.massExit', { count }),
      });
    });
  }

  dispose(): void {
    this.timer?.dispose();
  }
}
