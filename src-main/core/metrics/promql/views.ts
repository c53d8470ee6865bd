/** What the window asks of queries: rows as series to draw, and names to complete. */
import type { MetricName } from '../../../contract/api/promql';
import type { SeriesView } from '../../../contract/nouns';
import { unitOf } from '../names';
import { steps } from '../range';
import type { Labels, MetricsReader } from '../seam';
import { aliases } from './names';
import { preparePromql, queryRange } from './query';

const mostValues = 100;

/** A query over time on aligned steps, so that the same time has the same value when the window moves on. */
export async function queryViews(
  reader: MetricsReader,
  input: { query: string; from: number; to: number; points: number; rows: number },
): Promise<SeriesView[]> {
  const query = preparePromql(input.query);
  if (input.to <= input.from) return [];
  const step = stepOf(input.to - input.from, input.points);
  const from = Math.ceil(input.from / step) * step;
  if (from > input.to) return [];
  const rows = await queryRange(reader, query, {
    from,
    to: Math.min(input.to, from + (input.points - 1) * step),
    step,
  });
  return highest(rows, input.rows).map(({ labels, values }) => {
    const { __name__: metric = '', ...rest } = labels;
    const t = Array.from(values, (_value, at) => from + at * step);
    return { metric, labels: rest, unit: unitOf(aliases[metric]?.metric ?? metric), t, v: Array.from(values, drawn) };
  });
}

/** Every metric with its labels and some of their values; cAdvisor's names come last. */
export async function metricNames(reader: MetricsReader): Promise<MetricName[]> {
  const byMetric = new Map<string, Map<string, Set<string>>>();
  for (const name of await reader.metrics()) byMetric.set(name, new Map());
  for (const { metric, labels } of reader.series()) collect(byMetric, metric, labels);
  const names = [...byMetric].map(([name, labels]): MetricName => ({
    name,
    unit: unitOf(name),
    labels: listed(labels),
  }));
  const others = Object.entries(aliases).flatMap(([name, { metric, counter }]): MetricName[] => {
    const labels = byMetric.get(metric);
    return labels ? [{ name, unit: counter ? 'none' : unitOf(metric), labels: listed(labels) }] : [];
  });
  return [...names, ...others];
}

/** Those whose greatest value is greatest, in the order they came. */
function highest<One extends { values: Float64Array }>(rows: readonly One[], most: number): readonly One[] {
  if (rows.length <= most) return rows;
  const reach = rows.map(({ values }, at) => ({ at, top: topOf(values) }));
  reach.sort((left, right) => right.top - left.top || left.at - right.at);
  const kept = reach.slice(0, most).map(({ at }) => at);
  return kept.sort((left, right) => left - right).map((at) => rows[at] as One);
}

function topOf(values: Float64Array): number {
  let top = Number.NEGATIVE_INFINITY;
  for (const value of values) if (value > top) top = value;
  return top;
}

function stepOf(span: number, points: number): number {
  const least = span / points;
  return steps.find((step) => step >= least) ?? Math.ceil(least / 86_400_000) * 86_400_000;
}

function drawn(value: number): number | null {
  return Number.isFinite(value) ? Number(value.toPrecision(6)) : null;
}

function collect(byMetric: Map<string, Map<string, Set<string>>>, metric: string, labels: Labels): void {
  const known = byMetric.get(metric) ?? new Map<string, Set<string>>();
  byMetric.set(metric, known);
  for (const [label, value] of Object.entries(labels)) {
    const values = known.get(label) ?? new Set();
    known.set(label, values);
    if (values.size < mostValues) values.add(value);
  }
}

function listed(labels: ReadonlyMap<string, ReadonlySet<string>>): Record<string, string[]> {
  return Object.fromEntries([...labels].map(([label, values]) => [label, [...values].sort()]));
}
