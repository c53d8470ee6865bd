/** The engines that were found, and the one in use. */
import { defineStore } from 'pinia';
import { computed } from 'vue';
import type { EngineView } from '../../src-main/contract/nouns';
import { call } from '../bridge';
import { watchList } from './watchList';

export const useEngines = defineStore('engines', () => {
  const watched = watchList<EngineView>('engines.watch', {}, (row) => row.id);
  const selected = computed(() => watched.list.value.find((engine) => engine.selected));
  return {
    ...watched,
    selected,
    find: () => call('engines.find', {}),
    select: (engine: string) => call('engines.select', { engine }),
    retry: () => call('engines.retry', {}),
  };
});
