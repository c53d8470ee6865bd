import { describe, expect, it } from 'vitest';
import type { PilothouseSpec } from '../../../../src-main/contract/spec';
import type { Budget } from '../../../../src-main/core/reconcile/budget';
import { canaryCount, stageOf, stepStrategy, type StrategyInput } from '../../../../src-main/core/reconcile/strategy';
import type { RolloutRow } from '../../../../src-main/core/store';
import { serviceSpec } from '../../../support/builders';

const spec = (rollout: Partial<NonNullable<PilothouseSpec['rollout']>>): ReturnType<typeof serviceSpec> =>
  serviceSpec({ pilothouse: { rollout: { strategy: 'canary', ...rollout } } });
const row = (given: Partial<RolloutRow> = {}): RolloutRow =>
  ({ service: 'shop/web', from: 1, to: 2, state: 'running', strategy: 'canary', startedAt: 0, ...given }) as RolloutRow;

function step(given: Partial<StrategyInput>): ReturnType<typeof stepStrategy> {
  return stepStrategy({
    row: row(),
    spec: spec({ steps: [{ weight: 20, pause: 10_000 }], analysis: { maxErrorRatio: 0.05, maxP95: 200 } }),
    wanted: 5,
    replaced: 1,
    ordered: false,
    budget: { monitor: 0 } as Budget,
    memory: {
      key: '',
      replaced: 1,
      progressAt: 0,
      stage: { id: 'step 0', since: 0, requests: 100, errors: 50 },
    },
    now: 5000,
    monotonic: 5000,
    ...given,
  });
}

describe('the analysis of a canary', () => {
  it('fails for too many errors since the step began, not for those before', () => {
    expect(step({ traffic: { requests: 200, errors: 51 } }).failure).toBeUndefined();
    expect(step({ traffic: { requests: 200, errors: 56 } }).failure?.code).toBe('reason.errorRatio');
  });

  it('fails for slow answers', () => {
    expect(step({ traffic: { requests: 200, errors: 50, p95: 200 } }).failure).toBeUndefined();
    expect(step({ traffic: { requests: 200, errors: 50, p95: 201 } }).failure?.code).toBe('reason.slow');
  });

  it('goes on after the pause, but not before enough requests were seen', () => {
    const late = { monotonic: 10_000, now: 10_000 };
    expect(step({ ...late, traffic: { requests: 101, errors: 50 } }).change.step).toBe(1);
    const picky = spec({ steps: [{ weight: 20, pause: 10_000 }], analysis: { maxErrorRatio: 0.05, minRequests: 50 } });
    expect(step({ ...late, spec: picky, traffic: { requests: 149, errors: 50 } }).change.step).toBe(0);
    expect(step({ ...late, spec: picky, traffic: { requests: 150, errors: 50 } }).change.step).toBe(1);
    // Few requests are no verdict, also not a bad one.
    expect(step({ spec: picky, traffic: { requests: 110, errors: 60 } }).failure).toBeUndefined();
  });

  it('leaves it to health where nothing counts the requests', () => {
    expect(step({ monotonic: 10_000 }).change.step).toBe(1);
  });
});

describe('the limits of a rollout', () => {
  it('a share is at least one replica and leaves one', () => {
    expect([1, 10, 25, 50, 99, 100].map((weight) => canaryCount(weight, 4))).toEqual([1, 1, 1, 2, 3, 4]);
    expect(canaryCount(20, 1)).toBe(1);
  });

  it('hold while it runs or is paused, and never on the way back', () => {
    const options = { spec: spec({ steps: [{ weight: 50 }] }), wanted: 4, ordered: false };
    expect(stageOf(row(), options)?.most).toBe(2);
    expect(stageOf(row({ state: 'paused' }), options)?.most).toBe(2);
    expect(stageOf(row({ step: 1 }), options)).toBeUndefined();
    expect(stageOf(row({ state: 'rolling-back' }), options)).toBeUndefined();
    const green = row({ strategy: 'blue-green' });
    expect(stageOf(green, options)).toEqual({ most: 4, keepOld: true, showOld: true });
    expect(stageOf({ ...green, switchedAt: 1 }, options)?.showOld).toBe(false);
    expect(stageOf({ ...green, switchedAt: 1, settled: true }, options)).toBeUndefined();
    expect(stageOf(green, { ...options, ordered: true })).toBeUndefined();
  });
});
