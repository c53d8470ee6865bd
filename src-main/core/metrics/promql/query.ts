/** PromQL over the metric store. */
import { fail } from '../../../contract/errors';
import type { Labels, MetricsReader } from '../seam';
import { stepsOf, type Expression, type Row } from './ast';
import { coverage } from './coverage';
import { Evaluation } from './evaluate';
import { rowsOf } from './functions';
import { parsePromql } from './parse';
import { readSelectors } from './select';
import { isComparison } from './types';

const mostSteps = 11_000;

/** A query that was parsed, to be asked again and again. */
export type PromQuery = { text: string; expression: Expression };

/** Times in epoch milliseconds. */
export interface QuerySpan {
  from: number;
  to: number;
  step: number;
}

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
  return (await watchAt(reader, query, at)).rows;
}

/** The same, and whether anything that it selects was measured at that time. */
export async function watchAt(
  reader: MetricsReader,
  query: PromQuery,
  at: number,
): Promise<{ rows: InstantRow[]; measured: boolean }> {
  const { rows, measured } = await evaluate(reader, query.expression, { from: at, to: at, step: 1 });
  const present = rows.filter(({ values }) => !Number.isNaN(values[0]));
  return {
    rows: present.map(({ labels, values }) => ({ labels, value: values[0] as number })),
    measured: measured[0] === 1,
  };
}

/** The rows of a query at `from`, `from + step`, … `to`; NaN where a row has no value. Rows without any are left out. */
export async function queryRange(reader: MetricsReader, query: PromQuery, span: QuerySpan): Promise<Row[]> {
  return (await watchRange(reader, query, span)).rows;
}

/** The same, and for each step whether anything that it selects was measured then. */
export async function watchRange(
  reader: MetricsReader,
  query: PromQuery,
  span: QuerySpan,
): Promise<{ rows: Row[]; measured: Uint8Array }> {
  if (span.step <= 0 || span.to < span.from)
    throw fail('bad-input', 'The end must come after the beginning, by a positive step.');
  if ((span.to - span.from) / span.step >= mostSteps)
    throw fail('too-large', `At most ${mostSteps} steps.`, 'Ask in larger steps.');
  const { rows, measured } = await evaluate(reader, query.expression, span);
  return { rows: rows.filter(({ values }) => values.some((value) => !Number.isNaN(value))), measured };
}

/** What a query compares with a number: `cpu > 2` is about `cpu`, above 2. Undefined when it is no such comparison. */
export function thresholdOf(query: PromQuery): { about: PromQuery; operator: string; value: number } | undefined {
  const { expression } = query;
  if (expression.kind !== 'binary' || !isComparison(expression.operator) || expression.bool) return undefined;
  const value = numberOf(expression.right);
  if (value === undefined) return undefined;
  return { about: { text: query.text, expression: expression.left }, operator: expression.operator, value };
}

function numberOf(expression: Expression): number | undefined {
  if (expression.kind === 'number') return expression.value;
  if (expression.kind !== 'negative') return undefined;
  const inner = numberOf(expression.inner);
  return inner === undefined ? undefined : -inner;
}

async function evaluate(
  reader: MetricsReader,
  expression: Expression,
  span: QuerySpan,
): Promise<{ rows: Row[]; measured: Uint8Array }> {
  const steps = stepsOf(span.from, span.to, span.step);
  const selections = await readSelectors(reader, expression, steps);
  const value = new Evaluation(selections).value(expression, steps);
  return { rows: rowsOf(value), measured: coverage(selections, steps) };
}
