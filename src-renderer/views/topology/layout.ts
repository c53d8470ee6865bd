/**
 * Where everything stands on the map: gateway, services, replicas, then nodes and volumes, in columns from left to right. Pure; pixels.
 * A service of few replicas shows each with its name; one of many shows them as a grid of marks, so that a thousand still fit.
 */
import type { State } from '../../parts/state';

export interface MapService {
  /** `<stack>/<service>`. */
  key: string;
  stack: string;
  name: string;
  state: State;
  /** Requests per second through the gateway; undefined when it is not behind it. */
  requests?: number | undefined;
  errors?: number | undefined;
  /** Said in the place of the requests. */
  note?: string;
  /** Published on this machine without the gateway. */
  direct: boolean;
  replicas: readonly MapReplica[];
}

export interface MapReplica {
  id: string;
  label: string;
  state: State;
  node: string;
  requests?: number | undefined;
}

export interface MapPlace {
  id: string;
  label: string;
  state: State;
}

export interface MapVolume extends MapPlace {
  /** Keys of the services that use it. */
  services: readonly string[];
}

export interface MapInput {
  services: readonly MapService[];
  nodes: readonly MapPlace[];
  volumes: readonly MapVolume[];
}

export type ItemKind = 'gateway' | 'host' | 'stack' | 'service' | 'replica' | 'node' | 'volume';

export interface MapItem {
  id: string;
  kind: ItemKind;
  /** What it stands for: a key, an id, a name. */
  of: string;
  label: string;
  note: string;
  state: State;
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface MapEdge {
  from: string;
  to: string;
  kind: 'traffic' | 'direct' | 'runs' | 'mounts';
  x1: number;
  y1: number;
  x2: number;
  y2: number;
  /** Requests per second, where requests flow. */
  rate?: number | undefined;
}

export interface MapLayout {
  items: MapItem[];
  edges: MapEdge[];
  width: number;
  height: number;
}

/** Up to so many replicas have a line and a name each. */
export const mostNamed = 6;
const margin = 16;
const cardHeight = 36;
const lineHeight = 24;
const nameGap = 4;
const markSize = 14;
const markGap = 4;
const rowGap = 12;
const stackHeight = 26;

/** `width` is what there is to fill; below 760 pixels the map is wider than its place. */
export function layoutMap(input: MapInput, width: number, rateText: (rate: number) => string): MapLayout {
  const full = Math.max(760, width);
  const columns = columnsOf(full);
  const perRow = Math.max(4, Math.floor((columns.replica.width + markGap) / (markSize + markGap)));
  const items: MapItem[] = [];
  const edges: MapEdge[] = [];
  const byStack = [...input.services].sort(
    (left, right) => compare(left.stack, right.stack) || compare(left.name, right.name),
  );
  let y = margin;
  let stack: string | undefined;
  const entries: { service: MapService; item: MapItem }[] = [];
  const onNodes = new Map<string, MapItem[]>();

  for (const service of byStack) {
    if (service.stack !== stack) {
      stack = service.stack;
      items.push({
        ...at(`stack ${stack}`, 'stack', stack),
        label: stack,
        x: columns.service.x,
        y,
        width: columns.service.width,
        height: stackHeight - 6,
      });
      y += stackHeight;
    }
    const named = service.replicas.length <= mostNamed;
    const rows = named ? service.replicas.length : Math.ceil(service.replicas.length / perRow);
    const inner = named ? rows * lineHeight - nameGap : rows * (markSize + markGap) - markGap;
    const height = Math.max(cardHeight, inner);
    const item: MapItem = {
      ...at(`service ${service.key}`, 'service', service.key),
      label: service.name,
      note: service.note ?? (service.requests === undefined ? '' : rateText(service.requests)),
      state: service.state,
      x: columns.service.x,
      y: y + (height - cardHeight) / 2,
      width: columns.service.width,
      height: cardHeight,
    };
    items.push(item);
    entries.push({ service, item });
    const top = y + (height - inner) / 2;
    service.replicas.forEach((replica, index) => {
      const place = named
        ? {
            x: columns.replica.x,
            y: top + index * lineHeight,
            width: columns.replica.width,
            height: lineHeight - nameGap,
          }
        : {
            x: columns.replica.x + (index % perRow) * (markSize + markGap),
            y: top + Math.floor(index / perRow) * (markSize + markGap),
            width: markSize,
            height: markSize,
          };
      const mark: MapItem = {
        ...at(`replica ${replica.id}`, 'replica', replica.id),
        label: named ? replica.label : '',
        note: named && replica.requests !== undefined ? rateText(replica.requests) : '',
        state: replica.state,
        ...place,
      };
      items.push(mark);
      if (named) {
        const rate = replica.requests;
        edges.push({ ...between(item, mark), kind: rate === undefined ? 'runs' : 'traffic', rate });
        push(onNodes, replica.node, mark);
      }
    });
    if (!named) {
      const block = { ...item, id: `block ${service.key}`, x: columns.replica.x, y: top, height: inner };
      block.width = Math.min(service.replicas.length, perRow) * (markSize + markGap) - markGap;
      const rate = service.requests;
      edges.push({ ...between(item, block), to: item.id, kind: rate === undefined ? 'runs' : 'traffic', rate });
      // A bundle for each node that has some of them, from the block as a whole.
      for (const node of new Set(service.replicas.map((replica) => replica.node)))
        push(onNodes, node, { ...block, id: item.id });
    }
    y += height + rowGap;
  }
  const bottom = Math.max(y, margin + 200);
  placeEntrances(entries, { items, edges, column: columns.gateway, rateText });
  const after = placeEnds(input, { items, edges, column: columns.end, entries, onNodes });
  return { items, edges, width: full, height: Math.max(bottom, after) + margin };
}

interface Column {
  x: number;
  width: number;
}

function columnsOf(full: number): Record<'gateway' | 'service' | 'replica' | 'end', Column> {
  const inner = full - 2 * margin;
  const gap = Math.round(inner * 0.075);
  const room = inner - 3 * gap;
  const gateway = Math.round(room * 0.16);
  const service = Math.round(room * 0.26);
  const replica = Math.round(room * 0.33);
  const end = room - gateway - service - replica;
  return {
    gateway: { x: margin, width: gateway },
    service: { x: margin + gateway + gap, width: service },
    replica: { x: margin + gateway + service + 2 * gap, width: replica },
    end: { x: margin + gateway + service + replica + 3 * gap, width: end },
  };
}

interface Sheet {
  items: MapItem[];
  edges: MapEdge[];
  column: Column;
}

/** The ways in, each at the height of the middle of what it leads to. */
function placeEntrances(
  entries: readonly { service: MapService; item: MapItem }[],
  sheet: Sheet & { rateText: (rate: number) => string },
): void {
  const fronted = entries.filter(({ service }) => service.requests !== undefined);
  const direct = entries.filter(({ service }) => service.requests === undefined && service.direct);
  let free = margin;
  for (const [kind, led] of [
    ['gateway', fronted],
    ['host', direct],
  ] as const) {
    if (led.length === 0) continue;
    const requests = led.reduce((sum, { service }) => sum + (service.requests ?? 0), 0);
    const middle = led.reduce((sum, { item }) => sum + item.y, 0) / led.length;
    const entrance: MapItem = {
      ...at(kind, kind, kind),
      note: kind === 'gateway' ? sheet.rateText(requests) : '',
      state: 'ok',
      x: sheet.column.x,
      y: Math.max(free, middle),
      width: sheet.column.width,
      height: cardHeight,
    };
    free = entrance.y + cardHeight + rowGap;
    sheet.items.push(entrance);
    for (const { service, item } of led)
      sheet.edges.push({
        ...between(entrance, item),
        kind: kind === 'gateway' ? 'traffic' : 'direct',
        rate: service.requests,
      });
  }
}

/** Nodes, then volumes, down the last column. Answers where they end. */
function placeEnds(
  input: MapInput,
  sheet: Sheet & {
    entries: readonly { service: MapService; item: MapItem }[];
    onNodes: ReadonlyMap<string, readonly MapItem[]>;
  },
): number {
  let y = margin + stackHeight;
  const place = (kind: 'node' | 'volume', one: MapPlace): MapItem => {
    const height = kind === 'node' ? cardHeight : lineHeight + 2;
    const item: MapItem = {
      ...at(`${kind} ${one.id}`, kind, one.id),
      label: one.label,
      state: one.state,
      x: sheet.column.x,
      y,
      width: sheet.column.width,
      height,
    };
    sheet.items.push(item);
    y += height + 8;
    return item;
  };
  for (const node of input.nodes) {
    const item = place('node', node);
    for (const mark of sheet.onNodes.get(node.id) ?? []) sheet.edges.push({ ...between(mark, item), kind: 'runs' });
  }
  y += rowGap;
  const items = new Map(sheet.entries.map(({ service, item }) => [service.key, item]));
  for (const volume of input.volumes) {
    const item = place('volume', volume);
    for (const key of volume.services) {
      const user = items.get(key);
      if (user) sheet.edges.push({ ...between(user, item), kind: 'mounts' });
    }
  }
  return y;
}

function at(id: string, kind: ItemKind, of: string): Omit<MapItem, 'x' | 'y' | 'width' | 'height'> {
  return { id, kind, of, label: '', note: '', state: 'off' };
}

function between(from: MapItem, to: MapItem): Omit<MapEdge, 'kind'> {
  return {
    from: from.id,
    to: to.id,
    x1: from.x + from.width,
    y1: from.y + from.height / 2,
    x2: to.x,
    y2: to.y + to.height / 2,
  };
}

function compare(left: string, right: string): number {
  return left.localeCompare(right, 'en', { numeric: true });
}

/** What stands at a point; the smallest when several do. */
export function itemAt(layout: MapLayout, x: number, y: number): MapItem | undefined {
  let found: MapItem | undefined;
  for (const item of layout.items) {
    if (item.kind === 'stack' || x < item.x || x > item.x + item.width || y < item.y || y > item.y + item.height)
      continue;
    if (!found || item.width < found.width) found = item;
  }
  return found;
}

/** The nearest item that way, by arrow key: along the row before across it. */
export function neighbour(
  layout: MapLayout,
  from: MapItem | undefined,
  way: 'ArrowUp' | 'ArrowDown' | 'ArrowLeft' | 'ArrowRight',
): MapItem | undefined {
  const all = layout.items.filter((item) => item.kind !== 'stack');
  if (!from) return all.find((item) => item.kind === 'service') ?? all[0];
  const upright = way === 'ArrowUp' || way === 'ArrowDown';
  const sign = way === 'ArrowDown' || way === 'ArrowRight' ? 1 : -1;
  const centre = (item: MapItem): [number, number] => [item.x + item.width / 2, item.y + item.height / 2];
  const [x, y] = centre(from);
  let best: { item: MapItem; cost: number } | undefined;
  for (const item of all) {
    const [otherX, otherY] = centre(item);
    const along = (upright ? otherY - y : otherX - x) * sign;
    const across = Math.abs(upright ? otherX - x : otherY - y);
    if (item.id === from.id || along <= 1) continue;
    const cost = along + across * 3;
    if (!best || cost < best.cost) best = { item, cost };
  }
  return best?.item;
}

/** The item, and everything an edge joins to it, up to the ways in and down to the nodes. */
export function connected(layout: MapLayout, id: string): Set<string> {
  const down = new Map<string, string[]>();
  const up = new Map<string, string[]>();
  for (const { from, to } of layout.edges) {
    push(down, from, to);
    push(up, to, from);
  }
  const found = new Set([id]);
  for (const steps of [down, up]) {
    const open = [id];
    const been = new Set(open);
    for (let one = open.pop(); one !== undefined; one = open.pop())
      for (const next of steps.get(one) ?? []) {
        if (been.has(next)) continue;
        been.add(next);
        found.add(next);
        open.push(next);
      }
  }
  return found;
}

function push<Value>(lists: Map<string, Value[]>, key: string, value: Value): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}
