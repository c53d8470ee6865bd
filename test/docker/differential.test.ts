/**
 * The memory engine held against the real one: the same acts on both, then the same states and the same refusals, or the memory
 * engine lies. First the facts that the design rests on, then random traces; `PILOTHOUSE_TRACES` says how many (default 40).
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src-main/app/clock';
import { hash32, seeded, type Random } from '../../src-main/base/random';
import type { ContainerDetail, CreateContainer, Engine, EngineErrorCode } from '../../src-main/core/engine';
import { EngineError } from '../../src-main/core/engine';
import { connect, type DockerEngine } from '../../src-main/engine/docker';
import { MemoryEngine } from '../../src-main/engine/memory';
import { createRequest } from '../support/builders';
import { testEngine } from '../support/engine';

const image = 'busybox:latest';
/** Process 1 without handlers: the kernel keeps SIGTERM from it. */
const deaf = ['sleep', '600'];
/** Obeys SIGTERM. */
const polite = ['sh', '-c', 'trap "exit 0" TERM; while true; do sleep 0.1; done'];
const nothing = { force: true, anonymousVolumes: true };

let docker: DockerEngine;
let memory: MemoryEngine;
const prefix = `diff-${process.pid}`;

beforeAll(async () => {
  docker = await connect({ endpoint: testEngine().dockerHost });
  memory = new MemoryEngine({ clock: systemClock, random: seeded(1), images: [{ reference: image }] });
});

afterAll(async () => {
  for (const { id, name } of await docker.list()) if (name.startsWith(prefix)) await docker.remove(id, nothing);
  for (const { id, name } of await docker.networks()) if (name.startsWith(prefix)) await docker.removeNetwork(id);
  for (const { name } of await docker.volumes()) if (name.startsWith(prefix)) await docker.removeVolume(name);
  docker.dispose();
  memory.dispose();
});

/** What must be equal. Ids, times and addresses differ; that there is an address must not. */
function shape(detail: ContainerDetail | undefined): unknown {
  if (!detail) return 'gone';
  const { state, exitCode, oomKilled, health, labels, restartPolicy, error } = detail;
  return {
    // While it is being restarted it is now this, now that.
    state: state === 'restarting' || (state === 'running' && detail.restartCount > 1) ? 'restarting or running' : state,
    exitCode: state === 'restarting' || state === 'running' ? 'any' : exitCode,
    oomKilled: state === 'running' ? 'any' : oomKilled,
    health,
    labels,
    restartPolicy,
    failed: error !== '',
    restarted: detail.restartCount > 0,
    name: detail.name,
    networks: Object.entries(detail.networks).map(([name, { address }]) => [name, address !== '']),
    ports: detail.ports.map(({ target, published }) => [target, published]),
    mounts: detail.mounts.map(({ type, target, name }) => [type, target, name]).sort(),
  };
}

/** How a call ends: `ok`, or its error's code. */
async function outcome(call: Promise<unknown>): Promise<'ok' | EngineErrorCode> {
  try {
    await call;
    return 'ok';
  } catch (thrown) {
    if (thrown instanceof EngineError) return thrown.code;
    throw thrown;
  }
}

/** One act on both engines; the answers must be of one kind. */
async function both(what: string, act: (engine: Engine, real: boolean) => Promise<unknown>): Promise<void> {
  const [real, imagined] = await Promise.all([outcome(act(docker, true)), outcome(act(memory, false))]);
  expect(`${what}: ${imagined}`).toBe(`${what}: ${real}`);
}

/** Both engines come to the same state of these containers; a state may take a moment to be reached. */
async function same(what: string, names: readonly string[]): Promise<void> {
  const look = (engine: Engine): Promise<unknown[]> =>
    Promise.all(names.map(async (name) => shape(await engine.inspect(name))));
  const until = performance.now() + 8000;
  for (;;) {
    const [real, imagined] = await Promise.all([look(docker), look(memory)]);
    if (JSON.stringify(real) === JSON.stringify(imagined)) return;
    if (performance.now() > until) throw new Error(differences(what, real, imagined));
    await pause(150);
  }
}

/** The shapes that differ, side by side. */
function differences(what: string, real: readonly unknown[], imagined: readonly unknown[]): string {
  const lines = real.flatMap((shapeOfReal, index) => {
    const [one, other] = [JSON.stringify(shapeOfReal), JSON.stringify(imagined[index])];
    return one === other ? [] : [`real   ${one}`, `memory ${other}`];
  });
  return [`After ${what}:`, ...lines].join('\n');
}

function pause(duration: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, duration));
}

/** The process dies without the engine being asked. */
async function killFromOutside(engine: Engine, name: string, real: boolean): Promise<void> {
  const pid = (await engine.inspect(name))?.pid;
  if (!pid) return;
  if (real) process.kill(pid, 'SIGKILL');
  else memory.hand.killProcess(name);
}

function request(name: string, change: Parameters<typeof createRequest>[0] = {}): CreateContainer {
  return createRequest({ name, image, command: deaf, stopTimeout: 1000, ...change });
}

describe('the facts that the design rests on', () => {
  const policies = ['no', 'always', 'on-failure', 'unless-stopped'] as const;
  const policy = (name: (typeof policies)[number]): { name: (typeof policies)[number]; maxAttempts: number } => ({
    name,
    maxAttempts: 0,
  });

  it('a process that dies comes back by policy; one killed or stopped through the engine does not', async () => {
    const names: string[] = [];
    for (const name of policies) {
      for (const death of ['outside', 'kill', 'stop', 'term then outside']) {
        const container = `${prefix}-${name}-${death.replaceAll(' ', '')}`;
        names.push(container);
        await both('create', (engine) => engine.create(request(container, { host: { restartPolicy: policy(name) } })));
        await both('start', (engine) => engine.start(container));
        if (death === 'stop') await both('stop', (engine) => engine.stop(container, 1000));
        if (death === 'kill') await both('kill', (engine) => engine.kill(container, 'SIGKILL'));
        if (death === 'term then outside') await both('term', (engine) => engine.kill(container, 'SIGTERM'));
        if (death.endsWith('outside')) await both(death, (engine, real) => killFromOutside(engine, container, real));
      }
    }
    await same('after death', names);
  });

  it('a taken name, port, volume or network is refused in the same way (F7, F8)', async () => {
    const [one, two] = [`${prefix}-port1`, `${prefix}-port2`];
    const ports = [{ target: 80, protocol: 'tcp' as const, published: 38_211 }];
    const mounts = [{ type: 'volume' as const, source: `${prefix}-data`, target: '/data', readOnly: false }];
    const network = {
      driverOpts: {},
      internal: false,
      attachable: true,
      enableIpv6: false,
      labels: {},
      name: `${prefix}-net`,
    };
    await both('network', (engine) => engine.createNetwork(network));
    await both('network again', (engine) => engine.createNetwork(network));
    const networks = [{ name: network.name, aliases: ['web'] }];
    await both('create', (engine) => engine.create(request(one, { networks, host: { ports, mounts } })));
    await both('create again', (engine) => engine.create(request(one)));
    await both('create other', (engine) => engine.create(request(two, { networks, host: { ports } })));
    await both('start', (engine) => engine.start(one));
    await both('start again', (engine) => engine.start(one));
    await both('start other', (engine) => engine.start(two));
    await same('port taken', [one, two]);
    await both('remove volume', (engine) => engine.removeVolume(`${prefix}-data`));
    await both('remove network', (engine) => engine.removeNetwork(network.name));
    await both('remove running', (engine) => engine.remove(one, { force: false, anonymousVolumes: false }));
    await both('rename to taken', (engine) => engine.rename(one, two));
    await both('rename to itself', (engine) => engine.rename(one, one));
    await both('remove', (engine) => engine.remove(one, nothing));
    await both('start other now', (engine) => engine.start(two));
    await same('port free', [one, two]);
    await both('remove volume now', (engine) => engine.removeVolume(`${prefix}-data`));
    await both('stop', (engine) => engine.stop(two, 1000));
    await both('remove network now', (engine) => engine.removeNetwork(network.name));
    await both('start without network', (engine) => engine.start(two));
    await same('network gone', [two]);
  });

  it('acts that make no sense are refused in the same way, or are done', async () => {
    const name = `${prefix}-sense`;
    await both('inspect nothing', async (engine) => expect(await engine.inspect(name)).toBeUndefined());
    for (const again of ['absent', 'created', 'running', 'paused', 'exited']) {
      if (again === 'created') await both('create', (engine) => engine.create(request(name)));
      if (again === 'running') await both('start', (engine) => engine.start(name));
      if (again === 'paused') await both('pause', (engine) => engine.pause(name));
      if (again === 'exited') await both('kill', (engine) => engine.kill(name, 'SIGKILL'));
      await same(again, [name]);
      if (again !== 'running') {
        await both(`${again} kill`, (engine) =>
          again === 'paused' ? Promise.resolve() : engine.kill(name, 'SIGUSR1'),
        );
        await both(`${again} exec`, (engine) => engine.exec(name, ['true']));
        if (again !== 'paused') await both(`${again} pause`, (engine) => engine.pause(name));
      }
      await both(`${again} remove`, (engine) =>
        again === 'running' || again === 'paused'
          ? engine.remove(name, { force: false, anonymousVolumes: false })
          : Promise.resolve(),
      );
      await both(`${again} start`, (engine) =>
        again === 'created' || again === 'exited' ? Promise.resolve() : engine.start(name),
      );
      await both(`${again} signal`, (engine) =>
        again === 'absent' ? engine.kill(name, 'SIGKILL') : Promise.resolve(),
      );
      await both(`${again} image`, (engine) =>
        engine.create(request(`${name}-x`, { image: 'nowhere.invalid/nothing:1' })),
      );
      await both(`${again} bad name`, (engine) => engine.create(request('-bad name')));
    }
    await both('remove', (engine) => engine.remove(name, nothing));
    await both('remove again', (engine) => engine.remove(name, nothing));
    await both('stop gone', (engine) => engine.stop(name, 1000));
    await same('gone', [name]);
  });

  it('health starts, passes, fails and turns bad under a pause (F14)', async () => {
    const name = `${prefix}-health`;
    const healthcheck = { test: ['CMD-SHELL', 'test -f /ok'], interval: 500, timeout: 2000, retries: 2 };
    await both('create', (engine) => engine.create(request(name, { healthcheck })));
    await same('created', [name]);
    await both('start', (engine) => engine.start(name));
    await pause(2500);
    await same('unhealthy', [name]);
    const file = { path: '/ok', content: new Uint8Array([1]), mode: 0o644, uid: 0, gid: 0 };
    await both('put', (engine) => engine.putFile(name, file));
    await pause(1000);
    await same('healthy', [name]);
    expect((await docker.inspect(name))?.health).toBe('healthy');
    await both('pause', (engine) => engine.pause(name));
    await same('paused', [name]);
    await both('unpause', (engine) => engine.unpause(name));
    await pause(1000);
    await same('healthy again', [name]);
    await both('stop', (engine) => engine.stop(name, 1000));
    await same('stopped', [name]);
  });
});

/** One step of a trace: its name, and the act. */
type Step = [what: string, act: (engine: Engine, real: boolean) => Promise<unknown>];

function pick<T>(random: Random, items: readonly T[]): T {
  return items[Math.floor(random() * items.length)] as T;
}

/**
 * Random acts on two containers. The first lives until it is stopped; the second may be one that ends at once, and is then not made to
 * restart or paused: what an act meets between two of its lives is chance on both engines.
 */
function* trace(random: Random, names: readonly string[]): Generator<Step> {
  const network = `${names[0]}-net`;
  const blank = { name: network, driverOpts: {}, internal: false, attachable: true, enableIpv6: false, labels: {} };
  const brief = random() < 0.5;
  yield ['network', (engine) => engine.createNetwork(blank)];
  for (let turn = 0; turn < 9; turn++) {
    const [name, other] = random() < 0.5 ? [names[0], names[1]] : [names[1], names[0]];
    if (name === undefined || other === undefined) return;
    const endsAtOnce = brief && name === names[1];
    const command = endsAtOnce ? pick(random, [['sh', '-c', 'exit 3'], ['true']]) : pick(random, [deaf, polite]);
    const policies = endsAtOnce ? (['no'] as const) : (['no', 'always', 'on-failure', 'unless-stopped'] as const);
    const restartPolicy = { name: pick(random, policies), maxAttempts: 0 };
    const networks = pick(random, [[], [{ name: network, aliases: ['web'] }]]);
    const change = { command, networks, host: { restartPolicy } };
    const create: Step = ['create', (engine) => engine.create(request(name, change))];
    const start: Step = [
      'start',
      async (engine) => {
        await engine.start(name);
        if (endsAtOnce) await pause(500);
      },
    ];
    const steps: Step[] = [
      create,
      create,
      start,
      start,
      start,
      ['stop', (engine) => engine.stop(name, 1000)],
      ['kill', (engine) => engine.kill(name, 'SIGKILL')],
      ['outside', (engine, real) => killFromOutside(engine, name, real)],
      ['remove', (engine) => engine.remove(name, nothing)],
      ['remove politely', (engine) => engine.remove(name, { force: false, anonymousVolumes: true })],
      ['connect', (engine) => engine.connect(network, name, { aliases: [] })],
      ['disconnect', (engine) => engine.disconnect(network, name, false)],
      ['drop network', (engine) => engine.removeNetwork(network)],
    ];
    if (!brief) steps.push(['rename', (engine) => engine.rename(name, other)]);
    if (!endsAtOnce) {
      steps.push(
        ['pause', (engine) => engine.pause(name)],
        ['unpause', (engine) => engine.unpause(name)],
        ['policy', (engine) => engine.update(name, { restartPolicy })],
      );
    }
    const [what, act] = turn === 0 ? create : pick(random, steps);
    yield [`${turn}. ${what} ${name}`, act];
  }
}

describe('random traces', () => {
  const count = Number(process.env['PILOTHOUSE_TRACES'] ?? 40);
  const lanes = 4;

  it(`${count} of them end every step in the same state`, { timeout: 20_000 + count * 20_000 }, async () => {
    const seed = Number(process.env['PILOTHOUSE_SEED'] ?? 20_26);
    const failures: string[] = [];
    let next = 0;
    const lane = async (): Promise<void> => {
      for (let turn = next++; turn < count; turn = next++) {
        const names = [1, 2].map((number) => `${prefix}-t${turn}-${number}`);
        const done: string[] = [];
        try {
          for (const [what, act] of trace(seeded(hash32(`${seed}/${turn}`)), names)) {
            done.push(what);
            // A container that restarts by itself is sometimes between two lives; what an act then meets is chance on both sides.
            await calm(names);
            await both(what, act);
            await same(what, names);
          }
        } catch (thrown) {
          failures.push(
            `seed ${seed}, trace ${turn}:\n  ${done.join('\n  ')}\n${thrown instanceof Error ? thrown.message : String(thrown)}`,
          );
        } finally {
          for (const engine of [docker, memory]) {
            for (const name of names) await engine.remove(name, nothing);
            await engine.removeNetwork(`${names[0]}-net`);
          }
        }
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    expect(failures.join('\n\n')).toBe('');
  });

  /** Waits while a container of either engine is between two lives. */
  async function calm(names: readonly string[]): Promise<void> {
    for (let turn = 0; turn < 100; turn++) {
      const found = await Promise.all(names.flatMap((name) => [docker.inspect(name), memory.inspect(name)]));
      if (!found.some((detail) => detail?.state === 'restarting')) return;
      await pause(50);
    }
  }
});
