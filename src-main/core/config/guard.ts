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
  /** Errors a minute in their logs: before the watch, and lately. */
  errors?: Change;
  /** 95th percentile of their answers, milliseconds. */
  p95?: Change;
  /** Of a hundred answers, how many failed. */
  failed?: Change;
}

export interface Change {
  before: number;
  now: number;
}

/** What is measured of some replicas over a span of time; what is not known is left out. */
export interface Rates {
  /** Errors in their logs. */
  errors?: number;
  /** Answers through the gateway. */
  answers?: number;
  /** Of these, those that failed. */
  failures?: number;
  /** 95th percentile of their answer times, milliseconds: the mean over the time, and the most that it was. */
  p95?: { mean: number; most: number };
}

const minute = 60_000;
/** Of fewer answers nothing is concluded about their times: one slow one would be the 95th percentile. */
const fewest = 20;
/** Fewer failed answers than this are chance. */
const fewestFailures = 3;
/** Below this, times are noise of the machine: twice nothing is still nothing. Milliseconds. */
const quick = 10;

/** Rates over so many milliseconds. */
export interface Measured {
  rates: Rates;
  length: number;
}

/**
 * What has changed. Of several spans before, the worst counts: the gateway's percentiles look back some seconds, and what was in trouble
 * already is no trouble of this release. Over less than a minute errors are not projected: one line in the first second is one error a
 * minute, not sixty.
 */
export function changes(earlier: readonly Measured[], later: Measured): Pick<GuardSight, 'errors' | 'p95' | 'failed'> {
  const found: Pick<GuardSight, 'errors' | 'p95' | 'failed'> = {};
  const { errors, answers = 0, failures = 0, p95 } = later.rates;
  if (errors !== undefined) {
    // Who has been running for a few seconds only was measured for a few seconds only.
    const before = earlier.map(({ rates, length }) => ((rates.errors ?? 0) * minute) / Math.max(length, 1000));
    found.errors = { before: Math.max(0, ...before), now: (errors * minute) / Math.max(later.length, minute) };
  }
  // Of a long time the mean, lest one bad moment make all that follows look good; of the last moments the most.
  const times = earlier.flatMap(({ rates, length }) => (length > minute ? rates.p95?.mean : rates.p95?.most) ?? []);
  if (p95 && times.length > 0 && answers >= fewest) found.p95 = { before: Math.max(...times), now: p95.mean };
  if (failures >= fewestFailures) {
    const before = earlier.map(({ rates }) => share(rates.failures, rates.answers));
    found.failed = { before: Math.max(0, ...before), now: share(failures, answers) };
  }
  return found;
}

/** In percent. What never came to an answer is a failure, too, so that there may be more of them than answers. */
function share(failures = 0, answers = 0): number {
  return failures === 0 ? 0 : Math.min(100, (100 * failures) / Math.max(answers, failures));
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
  const { errors, p95, failed } = sight;
  if (errors && errors.now > errors.before + plan.errors)
    return sentence('config.guardErrors', { now: round(errors.now), before: round(errors.before) });
  if (failed && failed.now > failed.before + plan.failed)
    return sentence('config.guardFailed', { now: round(failed.now), before: round(failed.before) });
  if (p95 && plan.slower > 0 && p95.now > Math.max(p95.before, quick) * plan.slower)
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
