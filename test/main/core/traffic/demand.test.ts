/** Nobody who is being answered is ever taken for absent. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { idleVerdict } from '../../../../src-main/core/autoscale/idle';
import { Demand } from '../../../../src-main/core/traffic/demand';
import type { ServerStat } from '../../../../src-main/core/traffic/stats';

const second = 1000;
const stat = (requests: number, current: number, server = 's1'): ServerStat => {
  return { backend: 'web', server, requests, current, errors: 0, status: 'UP', weight: 100 };
};

it('counts from the last request, and from the end of the last connection', () => {
  const demand = new Demand();
  expect(demand.quiet(['web'], 0)).toBeUndefined();
  demand.take(0, [stat(5, 0)]);
  demand.take(10 * second, [stat(5, 0)]);
  expect(demand.quiet(['web'], 12 * second)).toBe(12 * second);
  demand.take(13 * second, [stat(6, 1)]);
  expect(demand.quiet(['web'], 90 * second)).toBe(0);
  demand.take(100 * second, [stat(6, 0)]);
  expect(demand.quiet(['web'], 130 * second)).toBe(30 * second);
  demand.touch('web', 125 * second);
  expect(demand.quiet(['web'], 130 * second)).toBe(5 * second);
  // A new worker counts from nothing: whether somebody came meanwhile cannot be told.
  demand.take(140 * second, [stat(0, 0)]);
  expect(demand.quiet(['web'], 140 * second)).toBe(0);
  // Two ports are as quiet as the livelier one.
  demand.take(150 * second, [stat(0, 0), { ...stat(1, 0), backend: 'other' }]);
  expect(demand.quiet(['web', 'other'], 150 * second)).toBe(0);
  expect(demand.quiet(['web', 'gone'], 150 * second)).toBeUndefined();
});

it('with an open request, or one within the time, no service ever goes to rest', () => {
  const visit = fc.record({
    from: fc.integer({ min: 0, max: 120 }),
    lasts: fc.integer({ min: 0, max: 60 }),
    server: fc.constantFrom('s1', 's2'),
  });
  fc.assert(
    fc.property(
      fc.array(visit, { maxLength: 12 }),
      fc.integer({ min: 1, max: 20 }),
      fc.uniqueArray(fc.integer({ min: 0, max: 200 }), { minLength: 2, maxLength: 60 }),
      fc.option(fc.integer({ min: 0, max: 200 }), { nil: undefined }),
      (visits, idle, looks, reload) => {
        const demand = new Demand();
        let [first, worker]: (number | undefined)[] = [];
        for (const at of looks.sort((one, other) => one - other)) {
          // A worker that took over counts only what came to it.
          const since = reload !== undefined && at >= reload ? reload : -1;
          if (worker !== since) demand.clear();
          worker = since;
          const mine = visits.filter(({ from }) => from <= at && from >= since);
          demand.take(
            at,
            ['s1', 's2'].map((server) => {
              const here = mine.filter((one) => one.server === server);
              return stat(here.length, here.filter(({ from, lasts }) => from + lasts > at).length, server);
            }),
          );
          first ??= at;
          const verdict = idleVerdict({ idleAfter: idle, quiet: demand.quiet(['web'], at), awake: at, rolling: false });
          if (verdict !== 'rest') continue;
          expect(mine.every(({ from, lasts }) => from + lasts <= at)).toBe(true);
          // Between two looks the later one stands for when it was: never too early.
          expect(visits.every(({ from }) => from > at || from <= at - idle)).toBe(true);
          expect(at - first).toBeGreaterThanOrEqual(idle);
        }
      },
    ),
    { numRuns: 500 },
  );
});
