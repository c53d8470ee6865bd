/** What a metric of a policy measures of a service: now, for a decision, and over time, for a rehearsal. */
import { toProblem } from '../../contract/errors';
import { sentence, type Sentence } from '../../contract/sentence';
import type { AutoscaleMetric } from '../../contract/spec';
import { preparePromql, queryAt, queryRange, type Labels, type MetricsReader } from '../metrics';

/** Figures are the mean of so many milliseconds before the look. */
export const window = 15_000;
const second = 1000;

/** Per replica where the metric has that, else one figure of the whole service; undefined where nothing was measured. */
export type Load =
  | { kind: 'replicas'; values: ReadonlyMap<string, number> }
  | { kind: 'whole'; value: number | undefined }
  | { kind: 'problem'; problem: Sentence };

/** Over time, cell by cell: the sum over the replicas, or the figure of the whole. NaN is a gap. */
export type LoadLine = { kind: 'replicas' | 'whole'; values: Float64Array } | { kind: 'problem'; problem: Sentence };

const ours: Readonly<Record<string, string>> = { requests: 'gateway_requests', latency: 'gateway_latency_p95' };
const plainName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

/** The mean of the last moments. What was measured less than half of that time counts as not measured. */
export async function loadNow(
  reader: MetricsReader,
  service: string,
  { metric }: AutoscaleMetric,
  now: number,
): Promise<Load> {
  if (!plainName.test(metric)) return queryLoad(reader, metric, now);
  const to = Math.floor(now / second) * second;
  const span = { from: to - window, to, step: second };
  const values = await byReplica(reader, ours[metric] ?? metric, service, span);
  const means = new Map<string, number>();
  for (const [replica, cells] of values.replicas) {
    const value = mean(cells);
    if (value !== undefined) means.set(replica, value);
  }
  if (metric === 'latency') return { kind: 'whole', value: average(means) ?? (await quiet(reader, service, span)) };
  if (values.whole) return { kind: 'whole', value: mean(values.whole) };
  return { kind: 'replicas', values: means };
}

export async function loadOver(
  reader: MetricsReader,
  service: string,
  { metric }: AutoscaleMetric,
  span: { from: number; to: number; step: number },
): Promise<LoadLine> {
  const length = Math.round((span.to - span.from) / span.step);
  const values = new Float64Array(length).fill(NaN);
  if (!plainName.test(metric)) {
    try {
      const rows = await queryRange(reader, preparePromql(metric), { ...span, to: span.to - span.step });
      for (const row of rows) addTo(values, row.values);
      return { kind: 'whole', values };
    } catch (thrown) {
      return { kind: 'problem', problem: badQuery(metric, thrown) };
    }
  }
  const read = await byReplica(reader, ours[metric] ?? metric, service, span);
  if (read.whole) addTo(values, read.whole);
  if (metric !== 'latency') {
    for (const cells of read.replicas.values()) addTo(values, cells);
    return { kind: read.whole ? 'whole' : 'replicas', values };
  }
  const requests = await byReplica(reader, 'gateway_requests', service, span);
  for (let cell = 0; cell < length; cell++) {
    const there = [...read.replicas.values()]
      .map((cells) => cells[cell] ?? NaN)
      .filter((value) => !Number.isNaN(value));
    const asked = [...requests.replicas.values()].map((cells) => cells[cell] ?? NaN);
    if (there.length > 0) values[cell] = there.reduce((sum, value) => sum + value, 0) / there.length;
    else if (asked.length > 0 && asked.every((value) => value === 0)) values[cell] = 0;
  }
  return { kind: 'whole', values };
}

/** Where nobody asks, nothing is slow: requests measured as none stand for a latency of 0. */
async function quiet(
  reader: MetricsReader,
  service: string,
  span: { from: number; to: number; step: number },
): Promise<number | undefined> {
  const { replicas } = await byReplica(reader, 'gateway_requests', service, span);
  const rates = [...replicas.values()].map(mean);
  return rates.length > 0 && rates.every((rate) => rate === 0) ? 0 : undefined;
}

async function queryLoad(reader: MetricsReader, query: string, now: number): Promise<Load> {
  try {
    const rows = await queryAt(reader, preparePromql(query), now);
    return { kind: 'whole', value: rows.length > 0 ? rows.reduce((sum, { value }) => sum + value, 0) : undefined };
  } catch (thrown) {
    return { kind: 'problem', problem: badQuery(query, thrown) };
  }
}

function badQuery(metric: string, thrown: unknown): Sentence {
  return sentence('autoscale.badQuery', { metric, reason: toProblem(thrown).message });
}

/** The service's own series by replica; a metric that knows no replicas is a whole. */
async function byReplica(
  reader: MetricsReader,
  metric: string,
  service: string,
  span: { from: number; to: number; step: number },
): Promise<{ replicas: Map<string, Float64Array>; whole?: Float64Array }> {
  const where = (labels: Labels): boolean => labels.service === undefined || labels.service === service;
  const slices = await reader.read({ metric, where, ...span });
  const own = slices.filter(({ labels }) => labels.service === service);
  const replicas = new Map<string, Float64Array>();
  let whole: Float64Array | undefined;
  const length = Math.round((span.to - span.from) / span.step);
  for (const { labels, from, average: cells } of own.length > 0 ? own : slices) {
    const fitted = new Float64Array(length).fill(NaN);
    const skip = Math.round((from - span.from) / span.step);
    for (const [index, value] of cells.entries()) {
      const cell = index + skip;
      if (cell >= 0 && cell < length) fitted[cell] = value;
    }
    const known = labels.replica === undefined ? whole : replicas.get(labels.replica);
    if (known) addTo(known, fitted);
    else if (labels.replica === undefined) whole = fitted;
    else replicas.set(labels.replica, fitted);
  }
  return replicas.size === 0 && whole ? { replicas, whole } : { replicas };
}

function addTo(sum: Float64Array, added: Float64Array): void {
  for (let cell = 0; cell < sum.length; cell++) {
    const value = added[cell] ?? NaN;
    const before = sum[cell] ?? NaN;
    if (!Number.isNaN(value)) sum[cell] = Number.isNaN(before) ? value : before + value;
  }
}

function mean(cells: Float64Array): number | undefined {
  let [sum, count] = [0, 0];
  for (const value of cells) {
    if (Number.isNaN(value)) continue;
    sum += value;
    count += 1;
  }
  return count * 2 >= cells.length && count > 0 ? sum / count : undefined;
}

function average(values: ReadonlyMap<string, number>): number | undefined {
  if (values.size === 0) return undefined;
  return [...values.values()].reduce((sum, value) => sum + value, 0) / values.size;
}
