/** Keeps a keyed list equal to a watched list of the core, through reconnects. Every noun's store is this and a few words. */
import { computed, ref, shallowRef, triggerRef, type ComputedRef, type Ref, type ShallowRef } from 'vue';
import type { ListChange } from '../../src-main/contract/api/stacks';
import type { Problem } from '../../src-main/contract/errors';
import { open } from '../bridge';

type ListStream =
  | 'stacks.watch'
  | 'services.watch'
  | 'engines.watch'
  | 'events.watch'
  | 'alerts.watch'
  | 'rules.watch'
  | 'config.watch';

export interface WatchedList<Row> {
  rows: ShallowRef<Map<string, Row>>;
  list: ComputedRef<Row[]>;
  /** False until the first answer: the screen shows its loading rows. */
  loaded: Ref<boolean>;
  problem: Ref<Problem | undefined>;
  start(): void;
}

/** Opens the stream once and reopens it a second after it was cut. */
export function watchList<Row>(
  stream: ListStream,
  input: Record<string, unknown>,
  keyOf: (row: Row) => string,
): WatchedList<Row> {
  const rows = shallowRef(new Map<string, Row>());
  const loaded = ref(false);
  const problem = ref<Problem>();
  let started = false;

  function subscribe(): void {
    open(stream, input as never, {
      item(raw) {
        const change = raw as unknown as ListChange<Row>;
        if (change.reset) rows.value.clear();
        for (const row of change.put) rows.value.set(keyOf(row), row);
        for (const key of change.gone) rows.value.delete(key);
        loaded.value = true;
        problem.value = undefined;
        triggerRef(rows);
      },
      end(cut) {
        problem.value = cut;
        window.setTimeout(subscribe, 1000);
      },
    });
  }

  return {
    rows,
    list: computed(() => [...rows.value.values()]),
    loaded,
    problem,
    start() {
      if (started) return;
      started = true;
      subscribe();
    },
  };
}
