/** The real clock and real randomness; the core gets them handed. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../base/clock';
import { toDisposable, type Disposable } from '../base/lifecycle';
import type { Random } from '../base/random';

/** Longest pause a platform timer takes; longer ones are waited for in parts. */
const longestTimer = 2 ** 31 - 1;

/** Wall clock, the process's monotonic clock, and timers. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  timer: (delay, fire) => {
    const due = performance.now() + delay;
    let handle: ReturnType<typeof setTimeout>;
    const wait = (): void => {
      const left = due - performance.now();
      handle = left > longestTimer ? setTimeout(wait, longestTimer) : setTimeout(fire, Math.max(0, left));
    };
    wait();
    return toDisposable(() => clearTimeout(handle)) satisfies Disposable;
  },
};

/** Chance from the platform's own source, 48 bits at a time: the installation's id is made of it too. */
export function systemRandom(): Random {
  return () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48;
}
