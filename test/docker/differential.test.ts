/**
 * The memory engine held against the real one, or it lies. First the facts that the design rests on, then random traces;
 * `PILOTHOUSE_TRACES` says how many (default 40), `PILOTHOUSE_SEED` which.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hash32, seeded, type Random } from '../../src-main/base/random';
import { testEngine } from '../support/engine';
import { byForce, deaf, pause, polite, request, Twins, type Act } from './twins';

let twins: Twins;
const prefix = `diff-${process.pid}`;

beforeAll(async () => {
  twins = await Twins.connect(testEngine().dockerHost, prefix);
});

afterAll(() => twins.dispose());

const both = (what: string, act: Act): Promise<void> => twins.both(what, act);
const same = (what: string, names: readonly string[]): Promise<void> => twins.same(what, names);

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
        if (death.endsWith('outside')) await both(death, (engine) => twins.killFromOutside(engine, container));
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
    await both('remove', (engine) => engine.remove(one, byForce));
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
    await both('remove', (engine) => engine.remove(name, byForce));
    await both('remove again', (engine) => engine.remove(name, byForce));
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
    expect((await twins.docker.inspect(name))?.health).toBe('healthy');
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
type Step = [what: string, act: Act];

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
      ['outside', (engine) => twins.killFromOutside(engine, name)],
      ['remove', (engine) => engine.remove(name, byForce)],
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
            await twins.calm(names);
            await both(what, act);
            await same(what, names);
          }
        } catch (thrown) {
          failures.push(
            `seed ${seed}, trace ${turn}:\n  ${done.join('\n  ')}\n${thrown instanceof Error ? thrown.message : String(thrown)}`,
          );
        } finally {
          for (const engine of [twins.docker, twins.memory]) {
            for (const name of names) await engine.remove(name, byForce);
            await engine.removeNetwork(`${names[0]}-net`);
          }
        }
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    expect(failures.join('\n\n')).toBe('');
  });
});
