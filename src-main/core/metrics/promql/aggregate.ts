/** Aggregation: many rows become one per group, or the largest of each group. */
import type { Aggregate, Row } from './ast';
import { dropName, labelKey, onlyLabels, withoutLabels } from './labels';
import { quantile } from './windows';

/** @param parameter number of topk, bottomk and quantile at each step; @param text label of count_values */
export function aggregate(
  node: Aggregate,
  rows: readonly Row[],
  given: { count: number; parameter?: Float64Array; text?: string },
): Row[] {
  const { count, parameter, text } = given;
  const groups = new Map<string, { labels: Row['labels']; rows: Row[] }>();
  for (const row of rows) {
    const labels = node.without ? withoutLabels(row.labels, node.labels) : onlyLabels(row.labels, node.labels);
    const key = labelKey(labels);
    const group = groups.get(key);
    if (group) group.rows.push(row);
    else groups.set(key, { labels, rows: [row] });
  }
  const result: Row[] = [];
  for (const group of groups.values()) {
    if (node.operator === 'topk' || node.operator === 'bottomk')
      result.push(...ranked(group.rows, { count, numbers: parameter, sign: node.operator === 'topk' ? -1 : 1 }));
    else if (node.operator === 'count_values') result.push(...countValues(group, count, text ?? ''));
    else {
      const values = new Float64Array(count);
      for (let at = 0; at < count; at++) values[at] = combine(node.operator, present(group.rows, at), parameter?.[at]);
      result.push({ labels: group.labels, values });
    }
  }
  return result;
}

function present(rows: readonly Row[], at: number): number[] {
  const values: number[] = [];
  for (const row of rows) {
    const value = row.values[at] as number;
    if (!Number.isNaN(value)) values.push(value);
  }
  return values;
}

function combine(operator: string, values: number[], parameter: number | undefined): number {
  if (values.length === 0) return NaN;
  const sum = (list: readonly number[]): number => list.reduce((total, value) => total + value, 0);
  switch (operator) {
    case 'sum':
      return sum(values);
    case 'avg':
      return sum(values) / values.length;
    case 'count':
      return values.length;
    case 'group':
      return 1;
    case 'min':
      return values.reduce((least, value) => Math.min(least, value));
    case 'max':
      return values.reduce((most, value) => Math.max(most, value));
    case 'quantile':
      return quantile(parameter ?? NaN, values);
    default: {
      const mean = sum(values) / values.length;
      const variance = sum(values.map((value) => (value - mean) ** 2)) / values.length;
      return operator === 'stddev' ? Math.sqrt(variance) : variance;
    }
  }
}

function ranked(
  rows: readonly Row[],
  given: { count: number; numbers: Float64Array | undefined; sign: 1 | -1 },
): Row[] {
  const { count, numbers, sign } = given;
  const kept = rows.map(({ labels }): Row => ({ labels, values: new Float64Array(count).fill(NaN) }));
  for (let at = 0; at < count; at++) {
    const places = [...rows.keys()].filter((place) => !Number.isNaN(rows[place]?.values[at]));
    places.sort((one, other) => sign * ((rows[one]?.values[at] ?? 0) - (rows[other]?.values[at] ?? 0)));
    for (const place of places.slice(0, Math.max(0, Math.floor(numbers?.[at] ?? 0)))) {
      const row = kept[place];
      if (row) row.values[at] = rows[place]?.values[at] ?? NaN;
    }
  }
  const some = kept.filter(({ values }) => values.some((value) => !Number.isNaN(value)));
  return some.sort((one, other) => sign * ((one.values.at(-1) ?? 0) - (other.values.at(-1) ?? 0)));
}

function countValues(group: { labels: Row['labels']; rows: Row[] }, count: number, label: string): Row[] {
  const byValue = new Map<string, Row>();
  for (let at = 0; at < count; at++) {
    for (const value of present(group.rows, at)) {
      const text = String(value);
      const row = byValue.get(text) ?? {
        labels: { ...dropName(group.labels), [label]: text },
        values: new Float64Array(count).fill(NaN),
      };
      byValue.set(text, row);
      row.values[at] = (Number.isNaN(row.values[at]) ? 0 : (row.values[at] as number)) + 1;
    }
  }
  return [...byValue.values()];
}
