/** Rates and latencies per seat from HAProxy's counters, second by second. */
import { parseRing, percentile, type Finished, type ServerStat } from './stats';

export interface SeatFigures {
  /** Per second. */
  requests: number;
  errors: number;
  sessions: number;
  up: boolean;
  p50?: number;
  p95?: number;
}

/** Requests whose times are looked back at for percentiles, milliseconds. */
const window = 10_000;
/** Times kept per seat at most. */
const most = 2000;
/** Containers whose totals are kept; of those that answered longest ago the totals go first. */
const mostContainers = 5000;

interface Memory {
  requests: number;
  errors: number;
  occupant: string | undefined;
  times: { at: number; time: number }[];
}

export class Figures {
  readonly now = new Map<string, SeatFigures>();
  private readonly memory = new Map<string, Memory>();
  /** What containers have answered since they were first looked at. */
  private readonly totals = new Map<string, { requests: number; errors: number }>();
  private at: number | undefined;
  private serial = -1;

  /** Takes one look at the counters. `occupant` says which container sits there: a new one begins from nothing. */
  take(at: number, stats: readonly ServerStat[], occupant: (seat: string) => string | undefined): void {
    const seconds = this.at === undefined ? undefined : (at - this.at) / 1000;
    this.at = at;
    const seen = new Set<string>();
    for (const one of stats) {
      const key = `${one.backend}/${one.server}`;
      seen.add(key);
      const who = occupant(key);
      const before = this.memory.get(key);
      // Counters start anew with a new worker, and a new replica has nothing to do with the one before it.
      const same = before?.occupant === who ? before : undefined;
      const goesOn = same !== undefined && one.requests >= same.requests && one.errors >= same.errors;
      if (who !== undefined && goesOn) this.add(who, one.requests - same.requests, one.errors - same.errors);
      const times = same ? same.times.filter((time) => time.at > at - window) : [];
      this.memory.set(key, { requests: one.requests, errors: one.errors, occupant: who, times });
      const rate = (now: number, then: number): number =>
        goesOn && seconds !== undefined && seconds > 0 ? (now - then) / seconds : 0;
      const sorted = times.map((entry) => entry.time).sort((left, right) => left - right);
      const [p50, p95] = [percentile(sorted, 0.5), percentile(sorted, 0.95)];
      this.now.set(key, {
        requests: rate(one.requests, before?.requests ?? 0),
        errors: rate(one.errors, before?.errors ?? 0),
        sessions: one.current,
        up: !one.status.startsWith('DOWN'),
        ...(p50 === undefined ? {} : { p50 }),
        ...(p95 === undefined ? {} : { p95 }),
      });
    }
    for (const key of this.memory.keys()) {
      if (seen.has(key)) continue;
      this.memory.delete(key);
      this.now.delete(key);
    }
  }

  /** Takes the ring of finished requests; those already taken are known by their serial number. */
  ring(at: number, text: string): void {
    const finished = parseRing(text);
    const last = finished.reduce((highest, one) => Math.max(highest, one.serial), -1);
    // A new worker counts from nothing.
    if (last < this.serial) this.serial = -1;
    for (const one of finished) if (one.serial > this.serial) this.note(at, one);
    this.serial = Math.max(this.serial, last);
  }

  /** Times of a set of seats together, ascending. */
  times(seats: readonly string[]): number[] {
    return seats
      .flatMap((key) => this.memory.get(key)?.times.map((entry) => entry.time) ?? [])
      .sort((left, right) => left - right);
  }

  /** Of some containers together: all they have answered since they were first looked at, and their 95th percentile of late. */
  sum(containers: ReadonlySet<string>): { requests: number; errors: number; p95?: number } {
    const sum = { requests: 0, errors: 0 };
    for (const container of containers) {
      sum.requests += this.totals.get(container)?.requests ?? 0;
      sum.errors += this.totals.get(container)?.errors ?? 0;
    }
    const seats = [...this.memory].flatMap(([key, { occupant }]) => (containers.has(occupant ?? '') ? [key] : []));
    const p95 = percentile(this.times(seats), 0.95);
    return { ...sum, ...(p95 === undefined ? {} : { p95 }) };
  }

  private add(container: string, requests: number, errors: number): void {
    const total = this.totals.get(container) ?? { requests: 0, errors: 0 };
    this.totals.delete(container);
    this.totals.set(container, { requests: total.requests + requests, errors: total.errors + errors });
    if (this.totals.size <= mostContainers) return;
    const [oldest] = this.totals.keys();
    if (oldest !== undefined) this.totals.delete(oldest);
  }

  private note(at: number, one: Finished): void {
    const times = this.memory.get(`${one.backend}/${one.server}`)?.times;
    // HAProxy writes -1 when a request never got that far.
    if (!times || one.time < 0) return;
    times.push({ at, time: one.time });
    if (times.length > most) times.shift();
  }
}
