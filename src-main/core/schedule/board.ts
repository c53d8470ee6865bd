/**
 * Nodes, what they hold, and where the next replica goes. Filters first, then scores; the best score wins, ties by the seed.
 *
 * What an ask makes of each node is kept in a table. A placement changes one node, so the next ask of its kind rates that node again
 * and no other, and finds the best among the best of each block: that is what makes thousands of nodes cheap.
 */
import { hash32 } from '../../base/random';
import { meets, parseConstraint, runs, valueOf } from './constraints';
import {
  filterNames,
  type Ask,
  type FilterName,
  type Placement,
  type Ranking,
  type Refusal,
  type ScheduleOptions,
  type SchedulerNode,
  type Scores,
  type Taint,
  type Task,
} from './types';

/** How much each part of a score can count. A volume that lies there outweighs an evenly filled node; data is dear to move. */
export const weights = { room: 1, evenness: 0.25, spread: 1, image: 0.25, volume: 3, affinity: 1, taint: 1 } as const;

const block = 128;
const epsilon = 1e-9;
/** Cells in all tables together, at most. */
const mostCells = 4_000_000;
const refused = -Infinity;

/** What one kind of ask makes of every node. */
interface Table {
  ask: Ask;
  key: string;
  /** The part of the score that no placement changes; refused where no placement can help. */
  fixed: Float64Array;
  score: Float64Array;
  layout: Layout;
  /** The best node of each block of the layout. */
  best: Int32Array;
  /** Up to where the log of changes was taken over. */
  seen: number;
  simple: boolean;
}

/**
 * Nodes ordered by the label that services are spread over, in blocks that never span two of its values: what a zone counts is then the
 * same for a whole block, and no placement changes more than one node's own score.
 */
interface Layout {
  order: Int32Array;
  /** Where each block begins in `order`, and at last its length. */
  starts: Int32Array;
  /** By node. */
  blockOf: Int32Array;
  /** By block. */
  zoneOf: Int32Array;
  /** Replicas per zone, by service. */
  sums: Map<string, Float64Array>;
  zones: number;
}

export class Board {
  private readonly index = new Map<string, number>();
  private readonly cpuTotal: Float64Array;
  private readonly memoryTotal: Float64Array;
  private readonly cpuFree: Float64Array;
  private readonly memoryFree: Float64Array;
  private readonly jitter: Float64Array;
  private readonly ports: Map<string, number>[];
  private readonly held: Map<string, Task>[];
  private readonly places = new Map<string, number>();
  /** Replicas of each service per node. */
  private readonly counts = new Map<string, Uint16Array>();
  private readonly layouts = new Map<string, Layout>();
  private readonly tables = new Map<string, Table>();
  private readonly known = new WeakMap<Ask, Table>();
  private log: number[] = [];
  private logStart = 0;

  constructor(
    readonly nodes: readonly SchedulerNode[],
    private readonly options: ScheduleOptions,
  ) {
    const over = options.overcommit ?? { cpus: 1, memory: 1 };
    const total = (of: (node: SchedulerNode) => number): Float64Array =>
      Float64Array.from(nodes, (node) => Math.max(0, of(node)));
    this.cpuTotal = total((node) => (node.cpus - (node.reserved?.cpus ?? 0)) * over.cpus);
    this.memoryTotal = total((node) => (node.memory - (node.reserved?.memory ?? 0)) * over.memory);
    this.cpuFree = this.cpuTotal.slice();
    this.memoryFree = this.memoryTotal.slice();
    this.jitter = Float64Array.from(nodes, ({ id }) => (hash32(`${options.seed}/${id}`) / 2 ** 32) * 1e-6);
    this.ports = nodes.map(() => new Map());
    this.held = nodes.map(() => new Map());
    for (const [at, { id }] of nodes.entries()) this.index.set(id, at);
  }

  /** The best node for one more replica; nothing is taken yet. */
  place(ask: Ask): Placement {
    const table = this.table(ask);
    const at = this.best(table);
    const own = at === undefined ? refused : (table.score[at] ?? refused);
    const node = at === undefined ? undefined : this.nodes[at];
    if (at === undefined || !node || own === refused) return { refused: this.refusals(ask) };
    const scores = this.scores(table, at);
    return { node: node.id, score: own - this.crowding(table)(table.layout.blockOf[at] ?? 0), scores, refused: [] };
  }

  /** What all nodes say, for those who ask why: the `most` best, and the first `most` of each refusal. Nothing is taken. */
  rank(ask: Ask, most: number): Ranking {
    const table = this.table(ask);
    const { layout, score } = table;
    const crowding = this.crowding(table);
    const best: { at: number; value: number }[] = [];
    let fit = 0;
    for (const at of layout.order) {
      const own = score[at] as number;
      if (own === refused) continue;
      fit += 1;
      const value = own - crowding(layout.blockOf[at] ?? 0);
      let place = best.length;
      while (place > 0 && (best[place - 1]?.value ?? 0) < value) place -= 1;
      if (place < most) best.splice(place, 0, { at, value });
      if (best.length > most) best.pop();
    }
    const rated = best.map(({ at }) => ({ node: this.nodes[at]?.id ?? '', scores: this.scores(table, at) }));
    return { rated, fit, refused: this.refusals(ask, most) };
  }

  /** Only where, for many at once. */
  choose(ask: Ask): string | undefined {
    const table = this.table(ask);
    const at = this.best(table);
    return at === undefined || table.score[at] === refused ? undefined : this.nodes[at]?.id;
  }

  /** Gives a place to a replica, whether or not it fits: what runs, runs. */
  take(task: Task, node: string): void {
    const at = this.index.get(node);
    if (at === undefined || this.places.has(task.id)) return;
    this.places.set(task.id, at);
    this.held[at]?.set(task.id, task);
    this.move(at, task.ask, 1);
  }

  /** Takes it back. */
  release(id: string): void {
    const at = this.places.get(id);
    const task = at === undefined ? undefined : this.held[at]?.get(id);
    if (at === undefined || !task) return;
    this.places.delete(id);
    this.held[at]?.delete(id);
    this.move(at, task.ask, -1);
  }

  /** Where a replica is. */
  nodeOf(id: string): string | undefined {
    const at = this.places.get(id);
    return at === undefined ? undefined : this.nodes[at]?.id;
  }

  tasks(node: string): readonly Task[] {
    const at = this.index.get(node);
    return at === undefined ? [] : [...(this.held[at]?.values() ?? [])];
  }

  /** Cores and bytes that are not promised to anybody; negative when more was promised than there is. */
  free(node: string): { cpus: number; memory: number } {
    const at = this.index.get(node) ?? -1;
    return { cpus: this.cpuFree[at] ?? 0, memory: this.memoryFree[at] ?? 0 };
  }

  /** The first filter that refuses the node, as it would be with `without` gone. */
  refusal(ask: Ask, node: string, without: ReadonlySet<string> = none): FilterName | undefined {
    const at = this.index.get(node);
    if (at === undefined) return 'away';
    const gone = [...without].filter((id) => this.places.get(id) === at);
    const tasks = gone.map((id) => this.held[at]?.get(id)).filter((task) => task !== undefined);
    for (const task of tasks) this.release(task.id);
    const found = this.fixedRefusal(ask, at) ?? this.movingRefusal(ask, at);
    for (const task of tasks) this.take(task, node);
    return found;
  }

  private move(at: number, ask: Ask, by: 1 | -1): void {
    this.cpuFree[at] = (this.cpuFree[at] ?? 0) - by * ask.cpus;
    this.memoryFree[at] = (this.memoryFree[at] ?? 0) - by * ask.memory;
    const counts = this.countsOf(ask.service);
    counts[at] = (counts[at] ?? 0) + by;
    for (const { sums, blockOf, zoneOf } of this.layouts.values()) {
      const sum = sums.get(ask.service);
      const zone = zoneOf[blockOf[at] ?? 0] ?? 0;
      if (sum) sum[zone] = (sum[zone] ?? 0) + by;
    }
    const ports = this.ports[at];
    for (const port of ask.ports) ports?.set(port, (ports.get(port) ?? 0) + by);
    this.log.push(at);
    // What is older than every node once is taken over by rating all of them.
    if (this.log.length > 4 * this.nodes.length + 1024) {
      const cut = this.log.length >> 1;
      this.log = this.log.slice(cut);
      this.logStart += cut;
    }
  }

  private countsOf(service: string): Uint16Array {
    let counts = this.counts.get(service);
    if (!counts) this.counts.set(service, (counts = new Uint16Array(this.nodes.length)));
    return counts;
  }

  private table(ask: Ask): Table {
    const known = this.known.get(ask);
    const key = known?.key ?? JSON.stringify(ask);
    let table = this.tables.get(key);
    if (!table) {
      table = this.make(ask, key);
      const most = Math.max(16, Math.floor(mostCells / Math.max(1, this.nodes.length)));
      const [oldest] = this.tables.keys();
      if (oldest !== undefined && this.tables.size >= most) this.tables.delete(oldest);
      this.tables.set(key, table);
    }
    if (table !== known) this.known.set(ask, table);
    this.refresh(table);
    return table;
  }

  private make(ask: Ask, key: string): Table {
    const count = this.nodes.length;
    const fixed = new Float64Array(count);
    for (let at = 0; at < count; at++) fixed[at] = this.fixedRefusal(ask, at) ? refused : this.fixedScore(ask, at);
    const layout = this.layout(ask.spread[0]);
    return {
      ask,
      key,
      fixed,
      score: new Float64Array(count),
      layout,
      best: new Int32Array(layout.zoneOf.length),
      seen: -1,
      simple: ask.ports.length === 0 && ask.affinity.length === 0 && ask.maxPerNode === undefined,
    };
  }

  private layout(key = ''): Layout {
    let layout = this.layouts.get(key);
    if (!layout) this.layouts.set(key, (layout = layoutOf(this.nodes, key)));
    return layout;
  }

  private refresh(table: Table): void {
    const end = this.logStart + this.log.length;
    if (table.seen < this.logStart || end - table.seen > this.nodes.length) this.rateAll(table);
    else for (let at = table.seen; at < end; at++) this.rateAgain(table, this.log[at - this.logStart] ?? 0);
    table.seen = end;
  }

  private rateAll(table: Table): void {
    const { score, best, layout } = table;
    const counts = this.countsOf(table.ask.service);
    for (let at = 0; at < score.length; at++) score[at] = this.rate(table, at, counts);
    for (let of = 0; of < best.length; of++) best[of] = bestOf(score, layout, of);
  }

  private rateAgain(table: Table, at: number): void {
    const { score, best, ask, layout } = table;
    const value = this.rate(table, at, this.countsOf(ask.service));
    score[at] = value;
    const of = layout.blockOf[at] ?? 0;
    const now = best[of] ?? 0;
    if (now === at) best[of] = bestOf(score, layout, of);
    else if (value > (score[now] ?? refused)) best[of] = at;
  }

  private best(table: Table): number | undefined {
    const { score, best } = table;
    const crowding = this.crowding(table);
    let found: number | undefined;
    let most = refused;
    for (let of = 0; of < best.length; of++) {
      const at = best[of] as number;
      const value = (score[at] as number) - crowding(of);
      if (value > most) [found, most] = [at, value];
    }
    return found;
  }

  /** What a block's zone costs: the share of the service's replicas that are there already. */
  private crowding({ ask, layout }: Table): (of: number) => number {
    const { sums, zones, zoneOf, blockOf } = layout;
    if (zones <= 1) return () => 0;
    let sum = sums.get(ask.service);
    if (!sum) {
      const made = (sum = new Float64Array(zones));
      for (const [at, count] of this.countsOf(ask.service).entries()) {
        const zone = zoneOf[blockOf[at] ?? 0] ?? 0;
        made[zone] = (made[zone] ?? 0) + count;
      }
      sums.set(ask.service, made);
    }
    const there = sum;
    const all = there.reduce((total, count) => total + count, 0);
    return (of) => (all === 0 ? 0 : (weights.spread * (there[zoneOf[of] ?? 0] ?? 0)) / all);
  }

  private rate(table: Table, at: number, counts: Uint16Array): number {
    const base = table.fixed[at] as number;
    if (base === refused) return refused;
    const { ask } = table;
    const cpuLeft = (this.cpuFree[at] as number) - ask.cpus;
    const memoryLeft = (this.memoryFree[at] as number) - ask.memory;
    if (cpuLeft < -epsilon || memoryLeft < -epsilon) return refused;
    if (!table.simple && this.movingRefusal(ask, at)) return refused;
    const cpu = cpuLeft / (this.cpuTotal[at] as number);
    const memory = memoryLeft / (this.memoryTotal[at] as number);
    const own = counts[at] as number;
    let score = base + this.room(cpu, memory) - (own > 0 ? (weights.spread * own) / (own + 1) : 0);
    score += weights.evenness * (1 - Math.abs(cpu - memory));
    if (ask.affinity.length > 0) score += this.affinity(ask, at);
    return score;
  }

  private room(cpu: number, memory: number): number {
    const free = Number.isFinite(cpu + memory) ? (cpu + memory) / 2 : 0;
    return weights.room * (this.options.strategy === 'balance' ? free : 1 - free);
  }

  private fixedScore(ask: Ask, at: number): number {
    const node = this.nodes[at];
    if (!node) return 0;
    const { image, volume, taint } = fixedScores(ask, node);
    return image + volume + taint + (this.jitter[at] ?? 0);
  }

  /** The sum over services wished near minus those wished away, at most the weight either way. */
  private affinity(ask: Ask, at: number): number {
    let sum = 0;
    for (const { with: near, against, weight = 1, required } of ask.affinity) {
      if (required) continue;
      if (near?.some((service) => this.countOf(service, at) > 0)) sum += weight;
      if (against?.some((service) => this.countOf(service, at) > 0)) sum -= weight;
    }
    return weights.affinity * Math.max(-1, Math.min(1, sum));
  }

  private countOf(service: string, at: number): number {
    return this.counts.get(service)?.[at] ?? 0;
  }

  private fixedRefusal(ask: Ask, at: number): FilterName | undefined {
    const node = this.nodes[at];
    if (!node || node.away) return 'away';
    if (node.cordoned) return 'cordoned';
    if (ask.platform !== undefined && !runs(node, ask.platform)) return 'platform';
    for (const text of ask.constraints) {
      const constraint = parseConstraint(text);
      if (!constraint || !meets(node, constraint)) return 'constraint';
    }
    if (ask.data && !ask.data.includes(node.id)) return 'data';
    if (ask.together && !ask.together.includes(node.id)) return 'together';
    const hard = node.taints?.some((taint) => taint.effect !== 'PreferNoSchedule' && !tolerates(ask, taint));
    return hard ? 'taint' : undefined;
  }

  private movingRefusal(ask: Ask, at: number): FilterName | undefined {
    if (ask.maxPerNode !== undefined && ask.maxPerNode > 0 && this.countOf(ask.service, at) >= ask.maxPerNode)
      return 'perNode';
    const ports = this.ports[at];
    if (ask.ports.some((port) => (ports?.get(port) ?? 0) > 0)) return 'port';
    for (const { with: near, against, required } of ask.affinity) {
      if (!required) continue;
      if (against?.some((service) => this.countOf(service, at) > 0)) return 'affinity';
      // The first of a service that wants to be with itself has nobody to be with.
      const alone = (service: string): boolean => service === ask.service && !this.anywhere(service);
      if (near && !near.some((service) => this.countOf(service, at) > 0 || alone(service))) return 'affinity';
    }
    if ((this.cpuFree[at] ?? 0) - ask.cpus < -epsilon) return 'cpus';
    if ((this.memoryFree[at] ?? 0) - ask.memory < -epsilon) return 'memory';
    return undefined;
  }

  private anywhere(service: string): boolean {
    return this.counts.get(service)?.some((count) => count > 0) ?? false;
  }

  /** Everybody's refusal, counted; with the ids of the `first` so many of each. */
  private refusals(ask: Ask, first = 0): Refusal[] {
    const found = new Map<FilterName, Refusal>();
    for (let at = 0; at < this.nodes.length; at++) {
      const filter = this.fixedRefusal(ask, at) ?? this.movingRefusal(ask, at);
      if (!filter) continue;
      const one = found.get(filter) ?? { filter, nodes: 0 };
      one.nodes += 1;
      if (first > 0 && one.nodes <= first) one.first = [...(one.first ?? []), this.nodes[at]?.id ?? ''];
      if (filter === 'cpus') one.most = Math.max(one.most ?? 0, this.cpuFree[at] ?? 0);
      if (filter === 'memory') one.most = Math.max(one.most ?? 0, this.memoryFree[at] ?? 0);
      found.set(filter, one);
    }
    return [...found.values()].sort(
      (one, other) => other.nodes - one.nodes || filterNames.indexOf(one.filter) - filterNames.indexOf(other.filter),
    );
  }

  private scores(table: Table, at: number): Scores {
    const { ask, layout } = table;
    const node = this.nodes[at];
    const cpu = ((this.cpuFree[at] ?? 0) - ask.cpus) / (this.cpuTotal[at] ?? 1);
    const memory = ((this.memoryFree[at] ?? 0) - ask.memory) / (this.memoryTotal[at] ?? 1);
    const own = this.countOf(ask.service, at);
    return {
      room: this.room(cpu, memory),
      evenness: weights.evenness * (1 - Math.abs(cpu - memory)),
      spread: -((weights.spread * own) / (own + 1)) - this.crowding(table)(layout.blockOf[at] ?? 0),
      affinity: this.affinity(ask, at),
      ...(node ? fixedScores(ask, node) : { image: 0, volume: 0, taint: 0 }),
    };
  }
}

const none: ReadonlySet<string> = new Set();

function fixedScores(ask: Ask, node: SchedulerNode): Pick<Scores, 'image' | 'volume' | 'taint'> {
  const there = ask.volumes.filter((volume) => node.volumes?.has(volume)).length;
  const soft = node.taints?.some((taint) => taint.effect === 'PreferNoSchedule' && !tolerates(ask, taint));
  return {
    image: node.images?.has(ask.image) ? weights.image : 0,
    volume: there > 0 ? (weights.volume * there) / ask.volumes.length : 0,
    taint: soft ? -weights.taint : 0,
  };
}

function tolerates(ask: Ask, taint: Taint): boolean {
  return ask.tolerations.some(
    ({ key, operator, value, effect }) =>
      (effect === undefined || effect === taint.effect) &&
      // Without a key, `Exists` tolerates everything.
      (key === '' ? operator === 'Exists' : key === taint.key) &&
      (operator === 'Exists' || value === taint.value),
  );
}

function layoutOf(nodes: readonly SchedulerNode[], key: string): Layout {
  const known = new Map<string, number>();
  const zones = nodes.map((node) => {
    const value = key === '' ? '' : (valueOf(node, key) ?? '');
    if (!known.has(value)) known.set(value, known.size);
    return known.get(value) ?? 0;
  });
  const order = Int32Array.from(nodes.keys()).sort(
    (one, other) => (zones[one] ?? 0) - (zones[other] ?? 0) || one - other,
  );
  const [starts, zoneOf]: [number[], number[]] = [[], []];
  const blockOf = new Int32Array(nodes.length);
  for (const [place, at] of order.entries()) {
    const zone = zones[at] ?? 0;
    if (zoneOf.at(-1) !== zone || place - (starts.at(-1) ?? 0) >= block) {
      starts.push(place);
      zoneOf.push(zone);
    }
    blockOf[at] = starts.length - 1;
  }
  starts.push(nodes.length);
  return {
    order,
    starts: Int32Array.from(starts),
    blockOf,
    zoneOf: Int32Array.from(zoneOf),
    sums: new Map(),
    zones: known.size,
  };
}

function bestOf(score: Float64Array, { order, starts }: Layout, of: number): number {
  const [start, end] = [starts[of] as number, starts[of + 1] as number];
  let found = order[start] as number;
  for (let place = start + 1; place < end; place++) {
    const at = order[place] as number;
    if ((score[at] as number) > (score[found] as number)) found = at;
  }
  return found;
}
