/** Marks and alert spans of charts: what happened to a service, or to anything, and where a click on it leads. */
import { computed, type ComputedRef } from 'vue';
import { useRouter } from 'vue-router';
import type { AlertView } from '../../src-main/contract/api/alerts';
import type { EventView } from '../../src-main/contract/nouns';
import type { ChartAlert, ChartMark } from '../charts/annotations';
import { useWords } from '../locales/useWords';
import { useTimeline } from '../stores/timeline';
import { useAlertTexts } from './alerts/alertTexts';

export interface Marks {
  marks: ComputedRef<ChartMark[]>;
  alerts: ComputedRef<ChartAlert[]>;
  openMark(id: string): void;
  openAlert(id: string): void;
}

/**
 * @param service a key, or undefined for everything
 * @param from nothing that was over before is looked at: a list of many services asks for the last minute of hours
 */
export function useMarks(service: () => string | undefined, from: () => number = () => 0): Marks {
  const timeline = useTimeline();
  const say = useWords();
  const router = useRouter();
  const { nameOf } = useAlertTexts();
  return {
    marks: computed(() =>
      since(timeline.marked, from()).flatMap((event): ChartMark[] =>
        event.mark === undefined || event.mark === 'alert' || !concerns(event, service())
          ? []
          : [{ at: event.at, kind: event.mark, id: event.id, label: say.value(event.words) }],
      ),
    ),
    alerts: computed(() =>
      timeline.fired
        .filter(
          (alert) => alert.severity !== 'info' && (alert.resolvedAt ?? Infinity) >= from() && isOf(alert, service()),
        )
        .map((alert) => ({
          id: alert.id,
          from: alert.firedAt ?? alert.activeAt,
          state: alert.severity === 'critical' ? ('critical' as const) : ('warning' as const),
          label: nameOf(alert.rule, alert.name),
          ...(alert.resolvedAt === undefined ? {} : { to: alert.resolvedAt }),
        })),
    ),
    openMark: (id) => void router.push(`/events/${id}`),
    openAlert: (id) => void router.push(id.includes('@') ? '/alerts/history' : `/alerts/firing/${id}`),
  };
}

/** The newest of a list in order of time. */
function since(events: readonly EventView[], from: number): readonly EventView[] {
  let first = events.length;
  while (first > 0 && (events[first - 1]?.at ?? 0) >= from) first -= 1;
  return first === 0 ? events : events.slice(first);
}

/** Its own events, its stack's releases, and what concerns everything: sleep, and the engine. */
export function concerns(event: EventView, service: string | undefined): boolean {
  if (service === undefined || event.service === service || event.affects?.includes(service)) return true;
  if (event.service !== undefined || event.affects !== undefined) return false;
  if (event.stack !== undefined) return service.startsWith(`${event.stack}/`);
  return event.kind.startsWith('system.') || event.kind.startsWith('clock.') || event.kind.startsWith('engine.');
}

function isOf({ labels }: AlertView, service: string | undefined): boolean {
  if (service === undefined || labels['service'] === service) return true;
  return labels['service'] === undefined && labels['stack'] !== undefined && service.startsWith(`${labels['stack']}/`);
}
