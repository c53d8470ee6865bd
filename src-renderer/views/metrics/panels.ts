/** The panels that come along, as queries; names of lines; and tables of what is drawn. Pure. */
import { csvOf } from '../../parts/csv';
import type { SeriesView } from '../../../src-main/contract/nouns';
import type { ChartSeries } from '../../charts/series';

export type Unit = SeriesView['unit'];
export type SplitBy = 'total' | 'service' | 'replica';

export interface PanelQuery {
  id: string;
  query: string;
  unit: Unit;
}

interface PanelPlan {
  id: string;
  metric: string;
  unit: Unit;
  /** How rows become one; times are not added up. */
  by?: 'sum' | 'max';
  /** Kept for each service, not for each replica. */
  ofService?: boolean;
}

const plans: readonly PanelPlan[] = [
  { id: 'cpu', metric: 'cpu', unit: 'cores' },
  { id: 'memory', metric: 'memory', unit: 'bytes' },
  { id: 'throttled', metric: 'cpu_throttled', unit: 'cores' },
  { id: 'networkIn', metric: 'network_rx', unit: 'bytes/s' },
  { id: 'networkOut', metric: 'network_tx', unit: 'bytes/s' },
  { id: 'diskRead', metric: 'block_read', unit: 'bytes/s' },
  { id: 'diskWrite', metric: 'block_write', unit: 'bytes/s' },
  { id: 'ready', metric: 'service_ready', unit: 'count', ofService: true },
  { id: 'restarts', metric: 'restarts', unit: 'count' },
  { id: 'requests', metric: 'gateway_requests', unit: 'count/s' },
  { id: 'errors', metric: 'gateway_errors', unit: 'count/s' },
  { id: 'latency', metric: 'gateway_latency_p95', unit: 'ms', by: 'max' },
];

/** The panels that come along, for one service or for all, a line for each of what is asked for. */
export function builtInPanels(service: string | undefined, split: SplitBy): PanelQuery[] {
  const matcher = service === undefined ? '' : `{service=${JSON.stringify(service)}}`;
  return plans.map(({ id, metric, unit, by = 'sum', ofService }) => {
    const label = split === 'replica' && ofService ? 'service' : split;
    return { id, unit, query: `${by}${label === 'total' ? '' : ` by (${label})`} (${metric}${matcher})` };
  });
}

/** What a line is called: its replica or service, else all its labels. */
export function lineName(one: SeriesView): string {
  const { replica, service, ...rest } = one.labels;
  const others = Object.entries(rest).filter(([label]) => label !== 'stack' || service === undefined);
  const parts = others.map(([label, value]) => `${label}=${value}`);
  const subject = replica ?? service;
  return [...(subject === undefined ? [] : [subject]), ...parts].join(' ') || one.metric;
}

/** Equal for lines of the same labels, so that a line and its earlier self share a hue. */
export function lineKey(one: SeriesView): string {
  const pairs = Object.entries(one.labels).sort(([left], [right]) => (left < right ? -1 : 1));
  return JSON.stringify([one.metric, ...pairs]);
}

/** There are ten hues to tell lines apart; more lines than that are no picture any more. */
export const mostLines = 10;

/** The series to draw: those with the greatest values, by name, and what they were earlier, dashed in the same hue. */
export function drawnLines(
  now: readonly SeriesView[],
  before: readonly SeriesView[],
  unit: Unit = 'none',
): ChartSeries[] {
  const greatest = (one: SeriesView): number => one.v.reduce<number>((most, value) => Math.max(most, value ?? 0), 0);
  const ranked = now.map((one) => ({ one, most: greatest(one) })).sort((left, right) => right.most - left.most);
  const kept = ranked
    .slice(0, mostLines)
    .map(({ one }) => one)
    .sort((left, right) => lineName(left).localeCompare(lineName(right), 'en', { numeric: true }));
  const hues = new Map(kept.map((one, index) => [lineKey(one), index]));
  const hueOf = (one: SeriesView): ChartSeries['colour'] => `cat-${((hues.get(lineKey(one)) ?? 0) % 10) + 1}`;
  // Counts hold until they change.
  const steps = unit === 'count' ? { step: true } : {};
  const single = kept.length === 1;
  const earlier = before.filter((one) => hues.has(lineKey(one)));
  return [
    ...earlier.map((one): ChartSeries => ({
      id: `before ${lineKey(one)}`,
      name: lineName(one),
      at: one.t,
      values: one.v,
      colour: single ? 't2' : hueOf(one),
      dashed: true,
      ...steps,
    })),
    ...kept.map((one): ChartSeries => ({
      id: lineKey(one),
      name: lineName(one),
      at: one.t,
      values: one.v,
      ...steps,
      ...(single ? { fill: true } : { colour: hueOf(one) }),
    })),
  ];
}

/** The unit of a query's result, as far as its text tells: that of its metrics while nothing changes it. */
export function guessUnit(query: string, units: ReadonlyMap<string, Unit>): Unit {
  const plain = query.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\{[^}]*\}|\[[^\]]*\]/g, ' ');
  const words = plain.match(/[A-Za-z_][\w:]*/g) ?? [];
  if (/[*/%^]|[<>=!]=|[<>]/.test(plain)) return 'none';
  if (words.some((word) => changesUnit.has(word))) return 'none';
  const found = new Set(words.flatMap((word) => units.get(word) ?? []));
  return found.size === 1 ? ([...found][0] ?? 'none') : 'none';
}

const changesUnit = new Set([
  ...[
    'rate',
    'irate',
    'increase',
    'deriv',
    'count',
    'group',
    'count_values',
    'changes',
    'resets',
    'absent',
    'timestamp',
  ],
  ...['absent_over_time', 'present_over_time', 'count_over_time', 'stdvar', 'stdvar_over_time', 'exp', 'ln', 'log2'],
  ...['log10', 'sqrt', 'sgn'],
]);

/** A table for other programs: a column for time and one for each line, RFC 4180. A gap is an empty cell. */
export function toCsv(tables: readonly { title: string; series: readonly SeriesView[] }[]): string {
  const columns = tables.flatMap(({ title, series }) =>
    series.map((one) => ({
      name: [title, lineName(one)].filter((part) => part !== '').join(': '),
      values: new Map(one.t.map((at, index) => [at, one.v[index] ?? null])),
    })),
  );
  const times = [...new Set(columns.flatMap(({ values }) => [...values.keys()]))].sort((left, right) => left - right);
  const rows = times.map((at) => [
    new Date(at).toISOString(),
    ...columns.map(({ values }) => String(values.get(at) ?? '')),
  ]);
  return csvOf([['time', ...columns.map(({ name }) => name)], ...rows]);
}
