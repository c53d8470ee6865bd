import { onScopeDispose, readonly, ref } from 'vue';
import type { Ref } from 'vue';

interface SharedClock {
  now: Ref<number>;
  users: number;
  stop: () => void;
}
const clocks = new Map<number, SharedClock>();

function start(every: number): SharedClock {
  const now = ref(Date.now());
  const tick = (): void => {
    // A hidden window needs no seconds; it catches up when it is seen again
    if (!document.hidden) now.value = Date.now();
  };
  const timer = setInterval(tick, every);
  document.addEventListener('visibilitychange', tick);
  return {
    now,
    users: 0,
    stop: () => {
      clearInterval(timer);
      document.removeEventListener('visibilitychange', tick);
    },
  };
}

/** The wall clock (ms since the epoch), ticking every `every` ms; all users of one pace share one timer. */
export function useNow(every = 1000): Readonly<Ref<number>> {
  const clock = clocks.get(every) ?? start(every);
  clocks.set(every, clock);
  clock.users += 1;
  onScopeDispose(() => {
    clock.users -= 1;
    if (clock.users > 0) return;
    clock.stop();
    clocks.delete(every);
  });
  return readonly(clock.now);
}
