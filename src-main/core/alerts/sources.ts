/** What a rule sees now: metrics by query, counted log lines, counted events. */
import type { RuleInput, RuleSource } from '../../contract/api/alerts';
import type { EventView, LogLevel } from '../../contract/nouns';
import { fail } from '../../contract/errors';
import { preparePromql, watchAt, type MetricsReader, type PromQuery } from '../metrics';
import type { Labels } from './labels';
import type { Seen } from './state';

/** How many lines match, by service key. */
export interface LogCount {
  query: string;
  levels?: LogLevel[];
  stacks?: string[];
  services?: string[];
  from: number;
  to: number;
}

export interface Sources {
  reader: MetricsReader;
  countLogs: (request: LogCount) => Promise<ReadonlyMap<string, number>>;
  /** Newest or oldest first, all that are kept. */
  events: () => readonly EventView[];
  /** Whether a service runs now; who is stopped does not have to log. */
  running: (service: string) => boolean;
}

export interface Sight {
  rows: Seen[];
  /** False when there was nothing to look at. */
  measured: boolean;
}

/** A rule that fewer lines than usual concern looks so many times its window back for who logs at all. */
const earlier = 6;

const prepared = new WeakMap<RuleSource, PromQuery>();

/** Parses a metric rule's query once. Throws `bad-input`. */
export function queryOf(source: Extract<RuleSource, { kind: 'metric' }>): PromQuery {
  let query = prepared.get(source);
  if (!query) {
    query = preparePromql(source.query);
    prepared.set(source, query);
  }
  return query;
}

/** Looks once. Rejects when the source cannot be asked. */
export async function look(rule: Pick<RuleInput, 'source'>, sources: Sources, now: number): Promise<Sight> {
  const { source } = rule;
  switch (source.kind) {
    case 'metric': {
      const { rows, measured } = await watchAt(sources.reader, queryOf(source), now);
      // Two metrics with equal labels are one alert.
      const byLabels = new Map(
        rows.map(({ labels, value }) => [JSON.stringify(withoutName(labels)), { labels: withoutName(labels), value }]),
      );
      return { rows: [...byLabels.values()], measured: measured || rows.length > 0 };
    }
    case 'event':
      return { rows: countEvents(source, sources.events(), now), measured: true };
    case 'log':
      return { rows: await countLines(source, sources, now), measured: true };
  }
}

function withoutName(labels: Labels): Labels {
  const { __name__: _name, ...rest } = labels;
  return rest;
}

/** Events of the window, by stack and service, less those before one of `until`. */
export function countEvents(
  source: Extract<RuleSource, { kind: 'event' }>,
  events: readonly EventView[],
  now: number,
): Seen[] {
  const recent = events.filter(({ at }) => at > now - source.within && at <= now);
  const keyOf = (event: EventView): string => `${event.stack ?? ''} ${event.service ?? ''}`;
  const ended = new Map<string, number>();
  for (const event of recent)
    if (isOf(event.kind, source.until)) ended.set(keyOf(event), Math.max(event.at, ended.get(keyOf(event)) ?? 0));
  const counts = new Map<string, { labels: Labels; value: number }>();
  for (const event of recent) {
    const key = keyOf(event);
    if (!isOf(event.kind, source.kinds) || event.at <= (ended.get(key) ?? -1)) continue;
    const labels = {
      ...(event.stack ? { stack: event.stack } : {}),
      ...(event.service ? { service: event.service } : {}),
    };
    counts.set(key, { labels, value: (counts.get(key)?.value ?? 0) + event.count });
  }
  return [...counts.values()].filter(({ value }) => value >= source.count);
}

/** The newest event that an event rule counted for these labels: what its alert follows from. */
export function lastMatch(source: RuleSource, events: readonly EventView[], labels: Labels): string | undefined {
  if (source.kind !== 'event') return undefined;
  let last: EventView | undefined;
  for (const event of events) {
    const same = (event.stack ?? '') === (labels['stack'] ?? '') && (event.service ?? '') === (labels['service'] ?? '');
    if (same && isOf(event.kind, source.kinds) && (!last || event.at >= last.at)) last = event;
  }
  return last?.id;
}

function isOf(kind: string, kinds: readonly string[]): boolean {
  return kinds.some((one) => (one.endsWith('.') ? kind.startsWith(one) : kind === one));
}

async function countLines(
  source: Extract<RuleSource, { kind: 'log' }>,
  sources: Sources,
  now: number,
): Promise<Seen[]> {
  const { query, levels, stacks, services, condition, count, within } = source;
  const request = {
    query,
    ...(levels ? { levels } : {}),
    ...(stacks ? { stacks } : {}),
    ...(services ? { services } : {}),
  };
  const lines = await sources.countLogs({ ...request, from: Math.max(0, now - within), to: now });
  if (condition === 'above')
    return [...lines]
      .filter(([, value]) => value > count)
      .map(([service, value]) => ({ labels: serviceLabels(service), value }));
  const before = await sources.countLogs({
    ...request,
    from: Math.max(0, now - within * (earlier + 1)),
    to: now - within,
  });
  return [...before.keys()]
    .filter((service) => (lines.get(service) ?? 0) < count && sources.running(service))
    .map((service) => ({ labels: serviceLabels(service), value: lines.get(service) ?? 0 }));
}

function serviceLabels(service: string): Labels {
  const slash = service.indexOf('/');
  return slash > 0 ? { stack: service.slice(0, slash), service } : { service };
}

/** Throws what is wrong with a rule's source, if anything is. */
export function checkSource(source: RuleSource): void {
  if (source.kind === 'metric') queryOf(source);
  if (source.kind === 'event' && source.kinds.some((kind) => kind === '' || kind === '.'))
    throw fail('bad-input', 'Name the kinds of events.');
}
