/** Pure helpers of the services table: what a filter matches, what a group says, how replicas become dots. */
import type { Health, ReplicaView, ServiceView } from '../../../src-main/contract/nouns';
import type { ReplicaDot } from '../../parts/replicaDots';
import { worstState } from '../../parts/state';

export type ServiceFilter = 'all' | 'need' | 'changing' | 'well' | 'off';

const healthsOf: Record<ServiceFilter, readonly Health[]> = {
  all: ['critical', 'warning', 'progress', 'ok', 'off'],
  need: ['critical', 'warning'],
  changing: ['progress'],
  well: ['ok'],
  off: ['off'],
};

/** True when the service is in the chosen states and every word of the text occurs in its name, stack, image or ports. */
export function matchesService(service: ServiceView, filter: ServiceFilter, text: string): boolean {
  if (!healthsOf[filter].includes(service.health)) return false;
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const haystack =
    `${service.key} ${service.image} ${service.ports.map((port) => port.published ?? port.target).join(' ')}`.toLowerCase();
  return words.every((word) => haystack.includes(word));
}

/** How many services are in each chip. */
export function countByFilter(services: readonly ServiceView[]): Record<ServiceFilter, number> {
  const count = (filter: ServiceFilter): number =>
    services.filter((service) => healthsOf[filter].includes(service.health)).length;
  return {
    all: services.length,
    need: count('need'),
    changing: count('changing'),
    well: count('well'),
    off: count('off'),
  };
}

/** A stack's row: its worst state and the numbers for its sentence. */
export function summarize(services: readonly ServiceView[]): {
  state: Health;
  need: number;
  changing: number;
  well: number;
  off: number;
} {
  const counts = countByFilter(services);
  return {
    state: worstState(services.map((service) => service.health)),
    need: counts.need,
    changing: counts.changing,
    well: counts.well,
    off: counts.off,
  };
}

/** Dots in the order of revision, then slot; the label is what the popover says. */
export function dotsOf(replicas: readonly ReplicaView[], label: (replica: ReplicaView) => string): ReplicaDot[] {
  return [...replicas]
    .sort((left, right) => left.revision - right.revision || left.slot - right.slot)
    .map((replica) => ({ state: replica.health, revision: String(replica.revision), label: label(replica) }));
}

/** `8080`, `8080 9000`, or `/checkout`; an en dash when nothing is published. */
export function portText(service: ServiceView): string {
  const published = service.ports.flatMap((port) => (port.published === undefined ? [] : [String(port.published)]));
  return [...new Set(published)].join(' ') || '–';
}
