/**
 * P1, P2 and P3: from one replica to N running, cold and with warm spares, and back to one. The stop-watch is the engine's own event stream: the N-1st start, and the
 * N-1st removal; a list verifies afterwards. Everybody's containers are the same and sit on the default bridge.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { testEngine } from '../support/engine';
import type { BenchOptions, Figure } from './figure';
import { EventWatch, happened, type Match } from './kit/events';
import { composeFile, openApp, openCore, type Ours } from './kit/ours';
import { cpuOf, engineProcesses } from './kit/processes';
import { atOnce, RawApi } from './kit/raw';
import { compare, runRounds, type Contestant } from './kit/rounds';
import { ComposePeer, SwarmPeer } from './kit/tools';

/** How many calls the raw contestant has under way: the engine saturates at 4 to 8 (performance.md 1b). */
const width = 8;
const label = 'bench.scale';
const warmName = 'ours with warm spares';

interface Field {
  api: RawApi;
  events: EventWatch;
  /** Process id of the engine. */
  daemon: number;
}

/** Runs the benchmark on the private engine of this run; sizes are N. */
export async function* run(options: BenchOptions = {}): AsyncIterable<Figure> {
  const { rounds = 5, sizes = [10, 25, 50], say = () => undefined } = options;
  const place = testEngine();
  const api = new RawApi(place.socket);
  const field: Field = { api, events: await EventWatch.open(place.socket), daemon: place.pid() };
  const undo: (() => Promise<void>)[] = [];
  try {
    const core = await openCore(place.socket, 'bench-core');
    undo.push(() => core.dispose());
    const app = await openApp(place.socket, 'bench-app');
    undo.push(() => app.dispose());
    const warm = await openCore(place.socket, 'bench-warm');
    undo.push(() => warm.dispose());
    const compose = ComposePeer.open(place, 'bench-scale', say);
    const swarm = await SwarmPeer.open('scale', say);
    if (swarm) undo.push(() => swarm.dispose());
    undo.push(() => clearAll(api));

    await core.apply(composeFile(core.stack, { replicas: 1 }));
    await app.apply(composeFile(app.stack, { replicas: 1 }));
    await warm.apply(composeFile(warm.stack, { replicas: 1 }));
    await Promise.all([core.ready(1), app.ready(1), warm.ready(1)]);
    await api.start(await api.create('bench-raw-0', { [label]: 'raw' }));
    if (compose) {
      compose.write(composeFile('bench-scale', { replicas: 1 }));
      await compose.up();
      undo.push(() => compose.dispose());
    }
    await swarm?.create('bench', 1);

    for (const size of sizes) {
      say(`1 → ${size} → 1`);
      const contestants: Contestant[] = [
        { name: 'ours', measure: () => measureOurs(field, core, size) },
        { name: 'ours with logs and metrics', measure: () => measureOurs(field, app, size) },
        { name: warmName, measure: () => measureWarm(field, warm, size) },
        { name: 'raw API', measure: (round) => measureRaw(field, size, round) },
        ...(compose ? [{ name: 'Compose v2', measure: () => measureCompose(field, compose, size) }] : []),
        ...(swarm ? [{ name: 'Swarm', measure: () => measureSwarm(swarm, size) }] : []),
      ];
      const result = await runRounds(contestants, { ...options, rounds });
      yield* figuresOf(result, size);
    }
  } finally {
    for (const one of undo.reverse()) await one().catch((thrown: unknown) => say(`! left over: ${String(thrown)}`));
    field.events.dispose();
    api.dispose();
  }
}

function* figuresOf(result: Awaited<ReturnType<typeof runRounds>>, size: number): Iterable<Figure> {
  const goals: Record<string, { up: number; down: number }> = {
    'raw API': { up: 1.1, down: 1.15 },
    'Compose v2': { up: 0.75, down: 1 },
    Swarm: { up: 0.75, down: 0.7 },
  };
  const found: (Figure | undefined)[] = [];
  for (const [peer, goal] of Object.entries(goals)) {
    for (const way of ['up', 'down'] as const) {
      const figure = way === 'up' ? `1→${size}, all running` : `${size}→1, all removed`;
      const name = { bench: 'scale', figure, unit: 's', size };
      const is = peer === 'Compose v2' && way === 'down' ? {} : { goal: { of: 'ratio' as const, limit: goal[way] } };
      found.push(compare(result, { ours: 'ours', peer, of: way }, { ...name, ...is }));
    }
    const told = { bench: 'scale', figure: `1→${size}, until we say so or the command returns`, unit: 's', size };
    found.push(compare(result, { ours: 'ours', peer, of: 'told' }, told));
  }
  const whole = 'ours with logs and metrics';
  const name = { bench: 'scale', figure: `1→${size}, all running, logs and metrics on`, unit: 's', size };
  found.push(compare(result, { ours: whole, peer: 'raw API', of: 'up' }, name));
  const spares = { bench: 'scale', figure: `1→${size}, all running, from warm spares`, unit: 's', size };
  const tenth = { of: 'ratio' as const, limit: 0.1 };
  found.push(compare(result, { ours: warmName, peer: 'raw API', of: 'up' }, { ...spares, goal: tenth }));
  const said = { bench: 'scale', figure: `1→${size}, until we say so, from warm spares`, unit: 's', size };
  found.push(compare(result, { ours: warmName, peer: 'raw API', of: 'told' }, said));
  const cost = { bench: 'scale', figure: `cpu of our process, 1→${size}`, unit: 'ms', size, peerName: 'the engine' };
  const goal = { of: 'ratio' as const, limit: 0.1 };
  found.push(compare(result, { ours: 'ours', peer: 'ours', of: 'cpu', peerOf: 'engine cpu' }, { ...cost, goal }));
  for (const figure of found) if (figure) yield figure;
}

async function measureOurs(field: Field, ours: Ours, size: number): Promise<Record<string, number>> {
  const { events, api, daemon } = field;
  const of = (action: string): Match => happened(action, 'io.pilothouse.stack', ours.stack);
  events.forget();
  const pids = engineProcesses(daemon);
  const [own, engine, from] = [process.cpuUsage(), cpuOf(pids, true), Date.now()];
  await ours.scale(size);
  const up = (await events.nth(size - 1, { from, match: of('start') })) - from;
  const used = process.cpuUsage(own);
  const engineUsed = cpuOf(pids, true) - engine;
  const told = (await ours.ready(size)) - from;
  await verify(api, `io.pilothouse.stack=${ours.stack}`, size);
  const back = Date.now();
  await ours.scale(1);
  const down = (await events.nth(size - 1, { from: back, match: of('destroy') })) - back;
  await ours.ready(1);
  await verify(api, `io.pilothouse.stack=${ours.stack}`, 1);
  const cpu = (used.user + used.system) / 1_000;
  return { up: up / 1_000, down: down / 1_000, told: told / 1_000, cpu, 'engine cpu': engineUsed };
}

/** The spares are made before the clock starts and let go after it has stopped: what they cost is memory, and time in advance. */
async function measureWarm(field: Field, ours: Ours, size: number): Promise<Record<string, number>> {
  const { events, api } = field;
  await ours.apply(composeFile(ours.stack, { replicas: 1, spares: size - 1 }));
  const deadline = Date.now() + 180_000;
  while ((await ours.view()).spares?.warm !== size - 1) {
    if (Date.now() > deadline) throw new Error('the spares do not get warm');
    await sleep(50);
  }
  events.forget();
  const from = Date.now();
  await ours.scale(size);
  const match = happened('unpause', 'io.pilothouse.stack', ours.stack);
  const up = (await events.nth(size - 1, { from, match })) - from;
  const told = (await ours.ready(size)) - from;
  await ours.apply(composeFile(ours.stack, { replicas: 1, spares: 0 }));
  const running = (await api.list(`io.pilothouse.stack=${ours.stack}`)).filter(({ State }) => State === 'running');
  if (running.length < size) throw new Error(`${running.length} containers run instead of ${size}`);
  await ours.scale(1);
  await ours.ready(1);
  await api.settled(`io.pilothouse.stack=${ours.stack}`, 1);
  return { up: up / 1_000, told: told / 1_000 };
}

async function measureRaw(field: Field, size: number, round: number): Promise<Record<string, number>> {
  const { events, api } = field;
  events.forget();
  const names = Array.from({ length: size - 1 }, (_, at) => `bench-raw-${round}-${at + 1}`);
  const ids: string[] = [];
  const from = Date.now();
  await atOnce(names, width, async (name) => {
    const id = await api.create(name, { [label]: 'raw' });
    ids.push(id);
    await api.start(id);
  });
  const told = Date.now() - from;
  const up = (await events.nth(size - 1, { from, match: happened('start', label, 'raw') })) - from;
  await verify(api, `${label}=raw`, size);
  const back = Date.now();
  await atOnce(ids, width, (id) => api.stopAndRemove(id));
  const down = (await events.nth(size - 1, { from: back, match: happened('destroy', label, 'raw') })) - back;
  await verify(api, `${label}=raw`, 1);
  return { up: up / 1_000, down: down / 1_000, told: told / 1_000 };
}

async function measureCompose(field: Field, compose: ComposePeer, size: number): Promise<Record<string, number>> {
  const { events, api } = field;
  const of = (action: string): Match => happened(action, 'com.docker.compose.project', compose.project);
  events.forget();
  const from = Date.now();
  await compose.up('--no-recreate', '--scale', `web=${size}`);
  const told = Date.now() - from;
  const up = (await events.nth(size - 1, { from, match: of('start') })) - from;
  await verify(api, `com.docker.compose.project=${compose.project}`, size);
  const back = Date.now();
  await compose.up('--no-recreate', '--scale', 'web=1');
  const down = (await events.nth(size - 1, { from: back, match: of('destroy') })) - back;
  await verify(api, `com.docker.compose.project=${compose.project}`, 1);
  return { up: up / 1_000, down: down / 1_000, told: told / 1_000 };
}

async function measureSwarm(swarm: SwarmPeer, size: number): Promise<Record<string, number>> {
  const { events, api } = swarm;
  const of = (action: string): Match => happened(action, 'com.docker.swarm.service.name', 'bench');
  events.forget();
  const from = Date.now();
  await swarm.scale('bench', size);
  const told = Date.now() - from;
  const up = (await events.nth(size - 1, { from, match: of('start') })) - from;
  await verify(api, 'com.docker.swarm.service.name=bench', size);
  const back = Date.now();
  await swarm.scale('bench', 1);
  const down = (await events.nth(size - 1, { from: back, match: of('destroy') })) - back;
  await verify(api, 'com.docker.swarm.service.name=bench', 1);
  return { up: up / 1_000, down: down / 1_000, told: told / 1_000 };
}

/** The same work: so many containers run, and all of them on the default bridge. */
async function verify(api: RawApi, selector: string, count: number): Promise<void> {
  const found = await api.list(selector);
  if (found.length !== count) throw new Error(`${found.length} containers run instead of ${count}`);
  const modes = new Set(found.map((one) => one.HostConfig.NetworkMode));
  for (const mode of modes)
    if (mode !== 'bridge' && mode !== 'default') throw new Error(`it is on the network ${mode}`);
}

async function clearAll(api: RawApi): Promise<void> {
  for (const one of ['core', 'app', 'warm']) await api.clear(`io.pilothouse.stack=bench-${one}`);
  await api.clear(label);
}
