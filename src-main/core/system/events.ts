/** Reading the event list, and the two events this room makes itself. */
import { hash32 } from '../../base/random';
import type { EventView } from '../../contract/nouns';
import { say, type Sentence } from '../../contract/sentence';
import type { Store } from '../store';

export interface EventFilter {
  from?: number;
  to?: number;
  stack?: string;
  service?: string;
  /** Exact kinds, or prefixes that end in a dot: `rollout.`. */
  kinds?: string[];
  /** Found in the English sentence or in a name, in any case. */
  text?: string;
  limit: number;
}

/** The newest events that match, newest first. */
export function listEvents(events: readonly EventView[], filter: EventFilter): EventView[] {
  const text = filter.text?.toLowerCase();
  return events
    .filter(
      (event) =>
        event.at >= (filter.from ?? 0) &&
        event.at <= (filter.to ?? Infinity) &&
        (!filter.stack || event.stack === filter.stack) &&
        (!filter.service || event.service === filter.service) &&
        (!filter.kinds ||
          filter.kinds.some((kind) => (kind.endsWith('.') ? event.kind.startsWith(kind) : event.kind === kind))) &&
        (!text || mentions(event, text)),
    )
    .sort(newestFirst)
    .slice(0, filter.limit);
}

/** The newest `limit` events by id, for watching. */
export function newestEvents(events: readonly EventView[], limit: number): Map<string, EventView> {
  const chosen = [...events].sort(newestFirst).slice(0, limit);
  return new Map(chosen.map((event) => [event.id, event]));
}

function newestFirst(one: EventView, two: EventView): number {
  return two.at - one.at || (two.id > one.id ? 1 : two.id < one.id ? -1 : 0);
}

function mentions(event: EventView, text: string): boolean {
  return [say(event.words), event.kind, event.stack, event.service, event.replica, event.container].some((part) =>
    part?.toLowerCase().includes(text),
  );
}

/** Writes an event of the app or of the engine's connection. */
export function noteEvent(
  store: Store,
  event: { at: number; actor: 'engine' | 'system'; kind: string; health: EventView['health']; words: Sentence },
): void {
  const stamp = event.at.toString(36).padStart(9, '0');
  const id = `${stamp}-${hash32(`${event.kind} ${say(event.words)}`).toString(36)}-s`;
  store.transact((transaction) => transaction.put('events', id, { id, count: 1, ...event }));
}
