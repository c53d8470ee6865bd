/** The services of every stack, as the core reports them, and the acts on them. */
import { defineStore } from 'pinia';
import { computed } from 'vue';
import { healthOrder, type ServiceView } from '../../src-main/contract/nouns';
import { call } from '../bridge';
import { watchList } from './watchList';

export const useServices = defineStore('services', () => {
  const { rows, list, loaded, problem, start } = watchList<ServiceView>('services.watch', {}, (row) => row.key);

  /** Worst first, then by stack and name. */
  const sorted = computed(() =>
    [...list.value].sort(
      (left, right) =>
        healthOrder.indexOf(left.health) - healthOrder.indexOf(right.health) ||
        left.stack.localeCompare(right.stack) ||
        left.name.localeCompare(right.name),
    ),
  );
  const counts = computed(() => {
    const result = { critical: 0, warning: 0, progress: 0, ok: 0, off: 0 };
    for (const service of list.value) result[service.health] += 1;
    return result;
  });

  return {
    rows,
    list,
    sorted,
    counts,
    loaded,
    problem,
    start,
    scale: (service: string, replicas: number) => call('services.scale', { service, replicas }),
    stop: (service: string) => call('services.stop', { service }),
    startService: (service: string) => call('services.start', { service }),
    restart: (service: string) => call('services.restart', { service }),
  };
});
