import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AutoscaleSpec } from '../../../../src-main/contract/spec';
import {
  behaviorOf,
  emptyMemory,
  limit,
  remember,
  stabilize,
  type Memory,
} from '../../../../src-main/core/autoscale/behavior';
import { ofWhole, perReplica, type Proposal, type Seen } from '../../../../src-main/core/autoscale/replicas';
import { step } from '../../../../src-main/core/autoscale/step';

const tolerance = { up: 0.1, down: 0.1 };
const up = (...values: (number | undefined)[]): Seen[] => values.map((value) => ({ phase: 'up', value, cold: false }));
const cold = (value?: number): Seen => ({ phase: 'up', value, cold: true });
const pending: Seen = { phase: 'pending', value: undefined, cold: false };
const going: Seen = { phase: 'ignored', value: 9, cold: false };

/** Utilization of a reservation of one core. */
const share = (seen: Seen[], target: number, current = seen.length): Proposal =>
  perReplica({ metric: 'cpu', current, seen, target, tolerance, reservation: 1 });
const mean = (seen: Seen[], target: number, current = seen.length): Proposal =>
  perReplica({ metric: 'requests', current, seen, target, tolerance });

describe('what one metric asks for', () => {
  // "if the current metric value is 200m, and the desired value is 100m, the number of replicas will be doubled … 50m … halved"
  it.each([
    ['doubles at twice the target', mean(up(0.2, 0.2), 0.1), 4],
    ['halves at half of it', mean(up(0.05, 0.05), 0.1), 1],
    ['does nothing within a tenth', mean(up(0.109, 0.109, 0.109), 0.1), 3],
    ['does nothing at exactly a tenth', mean(up(0.11, 0.11, 0.11), 0.1), 3],
    ['rounds up', mean(up(60, 60, 60), 50), 4],
    ['takes utilization of the reservation', share(up(0.9, 0.7), 50), 4],
    ['cuts to whole percents', share(up(0.559, 0.559), 50), 2],
    ['ignores what is going', share([...up(1, 1), going], 50, 3), 4],
    // Three replicas at 3/0.3/missing … of pkg/controller/podautoscaler: missing replicas hold back.
    ['counts the missing as idle when it grows', share(up(1, 1, undefined), 50), 4],
    ['counts the missing as busy when it shrinks', share(up(0.1, 0.1, undefined, undefined), 50), 4],
    ['shrinks in spite of one missing of many', mean(up(10, 10, 10, 10, 10, 10, 10, 10, 10, undefined), 50), 3],
    ['stays when the missing would turn the direction', share(up(0.3, undefined, undefined), 50), 3],
    ['counts what warms up as idle when it grows', share([...up(1, 1), cold(1)], 50), 4],
    ['counts what is pending as idle when it grows', share([...up(2, 2), pending], 50), 8],
    ['does not grow when the cold ones will do', share([...up(0.75), cold()], 50), 2],
    ['leaves out what warms up when it shrinks', share([...up(0.2, 0.2, 0.2), cold(0)], 50, 4), 2],
  ])('%s', (_name, proposal, replicas) => {
    expect(proposal).toMatchObject({ replicas });
  });

  it('reports the uncorrected value', () => {
    expect(share(up(1, 1, undefined), 50)).toMatchObject({ value: 100 });
  });

  it('knows nothing where nothing was measured', () => {
    for (const seen of [[], up(undefined), up(NaN), [pending], [cold(3)], [going]])
      expect(share(seen, 50, 2)).toHaveProperty('problem');
  });

  it.each([
    ['a value', { value: 300, target: 100, average: false, current: 2, ready: 2 }, 6],
    ['a value over ready replicas only', { value: 300, target: 100, average: false, current: 4, ready: 2 }, 6],
    ['a part per replica', { value: 300, target: 100, average: true, current: 2, ready: 2 }, 3],
    ['a part per replica in tolerance', { value: 210, target: 100, average: true, current: 2, ready: 2 }, 2],
    ['from zero', { value: 250, target: 100, average: false, current: 0, ready: 0 }, 3],
    ['to zero', { value: 0, target: 100, average: true, current: 2, ready: 2 }, 0],
  ])('takes %s of the whole', (_name, input, replicas) => {
    expect(ofWhole({ metric: 'queue', tolerance, ...input })).toMatchObject({ replicas });
  });
});

const second = 1000;
const policyOf = (behavior: AutoscaleSpec['behavior'] = {}): AutoscaleSpec => ({
  min: 1,
  max: 1000,
  metrics: [{ metric: 'cpu', type: 'Utilization', target: 50 }],
  behavior,
});

describe('policies', () => {
  // "policies: Pods 4 / 60 s, Percent 10 / 60 s": 80 replicas shrink by 8 until 40 are left, then by 4; 7.2 is rounded to 8.
  it('shrink as the example of the documentation does', () => {
    const policies = [
      { type: 'Replicas' as const, value: 4, period: 60 * second },
      { type: 'Percent' as const, value: 10, period: 60 * second },
    ];
    const behavior = behaviorOf(policyOf({ scaleDown: { stabilization: 0, policies } }));
    const path: number[] = [];
    let [current, memory]: [number, Memory] = [80, emptyMemory];
    for (let now = 0; current > 10; now += 60 * second) {
      const to = limit(memory, { wanted: 10, current, min: 1, max: 100, now, behavior });
      memory = remember(memory, { from: current, to, at: now });
      path.push((current = to));
    }
    expect(path.slice(0, 7)).toEqual([72, 64, 57, 51, 45, 40, 36]);
    expect(path.slice(-3)).toEqual([16, 12, 10]);
  });

  it('spread over a period, whatever the number of looks within it', () => {
    const policies = [{ type: 'Replicas' as const, value: 5, period: 60 * second }];
    const behavior = behaviorOf(policyOf({ scaleUp: { policies } }));
    let [current, memory]: [number, Memory] = [1, emptyMemory];
    for (let now = 0; now < 60 * second; now += 15 * second) {
      const to = limit(memory, { wanted: 100, current, min: 1, max: 100, now, behavior });
      memory = remember(memory, { from: current, to, at: now });
      current = to;
    }
    expect(current).toBe(6);
    expect(limit(memory, { wanted: 100, current, min: 1, max: 100, now: 60 * second, behavior })).toBe(11);
  });

  it.each([
    ['Max', 20, 5],
    ['Min', 14, 9],
    ['Disabled', 10, 10],
  ] as const)('%s takes the larger, the smaller or no change', (selectPolicy, most, fewest) => {
    const policies = [
      { type: 'Replicas' as const, value: selectPolicy === 'Min' ? 4 : 5, period: 15 * second },
      { type: 'Percent' as const, value: selectPolicy === 'Min' ? 10 : 100, period: 15 * second },
    ];
    const rules = { stabilization: 0, selectPolicy, policies };
    const grow = {
      wanted: 100,
      current: 10,
      min: 1,
      max: 100,
      now: 0,
      behavior: behaviorOf(policyOf({ scaleUp: rules })),
    };
    expect(limit(emptyMemory, grow)).toBe(selectPolicy === 'Min' ? 11 : most);
    const down = { ...rules, policies: policies.slice(0, selectPolicy === 'Min' ? 2 : 1) };
    const shrink = { ...grow, wanted: 1, behavior: behaviorOf(policyOf({ scaleDown: down })) };
    expect(limit(emptyMemory, shrink)).toBe(fewest);
  });

  it('have the defaults of HPA: four or double at once up, everything down', () => {
    const behavior = behaviorOf(policyOf());
    expect(limit(emptyMemory, { wanted: 50, current: 1, min: 1, max: 100, now: 0, behavior })).toBe(5);
    expect(limit(emptyMemory, { wanted: 50, current: 10, min: 1, max: 100, now: 0, behavior })).toBe(20);
    expect(limit(emptyMemory, { wanted: 2, current: 90, min: 1, max: 100, now: 0, behavior })).toBe(2);
  });
});

describe('stabilization', () => {
  it('shrinks to the highest of the last five minutes and grows at once', () => {
    const behavior = behaviorOf(policyOf());
    let memory = emptyMemory;
    const at = (minute: number, wanted: number, current: number): number => {
      const outcome = stabilize(memory, { wanted, current, now: minute * 60 * second, behavior });
      memory = outcome.memory;
      return outcome.replicas;
    };
    expect(at(0, 10, 10)).toBe(10);
    expect(at(1, 4, 10)).toBe(10);
    expect(at(2, 6, 10)).toBe(10);
    expect(at(4, 3, 10)).toBe(10);
    expect(at(5.5, 3, 10)).toBe(6);
    expect(at(6, 20, 6)).toBe(20);
  });

  it('grows to the lowest of its window', () => {
    const behavior = behaviorOf(policyOf({ scaleUp: { stabilization: 60 * second } }));
    let memory = stabilize(emptyMemory, { wanted: 2, current: 2, now: 0, behavior }).memory;
    for (const now of [15, 30, 45]) {
      const outcome = stabilize(memory, { wanted: 8, current: 2, now: now * second, behavior });
      expect(outcome.replicas).toBe(2);
      memory = outcome.memory;
    }
    expect(stabilize(memory, { wanted: 9, current: 2, now: 61 * second, behavior }).replicas).toBe(8);
  });

  it('does not shrink right after a start without a memory', () => {
    const behavior = behaviorOf(policyOf());
    expect(stabilize(emptyMemory, { wanted: 1, current: 7, now: 0, behavior }).replicas).toBe(7);
  });
});

const problem: Proposal = { problem: { code: 'autoscale.noSamples', args: { metric: 'cpu' } } };
const asks = (replicas: number): Proposal => ({ replicas, value: 50 });
const quick = { scaleDown: { stabilization: 0 } };

describe('several metrics', () => {
  const look = (current: number, proposals: Proposal[], rolling = false) =>
    step(
      { policy: policyOf(quick), bounds: { min: 1, max: 10 }, current, proposals, rolling, now: 0 },
      {
        ...emptyMemory,
        wanted: [{ at: -1_000_000, replicas: current }],
      },
    );
  it.each([
    ['take the largest', look(4, [asks(2), asks(7), asks(5)]), 7],
    ['grow in spite of a missing one', look(4, [problem, asks(6)]), 6],
    ['do not shrink while one is missing', look(4, [problem, asks(2)]), 4],
    ['do nothing when all are missing', look(4, [problem, problem]), 4],
    ['do not shrink during a rollout', look(4, [asks(2)], true), 4],
    ['grow during a rollout', look(4, [asks(6)], true), 6],
    ['rest at zero', look(0, [asks(6)]), 0],
    ['come back into the bounds without figures', look(40, [problem]), 10],
    ['stop at the most', look(8, [asks(60)]), 10],
  ])('%s', (_name, outcome, to) => {
    expect(outcome.to).toBe(to);
  });
});

describe('I14: whatever is measured', () => {
  const proposal = fc.oneof(
    fc.record({ replicas: fc.integer({ min: 0, max: 400 }), value: fc.constant(1) }),
    fc.constant(problem),
  );
  const rules = fc.record(
    {
      stabilization: fc.integer({ min: 0, max: 3_600_000 }),
      selectPolicy: fc.constantFrom('Max' as const, 'Min' as const, 'Disabled' as const),
      policies: fc.array(
        fc.record({
          type: fc.constantFrom('Replicas' as const, 'Percent' as const),
          value: fc.integer({ min: 1, max: 200 }),
          period: fc.integer({ min: 1000, max: 1_800_000 }),
        }),
        { maxLength: 3 },
      ),
    },
    { requiredKeys: [] },
  );
  it('the count stays within its bounds, moves by its policies, and never shrinks blind or during a rollout', () => {
    fc.assert(
      fc.property(
        fc.record({ scaleUp: rules, scaleDown: rules }, { requiredKeys: [] }),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 0, max: 80 }),
        fc.array(fc.record({ proposals: fc.array(proposal, { minLength: 1, maxLength: 3 }), rolling: fc.boolean() }), {
          minLength: 1,
          maxLength: 60,
        }),
        (behavior, min, spread, looks) => {
          const policy = policyOf(behavior);
          const bounds = { min, max: min + spread };
          let [current, memory]: [number, Memory] = [min, emptyMemory];
          for (const [index, { proposals, rolling }] of looks.entries()) {
            const { to, memory: after } = step(
              { policy, bounds, current, proposals, rolling, now: index * 15_000 },
              memory,
            );
            expect(to).toBeGreaterThanOrEqual(bounds.min);
            expect(to).toBeLessThanOrEqual(bounds.max);
            const known = proposals.filter((one) => 'replicas' in one).map(({ replicas }) => replicas);
            if (known.length === 0) expect(to).toBe(current);
            if (to < current) {
              expect(known).toHaveLength(proposals.length);
              expect(rolling).toBe(false);
              expect(Math.max(...known)).toBeLessThan(current);
            }
            if (to > current) expect(Math.max(...known)).toBeGreaterThan(current);
            if (to !== current && behavior[to > current ? 'scaleUp' : 'scaleDown']?.selectPolicy === 'Disabled')
              expect.fail('a disabled direction moved');
            [current, memory] = [to, after];
          }
          expect(memory.wanted.length).toBeLessThanOrEqual(241);
        },
      ),
      { numRuns: 300 },
    );
  });
});
