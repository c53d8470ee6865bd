/** Lines that belong together: parts of one long line, and the lines of one stack trace. One instance per container and stream. */
import { plainOf } from './sanitize';

/** A line is cut at so many characters; what was cut is said in the line itself. */
export const maxLineLength = 64 * 1024;
/** A group takes at most so many lines, and `maxLineLength` characters. */
export const maxGroupLines = 512;
/** Lines further apart than this, by the engine's stamps, are never joined. Microseconds. */
const longestGap = 1_000_000;
/** A group, and a line that does not end, are handed on after so long, by the engine's stamps: what is held is not yet safe. Microseconds. */
const longestSpan = 5_000_000;

/** A position in a container's stream: the last entry taken, and how many entries with that same stamp were. */
export interface StreamCursor {
  stamp: string;
  count: number;
  /** The greatest stamp of the time before the clock was set back; absent when it was not, or has caught up. */
  peak?: string;
}

/** A finished line. `time` is its first entry's, microseconds; `cursor` stands after its last entry. */
export interface JoinedLine {
  text: string;
  time: number;
  cursor: StreamCursor;
}

/** Joins the engine's partial entries (16 KiB each) to one line; beyond the cap characters are counted, not kept. */
export class PartJoiner {
  private parts: string[] = [];
  private length = 0;
  private started = 0;

  get pending(): boolean {
    return this.started !== 0 || this.length > 0;
  }

  /** The first part's time; infinite when there is none. */
  get since(): number {
    return this.pending ? this.started : Infinity;
  }

  /** Takes an entry; returns the whole line with the first part's time when it is complete. */
  push(text: string, time: number, partial: boolean): { text: string; time: number } | undefined {
    if (!partial && !this.pending) return { text: text.length > maxLineLength ? cut(text, text.length) : text, time };
    if (!this.pending) this.started = time;
    if (this.length < maxLineLength) this.parts.push(text);
    this.length += text.length;
    return partial && time - this.started < longestSpan ? undefined : this.take();
  }

  /** What is there although it has no end yet. */
  take(): { text: string; time: number } {
    const line = { text: cut(this.parts.join(''), this.length), time: this.started };
    this.parts = [];
    this.length = 0;
    this.started = 0;
    return line;
  }
}

function cut(text: string, length: number): string {
  return length <= maxLineLength
    ? text
    : `${text.slice(0, maxLineLength)} […${length - maxLineLength} more characters cut]`;
}

const closers = /^[)\]}]+[,;]?$/;
const chained =
  /^(?:Caused by: |Suppressed: |\.\.\. \d+ (?:more|common frames)|During handling of the above exception|The above exception was)/;
const headLike =
  /(?:Exception|Error|Traceback|panic:|stack backtrace|Stack trace|[:{([])\s*$|(?:Exception|Error|Traceback|panic)\b/;

/**
 * Groups stack traces. A line that starts with a blank, closes a bracket or chains a cause goes with the line before it; Python's
 * traceback takes its last, unindented line too, and Go's panic its goroutine blocks.
 */
export class LineGrouper {
  private text = '';
  private time = 0;
  private last = 0;
  private lines = 0;
  private indented = false;
  private mode: 'plain' | 'python' | 'go' = 'plain';
  private cursor: StreamCursor = { stamp: '', count: 0 };

  constructor(private readonly emit: (line: JoinedLine) => void) {}

  get pending(): boolean {
    return this.lines > 0;
  }

  /** The first line's time; infinite when there is none. */
  get since(): number {
    return this.lines > 0 ? this.time : Infinity;
  }

  /** Takes a cleaned line; emits the group before it when the line starts a new one. */
  push(text: string, time: number, cursor: StreamCursor): void {
    if (this.lines > 0) {
      if (this.belongs(text, time)) {
        this.text += `\n${text}`;
        this.lines += 1;
        this.last = time;
        this.cursor = cursor;
        return;
      }
      this.flush();
    }
    this.text = text;
    this.time = time;
    this.last = time;
    this.lines = 1;
    this.indented = false;
    this.cursor = cursor;
    this.mode = 'plain';
    const code = text.charCodeAt(0);
    if (code === 0x54 && text.startsWith('Traceback (most recent call last)')) this.mode = 'python';
    else if ((code === 0x70 && text.startsWith('panic: ')) || (code === 0x66 && text.startsWith('fatal error: ')))
      this.mode = 'go';
  }

  /** Whether the pending line is likely to go on, so that waiting for more is worth the delay. */
  get expectsMore(): boolean {
    return (
      this.lines > 1 ||
      (this.lines === 1 &&
        (this.mode !== 'plain' || headLike.test(this.text.slice(-512)) || headLike.test(this.text.slice(0, 512))))
    );
  }

  flush(): void {
    if (this.lines === 0) return;
    const line: JoinedLine = { text: this.text, time: this.time, cursor: this.cursor };
    this.text = '';
    this.lines = 0;
    this.emit(line);
  }

  private belongs(raw: string, time: number): boolean {
    if (this.lines >= maxGroupLines || this.text.length + raw.length >= maxLineLength) return false;
    if (time - this.last > longestGap || time < this.last - longestGap || time - this.time > longestSpan) return false;
    const text = raw.charCodeAt(0) === 0x1b ? plainOf(raw) : raw;
    const code = text.charCodeAt(0);
    if (code === 0x20 || code === 0x09) {
      if (text.trim() === '') return this.mode === 'go';
      this.indented = true;
      return true;
    }
    if (this.mode === 'python') {
      // The exception's own line ends the traceback.
      this.mode = 'plain';
      return this.indented && text !== '';
    }
    if (this.mode === 'go')
      return text === '' || /^(?:goroutine \d+ |created by |exit status |\[signal |[\w./*()]+\(.*\)$)/.test(text);
    if (code === 0x29 || code === 0x5d || code === 0x7d) return this.indented && closers.test(text);
    return (
      (code === 0x43 || code === 0x53 || code === 0x2e || code === 0x44 || code === 0x54) &&
      this.lines > 0 &&
      this.follows(text)
    );
  }

  private follows(text: string): boolean {
    if (!chained.test(text)) return false;
    return this.indented || /(?:Exception|Error)/.test(this.text.slice(0, 512));
  }
}
