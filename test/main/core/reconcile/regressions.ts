/** Schedules that once broke a promise, as small as they could be made, each with what was wrong: the reconciler, the gateway, or the simulator. */
import type { Declared } from './declared';
import type { Step } from './steps';

const quiet: Declared = {
  image: 0,
  version: 1,
  replicas: 0,
  startFirst: false,
  parallelism: 0,
  action: 0,
  port: false,
  health: false,
  strategy: 0,
  probes: 0,
  seeded: false,
  scaled: false,
};

export interface Regression {
  what: string;
  seed: number;
  calm?: boolean;
  /** A second engine is joined. */
  nodes?: boolean;
  steps: Step[];
}

export const regressions: readonly Regression[] = [
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
  {
    what: 'reconciler, I3: one of two old replicas in a slot was ended and a new one put into its place before it was gone',
    seed: 499987,
    steps: [
      {
        do: 'apply',
        declared: { ...quiet, version: 4, replicas: 2, startFirst: true, parallelism: 2, port: true },
      },
      { do: 'engine', how: 1 },
      { do: 'wait', time: 2000 },
      { do: 'scale', replicas: 3 },
      { do: 'kill', pick: 4 },
      { do: 'engine', how: 3 },
      { do: 'wait', time: 31_000 },
      { do: 'apply', declared: { ...quiet, version: 4, replicas: 1, startFirst: true, parallelism: 2 } },
      { do: 'port', bad: true },
      { do: 'scale', replicas: 3 },
      { do: 'engine', how: 4 },
      { do: 'apply', declared: { ...quiet, replicas: 3, startFirst: true, action: 2 } },
    ],
  },
  {
    what: 'reconciler, I1: while a rollout was held, a replica that had not come up yet was made beside the one that serves',
    seed: 754769,
    steps: [
      { do: 'apply', declared: { ...quiet, version: 3, replicas: 2 } },
      { do: 'wait', time: 2000 },
      { do: 'crashAt', effect: 1 },
      { do: 'wait', time: 11000 },
      { do: 'rm', pick: 2 },
      { do: 'crashAt', effect: 3 },
      { do: 'kill', pick: 0 },
      { do: 'fault', verb: 7, kind: 2, times: 3 },
      { do: 'scale', replicas: 1 },
      { do: 'apply', declared: { ...quiet, image: 1, version: 3, startFirst: true } },
      { do: 'fault', verb: 0, kind: 2, times: 3 },
      { do: 'apply', declared: { ...quiet, replicas: 2, startFirst: true, parallelism: 1 } },
      { do: 'image', bad: true },
      { do: 'undo' },
      { do: 'pauseService' },
    ],
  },
  {
    what: 'reconciler, L1: of two old replicas in a slot none went, so that another slot stayed empty until the deadline',
    seed: 712169,
    steps: [
      { do: 'apply', declared: { ...quiet, version: 2, startFirst: true, action: 2, strategy: 1, probes: 1 } },
      { do: 'scale', replicas: 3 },
      { do: 'wait', time: 31000 },
      {
        do: 'apply',
        declared: {
          ...quiet,
          image: 2,
          replicas: 2,
          startFirst: true,
          parallelism: 1,
          action: 2,
          strategy: 1,
          probes: 1,
        },
      },
      { do: 'restart' },
      {
        do: 'apply',
        declared: { ...quiet, image: 1, version: 4, replicas: 3, parallelism: 2, port: true, strategy: 1 },
      },
      { do: 'wait', time: 400 },
      {
        do: 'apply',
        declared: {
          ...quiet,
          version: 4,
          replicas: 1,
          startFirst: true,
          action: 2,
          port: true,
          strategy: 2,
          scaled: true,
        },
      },
      { do: 'undo' },
      { do: 'dockerStop', pick: 5 },
    ],
  },
  {
    what: 'reconciler, L1: a one-shot made when nobody waited for it was started by its engine for ever, and never ended',
    seed: 773162,
    steps: [
      {
        do: 'apply',
        declared: { ...quiet, image: 1, version: 2, startFirst: true, action: 1, strategy: 1, scaled: true },
      },
      {
        do: 'apply',
        declared: {
          ...quiet,
          image: 2,
          version: 2,
          replicas: 3,
          startFirst: true,
          parallelism: 1,
          action: 1,
          port: true,
          probes: 1,
          seeded: true,
        },
      },
      { do: 'abort' },
    ],
  },
  {
    what: 'gateway, T3: a slot that was new during a blue-green rollout got requests before the switch',
    seed: 18,
    calm: true,
    steps: [{ do: 'apply', declared: { ...quiet, replicas: 1, parallelism: 1, action: 2, health: true, strategy: 2 } }],
  },
  {
    what: 'gateway, T2: replicas that were going counted in the share of a canary',
    seed: 244058,
    calm: true,
    steps: [
      {
        do: 'apply',
        declared: { ...quiet, version: 3, replicas: 3, startFirst: true, parallelism: 1, strategy: 1, probes: 1 },
      },
      { do: 'wait', time: 11000 },
      {
        do: 'apply',
        declared: {
          ...quiet,
          image: 4,
          version: 2,
          replicas: 3,
          startFirst: true,
          parallelism: 1,
          port: true,
          health: true,
          strategy: 1,
        },
      },
    ],
  },
  {
    what: 'reconciler, T4: after a rollout that ended there was nothing left to do, so no warm spares were made',
    seed: 0,
    steps: [{ do: 'apply', declared: { ...quiet, strategy: 1, probes: 1, spares: 2 } }],
  },
  {
    what: 'reconciler, L1: an identity that never got ready was not replaced, since the next one waited for it',
    seed: 82544,
    nodes: true,
    steps: [
      {
        do: 'apply',
        declared: { ...quiet, image: 2, version: 2, startFirst: true, action: 2, strategy: 1, probes: 1, place: 2 },
      },
      { do: 'scale', replicas: 3 },
    ],
  },
  {
    what: 'reconciler, J2: a one-shot that ran on a node that was being emptied was begun on another meanwhile',
    seed: 16,
    nodes: true,
    steps: [
      { do: 'apply', declared: { ...quiet, startFirst: true, parallelism: 2, action: 1, seeded: true, place: 0 } },
      { do: 'drain', node: 0 },
    ],
  },
  {
    what: 'reconciler, I13: whoever binds a port left its node again and again: its successor held the port that it was to get',
    seed: 16,
    calm: true,
    nodes: true,
    steps: [
      {
        do: 'apply',
        declared: {
          ...quiet,
          replicas: 2,
          startFirst: true,
          parallelism: 1,
          port: true,
          strategy: 1,
          probes: 1,
          place: 0,
        },
      },
      { do: 'wait', time: 31000 },
      { do: 'drain', node: 0 },
    ],
  },
  {
    what: 'reconciler, L1: a network that was made after its stack was gone was taken for somebody else’s for ever',
    seed: 999991,
    nodes: true,
    steps: [
      {
        do: 'apply',
        declared: {
          ...{ ...quiet, image: 1, version: 4, replicas: 3, startFirst: true, parallelism: 1, action: 2 },
          ...{ strategy: 3, place: 0 },
        },
      },
      { do: 'cut', node: 0 },
      { do: 'scale', replicas: 0 },
      { do: 'wait', time: 400 },
      { do: 'crash' },
      { do: 'drain', node: 0 },
      { do: 'remove' },
      { do: 'fault', verb: 7, kind: 3, times: 1, node: 1 },
    ],
  },
  {
    what: 'reconciler, L1: a network went from one node, and the one on the other was taken for somebody else’s',
    seed: 462600,
    nodes: true,
    steps: [
      {
        do: 'apply',
        declared: {
          ...{ ...quiet, replicas: 2, startFirst: true, parallelism: 1, strategy: 1 },
          ...{ probes: 2, seeded: true, scaled: true },
        },
      },
      { do: 'cordon', node: 0 },
      {
        do: 'apply',
        declared: {
          ...quiet,
          version: 2,
          replicas: 1,
          startFirst: true,
          parallelism: 1,
          action: 1,
          strategy: 2,
          place: 0,
        },
      },
      { do: 'remove' },
    ],
  },
  {
    what: 'reconciler, T5: while a replica that was scaled away still ran, one of the blue set went before the switch',
    seed: 391401,
    calm: true,
    steps: [
      { do: 'apply', declared: { ...quiet, version: 2, replicas: 3, action: 1, health: true, strategy: 2, place: 1 } },
    ],
  },
];
