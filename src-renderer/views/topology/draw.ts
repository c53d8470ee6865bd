/** Draws what is seen of the map on a canvas. Pure but for the canvas; pixels of the page. */
import type { State } from '../../parts/state';
import type { MapEdge, MapItem, MapLayout } from './layout';

export interface MapColours {
  card: string;
  line: string;
  strong: string;
  text: string;
  quiet: string;
  accent: string;
  flow: string;
  font: string;
  states: Readonly<Record<State, string>>;
}

/** The colours of the theme in force, as the style sheet has them. */
export function mapColours(): MapColours {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string): string => style.getPropertyValue(`--ph-${name}`).trim();
  return {
    card: of('s1'),
    line: of('line-1'),
    strong: of('line-2'),
    text: of('t1'),
    quiet: of('t2'),
    accent: of('accent'),
    flow: of('neutral-series'),
    font: getComputedStyle(document.body).fontFamily,
    states: {
      ok: of('ok'),
      progress: of('progress'),
      warning: of('warning'),
      critical: of('critical'),
      off: of('off'),
    },
  };
}

export interface MapFrame {
  /** The part of the map that is seen. */
  left: number;
  top: number;
  width: number;
  height: number;
  colours: MapColours;
  /** Only these are drawn in full; undefined is all of them. */
  lit?: ReadonlySet<string> | undefined;
  selected?: string | undefined;
  focused: boolean;
}

const fadedAlpha = 0.35;

/** Draws one frame; answers how many items and edges were in sight. */
export function drawMap(context: CanvasRenderingContext2D, layout: MapLayout, frame: MapFrame): number {
  const { left, top, width, height, colours } = frame;
  context.clearRect(0, 0, width, height);
  context.save();
  context.translate(-left, -top);
  context.textBaseline = 'middle';
  let drawn = 0;
  const bottom = top + height;
  for (const edge of layout.edges) {
    if (Math.max(edge.y1, edge.y2) < top || Math.min(edge.y1, edge.y2) > bottom) continue;
    drawEdge(context, edge, frame);
    drawn += 1;
  }
  context.globalAlpha = 1;
  for (const item of layout.items) {
    if (item.y + item.height < top || item.y > bottom) continue;
    const faded = isFaded(item, frame.lit);
    context.globalAlpha = faded ? fadedAlpha : 1;
    drawItem(context, item, { colours, selected: item.id === frame.selected, focused: frame.focused });
    drawn += 1;
  }
  context.restore();
  return drawn;
}

/** Marks of a block go with their service: they have no lines of their own. */
function isFaded(item: MapItem, lit: ReadonlySet<string> | undefined): boolean {
  if (!lit || item.kind === 'stack' || lit.has(item.id)) return false;
  const inBlock = item.kind === 'replica' && item.label === '';
  return !inBlock || !lit.has(`service ${item.of.slice(0, item.of.lastIndexOf('.'))}`);
}

/** Thicker with more requests, by the logarithm: 1/s and 10,000/s are both worth seeing. */
export function flowWidth(rate: number): number {
  return rate <= 0 ? 1 : Math.min(6, 1.5 + Math.log10(1 + rate) * 1.4);
}

function drawEdge(context: CanvasRenderingContext2D, edge: MapEdge, frame: MapFrame): void {
  const { colours, lit } = frame;
  const inLight = !lit || (lit.has(edge.from) && lit.has(edge.to));
  const flows = edge.kind === 'traffic' && (edge.rate ?? 0) > 0;
  context.globalAlpha = inLight ? 1 : fadedAlpha;
  context.strokeStyle = lit && inLight ? colours.accent : flows ? colours.flow : colours.strong;
  context.lineWidth = flows ? flowWidth(edge.rate ?? 0) : 1;
  context.setLineDash(edge.kind === 'mounts' ? [3, 3] : edge.kind === 'direct' ? [6, 3] : []);
  const bend = Math.max(18, (edge.x2 - edge.x1) / 2);
  context.beginPath();
  context.moveTo(edge.x1, edge.y1);
  context.bezierCurveTo(edge.x1 + bend, edge.y1, edge.x2 - bend, edge.y2, edge.x2, edge.y2);
  context.stroke();
  context.setLineDash([]);
}

interface ItemLook {
  colours: MapColours;
  selected: boolean;
  focused: boolean;
}

function drawItem(context: CanvasRenderingContext2D, item: MapItem, look: ItemLook): void {
  const { colours, selected } = look;
  const middle = item.y + item.height / 2;
  if (item.kind === 'stack') {
    text(context, item.label, {
      x: item.x,
      y: middle,
      width: item.width,
      colour: colours.quiet,
      font: `11px ${colours.font}`,
    });
    return;
  }
  if (item.kind === 'replica' && item.label === '') {
    glyph(context, item.state, { x: item.x + item.width / 2, y: middle, size: 10, colours });
    if (selected) outline(context, item, look);
    return;
  }
  context.fillStyle = colours.card;
  context.strokeStyle =
    item.state === 'critical' || item.state === 'warning' ? colours.states[item.state] : colours.strong;
  context.lineWidth = 1;
  context.beginPath();
  context.roundRect(item.x + 0.5, item.y + 0.5, item.width - 1, item.height - 1, 5);
  context.fill();
  context.stroke();
  glyph(context, item.state, { x: item.x + 14, y: middle, size: 10, colours });
  const small = `11px ${colours.font}`;
  context.font = small;
  const noteWidth = item.note === '' ? 0 : context.measureText(item.note).width + 8;
  const bold = item.kind === 'service' || item.kind === 'node' || item.kind === 'gateway' || item.kind === 'host';
  text(context, item.label, {
    x: item.x + 26,
    y: middle,
    width: item.width - 34 - noteWidth,
    colour: colours.text,
    font: bold ? `500 12px ${colours.font}` : small,
  });
  if (item.note !== '') {
    context.textAlign = 'right';
    context.font = small;
    context.fillStyle = colours.quiet;
    context.fillText(item.note, item.x + item.width - 8, middle);
    context.textAlign = 'left';
  }
  if (selected) outline(context, item, look);
}

function outline(context: CanvasRenderingContext2D, item: MapItem, { colours, focused }: ItemLook): void {
  context.strokeStyle = colours.accent;
  context.lineWidth = focused ? 2 : 1.25;
  context.beginPath();
  context.roundRect(item.x - 2, item.y - 2, item.width + 4, item.height + 4, 6);
  context.stroke();
}

/** The shapes of StatusGlyph: circle, half circle, triangle, diamond, ring. */
function glyph(
  context: CanvasRenderingContext2D,
  state: State,
  place: { x: number; y: number; size: number; colours: MapColours },
): void {
  const { x, y, size } = place;
  const radius = size * 0.4;
  context.fillStyle = context.strokeStyle = place.colours.states[state];
  context.lineWidth = 1.5;
  context.beginPath();
  if (state === 'ok') context.arc(x, y, radius, 0, 2 * Math.PI);
  else if (state === 'off') {
    context.arc(x, y, radius - 0.5, 0, 2 * Math.PI);
    context.stroke();
    return;
  } else if (state === 'progress') {
    context.arc(x, y, radius - 0.5, 0, 2 * Math.PI);
    context.stroke();
    context.beginPath();
    context.arc(x, y, radius - 0.5, -Math.PI / 2, Math.PI / 2);
  } else if (state === 'warning') {
    context.moveTo(x, y - size * 0.42);
    context.lineTo(x + size * 0.46, y + size * 0.4);
    context.lineTo(x - size * 0.46, y + size * 0.4);
    context.closePath();
  } else {
    context.moveTo(x, y - size / 2);
    context.lineTo(x + size / 2, y);
    context.lineTo(x, y + size / 2);
    context.lineTo(x - size / 2, y);
    context.closePath();
  }
  context.fill();
}

/** Cut texts by font, width and whole; measuring is what a canvas is slow at. */
const fitted = new Map<string, string>();
const mostFitted = 5000;

function text(
  context: CanvasRenderingContext2D,
  whole: string,
  place: { x: number; y: number; width: number; colour: string; font: string },
): void {
  context.font = place.font;
  context.fillStyle = place.colour;
  const key = `${place.font}|${Math.round(place.width)}|${whole}`;
  let shown = fitted.get(key);
  if (shown === undefined) {
    shown = whole;
    while (shown.length > 1 && context.measureText(shown).width > place.width)
      shown = `${shown.replace(/…$/, '').slice(0, -1)}…`;
    if (fitted.size >= mostFitted) fitted.clear();
    fitted.set(key, shown);
  }
  context.fillText(shown, place.x, place.y);
}
