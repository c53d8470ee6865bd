/** The map of services: where things stand, what joins them, how arrows walk, and how many fit. */
import { describe, expect, it } from 'vitest';
import type { NodeView, ReplicaView, ServiceView, VolumeView } from '../../../src-main/contract/nouns';
import { flowWidth } from '../../../src-renderer/views/topology/draw';
import {
  connected,
  itemAt,
  layoutMap,
  mostNamed,
  neighbour,
  type MapInput,
  type MapService,
} from '../../../src-renderer/views/topology/layout';
import { mapInput } from '../../../src-renderer/views/topology/mapInput';

const rateText = (rate: number): string => `${rate}/s`;
const service = (key: string, count: number, more: Partial<MapService> = {}): MapService => ({
  key,
  stack: key.slice(0, key.indexOf('/')),
  name: key.slice(key.indexOf('/') + 1),
  state: 'ok',
  direct: false,
  replicas: Array.from({ length: count }, (_none, index) => ({
    id: `${key}.${index + 1}`,
    label: `${index + 1}`,
    state: 'ok' as const,
    node: 'local',
  })),
  ...more,
});
const input = (...services: MapService[]): MapInput => ({
  services,
  nodes: [{ id: 'local', label: 'local', state: 'ok' }],
  volumes: [{ id: 'data', label: 'data', state: 'ok', services: ['shop/db'] }],
});

describe('the map', () => {
  const layout = layoutMap(
    input(service('shop/web', 3, { requests: 12 }), service('shop/db', 1, { direct: true })),
    1200,
    rateText,
  );
  const item = (id: string): (typeof layout.items)[number] => {
    const found = layout.items.find((one) => one.id === id);
    if (!found) throw new Error(`No ${id} on the map`);
    return found;
  };

  it('has columns from the way in to the nodes', () => {
    const order = ['gateway', 'service shop/web', 'replica shop/web.1', 'node local'].map((id) => item(id).x);
    expect(order).toEqual([...order].sort((left, right) => left - right));
    expect(item('gateway').note).toBe('12/s');
  });

  it('joins what belongs together, and nothing else', () => {
    const joins = layout.edges.map(({ from, to, kind }) => `${from} → ${to} ${kind}`);
    expect(joins).toContain('gateway → service shop/web traffic');
    expect(joins).toContain('host → service shop/db direct');
    expect(joins).toContain('service shop/db → volume data mounts');
    expect(joins).toContain('replica shop/web.2 → node local runs');
    expect(joins).not.toContain('gateway → service shop/db traffic');
  });

  it('keeps things apart and inside', () => {
    const solid = layout.items.filter(({ kind }) => kind !== 'stack');
    for (const one of solid) {
      expect(one.x + one.width, one.id).toBeLessThanOrEqual(layout.width);
      expect(one.y + one.height, one.id).toBeLessThanOrEqual(layout.height);
      for (const other of solid) {
        const over =
          one.x < other.x + other.width &&
          other.x < one.x + one.width &&
          one.y < other.y + other.height &&
          other.y < one.y + one.height;
        if (one !== other) expect(over, `${one.id} over ${other.id}`).toBe(false);
      }
    }
  });

  it('says what stands at a point, and what is joined to it', () => {
    const web = item('service shop/web');
    expect(itemAt(layout, web.x + 5, web.y + 5)?.id).toBe(web.id);
    expect(itemAt(layout, 0, 0)).toBeUndefined();
    const around = connected(layout, 'replica shop/web.2');
    expect([...around].sort()).toEqual(['gateway', 'node local', 'replica shop/web.2', 'service shop/web']);
  });

  it('is walked by arrows, and every item can be reached', () => {
    const reached = new Set<string>();
    const open = [neighbour(layout, undefined, 'ArrowDown')];
    for (let one = open.pop(); one; one = open.pop()) {
      if (reached.has(one.id)) continue;
      reached.add(one.id);
      for (const way of ['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight'] as const) {
        const next = neighbour(layout, one, way);
        if (next) open.push(next);
      }
    }
    expect([...reached].sort()).toEqual(
      layout.items
        .filter(({ kind }) => kind !== 'stack')
        .map(({ id }) => id)
        .sort(),
    );
  });
});

it('a service of many replicas is a block of marks with one bundle to its node', () => {
  const layout = layoutMap(input(service('shop/web', mostNamed + 1)), 1200, rateText);
  const marks = layout.items.filter(({ kind }) => kind === 'replica');
  expect(marks).toHaveLength(mostNamed + 1);
  expect(new Set(marks.map(({ label }) => label))).toEqual(new Set(['']));
  expect(layout.edges.filter(({ to }) => to === 'node local')).toHaveLength(1);
});

it('a thousand replicas of twenty services stay few lines and a screen or two', () => {
  const many = Array.from({ length: 20 }, (_none, index) => service(`s/a${index}`, 50, { requests: index }));
  const layout = layoutMap(input(...many), 1440, rateText);
  expect(layout.items.filter(({ kind }) => kind === 'replica')).toHaveLength(1000);
  expect(layout.edges.length).toBeLessThan(100);
  expect(layout.height).toBeLessThan(2500);
});

it('lines grow with the logarithm of what flows', () => {
  expect(flowWidth(0)).toBe(1);
  expect(flowWidth(10)).toBeLessThan(flowWidth(1000));
  expect(flowWidth(1e9)).toBeLessThanOrEqual(6);
});

describe('facts', () => {
  const replica = (slot: number, generation: number): ReplicaView =>
    ({ id: `shop/web.${slot}`, slot, generation, health: 'ok', node: 'local' }) as ReplicaView;
  const web = {
    key: 'shop/web',
    stack: 'shop',
    name: 'web',
    health: 'ok',
    words: { code: 'service.running' },
    ports: [],
    replicaList: [replica(1, 2), replica(1, 1), replica(2, 1)],
  } as unknown as ServiceView;
  const volume = (name: string, users: string[], ours: boolean): VolumeView =>
    ({ name, users, ours, driver: 'local', createdAt: 0 }) as VolumeView;
  const facts = {
    services: [web],
    nodes: [{ id: 'local', name: 'this machine', state: 'cordoned' } as NodeView],
    volumes: [
      volume('used', ['shop/web.1', 'shop/web.2'], true),
      volume('spare', [], true),
      volume('other', ['x'], false),
    ],
    requests: new Map([
      ['shop/web.1', 3],
      ['shop/web.2', 4],
    ]),
    errors: new Map<string, number>(),
    rest: 'At rest',
  };
  const all = { text: '', stack: undefined, need: false };

  it('are counted once while one generation replaces another', () => {
    const [shown] = mapInput(facts, all).services;
    expect(shown?.requests).toBe(7);
    expect(shown?.replicas.map(({ id, requests }) => [id, requests])).toEqual([
      ['shop/web.1#1', undefined],
      ['shop/web.1', 3],
      ['shop/web.2', 4],
    ]);
  });

  it('show a service at rest as behind the gateway, and say so', () => {
    const resting = { ...web, health: 'off', words: { code: 'service.resting' as const }, replicaList: [] };
    const shown = mapInput({ ...facts, services: [resting as ServiceView] }, all);
    expect(shown.services[0]).toMatchObject({ requests: 0, note: 'At rest', replicas: [] });
    const layout = layoutMap(shown, 1200, rateText);
    expect(layout.items.find(({ of }) => of === 'shop/web')).toMatchObject({ note: 'At rest', state: 'off' });
    expect(layout.items.some(({ kind }) => kind === 'gateway')).toBe(true);
  });

  it('leave out the volumes of others', () => {
    const shown = mapInput(facts, all);
    expect(shown.volumes.map(({ id, services }) => [id, services])).toEqual([
      ['used', ['shop/web']],
      ['spare', []],
    ]);
    expect(shown.nodes[0]?.state).toBe('warning');
  });

  it('are filtered', () => {
    expect(mapInput(facts, { ...all, text: 'WEB' }).services).toHaveLength(1);
    const none = mapInput(facts, { ...all, need: true });
    expect(none.services).toEqual([]);
    expect(none.volumes).toEqual([]);
    expect(mapInput(facts, { ...all, stack: 'else' }).services).toEqual([]);
  });
});
