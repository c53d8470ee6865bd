/** Spreads the first drawing of rows over frames. */
import { onBeforeUnmount, shallowRef, watch, type Ref, type ShallowRef } from 'vue';

/** Rows that are made in one frame. A row of the services table costs about a millisecond; a frame must stay below fifty. */
export const rowsPerFrame = 14;

/**
 * Of the rows that are in view, those that may be drawn now: what was drawn stays, and each frame adds `rowsPerFrame` new ones, in
 * their order. A table whose every row is new would otherwise hold the window for a tenth of a second.
 */
export function useSpread(wanted: Ref<readonly string[]>, perFrame = rowsPerFrame): ShallowRef<ReadonlySet<string>> {
  const drawn = shallowRef<ReadonlySet<string>>(new Set<string>());
  let frame = 0;
  const step = (): void => {
    frame = 0;
    const next = new Set<string>();
    let fresh = 0;
    for (const key of wanted.value) {
      if (drawn.value.has(key)) next.add(key);
      else if (fresh < perFrame) {
        next.add(key);
        fresh += 1;
      }
    }
    drawn.value = next;
    if (next.size < wanted.value.length) frame = requestAnimationFrame(step);
  };
  watch(
    wanted,
    () => {
      // A frame that is due already takes the newest wish.
      if (frame === 0) step();
    },
    { immediate: true, flush: 'sync' },
  );
  onBeforeUnmount(() => cancelAnimationFrame(frame));
  return drawn;
}
