import { describe, expect, it } from 'vitest';
import { seeded } from '../../../../src-main/base/random';
import { silent } from '../../../../src-main/base/log';
import { sentence } from '../../../../src-main/contract/sentence';
import { EngineError, type Engine, type EngineFacts } from '../../../../src-main/core/engine';
import { EngineLink, type FoundEngine } from '../../../../src-main/core/system';
import { MemoryEngine } from '../../../../src-main/engine/memory';
import { FakeClock } from '../../../support/clock';

const one: FoundEngine = { id: 'one', kind: 'docker', name: 'One', endpoint: 'unix:///one', source: 'DOCKER_HOST' };
const two: FoundEngine = { id: 'two', kind: 'docker', name: 'Two', endpoint: 'unix:///two', source: 'context two' };
const barred: FoundEngine = { ...one, id: 'barred', problem: sentence('engine.away', { reason: 'plain TCP' }) };

type Trouble = 'none' | 'refuses' | 'hangs' | 'acts hang' | 'acts time out';

function setUp(options: { found?: FoundEngine[]; chosen?: string } = {}) {
  const clock = new FakeClock();
  const world = {
    trouble: 'none' as Trouble,
    found: options.found ?? [one, two],
    connects: 0,
    finds: 0,
    released: 0,
    version: undefined as string | undefined,
  };
  const never = new Promise<never>(() => {});
  const memory = new MemoryEngine({ clock, random: seeded(1) });
  const troubled = <T>(work: () => Promise<T>): Promise<T> => {
    if (world.trouble === 'refuses') return Promise.reject(new EngineError('away', 'connection refused'));
    return world.trouble === 'hangs' ? never : work();
  };
  const engine = new Proxy<Engine>(memory, {
    get(target, name) {
      if (name === 'ping') return () => troubled(() => Promise.resolve(1.5));
      if (name === 'facts')
        return () =>
          troubled(async () => {
            const facts = await target.facts();
            return world.version ? { ...facts, version: world.version } : facts;
          });
      if (name === 'list') return () => troubled(() => target.list());
      if (name === 'start')
        return () => {
          if (world.trouble === 'acts hang') return never;
          if (world.trouble === 'acts time out') return Promise.reject(new EngineError('timeout', 'no answer'));
          return Promise.resolve();
        };
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  const engines: (Engine | undefined)[] = [];
  const link = new EngineLink({
    clock,
    random: seeded(2),
    log: silent,
    chosen: () => options.chosen,
    finder: {
      find: () => {
        world.finds += 1;
        return Promise.resolve([...world.found]);
      },
      connect: () => {
        world.connects += 1;
        return troubled(() => Promise.resolve(engine));
      },
      release: () => {
        world.released += 1;
      },
    },
  });
  link.onEngine((next) => engines.push(next));
  const selected = () => link.views().find((view) => view.selected);
  return { clock, world, link, engines, selected };
}

describe('the link to the engine', () => {
  it('takes the first that may be used, or the chosen one', async () => {
    const first = setUp({ found: [barred, one, two] });
    first.link.start();
    await first.clock.settle();
    expect(first.selected()).toMatchObject({ id: 'one', state: 'connected', latency: 1.5 });
    const chosen = setUp({ chosen: 'two' });
    chosen.link.start();
    await chosen.clock.settle();
    expect(chosen.selected()?.id).toBe('two');
  });

  it('never takes the tour engine by itself', async () => {
    const { link, clock, world, selected, engines } = setUp({ found: [{ ...one, id: 'memory', kind: 'memory' }] });
    link.start();
    await clock.advance(12_000);
    expect(selected()).toBeUndefined();
    expect(engines.length).toBe(0);
    expect(() => link.need()).toThrow('No container engine was found');
    world.found.push(one);
    await clock.advance(5_000);
    expect(selected()?.id).toBe('one');
  });

  it.each<Trouble>(['refuses', 'hangs'])(
    'notices within ten seconds that the engine %s, and that it is back',
    async (trouble) => {
      const { link, clock, world, engines, selected } = setUp();
      link.start();
      await clock.advance(7_000);
      const facts: EngineFacts | undefined = link.facts;
      expect(facts?.kind).toBe('memory');
      world.trouble = trouble;
      const noticed = await clock.until(() => selected()?.state === 'away');
      expect(noticed).toBeLessThanOrEqual(10_000);
      expect(engines.length).toBe(1);
      // The engine stays in the hands of those who work on it; they wait.
      expect(link.engine === engines[0]).toBe(true);
      expect(selected()).toMatchObject({ words: { code: 'engine.away' } });
      expect(selected()?.nextTryAt).toBeGreaterThan(clock.now());
      expect(() => link.need()).toThrow('does not answer');
      await clock.advance(120_000);
      const tries = world.connects;
      await clock.advance(60_000);
      // Capped back-off: neither a hot loop nor silence.
      expect(world.connects - tries).toBeGreaterThanOrEqual(2);
      expect(world.connects - tries).toBeLessThanOrEqual(6);
      world.trouble = 'none';
      const back = await clock.until(() => selected()?.state === 'connected');
      expect(back).toBeLessThanOrEqual(30_000);
      expect(engines.length).toBe(1);
      expect(link.need() === engines[0]).toBe(true);
    },
  );

  it('hands out a new engine when another version answers at the same place', async () => {
    const { link, clock, world, engines, selected } = setUp();
    link.start();
    await clock.settle();
    world.trouble = 'refuses';
    await clock.until(() => selected()?.state === 'away');
    world.trouble = 'none';
    world.version = '99.0';
    await clock.until(() => selected()?.state === 'connected');
    expect(engines.map((engine) => engine !== undefined)).toEqual([true, false, true]);
    expect(selected()?.version).toBe('99.0');
  });

  it('looks at once when a call finds the door closed', async () => {
    const { link, clock, world, selected } = setUp();
    link.start();
    await clock.settle();
    world.trouble = 'refuses';
    await expect(link.need().list()).rejects.toThrow('connection refused');
    expect(await clock.until(() => selected()?.state === 'away')).toBeLessThan(500);
  });

  it('says so when it answers but acts hang, and clears it when one succeeds (F4, M11)', async () => {
    const { link, clock, world, selected } = setUp();
    link.start();
    await clock.settle();
    world.trouble = 'acts hang';
    void link.need().start('x');
    expect(await clock.until(() => selected()?.words?.code === 'engine.degraded')).toBeLessThanOrEqual(15_000);
    expect(selected()?.state).toBe('connected');
    expect(link.engine !== undefined).toBe(true);

    const other = setUp();
    other.link.start();
    await other.clock.settle();
    other.world.trouble = 'acts time out';
    for (let round = 0; round < 2; round++) await expect(other.link.need().start('x')).rejects.toThrow('timeout');
    await other.clock.advance(5_000);
    expect(other.selected()?.words?.code).toBe('engine.degraded');
    other.world.trouble = 'none';
    await other.link.need().start('x');
    await other.clock.advance(5_000);
    expect(other.selected()?.words).toBeUndefined();
  });

  it('changes engines, refuses barred and unknown ones, and tries at once when asked', async () => {
    const { link, clock, world, engines, selected } = setUp({ found: [one, two, barred] });
    link.start();
    await clock.settle();
    link.select('two');
    await clock.settle();
    expect(selected()?.id).toBe('two');
    expect(engines.map((engine) => engine !== undefined)).toEqual([true, false, true]);
    expect(() => link.select('barred')).toThrow('plain TCP');
    expect(() => link.select('nobody')).toThrow('no such engine');
    world.trouble = 'refuses';
    await clock.advance(60_000);
    expect(selected()?.state).toBe('away');
    world.trouble = 'none';
    link.retry();
    await clock.settle();
    expect(selected()?.state).toBe('connected');
  });

  it('keeps the selected engine in the list when its socket is gone, and asks the others', async () => {
    const { link, clock, world } = setUp();
    link.start();
    await clock.settle();
    world.found = [two];
    const views = await clock.finish(link.find());
    expect(views.map((view) => [view.id, view.state])).toEqual([
      ['one', 'connected'],
      ['two', 'connected'],
    ]);
  });

  it('leaves nothing behind', async () => {
    const { link, clock, engines, world } = setUp();
    link.start();
    await clock.advance(20_000);
    link.dispose();
    expect(world.released).toBe(world.connects);
    expect(engines.at(-1) === undefined).toBe(true);
    await clock.settle();
    expect(clock.pending).toBe(0);
  });

  it('keeps the identity of views that did not change', async () => {
    const { link, clock } = setUp();
    link.start();
    await clock.settle();
    const before = link.views();
    await clock.advance(5_000);
    expect(link.views()[0]).toBe(before[0]);
  });
});
