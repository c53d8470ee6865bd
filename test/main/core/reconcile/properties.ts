/** The two properties of the simulated world, for as many schedules as the caller has time for. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { calmSchedule, schedule } from './schedules';
import { Sim } from './sim';

/** Troubles of every kind: each invariant holds at every effect, and when the troubles end the world converges and is left alone. */
export async function checkWild(numRuns: number, seed: number): Promise<void> {
  const seen = new Map<string, number>();
  const met = new Met();
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
        if (world % 3 === 0) await sim.callOff();
        if (world % 4 === 0) await sim.quiet(90_000);
      } finally {
        for (const point of sim.crashPoints) crashPoints.add(point);
        met.add(sim);
        sim.dispose();
      }
    }),
    { numRuns, endOnFailure: false, seed },
  );
  if (numRuns < 300) return;
  // The test would be empty if some step or some place to crash were never met.
  expect(seen.size).toBeGreaterThanOrEqual(33);
  met.check();
  for (const point of ['create before', 'create after', 'start after', 'commit before', 'commit after']) {
    expect(crashPoints).toContain(point);
  }
}

/** Nothing but users acts: besides all that, no replica that serves is lost, and none that does not gets requests (I2, I11, I18, T1). */
export async function checkCalm(numRuns: number, seed: number): Promise<void> {
  const met = new Met();
  await fc.assert(
    fc.asyncProperty(calmSchedule, async ({ seed: world, steps }) => {
      const sim = new Sim({ seed: world }, true);
      try {
        for (const one of steps) await sim.step(one);
        await sim.calm();
        await sim.converge();
        if (world % 3 === 0) await sim.callOff();
      } finally {
        met.add(sim);
        sim.dispose();
      }
    }),
    { numRuns, seed },
  );
  if (numRuns >= 300) met.check();
}

/** What must have happened somewhere, or the promises about it were never put to the test. */
class Met {
  private autoscaled = 0;
  private callsOff = 0;

  add(sim: Sim): void {
    this.autoscaled += sim.autoscaled;
    this.callsOff += sim.callsOff;
  }

  check(): void {
    expect(this.autoscaled).toBeGreaterThan(20);
    expect(this.callsOff).toBeGreaterThan(20);
  }
}
