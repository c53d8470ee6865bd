import { onScopeDispose, readonly, ref } from 'vue';
import type { Ref } from 'vue';
import type { ChartTheme } from './palette';

function current(): ChartTheme {
  return document.documentElement.dataset['theme'] === 'light' ? 'light' : 'dark';
}

/** The theme shown now, from `data-theme` on the document: charts draw on a canvas, which no style sheet reaches. */
export function useChartTheme(): Readonly<Ref<ChartTheme>> {
  const theme = ref<ChartTheme>(current());
  const watcher = new MutationObserver(() => (theme.value = current()));
  watcher.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
  onScopeDispose(() => watcher.disconnect());
  return readonly(theme);
}
