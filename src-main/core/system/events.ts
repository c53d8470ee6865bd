/** Reading the event list, and the events of the app and of its link to the engine. */
import type { Clock } from '../../base/clock';
import type { Event } from '../../base/emitter';
import type { Disposable } from '../../base/lifecycle';
import { hash32 } from '../../base/random';
import type { EngineView, EventView } from '../../contract/nouns';
import { say, sentence } from '../../contract/sentence';
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
  /** Only what is drawn on the time line. */
  marked?: boolean;
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
        (!filter.service || event.service === filter.service || event.affects?.includes(filter.service)) &&
        (!filter.marked || event.mark !== undefined) &&
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

/** Writes an event of the app or of the engine's connection, and returns its id. */
export function noteEvent(
  store: Store,
  event: Pick<EventView, 'at' | 'actor' | 'kind' | 'health' | 'words'> &
    Partial<Pick<EventView, 'affects' | 'cause' | 'mark'>>,
): string {
  const stamp = event.at.toString(36).padStart(9, '0');
  const id = `${stamp}-${hash32(`${event.kind} ${say(event.words)}`).toString(36)}-s`;
  store.transact((transaction) => transaction.put('events', id, { id, count: 1, ...event }));
  return id;
}

/** Tells in the event list when the selected engine goes away and comes back. */
export function followLink(
  store: Store,
  link: { views(): EngineView[]; onChange: Event<void> },
  clock: Pick<Clock, 'now'>,
): Disposable {
  let before: { id: string; state: EngineView['state'] } | undefined;
  return link.onChange(() => {
    const engine = link.views().find((view) => view.selected);
    // Connecting is neither: only what it leads to is worth telling.
    if (!engine || engine.state === 'connecting') return;
    if (before?.id === engine.id && before.state === engine.state) return;
    before = { id: engine.id, state: engine.state };
    const away = engine.state === 'away';
    noteEvent(store, {
      at: clock.now(),
      actor: 'engine',
      kind: away ? 'engine.away' : 'engine.connected',
      health: away ? 'critical' : 'ok',
      words: away
        ? sentence('event.engineAway', { engine: engine.name, reason: String(engine.words?.args?.['reason'] ?? '') })
        : sentence('event.engineConnected', { engine: engine.name }),
    });
  });
}
