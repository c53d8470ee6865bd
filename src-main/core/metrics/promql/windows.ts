/** Functions over a stretch of samples. Counters' rates are extrapolated to the window's edges as Prometheus does. */
import type { ArgumentKind } from './functions';

/** Samples of one series in `(end - range, end]`, as places in its arrays: `[first, last]`, both included. */
export interface Window {
  t: Float64Array;
  v: Float64Array;
  /** Least and largest value that each sample stands for. */
  low: Float64Array;
  high: Float64Array;
  first: number;
  last: number;
  /** Milliseconds. */
  end: number;
  range: number;
}

export interface WindowFunction {
  takes: readonly ArgumentKind[];
  /** The value at the window's end; NaN for none. `parameters` are the numbers among the arguments. */
  apply(window: Window, parameters: readonly number[]): number;
  keepsName?: boolean;
}

const matrix = ['matrix'] as const;

export const windowFunctions: Readonly<Record<string, WindowFunction>> = {
  rate: { takes: matrix, apply: (window) => extrapolated(window, true) / (window.range / 1000) },
  increase: { takes: matrix, apply: (window) => extrapolated(window, true) },
  delta: { takes: matrix, apply: (window) => extrapolated(window, false) },
  irate: { takes: matrix, apply: (window) => lastTwo(window, true) },
  idelta: { takes: matrix, apply: (window) => lastTwo(window, false) },
  deriv: {
    takes: matrix,
    apply: (window) => (size(window) < 2 ? NaN : line(window, at(window.t, window.first)).slope),
  },
  predict_linear: {
    takes: ['matrix', 'scalar'],
    apply: (window, [ahead = 0]) => {
      if (size(window) < 2) return NaN;
      const { slope, value } = line(window, window.end);
      return slope * ahead + value;
    },
  },
  avg_over_time: {
    takes: matrix,
    apply: (window) => fold(window, window.v, (sum, value) => sum + value, 0) / size(window),
  },
  sum_over_time: { takes: matrix, apply: (window) => fold(window, window.v, (sum, value) => sum + value, 0) },
  min_over_time: { takes: matrix, apply: (window) => fold(window, window.low, Math.min, Infinity) },
  max_over_time: { takes: matrix, apply: (window) => fold(window, window.high, Math.max, -Infinity) },
  count_over_time: { takes: matrix, apply: size },
  absent_over_time: { takes: matrix, apply: () => 1 },
  present_over_time: { takes: matrix, apply: () => 1 },
  last_over_time: { takes: matrix, apply: ({ v, last }) => at(v, last), keepsName: true },
  first_over_time: { takes: matrix, apply: ({ v, first }) => at(v, first), keepsName: true },
  stdvar_over_time: { takes: matrix, apply: variance },
  stddev_over_time: { takes: matrix, apply: (window) => Math.sqrt(variance(window)) },
  quantile_over_time: {
    takes: ['scalar', 'matrix'],
    apply: ({ v, first, last }, [rank = NaN]) => quantile(rank, Array.from(v.subarray(first, last + 1))),
  },
  changes: { takes: matrix, apply: (window) => pairs(window, (before, value) => before !== value) },
  resets: { takes: matrix, apply: (window) => pairs(window, (before, value) => value < before) },
};

/** The value below which the share `rank` of the values lies, between two values in proportion (as Prometheus' quantile). */
export function quantile(rank: number, values: number[]): number {
  if (values.length === 0 || Number.isNaN(rank)) return NaN;
  if (rank < 0) return -Infinity;
  if (rank > 1) return Infinity;
  values.sort((one, other) => one - other);
  const place = rank * (values.length - 1);
  const [lower, upper] = [Math.floor(place), Math.min(values.length - 1, Math.floor(place) + 1)];
  const weight = place - lower;
  return (values[lower] as number) * (1 - weight) + (values[upper] as number) * weight;
}

function at(values: Float64Array, index: number): number {
  return values[index] as number;
}

function size({ first, last }: Window): number {
  return last - first + 1;
}

function fold(
  window: Window,
  values: Float64Array,
  step: (sum: number, value: number) => number,
  begin: number,
): number {
  let sum = begin;
  for (let index = window.first; index <= window.last; index++) sum = step(sum, at(values, index));
  return sum;
}

function pairs({ v, first, last }: Window, counts: (before: number, value: number) => boolean): number {
  let count = 0;
  for (let index = first + 1; index <= last; index++) if (counts(at(v, index - 1), at(v, index))) count += 1;
  return count;
}

function variance(window: Window): number {
  const mean = fold(window, window.v, (sum, value) => sum + value, 0) / size(window);
  return fold(window, window.v, (sum, value) => sum + (value - mean) ** 2, 0) / size(window);
}

function lastTwo(window: Window, counter: boolean): number {
  if (size(window) < 2) return NaN;
  const { t, v, last } = window;
  const [before, value] = [at(v, last - 1), at(v, last)];
  if (!counter) return value - before;
  return ((value < before ? value : value - before) / (at(t, last) - at(t, last - 1))) * 1000;
}

/** Least squares: the slope per second, and the value at `origin` (milliseconds). */
function line({ t, v, first, last }: Window, origin: number): { slope: number; value: number } {
  const count = last - first + 1;
  let [sumX, sumY, sumXY, sumXX] = [0, 0, 0, 0];
  for (let index = first; index <= last; index++) {
    const x = (at(t, index) - origin) / 1000;
    const y = at(v, index);
    sumX += x;
    sumY += y;
    sumXY += x * y;
    sumXX += x * x;
  }
  const slope = (sumXY - (sumX * sumY) / count) / (sumXX - (sumX * sumX) / count);
  const flat = Number.isFinite(slope) ? slope : 0;
  return { slope: flat, value: sumY / count - (flat * sumX) / count };
}

/**
 * The increase over the whole window: what the samples show, stretched to its edges where these are no farther than 1.1 mean
 * intervals from the samples, else by half an interval; a counter is never taken back below zero (Prometheus, `extrapolatedRate`).
 */
function extrapolated(window: Window, counter: boolean): number {
  const { t, v, first, last, end, range } = window;
  if (last <= first) return NaN;
  let difference = at(v, last) - at(v, first);
  if (counter)
    for (let index = first + 1; index <= last; index++)
      if (at(v, index) < at(v, index - 1)) difference += at(v, index - 1);
  const sampled = (at(t, last) - at(t, first)) / 1000;
  const interval = sampled / (last - first);
  let toStart = (at(t, first) - (end - range)) / 1000;
  let toEnd = (end - at(t, last)) / 1000;
  const near = interval * 1.1;
  if (toStart >= near) toStart = interval / 2;
  if (counter && difference > 0 && at(v, first) >= 0)
    toStart = Math.min(toStart, sampled * (at(v, first) / difference));
  if (toEnd >= near) toEnd = interval / 2;
  return difference * ((sampled + toStart + toEnd) / sampled);
}
