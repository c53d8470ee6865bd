/** The time line as rows: what is chosen of it, what led to what, and tables for other programs. Pure. */
import type { EventView } from '../../../src-main/contract/nouns';
import { csvOf } from '../../parts/csv';

export interface EventChoice {
  actor: EventView['actor'] | 'all';
  /** The first part of a kind, such as `replica`; empty for all. */
  noun: string;
  /** Words that must all be found. */
  text: string;
  window?: { from: number; to: number };
}

type Say = (event: EventView) => string;

export function nounOf({ kind }: Pick<EventView, 'kind'>): string {
  return kind.split('.')[0] ?? kind;
}

/** Newest first; live rows count more than those that were asked for once. */
export function mergeEvents(asked: readonly EventView[], live: readonly EventView[]): EventView[] {
  const rows = new Map(asked.map((event) => [event.id, event]));
  for (const event of live) rows.set(event.id, event);
  return [...rows.values()].sort((one, other) => other.at - one.at || (other.id > one.id ? 1 : -1));
}

export function chooseEvents(events: readonly EventView[], choice: EventChoice, say: Say): EventView[] {
  const words = choice.text.toLowerCase().split(/\s+/).filter(Boolean);
  const { actor, noun, window } = choice;
  return events.filter((event) => {
    if (actor !== 'all' && event.actor !== actor) return false;
    if (noun !== '' && nounOf(event) !== noun) return false;
    if (window && (event.at < window.from || event.at > window.to)) return false;
    if (words.length === 0) return true;
    const { stack = '', service = '', replica = '', kind, affects = [] } = event;
    const haystack = `${say(event)} ${stack} ${service} ${replica} ${kind} ${affects.join(' ')}`.toLowerCase();
    return words.every((word) => haystack.includes(word));
  });
}

/** What led to an event, the root first, without the event itself. A cause that is no longer kept ends the chain. */
export function causesOf(event: EventView, byId: ReadonlyMap<string, EventView>): EventView[] {
  const chain: EventView[] = [];
  const seen = new Set([event.id]);
  for (let id = event.cause; id !== undefined && !seen.has(id);) {
    const cause = byId.get(id);
    if (!cause) break;
    seen.add(id);
    chain.unshift(cause);
    id = cause.cause;
  }
  return chain;
}

export interface Effect {
  event: EventView;
  depth: number;
}

/** What followed from an event, each below its cause, in the order in which it happened; at most `most`. */
export function effectsOf(id: string, events: readonly EventView[], most: number): { rows: Effect[]; cut: boolean } {
  const children = new Map<string, EventView[]>();
  for (const event of events) {
    if (event.cause === undefined) continue;
    const own = children.get(event.cause);
    if (own) own.push(event);
    else children.set(event.cause, [event]);
  }
  for (const own of children.values()) own.sort((one, other) => one.at - other.at);
  const rows: Effect[] = [];
  const seen = new Set([id]);
  let cut = false;
  const walk = (cause: string, depth: number): void => {
    for (const event of children.get(cause) ?? []) {
      if (seen.has(event.id)) continue;
      if (rows.length >= most) {
        cut = true;
        return;
      }
      seen.add(event.id);
      rows.push({ event, depth });
      walk(event.id, depth + 1);
    }
  };
  walk(id, 0);
  return { rows, cut };
}

/** Events as a file's text: every field as JSON, or what people read as CSV. */
export function exportEvents(format: 'json' | 'csv', events: readonly EventView[], say: Say): string {
  if (format === 'json')
    return JSON.stringify(
      events.map((event) => ({ ...event, time: new Date(event.at).toISOString(), text: say(event) })),
      null,
      2,
    );
  const head = ['time', 'actor', 'kind', 'text', 'stack', 'service', 'replica', 'count', 'id', 'cause'];
  const rows = events.map((event) => [
    new Date(event.at).toISOString(),
    ...[event.actor, event.kind, say(event), event.stack ?? '', event.service ?? '', event.replica ?? ''],
    ...[String(event.count), event.id, event.cause ?? ''],
  ]);
  return csvOf([head, ...rows]);
}
