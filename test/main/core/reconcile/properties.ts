/** The two properties of the simulated world, for as many schedules as the caller has time for; a share of them with two nodes. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { nodesShare } from './effort';
import { calmNodesSchedule, calmSchedule, nodesSchedule, schedule } from './schedules';
import { Sim } from './sim';
import type { Step } from './steps';

type Schedules = fc.Arbitrary<{ seed: number; steps: Step[] }>;

/** Troubles of every kind: each invariant holds at every effect, and when the troubles end the world converges and is left alone. */
export async function checkWild(numRuns: number, seed: number): Promise<void> {
  const twos = Math.round(numRuns * nodesShare);
  const met = new Met();
  await run(schedule, { numRuns: numRuns - twos, seed, calm: false, nodes: false }, met);
  await run(nodesSchedule, { numRuns: twos, seed, calm: false, nodes: true }, met);
  tell('wild', numRuns, twos);
  if (numRuns < 300) return;
  // The test would be empty if some step or some place to crash were never met.
  expect(met.steps.size).toBeGreaterThanOrEqual(41);
  met.check();
  expect(met.spares).toBeGreaterThan(20);
  expect(met.returned).toBeGreaterThan(10);
  for (const point of ['create before', 'create after', 'start after', 'commit before', 'commit after']) {
    expect(met.crashPoints).toContain(point);
  }
}

/** Nothing but users acts: besides all that, no replica that serves is lost, and none that does not gets requests (I2, I11, I18, T1). */
export async function checkCalm(numRuns: number, seed: number): Promise<void> {
  const twos = Math.round(numRuns * nodesShare);
  const met = new Met();
  await run(calmSchedule, { numRuns: numRuns - twos, seed, calm: true, nodes: false }, met);
  await run(calmNodesSchedule, { numRuns: twos, seed, calm: true, nodes: true }, met);
  tell('calm', numRuns, twos);
  if (numRuns >= 300) met.check();
}

async function run(
  schedules: Schedules,
  { numRuns, seed, calm, nodes }: { numRuns: number; seed: number; calm: boolean; nodes: boolean },
  met: Met,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(schedules, async ({ seed: world, steps }) => {
      const sim = await Sim.open({ seed: world, calm, nodes });
      try {
        for (const one of steps) {
          met.steps.set(one.do, (met.steps.get(one.do) ?? 0) + 1);
          await sim.step(one);
        }
        await sim.calm();
        await sim.converge();
        if (world % 3 === 0) await sim.callOff();
        if (!calm && world % 4 === 0) await sim.quiet(90_000);
      } finally {
        met.add(sim);
        sim.dispose();
      }
    }),
    { numRuns, endOnFailure: false, seed },
  );
}

function tell(kind: string, all: number, twos: number): void {
  if (all >= 300) process.stdout.write(`  ${all} ${kind} schedules, ${twos} of them with two nodes\n`);
}

/** What must have happened somewhere, or the promises about it were never put to the test. */
class Met {
  readonly steps = new Map<string, number>();
  readonly crashPoints = new Set<string>();
  private autoscaled = 0;
  private callsOff = 0;
  /** Spares that were woken, and replicas written off with their node. */
  spares = 0;
  returned = 0;

  add(sim: Sim): void {
    for (const point of sim.crashPoints) this.crashPoints.add(point);
    this.autoscaled += sim.autoscaled;
    this.callsOff += sim.callsOff;
    this.spares += sim.woken;
    this.returned += sim.returned;
  }

  check(): void {
    expect(this.autoscaled).toBeGreaterThan(20);
    expect(this.callsOff).toBeGreaterThan(20);
  }
}
