/** Caps on what the window may send: the size of one message and the rate of all of them (S10). */
import type { Clock } from '../base/clock';

/** Largest message, in characters and values together. A whole Compose project with every file at its cap fits. */
export const largestMessage = 40 * 1024 * 1024;
const mostValues = 200_000;
const deepest = 64;

/** Whether a structured-cloned value stays within the caps. Stops counting at the cap, so that a huge value costs little. */
export function withinSize(value: unknown, limit: number = largestMessage): boolean {
  let left = limit;
  let values = mostValues;
  const seen = new Set<object>();
  const visit = (item: unknown, depth: number): boolean => {
    values -= 1;
    left -= 8;
    if (values < 0 || left < 0 || depth > deepest) return false;
    if (typeof item === 'string') {
      left -= item.length;
      return left >= 0;
    }
    if (item === null || typeof item !== 'object') return typeof item !== 'bigint' && typeof item !== 'symbol';
    // A cycle, or one object in two places: JSON knows neither, so a client of ours never sends it.
    if (seen.has(item)) return false;
    seen.add(item);
    if (Array.isArray(item)) return item.every((part) => visit(part, depth + 1));
    const prototype: unknown = Object.getPrototypeOf(item);
    if (prototype !== Object.prototype && prototype !== null) return false;
    for (const key of Object.keys(item)) {
      left -= key.length;
      if (!visit((item as Record<string, unknown>)[key], depth + 1)) return false;
    }
    return true;
  };
  return visit(value, 0);
}

/** A token bucket: `rate` messages a second, `burst` at once. */
export class RateLimit {
  private tokens: number;
  private last: number;

  constructor(
    private readonly clock: Pick<Clock, 'monotonic'>,
    private readonly rate = 2000,
    private readonly burst = 4000,
  ) {
    this.tokens = burst;
    this.last = clock.monotonic();
  }

  /** Takes one token; false when there is none. */
  take(): boolean {
    const now = this.clock.monotonic();
    this.tokens = Math.min(this.burst, this.tokens + ((now - this.last) * this.rate) / 1000);
    this.last = now;
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }
}
