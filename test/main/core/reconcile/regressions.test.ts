/** What once went wrong does not go wrong again. */
import { describe, expect, it } from 'vitest';
import { regressions } from './regressions';
import { Sim } from './sim';

describe('once broken', () => {
  it.each(regressions)('$what', async ({ seed, calm = false, nodes = false, steps }) => {
    const sim = await Sim.open({ seed, calm, nodes });
    try {
      for (const step of steps) await sim.step(step);
      await sim.calm();
      await sim.converge();
      await sim.callOff();
      await sim.quiet(90_000);
      const running = sim.machines.containers().filter(({ state }) => state === 'running');
      expect(running).toHaveLength(2 + (calm ? 1 : 0));
    } finally {
      sim.dispose();
    }
  });
});
