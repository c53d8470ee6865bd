/** A list that the core answers on request: asked when shown, every ten seconds while visible, and on demand. */
import { onScopeDispose, ref, shallowRef, type Ref, type ShallowRef } from 'vue';
import { toProblem, type Problem } from '../../src-main/contract/errors';

export interface Listing<Row> {
  rows: ShallowRef<Row[]>;
  loaded: Ref<boolean>;
  problem: Ref<Problem | undefined>;
  refresh(): Promise<void>;
}

export function useListing<Row>(ask: () => Promise<Row[]>, every = 10_000): Listing<Row> {
  const rows = shallowRef<Row[]>([]);
  const loaded = ref(false);
  const problem = ref<Problem>();
  let gone = false;

  async function refresh(): Promise<void> {
    try {
      const answer = await ask();
      if (gone) return;
      rows.value = answer;
      problem.value = undefined;
    } catch (thrown) {
      if (!gone) problem.value = toProblem(thrown);
    }
    loaded.value = true;
  }
  void refresh();
  const timer = window.setInterval(() => {
    if (!document.hidden) void refresh();
  }, every);
  onScopeDispose(() => {
    gone = true;
    window.clearInterval(timer);
  });
  return { rows, loaded, problem, refresh };
}
