/** Operators between numbers and vectors; rows meet by their labels. */
import { fail } from '../../../contract/errors';
import type { Binary, Row, Value } from './ast';
import { rowsOf } from './functions';
import { dropName, labelKey, onlyLabels, withoutLabels } from './labels';
import { isComparison } from './types';

type Operation = (left: number, right: number) => number;

const arithmetic: Readonly<Record<string, Operation>> = {
  '+': (left, right) => left + right,
  '-': (left, right) => left - right,
  '*': (left, right) => left * right,
  '/': (left, right) => left / right,
  '%': (left, right) => left % right,
  '^': (left, right) => left ** right,
  atan2: Math.atan2,
};

const comparisons: Readonly<Record<string, (left: number, right: number) => boolean>> = {
  '==': (left, right) => left === right,
  '!=': (left, right) => left !== right,
  '<': (left, right) => left < right,
  '>': (left, right) => left > right,
  '<=': (left, right) => left <= right,
  '>=': (left, right) => left >= right,
};

/** Throws `bad-input` when rows cannot be told apart. */
export function binary(node: Binary, left: Value, right: Value, count: number): Value {
  const { operator } = node;
  if (operator === 'and' || operator === 'or' || operator === 'unless')
    return { kind: 'vector', rows: combineSets(node, rowsOf(left), rowsOf(right), count) };
  if (left.kind === 'scalar' && right.kind === 'scalar') {
    const apply = operationOf(node, 'left');
    return { kind: 'scalar', values: left.values.map((value, at) => apply(value, right.values[at] as number)) };
  }
  if (left.kind === 'scalar' || right.kind === 'scalar') return withScalar(node, left, right);
  return { kind: 'vector', rows: matched(node, rowsOf(left), rowsOf(right)) };
}

/** What two present numbers give; a comparison that fails gives nothing, and else the value of the `kept` side. */
function operationOf(node: Binary, kept: 'left' | 'right'): Operation {
  const compare = comparisons[node.operator];
  if (!compare) return arithmetic[node.operator] ?? (() => NaN);
  if (node.bool)
    return (left, right) => (Number.isNaN(left) || Number.isNaN(right) ? NaN : compare(left, right) ? 1 : 0);
  return (left, right) => (compare(left, right) ? (kept === 'left' ? left : right) : NaN);
}

function withScalar(node: Binary, left: Value, right: Value): Value {
  const vectorLeft = left.kind === 'vector';
  const apply = operationOf(node, vectorLeft ? 'left' : 'right');
  const numbers = (vectorLeft ? right : left) as { values: Float64Array };
  const keeps = isComparison(node.operator) && !node.bool;
  const rows = rowsOf(vectorLeft ? left : right).map(({ labels, values }): Row => {
    const result = values.map((value, at) => {
      if (Number.isNaN(value)) return NaN;
      const number = numbers.values[at] as number;
      return vectorLeft ? apply(value, number) : apply(number, value);
    });
    return { labels: keeps ? labels : dropName(labels), values: result };
  });
  return { kind: 'vector', rows };
}

function signature(node: Binary, labels: Row['labels']): string {
  return labelKey(node.on ? onlyLabels(labels, node.labels) : withoutLabels(labels, node.labels));
}

function combineSets(node: Binary, left: readonly Row[], right: readonly Row[], count: number): Row[] {
  const coverage = (rows: readonly Row[]): Map<string, Uint8Array> => {
    const covered = new Map<string, Uint8Array>();
    for (const { labels, values } of rows) {
      const key = signature(node, labels);
      const there = covered.get(key) ?? new Uint8Array(count);
      covered.set(key, there);
      for (let at = 0; at < count; at++) if (!Number.isNaN(values[at])) there[at] = 1;
    }
    return covered;
  };
  const filtered = (rows: readonly Row[], others: Map<string, Uint8Array>, wanted: 0 | 1): Row[] =>
    rows.map(({ labels, values }) => {
      const there = others.get(signature(node, labels));
      return { labels, values: values.map((value, at) => ((there?.[at] ?? 0) === wanted ? value : NaN)) };
    });
  if (node.operator === 'and') return filtered(left, coverage(right), 1);
  if (node.operator === 'unless') return filtered(left, coverage(right), 0);
  return mergeEqual([...left, ...filtered(right, coverage(left), 0)]);
}

/** Rows of one identity that come from both sides of `or` at different times are one row. */
function mergeEqual(rows: readonly Row[]): Row[] {
  const merged = new Map<string, Row>();
  for (const { labels, values } of rows) {
    const key = labelKey(labels);
    const known = merged.get(key);
    if (!known) merged.set(key, { labels, values: values.slice() });
    else values.forEach((value, at) => !Number.isNaN(value) && (known.values[at] = value));
  }
  return [...merged.values()];
}

function matched(node: Binary, left: readonly Row[], right: readonly Row[]): Row[] {
  const swapped = node.many === 'right';
  const [many, one] = swapped ? [right, left] : [left, right];
  const bySignature = new Map<string, Row[]>();
  for (const row of one) {
    const key = signature(node, row.labels);
    bySignature.set(key, [...(bySignature.get(key) ?? []), row]);
  }
  const apply = operationOf(node, 'left');
  const keeps = isComparison(node.operator) && !node.bool;
  const result = new Map<string, Row>();
  for (const row of many) {
    for (const partner of bySignature.get(signature(node, row.labels)) ?? []) {
      const values = row.values.map((value, at) => {
        const other = partner.values[at] as number;
        if (Number.isNaN(value) || Number.isNaN(other)) return NaN;
        return swapped ? apply(other, value) : apply(value, other);
      });
      if (values.every(Number.isNaN) && !overlap(row, partner)) continue;
      const labels = labelsOf(node, row, partner, keeps);
      const key = labelKey(labels);
      const known = result.get(key);
      if (!known) result.set(key, { labels, values });
      else if (values.some((value, at) => !Number.isNaN(value) && !Number.isNaN(known.values[at])))
        throw fail('bad-input', `Several rows match one another in ${node.operator}: say on(…) or group_left.`);
      else values.forEach((value, at) => !Number.isNaN(value) && (known.values[at] = value));
    }
  }
  return [...result.values()];
}

function overlap(one: Row, other: Row): boolean {
  return one.values.some((value, at) => !Number.isNaN(value) && !Number.isNaN(other.values[at]));
}

function labelsOf(node: Binary, many: Row, one: Row, keeps: boolean): Row['labels'] {
  if (node.many) {
    const base = keeps ? many.labels : dropName(many.labels);
    const taken = Object.fromEntries(node.include.map((name) => [name, one.labels[name] ?? '']));
    return Object.fromEntries(Object.entries({ ...base, ...taken }).filter(([, value]) => value !== ''));
  }
  const plain = keeps && !node.on ? many.labels : dropName(many.labels);
  return node.on
    ? onlyLabels(plain, node.labels)
    : Object.fromEntries(Object.entries(plain).filter(([name]) => !node.labels.includes(name)));
}
