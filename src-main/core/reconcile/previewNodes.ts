/** Where a change would put its replicas: the placer's own answers, asked before anything is written. */
import { wantsGateway } from '../../contract/fronting';
import { sentence, type Sentence } from '../../contract/sentence';
import type { AttemptRow, ServiceRow, Store } from '../store';
import type { Change } from './change';
import { isGlobal, type Fleet } from './fleet';
import { containerName } from './names';
import { Placer } from './placer';
import { revisionKey } from './rows';
import { wantedReplicas } from './slots';

export interface PreviewedNodes {
  /** Node names with their counts, by service. */
  nodes: Map<string, string>;
  /** Why some replicas would find no place, by service. */
  refusals: Map<string, Sentence>;
}

/** Places what is new or replaced, one service after the other, as the passes would. */
export function previewNodes(change: Change, world: { store: Store; fleet: Fleet; gateway: boolean }): PreviewedNodes {
  const found: PreviewedNodes = { nodes: new Map(), refusals: new Map() };
  const { fleet, gateway } = world;
  const staying = change.services.filter(({ kind }) => kind !== 'remove');
  const planned = world.store.all('attempts');
  const rows = {
    servicesOf: () => new Map<string, ServiceRow>(staying.map(({ row }) => [row.key, row])),
    attemptsOf: (service: string) =>
      new Map<string, AttemptRow>(planned.filter((one) => one.service === service).map((one) => [one.name, one])),
  };
  const store = overlay(world.store, change, planned);
  for (const { row, revision, kind } of staying) {
    if (!revision || kind === 'same' || kind === 'settings') continue;
    const fronted = gateway && wantsGateway(revision.spec, row);
    const placer = new Placer({ store, rows, fleet, stack: change.stack, service: row, fronted });
    const wanted = wantedReplicas(
      row,
      revision.spec,
      isGlobal(revision.spec) ? placer.globalNodes(revision).length : 1,
    );
    const own = planned.filter((one) => one.service === row.key && one.hash === revision.hash);
    const held = new Set(own.map(({ slot }) => slot));
    const counts = new Map<string, number>();
    for (let slot = 1; slot <= wanted; slot++) {
      if (held.has(slot)) continue;
      const spot = placer.take(revision, slot);
      if (spot.node === undefined) {
        found.refusals.set(row.key, spot.words);
        break;
      }
      const name = placer.nameOf(spot.node);
      counts.set(name, (counts.get(name) ?? 0) + 1);
      planned.push({
        name: containerName(row.key, slot, 0),
        ...{ service: row.key, slot, generation: 0, revision: revision.revision, hash: revision.hash },
        ...{ restartNonce: row.restartNonce, state: 'intended', node: spot.node, createdAt: 0 },
        cause: sentence('reason.wanted'),
      });
    }
    const texts = [...counts].sort().map(([name, count]) => (count > 1 ? `${name} ×${count}` : name));
    if (texts.length > 0) found.nodes.set(row.key, texts.join(', '));
  }
  return found;
}

/** The store as it would be after the change, as far as placing asks. */
function overlay(store: Store, change: Change, attempts: readonly AttemptRow[]): Pick<Store, 'get' | 'all'> {
  const services = new Map(change.services.map(({ row }) => [row.key, row]));
  const revisions = new Map(
    change.services.flatMap(({ row, revision }) =>
      revision ? [[revisionKey(row.key, revision.revision), revision] as const] : [],
    ),
  );
  const get = (table: string, key: string): unknown => {
    const changed = table === 'services' ? services.get(key) : table === 'revisions' ? revisions.get(key) : undefined;
    return changed ?? store.get(table as 'services', key);
  };
  const all = (table: string): unknown => (table === 'attempts' ? [...attempts] : store.all(table as 'services'));
  return { get: get as Store['get'], all: all as Store['all'] };
}
