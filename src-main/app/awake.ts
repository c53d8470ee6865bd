/**
 * A clock whose monotonic hand counts only the time in which this process ran. Linux' own stops while the computer sleeps; those of
 * Windows and macOS go on, and after a night every timer of the evening before would be due at once.
 */
import type { Clock } from '../base/clock';
import { toDisposable } from '../base/lifecycle';

/** What the platform gives; milliseconds. */
export interface Machine {
  /** Since the Unix epoch. */
  now(): number;
  /** Since an arbitrary start; may count sleep. */
  elapsed(): number;
  /** Runs `fire` once; returns how to take that back. */
  later(delay: number, fire: () => void): () => void;
  every(delay: number, fire: () => void): void;
}

const beatEvery = 5_000;
/** Nobody looked at the clock for so long: the process did not run, whatever the reason. */
const stillness = 20_000;
/** Longest pause a platform timer takes; longer ones are waited for in parts. */
const longestTimer = 2 ** 31 - 1;

/** Makes the clock. It begins to beat with its first timer. */
export function awakeClock(machine: Machine): Clock {
  let seen = machine.elapsed();
  let asleep = 0;
  let beats = false;
  const monotonic = (): number => {
    const at = machine.elapsed();
    if (at - seen > stillness && beats) asleep += at - seen;
    seen = at;
    return at - asleep;
  };
  return {
    now: () => machine.now(),
    monotonic,
    timer: (delay, fire) => {
      if (!beats) {
        seen = machine.elapsed();
        beats = true;
        machine.every(beatEvery, monotonic);
      }
      const due = monotonic() + delay;
      let cancel = (): void => undefined;
      const wait = (): void => {
        const left = due - monotonic();
        // Half a millisecond early is due: platforms round.
        if (left > 0.5) cancel = machine.later(Math.min(left, longestTimer), wait);
        else fire();
      };
      cancel = machine.later(Math.min(Math.max(0, delay), longestTimer), wait);
      return toDisposable(() => cancel());
    },
  };
}
