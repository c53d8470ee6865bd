/** A clock that a test moves by hand. The wall and the monotonic hand move together unless told otherwise. */
import type { Clock } from '../../src-main/base/clock';
import type { Disposable } from '../../src-main/base/lifecycle';

interface Timer {
  due: number;
  order: number;
  fire: () => void;
}

/** Lets every promise that can go on without time passing go on. */
export function drain(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Time in milliseconds. `advance` runs due timers in order of time, then of creation, and after each lets promises run until
 * nothing moves, so that code under test sees the same interleaving in every run.
 */
export class FakeClock implements Clock {
  private elapsed = 0;
  private wallOffset: number;
  private order = 0;
  private timers: Timer[] = [];

  constructor(start = Date.UTC(2026, 0, 5, 9, 0, 0)) {
    this.wallOffset = start;
  }

  now(): number {
    return this.wallOffset + this.elapsed;
  }

  monotonic(): number {
    return this.elapsed;
  }

  timer(delay: number, fire: () => void): Disposable {
    const entry: Timer = { due: this.elapsed + Math.max(0, delay), order: this.order++, fire };
    let at = this.timers.length;
    while (at > 0 && isAfter(this.timers[at - 1], entry)) at -= 1;
    this.timers.splice(at, 0, entry);
    return {
      dispose: () => {
        const index = this.timers.indexOf(entry);
        if (index >= 0) this.timers.splice(index, 1);
      },
    };
  }

  /** Timers that wait; a test that wants no leaks expects 0 at its end. */
  get pending(): number {
    return this.timers.length;
  }

  /** Milliseconds until the next timer, or undefined when none waits. */
  get nextIn(): number | undefined {
    const next = this.timers[0];
    return next ? next.due - this.elapsed : undefined;
  }

  /** Moves time on by `duration` milliseconds. */
  async advance(duration: number): Promise<void> {
    const end = this.elapsed + duration;
    await drain();
    for (let next = this.timers[0]; next && next.due <= end; next = this.timers[0]) {
      this.timers.shift();
      this.elapsed = Math.max(this.elapsed, next.due);
      next.fire();
      await drain();
    }
    this.elapsed = end;
  }

  /** Lets promises settle without time passing, apart from timers that are due already. */
  settle(): Promise<void> {
    return this.advance(0);
  }

  /**
   * Moves time on timer by timer until `condition` holds; returns the milliseconds that took. Throws when it does not hold within
   * `limit` milliseconds of this clock.
   */
  async until(condition: () => boolean, limit = 600_000): Promise<number> {
    const start = this.elapsed;
    await this.settle();
    while (!condition()) {
      const left = start + limit - this.elapsed;
      if (left <= 0) throw new Error(`The condition did not hold within ${limit} ms`);
      await this.advance(Math.min(left, this.nextIn ?? left));
    }
    return this.elapsed - start;
  }

  /** Waits for a promise while time moves on; rejects as it does, or when it has not settled within `limit` milliseconds. */
  async finish<Result>(work: Promise<Result>, limit = 600_000): Promise<Result> {
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    work.then(settle, settle);
    await this.until(() => settled, limit);
    return work;
  }

  /** Somebody sets the wall clock: `by` milliseconds forwards, or backwards when negative. Timers do not notice. */
  jump(by: number): void {
    this.wallOffset += by;
  }

  /** The lid closes for `duration` milliseconds: the wall clock goes on, the monotonic one and its timers stand still. */
  sleep(duration: number): void {
    this.wallOffset += duration;
  }
}

function isAfter(one: Timer | undefined, other: Timer): boolean {
  return one !== undefined && (one.due > other.due || (one.due === other.due && one.order > other.order));
}
