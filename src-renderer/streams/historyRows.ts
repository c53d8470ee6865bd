/**
 * Every row of a selection in a time that stands still, by its number, without reading them all: a histogram says how many lines lie in each
 * stretch of time, a stretch that is looked at is divided further, and what is small enough is read. So any of millions of rows is two or
 * three questions away. Markers are not counted by the core; they are shown with the line that follows them.
 */
import type { LogHistogram, LogPage } from '../../src-main/contract/api/observe';
import type { LogLine } from '../../src-main/contract/nouns';
import type { Sentence } from '../../src-main/contract/sentence';

/** A line, and the markers that stand before it (after the last line: behind it). */
export interface PlacedLine extends LogLine {
  before?: Sentence[];
  behind?: Sentence[];
}

export interface HistoryQuestions {
  /** Counts of a time, both ends included, in at most `buckets` parts. */
  histogram(span: Span, buckets: number): Promise<LogHistogram>;
  /** The newest lines of a time, or those before an id. */
  page(span: Span, limit: number, before?: string): Promise<LogPage>;
}

/** Milliseconds, both included. */
export interface Span {
  from: number;
  to: number;
}

interface Stretch extends Span {
  /** Number of its first row. */
  first: number;
  count: number;
  rows?: PlacedLine[];
  /** When it was looked at last, by count of looks. */
  seen: number;
}

/** Parts that a stretch is divided into: the most that the core answers. */
const parts = 400;
/** Rows read at once. */
const chunk = 1000;
/** Lines of one millisecond that are shown; there are no smaller stretches. */
const mostAtOnce = 20_000;
const pageLimit = 5000;
/** Rows kept in memory. */
const mostKept = 20_000;

export class HistoryRows {
  count = 0;
  /** The first histogram has come. */
  begun = false;
  private stretches: Stretch[] = [];
  private wanted: { from: number; to: number } | undefined;
  private working = false;
  private looks = 0;
  private closed = false;

  constructor(
    private readonly ask: HistoryQuestions,
    private readonly span: Span,
    private readonly tell: { changed(): void; failed(thrown: unknown): void },
  ) {}

  /** Asks how many rows there are. */
  async begin(): Promise<void> {
    try {
      const histogram = await this.ask.histogram(this.span, parts);
      if (this.closed) return;
      this.stretches = stretchesOf(histogram, this.span);
      this.number();
      this.begun = true;
      this.tell.changed();
    } catch (thrown) {
      if (!this.closed) this.tell.failed(thrown);
    }
  }

  /** A row; undefined when it is not read yet. */
  row(number: number): PlacedLine | undefined {
    const stretch = this.stretches[this.placeOf(number)];
    return stretch?.rows?.[number - stretch.first];
  }

  /** These rows are looked at: they are read, unless others are looked at before it is their turn. */
  look(from: number, to: number): void {
    this.wanted = { from: Math.max(0, from), to: Math.min(this.count - 1, to) };
    void this.work();
  }

  close(): void {
    this.closed = true;
  }

  private async work(): Promise<void> {
    if (this.working) return;
    this.working = true;
    try {
      for (let at = this.missing(); at !== undefined && !this.closed; at = this.missing()) {
        await this.bring(at);
        if (!this.closed) this.tell.changed();
      }
    } catch (thrown) {
      this.wanted = undefined;
      if (!this.closed) this.tell.failed(thrown);
    }
    this.working = false;
  }

  /** The first stretch of what is wanted that is not read. */
  private missing(): number | undefined {
    const { wanted } = this;
    if (!wanted) return undefined;
    this.looks += 1;
    for (let at = this.placeOf(wanted.from); ; at++) {
      const stretch = this.stretches[at];
      if (!stretch || stretch.first > wanted.to) return undefined;
      if (!stretch.rows) return at;
      stretch.seen = this.looks;
    }
  }

  /** Divides a stretch that is too large, or reads it with its small neighbours. */
  private async bring(at: number): Promise<void> {
    const stretch = this.stretches[at];
    if (!stretch) return;
    if (stretch.count > chunk && stretch.to > stretch.from) {
      const histogram = await this.ask.histogram(span(stretch), parts);
      const smaller = stretchesOf(histogram, stretch);
      this.replace([stretch], smaller.length > 0 ? smaller : [{ ...stretch, count: 0, rows: [], seen: this.looks }]);
      return;
    }
    const together = [stretch];
    let count = stretch.count;
    for (const step of [1, -1]) {
      for (let next = at + step; ; next += step) {
        const other = this.stretches[next];
        if (!other || other.rows || count + other.count > chunk) break;
        count += other.count;
        if (step > 0) together.push(other);
        else together.unshift(other);
      }
    }
    const time = { from: together[0]?.from ?? stretch.from, to: together.at(-1)?.to ?? stretch.to };
    const rows = await this.read(time, count);
    this.replace(together, [{ ...time, first: 0, count: rows.length, rows, seen: this.looks }]);
    this.forget();
  }

  private async read(time: Span, count: number): Promise<PlacedLine[]> {
    let lines: LogLine[] = [];
    let found = 0;
    for (;;) {
      const page = await this.ask.page(time, pageLimit, lines[0]?.id);
      lines = [...page.lines, ...lines];
      found += page.lines.length;
      if (!page.before || page.lines.length === 0 || found >= Math.min(mostAtOnce, count + pageLimit)) break;
    }
    return placed(lines);
  }

  /** Puts others where these were. What was counted and what is there may differ: lines came late, or grew too old. */
  private replace(old: readonly Stretch[], others: Stretch[]): void {
    const at = old[0] ? this.stretches.indexOf(old[0]) : -1;
    if (at < 0) return;
    this.stretches.splice(at, old.length, ...others);
    this.number();
  }

  /** Lets go of what was looked at longest ago. */
  private forget(): void {
    const read = this.stretches.filter((stretch) => stretch.rows && stretch.count > 0);
    let kept = read.reduce((sum, stretch) => sum + stretch.count, 0);
    read.sort((one, other) => one.seen - other.seen);
    for (const stretch of read) {
      if (kept <= mostKept) return;
      kept -= stretch.count;
      delete stretch.rows;
    }
  }

  private number(): void {
    let first = 0;
    this.stretches = this.stretches.filter((stretch) => stretch.count > 0);
    for (const stretch of this.stretches) {
      stretch.first = first;
      first += stretch.count;
    }
    this.count = first;
  }

  private placeOf(number: number): number {
    let low = 0;
    let high = this.stretches.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.stretches[middle]?.first ?? 0) <= number) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

function span({ from, to }: Span): Span {
  return { from, to };
}

/** The parts of a histogram in which there is something, each with the silence before it: markers, which are not counted, may stand there. */
function stretchesOf(histogram: LogHistogram, within: Span): Stretch[] {
  const found: Stretch[] = [];
  let { from } = within;
  for (const { at, counts } of histogram.buckets) {
    const count = Object.values(counts).reduce((sum, own) => sum + own, 0);
    if (count === 0) continue;
    const to = Math.min(within.to, at + histogram.step - 1);
    found.push({ from, to, first: 0, count, seen: 0 });
    from = to + 1;
  }
  const last = found.at(-1);
  if (last) last.to = within.to;
  return found;
}

/** Lines with the markers that stood between them. */
function placed(lines: readonly LogLine[]): PlacedLine[] {
  const rows: PlacedLine[] = [];
  let markers: Sentence[] = [];
  for (const line of lines) {
    if (line.marker) markers.push(line.marker);
    else {
      rows.push(markers.length > 0 ? { ...line, before: markers } : line);
      markers = [];
    }
  }
  const last = rows.at(-1);
  if (last && markers.length > 0) rows[rows.length - 1] = { ...last, behind: markers };
  return rows;
}
