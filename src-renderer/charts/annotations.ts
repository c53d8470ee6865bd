import type { CustomSeriesOption } from 'echarts/charts';
import type { ChartPalette, ChartState } from './palette';

/** A mark above a chart. `at` in ms since the epoch. */
export interface ChartMark {
  at: number;
  kind: 'rollout' | 'release' | 'event';
  /** With an id it can be clicked; the label is its tip. */
  id?: string;
  label?: string;
}

/** A stretch in which an alert fired; without `to` it still does. */
export interface ChartAlert {
  from: number;
  to?: number;
  state: 'warning' | 'critical';
  /** With an id it can be clicked; the label is its tip. */
  id?: string;
  label?: string;
}

/** A line to stay below. `tone` colours it and, on a single series, what is above it. */
export interface ChartLimit {
  value: number;
  label?: string;
  tone?: ChartState;
}

/** What is drawn on a chart beside its lines. */
export type Annotation =
  | { kind: 'tint' | 'foot'; from: number; to: number; state: ChartState }
  | { kind: 'mark'; at: number; mark: ChartMark['kind'] }
  | { kind: 'limit'; value: number; label: string; tone: ChartState }
  | { kind: 'name'; at: number; value: number; text: string };

interface PlotBox {
  x: number;
  y: number;
  width: number;
  height: number;
}
type RenderItem = NonNullable<CustomSeriesOption['renderItem']>;
type Drawn = ReturnType<RenderItem>;
type ToPixel = (point: [number, number]) => number[];

/** A series that draws annotations at level `z`; it has no values of its own and reacts to nothing. */
export function annotationSeries(
  items: readonly Annotation[],
  options: { palette: ChartPalette; z: number; id: string },
): CustomSeriesOption {
  const renderItem: RenderItem = (params, api) => {
    const item = items[params.dataIndex];
    const box = params.coordSys as unknown as PlotBox;
    return item ? draw(item, { box, palette: options.palette, toPixel: (point) => api.coord(point) }) : null;
  };
  return {
    type: 'custom',
    id: options.id,
    silent: true,
    clip: false,
    z: options.z,
    renderItem,
    data: items.map((item) => ('from' in item ? [item.from, 0] : 'at' in item ? [item.at, 0] : [0, item.value])),
    // The axes are given; these points must not stretch them
    encode: { x: -1, y: -1 },
  };
}

function draw(item: Annotation, space: { box: PlotBox; palette: ChartPalette; toPixel: ToPixel }): Drawn {
  const { box, palette, toPixel } = space;
  const x = (at: number): number => toPixel([at, 0])[0] ?? 0;
  const y = (value: number): number => toPixel([0, value])[1] ?? 0;
  const bottom = box.y + box.height;
  switch (item.kind) {
    case 'tint':
    case 'foot': {
      const left = x(item.from);
      const width = Math.max(2, x(item.to) - left);
      const shape =
        item.kind === 'tint'
          ? { x: left, y: box.y, width, height: box.height }
          : { x: left, y: bottom - 2, width, height: 3 };
      return {
        type: 'rect',
        shape,
        style: { fill: palette.states[item.state], opacity: item.kind === 'tint' ? 0.09 : 1 },
      };
    }
    case 'limit': {
      const level = Math.round(y(item.value)) + 0.5;
      const line: Drawn = {
        type: 'line',
        shape: { x1: box.x, y1: level, x2: box.x + box.width, y2: level },
        style: { stroke: palette.states[item.tone], lineDash: [3, 3], opacity: 0.9 },
      };
      const label: Drawn = {
        type: 'text',
        style: {
          text: item.label,
          x: box.x + 4,
          y: level - 4,
          verticalAlign: 'bottom',
          fill: palette.t2,
          fontSize: 11,
          fontFamily: palette.font,
        },
      };
      return { type: 'group', children: item.label ? [line, label] : [line] };
    }
    case 'name':
      return {
        type: 'text',
        style: {
          text: item.text,
          x: x(item.at) + 4,
          y: y(item.value) - 5,
          verticalAlign: 'bottom',
          fill: palette.t2,
          fontSize: 11,
          fontFamily: palette.font,
        },
      };
    case 'mark': {
      const at = Math.round(x(item.at)) + 0.5;
      return {
        type: 'group',
        children: [
          {
            type: 'line',
            shape: { x1: at, y1: box.y - 4, x2: at, y2: bottom },
            style: { stroke: palette.t3, lineDash: [2, 3], opacity: 0.7 },
          },
          glyph(item.mark, { x: at, y: box.y - 9, palette }),
        ],
      };
    }
  }
}

function glyph(mark: ChartMark['kind'], at: { x: number; y: number; palette: ChartPalette }): NonNullable<Drawn> {
  const { x, y, palette } = at;
  if (mark === 'event') return { type: 'circle', shape: { cx: x, cy: y, r: 2 }, style: { fill: palette.t3 } };
  const style = { fill: palette.panel, stroke: palette.t2, lineWidth: 1.4 };
  if (mark === 'release') return { type: 'rect', shape: { x: x - 4, y: y - 4, width: 8, height: 8 }, style };
  return {
    type: 'polygon',
    shape: {
      points: [
        [x, y - 4.5],
        [x + 4.5, y],
        [x, y + 4.5],
        [x - 4.5, y],
      ],
    },
    style,
  };
}
