import { afterEach, describe, expect, it } from 'vitest';
import type { EngineEvent } from '../../../../src-main/core/engine';
import type { MemoryEngine } from '../../../../src-main/engine/memory';
import { createRequest, memoryEngine } from '../../../support/builders';
import { drain, type FakeClock } from '../../../support/clock';

const engines: MemoryEngine[] = [];

function world(options: Parameters<typeof memoryEngine>[0] = {}): { engine: MemoryEngine; clock: FakeClock } {
  const made = memoryEngine(options);
  engines.push(made.engine);
  return made;
}

afterEach(() => {
  for (const engine of engines.splice(0)) engine.dispose();
});

describe('faults', () => {
  it('lose an answer after the effect, so that a retry finds the name taken (F7)', async () => {
    const { engine } = world({ faults: [{ verbs: ['create'], does: 'lose', times: 1 }] });
    await expect(engine.create(createRequest())).rejects.toMatchObject({ code: 'timeout' });
    await expect(engine.create(createRequest())).rejects.toMatchObject({ code: 'name-taken' });
    expect(engine.hand.containers()).toHaveLength(1);
  });

  it('fail before the effect, by verb, name, count and turn', async () => {
    const { engine } = world();
    const rule = engine.faults.add({
      verbs: ['create'],
      name: /\.2\./,
      skip: 1,
      times: 1,
      does: 'fail',
      error: 'no-space',
    });
    await engine.create(createRequest({ name: 'shop.web.2.g1' }));
    await engine.create(createRequest({ name: 'shop.web.1.g2' }));
    await expect(engine.create(createRequest({ name: 'shop.web.2.g2' }))).rejects.toMatchObject({ code: 'no-space' });
    await engine.create(createRequest({ name: 'shop.web.2.g3' }));
    expect(rule.struck).toBe(1);
    expect(engine.hand.containers()).toHaveLength(3);
  });

  it('delay and hang calls; a hanging call ends at its deadline without effect', async () => {
    const { engine, clock } = world({
      faults: [
        { verbs: ['start'], does: 'delay', delay: 700 },
        { verbs: ['kill'], does: 'hang' },
      ],
    });
    const { id } = await engine.create(createRequest());
    const from = clock.monotonic();
    await clock.finish(engine.start(id));
    expect(clock.monotonic() - from).toBe(700);
    const kill = engine.kill(id, 'SIGKILL').catch((thrown: unknown) => thrown);
    await clock.advance(60_000);
    expect(await kill).toMatchObject({ code: 'timeout' });
    expect(await engine.inspect(id)).toMatchObject({ state: 'running' });
  });

  it('make lists partial and late (M7)', async () => {
    const { engine, clock } = world();
    for (let index = 0; index < 20; index++) await engine.create(createRequest({ name: `n${index}` }));
    const rule = engine.faults.add({ verbs: ['list'], does: 'partial', times: 1 });
    expect((await engine.list()).length).toBeLessThan(20);
    expect(rule.struck).toBe(1);
    engine.hand.setListLag(500);
    await engine.create(createRequest({ name: 'fresh' }));
    await engine.remove('n0', { force: true, anonymousVolumes: false });
    expect((await engine.list()).map(({ name }) => name)).toContain('n0');
    expect((await engine.list()).map(({ name }) => name)).not.toContain('fresh');
    await clock.advance(500);
    expect((await engine.list()).map(({ name }) => name)).toContain('fresh');
    expect((await engine.list()).map(({ name }) => name)).not.toContain('n0');
  });

  it('strike by chance the same way for the same seed', async () => {
    const run = async (seed: number): Promise<string> => {
      const { engine } = world({ seed, faults: [{ does: 'fail', probability: 0.3 }] });
      const results = [];
      for (let index = 0; index < 40; index++)
        results.push(
          engine
            .ping()
            .then(() => '.')
            .catch(() => 'x'),
        );
      return (await Promise.all(results)).join('');
    };
    expect(await run(5)).toBe(await run(5));
    expect(await run(5)).not.toBe(await run(6));
  });

  it('lose, double, delay and hold back events', async () => {
    const { engine, clock } = world({ seed: 3 });
    const seen: EngineEvent[] = [];
    engine.watch((event) => seen.push(event));
    const { trouble } = engine.daemon.events;
    trouble.held = true;
    await engine.create(createRequest({ name: 'silent' }));
    await clock.settle();
    expect(seen).toHaveLength(0);
    Object.assign(trouble, { held: false, drop: 0.5, duplicate: 0.2, delay: 300 });
    for (let index = 0; index < 100; index++) await engine.create(createRequest({ name: `n${index}` }));
    await clock.advance(300);
    const names = seen.map(({ name }) => name);
    expect(names.length).toBeGreaterThan(30);
    expect(new Set(names).size).toBeLessThan(100);
    expect(names.length).toBeGreaterThan(new Set(names).size);
    expect(names).not.toEqual([...names].sort((one, other) => Number(one.slice(1)) - Number(other.slice(1))));
  });
});

describe('a killed client', () => {
  it('leaves the effect or not, depending on the point, and hears nothing more', async () => {
    for (const stage of ['beforeEffect', 'afterEffect'] as const) {
      const { engine, clock } = world();
      let settled = false;
      engine.hooks = { [stage]: () => engine.detach() };
      const note = (): void => {
        settled = true;
      };
      engine.create(createRequest()).then(note, note);
      await clock.advance(600_000);
      expect(settled).toBe(false);
      expect(engine.hand.containers()).toHaveLength(stage === 'beforeEffect' ? 0 : 1);
      void engine.start('shop.web.1.g1');
      await clock.advance(1000);
      const next = engine.attach();
      expect(await next.list()).toHaveLength(stage === 'beforeEffect' ? 0 : 1);
      expect((await next.list()).every(({ state }) => state === 'created')).toBe(true);
      expect(next.writes).toBe(0);
      expect(clock.pending).toBe(0);
    }
  });

  it('can be killed between the steps of one create', async () => {
    const { engine } = world();
    for (const name of ['front', 'back']) {
      await engine.createNetwork({
        name,
        driverOpts: {},
        internal: false,
        attachable: true,
        enableIpv6: false,
        labels: {},
      });
    }
    engine.hooks = {
      afterEffect: ({ verb }) => {
        if (verb === 'create') engine.detach();
      },
    };
    void engine.create(
      createRequest({
        networks: [
          { name: 'front', aliases: [] },
          { name: 'back', aliases: [] },
        ],
      }),
    );
    await drain();
    const left = await engine.attach().inspect('shop.web.1.g1');
    expect(Object.keys(left?.networks ?? {})).toEqual(['front']);
  });

  it('closes its streams without a word', async () => {
    const { engine, clock } = world();
    let ended = false;
    let events = 0;
    void engine.watch(() => (events += 1)).ended.then(() => (ended = true));
    engine.detach();
    await engine.attach().create(createRequest());
    await clock.settle();
    expect([ended, events]).toEqual([false, 0]);
  });
});

describe('calls', () => {
  it('end early when the caller gives up', async () => {
    const { engine, clock } = world({ latency: () => 1000 });
    const controller = new AbortController();
    const list = engine.list(undefined, controller.signal).catch((thrown: unknown) => thrown);
    await clock.advance(10);
    controller.abort();
    expect(await list).toMatchObject({ code: 'timeout' });
    await expect(engine.list(undefined, controller.signal)).rejects.toMatchObject({ code: 'timeout' });
  });

  it('take about as long as on a real machine when asked to', async () => {
    const { engine, clock } = world({ latency: 'real', images: [] });
    const steps: number[] = [];
    await clock.finish(engine.pull('nginx', { progress: ({ done }) => steps.push(done) }));
    const pulled = clock.monotonic();
    expect(steps.length).toBe(16);
    expect(pulled).toBeGreaterThan(300);
    await clock.finish(engine.create(createRequest({ image: 'nginx' })));
    await clock.finish(engine.start('shop.web.1.g1'));
    const took = clock.monotonic() - pulled;
    expect(took).toBeGreaterThan(150);
    expect(took).toBeLessThan(500);
  });

  it('count writes apart from reads, and record them', async () => {
    const { engine, clock } = world();
    const { id } = await engine.create(createRequest());
    await engine.list();
    await engine.start(id);
    await engine.start('nobody').catch(() => {});
    expect(engine.writes).toBe(3);
    expect(engine.counts.get('list')).toBe(1);
    expect(engine.deeds.at(-2)).toEqual({
      number: 2,
      verb: 'start',
      id,
      name: 'shop.web.1.g1',
      at: clock.now(),
      outcome: 'done',
    });
    expect(engine.deeds.at(-1)).toMatchObject({ verb: 'start', name: 'nobody', outcome: 'not-found' });
  });
});
