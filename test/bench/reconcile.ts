/**
 * P14: a full pass of the controller when there is nothing to do: list everything, look at every service, decide, write nothing. The
 * peer is the least that any controller must do with the same answer of the same engine: index it and compare each hash.
 */
import { deploy, stackSpec, TestWorld } from '../main/core/reconcile/bench';
import type { BenchOptions, Figure } from './figure';
import { compare, runRounds, type Contestant } from './kit/rounds';

/** No engine and no window: everything is in the mind. */
export const needs: readonly string[] = [];

const replicas = 10;
/** Each stack is one network, and an engine has addresses for about thirty. */
const stacks = 20;

/** Runs the benchmark; sizes are services of ten replicas each. */
export async function* run(options: BenchOptions = {}): AsyncIterable<Figure> {
  const { sizes = [250, 1_000, 4_000], say = () => undefined } = options;
  for (const size of sizes) {
    const began = performance.now();
    const world = await worldOf(size);
    say(`${size} services × ${replicas} run (${((performance.now() - began) / 1_000).toFixed(1)} s to set up)`);
    try {
      const contestants: Contestant[] = [
        { name: 'ours', measure: () => fullPass(world, size) },
        { name: 'list and compare', measure: () => listAndCompare(world, size) },
      ];
      const rounds = await runRounds(contestants, options);
      const name = { bench: 'reconcile', unit: 'ms', size };
      const pass = { ...name, figure: `cpu of a full pass with nothing to do, ${size} services × ${replicas}` };
      const goal = { of: 'ours' as const, limit: 100 };
      const figures = [
        compare(
          rounds,
          { ours: 'ours', peer: 'list and compare', of: 'cpu' },
          size === 1_000 ? { ...pass, goal } : pass,
        ),
        compare(
          rounds,
          { ours: 'ours', peer: 'list and compare', of: 'wall' },
          { ...name, figure: `wall time of it, ${size} services × ${replicas}` },
        ),
      ];
      for (const figure of figures) if (figure) yield figure;
    } finally {
      world.dispose();
    }
  }
}

/** Everything applied, created and ready. */
async function worldOf(services: number): Promise<TestWorld> {
  const world = new TestWorld({ controller: { concurrency: { starts: 64 } } }).start();
  world.disk.mostCommits = Infinity;
  const perStack = Math.ceil(services / stacks);
  for (let first = 0; first < services; first += perStack) {
    const count = Math.min(perStack, services - first);
    const entries = Array.from({ length: count }, (_, at) => [`s${at}`, { deploy: deploy({ replicas }) }] as const);
    world.apply(stackSpec(`stack${first / perStack}`, Object.fromEntries(entries)));
  }
  await world.well(3_600_000);
  return world;
}

async function fullPass(world: TestWorld, services: number): Promise<Record<string, number>> {
  const { controller, engine, clock } = world;
  const [writes, passes] = [engine.writes, controller.figures.passes];
  const [wall, cpu] = [performance.now(), process.cpuUsage()];
  await controller.resync();
  await clock.until(() => controller.idle);
  const used = process.cpuUsage(cpu);
  const took = performance.now() - wall;
  if (engine.writes !== writes) throw new Error(`${engine.writes - writes} writes where nothing was to do`);
  const done = controller.figures.passes - passes;
  if (done < services) throw new Error(`${done} passes for ${services} services`);
  return { cpu: (used.user + used.system) / 1_000, wall: took };
}

async function listAndCompare(world: TestWorld, services: number): Promise<Record<string, number>> {
  const { engine, store } = world;
  const [wall, cpu] = [performance.now(), process.cpuUsage()];
  const found = new Map((await engine.list()).map((one) => [one.name, one]));
  let same = 0;
  for (const row of store.all('attempts')) {
    const one = found.get(row.name);
    if (one?.state === 'running' && one.labels['io.pilothouse.hash'] === row.hash) same += 1;
  }
  const used = process.cpuUsage(cpu);
  const took = performance.now() - wall;
  if (same !== services * replicas) throw new Error(`${same} of ${services * replicas} containers are as declared`);
  return { cpu: (used.user + used.system) / 1_000, wall: took };
}
