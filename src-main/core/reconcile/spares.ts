/**
 * Warm spares: replicas that are made in advance, started, made ready and then paused. They leave their networks while they sleep, so that
 * no name leads to them; waking one takes tens of milliseconds where a cold start takes hundreds. They take memory in advance, and
 * count as what they reserve. Pure.
 */
import type { ServiceSpec } from '../../contract/spec';
import type { EngineCapabilities } from '../engine';
import type { ServiceRow } from '../store';
import type { Replica } from './judge';
import { isOrdered } from './slots';
import { hostPorts } from './request';

/** Why a service can have no spares; undefined when it can. */
export function noSpares(
  spec: ServiceSpec,
  options: { job: boolean; fronted: boolean; capabilities: Pick<EngineCapabilities, 'pause'> },
): 'job' | 'global' | 'identity' | 'port' | 'pause' | undefined {
  if (options.job) return 'job';
  if (spec.deploy.mode.startsWith('global')) return 'global';
  if (isOrdered(spec, options.fronted) || spec.networks.some((one) => one.ipv4Address !== undefined)) return 'identity';
  // A port of the machine is bound for a process that answers, not for one that sleeps.
  if (hostPorts(spec, 1, options.fronted).length > 0) return 'port';
  if (!options.capabilities.pause) return 'pause';
  return undefined;
}

/** How many spares a service is to have now. */
export function wantedSpares(service: ServiceRow, spec: ServiceSpec, options: Parameters<typeof noSpares>[1]): number {
  const count = spec.pilothouse.warmSpares ?? 0;
  if (count === 0 || service.stopped || service.removing || noSpares(spec, options) !== undefined) return 0;
  return count;
}

/**
 * True for a spare that could be a replica at once or soon. While it gets ready it is in its networks without the service's name, so
 * with networks only one that sleeps can be woken into them.
 */
export function canWake(spare: Replica): boolean {
  if (spare.phase === 'paused') return spare.busy === undefined;
  return spare.phase === 'running' && spare.spec.networkMode !== undefined && spare.unwell === undefined;
}

/** The spare that is ready soonest comes first. */
export function readiest(spares: readonly Replica[]): Replica[] {
  const rank = (one: Replica): number =>
    (one.phase === 'paused' ? 0 : one.warmed ? 1 : one.phase === 'running' ? 2 : 3) * 1e6 + one.slot;
  return [...spares].sort((one, other) => rank(one) - rank(other));
}
