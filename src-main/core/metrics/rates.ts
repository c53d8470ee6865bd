/** Raw counters to plain figures. */
import type { StatsSample } from '../engine';

/** What a container uses: cores, bytes, bytes a second. */
export interface Usage {
  cpu: number;
  cpuThrottled?: number;
  memory: number;
  memoryLimit?: number;
  networkRx: number;
  networkTx: number;
  blockRead: number;
  blockWrite: number;
  pids: number;
}

const counters = ['cpuNanos', 'cpuThrottledNanos', 'networkRx', 'networkTx', 'blockRead', 'blockWrite'] as const;
type Counter = (typeof counters)[number];

/** Longer between two samples is a gap: a mean over it, drawn as one second, would be a lie. Milliseconds. */
const longestStep = 10_000;
/** Both clocks must agree on the time between two samples, or one of them jumped. Milliseconds. */
const clockSlack = 2_000;
/** A counter that stays below its mark so many samples long was reset; before that it is taken for unreadable. */
const patience = 5;

/** The counters of one container. */
export class CounterTrack {
  private readonly marks = new Map<Counter, { value: number; at: number; below: number }>();
  private last: { at: number; cpuNanos: number; monotonic: number } | undefined;

  /**
   * Takes a sample and returns what was used since the one before. Undefined where that cannot be said: the first sample, after a
   * restart (the CPU's counter fell), a gap, or a jump of the clock.
   * @param monotonic this machine's monotonic clock at arrival, milliseconds
   */
  step(sample: StatsSample, monotonic: number): Usage | undefined {
    const { last } = this;
    const elapsed = last ? sample.at - last.at : 0;
    if (last && elapsed === 0) return undefined;
    this.last = { at: sample.at, cpuNanos: sample.cpuNanos, monotonic };
    const follows =
      last !== undefined &&
      elapsed > 0 &&
      elapsed <= longestStep &&
      Math.abs(monotonic - last.monotonic - elapsed) <= clockSlack &&
      sample.cpuNanos >= last.cpuNanos;
    if (!follows) {
      for (const name of counters) this.mark(name, sample);
      return undefined;
    }
    const usage: Usage = {
      cpu: this.rate('cpuNanos', sample) / 1e9,
      memory: sample.memory,
      networkRx: this.rate('networkRx', sample),
      networkTx: this.rate('networkTx', sample),
      blockRead: this.rate('blockRead', sample),
      blockWrite: this.rate('blockWrite', sample),
      pids: sample.pids,
    };
    if (sample.cpuThrottledNanos !== undefined) usage.cpuThrottled = this.rate('cpuThrottledNanos', sample) / 1e9;
    if (sample.memoryLimit !== undefined) usage.memoryLimit = sample.memoryLimit;
    return usage;
  }

  private mark(name: Counter, sample: StatsSample): void {
    const value = sample[name];
    if (value === undefined) this.marks.delete(name);
    else this.marks.set(name, { value, at: sample.at, below: 0 });
  }

  /** Per second. The container was not restarted, so a counter that fell could not be read: it is measured over both steps later. */
  private rate(name: Counter, sample: StatsSample): number {
    const mark = this.marks.get(name);
    const value = sample[name];
    if (!mark || value === undefined || !Number.isFinite(value)) {
      this.mark(name, sample);
      return 0;
    }
    if (value < mark.value) {
      mark.below += 1;
      if (mark.below >= patience) this.mark(name, sample);
      return 0;
    }
    const rate = ((value - mark.value) / (sample.at - mark.at)) * 1000;
    this.mark(name, sample);
    return rate;
  }
}
