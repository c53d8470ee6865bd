/** What fires or is about to, and the rules behind it. */
import { defineStore } from 'pinia';
import { computed } from 'vue';
import type { AlertView, RuleView } from '../../src-main/contract/api/alerts';
import { watchList } from './watchList';

const severities = ['critical', 'warning', 'info'] as const;

export const useAlerts = defineStore('alerts', () => {
  const watched = watchList<AlertView>('alerts.watch', {}, (row) => row.id);
  const firing = computed(() => watched.list.value.filter(({ state }) => state === 'firing'));
  /** Those that people are told of. */
  const loud = computed(() =>
    firing.value
      .filter((one) => one.silencedBy.length === 0 && one.heldBackBy.length === 0)
      .sort(
        (left, right) =>
          severities.indexOf(left.severity) - severities.indexOf(right.severity) || right.activeAt - left.activeAt,
      ),
  );
  const quiet = computed(() => firing.value.filter((one) => !loud.value.includes(one)));
  const pending = computed(() => watched.list.value.filter(({ state }) => state === 'pending'));
  return { ...watched, firing, loud, quiet, pending };
});

export const useRules = defineStore('rules', () => {
  const watched = watchList<RuleView>('rules.watch', {}, (row) => row.id);
  const sorted = computed(() => [...watched.list.value].sort((left, right) => left.name.localeCompare(right.name)));
  return { ...watched, sorted };
});
