import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Board, parseConstraint, preempt, type Ask, type SchedulerNode } from '../../../../src-main/core/schedule';

const gib = 1024 ** 3;
const node = (id: string, given: Partial<SchedulerNode> = {}): SchedulerNode => ({
  id,
  name: id,
  cpus: 4,
  memory: 8 * gib,
  labels: {},
  os: 'linux',
  architecture: 'x86_64',
  ...given,
});
const ask = (given: Partial<Ask> = {}): Ask => ({
  service: 'shop/web',
  cpus: 1,
  memory: gib,
  image: 'web:1',
  constraints: [],
  spread: [],
  ports: [],
  volumes: [],
  tolerations: [],
  affinity: [],
  priority: 0,
  ...given,
});
const board = (nodes: SchedulerNode[], given: Partial<ConstructorParameters<typeof Board>[1]> = {}): Board =>
  new Board(nodes, { strategy: 'balance', seed: 1, ...given });
const filters = (nodes: SchedulerNode[], wanted: Ask) => {
  const placement = board(nodes).place(wanted);
  return placement.refused.map(({ filter, nodes: count }) => [filter, count]);
};

describe('filters', () => {
  it.each<[string, Partial<SchedulerNode>, Partial<Ask>]>([
    ['away', { away: true }, {}],
    ['cordoned', { cordoned: true }, {}],
    ['platform', {}, { platform: 'linux/arm64' }],
    ['platform', {}, { platform: 'windows' }],
    ['constraint', { labels: { zone: 'west' } }, { constraints: ['node.labels.zone == east'] }],
    ['constraint', {}, { constraints: ['node.labels.zone==east'] }],
    ['constraint', {}, { constraints: ['node.hostname != a'] }],
    ['constraint', {}, { constraints: ['nonsense'] }],
    ['taint', { taints: [{ key: 'gpu', effect: 'NoSchedule' }] }, {}],
    [
      'taint',
      { taints: [{ key: 'gpu', value: 'a', effect: 'NoSchedule' }] },
      { tolerations: [{ key: 'gpu', operator: 'Equal', value: 'b' }] },
    ],
    ['affinity', {}, { affinity: [{ with: ['shop/db'], required: true }] }],
    ['cpus', {}, { cpus: 4.5 }],
    ['memory', { reserved: { cpus: 0, memory: 4 * gib } }, { memory: 5 * gib }],
  ])('%s', (filter, machine, wanted) => {
    expect(filters([node('a', machine)], ask(wanted))).toEqual([[filter, 1]]);
  });

  it.each<[string, Partial<SchedulerNode>, Partial<Ask>]>([
    ['the same platform by another name', { architecture: 'aarch64' }, { platform: 'linux/arm64' }],
    ['a label in any case', { labels: { zone: 'EAST' } }, { constraints: ['node.labels.zone == east'] }],
    ['an absent label that must not be', {}, { constraints: ['node.labels.zone != east'] }],
    [
      'a tolerated taint',
      { taints: [{ key: 'gpu', effect: 'NoSchedule' }] },
      { tolerations: [{ key: 'gpu', operator: 'Exists' }] },
    ],
    ['one that wants to be with its own kind, first', {}, { affinity: [{ with: ['shop/web'], required: true }] }],
    ['exactly what there is', {}, { cpus: 4, memory: 8 * gib }],
  ])('let pass %s', (_name, machine, wanted) => {
    expect(board([node('a', machine)]).choose(ask(wanted))).toBe('a');
  });

  it('count ports, replicas per node and companions as they come and go', () => {
    const here = board([node('a')]);
    const web = ask({ ports: ['tcp/80'], maxPerNode: 2 });
    here.take({ id: '1', ask: web }, 'a');
    expect(here.place(ask({ service: 'shop/api', ports: ['tcp/80'] })).refused[0]?.filter).toBe('port');
    here.take({ id: '2', ask: ask({ maxPerNode: 2 }) }, 'a');
    expect(here.place(web).refused[0]?.filter).toBe('perNode');
    const lonely = ask({ service: 'shop/db', affinity: [{ against: ['shop/web'], required: true }] });
    expect(here.place(lonely).refused[0]?.filter).toBe('affinity');
    here.release('1');
    here.release('2');
    expect(here.choose(lonely)).toBe('a');
    expect(here.free('a')).toEqual({ cpus: 4, memory: 8 * gib });
  });

  it('say how many nodes they refused and what is free at most, most frequent first', () => {
    const nodes = [node('a', { cordoned: true }), ...['b', 'c', 'd'].map((id) => node(id))];
    const here = board(nodes);
    here.take({ id: '1', ask: ask({ memory: 7 * gib }) }, 'b');
    expect(here.place(ask({ memory: 9 * gib })).refused).toEqual([
      { filter: 'memory', nodes: 3, most: 8 * gib },
      { filter: 'cordoned', nodes: 1 },
    ]);
  });

  it('promise more than there is only where that is allowed', () => {
    const big = ask({ cpus: 6 });
    expect(board([node('a')]).choose(big)).toBeUndefined();
    expect(board([node('a')], { overcommit: { cpus: 2, memory: 1 } }).choose(big)).toBe('a');
  });
});

describe('scores', () => {
  it.each<[string, Partial<SchedulerNode>, Partial<Ask>]>([
    ['the image is there', { images: new Set(['web:1']) }, {}],
    ['the data are there', { volumes: new Set(['shop_data']) }, { volumes: ['shop_data'] }],
    ['the companion is there', {}, { affinity: [{ with: ['shop/db'], weight: 1 }] }],
  ])('prefer where %s', (_name, machine, wanted) => {
    const here = board([node('a'), node('b', machine), node('c')]);
    here.take({ id: 'db', ask: ask({ service: 'shop/db', cpus: 0.5, memory: gib / 2 }) }, 'b');
    expect(here.choose(ask(wanted))).toBe('b');
  });

  it('spread a service over nodes, then over zones, and keep away from soft taints', () => {
    const nodes = ['a', 'b', 'c', 'd'].map((id, at) => node(id, { labels: { zone: at < 3 ? 'east' : 'west' } }));
    const here = board(nodes);
    const web = ask({ cpus: 0.1, memory: gib / 8, spread: ['node.labels.zone'] });
    const chosen = ['1', '2', '3', '4'].map((id) => {
      const at = here.choose(web) ?? '';
      here.take({ id, ask: web }, at);
      return at;
    });
    expect(chosen.slice(0, 2).filter((id) => id === 'd')).toHaveLength(1);
    const soft = board([node('a', { taints: [{ key: 'spot', effect: 'PreferNoSchedule' }] }), node('b')]);
    expect(soft.choose(web)).toBe('b');
  });

  it('fill one node after the other when told so', () => {
    const here = board([node('a'), node('b'), node('c')], { strategy: 'binpack' });
    const used = new Set<string>();
    for (let at = 0; at < 4; at++) {
      const one = ask({ service: `shop/s${at}` });
      const chosen = here.choose(one) ?? '';
      here.take({ id: String(at), ask: one }, chosen);
      used.add(chosen);
    }
    expect(used.size).toBe(1);
  });

  it('explain their sum', () => {
    const placement = board([node('a', { images: new Set(['web:1']) })]).place(ask());
    if (placement.node === undefined) throw new Error('It found no place');
    const sum = Object.values(placement.scores).reduce((total, part) => total + part, 0);
    expect(sum).toBeCloseTo(placement.score, 4);
    expect(placement.scores.image).toBeGreaterThan(0);
  });
});

describe('preemption', () => {
  const held = (...priorities: number[]) => {
    const here = board([node('a'), node('b')]);
    priorities.forEach((priority, at) =>
      here.take({ id: `t${at}`, ask: ask({ service: `shop/s${at}`, cpus: 2, priority }) }, at % 2 ? 'b' : 'a'),
    );
    return here;
  };
  it('drives out the least important, and no more than needed', () => {
    expect(preempt(held(5, 1, 5, 5), ask({ cpus: 2, priority: 10 }))).toEqual({ node: 'b', victims: ['t1'] });
    expect(preempt(held(1, 1, 1, 1), ask({ cpus: 3, priority: 10 }))?.victims).toHaveLength(2);
  });
  it('never an equal or a higher one, and nobody where it would not help', () => {
    expect(preempt(held(10, 10, 10, 10), ask({ cpus: 2, priority: 10 }))).toBeUndefined();
    expect(preempt(held(1, 1), ask({ cpus: 9, priority: 10 }))).toBeUndefined();
  });
});

describe('constraints', () => {
  it('are read as Swarm writes them', () => {
    expect(parseConstraint('node.labels.a-b/c==x y')).toEqual({ key: 'node.labels.a-b/c', equal: true, value: 'x y' });
    for (const text of ['', 'node.id', '== x', 'node.id = x', 'node.id =='])
      expect(parseConstraint(text)).toBeUndefined();
  });
});

describe('whatever is asked', () => {
  const machine = fc.record({
    cpus: fc.integer({ min: 1, max: 8 }),
    memory: fc.integer({ min: 1, max: 8 }).map((size) => size * gib),
    labels: fc.record({ zone: fc.constantFrom('east', 'west') }),
    cordoned: fc.boolean(),
  });
  const wish = fc.record({
    service: fc.constantFrom('x/a', 'x/b', 'x/c'),
    cpus: fc.integer({ min: 0, max: 3 }),
    memory: fc.integer({ min: 0, max: 3 }).map((size) => size * gib),
    constraints: fc.constantFrom([], ['node.labels.zone == east']),
    spread: fc.constantFrom([], ['node.labels.zone']),
    maxPerNode: fc.constantFrom(1, 2, 9),
    ports: fc.constantFrom([], ['tcp/80']),
    affinity: fc.constantFrom<Ask['affinity'][]>(
      [],
      [{ against: ['x/b'], required: true }],
      [{ with: ['x/a'], weight: 0.5 }],
    ),
  });
  it('tables kept say what a fresh look says, nothing is promised twice, and what is refused is refused by every node', () => {
    fc.assert(
      fc.property(
        fc.array(machine, { minLength: 1, maxLength: 200 }),
        fc.array(fc.tuple(wish, fc.boolean()), { minLength: 1, maxLength: 60 }),
        (machines, wishes) => {
          const nodes = machines.map((one, at) => node(`n${at}`, one));
          const here = board(nodes);
          const running: [string, Ask, string][] = [];
          const shapes = new Map<string, Ask>();
          for (const [index, [wanted, leave]] of wishes.entries()) {
            const given = ask(wanted);
            const key = JSON.stringify(given);
            if (!shapes.has(key)) shapes.set(key, given);
            const same = shapes.get(key) ?? given;
            if (leave && running.length > 0) here.release(running.shift()?.[0] ?? '');
            const fresh = board(nodes);
            for (const [id, its, at] of running) fresh.take({ id, ask: its }, at);
            const placement = here.place(same);
            expect(placement).toEqual(fresh.place({ ...given }));
            if (placement.node === undefined) {
              expect(placement.refused.reduce((sum, { nodes: count }) => sum + count, 0)).toBe(nodes.length);
              continue;
            }
            expect(here.refusal(same, placement.node)).toBeUndefined();
            here.take({ id: String(index), ask: same }, placement.node);
            running.push([String(index), same, placement.node]);
            const left = here.free(placement.node);
            expect(Math.min(left.cpus, left.memory)).toBeGreaterThanOrEqual(0);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
