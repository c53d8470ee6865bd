/** What all searches share: parse and compile, choose blocks, read a few ahead, stop in time. */
import type { Clock } from '../../../base/clock';
import type { Signal } from '../../../base/lifecycle';
import { fail, PilothouseError } from '../../../contract/errors';
import { Verdict } from '../query/facts';
import { compile, type Matcher } from '../query/match';
import { parseQuery } from '../query/parser';
import type { Block } from '../segment/block';
import type { Chosen, Vault } from '../segment/vault';
import type { LogSelection } from '../store';
import type { TimeRange } from './scan';

/** A search gives up after so long (milliseconds) and says that its answer is not whole. */
const patience = 15_000;
/** Blocks read ahead of the one being scanned; decompression runs beside it. */
const ahead = 4;

/** The compiled selection; throws `bad-input` with the place of the fault. */
export function compileSelection(selection: LogSelection): Matcher {
  const parsed = parseQuery(selection.query);
  if ('problem' in parsed) throw new PilothouseError(parsed.problem);
  const { scope, levels } = selection;
  return compile(levels ? { scope, levels, query: parsed.query } : { scope, query: parsed.query });
}

/** Milliseconds of the contract as microseconds, the last one whole. */
export function rangeOf(from: number | undefined, to: number | undefined): TimeRange {
  return { from: from === undefined ? -Infinity : from * 1000, to: to === undefined ? Infinity : to * 1000 + 999 };
}

/** One search: hands out candidate blocks, keeps time, hears cancellation. */
export class Run {
  private readonly deadline: number;
  /** The answer is not whole: time ran out. */
  partial = false;
  scanned = 0;

  constructor(
    private readonly vault: Vault,
    private readonly clock: Clock,
    private readonly signal: Signal,
  ) {
    this.deadline = clock.monotonic() + patience;
  }

  /** Blocks that overlap the range and may match. With `markers`, blocks that may hold markers of the selection, too. */
  candidates(matcher: Matcher, range: TimeRange, markers: boolean): Promise<Chosen[]> {
    return this.vault.choose({
      passes: (meta) => meta.from <= range.to && meta.to >= range.from,
      words: matcher.words,
      verdict: (meta, filter) => {
        const verdict = matcher.block(meta, filter);
        if (verdict !== Verdict.none || !markers || meta.markers === 0) return verdict;
        return meta.sources.some((source) => matcher.marker(source)) ? Verdict.some : Verdict.none;
      },
    });
  }

  /** Reads the candidates in order, a few ahead; `visit` returning false ends it. Unreadable blocks are left out. */
  async each(candidates: readonly Chosen[], visit: (block: Block, candidate: Chosen) => boolean): Promise<boolean> {
    const reading: Promise<Block | undefined>[] = [];
    for (const [index, candidate] of candidates.entries()) {
      for (let next = reading.length; next < Math.min(candidates.length, index + ahead); next++) {
        const other = candidates[next] as Chosen;
        reading.push(other.read());
      }
      const block = candidate.ready ?? (await (reading[index] as Promise<Block | undefined>));
      if (this.signal.aborted) throw fail('cancelled', 'The search was cancelled.');
      if (this.clock.monotonic() > this.deadline) {
        this.partial = true;
        return false;
      }
      if (!block) continue;
      this.scanned += block.meta.count;
      if (!visit(block, candidate)) return false;
    }
    return true;
  }
}
