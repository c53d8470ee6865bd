/** Counting without showing: histograms by level, facets by place and field. Block facts answer where they can. */
import type { Clock } from '../../../base/clock';
import type { Signal } from '../../../base/lifecycle';
import type { LogHistogram } from '../../../contract/api/observe';
import type { LogLevel } from '../../../contract/nouns';
import { fail } from '../../../contract/errors';
import { fieldsOf } from '../ingest/fields';
import { levelBits, levelCount, levelNames, replicaOf, stderrBit, type LogSource } from '../line';
import { Verdict } from '../query/facts';
import type { Matcher } from '../query/match';
import type { Block, BlockMeta } from '../segment/block';
import type { Chosen, Vault } from '../segment/vault';
import type { Facet, FacetRequest, HistogramRequest } from '../store';
import { compileSelection, rangeOf, Run } from './run';
import { scanBlock } from './scan';

/** Answers `logs.histogram`. Counts are exact; markers are not lines. */
export async function searchHistogram(
  tools: { vault: Vault; clock: Clock },
  request: HistogramRequest,
  signal: Signal,
): Promise<LogHistogram> {
  const { from, to } = request;
  if (to < from) throw fail('bad-input', 'The time range ends before it starts.');
  const matcher = compileSelection(request);
  const step = Math.max(1, Math.ceil((to - from + 1) / request.buckets));
  const buckets = Math.ceil((to - from + 1) / step);
  const counts = new Float64Array(buckets * levelCount);
  const place = (time: number): number => Math.floor((time / 1000 - from) / step);
  const range = rangeOf(from, to);
  const run = new Run(tools.vault, tools.clock, signal);
  const reading: Chosen[] = [];
  for (const candidate of await run.candidates(matcher, range, false)) {
    const { meta } = candidate;
    const inside = meta.from >= range.from && meta.to <= range.to;
    const bucket = place(meta.from);
    if (inside && bucket === place(meta.to) && counted(matcher, candidate.verdict)) {
      eachCount(meta, matcher, candidate.verdict, (_source, level, count) => {
        counts[bucket * levelCount + level] = (counts[bucket * levelCount + level] as number) + count;
      });
    } else reading.push(candidate);
  }
  await run.each(reading, (block, { verdict }) => {
    scanBlock(block, matcher, { range, verdict, markers: false }, (index) => {
      const at = place(block.time(index)) * levelCount + (block.flags(index) & levelBits);
      counts[at] = (counts[at] as number) + 1;
    });
    return true;
  });
  const histogram: LogHistogram = { from, to, step, buckets: [], total: 0 };
  for (let bucket = 0; bucket < buckets; bucket++) {
    const own: Partial<Record<LogLevel, number>> = {};
    for (let level = 0; level < levelCount; level++) {
      const count = counts[bucket * levelCount + level] as number;
      if (count === 0) continue;
      own[levelNames[level] as LogLevel] = count;
      histogram.total += count;
    }
    histogram.buckets.push({ at: from + bucket * step, counts: own });
  }
  if (run.partial) histogram.partial = true;
  return histogram;
}

/** Distinct values counted per field before the rest is left out; values shown. */
const mostValues = 10_000;
const shownValues = 500;

/** Answers `logs.facets`. */
export async function searchFacets(
  tools: { vault: Vault; clock: Clock },
  request: FacetRequest,
  signal: Signal,
): Promise<Facet[]> {
  if (request.to < request.from) throw fail('bad-input', 'The time range ends before it starts.');
  const matcher = compileSelection(request);
  const range = rangeOf(request.from, request.to);
  const run = new Run(tools.vault, tools.clock, signal);
  const facets = request.fields.map((field) => ({
    field,
    byFact: factFacets[field],
    counts: new Map<string, number>(),
  }));
  const onlyFacts = facets.every((facet) => facet.byFact !== undefined);
  const reading: Chosen[] = [];
  for (const candidate of await run.candidates(matcher, range, false)) {
    const { meta } = candidate;
    const inside = meta.from >= range.from && meta.to <= range.to;
    if (inside && onlyFacts && counted(matcher, candidate.verdict)) {
      eachCount(meta, matcher, candidate.verdict, (source, level, count) => {
        for (const { byFact, counts } of facets) if (byFact) add(counts, byFact(source, level), count);
      });
    } else reading.push(candidate);
  }
  await run.each(reading, (block, { verdict }) => {
    scanBlock(block, matcher, { range, verdict, markers: false }, (index) => countLine(block, index, facets));
    return true;
  });
  return facets.map(({ field, counts }) => ({
    field,
    values: [...counts]
      .map(([value, count]) => ({ value, count }))
      .sort((left, right) => right.count - left.count || (left.value < right.value ? -1 : 1))
      .slice(0, shownValues),
  }));
}

/** Fields that are known from a line's place and level. */
const factFacets: Partial<Record<string, (source: LogSource, level: number) => string>> = Object.assign(
  Object.create(null) as object,
  {
    level: (_source: LogSource, level: number): string => levelNames[level] ?? 'unknown',
    stack: (source: LogSource): string => source.stack,
    service: (source: LogSource): string =>
      source.stack === '' ? source.service : `${source.stack}/${source.service}`,
    replica: replicaOf,
    container: (source: LogSource): string => source.container,
    generation: (source: LogSource): string => String(source.generation),
    revision: (source: LogSource): string => String(source.revision),
  },
);

interface Counting {
  field: string;
  byFact: ((source: LogSource, level: number) => string) | undefined;
  counts: Map<string, number>;
}

function countLine(block: Block, index: number, facets: readonly Counting[]): void {
  const flags = block.flags(index);
  let fields: ReturnType<typeof fieldsOf> | null = null;
  for (const { field, byFact, counts } of facets) {
    if (byFact) add(counts, byFact(block.source(index), flags & levelBits), 1);
    else if (field === 'stream') add(counts, flags & stderrBit ? 'stderr' : 'stdout', 1);
    else {
      if (fields === null) fields = fieldsOf(block.plainLine(index));
      const value = fields?.[field];
      if (value !== undefined) add(counts, String(value), 1);
    }
  }
}

function add(counts: Map<string, number>, value: string, count: number): void {
  const known = counts.get(value);
  if (known === undefined && counts.size >= mostValues) return;
  counts.set(value, (known ?? 0) + count);
}

function counted(matcher: Matcher, verdict: number): boolean {
  return verdict === Verdict.all || matcher.counted !== undefined;
}

function eachCount(
  meta: BlockMeta,
  matcher: Matcher,
  verdict: number,
  each: (source: LogSource, level: number, count: number) => void,
): void {
  for (const [index, source] of meta.sources.entries()) {
    for (let level = 0; level < levelCount; level++) {
      const count = meta.counts[index * levelCount + level] as number;
      if (count > 0 && (verdict === Verdict.all || matcher.counted?.(source, level))) each(source, level, count);
    }
  }
}
