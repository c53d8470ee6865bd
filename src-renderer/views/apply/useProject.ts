/** The project being edited: its files, what is wrong with it, and what applying it would do, worked out while the user types. */
import { computed, onScopeDispose, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue';
import { toProblem, type Problem } from '../../../src-main/contract/errors';
import type { PlanView, StackSource } from '../../../src-main/contract/nouns';
import { call } from '../../bridge';

const typingPause = 350;

export interface Project {
  files: Ref<{ name: string; text: string }[]>;
  active: Ref<number>;
  name: Ref<string>;
  source: ComputedRef<StackSource>;
  plan: ShallowRef<PlanView | undefined>;
  problems: ShallowRef<Problem[]>;
  planning: Ref<boolean>;
  /** Takes over a whole project, for instance from disk or from the store. */
  take(source: StackSource, name?: string): void;
  replan(): Promise<void>;
}

export function useProject(): Project {
  const files = ref([{ name: 'compose.yaml', text: '' }]);
  const active = ref(0);
  const name = ref('');
  const rest = shallowRef<Omit<StackSource, 'files'>>({});
  const plan = shallowRef<PlanView>();
  const problems = shallowRef<Problem[]>([]);
  const planning = ref(false);
  let timer = 0;
  let serial = 0;

  const source = computed<StackSource>(() => ({ ...rest.value, files: files.value.map((file) => ({ ...file })) }));
  const empty = computed(() => files.value.every((file) => file.text.trim() === ''));

  async function replan(): Promise<void> {
    const mine = ++serial;
    if (empty.value) {
      plan.value = undefined;
      problems.value = [];
      planning.value = false;
      return;
    }
    planning.value = true;
    try {
      const answer = await call('stacks.plan', { source: source.value, ...(name.value ? { name: name.value } : {}) });
      if (mine !== serial) return;
      plan.value = answer;
      problems.value = [];
    } catch (thrown) {
      if (mine !== serial) return;
      const problem = toProblem(thrown);
      problems.value = problem.more && problem.more.length > 0 ? problem.more : [problem];
      plan.value = undefined;
    }
    planning.value = false;
  }

  watch([source, name], () => {
    window.clearTimeout(timer);
    timer = window.setTimeout(() => void replan(), typingPause);
  });
  onScopeDispose(() => {
    window.clearTimeout(timer);
    serial += 1;
  });

  return {
    files,
    active,
    name,
    source,
    plan,
    problems,
    planning,
    take(taken, takenName) {
      const { files: texts, ...others } = taken;
      files.value = texts.map((file) => ({ ...file }));
      rest.value = others;
      active.value = 0;
      name.value = takenName ?? '';
    },
    replan,
  };
}
