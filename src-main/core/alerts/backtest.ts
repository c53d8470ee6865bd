/** What a rule would have done over the history: the same steps and the same grouping, on times gone by. */
import type { BacktestView, Routing, RuleInput } from '../../contract/api/alerts';
import { fail } from '../../contract/errors';
import type { SeriesView } from '../../contract/nouns';
import { queryRange, thresholdOf, unitOf, watchRange, type MetricsReader, type PromQuery } from '../metrics';
import { GroupBook, tellingsFor, type Tellable } from './groups';
import { fingerprint, type Labels } from './labels';
import { evaluationInterval } from './runner';
import { countEvents, queryOf, type Sources } from './sources';
import { step, type AlertState, type Seen } from './state';

const mostSteps = 6000;
const mostSeries = 50;

/** Rejects with `bad-input` for a wrong query and `unsupported` for log rules, whose history is not counted step by step. */
export async function backtest(
  rule: RuleInput,
  span: { from: number; to: number; points: number },
  given: { sources: Sources; routing: Routing },
): Promise<BacktestView> {
  const { from, to } = span;
  if (to <= from) throw fail('bad-input', 'The end must come after the beginning.');
  const step = Math.max(1, Math.ceil((to - from) / mostSteps / evaluationInterval)) * evaluationInterval;
  // Counted back from the end: what fires at this moment fires in its history, too.
  const first = to - Math.floor((to - from) / step) * step;
  const steps = { from: first, to, step };
  const history = await historyOf(rule, steps, given.sources);
  const outcome = simulate(rule, history, { steps, routing: given.routing });
  const drawn =
    rule.source.kind === 'metric' ? await draw(given.sources.reader, queryOf(rule.source), span) : { series: [] };
  return { from, to, step, ...drawn, ...outcome };
}

/** The rows of each series at every step, and whether anything was measured. */
interface History {
  rows: { labels: Labels; values: Float64Array }[];
  measured: Uint8Array;
}

async function historyOf(
  rule: RuleInput,
  steps: { from: number; to: number; step: number },
  sources: Sources,
): Promise<History> {
  const { source } = rule;
  if (source.kind === 'log') throw fail('unsupported', 'A rule over log lines cannot be tested over the history.');
  if (source.kind === 'metric') {
    const { rows, measured } = await watchRange(sources.reader, queryOf(source), steps);
    return { rows: rows.map(({ labels: { __name__: _name, ...labels }, values }) => ({ labels, values })), measured };
  }
  const count = Math.floor((steps.to - steps.from) / steps.step) + 1;
  const rows = new Map<string, { labels: Labels; values: Float64Array }>();
  const events = sources.events();
  for (let at = 0; at < count; at++) {
    for (const { labels, value } of countEvents(source, events, steps.from + at * steps.step)) {
      const key = JSON.stringify(labels);
      const row = rows.get(key) ?? { labels, values: new Float64Array(count).fill(NaN) };
      rows.set(key, row);
      row.values[at] = value;
    }
  }
  return { rows: [...rows.values()], measured: new Uint8Array(count).fill(1) };
}

type Outcome = Pick<
  BacktestView,
  'firings' | 'spikes' | 'fires' | 'firingFor' | 'noticedAfter' | 'notices' | 'measured'
>;

function simulate(
  rule: RuleInput,
  { rows, measured }: History,
  given: { steps: { from: number; to: number; step: number }; routing: Routing },
): Outcome {
  const { steps, routing } = given;
  const firings: BacktestView['firings'] = [];
  const spikes: BacktestView['spikes'] = [];
  const book = new GroupBook(routing);
  const states: (AlertState | undefined)[] = rows.map(() => undefined);
  const open = new Map<number, BacktestView['firings'][number]>();
  const over = new Map<string, Tellable>();
  const ids = rows.map(({ labels }) => fingerprint(rule.name, labels));
  let notices = 0;
  measured.forEach((there, at) => {
    const now = steps.from + at * steps.step;
    let changed = false;
    rows.forEach(({ labels, values }, row) => {
      const value = values[at] as number;
      const seen: Seen | undefined = Number.isNaN(value) ? undefined : { labels, value };
      if (!seen && there === 0 && rule.noData === 'keep') return;
      const before = states[row];
      if (!before && !seen) return;
      const after = step(before, seen, { rule, now, elapsed: at === 0 ? 0 : steps.step });
      states[row] = after?.state === 'resolved' ? undefined : after;
      if (after?.state === before?.state) return;
      changed = true;
      if (before?.state === 'pending' && !after) spikes.push({ labels: { ...labels }, from: before.activeAt, to: now });
      if (after?.state === 'firing') {
        const firing = { labels: { ...labels }, activeAt: after.activeAt, firedAt: now };
        open.set(row, firing);
        firings.push(firing);
        over.delete(ids[row] ?? '');
      }
      const ended = open.get(row);
      if (after?.state === 'resolved' && ended) {
        ended.resolvedAt = now;
        open.delete(row);
        over.set(ids[row] ?? '', tellable(ids[row] ?? '', 'resolved', { rule, labels, routing }));
      }
    });
    if (!changed && (book.nextFlush ?? Infinity) > now) return;
    const firing = [...open.keys()].map((row) =>
      tellable(ids[row] ?? '', 'firing', { rule, labels: rows[row]?.labels ?? {}, routing }),
    );
    const due = book.flush([...firing, ...over.values()], now);
    notices += due.length;
    for (const { resolved } of due) for (const id of resolved) over.delete(id);
  });
  const delays = firings.map(({ activeAt, firedAt }) => firedAt - activeAt);
  return {
    firings,
    spikes,
    fires: firings.length,
    firingFor: firings.reduce((sum, { firedAt, resolvedAt = steps.to }) => sum + resolvedAt - firedAt, 0),
    ...(delays.length > 0 ? { noticedAfter: delays.reduce((sum, delay) => sum + delay, 0) / delays.length } : {}),
    notices,
    measured: measured.length === 0 ? 0 : measured.reduce((sum, one) => sum + one, 0) / measured.length,
  };
}

/** To one channel, the first: how many there are does not change how often one is told. */
function tellable(
  id: string,
  state: Tellable['state'],
  given: { rule: RuleInput; labels: Labels; routing: Routing },
): Tellable {
  const { rule, routing } = given;
  const labels = { ...given.labels, severity: rule.severity, ...rule.labels, alertname: rule.name };
  const [telling] = tellingsFor(labels, rule.channels, routing);
  return { id, state, labels, channels: [{ ...telling, id: 'any', sendResolved: true }] };
}

async function draw(
  reader: MetricsReader,
  query: PromQuery,
  { from, to, points }: { from: number; to: number; points: number },
): Promise<Pick<BacktestView, 'series' | 'threshold'>> {
  const threshold = thresholdOf(query);
  const step = Math.max(1000, Math.ceil((to - from) / points / 1000) * 1000);
  const first = Math.ceil(from / step) * step;
  const rows = await queryRange(reader, threshold?.about ?? query, { from: first, to, step });
  const series = rows
    .slice(0, mostSeries)
    .map(({ labels: { __name__: metric = '', ...labels }, values }): SeriesView => {
      const t = Array.from(values, (_value, at) => first + at * step);
      const v = Array.from(values, (value) => (Number.isFinite(value) ? Number(value.toPrecision(6)) : null));
      return { metric, labels, unit: unitOf(metric), t, v };
    });
  return threshold ? { series, threshold: { operator: threshold.operator, value: threshold.value } } : { series };
}
