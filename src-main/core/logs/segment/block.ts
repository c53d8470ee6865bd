/** Some hundreds or thousands of lines of one lane, decoded: columns of numbers and one text, searched as a whole. */
import { levelBits, levelCount, markerBit, type Lane, type LineRecord, type LogSource } from '../line';
import { plainOf } from '../ingest/sanitize';
import { fold } from './tokens';

/** What is known of a block without reading it. Times are microseconds since the epoch. */
export interface BlockMeta {
  lane: Lane;
  /** Ordinal of the first line. */
  first: number;
  count: number;
  /** Smallest and greatest time. */
  from: number;
  to: number;
  /** Characters of text. */
  size: number;
  sources: LogSource[];
  /** Lines by source and level, markers left out: source `s` and level `l` at `s * levelCount + l`. */
  counts: number[];
  markers: number;
  /** Some JSON line holds a backslash: its values may not stand in the text as they are. */
  escapes: boolean;
  /** No line holds a colour. Blocks written by 0.1.0 do not say. */
  plain?: boolean;
}

/** The columns of a block, as they are stored. `sourceOf` indexes `sources`. */
export interface Columns {
  readonly count: number;
  readonly times: Float64Array;
  readonly flags: Uint8Array;
  readonly sourceOf: Uint16Array;
  /** All lines joined by line feeds; line `i` is `starts[i]` to `starts[i + 1] - 1`. */
  readonly text: string;
  readonly starts: Uint32Array;
  /** Whether the text holds a piece of text; asked before the text is decoded. Absent when it is there as it is. */
  holds?(piece: string): boolean;
}

/** A decoded block. Lines are addressed by their index in it. */
export class Block {
  private plainText: string | undefined;
  private plainStarts: Uint32Array | undefined;
  private foldedText: string | undefined;

  constructor(
    readonly meta: BlockMeta,
    readonly columns: Columns,
  ) {}

  get count(): number {
    return this.meta.count;
  }

  /** Text without colours; its lines start at `starts`. */
  get plain(): string {
    if (this.plainText === undefined) this.makePlain();
    return this.plainText ?? '';
  }

  get starts(): Uint32Array {
    if (this.plainText === undefined) this.makePlain();
    return this.plainStarts ?? this.columns.starts;
  }

  /** `plain` in lower case, place by place. */
  get folded(): string {
    this.foldedText ??= fold(this.plain);
    return this.foldedText;
  }

  /** False is certain: the plain text does not hold the piece. */
  mayHold(piece: string): boolean {
    // Between the letters of a coloured text there may stand colours.
    return this.meta.plain !== true || this.columns.holds?.(piece) !== false;
  }

  time(index: number): number {
    return this.columns.times[index] as number;
  }

  flags(index: number): number {
    return this.columns.flags[index] as number;
  }

  source(index: number): LogSource {
    return this.meta.sources[this.columns.sourceOf[index] as number] as LogSource;
  }

  /** The stored text of a line, colours included. */
  text(index: number): string {
    const { text, starts } = this.columns;
    return text.slice(starts[index] as number, (starts[index + 1] as number) - 1);
  }

  plainLine(index: number): string {
    return this.plain.slice(this.starts[index] as number, (this.starts[index + 1] as number) - 1);
  }

  foldedLine(index: number): string {
    return this.folded.slice(this.starts[index] as number, (this.starts[index + 1] as number) - 1);
  }

  /** The line that a place in `plain` or `folded` belongs to; it is not before `after`. */
  lineAt(offset: number, after = 0): number {
    const { starts } = this;
    let low = after;
    // By doubling first: who asks from front to back finds the next line near the one before.
    let stride = 1;
    while (low + stride < this.meta.count && (starts[low + stride] as number) <= offset) {
      low += stride;
      stride *= 2;
    }
    let high = Math.min(this.meta.count - 1, low + stride);
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((starts[middle] as number) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  record(index: number): LineRecord {
    return {
      lane: this.meta.lane,
      ordinal: this.meta.first + index,
      time: this.time(index),
      flags: this.flags(index),
      source: this.source(index),
      text: this.text(index),
    };
  }

  private makePlain(): void {
    const { text } = this.columns;
    if (this.meta.plain ?? !text.includes('\u001b')) {
      this.plainText = text;
      return;
    }
    const own = new Uint32Array(this.meta.count + 1);
    const lines: string[] = [];
    let at = 0;
    for (let index = 0; index < this.meta.count; index++) {
      const line = plainOf(this.text(index));
      own[index] = at;
      at += line.length + 1;
      lines.push(line);
    }
    own[this.meta.count] = at;
    this.plainText = lines.join('\n');
    this.plainStarts = own;
  }
}

/** Makes a block of columns; `sourceOf` indexes `sources`. */
export function makeBlock(place: { lane: Lane; first: number }, columns: Columns, sources: LogSource[]): Block {
  return new Block(describe(place, columns, sources), columns);
}

function describe(place: { lane: Lane; first: number }, columns: Columns, sources: LogSource[]): BlockMeta {
  const { count } = columns;
  const counts = new Array<number>(sources.length * levelCount).fill(0);
  let markers = 0;
  let from = Infinity;
  let to = -Infinity;
  for (let index = 0; index < count; index++) {
    const time = columns.times[index] as number;
    if (time < from) from = time;
    if (time > to) to = time;
    const flags = columns.flags[index] as number;
    if (flags & markerBit) markers += 1;
    else {
      const place = (columns.sourceOf[index] as number) * levelCount + (flags & levelBits);
      counts[place] = (counts[place] ?? 0) + 1;
    }
  }
  return {
    lane: place.lane,
    first: place.first,
    count,
    from,
    to,
    size: columns.text.length,
    sources,
    counts,
    markers,
    escapes: columns.text.includes('\\'),
    plain: !columns.text.includes('\u001b'),
  };
}
