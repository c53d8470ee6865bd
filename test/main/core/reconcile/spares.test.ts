/** Warm spares: they sleep, they are nobody's replica, they wake instead of a cold start, and come back. */
import { afterEach, describe, expect, it } from 'vitest';
import { seeded } from '../../../../src-main/base/random';
import { deploy, stackSpec, TestWorld, type WorldOptions } from './bench';

let world: TestWorld;
afterEach(() => world.dispose());

const web = 'shop/web';

async function shop(replicas: number, spares: number, options: WorldOptions = {}, spec = {}): Promise<TestWorld> {
  world = new TestWorld(options).start();
  world.apply(
    stackSpec('shop', { web: { deploy: deploy({ replicas }), pilothouse: { warmSpares: spares }, ...spec } }),
  );
  await warm(replicas, spares);
  return world;
}

/** So many replicas serve, and so many spares sleep. */
async function warm(replicas: number, spares: number): Promise<void> {
  await world.clock.until(() => {
    const view = world.view(web);
    return view?.ready === replicas && view.replicaList.length === replicas && (view.spares?.warm ?? 0) === spares;
  });
}

async function networks(id: string): Promise<string[]> {
  return Object.keys((await world.clock.finish(world.engine.inspect(id)))?.networks ?? {});
}

describe('warm spares', () => {
  it('are made once the service is well, sleep, and are no replicas', async () => {
    await shop(2, 2);
    expect(world.containers('running')).toHaveLength(2);
    expect(world.containers('paused')).toHaveLength(2);
    const view = world.view(web);
    expect(view).toMatchObject({ ready: 2, replicas: 2, health: 'ok', spares: { wanted: 2, warm: 2 } });
    expect(view?.replicaList).toHaveLength(2);
    // No name of the network leads to who does not answer.
    for (const one of world.engine.hand.containers().filter(({ state }) => state === 'paused'))
      expect(await networks(one.id)).toEqual([]);
    await world.clock.advance(60_000);
    world.engine.forgetDeeds();
    await world.clock.advance(600_000);
    expect(world.engine.deeds).toEqual([]);
  });

  it('wake when the service grows, without a create, and are made anew', async () => {
    await shop(1, 3);
    const before = world.containers();
    world.scale(web, 3);
    await world.clock.until(() => world.view(web)?.ready === 3);
    const serving = world.view(web)?.replicaList.map(({ container }) => container?.name) ?? [];
    expect(before).toEqual(expect.arrayContaining(serving));
    for (const one of world.engine.hand.containers().filter(({ state }) => state === 'running'))
      expect(await networks(one.id)).toEqual(['shop_default']);
    await warm(3, 3);
    expect(world.store.all('events').filter(({ kind }) => kind === 'replica.woken')).toHaveLength(2);
  });

  it('take the place of a replica that somebody removed', async () => {
    await shop(2, 1);
    const before = world.containers();
    world.engine.hand.remove('shop.web.1.g1');
    await world.clock.until(() => world.view(web)?.ready === 2 && world.containers('running').length === 2);
    expect(before).toEqual(
      expect.arrayContaining(world.view(web)?.replicaList.map((one) => one.container?.name) ?? []),
    );
    await warm(2, 1);
  });

  it('of an old version go when a rollout begins, and new ones come when it is over', async () => {
    await shop(2, 2);
    const spec = { deploy: deploy({ replicas: 2 }), pilothouse: { warmSpares: 2 }, environment: { VERSION: '2' } };
    world.apply(stackSpec('shop', { web: spec }));
    await world.clock.until(() => world.view(web)?.rollout?.state === 'done');
    await warm(2, 2);
    const hashes = world.store.all('attempts').map(({ hash }) => hash);
    expect(new Set(hashes).size).toBe(1);
  });

  it('go with the service, when it is stopped, and when fewer are wanted', async () => {
    await shop(1, 3);
    world.apply(stackSpec('shop', { web: { deploy: deploy({ replicas: 1 }), pilothouse: { warmSpares: 1 } } }));
    await warm(1, 1);
    expect(world.containers()).toHaveLength(2);
    world.change(web, { stopped: true });
    await world.clock.until(() => world.containers().length === 0);
    world.change(web, { stopped: false });
    await warm(1, 1);
    world.remove('shop');
    await world.clock.until(() => world.containers().length === 0);
  });

  it('survive a kill of the app at any effect: nothing is doubled, nothing sleeps for ever', async () => {
    for (let bomb = 1; bomb <= 40; bomb += 1) {
      world = new TestWorld().start();
      const spec = { deploy: deploy({ replicas: 1 }), pilothouse: { warmSpares: 2 } };
      let effects = 0;
      const strike = (): void => {
        effects += 1;
        if (effects === bomb) world.kill();
      };
      world.engine.hooks = { beforeEffect: strike, afterEffect: strike };
      world.apply(stackSpec('shop', { web: spec }));
      await world.clock.advance(5000);
      if (effects < bomb) world.scale(web, 3);
      await world.clock.advance(3000);
      if (effects >= bomb) await world.launch();
      if (world.view(web)?.replicas !== 3) world.scale(web, 3);
      world.engine.hooks = {};
      await warm(3, 2);
      expect(world.containers()).toHaveLength(5);
      world.dispose();
    }
  });

  it('are not for services whose replicas have identities', async () => {
    await shop(1, 0, {}, { pilothouse: { warmSpares: 2, stateful: true } });
    await world.clock.advance(20_000);
    expect(world.containers()).toHaveLength(1);
    expect(world.view(web)?.spares).toBeUndefined();
  });

  it('hold to what was promised in random lives: ready ones run, spares sleep, no slot is held twice', async () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const random = seeded(seed);
      world = new TestWorld({ seed }).start();
      let [replicas, spares, version] = [1 + Math.floor(random() * 4), Math.floor(random() * 4), 1];
      const declare = (): void => {
        world.apply(
          stackSpec('shop', {
            web: {
              deploy: deploy({ replicas, update: { ...deploy({}).update, failureAction: 'continue' } }),
              pilothouse: { warmSpares: spares },
              environment: { VERSION: String(version) },
            },
          }),
        );
      };
      declare();
      for (let step = 0; step < 25; step += 1) {
        const what = Math.floor(random() * 7);
        const names = world.containers();
        const victim = names[Math.floor(random() * names.length)];
        if (what === 0) world.scale(web, (replicas = Math.floor(random() * 6)));
        else if (what === 1) {
          spares = Math.floor(random() * 4);
          version += random() < 0.4 ? 1 : 0;
          replicas = 1 + Math.floor(random() * 4);
          declare();
        } else if (what === 2 && victim !== undefined) world.engine.hand.remove(victim);
        else if (what === 3 && victim !== undefined && world.containers('running').includes(victim))
          world.engine.hand.kill(victim);
        else if (what === 4) {
          world.kill();
          await world.launch();
        }
        for (let beat = 0; beat < 4; beat += 1) {
          await world.clock.advance(Math.floor(random() * 900));
          const slots = world.engine.hand
            .containers()
            .filter(({ state }) => state === 'running' || state === 'paused')
            .map(({ name }) => name.split('.')[2]);
          const view = world.view(web);
          const rolling = view?.rollout?.state === 'running';
          if (!rolling) expect(new Set(slots).size, `seed ${seed} step ${step}`).toBe(slots.length);
          const asleep = new Set(
            world.engine.hand.containers().flatMap(({ id, state }) => (state === 'paused' ? [id] : [])),
          );
          for (const one of view?.replicaList ?? [])
            if (one.state === 'ready') expect(asleep.has(one.container?.id ?? ''), `seed ${seed}`).toBe(false);
        }
      }
      // A file that is applied again keeps the count that was scaled to.
      replicas = world.store.get('services', web)?.replicas ?? 0;
      await warm(replicas, spares).catch(() => {
        const rows = world.store.all('attempts').map((row) => `${row.name} ${row.state} ${String(row.spare)}`);
        const held = world.engine.hand.containers().map(({ name, state }) => `${name} ${state}`);
        throw new Error(`seed ${seed}: ${replicas}+${spares}: ${JSON.stringify([rows, held, world.view(web)])}`);
      });
      expect(world.containers().length, `seed ${seed}`).toBe(replicas + spares);
      world.dispose();
    }
  });
});
