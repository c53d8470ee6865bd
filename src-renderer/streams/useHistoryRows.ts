/** The rows of a selection in a time that stands still, for a list that may jump anywhere. */
import { onScopeDispose, ref, shallowRef, triggerRef, watch, type Ref, type ShallowRef } from 'vue';
import type { ArgumentOf } from '../../src-main/contract/api/define';
import type { Calls } from '../../src-main/contract/api';
import { toProblem } from '../../src-main/contract/errors';
import { call } from '../bridge';
import { HistoryRows } from './historyRows';

export type HistoryRequest = Omit<ArgumentOf<Calls['logs.histogram']>, 'buckets'>;

export interface History {
  /** Undefined while nothing is asked, or nothing answered yet. Triggered whenever rows came. */
  rows: ShallowRef<HistoryRows | undefined>;
  loading: Ref<boolean>;
  failed: Ref<string>;
}

/** Asks anew whenever `request()` changes; undefined asks nothing. */
export function useHistoryRows(request: () => HistoryRequest | undefined): History {
  const rows = shallowRef<HistoryRows>();
  const loading = ref(false);
  const failed = ref('');
  let current: HistoryRows | undefined;

  function stop(): void {
    current?.close();
    current = undefined;
    rows.value = undefined;
    loading.value = false;
    failed.value = '';
  }
  watch(
    () => JSON.stringify(request() ?? null),
    () => {
      stop();
      const input = request();
      if (!input) return;
      const { from, to, ...selection } = input;
      loading.value = true;
      const made = new HistoryRows(
        {
          histogram: (span, buckets) => call('logs.histogram', { ...selection, ...span, buckets }),
          page: (span, limit, before) =>
            call('logs.page', { ...selection, ...span, limit, ...(before === undefined ? {} : { before }) }),
        },
        { from, to },
        {
          changed() {
            loading.value = false;
            failed.value = '';
            rows.value = made;
            triggerRef(rows);
          },
          failed(thrown) {
            loading.value = false;
            failed.value = toProblem(thrown).message;
          },
        },
      );
      current = made;
      void made.begin();
    },
    { immediate: true },
  );
  onScopeDispose(stop);
  return { rows, loading, failed };
}
