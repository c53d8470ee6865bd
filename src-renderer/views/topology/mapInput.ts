/** The map's facts out of the nouns. Pure. */
import type { NodeView, ServiceView, VolumeView } from '../../../src-main/contract/nouns';
import type { State } from '../../parts/state';
import type { MapInput, MapReplica } from './layout';

export interface MapFacts {
  services: readonly ServiceView[];
  nodes: readonly NodeView[];
  volumes: readonly VolumeView[];
  /** Per second, by replica id. */
  requests: ReadonlyMap<string, number>;
  errors: ReadonlyMap<string, number>;
  /** What is said of a service that is at rest. */
  rest: string;
}

export interface MapFilter {
  /** Part of a service's key. */
  text: string;
  stack: string | undefined;
  /** Only what is not well. */
  need: boolean;
}

const nodeStates: Readonly<Record<NodeView['state'], State>> = {
  ready: 'ok',
  away: 'critical',
  cordoned: 'warning',
  draining: 'progress',
};

export function mapInput(facts: MapFacts, filter: MapFilter): MapInput {
  const text = filter.text.trim().toLowerCase();
  const kept = facts.services.filter(
    (service) =>
      service.key.toLowerCase().includes(text) &&
      (filter.stack === undefined || service.stack === filter.stack) &&
      (!filter.need || ['critical', 'warning', 'progress'].includes(service.health)),
  );
  const keys = new Set(kept.map(({ key }) => key));
  const narrowed = keys.size < facts.services.length;
  const volumes = facts.volumes
    .map((volume) => ({
      id: volume.name,
      label: volume.name,
      state: volume.users.length > 0 ? ('ok' as const) : ('off' as const),
      services: [...new Set(volume.users.map(serviceOf))].filter((key) => keys.has(key)),
      ours: volume.ours,
    }))
    // Volumes of others, and of what the filter hides, would only stand about.
    .filter(({ services, ours }) => services.length > 0 || (ours && !narrowed));
  return {
    services: kept.map((service) => {
      // The gateway leads to who is at rest, too.
      const rests = service.words.code === 'service.resting';
      const requests = rests ? 0 : sumOf(service, facts.requests);
      const newest = new Map<string, number>();
      for (const { id, generation } of service.replicaList)
        newest.set(id, Math.max(generation, newest.get(id) ?? generation));
      return {
        key: service.key,
        stack: service.stack,
        name: service.name,
        state: service.health,
        requests,
        ...(rests ? { note: facts.rest } : {}),
        errors: requests === undefined ? undefined : sumOf(service, facts.errors),
        direct: service.ports.some(({ published }) => published !== undefined),
        replicas: [...service.replicaList]
          .sort((left, right) => left.slot - right.slot || left.generation - right.generation)
          .map((replica): MapReplica => {
            // Two generations of one replica stand beside each other while one replaces the other.
            const last = newest.get(replica.id) === replica.generation;
            return {
              id: last ? replica.id : `${replica.id}#${replica.generation}`,
              label: `${service.name}.${replica.slot}`,
              state: replica.health,
              node: replica.node,
              requests: last ? facts.requests.get(replica.id) : undefined,
            };
          }),
      };
    }),
    nodes: facts.nodes.map((node) => ({ id: node.id, label: node.name, state: nodeStates[node.state] })),
    volumes,
  };
}

/** `shop/web.2` → `shop/web`. */
export function serviceOf(replica: string): string {
  const dot = replica.lastIndexOf('.');
  return dot < 0 ? replica : replica.slice(0, dot);
}

function sumOf(service: ServiceView, rates: ReadonlyMap<string, number>): number | undefined {
  let sum: number | undefined;
  for (const id of new Set(service.replicaList.map((replica) => replica.id))) {
    const rate = rates.get(id);
    if (rate !== undefined) sum = (sum ?? 0) + rate;
  }
  return sum;
}
