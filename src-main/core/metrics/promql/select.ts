/** Selectors read from the store: which series, which stretch, in which step. */
import { fail } from '../../../contract/errors';
import type { Labels, MetricsReader, SeriesSlice } from '../seam';
import type { Expression, Matcher, Selector, Steps } from './ast';
import { compile } from './functions';
import { aliases } from './names';

/** Samples of one series in order of time (milliseconds). */
export interface Samples {
  labels: Labels;
  t: Float64Array;
  v: Float64Array;
  low: Float64Array;
  high: Float64Array;
}

export interface Selection {
  series: Samples[];
  /** Milliseconds between two samples. */
  step: number;
}

const second = 1000;
/** Samples per series that a stretch is read in, at most about. */
const finePoints = 5000;
const mostSeries = 5000;
/** Values that one query may read over all its selectors. */
const mostSamples = 20_000_000;
/** How old a value may be to count as the value now; our series end when nothing is measured. */
const lookback = 15_000;
const mostNames = 50;

/** Reads what a query needs. Throws `too-large` when that is too much. */
export async function readSelectors(
  reader: MetricsReader,
  expression: Expression,
  steps: Steps,
): Promise<Map<Selector, Selection>> {
  const found = new Map<Selector, Selection>();
  let samples = 0;
  for (const { selector, from, to } of stretches(expression, steps.from, steps.to)) {
    const selection = await read(reader, selector, { from, to });
    samples += selection.series.reduce((sum, { t }) => sum + t.length, 0);
    if (samples > mostSamples)
      throw fail('too-large', 'This query reads too many values.', 'Ask for a shorter time or fewer series.');
    found.set(selector, selection);
  }
  return found;
}

/** How far back an instant value may come from. */
export function staleAfter(step: number): number {
  return Math.max(lookback, step * 2.5);
}

/** Every selector with the stretch it is asked for, given the stretch of the whole. */
function stretches(
  expression: Expression,
  from: number,
  to: number,
): { selector: Selector; from: number; to: number }[] {
  switch (expression.kind) {
    case 'selector':
      return [{ selector: expression, from: from - expression.offset, to: to - expression.offset }];
    case 'matrix': {
      const { selector, range } = expression;
      return [{ selector, from: from - selector.offset - range, to: to - selector.offset }];
    }
    case 'subquery':
      return stretches(expression.inner, from - expression.offset - expression.range, to - expression.offset);
    case 'negative':
      return stretches(expression.inner, from, to);
    case 'aggregate':
      return [
        ...(expression.parameter ? stretches(expression.parameter, from, to) : []),
        ...stretches(expression.inner, from, to),
      ];
    case 'binary':
      return [...stretches(expression.left, from, to), ...stretches(expression.right, from, to)];
    case 'call':
      return expression.arguments.flatMap((argument) => stretches(argument, from, to));
    default:
      return [];
  }
}

async function read(reader: MetricsReader, selector: Selector, span: { from: number; to: number }): Promise<Selection> {
  const finest = reader.finest(span.from);
  const coarse = Math.ceil((span.to - span.from) / finePoints / second) * second;
  const step = Math.max(finest, coarse, second);
  const from = span.from - staleAfter(step) - step;
  const names = await namesOf(reader, selector);
  const test = matcherOf(selector.matchers);
  const series: Samples[] = [];
  for (const name of names) {
    const alias = aliases[name];
    const where = (labels: Labels): boolean => test({ ...labels, __name__: name });
    const slices = await reader.read({ metric: alias?.metric ?? name, where, from, to: span.to + second, step });
    for (const slice of slices) series.push(samplesOf(slice, { name, counter: alias?.counter ?? false, to: span.to }));
    if (series.length > mostSeries)
      throw fail('too-large', `This query reads more than ${mostSeries} series.`, 'Select fewer.');
  }
  return { series, step };
}

async function namesOf(reader: MetricsReader, { name, matchers }: Selector): Promise<string[]> {
  if (name !== undefined) return [name];
  const test = matcherOf(matchers.filter(({ label }) => label === '__name__'));
  const names = (await reader.metrics()).filter((metric) => test({ __name__: metric }));
  if (names.length > mostNames)
    throw fail('too-large', `This query reads more than ${mostNames} metrics.`, 'Name the metric.');
  return names;
}

function matcherOf(matchers: readonly Matcher[]): (labels: Labels) => boolean {
  const tests = matchers.map(({ label, operator, value }): ((labels: Labels) => boolean) => {
    if (operator === '=') return (labels) => (labels[label] ?? '') === value;
    if (operator === '!=') return (labels) => (labels[label] ?? '') !== value;
    const pattern = compile(value);
    return (labels) => pattern.matches(labels[label] ?? '') === (operator === '=~');
  });
  return (labels) => tests.every((test) => test(labels));
}

/** A slice's cells that have a value. A cell's sample stands at its last second; the one in the making at the end of what is asked. */
function samplesOf(slice: SeriesSlice, options: { name: string; counter: boolean; to: number }): Samples {
  const { average, minimum, maximum, from, step } = slice;
  const { counter } = options;
  // Plain loops: this runs over every second of every series that is asked for.
  let count = 0;
  for (const value of average) if (!Number.isNaN(value)) count += 1;
  const [t, v] = [new Float64Array(count), new Float64Array(count)];
  const [low, high] = [new Float64Array(count), new Float64Array(count)];
  let total = 0;
  let place = 0;
  for (let at = 0; at < average.length; at += 1) {
    const value = average[at] as number;
    if (Number.isNaN(value)) continue;
    t[place] = Math.max(from + at * step, Math.min(from + (at + 1) * step - second, options.to));
    total += (value * step) / second;
    v[place] = counter ? total : value;
    low[place] = counter ? total : (minimum[at] as number);
    high[place] = counter ? total : (maximum[at] as number);
    place += 1;
  }
  return { labels: { ...slice.labels, __name__: options.name }, t, v, low, high };
}
