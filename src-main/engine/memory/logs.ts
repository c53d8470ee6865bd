/**
 * A container's output. Steady lines are not stored: they are computed from the container's seed when somebody reads, so that a
 * thousand chatty containers cost nothing while nobody looks. Lines written on purpose are stored, the newest 10,000 of them.
 */
import type { Clock } from '../../base/clock';
import { Ring } from '../../base/ring';
import { hash32 } from '../../base/random';
import type { LogEntry } from '../../core/engine';
import { logLines, type LogStyle } from './formats';

/** A time in which the process wrote its steady lines. */
interface Span {
  id: number;
  /** Monotonic and wall milliseconds of its beginning. */
  from: number;
  wall: number;
  to?: number;
  perSecond: number;
  style: LogStyle;
}

/** How far a reader has come. */
export interface OutputCursor {
  sequence: number;
  span: number;
  line: number;
}

/** Lines of one span that are still there for a late reader, as a rotated log file would keep. */
const keptPerSpan = 5000;
/** Bytes after which the engine splits a line (F12). */
const longestEntry = 16 * 1024;

export class Output {
  private readonly spans = new Ring<Span>(64);
  private readonly stored = new Ring<{ sequence: number; entry: LogEntry }>(10_000);
  private readonly listeners = new Set<() => void>();
  private nextSpan = 0;
  private nextSequence = 0;
  private lastStamp = '';

  constructor(
    private readonly clock: Clock,
    private readonly seed: string,
  ) {}

  /** Steady lines begin. */
  open(flow: { perSecond: number; style: LogStyle }): void {
    this.close();
    if (flow.perSecond <= 0) return;
    this.spans.push({ id: this.nextSpan++, from: this.clock.monotonic(), wall: this.clock.now(), ...flow });
  }

  /** Steady lines end. */
  close(): void {
    const last = this.spans.at(-1);
    if (last && last.to === undefined) last.to = this.clock.monotonic();
  }

  /** Writes a line now; over-long ones become several entries. */
  write(text: string, stream: LogEntry['stream']): void {
    for (const [index, piece] of pieces(text).entries()) {
      let stamp = stampOf(this.clock.now());
      if (stamp <= this.lastStamp) stamp = (BigInt(this.lastStamp) + 1n).toString();
      this.lastStamp = stamp;
      const partial = (index + 1) * longestEntry < text.length;
      this.stored.push({ sequence: this.nextSequence++, entry: { stream, stamp, text: piece, partial } });
    }
    for (const listener of [...this.listeners]) listener();
  }

  /** Hears when a line was written on purpose; call the result to stop. */
  listen(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Everything that can still be read, in order of time, and the cursor behind it. */
  read(options: { since?: string; tail?: number }): { entries: LogEntry[]; cursor: OutputCursor } {
    const { entries, cursor } = this.after({ sequence: 0, span: 0, line: 0 });
    const since = options.since;
    const wanted = since === undefined ? entries : entries.filter((entry) => compare(entry.stamp, since) >= 0);
    return {
      entries: options.tail === undefined ? wanted : wanted.slice(Math.max(0, wanted.length - options.tail)),
      cursor,
    };
  }

  /** What came after the cursor. */
  after(cursor: OutputCursor): { entries: LogEntry[]; cursor: OutputCursor } {
    const entries: LogEntry[] = [];
    const next: OutputCursor = { sequence: this.nextSequence, span: cursor.span, line: cursor.line };
    for (const { sequence, entry } of this.stored) if (sequence >= cursor.sequence) entries.push(entry);
    for (const span of this.spans) {
      if (span.id < cursor.span) continue;
      const from = span.id === cursor.span ? cursor.line : 0;
      const line = this.generate(span, { from, into: entries });
      next.span = span.id;
      next.line = line;
    }
    return { entries: entries.sort((one, other) => compare(one.stamp, other.stamp)), cursor: next };
  }

  /** Appends the span's lines that are due and returns the number of the first that is not. */
  private generate(span: Span, options: { from: number; into: LogEntry[] }): number {
    const gap = 1000 / span.perSecond;
    const length = (span.to ?? this.clock.monotonic()) - span.from;
    const seed = `${this.seed}/${span.id}`;
    const dueAt = (line: number): number => (line + 0.1 + (0.8 * hash32(`${seed}@${line}`)) / 4294967296) * gap;
    let end = Math.max(options.from, Math.floor(length / gap));
    while (dueAt(end) <= length) end += 1;
    for (let line = Math.max(options.from, end - keptPerSpan); line < end; line++) {
      const offset = dueAt(line);
      if (offset > length) return line;
      for (const [index, { stream, text }] of logLines(span.style, {
        seed,
        number: line,
        at: Math.floor(span.wall + offset),
      }).entries()) {
        options.into.push({ stream, stamp: stampOf(span.wall, offset + index / 1e4), text, partial: false });
      }
    }
    return end;
  }
}

function pieces(text: string): string[] {
  const parts: string[] = [];
  for (let at = 0; at < text.length || at === 0; at += longestEntry) parts.push(text.slice(at, at + longestEntry));
  return parts;
}

/** Nanoseconds since the epoch as text. A number has no room for them, so `offset` milliseconds are added apart. */
function stampOf(wall: number, offset = 0): string {
  const whole = Math.floor(offset);
  const nanoseconds = Math.floor((offset - whole) * 1e6);
  return `${Math.floor(wall) + whole}${String(nanoseconds).padStart(6, '0')}`;
}

function compare(one: string, other: string): number {
  if (one.length !== other.length) return one.length - other.length;
  return one < other ? -1 : one > other ? 1 : 0;
}
