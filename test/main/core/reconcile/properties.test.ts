import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { schedules, seed } from './effort';
import { calmSchedule, schedule } from './schedules';
import { Sim } from './sim';

describe('random fault schedules', () => {
  it(
    'keep every invariant, and converge when the troubles end',
    async () => {
      const seen = new Map<string, number>();
      const crashPoints = new Set<string>();
      await fc.assert(
        fc.asyncProperty(schedule, async ({ seed: world, steps }) => {
          const sim = new Sim({ seed: world });
          try {
            for (const one of steps) {
              seen.set(one.do, (seen.get(one.do) ?? 0) + 1);
              await sim.step(one);
            }
            await sim.calm();
            await sim.converge();
            if (seed % 4 === 0) await sim.quiet(90_000);
          } finally {
            for (const point of sim.crashPoints) crashPoints.add(point);
            sim.dispose();
          }
        }),
        {
          numRuns: schedules,
          endOnFailure: false,
          seed,
        },
      );
      // The test would be empty if some step or some place to crash were never met.
      if (schedules >= 300) {
        expect(seen.size).toBeGreaterThanOrEqual(30);
        for (const point of ['create before', 'create after', 'start after', 'commit before', 'commit after']) {
          expect(crashPoints).toContain(point);
        }
      }
    },
    Math.max(300_000, schedules * 600),
  );

  it(
    'lose no replica that serves when nothing but users acts (I2, I11, I18)',
    async () => {
      await fc.assert(
        fc.asyncProperty(calmSchedule, async ({ seed: world, steps }) => {
          const sim = new Sim({ seed: world }, true);
          try {
            for (const one of steps) await sim.step(one);
            await sim.calm();
            await sim.converge();
          } finally {
            sim.dispose();
          }
        }),
        { numRuns: Math.ceil(schedules / 5), seed },
      );
    },
    Math.max(120_000, schedules * 100),
  );
});
