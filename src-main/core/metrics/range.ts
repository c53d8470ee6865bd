/** `metrics.range`: which series, added up how, thinned to what a chart can draw. */
import type { InputOf } from '../../contract/api/define';
import type { observeCalls } from '../../contract/api/observe';
import type { SeriesView } from '../../contract/nouns';
import { unitOf } from './names';
import type { Labels, MetricsReader, SeriesSlice } from './seam';

export type RangeInput = InputOf<(typeof observeCalls)['metrics.range']>;

const second = 1000;
/** Steps that people read easily and that the tiers divide. Milliseconds. */
export const steps = [
  1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400,
].map((seconds) => seconds * second);

/** Answers the call. Points of all series lie at the same times, so that they can be added and compared. */
export async function range(reader: MetricsReader, input: RangeInput): Promise<SeriesView[]> {
  const { metric, from, to, points } = input;
  if (to <= from) return [];
  // Finer than what is kept would draw the means of longer stretches as if they were their values.
  const step = Math.max(stepFor(to - from, points), reader.finest(from));
  // A second that is cut by the edge is left out, so that five minutes are 300 points and not 301.
  const first = step === second ? Math.ceil(from / second) * second : from;
  const slices = await reader.read({ metric, where: selector(input), from: first, to, step });
  const unit = unitOf(metric);
  return addUp(slices, input.by).map((slice) => ({
    metric,
    labels: { ...slice.labels },
    unit,
    ...thin(slice, points),
  }));
}

/** The step of the grid. A step of one second has one point; a longer one two, its least and its largest value. */
export function stepFor(span: number, points: number): number {
  if (span / second <= points) return second;
  // One cell more than the span holds, since the grid begins before it.
  const most = Math.max(1, Math.floor(points / 2) - 1);
  return steps.find((step) => step > second && span / step <= most) ?? Math.ceil(span / most / 86_400_000) * 86_400_000;
}

function selector({ services, replicas }: RangeInput): (labels: Labels) => boolean {
  if (!services && !replicas) return () => true;
  const [byService, byReplica] = [new Set(services), new Set(replicas)];
  return ({ service, replica }) =>
    (service !== undefined && byService.has(service)) || (replica !== undefined && byReplica.has(replica));
}

/** One series per replica, per service or in all. A replica that was not measured adds nothing; where none was is a gap. */
function addUp(slices: SeriesSlice[], by: RangeInput['by']): SeriesSlice[] {
  if (by === 'replica') return slices.sort((one, other) => compare(nameOf(one.labels), nameOf(other.labels)));
  const sums = new Map<string, SeriesSlice>();
  for (const slice of slices) {
    const { stack, service } = slice.labels;
    const labels: Labels = by === 'total' ? {} : { ...(stack ? { stack } : {}), ...(service ? { service } : {}) };
    const key = labels.service ?? '';
    const sum = sums.get(key);
    // The extremes of a sum are not the sums of the extremes: only the means are added.
    if (!sum)
      sums.set(key, {
        ...slice,
        labels,
        average: slice.average.slice(),
        minimum: slice.average,
        maximum: slice.average,
      });
    else for (let at = 0; at < sum.average.length; at++) addTo(sum.average, at, slice.average[at] as number);
  }
  const all = [...sums.entries()].sort(([one], [other]) => compare(one, other)).map(([, sum]) => sum);
  return all.map((sum) => ({ ...sum, minimum: sum.average, maximum: sum.average }));
}

function addTo(sums: Float64Array, at: number, value: number): void {
  if (Number.isNaN(value)) return;
  const before = sums[at] as number;
  sums[at] = Number.isNaN(before) ? value : before + value;
}

/** Two points a cell, by turns low–high and high–low, so that the line does not saw where nothing happens. */
function thin(slice: SeriesSlice, points: number): { t: number[]; v: (number | null)[] } {
  const { from, step, minimum, maximum } = slice;
  if (step > second && points < 4) return extremes(slice);
  const t: number[] = [];
  const v: (number | null)[] = [];
  for (let at = 0; at < minimum.length; at++) {
    const time = from + at * step;
    t.push(time);
    if (step === second) {
      // From before the app's start a bucket of ten seconds covers ten cells: half show its least value, half its largest.
      const side = (time / second) % 10 < 5 ? minimum : maximum;
      v.push(drawn(side[at] as number));
      continue;
    }
    t.push(time + step / 2);
    const pair = [drawn(minimum[at] as number), drawn(maximum[at] as number)] as const;
    v.push(...((time / step) % 2 === 0 ? pair : [pair[1], pair[0]]));
  }
  return { t, v };
}

/** Two points for all of it: too few for a cell that begins before the span and one that ends after it. */
function extremes({ from, step, minimum, maximum }: SeriesSlice): { t: number[]; v: (number | null)[] } {
  const known = (values: Float64Array): Float64Array => values.filter((value) => !Number.isNaN(value));
  const [low, high] = [known(minimum), known(maximum)];
  const t = [from, from + (step * minimum.length) / 2];
  return low.length === 0 ? { t, v: [null, null] } : { t, v: [drawn(Math.min(...low)), drawn(Math.max(...high))] };
}

/** Six digits are more than any chart shows, and half the bytes on the wire. */
function drawn(value: number): number | null {
  return Number.isNaN(value) ? null : Number(value.toPrecision(6));
}

function nameOf(labels: Labels): string {
  return labels.replica ?? labels.service ?? Object.values(labels).join(' ');
}

const digits = /^(.*?)(\d+)$/;

/** `web.2` before `web.10`. */
function compare(one: string, other: string): number {
  const [, stem, number] = digits.exec(one) ?? [];
  const [, stem2, number2] = digits.exec(other) ?? [];
  if (stem !== undefined && stem === stem2) return Number(number) - Number(number2);
  return one < other ? -1 : one > other ? 1 : 0;
}
