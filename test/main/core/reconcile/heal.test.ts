import { afterEach, describe, expect, it } from 'vitest';
import { deploy, stackSpec, TestWorld, type WorldOptions } from './bench';

let world: TestWorld;
afterEach(() => world.dispose());

async function shop(replicas = 3, options: WorldOptions = {}, spec = {}): Promise<TestWorld> {
  world = new TestWorld(options).start();
  world.apply(stackSpec('shop', { web: { deploy: deploy({ replicas }), ...spec } }));
  await world.well();
  await world.clock.advance(15_000);
  world.engine.forgetDeeds();
  return world;
}

describe('what people do by hand (M17)', () => {
  it('starts again what was killed, in place, at once', async () => {
    await shop();
    world.engine.hand.kill('shop.web.2.g1');
    expect(await world.well()).toBeLessThan(1500);
    expect(world.engine.deeds.map((deed) => [deed.verb, deed.name])).toEqual([['start', 'shop.web.2.g1']]);
  });

  it('starts again what was stopped', async () => {
    await shop();
    await world.clock.finish(world.engine.hand.stop('shop.web.1.g1'));
    await world.well();
    expect(world.containers('running')).toHaveLength(3);
  });

  it('replaces what was removed, under the next generation', async () => {
    await shop();
    world.engine.hand.remove('shop.web.3.g1');
    await world.well();
    expect(world.containers('running')).toEqual(['shop.web.1.g1', 'shop.web.2.g1', 'shop.web.3.g2']);
    const events = world.store.all('events').map((event) => event.kind);
    expect(events).toContain('replica.gone');
  });

  it('leaves a paused container alone and shows it', async () => {
    await shop();
    world.engine.hand.pause('shop.web.1.g1');
    await world.clock.advance(120_000);
    expect(world.engine.writes).toBe(0);
    expect(world.view('shop/web')).toMatchObject({ ready: 2, health: 'warning' });
    world.engine.hand.unpause('shop.web.1.g1');
    await world.well();
    expect(world.engine.writes).toBe(0);
  });

  it('names a renamed one back, reattaches a detached one, resets limits', async () => {
    await shop(1, {}, { deploy: deploy({ replicas: 1, limits: { memory: 64 * 1024 * 1024 } }) });
    world.engine.hand.rename('shop.web.1.g1', 'mine');
    await world.well();
    expect(world.containers()).toEqual(['shop.web.1.g1']);
    world.engine.hand.disconnect('shop_default', 'shop.web.1.g1');
    world.engine.hand.update('shop.web.1.g1', { limits: { memory: 32 * 1024 * 1024 } });
    await world.clock.advance(2000);
    await world.well();
    const [container] = world.engine.hand.containers();
    expect([...(container?.attachments.values() ?? [])].map((one) => one.name)).toEqual(['shop_default']);
    expect(container?.limits.memory).toBe(64 * 1024 * 1024);
  });

  it('replaces a dead container', async () => {
    await shop(2);
    world.engine.hand.makeDead('shop.web.1.g1');
    await world.clock.advance(60_000);
    await world.well();
    expect(world.containers()).toEqual(['shop.web.1.g2', 'shop.web.2.g1']);
  });

  it('heals from the timer alone when every event is lost (M15)', async () => {
    await shop(2);
    Object.assign(world.engine.daemon.events.trouble, { drop: 1 });
    world.engine.hand.remove('shop.web.1.g1');
    const took = await world.clock.until(() => world.containers('running').length === 2);
    expect(took).toBeLessThanOrEqual(31_000);
  });
});

describe('foreign containers (M18, I4)', () => {
  it('never touches one with our name, and takes the next generation instead', async () => {
    world = new TestWorld();
    const { createRequest } = await import('../../../support/builders');
    const id = world.engine.hand.create(createRequest({ name: 'shop.web.1.g1' }));
    world.start();
    world.apply(stackSpec('shop', { web: {} }));
    await world.well();
    expect(world.containers()).toEqual(['shop.web.1.g1', 'shop.web.1.g2']);
    const touched = world.engine.deeds.filter((deed) => deed.id === id && deed.verb !== 'create');
    expect(touched).toEqual([]);
    expect(world.store.all('events').map((event) => event.kind)).toContain('replica.nameTaken');
  });

  it('never touches one that carries our labels without an attempt', async () => {
    await shop(1);
    const { createRequest } = await import('../../../support/builders');
    const labels = world.engine.hand.containers()[0]?.labels ?? {};
    const id = world.engine.hand.create(createRequest({ name: 'shop.web.9.g9', labels }));
    world.engine.hand.start(id);
    await world.clock.advance(120_000);
    world.remove('shop');
    await world.clock.until(() => world.store.keys('stacks').length === 0);
    expect(world.containers('running')).toEqual(['shop.web.9.g9']);
  });
});

describe('failing starts', () => {
  it('shows a taken port, backs off, and starts when the port is free (F8, M19)', async () => {
    world = new TestWorld().start();
    world.engine.hand.stealPort(8080);
    const ports = [
      { target: 80, protocol: 'tcp' as const, published: { from: 8080, to: 8080 }, mode: 'ingress' as const },
    ];
    world.apply(stackSpec('shop', { web: { ports }, other: {} }));
    await world.clock.advance(3000);
    expect(world.view('shop/web')).toMatchObject({ health: 'critical', words: { code: 'replica.portTaken' } });
    expect(world.view('shop/other')).toMatchObject({ health: 'ok' });
    await world.clock.advance(300_000);
    const starts = world.engine.deeds.filter((deed) => deed.verb === 'start' && deed.name === 'shop.web.1.g1');
    expect(starts.length).toBeLessThan(14);
    world.engine.hand.freePort(8080);
    await world.well();
    expect(world.containers('running')).toHaveLength(2);
    expect(world.containers()).toHaveLength(2);
  });

  it('explains a missing image and goes on when it appears', async () => {
    world = new TestWorld({ registry: 'declared' }).start();
    world.apply(stackSpec('shop', { web: { image: 'nowhere:1' } }));
    await world.clock.advance(20_000);
    expect(world.view('shop/web')).toMatchObject({ health: 'critical', words: { code: 'replica.imageMissing' } });
    expect(world.view('shop/web')?.replicaList[0]).toMatchObject({ state: 'backoff' });
    world.engine.hand.addImage({ reference: 'nowhere:1' });
    await world.well(600_000);
    expect(world.containers('running')).toEqual(['shop.web.1.g1']);
  });
});

describe('crash loops and health', () => {
  it('leaves crashed processes to the engine and shows its back-off', async () => {
    world = new TestWorld({ images: [{ reference: 'web:1', program: { exit: { after: 200, code: 3 } } }] }).start();
    world.apply(stackSpec('shop', { web: {} }));
    await world.clock.advance(60_000);
    expect(world.view('shop/web')).toMatchObject({ health: 'critical', words: { code: 'service.backoff' } });
    expect(world.engine.deeds.filter((deed) => deed.verb === 'start')).toHaveLength(1);
    const [container] = world.engine.hand.containers();
    expect(container?.restarts.policy.name).toBe('always');
  });

  it('owns restarts with explicit delay and attempts, and gives up as told', async () => {
    world = new TestWorld({ images: [{ reference: 'web:1', program: { exit: { after: 100, code: 3 } } }] }).start();
    const restartPolicy = { condition: 'on-failure' as const, delay: 5000, maxAttempts: 3, window: 0 };
    world.apply(stackSpec('shop', { web: { deploy: deploy({ restartPolicy }) } }));
    await world.clock.advance(120_000);
    const starts = world.engine.deeds.filter((deed) => deed.verb === 'start');
    expect(starts).toHaveLength(4);
    const gaps = starts.slice(1).map((deed, index) => deed.at - (starts[index]?.at ?? 0));
    for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(5000);
    expect(world.view('shop/web')).toMatchObject({
      health: 'critical',
      words: { code: 'service.failed', args: { exit: 3 } },
    });
  });

  it('tells that memory ran out though the engine starts it again, and for a minute of running after it (M23)', async () => {
    const images = [{ reference: 'web:1', program: { exit: { after: 1000, code: 137, oom: true } } }];
    world = new TestWorld({ images }).start();
    world.apply(stackSpec('shop', { web: { deploy: deploy({ replicas: 1 }) } }));
    await world.clock.advance(20_000);
    const told = world.store.all('events').filter(({ kind }) => kind === 'replica.oom');
    expect(told.length).toBeGreaterThan(0);
    expect(world.view('shop/web')?.replicaList[0]?.oomKilled).toBe(true);
    // The engine counts these ends; ours would double them.
    expect(world.store.get('attempts', 'shop.web.1.g1')?.failures ?? 0).toBe(0);
  });

  it('replaces an unhealthy replica, and does not flap (M22)', async () => {
    const healthcheck = { test: ['CMD', 'probe'], interval: 1000, timeout: 500, retries: 2, startPeriod: 0 };
    await shop(2, {}, { healthcheck });
    world.engine.hand.setHealthy('shop.web.1.g1', false);
    await world.clock.until(() => world.containers('running').includes('shop.web.1.g2'));
    await world.well();
    for (let round = 0; round < 3600; round++) {
      for (const name of world.containers('running')) {
        if (name.startsWith('shop.web.1.')) world.engine.hand.setHealthy(name, false);
      }
      await world.clock.advance(1000);
    }
    const creates = world.engine.deeds.filter((deed) => deed.verb === 'create');
    expect(creates.length).toBeLessThanOrEqual(20);
    expect(creates.length).toBeGreaterThan(5);
  });

  it('counts an engine crash as one event and restarts everything (M8)', async () => {
    await shop(4);
    const crashedAt = world.clock.now();
    world.engine.hand.crashDaemon({ downFor: 5000 });
    await world.clock.advance(100);
    expect(world.view('shop/web')?.words.code).toBe('service.engineAway');
    await world.clock.advance(30_000);
    expect(world.view('shop/web')).toMatchObject({ ready: 4, health: 'ok' });
    expect(world.engine.hand.containers().every((one) => (one.startedAt ?? 0) > crashedAt)).toBe(true);
    const kinds = world.store.all('events').map((event) => event.kind);
    expect(kinds.filter((kind) => kind === 'replica.exited')).toHaveLength(0);
    const mass = world.store.all('events').filter((event) => event.kind === 'engine.massExit');
    expect(mass.map((event) => [event.count, event.words.args])).toEqual([[1, { count: 4 }]]);
    for (const row of world.store.all('attempts')) expect(row.failures ?? 0).toBe(0);
  });

  it('counts an engine crash as one event where we are the ones to restart (M8)', async () => {
    await shop(4, {}, { deploy: deploy({ replicas: 4, restartPolicy: { condition: 'any', delay: 1, window: 0 } }) });
    world.engine.hand.crashDaemon({ downFor: 5000 });
    await world.clock.advance(60_000);
    expect(world.containers('running')).toHaveLength(4);
    const mass = world.store.all('events').filter((event) => event.kind === 'engine.massExit');
    expect(mass.map((event) => [event.count, event.words.args])).toEqual([[1, { count: 4 }]]);
    for (const row of world.store.all('attempts')) expect(row.failures ?? 0).toBe(0);
  });

  it('keeps back-off and outages for the next controller of the same engine', async () => {
    const program = { exit: { after: 50, code: 1 } };
    const restartPolicy = { condition: 'any' as const, delay: 1, window: 0 };
    world = new TestWorld({ images: [{ reference: 'web:1', program }] }).start();
    world.apply(stackSpec('shop', { web: { deploy: deploy({ restartPolicy }) } }));
    await world.clock.advance(60_000);
    const starts = (): number => world.engine.deeds.filter((deed) => deed.verb === 'start').length;
    const before = starts();
    await world.another();
    await world.clock.advance(100);
    expect(starts()).toBe(before);
    // The back-off is near half a minute by now: it goes on, it neither begins anew nor doubles.
    await world.clock.advance(40_000);
    expect(starts() - before).toBeGreaterThanOrEqual(1);
    expect(starts() - before).toBeLessThanOrEqual(2);
  });

  it('does not hold an engine crash against its containers when another version answers', async () => {
    await shop(2, {}, { deploy: deploy({ replicas: 2, restartPolicy: { condition: 'any', delay: 1, window: 0 } }) });
    world.engine.hand.crashDaemon({ downFor: 5000 });
    await world.clock.advance(4000);
    await world.another();
    await world.clock.advance(60_000);
    expect(world.containers('running')).toHaveLength(2);
    for (const row of world.store.all('attempts')) expect(row.failures ?? 0).toBe(0);
  });

  it('adopts after an engine crash with live restore, with no writes (M9)', async () => {
    await shop(3);
    world.engine.hand.crashDaemon({ liveRestore: true, downFor: 3000 });
    await world.clock.advance(30_000);
    await world.well();
    expect(world.engine.writes).toBe(0);
  });
});

describe('the app itself', () => {
  it('adopts what runs after kill -9, with zero writes (M1)', async () => {
    await shop(5);
    await world.restart();
    await world.well();
    await world.clock.advance(60_000);
    expect(world.engine.writes).toBe(0);
    expect(world.view('shop/web')).toMatchObject({ ready: 5, health: 'ok' });
  });

  it('takes a stack down and keeps its volumes', async () => {
    world = new TestWorld().start();
    const spec = stackSpec('shop', {
      web: { dependsOn: [{ service: 'db', condition: 'service_started', restart: false, required: true }] },
      db: { mounts: [{ type: 'volume', source: 'data', target: '/data', readOnly: false }] },
    });
    spec.volumes['data'] = { name: 'shop_data', external: false, driverOpts: {}, labels: {} };
    world.apply(spec);
    await world.well();
    world.remove('shop');
    await world.clock.until(() => world.store.keys('stacks').length === 0);
    expect(world.containers()).toEqual([]);
    expect(world.engine.daemon.volumes.has('shop_data')).toBe(true);
    expect(world.engine.daemon.networks.list().map((network) => network.name)).not.toContain('shop_default');
    const removals = world.engine.deeds.filter((deed) => deed.verb === 'remove').map((deed) => deed.name);
    expect(removals).toEqual(['shop.web.1.g1', 'shop.db.1.g1']);
    expect(world.store.keys('services')).toEqual([]);
    expect(world.store.keys('attempts')).toEqual([]);
    world.apply(spec);
    await world.well();
    world.remove('shop', true);
    await world.clock.until(() => world.store.keys('stacks').length === 0);
    expect(world.engine.daemon.volumes.has('shop_data')).toBe(false);
  });

  it('does not let a hanging start block other replicas and services (F4, M11)', async () => {
    await shop(2);
    world.engine.faults.add({ verbs: ['create', 'start'], name: 'stuck', does: 'hang' });
    world.apply(stackSpec('other', { stuck: { deploy: deploy({ replicas: 3 }) }, fine: {} }));
    world.engine.hand.remove('shop.web.1.g1');
    await world.clock.advance(2000);
    expect(world.view('other/fine')).toMatchObject({ health: 'ok' });
    expect(world.containers('running')).toContain('shop.web.1.g2');
  });
});
