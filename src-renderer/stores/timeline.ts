/**
 * What is drawn over time beside figures: marked events and alerts. The live lists hold the newest; what the visible stretch shows of
 * earlier times is asked for when the stretch moves.
 */
import { defineStore } from 'pinia';
import { computed, shallowRef, watch } from 'vue';
import type { AlertView } from '../../src-main/contract/api/alerts';
import type { EventView } from '../../src-main/contract/nouns';
import { call } from '../bridge';
import { useAlerts } from './alerts';
import { useEvents } from './events';
import { useUi } from './ui';

const most = 2000;
/** The stretch is asked for anew when it has moved by a twentieth of itself, but not more often than each minute. */
const parts = 20;
const leastStep = 60_000;
/** After the last move; dragging asks once. */
const delay = 300;

export const useTimeline = defineStore('timeline', () => {
  const ui = useUi();
  const events = useEvents();
  const alerts = useAlerts();
  const earlier = shallowRef<{ events: EventView[]; alerts: AlertView[] }>({ events: [], alerts: [] });

  const stretch = computed(() => {
    const { from, to } = ui.timeWindow;
    const step = Math.max(leastStep, (to - from) / parts);
    return `${Math.max(0, Math.floor(Math.floor(from / step) * step))} ${Math.ceil(Math.ceil(to / step) * step)}`;
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  let started = false;

  async function ask(): Promise<void> {
    const asked = stretch.value;
    const [from = 0, to = 0] = asked.split(' ').map(Number);
    if (to <= 0) return;
    try {
      const [marked, fired] = await Promise.all([
        call('events.list', { from, to, marked: true, limit: most }),
        call('alerts.list', { from, to, limit: most }),
      ]);
      if (asked === stretch.value) earlier.value = { events: marked, alerts: fired };
    } catch {
      // The core is away or begins: the live lists are there, and the next move asks again.
    }
  }

  /** Oldest first: where marks lie over each other, the newest is on top. */
  const marked = computed(() => {
    const rows = new Map(earlier.value.events.map((event) => [event.id, event]));
    for (const event of events.list) if (event.mark !== undefined) rows.set(event.id, event);
    return [...rows.values()].sort((left, right) => left.at - right.at);
  });
  /** What fired or fires. */
  const fired = computed(() => {
    const rows = new Map(earlier.value.alerts.map((alert) => [keyOf(alert), alert]));
    for (const alert of alerts.list) rows.set(keyOf(alert), alert);
    return [...rows.values()].filter(({ state }) => state !== 'pending');
  });

  return {
    marked,
    fired,
    start() {
      if (started) return;
      started = true;
      watch(
        stretch,
        () => {
          clearTimeout(timer);
          timer = setTimeout(() => void ask(), delay);
        },
        { immediate: true },
      );
    },
  };
});

/** An alert is the same one when it is over, under another id. */
function keyOf({ id, firedAt, activeAt }: AlertView): string {
  return `${id.split('@')[0] ?? id} ${firedAt ?? activeAt}`;
}
