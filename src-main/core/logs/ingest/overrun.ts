/**
 * Lines that the engine rotates away while it is followed. Docker's reader goes on in the new file and leaves the rest of the old one
 * unread when a container writes faster than it is read, and says nothing (F12: 34,016 of 48,000 lines). All that shows is a jump of the
 * stamps in the middle of dense output. So jumps are remembered, and a moment later what the engine still keeps is read once more:
 * what lies inside a jump and was never taken is handed on; where the line before a jump is gone itself, nobody can know, and that is told.
 */
import type { LogEntry } from '../../engine';
import { compareStamps } from './cursor';

/** A place where stamps went on by much more than the lines around them stand apart. Both ends were taken. */
export interface Jump {
  stream: LogEntry['stream'];
  from: string;
  to: string;
}

/** Lines must have come so densely before, and the jump have room for so many of them. */
const leastBefore = 64;
const leastInside = 50;
/** Share of each new distance in the mean. */
const weight = 1 / 32;
const mostJumps = 32;

interface Pace {
  last: string;
  time: number;
  /** Mean distance of lines, microseconds. */
  distance: number;
  count: number;
}

/** Notices jumps in what is taken of one container. */
export class JumpWatch {
  private readonly paces: Record<LogEntry['stream'], Pace> = { stdout: newPace(), stderr: newPace() };
  private jumps: Jump[] = [];
  /** Entries taken since the oldest jump that waits. */
  private since = 0;

  get waiting(): boolean {
    return this.jumps.length > 0;
  }

  /** An entry was taken; `time` is its stamp in microseconds. */
  take({ stream, stamp }: Pick<LogEntry, 'stream' | 'stamp'>, time: number): void {
    const pace = this.paces[stream];
    const distance = pace.count === 0 ? 0 : time - pace.time;
    if (this.jumps.length > 0) this.since += 1;
    if (distance < 0) {
      // Out of order, or the clock was set back: what may have been taken inside a jump is no longer certain.
      pace.count = 0;
      this.jumps = this.jumps.filter((jump) => jump.stream !== stream || compareStamps(stamp, jump.from) < 0);
    } else {
      const inside = distance / Math.max(pace.distance, 1);
      if (pace.count >= leastBefore && inside >= leastInside) {
        this.jumps.push({ stream, from: pace.last, to: stamp });
        if (this.jumps.length > mostJumps) this.jumps.shift();
        pace.count = 0;
      } else {
        // The first says nothing of distances, the second is all that is known.
        pace.distance += (distance - pace.distance) * (pace.count <= 1 ? 1 : weight);
        pace.count += 1;
      }
    }
    pace.last = stamp;
    pace.time = time;
  }

  /** Jumps that could not be looked into yet. */
  giveBack(jumps: readonly Jump[]): void {
    this.jumps = [...jumps, ...this.jumps].slice(-mostJumps);
  }

  /** What came before is not comparable with what comes now: another stream was opened. */
  reset(): void {
    for (const stream of ['stdout', 'stderr'] as const) this.paces[stream].count = 0;
  }

  /** The jumps to look into, once, and how many entries were taken since the first of them. */
  takeJumps(): { jumps: Jump[]; since: number } {
    const { jumps, since } = this;
    this.jumps = [];
    this.since = 0;
    return { jumps, since };
  }
}

function newPace(): Pace {
  return { last: '', time: 0, distance: 0, count: 0 };
}

/** Entries that are handed on late are bounded; what is more is told as missing. */
const mostFound = 20_000;

/** Compares what the engine still has with the jumps. */
export class JumpCheck {
  /** Entries inside jumps, in the order of the engine. */
  readonly found: LogEntry[] = [];
  private readonly seen = new Set<Jump>();
  private overflow: Jump | undefined;

  constructor(private readonly jumps: readonly Jump[]) {}

  /** Takes what is read again. */
  read(entries: readonly LogEntry[]): void {
    for (const entry of entries) {
      for (const jump of this.jumps) {
        if (jump.stream !== entry.stream) continue;
        const order = compareStamps(entry.stamp, jump.from);
        if (order === 0) this.seen.add(jump);
        if (order <= 0 || compareStamps(entry.stamp, jump.to) >= 0) continue;
        if (this.found.length < mostFound) this.found.push(entry);
        else this.overflow ??= jump;
      }
    }
  }

  /** From the first to the last place where lines are missing that nobody can bring back; undefined when there is none. */
  missing(): { from: string; to: string } | undefined {
    const unknown = this.jumps.filter((jump) => !this.seen.has(jump) || jump === this.overflow);
    return unknown.reduce<{ from: string; to: string } | undefined>(
      (whole, { from, to }) => ({
        from: whole && compareStamps(whole.from, from) < 0 ? whole.from : from,
        to: whole && compareStamps(whole.to, to) > 0 ? whole.to : to,
      }),
      undefined,
    );
  }
}
