/** The computer's sleep and battery, between the rooms that must know of them. */
import type { Metrics } from '../core/metrics';
import type { Power } from '../core/system';

/** The metrics for whoever concludes something from them: while the computer is on its way to sleep there is nothing to conclude. */
export function whileAwake(metrics: Metrics, power: Pick<Power, 'asleep'>): Metrics {
  return { ...metrics, measuring: () => !power.asleep && metrics.measuring() };
}
