/** A metric over the visible time range, asked again when the range moves. Old data stays on screen while new data comes. */
import { onScopeDispose, ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue';
import type { ArgumentOf } from '../../src-main/contract/api/define';
import type { Calls } from '../../src-main/contract/api';
import type { Problem } from '../../src-main/contract/errors';
import { toProblem } from '../../src-main/contract/errors';
import type { SeriesView } from '../../src-main/contract/nouns';
import { call } from '../bridge';

export type SeriesRequest = ArgumentOf<Calls['metrics.range']>;

export interface SeriesResult {
  series: ShallowRef<SeriesView[]>;
  loading: Ref<boolean>;
  problem: Ref<Problem | undefined>;
}

/** `every` milliseconds between refreshes while `request()` keeps its shape; undefined requests are not asked. */
export function useSeries(request: () => SeriesRequest | undefined, every = 2000): SeriesResult {
  const series = shallowRef<SeriesView[]>([]);
  const loading = ref(true);
  const problem = ref<Problem>();
  let serial = 0;

  async function load(): Promise<void> {
    const input = request();
    if (!input) return;
    const mine = ++serial;
    try {
      const answer = await call('metrics.range', input);
      // A later request has been sent meanwhile: its answer counts.
      if (mine !== serial) return;
      series.value = answer;
      problem.value = undefined;
    } catch (thrown) {
      if (mine === serial) problem.value = toProblem(thrown);
    }
    if (mine === serial) loading.value = false;
  }

  watch(
    () => {
      const input = request();
      return input
        ? JSON.stringify([input.metric, input.services, input.replicas, input.by, input.to - input.from])
        : '';
    },
    () => void load(),
    { immediate: true },
  );
  const timer = window.setInterval(() => {
    if (!document.hidden) void load();
  }, every);
  onScopeDispose(() => {
    window.clearInterval(timer);
    serial += 1;
  });
  return { series, loading, problem };
}
