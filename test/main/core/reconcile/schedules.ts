/** Random schedules for the simulated world. */
import fc from 'fast-check';
import type { Declared } from './declared';
import type { Step } from './steps';

const fields = {
  image: fc.constantFrom(0, 0, 0, 0, 1, 2, 3, 4),
  version: fc.integer({ min: 1, max: 4 }),
  replicas: fc.integer({ min: 0, max: 3 }),
  startFirst: fc.boolean(),
  parallelism: fc.integer({ min: 0, max: 2 }),
  action: fc.integer({ min: 0, max: 2 }),
  port: fc.constantFrom(false, false, true),
  health: fc.constantFrom(false, false, true),
  strategy: fc.constantFrom(0, 0, 0, 1, 1, 2, 2, 3),
  probes: fc.constantFrom(0, 0, 0, 1, 2),
  seeded: fc.constantFrom(false, false, true),
  scaled: fc.constantFrom(false, false, true),
};
const declared: fc.Arbitrary<Declared> = fc.record({
  ...fields,
  place: fc.constantFrom(1, 1, 1, 1, 2),
  spares: fc.constantFrom(0, 0, 0, 1, 2),
});
const load = fc.constantFrom(0, 15, 35, 200).map((requests): Step => ({ do: 'load', requests }));
const staged = fc.constantFrom('promote', 'promote', 'abort').map((act) => ({ do: act }) as Step);
const pick = fc.nat({ max: 5 });
const times = fc.constantFrom(50, 400, 2000, 11_000, 31_000);

/** What users, bystanders and troubles do to one engine. */
const usual: { weight: number; arbitrary: fc.Arbitrary<Step> }[] = [
  { weight: 8, arbitrary: times.map((time): Step => ({ do: 'wait', time })) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 4 }).map((replicas): Step => ({ do: 'scale', replicas })) },
  {
    weight: 3,
    arbitrary: fc
      .constantFrom('restart', 'undo', 'stop', 'start', 'resume', 'pauseRollout')
      .map((act) => ({ do: act }) as Step),
  },
  { weight: 2, arbitrary: staged },
  { weight: 1, arbitrary: load },
  { weight: 1, arbitrary: fc.constantFrom('pauseService', 'unpauseService').map((act) => ({ do: act }) as Step) },
  { weight: 1, arbitrary: fc.constantFrom('remove', 'removeWithVolumes').map((act) => ({ do: act }) as Step) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'crash' }) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 30 }).map((effect): Step => ({ do: 'crashAt', effect })) },
  {
    weight: 6,
    arbitrary: fc
      .tuple(
        fc.constantFrom('rm', 'kill', 'die', 'dockerStop', 'pause', 'unpause', 'rename', 'disconnect', 'limit', 'sick'),
        pick,
      )
      .map(([act, who]) => ({ do: act, pick: who }) as Step),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(fc.nat({ max: 7 }), fc.nat({ max: 4 }), fc.integer({ min: 1, max: 3 }))
      .map(([verb, kind, count]): Step => ({ do: 'fault', verb, kind, times: count })),
  },
  { weight: 1, arbitrary: fc.constantFrom(0, 1000, 10_000).map((lag): Step => ({ do: 'lag', lag })) },
  { weight: 1, arbitrary: fc.nat({ max: 3 }).map((trouble): Step => ({ do: 'events', trouble })) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom('port', 'image', 'disk'), fc.boolean())
      .map(([what, bad]) => ({ do: what, bad }) as Step),
  },
  { weight: 2, arbitrary: fc.nat({ max: 4 }).map((how): Step => ({ do: 'engine', how })) },
  { weight: 1, arbitrary: pick.map((who): Step => ({ do: 'foreign', pick: who })) },
  { weight: 1, arbitrary: fc.constantFrom(-7_200_000, 86_400_000).map((by): Step => ({ do: 'clock', by })) },
  { weight: 1, arbitrary: fc.constantFrom(60_000, 28_800_000).map((time): Step => ({ do: 'sleep', time })) },
];

const applied = (one: fc.Arbitrary<Declared>): { weight: number; arbitrary: fc.Arbitrary<Step> } => ({
  weight: 5,
  arbitrary: one.map((it): Step => ({ do: 'apply', declared: it })),
});
const length = { minLength: process.env['PILOTHOUSE_SHRINK'] ? 0 : 50, maxLength: 70, size: 'max' as const };

/** At least 50 steps of users, bystanders, faults and crashes. */
export const schedule = fc.record({
  seed: fc.nat({ max: 1_000_000 }),
  steps: fc.array(fc.oneof(...usual, applied(declared)), length),
});

const node = fc.nat({ max: 1 });
type Act = 'cut' | 'dead' | 'back' | 'cordon' | 'drain' | 'open';
/** What befalls one of two machines, and what the user does with it. */
const machine = (acts: readonly Act[]): fc.Arbitrary<Step> =>
  fc.tuple(fc.constantFrom(...acts), node).map(([act, at]): Step => ({ do: act, node: at }));
/** Where a service's data lies counts once there are two. */
const placed: fc.Arbitrary<Declared> = fc.record({
  ...fields,
  place: fc.constantFrom(0, 0, 0, 1, 2),
  spares: fc.constantFrom(0, 0, 0, 0, 1),
});
const atEither: ReadonlySet<Step['do']> = new Set([
  'fault',
  'lag',
  'events',
  'port',
  'image',
  'disk',
  'engine',
  'foreign',
]);
/** The same troubles, on either machine. */
const either: typeof usual = usual.map(({ weight, arbitrary }) => ({
  weight,
  arbitrary: fc
    .tuple(arbitrary, node)
    .map(([one, at]) => (atEither.has(one.do) ? ({ ...one, node: at } as Step) : one)),
}));

/** The same with two nodes that go away, come back, and are cordoned and drained. */
export const nodesSchedule = fc.record({
  seed: fc.nat({ max: 1_000_000 }),
  steps: fc.array(
    fc.oneof(...either, applied(placed), {
      weight: 8,
      arbitrary: machine(['cut', 'cut', 'dead', 'back', 'back', 'back', 'cordon', 'drain', 'open', 'open']),
    }),
    length,
  ),
});

/** Users' acts only, on images that can run or crash: nothing else happens. */
const calmly: typeof usual = [
  { weight: 6, arbitrary: times.map((time): Step => ({ do: 'wait', time })) },
  { weight: 2, arbitrary: fc.integer({ min: 0, max: 4 }).map((replicas): Step => ({ do: 'scale', replicas })) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom('restart', 'undo', 'stop', 'start', 'resume', 'pauseRollout')
      .map((act) => ({ do: act }) as Step),
  },
  { weight: 2, arbitrary: staged },
  { weight: 1, arbitrary: load },
];
const calmLength = { minLength: 10, maxLength: 25, size: 'max' as const };

export const calmSchedule = fc.record({
  seed: fc.nat({ max: 1_000_000 }),
  steps: fc.array(fc.oneof(...calmly, applied(declared)), calmLength),
});

/** The same with two nodes, which the user cordons, drains and opens. */
export const calmNodesSchedule = fc.record({
  seed: fc.nat({ max: 1_000_000 }),
  steps: fc.array(
    fc.oneof(...calmly, applied(placed), {
      weight: 4,
      arbitrary: machine(['cordon', 'drain', 'drain', 'open', 'open']),
    }),
    calmLength,
  ),
});
