/** The newest events, for the overview, the time line's marks and a service's history. */
import { defineStore } from 'pinia';
import { computed } from 'vue';
import type { EventView } from '../../src-main/contract/nouns';
import { watchList } from './watchList';

export const useEvents = defineStore('events', () => {
  const watched = watchList<EventView>('events.watch', { limit: 1000 }, (row) => row.id);
  const newest = computed(() => [...watched.list.value].sort((left, right) => right.at - left.at));
  return { ...watched, newest };
});
