/** Does a guarded release go on, come back, or wait? One step at a time, from what is seen of those who have it. */
import type { GuardView } from '../../contract/api/config';
import { sentence, type Sentence } from '../../contract/sentence';

/** What is seen of one watched replica now. */
export interface Seen {
  replica: string;
  /** It is there and ready. */
  ready: boolean;
  /** Its container ended, or its health check fails. */
  broken: boolean;
  /** Restarts since the beginning of the watch. */
  restarts: number;
  /** It has the release. */
  has: boolean;
  /** Why it could not be given the release, or its program does not want it. */
  refused?: string;
}

/** Everything that one step looks at. */
export interface GuardSight {
  now: number;
  /** False while the engine is away or the machine slept: then nothing is decided and the watch is prolonged. */
  measured: boolean;
  seen: readonly Seen[];
  /** Errors a minute in their logs: before the watch, and since. */
  errors?: { before: number; now: number };
  /** 95th percentile of their answers, milliseconds. */
  p95?: { before: number; now: number };
}

/** Why a guarded release is withdrawn; undefined while all are well. */
export function trouble(guard: GuardView, sight: GuardSight): Sentence | undefined {
  const { plan } = guard;
  const broken = sight.seen.find((one) => one.broken);
  if (broken) return sentence('config.guardBroken', { replica: broken.replica });
  const restarted = sight.seen.find((one) => one.restarts > 0);
  if (restarted) return sentence('config.guardRestarted', { replica: restarted.replica });
  const refused = sight.seen.find((one) => one.refused !== undefined);
  if (refused) return sentence('config.guardRefused', { replica: refused.replica, reason: refused.refused ?? '' });
  const { errors, p95 } = sight;
  if (errors && errors.now > errors.before + plan.errors)
    return sentence('config.guardErrors', { now: round(errors.now), before: round(errors.before) });
  if (p95 && plan.slower > 0 && p95.before > 0 && p95.now > p95.before * plan.slower)
    return sentence('config.guardSlow', { now: round(p95.now), before: round(p95.before) });
  return undefined;
}

/**
 * The guard after one look. It is the same object when nothing changed. A release is never widened on the word of nobody: when the
 * time is over and none of those who should have it was seen ready with it, it stalls and waits for the user.
 */
export function step(guard: GuardView, sight: GuardSight, since: number): GuardView {
  if (guard.state !== 'watching') return guard;
  if (!sight.measured) {
    const lost = Math.max(0, sight.now - since);
    return lost > 0 ? { ...guard, until: guard.until + lost } : guard;
  }
  const reason = trouble(guard, sight);
  if (reason) return { ...guard, state: 'withdrawn', health: 'critical', words: reason };
  if (sight.now < guard.until) return guard;
  const well = sight.seen.filter((one) => one.ready && one.has).length;
  if (well === 0) return { ...guard, state: 'stalled', health: 'warning', words: sentence('config.guardStalled') };
  return { ...guard, state: 'widened', health: 'ok', words: sentence('config.guardWidened', { count: well }) };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
