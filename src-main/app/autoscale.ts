/** The autoscaler, put between the metrics, the gateway and the store. */
import type { Clock } from '../base/clock';
import type { Log } from '../base/log';
import { createAutoscale, type Autoscale } from '../core/autoscale';
import type { Engine } from '../core/engine';
import type { Metrics } from '../core/metrics';
import type { Store } from '../core/store';
import type { Demanded } from '../core/traffic';

export function openAutoscale(parts: {
  store: Store;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  demand: Demanded;
  engine: () => Engine | undefined;
}): Autoscale {
  const { metrics, engine, ...rest } = parts;
  return createAutoscale({
    ...rest,
    reader: metrics.reader,
    measuring: () => metrics.measuring(),
    engine: () => {
      const one = engine();
      return one && { id: one.id, gateway: one.capabilities.gateway === true };
    },
  });
}
