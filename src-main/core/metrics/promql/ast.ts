/** A PromQL expression as we evaluate it. Durations in milliseconds; `at` is the offset in the query's text, for error messages. */
import type { Labels } from '../seam';

export interface Matcher {
  label: string;
  operator: '=' | '!=' | '=~' | '!~';
  value: string;
}

export interface Selector {
  kind: 'selector';
  /** From the name before the braces or `__name__`; undefined when only a pattern is given. */
  name: string | undefined;
  matchers: Matcher[];
  offset: number;
  at: number;
}

export interface Subquery {
  kind: 'subquery';
  inner: Expression;
  range: number;
  /** 0 means the query's own step. */
  step: number;
  offset: number;
  at: number;
}

export interface Matrix {
  kind: 'matrix';
  selector: Selector;
  range: number;
  at: number;
}

export interface Call {
  kind: 'call';
  name: string;
  arguments: Expression[];
  at: number;
}

export interface Aggregate {
  kind: 'aggregate';
  operator: string;
  /** The number of topk, bottomk, quantile, or the label of count_values. */
  parameter: Expression | undefined;
  inner: Expression;
  without: boolean;
  labels: string[];
  at: number;
}

export interface Binary {
  kind: 'binary';
  operator: string;
  left: Expression;
  right: Expression;
  bool: boolean;
  /** `on(…)`, or `ignoring(…)`, by default of nothing. */
  on: boolean;
  labels: string[];
  /** The side that may have many rows per match, and labels taken from the one side. */
  many: 'left' | 'right' | undefined;
  include: string[];
  at: number;
}

export type Expression =
  | { kind: 'number'; value: number; at: number }
  | { kind: 'string'; value: string; at: number }
  | { kind: 'negative'; inner: Expression; at: number }
  | Selector
  | Matrix
  | Subquery
  | Call
  | Aggregate
  | Binary;

/** One row of a vector over the query's steps. NaN means that there is no value: a result that is not a number is none. */
export interface Row {
  labels: Labels;
  values: Float64Array;
}

export type Value =
  { kind: 'scalar'; values: Float64Array } | { kind: 'vector'; rows: Row[] } | { kind: 'string'; text: string };

/** The times a query is evaluated at: `from`, `from + step`, … up to `to`. Epoch milliseconds. */
export interface Steps {
  from: number;
  to: number;
  step: number;
  count: number;
}

export function stepsOf(from: number, to: number, step: number): Steps {
  return { from, to, step, count: Math.floor((to - from) / step) + 1 };
}
