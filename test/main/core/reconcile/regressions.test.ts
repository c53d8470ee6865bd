/** Schedules that once broke a promise, as small as they could be made, each with what was wrong: the reconciler, or the simulator. */
import { describe, expect, it } from 'vitest';
import { Sim, type Declared, type Step } from './sim';

const quiet: Declared = {
  image: 0,
  version: 1,
  replicas: 0,
  startFirst: false,
  parallelism: 0,
  action: 0,
  port: false,
  health: false,
};

interface Regression {
  what: string;
  seed: number;
  calm?: boolean;
  steps: Step[];
}

const regressions: Regression[] = [
  {
    what: 'reconciler, I2: an old replica beside its successor went although another slot, new by scaling up, served nobody yet',
    seed: 902650,
    calm: true,
    steps: [
      { do: 'apply', declared: { ...quiet, version: 3, replicas: 1 } },
      { do: 'wait', time: 31_000 },
      { do: 'apply', declared: { ...quiet, version: 2, replicas: 2, startFirst: true, health: true } },
    ],
  },
  {
    what: 'the same, with slots that were identities before',
    seed: 245039,
    calm: true,
    steps: [
      { do: 'apply', declared: { ...quiet, version: 2, replicas: 1, action: 1, port: true, health: true } },
      { do: 'scale', replicas: 2 },
      { do: 'wait', time: 31_000 },
      { do: 'apply', declared: { ...quiet, replicas: 3, startFirst: true, parallelism: 2, health: true } },
    ],
  },
  {
    what: 'simulator, I2: replicas given up at a scale to 0 are stopped after the user wants 4 again',
    seed: 19,
    calm: true,
    steps: [
      { do: 'apply', declared: { ...quiet, version: 4, replicas: 3, startFirst: true, parallelism: 1 } },
      { do: 'wait', time: 11_000 },
      { do: 'scale', replicas: 0 },
      { do: 'scale', replicas: 4 },
    ],
  },
  {
    what: 'simulator, I8: a create without an answer is tried again after somebody removed what it had made',
    seed: 19454,
    steps: [
      { do: 'apply', declared: { ...quiet, image: 1, version: 4, health: true } },
      { do: 'fault', verb: 0, kind: 1, times: 3 },
      { do: 'fault', verb: 5, kind: 3, times: 3 },
      { do: 'scale', replicas: 3 },
      { do: 'rm', pick: 2 },
    ],
  },
  {
    what: 'simulator, I3: a renamed replica counted as a slot of its own, so that the world seemed at rest in the middle of a surge',
    seed: 933644,
    steps: [
      { do: 'apply', declared: { ...quiet, version: 2, replicas: 3, parallelism: 2, action: 1 } },
      { do: 'wait', time: 2000 },
      { do: 'apply', declared: { ...quiet, image: 2, replicas: 2, startFirst: true, health: true } },
      { do: 'rename', pick: 0 },
      { do: 'engine', how: 1 },
      { do: 'undo' },
      { do: 'scale', replicas: 4 },
    ],
  },
  {
    what: 'simulator, I12: a service that was paused while it was being removed is declared anew, and is not paused',
    seed: 501023,
    steps: [
      {
        do: 'apply',
        declared: { ...quiet, image: 3, version: 3, replicas: 2, parallelism: 2, action: 1, health: true },
      },
      { do: 'engine', how: 0 },
      { do: 'removeWithVolumes' },
      { do: 'pauseService' },
      { do: 'wait', time: 11_000 },
      { do: 'apply', declared: { ...quiet, version: 3, replicas: 2, parallelism: 1 } },
    ],
  },
];

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
