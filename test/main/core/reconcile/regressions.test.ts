/** What once went wrong does not go wrong again. */
import { describe, expect, it } from 'vitest';
import { regressions } from './regressions';
import { Sim } from './sim';

describe('once broken', () => {
  it.each(regressions)('$what', async ({ seed, calm, steps }) => {
    const sim = new Sim({ seed }, calm);
    try {
      for (const step of steps) await sim.step(step);
      await sim.calm();
      await sim.converge();
      await sim.quiet(90_000);
      expect(sim.containers('running')).toHaveLength(2 + (calm ? 1 : 0));
    } finally {
      sim.dispose();
    }
  });
});
