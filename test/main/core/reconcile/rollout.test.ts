import { afterEach, describe, expect, it } from 'vitest';
import type { ServiceSpec, UpdateSpec } from '../../../../src-main/contract/spec';
import { deploy, stackSpec, TestWorld, type WorldOptions } from './bench';
import { serviceSpec } from '../../../support/builders';

let world: TestWorld;
afterEach(() => world.dispose());

const healthcheck = { test: ['CMD', 'probe'], interval: 1000, timeout: 500, retries: 2, startPeriod: 0 };

function web(version: number, update: Partial<UpdateSpec> = {}, rest: Partial<ServiceSpec> = {}): Partial<ServiceSpec> {
  const base = serviceSpec().deploy;
  return {
    environment: { VERSION: String(version) },
    healthcheck,
    ...rest,
    deploy: deploy({ replicas: 4, update: { ...base.update, ...update }, ...rest.deploy }),
  };
}

/** Starts version 1, then watches every moment of what follows. */
async function begin(spec: Partial<ServiceSpec>, options: WorldOptions = {}): Promise<Watch> {
  world = new TestWorld(options).start();
  world.apply(stackSpec('shop', { web: spec }));
  await world.well();
  await world.clock.advance(20_000);
  world.engine.forgetDeeds();
  return new Watch();
}

class Watch {
  least = Infinity;
  most = 0;
  private look(): void {
    const live = world.engine.hand.containers().filter((one) => one.state === 'running');
    this.most = Math.max(this.most, live.length);
    this.least = Math.min(this.least, live.filter((one) => one.health === 'healthy' || one.health === 'none').length);
  }
  async until(condition: () => boolean, limit = 900_000): Promise<number> {
    return world.clock.until(() => {
      this.look();
      return condition();
    }, limit);
  }
}

function state(): string | undefined {
  return world.store.get('rollouts', 'shop/web')?.state;
}

function versions(): string[] {
  const running = world.engine.hand.containers().filter((one) => one.state === 'running');
  return running.map((one) => one.environment['VERSION'] ?? '?').sort();
}

describe('rolling', () => {
  it('start-first never goes below the wanted count and never above the surge', async () => {
    const watch = await begin(web(1, { order: 'start-first', parallelism: 2 }));
    world.apply(stackSpec('shop', { web: web(2, { order: 'start-first', parallelism: 2 }) }));
    await watch.until(() => state() === 'done');
    expect(watch).toMatchObject({ least: 4, most: 6 });
    expect(versions()).toEqual(['2', '2', '2', '2']);
    expect(world.store.get('revisions', 'shop/web@2')).toMatchObject({ stable: true });
    await world.well();
  });

  it('stop-first replaces at most `parallelism` at a time', async () => {
    const watch = await begin(web(1, { parallelism: 1 }));
    world.apply(stackSpec('shop', { web: web(2, { parallelism: 1 }) }));
    await watch.until(() => state() === 'done');
    expect(watch).toMatchObject({ least: 3, most: 4 });
    expect(world.containers('running')).toEqual(['shop.web.1.g2', 'shop.web.2.g2', 'shop.web.3.g2', 'shop.web.4.g2']);
  });

  it('waits `delay` between batches', async () => {
    const watch = await begin(web(1, { parallelism: 2, delay: 30_000 }));
    world.apply(stackSpec('shop', { web: web(2, { parallelism: 2, delay: 30_000 }) }));
    const took = await watch.until(() => state() === 'done');
    expect(took).toBeGreaterThan(30_000);
    expect(took).toBeLessThan(60_000);
  });

  it('recreates everything at once when told', async () => {
    const pilothouse = { rollout: { strategy: 'recreate' as const } };
    const watch = await begin(web(1, {}, { pilothouse }));
    world.apply(stackSpec('shop', { web: web(2, {}, { pilothouse }) }));
    let mixed = false;
    await watch.until(() => {
      mixed ||= new Set(versions()).size > 1;
      return state() === 'done';
    });
    expect(mixed).toBe(false);
    expect(watch.least).toBe(0);
  });

  it('replaces a service that binds a host port stop-first, whatever the file says', async () => {
    const ports = [{ target: 80, protocol: 'tcp' as const, published: { from: 80, to: 80 }, mode: 'host' as const }];
    const rest = { ports, deploy: deploy({ replicas: 1 }) };
    const watch = await begin(web(1, { order: 'start-first' }, rest));
    world.apply(stackSpec('shop', { web: web(2, { order: 'start-first' }, rest) }));
    await watch.until(() => state() === 'done');
    expect(watch.most).toBe(1);
  });

  it('does not replace for settings that make no other container', async () => {
    const watch = await begin(web(1));
    world.apply(stackSpec('shop', { web: web(1, { parallelism: 3 }) }));
    await watch.until(() => world.controller.idle);
    await world.clock.advance(30_000);
    expect(world.engine.writes).toBe(0);
    expect(world.store.get('services', 'shop/web')?.revision).toBe(2);
  });

  it('restarts one replica at a time on request', async () => {
    const watch = await begin(web(1));
    const row = world.store.get('services', 'shop/web');
    world.change('shop/web', { restartNonce: (row?.restartNonce ?? 0) + 1 });
    await watch.until(() => world.containers('running').every((name) => name.endsWith('g2')));
    await world.well();
    expect(watch.least).toBe(3);
    expect(world.containers('running')).toHaveLength(4);
  });

  it('honours surge and unavailable of x-pilothouse', async () => {
    const pilothouse = { rollout: { strategy: 'rolling' as const, surge: '25%', unavailable: 1 } };
    const watch = await begin(web(1, {}, { pilothouse }));
    world.apply(stackSpec('shop', { web: web(2, {}, { pilothouse }) }));
    await watch.until(() => state() === 'done');
    expect(watch).toMatchObject({ least: 3, most: 5 });
  });
});

describe('bad revisions', () => {
  const bad = {
    images: [
      { reference: 'web:1' },
      { reference: 'crash:1', program: { exit: { after: 300, code: 1 } } },
      { reference: 'sick:1', program: { readyAfter: 1e12 } },
    ],
    registry: 'declared' as const,
  };
  const update = { failureAction: 'rollback' as const, order: 'start-first' as const };

  it.each(['crash:1', 'sick:1'])(
    'rolls %s back to the last stable revision, without losing a replica (M21)',
    async (image) => {
      const watch = await begin(web(1, update), bad);
      world.apply(stackSpec('shop', { web: web(2, update, { image }) }));
      await watch.until(() => state() === 'rolled-back');
      await world.well();
      expect(watch.least).toBe(4);
      expect(versions()).toEqual(['1', '1', '1', '1']);
      expect(world.store.get('services', 'shop/web')?.revision).toBe(1);
      world.engine.forgetDeeds();
      await world.clock.advance(600_000);
      expect(world.engine.writes).toBe(0);
      const kinds = world.store.all('events').map((event) => event.kind);
      expect(kinds).toContain('rollout.failed');
      expect(kinds).toContain('rollout.rolledBack');
    },
  );

  it('stops before touching anything when the image cannot be had (M20)', async () => {
    const watch = await begin(web(1), bad);
    world.apply(stackSpec('shop', { web: web(2, {}, { image: 'nowhere:1' }) }));
    await watch.until(() => state() === 'paused');
    await world.clock.advance(60_000);
    expect(versions()).toEqual(['1', '1', '1', '1']);
    expect(watch.least).toBe(4);
    expect(world.view('shop/web')).toMatchObject({
      ready: 4,
      health: 'warning',
      words: { code: 'event.rolloutFailed' },
    });
  });

  it('pauses by default; the old replicas go on being healed at their own revision', async () => {
    const watch = await begin(web(1, { parallelism: 1 }), bad);
    world.apply(stackSpec('shop', { web: web(2, { parallelism: 1 }, { image: 'crash:1' }) }));
    await watch.until(() => state() === 'paused');
    expect(versions().filter((version) => version === '1')).toHaveLength(3);
    world.engine.hand.remove('shop.web.4.g1');
    await world.clock.advance(10_000);
    expect(versions().filter((version) => version === '1')).toHaveLength(3);
  });

  it('ends on the deadline when nothing moves (L5)', async () => {
    const rollout = { strategy: 'rolling' as const, progressDeadline: 60_000 };
    const slow = { ...healthcheck, startPeriod: 1e9 };
    const watch = await begin(web(1, update, { pilothouse: { rollout } }), bad);
    const spec = web(2, update, { image: 'sick:1', pilothouse: { rollout }, healthcheck: slow });
    world.apply(stackSpec('shop', { web: spec }));
    const took = await watch.until(() => state() === 'rolled-back');
    expect(took).toBeGreaterThan(59_000);
    expect(took).toBeLessThan(80_000);
    expect(watch.least).toBe(4);
  });

  it('never rolls a rollback back, and without a stable revision stops and tells', async () => {
    world = new TestWorld(bad).start();
    world.apply(stackSpec('shop', { web: web(1, update, { image: 'crash:1' }) }));
    await world.clock.advance(30_000);
    world.apply(stackSpec('shop', { web: web(2, update, { image: 'crash:1' }) }));
    await world.clock.until(() => state() === 'failed');
    await world.clock.advance(300_000);
    expect(state()).toBe('failed');
    expect(world.store.get('services', 'shop/web')?.revision).toBe(2);
  });

  it('goes over from one rollout to the next without a gap', async () => {
    const watch = await begin(web(1, { order: 'start-first' }), bad);
    world.apply(stackSpec('shop', { web: web(2, { order: 'start-first' }, { image: 'sick:1' }) }));
    await world.clock.advance(700);
    world.apply(stackSpec('shop', { web: web(3, { order: 'start-first' }) }));
    await watch.until(() => state() === 'done');
    await world.well();
    expect(versions()).toEqual(['3', '3', '3', '3']);
    expect(watch.least).toBe(4);
    expect(watch.most).toBeLessThanOrEqual(5);
  });
});

describe('dependencies', () => {
  it('waits for health and completion, and runs jobs once', async () => {
    world = new TestWorld({
      images: [{ reference: 'web:1' }, { reference: 'job:1', program: { exit: { after: 5000, code: 0 } } }],
    }).start();
    const on = (service: string, condition: 'service_healthy' | 'service_completed_successfully') => ({
      service,
      condition,
      restart: false,
      required: true,
    });
    world.apply(
      stackSpec('shop', {
        web: { dependsOn: [on('api', 'service_healthy')] },
        api: { healthcheck, dependsOn: [on('migrate', 'service_completed_successfully')] },
        migrate: { image: 'job:1' },
      }),
    );
    await world.clock.advance(1000);
    expect(world.containers()).toEqual(['shop.migrate.1.g1']);
    expect(world.view('shop/web')).toMatchObject({
      health: 'progress',
      words: { code: 'service.waiting', args: { dependency: 'api' } },
    });
    await world.well();
    const starts = world.engine.deeds.filter((deed) => deed.verb === 'start').map((deed) => deed.name);
    expect(starts).toEqual(['shop.migrate.1.g1', 'shop.api.1.g1', 'shop.web.1.g1']);
    expect(world.view('shop/migrate')).toMatchObject({ mode: 'job', words: { code: 'service.done' } });
    world.engine.hand.remove('shop.migrate.1.g1');
    await world.clock.advance(60_000);
    await world.restart();
    await world.clock.advance(60_000);
    expect(world.containers()).not.toContain('shop.migrate.1.g2');
    expect(world.store.get('stackStatus', 'shop')).toMatchObject({ health: 'ok' });
  });
});
