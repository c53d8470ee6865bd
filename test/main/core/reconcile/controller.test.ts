import { afterEach, describe, expect, it } from 'vitest';
import { deploy, stackSpec, TestWorld } from './bench';

let world: TestWorld;
afterEach(() => world.dispose());

describe('Controller', () => {
  it('brings a stack up, with its network, and leaves it alone afterwards', async () => {
    world = new TestWorld().start();
    world.apply(stackSpec('shop', { web: { deploy: deploy({ replicas: 3 }) } }));
    await world.well();
    expect(world.containers('running')).toEqual(['shop.web.1.g1', 'shop.web.2.g1', 'shop.web.3.g1']);
    expect(world.engine.daemon.networks.list().map((network) => network.name)).toContain('shop_default');
    expect(world.view('shop/web')).toMatchObject({ ready: 3, replicas: 3, health: 'ok' });
    await world.clock.advance(10_000);
    world.engine.forgetDeeds();
    await world.clock.advance(600_000);
    expect(world.engine.writes).toBe(0);
    expect(world.store.get('stackStatus', 'shop')).toMatchObject({ health: 'ok', services: 1, ready: 1 });
  });

  it('scales up and down', async () => {
    world = new TestWorld().start();
    world.apply(stackSpec('shop', { web: { deploy: deploy({ replicas: 3 }) } }));
    await world.well();
    world.scale('shop/web', 8);
    await world.well();
    expect(world.containers('running')).toHaveLength(8);
    world.scale('shop/web', 2);
    await world.well();
    expect(world.containers()).toEqual(['shop.web.1.g1', 'shop.web.2.g1']);
  });
});
