/**
 * Where to go on reading, exactly once (F12). The engine's `since` is inclusive and nothing but stamps identifies a line, so a cursor
 * is the greatest stamp taken from a stream and how many entries carried it. Cursors are stored in the same record as the lines they
 * cover: after any crash, what was not stored is read again and what was stored is not.
 */
import type { LogEntry } from '../../engine';
import type { StreamCursor } from './multiline';

export type { StreamCursor } from './multiline';

/** Positions in both streams of one container. */
export interface ContainerCursor {
  stdout?: StreamCursor;
  stderr?: StreamCursor;
}

/**
 * The engine stamps an entry before it orders it, so the other stream may still bring slightly older entries. Nanoseconds re-read on
 * resume; also the longest that an unfinished line may stay unstored.
 */
export const overlapNanos = 10_000_000_000n;

/** Stamps that go back by less are steps of a clock that is being set right: the cursor stays. Nanoseconds. */
const jumpNanos = 5_000_000_000;

/** Compares engine stamps, decimal texts. */
export function compareStamps(left: string, right: string): number {
  if (left.length !== right.length) return left.length - right.length;
  return left < right ? -1 : left > right ? 1 : 0;
}

/**
 * The stamp to resume from, or undefined to read from the first line. `now` is the wall clock in milliseconds: the engine hands out nothing
 * that is stamped before it, also of what is yet to come, so that after a clock was set back it must not lie in the future.
 */
export function resumeStamp(cursor: ContainerCursor | undefined, now: number): string | undefined {
  const both = [cursor?.stdout, cursor?.stderr];
  // After a clock went back, a stream that was silent since stands in the time before.
  const present = both.some((own) => own?.peak !== undefined) ? both.filter((own) => own?.peak !== undefined) : both;
  const newest = present.reduce<string | undefined>(
    (best, own) => (own && (best === undefined || compareStamps(own.stamp, best) > 0) ? own.stamp : best),
    undefined,
  );
  if (newest === undefined || !/^\d{1,20}$/.test(newest)) return undefined;
  const wall = BigInt(Math.floor(now)) * 1_000_000n;
  const from = (BigInt(newest) < wall ? BigInt(newest) : wall) - overlapNanos;
  return from > 0n ? String(from) : '0';
}

/** Whether the clock was set back between two entries that follow each other. */
function jumpedBack(before: string, now: string): boolean {
  // As doubles they are exact to half a microsecond, which is enough here; what is no number is no jump.
  return before !== '' && Number(before) - Number(now) > jumpNanos;
}

/**
 * Follows one stream: drops what was taken before, counts equal stamps, and notices when the cursor's own entry is gone. An engine
 * that rotates a log while it is followed sends some entries twice (F12); they come with stamps that went back and were seen lately.
 * When a clock is set back, a second time begins: the cursor goes on in it and remembers the greatest stamp of the time before, so that
 * a resume drops that time and not this one.
 */
export class CursorTrack {
  /** The greatest stamp taken; empty before the first. */
  stamp: string;
  private count: number;
  private peak: string;
  /** After a resume: everything up to the cursor comes again and is dropped. */
  private resuming = false;
  private covered = false;
  /** While resuming: what comes is still of the time before the clock was set back. */
  private earlier = false;
  /** While resuming: the last stamp that was dropped. */
  private dropped = '';
  /** The engine is repeating itself. */
  private repeating = false;
  /** Entries with the cursor's stamp that came again. */
  private seen = 0;
  private recent = new RecentStamps();

  constructor(start: StreamCursor | undefined) {
    this.stamp = start?.stamp ?? '';
    this.count = start?.count ?? 0;
    this.peak = start?.peak ?? '';
  }

  /** The stream is opened (again) from `since`: a gap can only be told when the cursor's own entry must come again. */
  resume(since: string | undefined): void {
    this.resuming = this.stamp !== '';
    this.covered = since !== undefined && compareStamps(since, this.stamp) <= 0;
    this.earlier = this.peak !== '';
    this.dropped = '';
    this.repeating = false;
    this.seen = 0;
  }

  /** Whether to take the entry. `gap` is set once when entries between the cursor and this one were lost to rotation. */
  take(entry: Pick<LogEntry, 'stamp'>): { taken: boolean; gap: boolean } {
    const { stamp } = entry;
    if (this.resuming && this.earlier) {
      const over = stamp === this.stamp || compareStamps(stamp, this.peak) > 0 || jumpedBack(this.dropped, stamp);
      this.dropped = stamp;
      if (!over) return drop;
      this.earlier = false;
    }
    const order = this.stamp === '' ? 1 : compareStamps(stamp, this.stamp);
    let gap = false;
    if (order < 0) {
      if (this.resuming && !jumpedBack(this.dropped, stamp)) {
        this.dropped = stamp;
        return drop;
      }
      if (!this.resuming && this.recent.has(stamp)) {
        this.repeating = true;
        this.seen = 0;
        return drop;
      }
      if (this.resuming || jumpedBack(this.stamp, stamp)) this.beginAnew(stamp);
      // A small step back: the cursor stays. Rather a hidden line after a crash than doubled ones.
      return take;
    }
    if (order === 0) {
      if ((this.resuming || this.repeating) && this.seen < this.count) {
        this.seen += 1;
        this.dropped = stamp;
        return drop;
      }
      this.count += 1;
    } else {
      gap = this.resuming && this.covered && this.seen < this.count;
      this.stamp = stamp;
      this.count = 1;
      this.recent.add(stamp);
      if (this.peak !== '' && compareStamps(stamp, this.peak) > 0) this.peak = '';
    }
    this.resuming = false;
    this.repeating = false;
    return gap ? takeWithGap : take;
  }

  /** The position after the last entry taken; undefined before the first. */
  position(): StreamCursor | undefined {
    if (this.stamp === '') return undefined;
    const place = { stamp: this.stamp, count: this.count };
    return this.peak === '' ? place : { ...place, peak: this.peak };
  }

  /** The clock was set back to before `stamp`. */
  private beginAnew(stamp: string): void {
    if (compareStamps(this.stamp, this.peak) > 0) this.peak = this.stamp;
    this.stamp = stamp;
    this.count = 1;
    this.recent = new RecentStamps();
    this.recent.add(stamp);
    this.resuming = false;
    this.repeating = false;
  }
}

const drop = { taken: false, gap: false } as const;
const take = { taken: true, gap: false } as const;
const takeWithGap = { taken: true, gap: true } as const;

/** The last stamps of a stream, rising; asked only when a stamp goes back. */
class RecentStamps {
  private static readonly most = 8192;
  private stamps = new Float64Array(64);
  private length = 0;

  add(stamp: string): void {
    if (this.length === this.stamps.length) {
      if (this.length < RecentStamps.most) {
        const grown = new Float64Array(this.length * 2);
        grown.set(this.stamps);
        this.stamps = grown;
      } else {
        // Half is let go at once, so that adding stays cheap.
        this.stamps.copyWithin(0, this.length / 2);
        this.length /= 2;
      }
    }
    this.stamps[this.length++] = short(stamp);
  }

  has(stamp: string): boolean {
    const wanted = short(stamp);
    let low = 0;
    let high = this.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const own = this.stamps[middle] as number;
      if (own === wanted) return true;
      if (own < wanted) low = middle + 1;
      else high = middle - 1;
    }
    return false;
  }
}

/** The last fifteen digits: eleven days of nanoseconds, exact in a double. */
function short(stamp: string): number {
  return Number(stamp.slice(-15));
}
