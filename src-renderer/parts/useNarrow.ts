import { onScopeDispose, readonly, ref } from 'vue';
import type { Ref } from 'vue';

/** Below this many pixels the rail collapses, tables drop columns and side panels float. */
export const narrowWidth = 1100;

/** Whether the window is narrow now; follows it until the scope ends. */
export function useNarrow(): Readonly<Ref<boolean>> {
  const query = window.matchMedia(`(max-width: ${narrowWidth}px)`);
  const narrow = ref(query.matches);
  const follow = (event: MediaQueryListEvent): void => {
    narrow.value = event.matches;
  };
  query.addEventListener('change', follow);
  onScopeDispose(() => query.removeEventListener('change', follow));
  return readonly(narrow);
}
