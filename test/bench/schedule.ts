/**
 * P11: placements a second on a production trace (openb: 1,523 nodes, 8,152 pods, of hkust-adsl/kubernetes-scheduler-simulator,
 * Apache-2.0), against the least any scheduler must do: one plain scan of all nodes for two resources. And how much of the trace's CPU
 * finds a place once more is asked for than there is, against the better of plain spread and plain best fit.
 *
 * Larger sizes repeat the trace's nodes and pods. The data lie beside the project, in ../shared/data/scheduler or in PILOTHOUSE_DATA.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Board, type Ask, type SchedulerNode } from '../../src-main/core/schedule';
import { projectRoot } from '../machine/place.mjs';
import type { BenchOptions, Figure } from './figure';
import { compare, runRounds, type Contestant } from './kit/rounds';

export const needs: readonly string[] = [];

const mib = 1024 * 1024;
const zones = 8;
/** Cores asked for over cores there are. */
const demand = 1.3;

interface Trace {
  nodes: SchedulerNode[];
  asks: Ask[];
}

/** Runs the benchmark; sizes are nodes. */
export async function* run(options: BenchOptions = {}): AsyncIterable<Figure> {
  const { sizes = [1_523, 5_000, 15_000], say = () => undefined } = options;
  const folder = [process.env['PILOTHOUSE_DATA'], join(projectRoot, '..', 'shared', 'data')]
    .filter((place) => place !== undefined)
    .map((place) => join(place, 'scheduler'))
    .find((place) => existsSync(join(place, 'openb_node_list_all_node.csv')));
  if (folder === undefined) {
    say('! schedule is skipped: the trace is not in ../shared/data/scheduler; name its folder with PILOTHOUSE_DATA');
    return;
  }
  for (const size of sizes) {
    const { nodes, asks } = enlarge(read(folder), size);
    say(`${size} nodes, ${asks.length} replicas of ${new Set(asks).size} services`);
    const spread = asks.map((ask) => ({ ...ask, spread: ['node.labels.zone'] }));
    const byShape = new Map(spread.map((ask) => [JSON.stringify(ask), ask]));
    const zoned = spread.map((ask) => byShape.get(JSON.stringify(ask)) ?? ask);
    const contestants: Contestant[] = [
      { name: 'ours', measure: () => Promise.resolve(rate(asks.length, () => placeAll(nodes, asks))) },
      { name: 'bare scan', measure: () => Promise.resolve(rate(asks.length, () => scan(nodes, asks, 1))) },
      { name: 'over zones', measure: () => Promise.resolve(rate(zoned.length, () => placeAll(nodes, zoned))) },
    ];
    const rounds = await runRounds(contestants, options);
    const goal = { of: 'ours' as const, limit: size <= 1_600 ? 20_000 : 5_000, atLeast: true };
    const name = { bench: 'schedule', unit: 'placements/s', size };
    const all = `placements, ${size} nodes, all filters and scores`;
    const figures = [
      compare(rounds, { ours: 'ours', peer: 'bare scan', of: 'rate' }, { ...name, figure: all, goal }),
      compare(
        rounds,
        { ours: 'over zones', peer: 'bare scan', of: 'rate' },
        { ...name, figure: `the same, spread over ${zones} zones` },
      ),
    ];
    for (const figure of figures) if (figure) yield figure;
  }
  yield* quality(read(folder), options);
}

/** Once the cluster is full: the cores that found a place. */
async function* quality({ nodes, asks }: Trace, options: BenchOptions): AsyncIterable<Figure> {
  const there = nodes.reduce((sum, { cpus }) => sum + cpus, 0);
  const wanted: Ask[] = [];
  for (let sum = 0, at = 0; sum < there * demand; at++) {
    // Without constraints, which a plain scan does not know.
    const ask = { ...(asks[at % asks.length] as Ask), constraints: [], maxPerNode: 65_000 };
    wanted.push(ask);
    sum += ask.cpus;
  }
  const shapes = new Map<string, Ask>();
  const shared = wanted.map((ask) => {
    const key = JSON.stringify(ask);
    if (!shapes.has(key)) shapes.set(key, ask);
    return shapes.get(key) as Ask;
  });
  const better = Math.max(scan(nodes, shared, 1), scan(nodes, shared, -1));
  const contestants: Contestant[] = [
    { name: 'ours', measure: () => Promise.resolve({ cores: placeAll(nodes, shared) }) },
    { name: 'better of spread and best fit', measure: () => Promise.resolve({ cores: better }) },
  ];
  const rounds = await runRounds(contestants, { ...options, rounds: 1, redo: 0 });
  const peer = contestants[1]?.name ?? '';
  const figure = compare(
    rounds,
    { ours: 'ours', peer, of: 'cores' },
    {
      bench: 'schedule',
      figure: `cores placed of ${demand * 100} % asked, ${nodes.length} nodes`,
      unit: 'cores',
      goal: { of: 'ratio', limit: 0.99, atLeast: true },
    },
  );
  if (figure) yield figure;
}

function rate(count: number, work: () => unknown): Record<string, number> {
  const began = performance.now();
  work();
  return { rate: (count * 1000) / (performance.now() - began) };
}

/** Ours, with every filter and score; returns the cores placed. */
function placeAll(nodes: readonly SchedulerNode[], asks: readonly Ask[]): number {
  const board = new Board(nodes, { strategy: 'balance', seed: 1 });
  let cores = 0;
  for (const [at, ask] of asks.entries()) {
    const node = board.choose(ask);
    if (node === undefined) continue;
    board.take({ id: String(at), ask }, node);
    cores += ask.cpus;
  }
  return cores;
}

/** The peer: two resources, every node looked at, the emptiest (1) or the fullest (-1) taken; returns the cores placed. */
function scan(nodes: readonly SchedulerNode[], asks: readonly Ask[], sign: 1 | -1): number {
  const cpuTotal = Float64Array.from(nodes, ({ cpus }) => cpus);
  const memoryTotal = Float64Array.from(nodes, ({ memory }) => memory);
  const [cpuFree, memoryFree] = [cpuTotal.slice(), memoryTotal.slice()];
  let cores = 0;
  for (const { cpus, memory } of asks) {
    let [found, most] = [-1, -Infinity];
    for (let at = 0; at < cpuFree.length; at++) {
      const cpu = (cpuFree[at] as number) - cpus;
      const left = (memoryFree[at] as number) - memory;
      if (cpu < -1e-9 || left < -1e-9) continue;
      const score = sign * (cpu / (cpuTotal[at] as number) + left / (memoryTotal[at] as number));
      if (score > most) [found, most] = [at, score];
    }
    if (found < 0) continue;
    cpuFree[found] = (cpuFree[found] as number) - cpus;
    memoryFree[found] = (memoryFree[found] as number) - memory;
    cores += cpus;
  }
  return cores;
}

function read(folder: string): Trace {
  const rows = (name: string): string[][] =>
    readFileSync(join(folder, name), 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split(','));
  const nodes = rows('openb_node_list_all_node.csv').map(([id = '', cpu, memory, gpu], at): SchedulerNode => {
    const labels = { zone: `z${at % zones}`, gpu: Number(gpu) > 0 ? 'yes' : 'no' };
    const images = new Set(at % 3 === 0 ? ['image-1', 'image-2'] : []);
    const taints = at % 50 === 0 ? [{ key: 'spot', effect: 'PreferNoSchedule' as const }] : [];
    const volumes = new Set(at % 100 === 0 ? [`data-${at % 1000}`] : []);
    const machine = { os: 'linux', architecture: 'x86_64', labels, images, taints, volumes };
    return { id, name: id, cpus: Number(cpu) / 1000, memory: Number(memory) * mib, ...machine };
  });
  const shapes = new Map<string, Ask>();
  const asks = rows('openb_pod_list_default.csv').map(([, cpu, memory, gpus, , , qos]) => {
    const key = `${cpu}/${memory}/${Number(gpus) > 0}/${qos}`;
    let ask = shapes.get(key);
    if (!ask) shapes.set(key, (ask = askOf(shapes.size, { cpu, memory, gpu: Number(gpus) > 0, qos })));
    return ask;
  });
  return { nodes, asks };
}

function askOf(
  at: number,
  pod: { cpu: string | undefined; memory: string | undefined; gpu: boolean; qos: string | undefined },
): Ask {
  const service = `trace/s${at}`;
  return {
    service,
    cpus: Number(pod.cpu) / 1000,
    memory: Number(pod.memory) * mib,
    image: `image-${at % 7}`,
    platform: 'linux/amd64',
    constraints: pod.gpu ? ['node.labels.gpu == yes'] : [],
    spread: [],
    maxPerNode: 1000,
    ports: [],
    volumes: at % 10 === 0 ? [`data-${(at % 10) * 100}`] : [],
    tolerations: pod.qos === 'BE' ? [{ key: 'spot', operator: 'Exists' }] : [],
    affinity: [{ against: [`trace/s${at + 1}`], weight: 0.2 }],
    priority: pod.qos === 'BE' ? 0 : 10,
  };
}

/** The trace's nodes and pods over and over. */
function enlarge({ nodes, asks }: Trace, size: number): Trace {
  const copies = size / nodes.length;
  return {
    nodes: Array.from({ length: size }, (_, at) => {
      const node = nodes[at % nodes.length] as SchedulerNode;
      return at < nodes.length ? node : { ...node, id: `${node.id}-${at}` };
    }),
    asks: Array.from(
      { length: Math.round(asks.length * Math.min(4, copies)) },
      (_, at) => asks[at % asks.length] as Ask,
    ),
  };
}
