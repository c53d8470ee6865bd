/**
 * P5 without load: a rolling update of N replicas, two at a time, the new one first. Done is when the last new one has started and the
 * last old one has ended, by the engine's stamps; the fewest that ran at any moment are counted from the same stamps. What changes is
 * one environment variable. That no request fails under load is measured once the gateway is there.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { testEngine } from '../support/engine';
import type { BenchOptions, Figure } from './figure';
import { EventWatch, type Happening, type Match } from './kit/events';
import { composeFile, openCore, type Ours } from './kit/ours';
import { atOnce, RawApi } from './kit/raw';
import { compare, runRounds, type Contestant, type Rounds } from './kit/rounds';
import { ComposePeer, SwarmPeer } from './kit/tools';

const label = 'bench.rollout';
const parallelism = 2;
const update = { parallelism, order: 'start-first', delay: '0s', monitor: '0s' };

/** Runs the benchmark on the private engine of this run; sizes are replicas. */
export async function* run(options: BenchOptions = {}): AsyncIterable<Figure> {
  const { sizes = [5, 10, 20], say = () => undefined } = options;
  const place = testEngine();
  const api = new RawApi(place.socket);
  const events = await EventWatch.open(place.socket);
  const undo: (() => Promise<void>)[] = [];
  try {
    const ours = await openCore(place.socket, 'bench-rollout');
    undo.push(async () => {
      await ours.dispose();
      await api.clear('io.pilothouse.stack=bench-rollout');
      await api.clear(label);
    });
    const compose = ComposePeer.open(place, 'bench-rollout-compose', say);
    const swarm = await SwarmPeer.open('rollout', say);
    if (swarm) undo.push(() => swarm.dispose());
    let composed = false;
    let version = 0;
    for (const size of sizes) {
      say(`${size} replicas each`);
      version += 1;
      await ours.apply(composeFile(ours.stack, { replicas: size, version, update }));
      await ours.ready(size);
      const missing = size - (await api.list(`${label}=raw`)).length;
      const news = Array.from({ length: Math.max(0, missing) }, (_, at) => `bench-rollout-${version}-${at}`);
      await atOnce(news, 4, async (name) => api.start(await api.create(name, { [label]: 'raw' })));
      if (compose) {
        compose.write(composeFile(compose.project, { replicas: size, version }));
        await compose.up();
        if (!composed) undo.push(() => compose.dispose());
        composed = true;
      }
      if (swarm) await prepareSwarm(swarm, size);
      const contestants: Contestant[] = [
        { name: 'ours', measure: () => measureOurs({ api, events }, { ours, size, version: ++version }) },
        { name: 'raw API, 2 at a time', measure: () => measureRaw({ api, events }, size, ++version) },
        ...(compose
          ? [
              {
                name: 'Compose v2',
                measure: () => measureCompose({ api, events }, { compose, size, version: ++version }),
              },
            ]
          : []),
        ...(swarm ? [{ name: 'Swarm start-first', measure: () => measureSwarm(swarm, size, ++version) }] : []),
      ];
      yield* figuresOf(await runRounds(contestants, options), size);
    }
  } finally {
    for (const one of undo.reverse()) await one().catch((thrown: unknown) => say(`! left over: ${String(thrown)}`));
    events.dispose();
    api.dispose();
  }
}

function* figuresOf(result: Rounds, size: number): Iterable<Figure> {
  const goals: Record<string, number | undefined> = {
    'raw API, 2 at a time': 1.2,
    'Compose v2': undefined,
    'Swarm start-first': 0.67,
  };
  for (const [peer, limit] of Object.entries(goals)) {
    const name = { bench: 'rollout', size };
    const goal = limit === undefined ? {} : { goal: { of: 'ratio' as const, limit } };
    const never = { of: 'ours' as const, limit: size, atLeast: true };
    const done = { ...name, figure: `${size} replaced`, unit: 's', ...goal };
    const told = { ...name, figure: `${size} replaced, until we say so or the command returns`, unit: 's' };
    const least = {
      bench: 'rollout',
      figure: `fewest running while ${size} are replaced`,
      unit: 'replicas',
      goal: never,
    };
    for (const [of, as] of [
      ['done', done],
      ['told', told],
      ['least', least],
    ] as const) {
      const figure = compare(result, { ours: 'ours', peer, of }, as);
      if (figure) yield figure;
    }
  }
}

interface Field {
  api: RawApi;
  events: EventWatch;
}

/** Counts one update from the engine's stamps, once everything has happened. */
async function settle(
  field: Field,
  of: { selector: string; size: number; from: number },
): Promise<{ done: number; least: number }> {
  const { selector, size, from } = of;
  const [label = '', value = ''] = selector.split(/=(.*)/);
  const did =
    (action: string): Match =>
    (one) =>
      one.action === action && one.attributes[label] === value;
  const last = await Promise.all([
    field.events.nth(size, { from, match: did('start') }),
    field.events.nth(size, { from, match: did('die') }),
  ]);
  const steps = field.events.since(from, (one) => did('start')(one) || did('die')(one));
  await verify(field.api, selector, size);
  return { done: (Math.max(...last) - from) / 1_000, least: fewest(size, steps) };
}

/** The engine stamps an end a moment before its list knows of it. */
async function verify(api: RawApi, selector: string, size: number): Promise<void> {
  const deadline = Date.now() + 3_000;
  for (;;) {
    const running = (await api.list(selector)).length;
    if (running === size) return;
    if (Date.now() > deadline) throw new Error(`${running} run after the update instead of ${size}`);
    await sleep(50);
  }
}

function fewest(size: number, steps: Happening[]): number {
  let [now, least] = [size, size];
  for (const step of steps) {
    now += step.action === 'start' ? 1 : -1;
    least = Math.min(least, now);
  }
  return least;
}

async function measureOurs(
  field: Field,
  of: { ours: Ours; size: number; version: number },
): Promise<Record<string, number>> {
  const { ours, size, version } = of;
  field.events.forget();
  const from = Date.now();
  await ours.apply(composeFile(ours.stack, { replicas: size, version, update }));
  const found = await settle(field, { selector: `io.pilothouse.stack=${ours.stack}`, size, from });
  const told = (await ours.ready(size)) - from;
  await ours.calm();
  return { ...found, told: told / 1_000 };
}

async function measureRaw(field: Field, size: number, version: number): Promise<Record<string, number>> {
  const { api, events } = field;
  events.forget();
  const old = await api.list(`${label}=raw`);
  const from = Date.now();
  await atOnce(old.entries(), parallelism, async ([at, one]) => {
    const name = `bench-rollout-${version}-${at}`;
    await api.start(await api.create(name, { [label]: 'raw' }, { env: [`VERSION=${version}`] }));
    await api.stopAndRemove(one.Id);
  });
  const told = (Date.now() - from) / 1_000;
  return { ...(await settle(field, { selector: `${label}=raw`, size, from })), told };
}

async function measureCompose(
  field: Field,
  of: { compose: ComposePeer; size: number; version: number },
): Promise<Record<string, number>> {
  const { compose, size, version } = of;
  field.events.forget();
  compose.write(composeFile(compose.project, { replicas: size, version }));
  const from = Date.now();
  await compose.up();
  const told = (Date.now() - from) / 1_000;
  return { ...(await settle(field, { selector: `com.docker.compose.project=${compose.project}`, size, from })), told };
}

async function prepareSwarm(swarm: SwarmPeer, size: number): Promise<void> {
  const known = await swarm.api.list('com.docker.swarm.service.name=rolling');
  if (known.length > 0) return swarm.scale('rolling', size);
  const flags = ['--update-order', 'start-first', '--update-parallelism', String(parallelism), '--update-delay', '0s'];
  await swarm.create('rolling', size, ...flags);
}

async function measureSwarm(swarm: SwarmPeer, size: number, version: number): Promise<Record<string, number>> {
  swarm.events.forget();
  const from = Date.now();
  await swarm.call('service', 'update', '--env-add', `VERSION=${version}`, '--no-resolve-image', 'rolling');
  const told = (Date.now() - from) / 1_000;
  return { ...(await settle(swarm, { selector: 'com.docker.swarm.service.name=rolling', size, from })), told };
}
