/** Time as something the core is handed: real in the app, stepped by hand in tests. */
import type { Disposable } from './lifecycle';

/** Both hands of the clock, and a timer. */
export interface Clock {
  /** Wall-clock milliseconds since the Unix epoch; may jump. For display and for stamps on records. */
  now(): number;
  /** Milliseconds since an arbitrary start; never jumps back and does not count sleep. For deadlines and back-off. */
  monotonic(): number;
  /** Runs `fire` once after at least `delay` milliseconds on the monotonic clock. */
  timer(delay: number, fire: () => void): Disposable;
}

/** Resolves after `delay` milliseconds of `clock`. */
export function sleep(clock: Clock, delay: number): Promise<void> {
  return new Promise((resolve) => clock.timer(delay, resolve));
}
