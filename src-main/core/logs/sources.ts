/** Which containers to read: those our attempts filled on this engine, and, when chosen, the engine's others. */
import type { Engine } from '../engine';
import type { Store } from '../store';
import type { LogSource } from './line';

/** Containers of ours on an engine, as the store has them. */
export function ownSources(store: Store, engine: string): LogSource[] {
  const stacks = new Set<string>();
  for (const stack of store.all('stacks')) if (stack.engine === engine) stacks.add(stack.name);
  const sources: LogSource[] = [];
  for (const attempt of store.all('attempts')) {
    const slash = attempt.service.indexOf('/');
    const stack = attempt.service.slice(0, slash);
    if (attempt.containerId === undefined || !stacks.has(stack)) continue;
    sources.push({
      container: attempt.containerId,
      stack,
      service: attempt.service.slice(slash + 1),
      slot: attempt.slot,
      generation: attempt.generation,
      revision: attempt.revision,
    });
  }
  return sources;
}

/** Running containers that are not ours. Their names are untrusted text, cut. */
export async function foreignSources(engine: Engine, own: ReadonlySet<string>): Promise<LogSource[]> {
  const rows = await engine.list();
  return rows
    .filter((row) => !own.has(row.id) && (row.state === 'running' || row.state === 'paused'))
    .map((row) => ({
      container: row.id,
      stack: '',
      service: row.name.replace(/^\//, '').slice(0, 128),
      slot: 1,
      generation: 1,
      revision: 0,
    }));
}
