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

/** Compares engine stamps, decimal texts. */
export function compareStamps(left: string, right: string): number {
  if (left.length !== right.length) return left.length - right.length;
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The stamp to resume from, or undefined to read from the first line. */
export function resumeStamp(cursor: ContainerCursor | undefined): string | undefined {
  const newest = [cursor?.stdout, cursor?.stderr].reduce<string | undefined>(
    (best, own) => (own && (best === undefined || compareStamps(own.stamp, best) > 0) ? own.stamp : best),
    undefined,
  );
  if (newest === undefined || !/^\d{1,20}$/.test(newest)) return undefined;
  const from = BigInt(newest) - overlapNanos;
  return from > 0n ? String(from) : '0';
}

/** Follows one stream: drops what was taken before the resume, counts equal stamps, and notices when the cursor's own entry is gone. */
export class CursorTrack {
  private stamp: string;
  private count: number;
  private readonly covered: boolean;
  private dropping: boolean;
  private seen = 0;

  /** `since` is what the engine was asked for: a gap can only be told when the cursor's own entry must come again. */
  constructor(start: StreamCursor | undefined, since: string | undefined) {
    this.stamp = start?.stamp ?? '';
    this.count = start?.count ?? 0;
    this.dropping = start !== undefined;
    this.covered = start !== undefined && since !== undefined && compareStamps(since, start.stamp) <= 0;
  }

  /** Whether to take the entry. `gap` is set once when entries between the cursor and this one were lost to rotation. */
  take(entry: Pick<LogEntry, 'stamp'>): { taken: boolean; gap: boolean } {
    const order = this.stamp === '' ? 1 : compareStamps(entry.stamp, this.stamp);
    if (this.dropping) {
      if (order < 0) return drop;
      if (order === 0 && this.seen < this.count) {
        this.seen += 1;
        return drop;
      }
      this.dropping = false;
      const gap = this.covered && this.seen < this.count;
      this.advance(entry.stamp, order);
      return gap ? takeWithGap : take;
    }
    this.advance(entry.stamp, order);
    return take;
  }

  /** The position after the last entry taken; undefined before the first. */
  position(): StreamCursor | undefined {
    return this.stamp === '' ? undefined : { stamp: this.stamp, count: this.count };
  }

  private advance(stamp: string, order: number): void {
    if (order > 0) {
      this.stamp = stamp;
      this.count = 1;
    } else if (order === 0) this.count += 1;
    // A stamp that went back (the clock jumped) does not move the cursor back: rather a hidden line after a crash than doubled ones.
  }
}

const drop = { taken: false, gap: false } as const;
const take = { taken: true, gap: false } as const;
const takeWithGap = { taken: true, gap: true } as const;
