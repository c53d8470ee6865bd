/** The three strokes of a sparkline, as SVG path data in its own pixel box. */
export interface SparkPaths {
  line: string;
  fill: string;
  /** Only the part at or above the limit. */
  hot: string;
}

export interface SparkBox {
  width: number;
  height: number;
  /** Top of the scale; without it the largest value plus 15 %. */
  max?: number;
  limit?: number;
  /** False when nobody draws the fill. */
  fill?: boolean;
}

/**
 * Builds the paths of a sparkline from values at even distances. `null` is a gap and stays one: the
 * line is broken there and nothing is filled below it. Values above `max` are drawn at the top.
 */
export function sparkPaths(values: readonly (number | null)[], box: SparkBox): SparkPaths {
  const { width, height, limit, fill = true } = box;
  const known = values.filter((value): value is number => value !== null);
  const top = box.max ?? (Math.max(0, ...known) * 1.15 || 1);
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  const x = (index: number): string => (index * step).toFixed(1);
  const ys = values.map((value) =>
    value === null ? null : (height - 1 - Math.max(0, Math.min(1, value / top)) * (height - 2)).toFixed(1),
  );
  const paths: SparkPaths = { line: '', fill: '', hot: '' };
  let started = false;
  let hot = false;
  ys.forEach((y, index) => {
    if (y === null) {
      started = false;
      hot = false;
      return;
    }
    const before = ys[index - 1];
    const next = ys[index + 1];
    const last = next === null || next === undefined;
    // Within a level stretch only its ends are written: most curves are level, and hundreds are drawn each second.
    if (!started || last || before !== y || next !== y) {
      const to = `${started ? 'L' : 'M'}${x(index)} ${y}`;
      paths.line += to;
      if (fill) paths.fill += started ? to : `M${x(index)} ${height}L${x(index)} ${y}`;
    }
    started = true;
    if (fill && last) paths.fill += `L${x(index)} ${height}z`;
    if (limit !== undefined && (values[index] ?? 0) >= limit) {
      const begin = before === null || before === undefined ? '' : `M${x(index - 1)} ${before}`;
      paths.hot += `${hot ? 'L' : begin === '' ? 'M' : `${begin}L`}${x(index)} ${y}`;
      hot = true;
    } else hot = false;
  });
  return paths;
}

/** What happened at a time of the curve, as a share of its width. */
export interface SparkMark {
  id: string;
  share: number;
  kind: 'rollout' | 'release' | 'event';
  label: string;
}

/** An alert below a stretch of it, in shares of its width. */
export interface SparkSpan {
  id: string;
  from: number;
  to: number;
  state: 'warning' | 'critical';
  label: string;
}

/** A mark's shape is wider than a pixel: one that would be cut at an edge is moved in. */
const halfMark = 3.5;

/** Where marks stand, in whole and half pixels. Of those that would cover each other the last is drawn and says what all are. */
export function placeMarks(marks: readonly SparkMark[], width: number): { mark: SparkMark; x: number }[] {
  const placed: { mark: SparkMark; x: number }[] = [];
  for (const mark of [...marks].sort((left, right) => left.share - right.share)) {
    const x = Math.round(Math.max(halfMark, Math.min(width - halfMark, mark.share * width)) - 0.5) + 0.5;
    const before = placed.at(-1);
    if (before && x - before.x < 2 * halfMark) {
      placed[placed.length - 1] = { mark: { ...mark, label: `${before.mark.label}\n${mark.label}` }, x };
    } else placed.push({ mark, x });
  }
  return placed;
}
