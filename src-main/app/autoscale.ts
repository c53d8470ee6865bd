/** The autoscaler, put between the metrics and the store. */
import type { Clock } from '../base/clock';
import type { Log } from '../base/log';
import { createAutoscale, type Autoscale } from '../core/autoscale';
import type { Metrics } from '../core/metrics';
import type { Store } from '../core/store';

export function openAutoscale(parts: { store: Store; clock: Clock; log: Log; metrics: Metrics }): Autoscale {
  const { store, clock, log, metrics } = parts;
  return createAutoscale({ store, clock, log, reader: metrics.reader, measuring: () => metrics.measuring() });
}
