/** PromQL over the metric store. */
import { fail } from '../../../contract/errors';
import type { Labels, MetricsReader } from '../seam';
import { stepsOf, type Expression, type Row } from './ast';
import { Evaluation } from './evaluate';
import { rowsOf } from './functions';
import { parsePromql } from './parse';
import { readSelectors } from './select';

const mostSteps = 11_000;

/** A query that was parsed, to be asked again and again. */
export type PromQuery = { text: string; expression: Expression };

export interface InstantRow {
  labels: Labels;
  value: number;
}

/** Parses a query. Throws `bad-input` with line and column. */
export function preparePromql(text: string): PromQuery {
  return { text, expression: parsePromql(text) };
}

/** The rows of a query at one time, without those that have no value. A plain number is one row without labels. */
export async function queryAt(reader: MetricsReader, query: PromQuery, at: number): Promise<InstantRow[]> {
  const rows = await evaluate(reader, query.expression, { from: at, to: at, step: 1 });
  return rows
    .map(({ labels, values }) => ({ labels, value: values[0] as number }))
    .filter(({ value }) => !Number.isNaN(value));
}

/** The rows of a query at `from`, `from + step`, … `to`; NaN where a row has no value. Rows without any are left out. */
export async function queryRange(
  reader: MetricsReader,
  query: PromQuery,
  span: { from: number; to: number; step: number },
): Promise<Row[]> {
  if (span.step <= 0 || span.to < span.from)
    throw fail('bad-input', 'The end must come after the beginning, by a positive step.');
  if ((span.to - span.from) / span.step >= mostSteps)
    throw fail('too-large', `At most ${mostSteps} steps.`, 'Ask in larger steps.');
  const rows = await evaluate(reader, query.expression, span);
  return rows.filter(({ values }) => values.some((value) => !Number.isNaN(value)));
}

async function evaluate(
  reader: MetricsReader,
  expression: Expression,
  span: { from: number; to: number; step: number },
): Promise<Row[]> {
  const steps = stepsOf(span.from, span.to, span.step);
  const selections = await readSelectors(reader, expression, steps);
  const value = new Evaluation(selections).value(expression, steps);
  return rowsOf(value);
}
