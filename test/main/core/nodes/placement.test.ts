/** Why a replica is where it is: kept with its row, and told as long as it runs. */
import { afterEach, describe, expect, it } from 'vitest';
import { say } from '../../../../src-main/contract/sentence';
import type { PlacementView } from '../../../../src-main/contract/nouns';
import type { ServiceSpec, StackSpec } from '../../../../src-main/contract/spec';
import { explain } from '../../../../src-main/core/reconcile/explain';
import { deploy, stackSpec } from '../reconcile/bench';
import { Cluster } from './cluster';

const clusters: Cluster[] = [];
afterEach(() => {
  for (const cluster of clusters.splice(0)) cluster.dispose();
});
async function start(names?: readonly string[]): Promise<Cluster> {
  const cluster = new Cluster(names);
  clusters.push(cluster);
  return cluster.start();
}

function why(cluster: Cluster, service: string, slot: number): PlacementView | undefined {
  const controller = cluster.controllers.current;
  const [view, input] = [cluster.view(service), controller?.inputOf(service)];
  if (!view || !input || !controller) throw new Error(`nothing is known of ${service}`);
  const nodeName = (id: string): string => controller.nameOf(id);
  return explain({ view, slot, input, nodeName, events: [], lastLines: [] }).placement;
}

const replicas = (count: number, more: Partial<ServiceSpec['deploy']> = {}): Partial<ServiceSpec> => ({
  deploy: deploy({ replicas: count, ...more }),
});
const placement = (more: Partial<ServiceSpec['deploy']['placement']>): ServiceSpec['deploy']['placement'] => ({
  constraints: [],
  preferences: [],
  ...more,
});

function withData(spec: StackSpec, service: string): StackSpec {
  const own = spec.services[service];
  if (own) own.mounts = [{ type: 'volume', source: 'data', target: '/data', readOnly: false }];
  return { ...spec, volumes: { data: { name: `${spec.name}_data`, external: false, driverOpts: {}, labels: {} } } };
}

describe('a replica that runs', () => {
  it('says by which scores its node was chosen, at which revision, and who came next', async () => {
    const cluster = await start(['one', 'two', 'three']);
    cluster.set('three', { cordonedAt: 1 });
    cluster.apply(stackSpec('shop', { web: replicas(2) }));
    await cluster.well();
    const [first, second] = cluster.attempts('shop/web');
    expect(new Set([first?.node, second?.node]).size).toBe(2);
    const told = why(cluster, 'shop/web', 2);
    expect(told).toMatchObject({ at: second?.createdAt, revision: 1, fit: 2 });
    expect(told?.words.code).toBe('place.best');
    expect(told?.rated).toHaveLength(2);
    expect(told?.rated[0]?.node).toBe(told?.node);
    const [best, next] = told?.rated ?? [];
    expect(best && next && best.score > next.score).toBe(true);
    for (const { score, parts } of told?.rated ?? [])
      expect(parts.reduce((sum, { value }) => sum + value, 0)).toBeCloseTo(score, 6);
    // The other node already had one of the service.
    const apart = next?.parts.find(({ words }) => words.code === 'place.spread');
    expect(apart?.value).toBeLessThan(0);
    expect(told?.refused.map(({ words, nodes }) => [say(words), nodes])).toEqual([['1 took nothing new', ['three']]]);
  });

  it('still says so after the world has changed, and a successor says its own', async () => {
    const cluster = await start();
    cluster.apply(stackSpec('shop', { web: replicas(1) }));
    await cluster.well();
    const before = why(cluster, 'shop/web', 1);
    const { node = '' } = cluster.attempts('shop/web')[0] ?? {};
    cluster.drain(node);
    await cluster.clock.advance(30_000);
    const after = why(cluster, 'shop/web', 1);
    // Two alike: neither is said to be better.
    expect(before?.words.code).toBe('place.even');
    expect(after?.words.code).toBe('place.only');
    expect(after?.node).not.toBe(before?.node);
    expect(after?.refused.map(({ words, nodes }) => [words.code, nodes])).toEqual([['place.cordoned', [before?.node]]]);
  });

  it('names what holds it: its data, its company, its mode', async () => {
    const cluster = await start();
    cluster.apply(withData(stackSpec('shop', { db: replicas(1) }), 'db'));
    cluster.apply(stackSpec('blog', { web: replicas(2), api: {} }));
    cluster.apply(stackSpec('agents', { agent: { deploy: deploy({ mode: 'global' }) } }));
    await cluster.well();
    const at = cluster.attempts('shop/db')[0]?.node;
    cluster.apply(withData(stackSpec('shop', { db: { ...replicas(1), environment: { A: '1' } } }), 'db'));
    await cluster.well();
    expect(cluster.attempts('shop/db')[0]?.node).toBe(at);
    const data = why(cluster, 'shop/db', 1);
    expect(data?.words).toMatchObject({ code: 'place.tieVolume', args: { volume: 'shop_data' } });
    expect(data?.refused.map(({ words }) => words.code)).toEqual(['place.data']);
    expect(why(cluster, 'blog/web', 2)?.words).toMatchObject({
      code: 'place.tieTogether',
      args: { services: 'api' },
    });
    expect(why(cluster, 'agents/agent', 2)?.words.code).toBe('place.tieGlobal');
    // Bounded, whatever the names.
    for (const attempt of cluster.store.all('attempts'))
      expect(JSON.stringify(attempt.placement).length).toBeLessThan(1000);
  });

  it('on the only engine says just that, and keeps nothing', async () => {
    const cluster = await start(['one']);
    cluster.apply(stackSpec('shop', { web: replicas(1) }));
    await cluster.well();
    expect(why(cluster, 'shop/web', 1)).toMatchObject({ words: { code: 'place.alone' }, rated: [], refused: [] });
    expect(cluster.attempts('shop/web')[0]?.placement).toBeUndefined();
    // A further node does not make up reasons afterwards.
    cluster.join('two');
    await cluster.clock.advance(10_000);
    expect(why(cluster, 'shop/web', 1)?.words.code).toBe('place.unknown');
  });
});

describe('a replica that no node takes', () => {
  it('says what each node refuses it for, counted', async () => {
    const cluster = await start(['one', 'two', 'three']);
    cluster.set('three', { cordonedAt: 1 });
    cluster.apply(stackSpec('shop', { web: replicas(3, { placement: placement({ maxReplicasPerNode: 1 }) }) }));
    await cluster.clock.advance(30_000);
    const told = why(cluster, 'shop/web', 3);
    expect(told?.node).toBeUndefined();
    expect(told?.words.code).toBe('replica.unplaced');
    expect(told?.refused.map(({ words, nodes }) => [say(words), nodes])).toEqual([
      ['2 had their share of it', ['Built-in engine', 'two']],
      ['1 took nothing new', ['three']],
    ]);
  });
});
