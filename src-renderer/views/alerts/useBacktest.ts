/** What a rule would have done, asked again as it changes, at most every half second and never two at a time. */
import { onScopeDispose, ref, watch, type Ref } from 'vue';
import type { BacktestView, RuleInput } from '../../../src-main/contract/api/alerts';
import { toProblem, type Problem } from '../../../src-main/contract/errors';
import { call } from '../../bridge';

export interface Backtested {
  result: Ref<BacktestView | undefined>;
  problem: Ref<Problem | undefined>;
  working: Ref<boolean>;
}

interface Question {
  rule: RuleInput;
  from: number;
  to: number;
  points: number;
}

const patience = 500;

export function useBacktest(ask: () => Question | undefined): Backtested {
  const result = ref<BacktestView>();
  const problem = ref<Problem>();
  const working = ref(false);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let wanted: Question | undefined;
  let disposed = false;

  async function answer(): Promise<void> {
    timer = undefined;
    const question = wanted;
    if (!question || working.value || disposed) return;
    working.value = true;
    try {
      result.value = await call('rules.backtest', question);
      problem.value = undefined;
    } catch (thrown) {
      problem.value = toProblem(thrown);
      result.value = undefined;
    }
    working.value = false;
    if (wanted !== question) plan();
  }
  function plan(): void {
    timer ??= setTimeout(() => void answer(), patience);
  }
  watch(
    () => JSON.stringify(ask() ?? null),
    (text) => {
      wanted = (JSON.parse(text) as Question | null) ?? undefined;
      if (!result.value && !problem.value && !working.value && !timer) void answer();
      else plan();
    },
    { immediate: true },
  );
  onScopeDispose(() => {
    disposed = true;
    clearTimeout(timer);
  });
  return { result, problem, working };
}
