/** One page of lines in time order: the newest before a place, the oldest after it, or around it. */
import type { Clock } from '../../../base/clock';
import type { Signal } from '../../../base/lifecycle';
import type { LogPage } from '../../../contract/api/observe';
import type { LogLine } from '../../../contract/nouns';
import { fail } from '../../../contract/errors';
import { parseLineId, toLogLine } from '../line';
import type { Matcher } from '../query/match';
import type { Block } from '../segment/block';
import type { Chosen, Vault } from '../segment/vault';
import type { PageRequest } from '../store';
import { compileSelection, rangeOf, Run } from './run';
import { scanBlock, type TimeRange } from './scan';

interface Position {
  time: number;
  lane: number;
  ordinal: number;
}

interface Hit extends Position {
  block: Block;
  index: number;
}

/** Order of lines: time, then lane, then place in the lane; the order of their ids. */
function compare(left: Position, right: Position): number {
  return left.time - right.time || left.lane - right.lane || left.ordinal - right.ordinal;
}

interface Found {
  /** In time order, at most `limit`. */
  lines: LogLine[];
  more: boolean;
  matched: number;
}

/** Answers `logs.page`. */
export async function searchPage(
  tools: { vault: Vault; clock: Clock },
  request: PageRequest,
  signal: Signal,
): Promise<LogPage> {
  const matcher = compileSelection(request);
  const range = rangeOf(request.from, request.to);
  const run = new Run(tools.vault, tools.clock, signal);
  const { before, after, around, limit } = request;
  if ([before, after, around].filter((id) => id !== undefined).length > 1)
    throw fail('bad-input', 'Only one of before, after and around may be given.');
  const page = (older: Found | undefined, newer: Found | undefined): LogPage => {
    const answer: LogPage = {
      lines: [...(older?.lines ?? []), ...(newer?.lines ?? [])],
      before: older ? older.more : after !== undefined,
      after: newer ? newer.more : before !== undefined,
      matched: (older?.matched ?? 0) + (newer?.matched ?? 0),
      scanned: run.scanned,
    };
    if (run.partial) answer.partial = true;
    return answer;
  };
  const collect = (newest: boolean, want: number, edge?: { position: Position; inclusive: boolean }): Promise<Found> =>
    collectLines(run, matcher, { range, newest, limit: want, edge });
  if (after !== undefined)
    return page(undefined, await collect(false, limit, { position: position(after), inclusive: false }));
  if (around !== undefined) {
    const middle = position(around);
    const older = await collect(true, Math.ceil(limit / 2), { position: middle, inclusive: true });
    const newer = await collect(false, Math.max(1, limit - older.lines.length), { position: middle, inclusive: false });
    return page(older, newer);
  }
  return page(
    await collect(true, limit, before === undefined ? undefined : { position: position(before), inclusive: false }),
    undefined,
  );
}

function position(id: string): Position {
  const parsed = parseLineId(id);
  if (!parsed) throw fail('bad-input', `${id.slice(0, 40)} is not the id of a line.`);
  return parsed;
}

interface Collect {
  range: TimeRange;
  newest: boolean;
  limit: number;
  edge: { position: Position; inclusive: boolean } | undefined;
}

/** Walks blocks from one end of time; stops when no unread block can hold anything nearer to that end. */
async function collectLines(run: Run, matcher: Matcher, options: Collect): Promise<Found> {
  const { newest, limit, edge } = options;
  const range = { ...options.range };
  if (edge && newest) range.to = Math.min(range.to, edge.position.time);
  if (edge && !newest) range.from = Math.max(range.from, edge.position.time);
  const candidates = await run.candidates(matcher, range, true);
  candidates.sort((left, right) => (newest ? right.meta.to - left.meta.to : left.meta.from - right.meta.from));
  const towards = newest ? (left: Position, right: Position): number => compare(right, left) : compare;
  // One more than asked tells whether there is more.
  const want = limit + 1;
  let hits: Hit[] = [];
  let matched = 0;
  for (let start = 0; start < candidates.length;) {
    const end = nextEnd(candidates, start, { reach: hits[want - 1]?.time, newest });
    if (end === start) break;
    const whole = await run.each(candidates.slice(start, end), (block, { verdict }) => {
      const found: Hit[] = [];
      scanBlock(block, matcher, { range, verdict, markers: true }, (index) => {
        const hit = { time: block.time(index), lane: block.meta.lane.number, ordinal: block.meta.first + index };
        if (edge && !beyond(hit, edge, newest)) return;
        found.push({ ...hit, block, index });
      });
      matched += found.length;
      found.sort(towards);
      hits = merge(hits, found.slice(0, want), towards).slice(0, want);
      return true;
    });
    if (!whole) break;
    start = end;
  }
  const taken = hits.slice(0, limit);
  if (newest) taken.reverse();
  return {
    lines: taken.map((hit) => toLogLine(hit.block.record(hit.index))),
    more: hits.length > limit || run.partial,
    matched,
  };
}

/**
 * The end of the next blocks to read: a few at a time, since those that overlap must all be read; `start` itself when no block from
 * here on reaches past `reach`, the time of the last line wanted.
 */
function nextEnd(
  candidates: readonly Chosen[],
  start: number,
  until: { reach: number | undefined; newest: boolean },
): number {
  const { reach, newest } = until;
  const most = Math.min(candidates.length, start + 4);
  if (reach === undefined) return most;
  let end = start;
  for (; end < most; end++) {
    const { meta } = candidates[end] as Chosen;
    if (newest ? meta.to < reach : meta.from > reach) break;
  }
  return end;
}

function beyond(hit: Position, edge: { position: Position; inclusive: boolean }, newest: boolean): boolean {
  const order = compare(hit, edge.position);
  return order === 0 ? edge.inclusive : newest ? order < 0 : order > 0;
}

function merge(left: Hit[], right: Hit[], order: (left: Position, right: Position) => number): Hit[] {
  if (left.length === 0) return right;
  const result: Hit[] = [];
  let at = 0;
  for (const hit of left) {
    while (at < right.length && order(right[at] as Hit, hit) < 0) result.push(right[at++] as Hit);
    result.push(hit);
  }
  while (at < right.length) result.push(right[at++] as Hit);
  return result;
}
