/** Quantiles of classic histograms: cumulative buckets with an upper bound in `le` (Prometheus, `bucketQuantile`). */
import type { Row } from './ast';
import { labelKey, withoutLabels } from './labels';

export function histogramQuantile(ranks: Float64Array, rows: readonly Row[], count: number): Row[] {
  const groups = new Map<string, { labels: Row['labels']; buckets: { bound: number; values: Float64Array }[] }>();
  for (const { labels, values } of rows) {
    const text = labels['le'];
    if (text === undefined) continue;
    const bound = text === '+Inf' ? Infinity : Number(text);
    if (Number.isNaN(bound)) continue;
    const rest = withoutLabels(labels, ['le']);
    const key = labelKey(rest);
    const group = groups.get(key) ?? { labels: rest, buckets: [] };
    group.buckets.push({ bound, values });
    groups.set(key, group);
  }
  return [...groups.values()].map(({ labels, buckets }) => {
    buckets.sort((one, other) => one.bound - other.bound);
    const values = Float64Array.from({ length: count }, (_, at) => quantileAt(ranks[at] as number, buckets, at));
    return { labels, values };
  });
}

function quantileAt(rank: number, all: readonly { bound: number; values: Float64Array }[], at: number): number {
  const buckets = all
    .map(({ bound, values }) => ({ bound, count: values[at] as number }))
    .filter(({ count }) => !Number.isNaN(count));
  // Float errors and late scrapes may make a bucket smaller than the one below it.
  for (let index = 1; index < buckets.length; index++) {
    const [below, own] = [buckets[index - 1], buckets[index]];
    if (below && own && own.count < below.count) own.count = below.count;
  }
  const top = buckets.at(-1);
  if (!top || top.bound !== Infinity || buckets.length < 2 || Number.isNaN(rank) || top.count === 0) return NaN;
  if (rank < 0) return -Infinity;
  if (rank > 1) return Infinity;
  const wanted = rank * top.count;
  const index = buckets.findIndex(({ count }) => count >= wanted);
  const own = buckets[index];
  const below = buckets[index - 1];
  if (!own) return NaN;
  if (own.bound === Infinity) return below?.bound ?? NaN;
  if (!below && own.bound <= 0) return own.bound;
  const start = below?.bound ?? 0;
  const inside = own.count - (below?.count ?? 0);
  return start + (own.bound - start) * ((wanted - (below?.count ?? 0)) / inside);
}
