import type { LineSeriesOption } from 'echarts/charts';
import type { EChartsCoreOption } from 'echarts/core';
import { annotationSeries } from './annotations';
import type { Annotation, ChartAlert, ChartLimit, ChartMark } from './annotations';
import { seriesColour } from './palette';
import type { ChartPalette } from './palette';
import { niceScale } from './scale';
import { aboveLimit, decimate } from './series';
import type { ChartSeries, Points } from './series';

/** What a chart over time shows. Times in ms since the epoch. */
export interface TimeChart {
  series: readonly ChartSeries[];
  window: { from: number; to: number };
  marks?: readonly ChartMark[];
  alerts?: readonly ChartAlert[];
  limit?: ChartLimit;
  /** How values are rounded on the axis. */
  unit?: 'bytes' | 'count' | 'number';
  /** Top of the scale where it is known, as 100 % is. */
  max?: number;
  /** Words of the value axis, and of the time axis. */
  write: (value: number) => string;
  writeTime: (at: number) => string;
  /** Pixels of the whole chart. */
  width: number;
  lines?: number;
  hideTimes?: boolean;
}

/** Where the plot stands in the chart, in pixels from its edges: what draws the cursor over it needs to know. */
export interface PlotInsets {
  left: number;
  right: number;
  top: number;
  bottom: number;
}

const mostMarks = 200;

/** The pure option of a time chart, and where its plot stands. */
export function timeSeries(chart: TimeChart, palette: ChartPalette): { option: EChartsCoreOption; insets: PlotInsets } {
  const { window } = chart;
  const scale = scaleOf(chart);
  const lines = Math.max(1, Math.round(scale.max / scale.interval));
  const widest = Array.from({ length: lines + 1 }, (_, index) => textWidth(chart.write(index * scale.interval)));
  const marks = (chart.marks ?? []).filter((mark) => mark.at >= window.from && mark.at <= window.to).slice(-mostMarks);
  const insets: PlotInsets = {
    left: Math.max(28, Math.ceil(Math.max(...widest)) + 10),
    right: 4,
    top: (chart.marks ?? []).length > 0 ? 18 : 8,
    bottom: chart.hideTimes ? 5 : 20,
  };
  const buckets = Math.max(40, (chart.width - insets.left - insets.right) / 2);
  const drawn = chart.series.map((series) => ({ series, points: decimate(visible(series, window), buckets) }));
  const { below, above } = annotationsOf(chart, marks);
  const times = chart.width < 200 ? 1 : chart.width < 620 ? 3 : 6;
  const option: EChartsCoreOption = {
    animation: false,
    grid: { ...insets, containLabel: false, outerBoundsMode: 'none' },
    xAxis: {
      type: 'value',
      min: window.from,
      max: window.to,
      interval: (window.to - window.from) / times,
      splitLine: { show: false },
      axisLabel: {
        show: !chart.hideTimes,
        formatter: chart.writeTime,
        alignMinLabel: 'left',
        alignMaxLabel: 'right',
        margin: 6,
        hideOverlap: true,
      },
    },
    yAxis: {
      type: 'value',
      min: 0,
      max: scale.max,
      interval: scale.interval,
      axisLabel: { formatter: chart.write, margin: 6 },
    },
    series: [
      annotationSeries(below, { palette, z: 1, id: 'below' }),
      ...drawn.map(({ series, points }) => lineOf(series, { points, palette })),
      ...hotLine(chart, { drawn, palette }),
      annotationSeries(above, { palette, z: 6, id: 'above' }),
    ],
  };
  return { option, insets };
}

/** The top and lines of the value axis: data and limit fit, round in its unit. */
export function scaleOf(chart: Pick<TimeChart, 'series' | 'limit' | 'unit' | 'max' | 'lines'>): {
  max: number;
  interval: number;
} {
  const lines = chart.lines ?? 3;
  if (chart.max !== undefined) return { max: chart.max, interval: chart.max / lines };
  let most = chart.limit ? chart.limit.value : 0;
  for (const series of chart.series)
    for (const value of series.values) if (value !== null && value > most) most = value;
  return niceScale(most, { lines, binary: chart.unit === 'bytes', whole: chart.unit === 'count' });
}

// One point beyond each edge stays, so that lines leave the plot instead of ending in it
function visible(points: Points, window: { from: number; to: number }): Points {
  let first = points.at.findIndex((at) => at >= window.from);
  if (first < 0) return { at: [], values: [] };
  let end = points.at.length;
  while (end > first && (points.at[end - 1] as number) > window.to) end -= 1;
  first = Math.max(0, first - 1);
  end = Math.min(points.at.length, end + 1);
  return { at: points.at.slice(first, end), values: points.values.slice(first, end) };
}

function lineOf(series: ChartSeries, drawn: { points: Points; palette: ChartPalette }): LineSeriesOption {
  const { points, palette } = drawn;
  const colour = seriesColour(palette, series.colour);
  return {
    type: 'line',
    id: series.id,
    name: series.name,
    data: points.at.map((at, index) => [at, points.values[index] ?? null]),
    showSymbol: false,
    silent: true,
    connectNulls: false,
    sampling: undefined,
    step: series.step ? 'end' : false,
    lineStyle: { color: colour, width: 1.5, type: series.dashed ? [4, 3] : 'solid', join: 'round' },
    areaStyle: series.fill ? { color: palette.neutralFill, origin: 'start' } : undefined,
    z: 3,
  };
}

function hotLine(
  chart: TimeChart,
  space: { drawn: readonly { series: ChartSeries; points: Points }[]; palette: ChartPalette },
): LineSeriesOption[] {
  const only = space.drawn.length === 1 ? space.drawn[0] : undefined;
  const tone = chart.limit?.tone;
  if (!only || only.series.step || !chart.limit || (tone !== 'warning' && tone !== 'critical')) return [];
  const data = aboveLimit(only.points, chart.limit.value);
  return [
    {
      type: 'line',
      id: 'hot',
      data,
      showSymbol: false,
      silent: true,
      connectNulls: false,
      lineStyle: { color: space.palette.states[tone], width: 1.75 },
      z: 4,
    },
  ];
}

function annotationsOf(chart: TimeChart, marks: readonly ChartMark[]): { below: Annotation[]; above: Annotation[] } {
  const { window, limit } = chart;
  const below: Annotation[] = [];
  const above: Annotation[] = [];
  for (const alert of chart.alerts ?? []) {
    const from = Math.max(alert.from, window.from);
    const to = Math.min(alert.to ?? window.to, window.to);
    if (to <= from) continue;
    below.push({ kind: 'tint', from, to, state: alert.state });
    above.push({ kind: 'foot', from, to, state: alert.state });
  }
  if (limit) above.push({ kind: 'limit', value: limit.value, label: limit.label ?? '', tone: limit.tone ?? 'off' });
  for (const series of chart.series) {
    const index = series.values.findIndex(
      (value, place) => value !== null && (series.at[place] as number) >= window.from,
    );
    const value = series.values[index];
    if (series.label && index >= 0 && value !== null && value !== undefined)
      above.push({ kind: 'name', at: window.from, value, text: series.label });
  }
  for (const mark of marks) above.push({ kind: 'mark', at: mark.at, mark: mark.kind });
  return { below, above };
}

// Close enough for the width of an axis at 11 px; wide characters count double
function textWidth(text: string): number {
  let width = 0;
  for (const letter of text) width += letter.charCodeAt(0) > 0x2e80 ? 11 : /[.,: ]/.test(letter) ? 3.4 : 6.8;
  return width;
}
