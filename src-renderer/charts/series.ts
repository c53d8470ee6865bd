/** A line of a chart, in columns as the core sends it: `at` ascending in ms since the epoch, `null` is a gap. */
export interface ChartSeries {
  id: string;
  name: string;
  at: readonly number[];
  values: readonly (number | null)[];
  /** A single series is neutral; `cat-1`…`cat-10` only tell series apart. */
  colour?: SeriesColour;
  fill?: boolean;
  /** Holds its value until the next, as counts of replicas do. */
  step?: boolean;
  dashed?: boolean;
  /** Written at the start of the line. */
  label?: string;
}

export type SeriesColour = 'neutral' | 't2' | `cat-${number}`;

export interface Points {
  at: readonly number[];
  values: readonly (number | null)[];
}

/**
 * Thins points to the pixels they can fill: every bucket of time keeps its least and its greatest value, in their order, so that no
 * spike is lost. A bucket without values stays a gap. At most `2 × width` points come back; fewer come back as they are.
 */
export function decimate(points: Points, width: number): Points {
  const count = points.at.length;
  const buckets = Math.max(1, Math.floor(width));
  const first = points.at[0];
  const last = points.at[count - 1];
  if (count <= 2 * buckets || first === undefined || last === undefined || last <= first) return points;
  const at: number[] = [];
  const values: (number | null)[] = [];
  const span = (last - first) / buckets;
  let index = 0;
  for (let bucket = 0; bucket < buckets; bucket += 1) {
    const end = bucket === buckets - 1 ? Number.POSITIVE_INFINITY : first + (bucket + 1) * span;
    let least = -1;
    let greatest = -1;
    const start = index;
    for (; index < count && (points.at[index] as number) < end; index += 1) {
      const value = points.values[index];
      if (value === null || value === undefined) continue;
      if (least < 0 || value < (points.values[least] as number)) least = index;
      if (greatest < 0 || value > (points.values[greatest] as number)) greatest = index;
    }
    if (index === start) continue;
    if (least < 0) {
      at.push(points.at[start] as number);
      values.push(null);
      continue;
    }
    for (const chosen of least === greatest ? [least] : [Math.min(least, greatest), Math.max(least, greatest)]) {
      at.push(points.at[chosen] as number);
      values.push(points.values[chosen] as number);
    }
  }
  return { at, values };
}

/**
 * The value of a series at an instant: the nearest point not further away than `reach` ms (default: one and a half of the usual
 * distance between points, at least 2 s). `null` in a gap or outside.
 */
export function valueAt(points: Points, instant: number, reach?: number): number | null {
  const { at } = points;
  if (at.length === 0) return null;
  let low = 0;
  let high = at.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((at[middle] as number) < instant) low = middle + 1;
    else high = middle;
  }
  if (low > 0 && instant - (at[low - 1] as number) <= (at[low] as number) - instant) low -= 1;
  const usual = at.length > 1 ? ((at[at.length - 1] as number) - (at[0] as number)) / (at.length - 1) : 0;
  const allowed = reach ?? Math.max(2000, usual * 1.5);
  return Math.abs((at[low] as number) - instant) <= allowed ? (points.values[low] ?? null) : null;
}

/** The newest value that is not a gap. */
export function lastValue(points: Points): number | null {
  for (let index = points.values.length - 1; index >= 0; index -= 1) {
    const value = points.values[index];
    if (value !== null && value !== undefined) return value;
  }
  return null;
}

/** Only the parts at or above the limit, cut exactly where the line crosses it; gaps between them. */
export function aboveLimit(points: Points, limit: number): [number, number | null][] {
  const parts: [number, number | null][] = [];
  points.at.forEach((at, index) => {
    const value = points.values[index] ?? null;
    const beforeAt = points.at[index - 1];
    const before = points.values[index - 1] ?? null;
    const over = value !== null && value >= limit;
    const wasOver = before !== null && before >= limit;
    if (before !== null && value !== null && beforeAt !== undefined && over !== wasOver && before !== value) {
      const crossing = beforeAt + ((limit - before) / (value - before)) * (at - beforeAt);
      parts.push([crossing, limit]);
      if (wasOver) parts.push([crossing, null]);
    } else if (wasOver && value === null) parts.push([at, null]);
    if (over) parts.push([at, value]);
  });
  return parts;
}
