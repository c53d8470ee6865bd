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
}

/**
 * Builds the paths of a sparkline from values at even distances. `null` is a gap and stays one: the
 * line is broken there and nothing is filled below it. Values above `max` are drawn at the top.
 */
export function sparkPaths(values: readonly (number | null)[], box: SparkBox): SparkPaths {
  const { width, height, limit } = box;
  const known = values.filter((value): value is number => value !== null);
  const top = box.max ?? (Math.max(0, ...known) * 1.15 || 1);
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  const x = (index: number): string => (index * step).toFixed(1);
  const y = (value: number): string => (height - 1 - Math.max(0, Math.min(1, value / top)) * (height - 2)).toFixed(1);
  const paths: SparkPaths = { line: '', fill: '', hot: '' };
  let start = -1;
  let hot = false;
  values.forEach((value, index) => {
    if (value === null) {
      start = -1;
      hot = false;
      return;
    }
    const point = `${x(index)} ${y(value)}`;
    const before = values[index - 1];
    if (start < 0) {
      start = index;
      paths.line += `M${point}`;
      paths.fill += `M${x(index)} ${height}L${point}`;
    } else {
      paths.line += `L${point}`;
      paths.fill += `L${point}`;
    }
    const next = values[index + 1];
    if (next === null || next === undefined) paths.fill += `L${x(index)} ${height}z`;
    if (limit !== undefined && value >= limit) {
      if (hot) paths.hot += `L${point}`;
      else
        paths.hot += before === null || before === undefined ? `M${point}` : `M${x(index - 1)} ${y(before)}L${point}`;
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
