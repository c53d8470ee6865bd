/** The real clock and real randomness; the core gets them handed. */
import { randomBytes } from 'node:crypto';
import type { Random } from '../base/random';
import { awakeClock } from './awake';

/** Wall clock, the process's time awake, and timers. */
export const systemClock = awakeClock({
  now: () => Date.now(),
  elapsed: () => performance.now(),
  later: (delay, fire) => {
    const handle = setTimeout(fire, delay);
    return () => clearTimeout(handle);
  },
  // Nobody stays alive to look at the clock.
  every: (delay, fire) => setInterval(fire, delay).unref(),
});

/** Chance from the platform's own source, 48 bits at a time: the installation's id is made of it too. */
export function systemRandom(): Random {
  return () => randomBytes(6).readUIntBE(0, 6) / 2 ** 48;
}
