/** Functions of instant vectors and numbers. */
import { RE2JS } from 're2js';
import { fail } from '../../../contract/errors';
import type { Labels } from '../seam';
import type { Row, Steps, Value } from './ast';
import { histogramQuantile } from './histogram';
import { dropName } from './labels';

export type ArgumentKind = 'scalar' | 'vector' | 'matrix' | 'string' | 'scalar?' | 'vector?';

export interface PlainFunction {
  takes: readonly ArgumentKind[];
  gives: 'scalar' | 'vector';
  /** The last argument may be repeated. */
  repeats?: boolean;
  apply(values: readonly Value[], steps: Steps): Value;
}

/** A number for each value, on its own. */
function each(
  change: (value: number, parameters: readonly number[]) => number,
  more: readonly ArgumentKind[] = [],
): PlainFunction {
  return {
    takes: ['vector', ...more],
    gives: 'vector',
    apply(values, steps) {
      const scalars = values.slice(1).map((value) => scalarsOf(value));
      return vector(
        rowsOf(values[0]).map(({ labels, values: given }) => ({
          labels: dropName(labels),
          values: given.map((value, index) =>
            Number.isNaN(value)
              ? NaN
              : change(
                  value,
                  scalars.map((list) => list[Math.min(index, steps.count - 1)] as number),
                ),
          ),
        })),
      );
    },
  };
}

/** A part of the date in UTC, of the values as seconds or of the time itself. */
function dated(part: (date: Date) => number): PlainFunction {
  return {
    takes: ['vector?'],
    gives: 'vector',
    apply(values, steps) {
      const rows = values[0] ? rowsOf(values[0]) : [{ labels: {}, values: timesOf(steps) }];
      return vector(
        rows.map(({ labels, values: given }) => ({
          labels: dropName(labels),
          values: given.map((value) => (Number.isNaN(value) ? NaN : part(new Date(value * 1000)))),
        })),
      );
    },
  };
}

function sorted(sign: 1 | -1): PlainFunction {
  return {
    takes: ['vector'],
    gives: 'vector',
    apply: ([value]) => {
      const last = (row: Row): number => row.values.at(-1) ?? NaN;
      return vector([...rowsOf(value)].sort((one, other) => sign * (last(one) - last(other))));
    },
  };
}

export const functions: Readonly<Record<string, PlainFunction>> = {
  abs: each(Math.abs),
  ceil: each(Math.ceil),
  floor: each(Math.floor),
  exp: each(Math.exp),
  ln: each(Math.log),
  log2: each(Math.log2),
  log10: each(Math.log10),
  sqrt: each(Math.sqrt),
  sgn: each(Math.sign),
  round: each((value, [to = 1]) => Math.floor(value / to + 0.5) * to, ['scalar?']),
  clamp: each(
    (value, [low = NaN, high = NaN]) => (low > high ? NaN : Math.max(low, Math.min(high, value))),
    ['scalar', 'scalar'],
  ),
  clamp_min: each((value, [low = NaN]) => Math.max(low, value), ['scalar']),
  clamp_max: each((value, [high = NaN]) => Math.min(high, value), ['scalar']),
  minute: dated((date) => date.getUTCMinutes()),
  hour: dated((date) => date.getUTCHours()),
  day_of_week: dated((date) => date.getUTCDay()),
  day_of_month: dated((date) => date.getUTCDate()),
  month: dated((date) => date.getUTCMonth() + 1),
  year: dated((date) => date.getUTCFullYear()),
  sort: sorted(1),
  sort_desc: sorted(-1),
  time: { takes: [], gives: 'scalar', apply: (_values, steps) => ({ kind: 'scalar', values: timesOf(steps) }) },
  pi: {
    takes: [],
    gives: 'scalar',
    apply: (_values, { count }) => ({ kind: 'scalar', values: new Float64Array(count).fill(Math.PI) }),
  },
  vector: {
    takes: ['scalar'],
    gives: 'vector',
    apply: ([value]) => vector([{ labels: {}, values: scalarsOf(value) }]),
  },
  scalar: {
    takes: ['vector'],
    gives: 'scalar',
    apply: ([value], { count }) => ({ kind: 'scalar', values: single(rowsOf(value), count) }),
  },
  timestamp: {
    takes: ['vector'],
    gives: 'vector',
    apply: ([value], steps) => {
      const times = timesOf(steps);
      return vector(
        rowsOf(value).map(({ labels, values }) => ({
          labels: dropName(labels),
          values: values.map((one, index) => (Number.isNaN(one) ? NaN : (times[index] as number))),
        })),
      );
    },
  },
  absent: {
    takes: ['vector'],
    gives: 'vector',
    apply: ([value], { count }) => vector([{ labels: {}, values: absence(rowsOf(value), count) }]),
  },
  histogram_quantile: {
    takes: ['scalar', 'vector'],
    gives: 'vector',
    apply: ([rank, buckets], { count }) => vector(histogramQuantile(scalarsOf(rank), rowsOf(buckets), count)),
  },
  label_replace: {
    takes: ['vector', 'string', 'string', 'string', 'string'],
    gives: 'vector',
    apply: ([value, target, replacement, source, pattern]) => {
      const regex = compile(textOf(pattern));
      return relabel(value, (labels) => {
        const matcher = regex.matcher(labels[textOf(source)] ?? '');
        if (!matcher.matches()) return labels;
        const text = textOf(replacement).replace(/\$(?:(\d+)|\{(\d+)\}|\$)/g, (all, one?: string, two?: string) => {
          if (all === '$$') return '$';
          const group = Number(one ?? two);
          return group <= matcher.groupCount() ? (matcher.group(group) ?? '') : '';
        });
        return withLabel(labels, textOf(target), text);
      });
    },
  },
  label_join: {
    takes: ['vector', 'string', 'string', 'string'],
    repeats: true,
    gives: 'vector',
    apply: ([value, target, separator, ...sources]) =>
      relabel(value, (labels) =>
        withLabel(
          labels,
          textOf(target),
          sources.map((source) => labels[textOf(source)] ?? '').join(textOf(separator)),
        ),
      ),
  },
};

/** Rows of a vector; a number is a row without labels. */
export function rowsOf(value: Value | undefined): Row[] {
  if (value?.kind === 'vector') return value.rows;
  return value?.kind === 'scalar' ? [{ labels: {}, values: value.values }] : [];
}

export function scalarsOf(value: Value | undefined): Float64Array {
  return value?.kind === 'scalar' ? value.values : new Float64Array();
}

export function textOf(value: Value | undefined): string {
  return value?.kind === 'string' ? value.text : '';
}

export function timesOf({ from, step, count }: Steps): Float64Array {
  return Float64Array.from({ length: count }, (_, index) => (from + index * step) / 1000);
}

/** 1 where no row has a value. */
export function absence(rows: readonly Row[], count: number): Float64Array {
  const values = new Float64Array(count).fill(1);
  for (const row of rows) for (let at = 0; at < count; at++) if (!Number.isNaN(row.values[at])) values[at] = NaN;
  return values;
}

/** A user's pattern, matched in linear time and over the whole text. */
export function compile(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern, RE2JS.DOTALL);
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : 'unknown reason';
    throw fail('bad-input', `This regular expression is not valid: ${reason}`);
  }
}

function vector(rows: Row[]): Value {
  return { kind: 'vector', rows };
}

function single(rows: readonly Row[], count: number): Float64Array {
  return Float64Array.from({ length: count }, (_, at) => {
    const present = rows.filter((row) => !Number.isNaN(row.values[at]));
    return present.length === 1 ? (present[0]?.values[at] ?? NaN) : NaN;
  });
}

function relabel(value: Value | undefined, change: (labels: Labels) => Labels): Value {
  return vector(rowsOf(value).map(({ labels, values }) => ({ labels: change(labels), values })));
}

function withLabel(labels: Labels, name: string, text: string): Labels {
  const { [name]: _old, ...rest } = labels;
  return text === '' ? rest : { ...rest, [name]: text };
}
