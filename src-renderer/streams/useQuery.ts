/** A metric query over the visible time range, asked again when it changes and as time goes on; and what it gave earlier. */
import { computed, onScopeDispose, ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue';
import type { Problem } from '../../src-main/contract/errors';
import { toProblem } from '../../src-main/contract/errors';
import type { SeriesView } from '../../src-main/contract/nouns';
import { call } from '../bridge';

export interface QueryRequest {
  query: string;
  from: number;
  to: number;
  points: number;
  /** At most so many lines, the highest; all by default. */
  rows?: number;
  /** Compares with what was so many milliseconds earlier. */
  shift?: number | undefined;
}

export interface QueryAnswer {
  series: ShallowRef<SeriesView[]>;
  /** Moved on by the shift, so that it lies under the present. */
  before: ShallowRef<SeriesView[]>;
  loading: Ref<boolean>;
  problem: Ref<Problem | undefined>;
}

/** A new value every `points`th of the span at most, but never more often than this, milliseconds. */
const soonest = 2000;
const latest = 30_000;
/** Typing pauses, milliseconds. */
const patience = 300;

/** Undefined requests are not asked. Old data stays on screen while new data comes; never two questions at a time. */
export function useQuery(request: () => QueryRequest | undefined): QueryAnswer {
  const series = shallowRef<SeriesView[]>([]);
  const before = shallowRef<SeriesView[]>([]);
  const loading = ref(true);
  const problem = ref<Problem>();
  let asking = false;
  let again = false;
  let disposed = false;
  let asked = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function ask(): Promise<void> {
    const input = request();
    if (asking) again = true;
    if (!input || asking || disposed) return;
    asking = true;
    const { shift, ...now } = input;
    try {
      const [present, earlier] = await Promise.all([
        call('metrics.queryRange', now),
        shift === undefined || shift <= 0
          ? []
          : call('metrics.queryRange', { ...now, from: Math.max(0, now.from - shift), to: now.to - shift }),
      ]);
      series.value = present;
      before.value = earlier.map((one) => ({ ...one, t: one.t.map((at) => at + (shift ?? 0)) }));
      problem.value = undefined;
    } catch (thrown) {
      problem.value = toProblem(thrown);
      if (problem.value.code === 'bad-input') series.value = before.value = [];
    }
    asking = false;
    loading.value = false;
    if (again) {
      again = false;
      void ask();
    }
  }
  function plan(wait: number): void {
    timer ??= setTimeout(() => {
      timer = undefined;
      asked = Date.now();
      void ask();
    }, wait);
  }
  const what = computed(() => {
    const input = request();
    return input ? JSON.stringify([input.query, input.shift, Math.round((input.to - input.from) / 1000)]) : '';
  });
  // The first question is asked at once, later ones when the typing pauses.
  watch(
    what,
    (next, last) => {
      clearTimeout(timer);
      timer = undefined;
      if (next !== '') plan(last === undefined || last === '' ? 0 : patience);
    },
    { immediate: true },
  );
  // Time goes on, or the user moves the window.
  watch(
    () => request()?.from,
    () => {
      const input = request();
      if (!input || document.hidden) return;
      const every = Math.min(latest, Math.max(soonest, (input.to - input.from) / input.points));
      plan(Math.max(0, asked + every - Date.now()));
    },
  );
  onScopeDispose(() => {
    disposed = true;
    clearTimeout(timer);
  });
  return { series, before, loading, problem };
}
