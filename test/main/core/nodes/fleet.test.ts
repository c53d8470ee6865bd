import { afterEach, describe, expect, it } from 'vitest';
import { never } from '../../../../src-main/base/lifecycle';
import type { Caller } from '../../../../src-main/contract/api';
import type { ServiceSpec, StackSpec } from '../../../../src-main/contract/spec';
import { deploy, stackSpec } from '../reconcile/bench';
import { Cluster } from './cluster';

const caller: Caller = { kind: 'cli', signal: never };
const clusters: Cluster[] = [];
afterEach(() => {
  for (const cluster of clusters.splice(0)) cluster.dispose();
});
async function start(names?: readonly string[]): Promise<Cluster> {
  const cluster = new Cluster(names);
  clusters.push(cluster);
  return cluster.start();
}
const replicas = (count: number): Partial<ServiceSpec> => ({ deploy: deploy({ replicas: count }) });

/** A service with its data in a volume of the stack. */
function withVolume(name: string, services: Record<string, Partial<ServiceSpec>>, users: string[]): StackSpec {
  const mounts: ServiceSpec['mounts'] = [{ type: 'volume', source: 'data', target: '/data', readOnly: false }];
  const given = Object.entries(services).map(([key, spec]) => [key, users.includes(key) ? { ...spec, mounts } : spec]);
  return {
    ...stackSpec(name, Object.fromEntries(given) as Record<string, Partial<ServiceSpec>>),
    volumes: { data: { name: `${name}_data`, external: false, driverOpts: {}, labels: {} } },
  };
}

describe('one engine alone', () => {
  it('is handed out as it is, and nothing is written for it', async () => {
    const cluster = await start(['one']);
    expect(cluster.handed).toHaveLength(1);
    expect(cluster.handed[0]).toBe(cluster.link.engine);
    expect(cluster.fleet.engine).toBeUndefined();
    expect(cluster.store.all('nodes')).toEqual([]);
    expect(await cluster.calls['nodes.list']({}, caller)).toMatchObject([
      { id: 'one', home: true, state: 'ready', usedCpus: 0.5, usedMemory: 7, replicas: 0 },
    ]);
    cluster.apply(stackSpec('shop', { web: replicas(2) }));
    await cluster.well();
    expect(cluster.attempts('shop/web').map(({ node, remote }) => ({ node, remote }))).toEqual([
      { node: 'one', remote: undefined },
      { node: 'one', remote: undefined },
    ]);
  });
});

describe('two engines as nodes', () => {
  it('share the replicas of a service, with a network on each', async () => {
    const cluster = await start();
    cluster.apply(stackSpec('shop', { web: replicas(4) }));
    await cluster.well();
    expect(cluster.on('one')).toHaveLength(2);
    expect(cluster.on('two')).toHaveLength(2);
    for (const id of ['one', 'two'])
      expect(
        cluster
          .engine(id)
          .daemon.networks.list()
          .map(({ name }) => name),
      ).toContain('shop_default');
    expect(cluster.view('shop/web')).toMatchObject({ ready: 4, health: 'ok' });
  });

  it('take a stack that ran on one of them over as it is', async () => {
    const cluster = await start(['one']);
    cluster.apply(stackSpec('shop', { web: replicas(3) }));
    await cluster.well();
    const before = cluster.on('one');
    cluster.engine('one').forgetDeeds();
    cluster.join('two');
    await cluster.clock.advance(60_000);
    expect(cluster.on('one')).toEqual(before);
    expect(cluster.engine('one').writes).toBe(0);
  });

  it('keep services that reach each other by name on one of them, unless they are let go', async () => {
    const cluster = await start();
    cluster.apply(stackSpec('shop', { web: replicas(3), api: replicas(2), db: {} }));
    await cluster.well();
    expect([cluster.on('one').length, cluster.on('two').length].sort()).toEqual([0, 6]);
    const free = { pilothouse: { spread: true } };
    cluster.apply(stackSpec('blog', { web: { ...replicas(2), ...free }, api: { ...replicas(2), ...free } }));
    await cluster.well();
    for (const id of ['one', 'two']) expect(cluster.on(id).some((name) => name.startsWith('blog.'))).toBe(true);
  });

  it('obey constraints, limits per node, and modes with one replica on each', async () => {
    const cluster = await start();
    cluster.set('two', { labels: { disk: 'ssd' } });
    const placement = (more: object) => ({ constraints: [], preferences: [], ...more });
    cluster.apply({
      ...stackSpec('a', {
        db: { deploy: deploy({ replicas: 2, placement: placement({ constraints: ['node.labels.disk == ssd'] }) }) },
      }),
    });
    cluster.apply(
      stackSpec('b', { web: { deploy: deploy({ replicas: 3, placement: placement({ maxReplicasPerNode: 1 }) }) } }),
    );
    cluster.apply(stackSpec('c', { agent: { deploy: deploy({ mode: 'global' }) } }));
    await cluster.clock.advance(60_000);
    expect(cluster.attempts('a/db').map(({ node }) => node)).toEqual(['two', 'two']);
    expect(cluster.view('b/web')?.ready).toBe(2);
    expect(cluster.view('b/web')?.replicaList.at(-1)?.words).toEqual({
      code: 'replica.unplaced',
      args: { reason: '2 have their share of it' },
    });
    expect(
      cluster
        .attempts('c/agent')
        .map(({ node }) => node)
        .sort(),
    ).toEqual(['one', 'two']);
    cluster.drain('two');
    await cluster.clock.advance(60_000);
    expect(cluster.attempts('c/agent').map(({ node }) => node)).toEqual(['one']);
    expect(cluster.view('c/agent')).toMatchObject({ ready: 1, replicas: 1, health: 'ok' });
  });
});

describe('a drained node', () => {
  it('gives its replicas away one by one, each when its successor serves', async () => {
    const cluster = await start();
    cluster.apply(stackSpec('shop', { web: replicas(4) }));
    await cluster.well();
    const plan = await cluster.calls['nodes.planDrain']({ node: 'two' }, caller);
    expect(plan).toMatchObject([{ service: 'shop/web', replicas: 2, moves: true, to: ['Built-in engine'] }]);
    cluster.drain('two');
    let least = 9;
    let most = 0;
    await cluster.watch(60_000, () => {
      least = Math.min(least, cluster.view('shop/web')?.ready ?? 0);
      most = Math.max(most, cluster.running('shop/web').length);
    });
    expect(cluster.on('two')).toEqual([]);
    expect(cluster.on('one', 'running')).toHaveLength(4);
    expect(least).toBe(4);
    expect(most).toBeLessThanOrEqual(5);
    expect(cluster.view('shop/web')).toMatchObject({ ready: 4, health: 'ok' });
    expect(cluster.view('shop/web')?.rollout).toBeUndefined();
  });

  it('keeps what has its data there, and those who must be with it', async () => {
    const cluster = await start();
    cluster.set('one', { cordonedAt: 1 });
    cluster.apply(withVolume('shop', { db: {}, web: replicas(2) }, ['db']));
    await cluster.well();
    const { cordonedAt: _, ...open } = cluster.store.get('nodes', 'one') ?? { engine: 'one' };
    cluster.store.transact((transaction) => transaction.put('nodes', 'one', open));
    expect(cluster.on('two')).toHaveLength(3);
    const before = cluster.on('two');
    cluster.drain('two');
    await cluster.clock.advance(120_000);
    expect(cluster.on('two')).toEqual(before);
    expect(cluster.on('one')).toEqual([]);
    const plan = await cluster.calls['nodes.planDrain']({ node: 'two' }, caller);
    expect(plan.map(({ service, moves, words }) => [service, moves, words.code])).toEqual([
      ['shop/db', false, 'replica.dataKept'],
      ['shop/web', false, 'replica.keptWith'],
    ]);
  });

  it('loses a whole stack of services that belong together to another node', async () => {
    const cluster = await start();
    cluster.set('one', { cordonedAt: 1 });
    cluster.apply(stackSpec('shop', { api: {}, web: replicas(2) }));
    await cluster.well();
    cluster.store.transact((transaction) => transaction.remove('nodes', 'one'));
    cluster.drain('two');
    await cluster.clock.advance(60_000);
    expect(cluster.on('two')).toEqual([]);
    expect(cluster.on('one', 'running')).toHaveLength(3);
  });
});

describe('a node that is away', () => {
  it('for a moment changes nothing', async () => {
    const cluster = await start();
    cluster.apply(stackSpec('shop', { web: replicas(4) }));
    await cluster.well();
    const before = cluster.attempts('shop/web').map(({ name }) => name);
    cluster.engine('two').hand.crashDaemon({ downFor: 20_000, liveRestore: true });
    await cluster.clock.advance(15_000);
    expect(
      cluster
        .view('shop/web')
        ?.replicaList.map(({ words }) => words.code)
        .sort(),
    ).toEqual(['replica.nodeAway', 'replica.nodeAway', 'replica.ready', 'replica.ready']);
    await cluster.clock.advance(60_000);
    expect(cluster.attempts('shop/web').map(({ name }) => name)).toEqual(before);
    expect(cluster.view('shop/web')).toMatchObject({ ready: 4, health: 'ok' });
  });

  it('for longer than its grace is replaced, and gives up its surplus when it is back', async () => {
    const cluster = await start();
    cluster.apply(stackSpec('shop', { web: replicas(4) }));
    await cluster.well();
    cluster.engine('two').hand.crashDaemon({ liveRestore: true });
    await cluster.clock.advance(59_000);
    expect(cluster.on('one', 'running')).toHaveLength(2);
    await cluster.clock.advance(20_000);
    expect(cluster.on('one', 'running')).toHaveLength(4);
    expect(cluster.view('shop/web')).toMatchObject({ ready: 4, health: 'ok' });
    // Cut off, not dead: its containers ran on all the time.
    expect(cluster.on('two', 'running')).toHaveLength(2);
    void cluster.engine('two').hand.startDaemon();
    await cluster.clock.advance(60_000);
    expect(cluster.on('two')).toEqual([]);
    expect(cluster.on('one', 'running')).toHaveLength(4);
    expect(new Set(cluster.attempts('shop/web').map(({ slot }) => slot)).size).toBe(4);
    const kinds = cluster.store.all('events').map(({ kind }) => kind);
    expect(kinds).toContain('node.away');
    expect(kinds).toContain('node.back');
  });

  it('may be the first one as well', async () => {
    const cluster = await start();
    cluster.apply(stackSpec('shop', { web: replicas(2) }));
    await cluster.well();
    cluster.engine('one').hand.crashDaemon();
    await cluster.clock.advance(90_000);
    expect(cluster.on('two', 'running')).toHaveLength(2);
    void cluster.engine('one').hand.startDaemon();
    await cluster.clock.advance(60_000);
    expect(cluster.running('shop/web')).toHaveLength(2);
    expect(cluster.view('shop/web')).toMatchObject({ ready: 2, health: 'ok' });
  });

  it('is waited for by what has its data there; nothing is begun empty elsewhere', async () => {
    const cluster = await start();
    cluster.set('one', { cordonedAt: 1 });
    cluster.apply(withVolume('shop', { db: {} }, ['db']));
    await cluster.well();
    cluster.set('one', { cordonedAt: 1, labels: {} });
    cluster.store.transact((transaction) => transaction.remove('nodes', 'one'));
    cluster.engine('two').hand.crashDaemon();
    await cluster.clock.advance(300_000);
    expect(cluster.on('one')).toEqual([]);
    expect(cluster.engine('one').daemon.volumes.list()).toEqual([]);
    expect(cluster.view('shop/db')?.replicaList[0]?.words).toEqual({
      code: 'replica.dataAway',
      args: { volume: 'shop_data', node: 'two' },
    });
    void cluster.engine('two').hand.startDaemon();
    await cluster.clock.advance(60_000);
    expect(cluster.on('two', 'running')).toEqual(['shop.db.1.g1']);
    expect(cluster.view('shop/db')).toMatchObject({ ready: 1, health: 'ok' });
  });
});
