import { describe, expect, it } from 'vitest';
import { seeded } from '../../../../src-main/base/random';
import { thorough } from './effort';
import { Sim, web, type Declared, type Step } from './sim';

/** A whole life in a few steps: up, rolled over with surge, scaled, rolled over without, hand-made trouble, down, up again. */
const base: Declared = {
  image: 0,
  version: 1,
  replicas: 2,
  startFirst: true,
  parallelism: 1,
  action: 1,
  port: false,
  health: false,
  strategy: 0,
  probes: 0,
  seeded: false,
  scaled: false,
};
const life: Step[] = [
  { do: 'apply', declared: base },
  { do: 'wait', time: 4000 },
  { do: 'apply', declared: { ...base, version: 2 } },
  { do: 'wait', time: 6000 },
  { do: 'scale', replicas: 3 },
  { do: 'wait', time: 500 },
  { do: 'kill', pick: 0 },
  { do: 'wait', time: 2000 },
  { do: 'apply', declared: { ...base, version: 3, replicas: 1, startFirst: false } },
  { do: 'wait', time: 6000 },
  { do: 'remove' },
  { do: 'wait', time: 6000 },
  { do: 'apply', declared: { ...base, version: 4 } },
];

async function live(sim: Sim, steps: readonly Step[]): Promise<void> {
  for (const step of steps) await sim.step(step);
  await sim.calm();
  await sim.converge();
}

async function lifeWith(crashes: Step[], seed = 1): Promise<{ sim: Sim; effects: number }> {
  const sim = await Sim.open({ seed });
  try {
    await live(sim, [...crashes, ...life]);
    await sim.quiet(60_000);
  } finally {
    sim.dispose();
  }
  return { sim, effects: sim.effects };
}

describe('kill -9 of the app', () => {
  it('at each single effect of a whole life loses nothing and leaves nothing behind (M2, L3, L6)', async () => {
    const { effects, sim: calm } = await lifeWith([]);
    expect(calm.crashPoints.size).toBe(0);
    const points = new Set<string>();
    let tried = 0;
    // The quick check takes every seventh.
    for (let effect = 1; effect <= effects; effect += thorough ? 1 : 7) {
      const { sim } = await lifeWith([{ do: 'crashAt', effect }]);
      for (const point of sim.crashPoints) points.add(point);
      tried += sim.crashPoints.size;
    }
    expect(tried).toBeGreaterThan(thorough ? 100 : 15);
    if (!thorough) return;
    for (const verb of [
      'create',
      'start',
      'stop',
      'remove',
      'createNetwork',
      'removeNetwork',
      'createVolume',
      'list',
      'inspect',
    ]) {
      expect(points).toContain(`${verb} before`);
      expect(points).toContain(`${verb} after`);
    }
    expect(points).toContain('commit before');
    expect(points).toContain('commit after');
  }, 300_000);

  it('at 100 random points, several in one life, converges too', async () => {
    const random = seeded(20);
    let crashes = 0;
    for (let run = 0; run < 100; run++) {
      const steps = life.flatMap((step): Step[] =>
        random() < 0.5 ? [{ do: 'crashAt', effect: 1 + Math.floor(random() * 25) }, step] : [step],
      );
      const sim = await Sim.open({ seed: run });
      try {
        await live(sim, steps);
      } finally {
        crashes += sim.crashPoints.size;
        sim.dispose();
      }
    }
    expect(crashes).toBeGreaterThan(100);
  }, 300_000);

  it.each(['fail', 'lose', 'delay', 'hang'] as const)(
    'is as harmless as an answer that does not come: %s on every write once',
    async (does) => {
      for (const verb of [
        'create',
        'start',
        'stop',
        'remove',
        'createNetwork',
        'removeNetwork',
        'createVolume',
      ] as const) {
        for (const skip of thorough ? [0, 1, 2] : [0]) {
          const sim = await Sim.open({ seed: 3 });
          try {
            sim.engine.faults.add({ verbs: [verb], does, times: 1, skip, delay: 3000 });
            await live(sim, life);
          } finally {
            sim.dispose();
          }
        }
      }
    },
    300_000,
  );

  it('in the middle of a create whose answer is lost adopts by name, without a second container (M3, F7)', async () => {
    const sim = await Sim.open();
    sim.engine.faults.add({ verbs: ['create'], does: 'lose', times: 1 });
    await sim.step({ do: 'apply', declared: { ...base, replicas: 1 } });
    await sim.step({ do: 'wait', time: 5000 });
    expect(sim.containers('running')).toEqual(['shop.web.1.g1']);
    expect(sim.store.get('attempts', 'shop.web.1.g1')).toMatchObject({ state: 'started' });
    expect(sim.view(web)).toMatchObject({ ready: 1 });
    sim.dispose();
  });
});
