import dark from './echarts-dark.json';
import light from './echarts-light.json';
import type { SeriesColour } from './series';

export type ChartTheme = 'dark' | 'light';
export type ChartState = 'ok' | 'progress' | 'warning' | 'critical' | 'off';

/** The colours of a theme as a chart needs them; the canvas cannot read CSS variables. A test holds them equal to tokens.css. */
export interface ChartPalette {
  t1: string;
  t2: string;
  t3: string;
  accent: string;
  panel: string;
  grid: string;
  neutral: string;
  neutralFill: string;
  categories: readonly string[];
  font: string;
  states: Readonly<Record<ChartState, string>>;
}

export const chartThemes = { dark, light };

/** The palette of a theme. */
export function paletteOf(theme: ChartTheme): ChartPalette {
  const source = chartThemes[theme];
  const own = source.pilothouse;
  return {
    t1: source.title.textStyle.color,
    t2: source.textStyle.color,
    t3: source.valueAxis.axisLabel.color,
    accent: own.accent,
    panel: own.panel,
    grid: source.valueAxis.splitLine.lineStyle.color,
    neutral: own.neutral,
    neutralFill: own.neutralFill,
    categories: source.color,
    font: source.textStyle.fontFamily,
    states: { ok: own.ok, progress: own.progress, warning: own.warning, critical: own.critical, off: own.off },
  };
}

/** The colour of a series; hues beyond the tenth begin again. */
export function seriesColour(palette: ChartPalette, colour: SeriesColour = 'neutral'): string {
  if (colour === 'neutral') return palette.neutral;
  if (colour === 't2') return palette.t2;
  const index = Number(colour.slice(4)) - 1;
  return palette.categories[index % palette.categories.length] ?? palette.neutral;
}
