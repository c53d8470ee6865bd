/** How many replicas may be above and below the wanted count while they are replaced. Pure. */
import type { ServiceSpec, UpdateSpec } from '../../contract/spec';

/** Limits of a replacement, in replicas; times in milliseconds. */
export interface Budget {
  /** Live replicas above the wanted count (I1). */
  surge: number;
  /** Ready replicas that may be missing (I2). */
  unavailable: number;
  /** Slots being replaced at one time. */
  parallel: number;
  delay: number;
  /** How long the last new replica must stay ready before the rollout counts as done. */
  monitor: number;
  /** All old ones go before the first new one comes. */
  recreate: boolean;
  progressDeadline: number;
}

/** Kubernetes' default. */
const defaultDeadline = 600_000;
/** Without a health check a process that starts and dies at once would count as ready: watch it so long at least. */
const leastMonitor = 2000;

/** A count, or a share such as `25%` of `total`, rounded up for surge and down for unavailable as Kubernetes does. */
export function share(value: number | string | undefined, total: number, round: 'up' | 'down'): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number') return Math.max(0, Math.floor(value));
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(value.trim());
  if (!percent) return Math.max(0, Math.floor(Number(value)) || 0);
  const exact = (Number(percent[1]) * total) / 100;
  return round === 'up' ? Math.ceil(exact - 1e-9) : Math.floor(exact + 1e-9);
}

/**
 * The limits for replacing replicas of a service that wants `wanted`. `x-pilothouse.rollout` surge and unavailable win over Compose's
 * `order` and `parallelism` (0: all at once). Both zero would never move, so one may be missing then.
 */
export function budgetFor(
  spec: ServiceSpec,
  wanted: number,
  options: { rollback: boolean; restart: boolean; ordered: boolean; move?: boolean },
): Budget {
  const update: UpdateSpec = options.rollback ? spec.deploy.rollback : spec.deploy.update;
  const rollout = spec.pilothouse.rollout;
  const all = Math.max(1, wanted);
  const parallelism = options.restart ? 1 : update.parallelism > 0 ? Math.min(all, update.parallelism) : all;
  const declared = rollout?.surge !== undefined || rollout?.unavailable !== undefined;
  let surge: number;
  let unavailable: number;
  if (declared && !options.restart) {
    surge = share(rollout?.surge, wanted, 'up') ?? 0;
    unavailable = share(rollout?.unavailable, wanted, 'down') ?? 0;
  } else if (update.order === 'start-first') [surge, unavailable] = [parallelism, 0];
  else [surge, unavailable] = [0, parallelism];
  let parallel = declared && !options.restart ? Math.max(1, surge + unavailable) : parallelism;
  if (!options.rollback && !options.restart) {
    // A whole second set; and a canary is put beside what it may replace.
    if (rollout?.strategy === 'blue-green') [surge, unavailable, parallel] = [all, 0, all];
    else if (rollout?.strategy === 'canary' && !declared) [surge, unavailable, parallel] = [1, 0, 1];
  }
  // To another node each goes only when its successor serves there.
  if (options.move) [surge, unavailable, parallel] = [1, 0, 1];
  if (options.ordered) surge = 0;
  if (surge === 0 && unavailable === 0) unavailable = 1;
  const { readiness, startup } = spec.pilothouse.probes ?? {};
  const checked =
    (spec.healthcheck !== undefined && spec.healthcheck.test[0] !== 'NONE') || Boolean(readiness ?? startup);
  return {
    surge,
    unavailable,
    parallel,
    delay: update.delay,
    monitor: Math.max(update.monitor, checked ? 0 : leastMonitor),
    recreate: rollout?.strategy === 'recreate' && !options.move,
    progressDeadline: rollout?.progressDeadline ?? defaultDeadline,
  };
}
