/** Series written as promtool writes them: `1+2x3` is 1 3 5 7, `_` a gap, `5x2` is 5 5 5; one value each `interval`. */
import type { Labels, MetricsReader, SeriesSlice } from '../../../../../src-main/core/metrics';

export const origin = Date.UTC(2026, 0, 5, 9, 0, 0);
export const interval = 10_000;

/** @param text `{metric}{label="value",…}` */
function parseName(text: string): { metric: string; labels: Labels } {
  const [, metric = '', inside = ''] = /^([a-zA-Z_:][\w:]*)?(?:\{(.*)\})?$/.exec(text) ?? [];
  const labels = Object.fromEntries(
    [...inside.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]),
  );
  return { metric, labels };
}

function parseValues(text: string): number[] {
  return text.split(/\s+/).flatMap((part) => {
    const [, first, step, times] = /^(_|-?[\d.eE]+|-?Inf|NaN)(?:([+-][\d.]+))?(?:x(\d+))?$/.exec(part) ?? [];
    if (first === undefined) throw new Error(`What is ${part}?`);
    const begin = first === '_' ? NaN : Number(first.replace('Inf', 'Infinity'));
    if (times === undefined) return [begin];
    const count = first === '_' ? Number(times) : Number(times) + 1;
    return Array.from({ length: count }, (_, at) => begin + at * Number(step ?? 0));
  });
}

/** A reader of these series; the first value is at `origin`. */
export function given(series: Record<string, string>): MetricsReader {
  const all = Object.entries(series).map(([name, values]) => ({ ...parseName(name), values: parseValues(values) }));
  return {
    finest: () => interval,
    series: () => all,
    metrics: () => Promise.resolve([...new Set(all.map(({ metric }) => metric))].sort()),
    read: ({ metric, where = () => true, from, to, step }) => {
      if (step !== interval) throw new Error('these series have one step');
      const first = Math.floor(from / step) * step;
      const count = Math.ceil((to - first) / step);
      const found = all.filter((one) => one.metric === metric && where(one.labels));
      return Promise.resolve(
        found.map(({ labels, values }): SeriesSlice => {
          const average = Float64Array.from({ length: count }, (_, at) => {
            const place = (first - origin) / step + at;
            return values[place] ?? NaN;
          });
          return { metric, labels, from: first, step, average, minimum: average, maximum: average };
        }),
      );
    },
  };
}

/** A result in the manner of promtool: `{a="1"} 5`. */
export function written(rows: readonly { labels: Labels; value: number }[]): string[] {
  return rows
    .map(({ labels, value }) => {
      const { __name__: name = '', ...rest } = labels;
      const inside = Object.entries(rest)
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([label, text]) => `${label}="${text}"`);
      return `${name}{${inside.join(',')}} ${Number(value.toPrecision(6))}`;
    })
    .sort();
}
