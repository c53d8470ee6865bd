/** Which rules a service scales by: its file's, the user's own, or none. */
import type { AutoscaleView } from '../../contract/api/autoscale';
import { sentence } from '../../contract/sentence';
import type { AutoscaleMetric, AutoscaleSpec, ServiceSpec } from '../../contract/spec';
import type { RevisionRow, ScalerRow, ServiceRow, Store } from '../store';
import type { Load } from './loads';
import { ofWhole, perReplica, type Proposal, type Seen } from './replicas';
import { behaviorOf } from './behavior';
import { boundsAt, type Schedule } from './schedules';

export interface Scaled {
  row: ServiceRow;
  spec: ServiceSpec;
  scaler: ScalerRow | undefined;
  source: AutoscaleView['source'];
  policy: AutoscaleSpec | undefined;
  schedules: readonly Schedule[];
}

/** A service and its rules; undefined when it runs once per node or once in all. */
export function scaledOf(store: Store, row: ServiceRow): Scaled | undefined {
  const revision: RevisionRow | undefined = store.get('revisions', `${row.key}@${row.revision}`);
  if (!revision || revision.spec.deploy.mode !== 'replicated') return undefined;
  const { spec } = revision;
  const scaler = store.get('scalers', row.key);
  const declared = spec.pilothouse.autoscale;
  const schedules = spec.pilothouse.schedules ?? [];
  if (scaler?.policy === null) return { row, spec, scaler, source: 'off', policy: undefined, schedules };
  const policy = scaler?.policy ?? declared;
  const source = scaler?.policy ? 'own' : declared ? 'file' : 'none';
  return { row, spec, scaler, source, policy, schedules };
}

/** The bounds at `now`. Nothing measured per replica can bring back a service that has none, so one is kept. */
export function boundsOf(
  policy: AutoscaleSpec,
  schedules: readonly Schedule[],
  now: number,
): { min: number; max: number } {
  const { min, max } = boundsAt(schedules, policy, now);
  const wakes = policy.metrics.some(({ metric, type }) => type !== 'Utilization' && !perReplicaMetrics.has(metric));
  const least = wakes ? min : Math.max(1, min);
  return { min: least, max: Math.max(least, max) };
}

const perReplicaMetrics: ReadonlySet<string> = new Set(['cpu', 'memory', 'requests', 'latency']);

/** Of one replica, for a target in percent. What is limited but not reserved is taken as reserved, as Kubernetes does. */
export function reservationOf(spec: ServiceSpec, metric: string): number | undefined {
  const { reservations, limits } = spec.deploy;
  if (metric === 'cpu') return reservations.cpus ?? limits.cpus;
  if (metric === 'memory') return reservations.memory ?? limits.memory;
  return undefined;
}

interface Asked {
  policy: AutoscaleSpec;
  metric: AutoscaleMetric;
  spec: ServiceSpec;
  current: number;
  ready: number;
  load: Load;
  /** Replicas as this metric sees them, from their figures. */
  seen: (values: ReadonlyMap<string, number>) => readonly Seen[];
}

/** What one metric asks for. */
export function propose({
  policy,
  metric: { metric, type, target },
  spec,
  current,
  ready,
  load,
  seen,
}: Asked): Proposal {
  if (load.kind === 'problem') return { problem: load.problem };
  const behavior = behaviorOf(policy);
  const tolerance = { up: behavior.up.tolerance, down: behavior.down.tolerance };
  if (type === 'Utilization') {
    if (metric !== 'cpu' && metric !== 'memory') return { problem: sentence('autoscale.noShare', { metric }) };
    const reservation = reservationOf(spec, metric);
    if (reservation === undefined || reservation <= 0)
      return { problem: sentence('autoscale.noReservation', { metric }) };
    const values = load.kind === 'replicas' ? load.values : new Map<string, number>();
    return perReplica({ metric, current, seen: seen(values), target, tolerance, reservation });
  }
  // Of a figure that each replica has, the mean is what can be held against a target.
  if (load.kind === 'replicas') return perReplica({ metric, current, seen: seen(load.values), target, tolerance });
  return ofWhole({ metric, current, ready, value: load.value, target, tolerance, average: type === 'AverageValue' });
}
