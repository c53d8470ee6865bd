/** The engine's event stream. It is lossy (F3): a hint to look again, never the truth. */
import type { EngineEvent, EngineStream } from '../../core/engine';
import type { Client } from './client';
import { count, fields, text, textMap, type Fields } from './parse';
import { Feed, LineSplitter } from './streams';

const types: readonly string[] = ['container', 'network', 'volume', 'image', 'daemon'];

/** Every health check of every container is three of these; they say nothing about a container's state. */
const noise = /^(exec|top$|resize$|attach$|detach$|archive-path$|extract-to-dir$)/;

/** An event in our words; undefined for kinds the core does not know and for noise. */
export function toEvent(row: Fields): EngineEvent | undefined {
  const type = text(row['Type'], 32);
  // `health_status: healthy` and the like keep their detail.
  const action = inDockersWords(type, text(row['Action'], 256) || text(row['status'], 256));
  if (!types.includes(type) || !action || noise.test(action)) return undefined;
  const actor = fields(row['Actor']);
  const attributes = textMap(actor['Attributes']);
  const id = text(actor['ID'], 256) || text(row['id'], 256);
  const nanos = count(row['timeNano']);
  return {
    type: type as EngineEvent['type'],
    action,
    id,
    name: attributes['name'] ?? id,
    attributes,
    at: nanos > 0 ? Math.floor(nanos / 1e6) : count(row['time']) * 1_000,
  };
}

/** Podman's own steps of a start and an end, which Docker does not tell. */
const steps = new Set(['init', 'cleanup', 'sync', 'mount', 'unmount']);

/** Podman's words for a container's way; Docker says none of them of a container. */
function inDockersWords(type: string, action: string): string | undefined {
  if (type === 'image' && action === 'remove') return 'delete';
  if (type !== 'container') return action;
  return action === 'remove' ? 'destroy' : steps.has(action) ? undefined : action;
}

/** Follows events from now on, until disposed or cut. */
export function watchEvents(
  client: Client,
  options: { deadline: number; onEvent: (event: EngineEvent) => void },
): EngineStream<EngineEvent> {
  return new Feed<EngineEvent>(async (feed) => {
    const response = await client.open({
      method: 'GET',
      path: '/events',
      deadline: options.deadline,
      signal: feed.signal,
    });
    const lines = new LineSplitter((line) => {
      const event = toEvent(fields(JSON.parse(line)));
      if (event && !feed.over) options.onEvent(event);
    });
    await feed.read(response, (chunk) => lines.push(chunk));
  });
}
