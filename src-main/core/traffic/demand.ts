/**
 * Who was asked for last, from HAProxy's counters. Where something cannot be told – a counter that began anew, a backend
 * that was not there before – somebody counts as having asked just now: nothing goes to rest by mistake.
 */
import type { ServerStat } from './stats';

interface Seen {
  requests: number;
  open: number;
  /** Monotonic time of the last sign of a request. */
  at: number;
}

export class Demand {
  private readonly backends = new Map<string, Seen>();

  /** Takes one look at the counters of every server. */
  take(at: number, stats: readonly ServerStat[]): void {
    const sums = new Map<string, { requests: number; open: number }>();
    for (const { backend, requests, current } of stats) {
      const sum = sums.get(backend) ?? { requests: 0, open: 0 };
      sums.set(backend, { requests: sum.requests + requests, open: sum.open + current });
    }
    for (const name of this.backends.keys()) if (!sums.has(name)) this.backends.delete(name);
    for (const [name, sum] of sums) {
      const before = this.backends.get(name);
      const still = before?.requests === sum.requests && before.open === 0 && sum.open === 0;
      this.backends.set(name, { ...sum, at: still ? before.at : at });
    }
  }

  /** Another worker counts from now on. */
  clear(): void {
    this.backends.clear();
  }

  /** Somebody waits at this backend. */
  touch(backend: string, at: number): void {
    const seen = this.backends.get(backend);
    if (seen) seen.at = Math.max(seen.at, at);
  }

  /** How long nobody has asked for any of these, milliseconds; 0 while something is open, undefined while one was never looked at. */
  quiet(backends: readonly string[], now: number): number | undefined {
    let least: number | undefined;
    for (const name of backends) {
      const seen = this.backends.get(name);
      if (!seen) return undefined;
      const quiet = seen.open > 0 ? 0 : Math.max(0, now - seen.at);
      least = Math.min(least ?? quiet, quiet);
    }
    return least;
  }
}
