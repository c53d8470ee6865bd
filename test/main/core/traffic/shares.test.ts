import { describe, expect, it } from 'vitest';
import type { ReplicaView } from '../../../../src-main/contract/nouns';
import type { RolloutRow } from '../../../../src-main/core/store';
import { sharesOf } from '../../../../src-main/core/traffic/shares';

const replicas = (revisions: number[]): ReplicaView[] =>
  revisions.map((revision, at) => ({ id: `shop/web.${at + 1}`, revision, state: 'ready' }) as ReplicaView);
const rollout = (given: Partial<RolloutRow>): RolloutRow =>
  ({ from: 1, to: 2, state: 'running', strategy: 'canary', ...given }) as RolloutRow;
/** The share of the new revision that the weights make, percent. */
const share = (list: ReplicaView[], row: RolloutRow): number | undefined => {
  const weights = sharesOf(list, row);
  if (!weights) return undefined;
  const sum = (of: (replica: ReplicaView) => boolean): number =>
    list.filter(of).reduce((total, one) => total + (weights.get(one.id) ?? 0), 0);
  return (100 * sum((one) => one.revision === row.to)) / sum(() => true);
};

describe('shares of a canary', () => {
  it.each([
    [1, [2, 1, 1, 1]],
    [5, [2, 1, 1, 1]],
    [25, [2, 1, 1, 1]],
    [50, [2, 1, 1, 1, 1, 1, 1, 1, 1, 1]],
    [90, [2, 2, 1]],
  ])('%i %% over %j', (weight, revisions) => {
    const list = replicas(revisions);
    const got = share(list, rollout({ weight }));
    expect(Math.abs((got ?? 0) - weight)).toBeLessThan(Math.max(0.5, weight * 0.02));
    for (const value of sharesOf(list, rollout({ weight }))?.values() ?? []) {
      expect(value).toBeGreaterThanOrEqual(1);
      expect(value).toBeLessThanOrEqual(256);
    }
  });

  it('of nothing is nothing, and the whole is the whole', () => {
    expect(share(replicas([2, 1]), rollout({ weight: 0 }))).toBe(0);
    expect(share(replicas([2, 1]), rollout({ weight: 100 }))).toBe(100);
  });

  it('goes back at once, and ends with the rollout', () => {
    expect(share(replicas([2, 2, 1]), rollout({ from: 2, to: 1, state: 'rolling-back' }))).toBe(100);
    expect(sharesOf(replicas([2, 1]), rollout({}))).toBeUndefined();
    expect(sharesOf(replicas([2, 2]), rollout({ weight: 20 }))).toBeUndefined();
    expect(sharesOf(replicas([2, 1]), rollout({ strategy: 'rolling' }))).toBeUndefined();
  });
});
