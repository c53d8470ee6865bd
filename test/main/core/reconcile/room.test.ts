import { afterEach, describe, expect, it } from 'vitest';
import { deploy, stackSpec, TestWorld } from './bench';

const gib = 1024 ** 3;
const worlds: TestWorld[] = [];
afterEach(() => {
  for (const world of worlds.splice(0)) world.dispose();
});

function start(memory = 4 * gib): TestWorld {
  const capacity = { name: 'box', cpus: 4, memory };
  const world = new TestWorld({ controller: { capacity: () => capacity } }).start();
  worlds.push(world);
  return world;
}
const reserving = (replicas: number, memory: number) => ({ deploy: deploy({ replicas, reservations: { memory } }) });
const shown = (world: TestWorld, key: string) => world.store.get('serviceStatus', key);

describe('reservations', () => {
  it('are not promised twice: what does not fit waits, and says what is free', async () => {
    const world = start();
    world.apply(stackSpec('shop', { web: reserving(3, 1.5 * gib) }));
    await world.clock.advance(30_000);
    const view = shown(world, 'shop/web');
    expect(view?.ready).toBe(2);
    const waiting = view?.replicaList.filter(({ state }) => state === 'pending');
    expect(waiting).toHaveLength(1);
    expect(waiting?.[0]?.words).toEqual({
      code: 'replica.noMemory',
      args: { node: 'box', need: '1.5 GiB', free: '1 GiB' },
    });
  });

  it('of others count too, and what they give back is taken up', async () => {
    const world = start();
    world.apply(stackSpec('shop', { web: reserving(2, gib), db: reserving(1, 3 * gib) }));
    await world.clock.advance(30_000);
    expect((shown(world, 'shop/web')?.ready ?? 0) + (shown(world, 'shop/db')?.ready ?? 0) * 3).toBeLessThanOrEqual(4);
    world.apply(stackSpec('shop', { web: reserving(2, gib) }));
    await world.clock.advance(30_000);
    expect(shown(world, 'shop/web')?.ready).toBe(2);
  });

  it('do not hold up a change of the service itself', async () => {
    const world = start();
    world.apply(stackSpec('shop', { web: reserving(2, 2 * gib) }));
    await world.well();
    world.apply(stackSpec('shop', { web: { ...reserving(2, 2 * gib), environment: { A: '1' } } }));
    await world.clock.advance(120_000);
    expect(shown(world, 'shop/web')).toMatchObject({ ready: 2, revision: 2 });
  });
});

describe('a cordoned node', () => {
  it('keeps what it runs, takes nothing new, and goes on when it is let', async () => {
    const world = start();
    world.apply(stackSpec('shop', { web: { deploy: deploy({ replicas: 2 }) } }));
    await world.well();
    const engine = world.engine.id;
    world.store.transact((transaction) => transaction.put('nodes', engine, { engine, cordonedAt: 0 }));
    world.apply(stackSpec('shop', { web: { deploy: deploy({ replicas: 4 }) } }));
    await world.clock.advance(30_000);
    expect(shown(world, 'shop/web')?.ready).toBe(2);
    expect(shown(world, 'shop/web')?.replicaList.at(-1)?.words.code).toBe('replica.cordoned');
    world.store.transact((transaction) => transaction.remove('nodes', engine));
    await world.clock.advance(30_000);
    expect(shown(world, 'shop/web')?.ready).toBe(4);
  });
});
