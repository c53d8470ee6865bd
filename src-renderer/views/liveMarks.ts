/** Marks and alerts of the stretch that a sparkline shows, as shares of it. Pure. */
import type { ChartAlert, ChartMark } from '../charts/annotations';
import type { SparkMark, SparkSpan } from '../parts/sparkPath';

/** More would be a wall of strokes on a few pixels; the newest are shown. */
const mostMarks = 4;

export interface Stretch {
  from: number;
  to: number;
}

/** @param marks oldest first @param write words of a time */
export function sparkMarks(
  marks: readonly ChartMark[],
  { from, to }: Stretch,
  write: (at: number) => string,
): SparkMark[] {
  const found: SparkMark[] = [];
  // What is shown is the newest minute of hours: looked for from the end.
  for (let at = marks.length - 1; at >= 0 && found.length < mostMarks; at--) {
    const mark = marks[at];
    if (!mark || mark.at < from) break;
    if (mark.at > to) continue;
    const { id = String(mark.at), kind, label = '' } = mark;
    found.push({ id, kind, share: (mark.at - from) / (to - from), label: `${write(mark.at)}  ${label}` });
  }
  return found;
}

export function sparkSpans(alerts: readonly ChartAlert[], { from, to }: Stretch): SparkSpan[] {
  return alerts.flatMap(({ id = '', state, label = '', ...alert }) => {
    const [begin, end] = [Math.max(from, alert.from), Math.min(to, alert.to ?? to)];
    const share = (time: number): number => (time - from) / (to - from);
    return end < begin ? [] : [{ id: `${id} ${alert.from}`, from: share(begin), to: share(end), state, label }];
  });
}
