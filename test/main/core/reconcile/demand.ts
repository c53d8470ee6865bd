/** The people who ask the service of the simulated world: their number is all there is, and each ready replica gets its part. */
import { Emitter } from '../../../../src-main/base/emitter';
import { silent } from '../../../../src-main/base/log';
import { Autoscaler } from '../../../../src-main/core/autoscale/autoscaler';
import type { MetricsReader } from '../../../../src-main/core/metrics';
import type { Store } from '../../../../src-main/core/store';
import type { FakeClock } from '../../../support/clock';

/** An autoscaler over a steady load. `load` is asked at each look; `measuring` as the app's own. */
export function autoscalerOver(parts: {
  store: Store;
  clock: FakeClock;
  service: string;
  /** Requests a second of the whole service. */
  load: () => number;
}): Autoscaler {
  const { store, clock, service, load } = parts;
  const reader: MetricsReader = {
    read: ({ metric, from, to, step }) => {
      const ready = (store.get('serviceStatus', service)?.replicaList ?? []).filter(({ state }) => state === 'ready');
      if (metric !== 'gateway_requests') return Promise.resolve([]);
      const cells = Math.round((to - from) / step);
      const series = ready.map(({ id }) => {
        const average = new Float64Array(cells).fill(load() / ready.length);
        const labels = { service, replica: id };
        return { metric, labels, from, step, average, minimum: average, maximum: average };
      });
      return Promise.resolve(series);
    },
    finest: () => 1000,
    series: () => [],
    metrics: () => Promise.resolve(['gateway_requests']),
  };
  // No gateway here: nothing goes to rest.
  const demand = {
    quiet: () => undefined,
    quietNow: () => Promise.resolve(undefined),
    onHeld: new Emitter<string>().event,
  };
  return new Autoscaler({ store, clock, log: silent, reader, demand, measuring: () => true, engine: () => undefined });
}
