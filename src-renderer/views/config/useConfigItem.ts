/** One item of the config center, live, with what is being typed: saved as a draft a moment after the last key. */
import { computed, onScopeDispose, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue';
import type { ConfigItemDetail, ConfigItemId } from '../../../src-main/contract/api/config';
import { toProblem, type Problem } from '../../../src-main/contract/errors';
import { call, open } from '../../bridge';

/** Milliseconds after the last key until the draft is kept. */
const saveDelay = 600;

export interface ConfigItemEditor {
  detail: ShallowRef<ConfigItemDetail | undefined>;
  text: Ref<string>;
  /** Typed and not yet kept. */
  dirty: Ref<boolean>;
  /** Somebody else changed the draft meanwhile: nothing is kept until the user chooses. */
  conflict: ShallowRef<Problem | undefined>;
  problem: ShallowRef<Problem | undefined>;
  changed: ComputedRef<boolean>;
  flush(): Promise<void>;
  takeTheirs(): void;
  keepMine(): Promise<void>;
}

export function useConfigItem(item: Ref<ConfigItemId | undefined>): ConfigItemEditor {
  const detail = shallowRef<ConfigItemDetail>();
  const text = ref('');
  const dirty = ref(false);
  const conflict = shallowRef<Problem>();
  const problem = shallowRef<Problem>();
  let version = 0;
  let timer = 0;
  let stop: (() => void) | undefined;

  function take(next: ConfigItemDetail): void {
    detail.value = next;
    if (dirty.value) return;
    version = next.draftVersion;
    if (text.value !== next.text) text.value = next.text;
  }

  async function save(force = false): Promise<void> {
    window.clearTimeout(timer);
    const id = item.value;
    if (!id || !dirty.value || (conflict.value && !force)) return;
    const sent = text.value;
    try {
      const input = { item: id, text: sent, ...(force ? {} : { draftVersion: version }) };
      const next = await call('config.saveDraft', input);
      if (item.value !== id) return;
      version = next.draftVersion;
      problem.value = undefined;
      conflict.value = undefined;
      dirty.value = text.value !== sent;
      detail.value = next;
    } catch (thrown) {
      const failed = toProblem(thrown);
      if (failed.code === 'conflict') conflict.value = failed;
      else problem.value = failed;
    }
  }

  watch(
    item,
    (id, before) => {
      if (before && dirty.value) void save();
      stop?.();
      stop = undefined;
      window.clearTimeout(timer);
      detail.value = undefined;
      dirty.value = false;
      conflict.value = undefined;
      problem.value = undefined;
      if (!id) return;
      const stream = open(
        'config.watchItem',
        { item: id },
        {
          item: take,
          end: (cut) => {
            if (item.value === id) problem.value = cut;
          },
        },
      );
      stop = () => stream.dispose();
    },
    { immediate: true },
  );
  watch(text, (now) => {
    if (!detail.value || now === detail.value.text) return;
    dirty.value = true;
    window.clearTimeout(timer);
    timer = window.setTimeout(() => void save(), saveDelay);
  });
  onScopeDispose(() => {
    void save();
    stop?.();
  });

  return {
    detail,
    text,
    dirty,
    conflict,
    problem,
    changed: computed(() => detail.value !== undefined && (detail.value.released ?? '') !== text.value),
    flush: () => save(),
    takeTheirs: () => {
      dirty.value = false;
      conflict.value = undefined;
      if (detail.value) take(detail.value);
    },
    keepMine: () => save(true),
  };
}
