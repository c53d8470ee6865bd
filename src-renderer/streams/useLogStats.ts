/** Histogram and facet counts of a log selection over the visible time, refreshed while live. */
import { onScopeDispose, shallowRef, watch, type ShallowRef } from 'vue';
import type { ArgumentOf } from '../../src-main/contract/api/define';
import type { Calls } from '../../src-main/contract/api';
import type { LogHistogram } from '../../src-main/contract/api/observe';
import { call } from '../bridge';

export type StatsRequest = Omit<ArgumentOf<Calls['logs.histogram']>, 'buckets'>;

export interface LogStats {
  histogram: ShallowRef<LogHistogram | undefined>;
  /** Counts by value for each facet field. */
  counts: ShallowRef<{ level: Map<string, number>; service: Map<string, number>; replica: Map<string, number> }>;
}

const emptyCounts = (): LogStats['counts']['value'] => ({ level: new Map(), service: new Map(), replica: new Map() });

/** `facets()` is the same selection without its own level and service choice, so that unchosen values keep their counts. */
export function useLogStats(request: () => StatsRequest, facets: () => StatsRequest, every = 2000): LogStats {
  const histogram = shallowRef<LogHistogram>();
  const counts = shallowRef(emptyCounts());
  let busy = false;
  let again = false;
  let gone = false;

  async function load(): Promise<void> {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    try {
      const [bars, values] = await Promise.all([
        call('logs.histogram', { ...request(), buckets: 80 }),
        call('logs.facets', { ...facets(), fields: ['level', 'service', 'replica'] }),
      ]);
      if (!gone) {
        histogram.value = bars;
        const next = emptyCounts();
        for (const facet of values) {
          if (facet.field === 'level' || facet.field === 'service' || facet.field === 'replica') {
            for (const entry of facet.values) next[facet.field].set(entry.value, entry.count);
          }
        }
        counts.value = next;
      }
    } catch {
      // A query being typed may be wrong for a moment; the tail shows the problem, the last bars stay.
    }
    busy = false;
    if (again && !gone) {
      again = false;
      void load();
    }
  }

  const shape = (input: StatsRequest): string =>
    JSON.stringify({ ...input, from: Math.round(input.from / 5000), to: Math.round(input.to / 5000) });
  watch(
    () => shape(request()) + shape(facets()),
    () => void load(),
    { immediate: true },
  );
  const timer = window.setInterval(() => {
    if (!document.hidden) void load();
  }, every);
  onScopeDispose(() => {
    gone = true;
    window.clearInterval(timer);
  });
  return { histogram, counts };
}
