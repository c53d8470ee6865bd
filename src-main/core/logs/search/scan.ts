/** The inner loop of every search: which lines of a block match. */
import { fieldsOf, type Fields } from '../ingest/fields';
import { levelBits, markerBit, stderrBit, type LineRecord, type LogSource } from '../line';
import { plainOf } from '../ingest/sanitize';
import { Verdict } from '../query/facts';
import { findText, type Anchor, type LineView, type Matcher } from '../query/match';
import type { Block } from '../segment/block';
import { fold } from '../segment/tokens';

/** Microseconds, both ends inclusive. */
export interface TimeRange {
  from: number;
  to: number;
}

/** One line of a block at a time, without making objects per line. */
class BlockView implements LineView {
  level = 0;
  stderr = false;
  private index = -1;
  private ownFields: Fields | undefined | null = null;

  constructor(private readonly block: Block) {}

  get source(): LogSource {
    return this.block.source(this.index);
  }

  move(index: number, flags: number): void {
    this.index = index;
    this.level = flags & levelBits;
    this.stderr = (flags & stderrBit) !== 0;
    this.ownFields = null;
  }

  plain(): string {
    return this.block.plainLine(this.index);
  }

  folded(): string {
    return this.block.foldedLine(this.index);
  }

  fields(): Fields | undefined {
    if (this.ownFields === null) this.ownFields = fieldsOf(this.plain());
    return this.ownFields;
  }
}

/** A line on its way, as a query sees it. */
export class RecordView implements LineView {
  readonly level: number;
  readonly stderr: boolean;
  private plainText: string | undefined;
  private foldedText: string | undefined;
  private ownFields: Fields | undefined | null = null;

  constructor(private readonly record: LineRecord) {
    this.level = record.flags & levelBits;
    this.stderr = (record.flags & stderrBit) !== 0;
  }

  get source(): LogSource {
    return this.record.source;
  }

  plain(): string {
    this.plainText ??= plainOf(this.record.text);
    return this.plainText;
  }

  folded(): string {
    this.foldedText ??= fold(this.plain());
    return this.foldedText;
  }

  fields(): Fields | undefined {
    if (this.ownFields === null) this.ownFields = fieldsOf(this.plain());
    return this.ownFields;
  }
}

/** Whether a line on its way belongs to a selection. */
export function matchesRecord(matcher: Matcher, record: LineRecord, view: LineView = new RecordView(record)): boolean {
  return record.flags & markerBit ? matcher.marker(record.source) : matcher.line(view);
}

/** Calls `each` with the index of every matching line in the range, in stored order; markers only when `markers`. */
export function scanBlock(
  block: Block,
  matcher: Matcher,
  options: { range: TimeRange; verdict: number; markers: boolean },
  each: (index: number) => void,
): void {
  const { range, verdict, markers } = options;
  const { meta } = block;
  const inside = meta.from >= range.from && meta.to <= range.to;
  const timely = (index: number): boolean => {
    if (inside) return true;
    const time = block.time(index);
    return time >= range.from && time <= range.to;
  };
  const anchor = verdict === Verdict.all ? undefined : matcher.anchor;
  if (anchor !== undefined) {
    scanAnchored(block, matcher, anchor, (index) => {
      if (timely(index)) each(index);
    });
    return;
  }
  const view = new BlockView(block);
  for (let index = 0; index < meta.count; index++) {
    if (!timely(index)) continue;
    const flags = block.flags(index);
    if (flags & markerBit) {
      if (markers && matcher.marker(block.source(index))) each(index);
      continue;
    }
    if (verdict !== Verdict.all) {
      view.move(index, flags);
      if (!matcher.line(view)) continue;
    }
    each(index);
  }
}

/** Looks only at lines that hold the anchor: the platform's substring search does most of the work. */
function scanAnchored(block: Block, matcher: Matcher, anchor: Anchor, each: (index: number) => void): void {
  if (anchor.exact && !block.mayHold(anchor.text)) return;
  const searched = anchor.exact ? block.plain : block.folded;
  const view = new BlockView(block);
  // With nothing but one piece of text asked of a block that is otherwise all in, the piece's place decides.
  const text = matcher.text && matcher.rest(block.meta) === Verdict.all ? matcher.text : undefined;
  const { length } = anchor.text;
  let at = 0;
  let index = 0;
  for (;;) {
    at = text ? findText(searched, text, at) : searched.indexOf(anchor.text, at);
    if (at < 0) return;
    // Asked for only now: a block without the word never unpacks its numbers.
    const { starts } = block;
    index = block.lineAt(at, index);
    const end = starts[index + 1] as number;
    const crosses = at + length > end - 1;
    if (crosses) {
      at += 1;
      continue;
    }
    const flags = block.flags(index);
    if (!(flags & markerBit)) {
      view.move(index, flags);
      if (text || matcher.line(view)) each(index);
    }
    at = end;
  }
}
