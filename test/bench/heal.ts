/**
 * P4: from a fault to the replacement's `start` event. Faults: the container's process is killed (`kill -9`), the container is killed
 * through the engine (`docker kill`), the container is removed (`docker rm -f`). Victims have run for more than ten seconds, since
 * everybody backs off from what crashes sooner.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { testEngine } from '../support/engine';
import type { BenchOptions, Figure } from './figure';
import { EventWatch, type Match } from './kit/events';
import { composeFile, openCore } from './kit/ours';
import { atOnce, RawApi } from './kit/raw';
import { compare, runRounds, type Contestant, type Rounds } from './kit/rounds';
import { SwarmPeer } from './kit/tools';

const label = 'bench.heal';
/** After so long a run neither we nor the engine take a crash for part of a series, milliseconds. */
const steady = 11_000;
/** Who has not begun anew by then never will. */
const never = 15_000;

interface Fault {
  name: string;
  strike(api: RawApi, id: string): Promise<void>;
}

const faults: readonly Fault[] = [
  {
    name: 'kill -9 of the process',
    strike: async (api, id) => {
      const { State } = await api.inspect(id);
      if (!State.Running || State.Pid < 2) throw new Error('the victim does not run');
      process.kill(State.Pid, 'SIGKILL');
    },
  },
  { name: 'docker kill', strike: (api, id) => api.kill(id) },
  { name: 'docker rm -f', strike: (api, id) => api.removeByForce(id) },
];

/** Somebody who heals. */
interface Healer {
  name: string;
  api: RawApi;
  events: EventWatch;
  /** `key=value` of its containers. */
  selector: string;
  /** Reacts to the end of a container; absent where somebody does that already. */
  react?: () => Promise<void>;
  /** Milliseconds that it waits on purpose, as far as known. */
  patience: number;
  /** Brings back what it never would. */
  mend?: (id: string) => Promise<void>;
}

/**
 * Runs the benchmark on the private engine of this run; sizes are replicas per contestant. Every fault and every peer is measured at
 * the middle size, at the others only the first fault and the quick peers.
 */
export async function* run(options: BenchOptions = {}): AsyncIterable<Figure> {
  const { rounds = 10, sizes = [5, 10, 20], say = () => undefined } = options;
  const place = testEngine();
  const api = new RawApi(place.socket);
  const events = await EventWatch.open(place.socket);
  const undo: (() => Promise<void>)[] = [];
  const middle = sizes[sizes.length >> 1];
  let serial = 0;
  try {
    const ours = await openCore(place.socket, 'bench-heal');
    undo.push(async () => {
      await ours.dispose();
      await api.clear('io.pilothouse.stack=bench-heal');
      await api.clear(label);
    });
    const swarm = await SwarmPeer.open('heal', say);
    if (swarm) undo.push(() => swarm.dispose());
    await ours.apply(composeFile(ours.stack, { replicas: 1 }));

    const mine: Healer = { name: 'ours', api, events, selector: `io.pilothouse.stack=${ours.stack}`, patience: 30_000 };
    const raw: Healer = {
      name: 'raw create and start',
      api,
      events,
      selector: `${label}=raw`,
      patience: 30_000,
      react: async () => api.start(await api.create(`bench-heal-${serial++}`, { [label]: 'raw' })),
    };
    const always: Healer = {
      name: 'restart=always',
      api,
      events,
      selector: `${label}=always`,
      patience: never,
      mend: async (id) => {
        await api.removeByForce(id).catch(() => undefined);
        await startOne('always');
      },
    };
    const swarmed = (name: string, service: string): Healer[] =>
      swarm
        ? [
            {
              name,
              api: swarm.api,
              events: swarm.events,
              selector: `com.docker.swarm.service.name=${service}`,
              patience: 60_000,
            },
          ]
        : [];
    const startOne = async (policy: 'raw' | 'always'): Promise<void> => {
      const more = policy === 'always' ? { restart: policy } : {};
      await api.start(await api.create(`bench-heal-${serial++}`, { [label]: policy }, more));
    };

    let swarmServices = false;
    for (const size of sizes) {
      const full = size === middle;
      say(`${size} replicas each`);
      await ours.scale(size);
      for (const policy of ['raw', 'always'] as const) {
        const missing = size - (await api.list(`${label}=${policy}`)).length;
        await atOnce(Array.from({ length: Math.max(0, missing) }), 4, () => startOne(policy));
      }
      if (swarm && full && !swarmServices) {
        await swarm.create('default', size);
        await swarm.create('at-once', size, '--restart-delay', '0s');
        swarmServices = true;
      }
      await ours.ready(size);
      for (const fault of full ? faults : faults.slice(0, 1)) {
        say(`fault: ${fault.name}`);
        const hopeless = new Set<string>();
        const healers = [
          mine,
          raw,
          always,
          ...(full ? [...swarmed('Swarm', 'default'), ...swarmed('Swarm, delay 0', 'at-once')] : []),
        ];
        const contestants = healers.map((healer): Contestant => ({
          name: healer.name,
          measure: () => measure(healer, fault, hopeless),
        }));
        // Kills are short, and each is compared within its round: ten of them need no second try.
        const result = await runRounds(contestants, { ...options, rounds, redo: options.redo ?? 1 });
        yield* figuresOf(result, { fault: fault.name, size, peers: healers.slice(1).map((one) => one.name) });
      }
    }
  } finally {
    for (const one of undo.reverse()) await one().catch((thrown: unknown) => say(`! left over: ${String(thrown)}`));
    events.dispose();
    api.dispose();
  }
}

async function measure(healer: Healer, fault: Fault, hopeless: Set<string>): Promise<Record<string, number>> {
  // Waited for once is enough.
  if (hopeless.has(healer.name)) return { healed: Infinity };
  const { api, events, selector } = healer;
  const before = await api.list(selector);
  const victim = await oldest(
    api,
    before.map((one) => one.Id),
  );
  const [name = '', value = ''] = selector.split(/=(.*)/);
  const ofOurs =
    (action: string): Match =>
    (one) =>
      one.action === action && one.attributes[name] === value;
  events.forget();
  const from = Date.now();
  await fault.strike(api, victim);
  const died = await events.nth(1, { from, match: (one) => ofOurs('die')(one) && one.id === victim });
  if (healer.react) await healer.react();
  let healed: number;
  try {
    healed = (await events.nth(1, { from, match: ofOurs('start'), patience: healer.patience })) - from;
  } catch (thrown) {
    if (!healer.mend) throw thrown;
    hopeless.add(healer.name);
    await healer.mend(victim);
    return { died: died - from, healed: Infinity };
  }
  await whole(healer, before.length);
  return { died: died - from, healed };
}

/** The container that has run longest; waits until that is long enough. */
async function oldest(api: RawApi, ids: string[]): Promise<string> {
  const details = await Promise.all(ids.map((id) => api.inspect(id)));
  const [first] = details
    .map((one) => ({ id: one.Id, since: Date.parse(one.State.StartedAt) }))
    .sort((one, other) => one.since - other.since);
  if (!first) throw new Error('there is no container to strike');
  await sleep(Math.max(0, first.since + steady - Date.now()));
  return first.id;
}

/** Verifies that there are as many as before. */
async function whole(healer: Healer, count: number): Promise<void> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const found = (await healer.api.list(healer.selector)).length;
    if (found === count) return;
    if (Date.now() > deadline) throw new Error(`${found} run after it instead of ${count}`);
    await sleep(50);
  }
}

function* figuresOf(result: Rounds, of: { fault: string; size: number; peers: string[] }): Iterable<Figure> {
  const goals: Record<string, number> = {
    'raw create and start': 1.2,
    'restart=always': 1.5,
    Swarm: 0.12,
    'Swarm, delay 0': 1.1,
  };
  for (const peer of of.peers) {
    const name = {
      bench: 'heal',
      figure: `${of.fault} → replacement started, of ${of.size}`,
      unit: 'ms',
      size: of.size,
    };
    const limit = goals[peer];
    const found = compare(
      result,
      { ours: 'ours', peer, of: 'healed' },
      {
        ...name,
        ...(limit === undefined ? {} : { goal: { of: 'ratio' as const, limit } }),
      },
    );
    if (found)
      yield found.peer === Infinity
        ? { ...found, note: `${peer} never comes back from it (waited ${never / 1_000} s)` }
        : found;
  }
}
