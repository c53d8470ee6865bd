/** Requests through the gateway of every replica, asked every two seconds while shown. */
import { onScopeDispose, shallowRef, type ShallowRef } from 'vue';
import { call } from '../bridge';

export interface Rates {
  /** Per second, by replica id. */
  requests: ReadonlyMap<string, number>;
  errors: ReadonlyMap<string, number>;
}

const every = 2000;

export function useRates(): ShallowRef<Rates> {
  const rates = shallowRef<Rates>({ requests: new Map(), errors: new Map() });
  let gone = false;

  async function byReplica(metric: string): Promise<Map<string, number>> {
    const { rows } = await call('metrics.query', { query: `sum by (replica) (${metric})` });
    return new Map(rows.map(({ labels, value }) => [labels['replica'] ?? '', value]));
  }
  async function ask(): Promise<void> {
    try {
      const [requests, errors] = await Promise.all([byReplica('gateway_requests'), byReplica('gateway_errors')]);
      if (!gone) rates.value = { requests, errors };
    } catch {
      // Without figures the map stands without them; the next turn asks again.
    }
  }
  void ask();
  const timer = window.setInterval(() => {
    if (!document.hidden) void ask();
  }, every);
  onScopeDispose(() => {
    gone = true;
    window.clearInterval(timer);
  });
  return rates;
}
