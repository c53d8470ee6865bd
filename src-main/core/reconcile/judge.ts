/** One replica, judged: what its attempt and its container together mean. Pure. */
import type { Sentence } from '../../contract/sentence';
import type { ServiceSpec } from '../../contract/spec';
import type { ContainerDetail } from '../engine';
import type { ProbeVerdict } from '../probes';
import type { AttemptRow } from '../store';
import { isOurs } from './ownership';
import { restartDelay, restartRule, verdict, type RestartRule } from './restart';
import type { AttemptMemory, PlanInput, ReplicaInput, Verb } from './types';

export type Phase =
  | 'intended' // the row is written, no container is known
  | 'gone' // its container was there and is not any more
  | 'unknown' // the engine would not say
  | 'foreign' // the name is held by somebody else's container
  | 'created'
  | 'running'
  | 'paused'
  | 'restarting' // the engine is about to start it again
  | 'removing'
  | 'exited' // ended, and to be started again
  | 'finished' // ended for good
  | 'dead';

/** How long a replica must run before it no longer counts as short of memory, milliseconds. */
export const oomShown = 60_000;

/** How long a woken spare may take until its health check has run again, milliseconds: Docker's usual interval, twice. */
const wakingGrace = 60_000;

/** A replica as the planner thinks of it. */
export interface Replica {
  attempt: AttemptRow;
  slot: number;
  spec: ServiceSpec;
  rule: RestartRule;
  phase: Phase;
  detail?: ContainerDetail;
  last?: ContainerDetail;
  busy?: Verb;
  unsent: boolean;
  probes?: ProbeVerdict;
  /** Its own checks say that it must be replaced. */
  unwell?: 'healthcheck' | 'startup' | 'liveness';
  memory: AttemptMemory;
  /** It is what is wanted now: same container hash, same restart nonce. */
  matches: boolean;
  /** It is on its way out. */
  leaving: boolean;
  /** A process of it may be running now. */
  live: boolean;
  ready: boolean;
  /** A spare that would be ready if it were a replica. */
  warmed: boolean;
  /** Failures in a row, this end included. */
  failures: number;
  /** Set for an end that has not been counted yet. */
  newEnd?: { exitCode: number; finishedAt: number; oomKilled: boolean; finished: boolean };
  /** An end for want of memory after which the engine itself starts it again: told, but counted by the engine. */
  newOom?: { exitCode: number; finishedAt: number };
  /** Monotonic time before which it must not be acted on. */
  notBefore: number;
  /** Why the last act on it failed. */
  problem?: Sentence;
  /** Monotonic time at which it will be ready if nothing happens. */
  readyAt?: number;
  /** Its node is being emptied, and another takes it. */
  displaced?: boolean;
  /** Its node has been given up. */
  lost?: boolean;
  /** What is the matter with its node. */
  nodeWords?: Sentence;
}

/**
 * The seam for readiness: running and not paused; when something probes it, as the probes say; healthy when the container has a health
 * check, else running (or ready by its probes) for `minReady` milliseconds.
 */
export function readyFrom(
  detail: ContainerDetail,
  spec: ServiceSpec,
  runningSince: number,
  probes?: ProbeVerdict,
): number | undefined {
  if (detail.state !== 'running') return undefined;
  if (probes) {
    if (!probes.ready || (detail.health !== 'healthy' && detail.health !== 'none')) return undefined;
    return Math.max(runningSince, probes.readyAt ?? runningSince) + (spec.pilothouse.rollout?.minReady ?? 0);
  }
  if (detail.health === 'healthy') return runningSince;
  if (detail.health !== 'none') return undefined;
  return runningSince + (spec.pilothouse.rollout?.minReady ?? 0);
}

/** Judges one attempt of a service. */
export function judge(input: ReplicaInput, plan: PlanInput): Replica {
  const { attempt, seen, busy } = input;
  const spec = (plan.revisions.get(attempt.revision) ?? plan.revisions.get(plan.service.revision))?.spec;
  const current = plan.revisions.get(plan.service.revision);
  if (!spec || !current) throw new Error(`${plan.service.key} has no revision ${plan.service.revision}`);
  const before = plan.memory.attempts[attempt.name] ?? {};
  const replica: Replica = {
    attempt,
    slot: attempt.slot,
    spec,
    rule: restartRule(spec, plan.job, plan.capabilities),
    phase: 'intended',
    unsent: input.unsent === true,
    memory: before,
    matches:
      attempt.hash === current.hash &&
      attempt.restartNonce === plan.service.restartNonce &&
      (attempt.fronted === true) === (plan.fronted === true),
    leaving: attempt.state === 'removing',
    live: false,
    ready: false,
    warmed: false,
    failures: attempt.failures ?? 0,
    notBefore: before.nextTryAt ?? 0,
  };
  if (busy) replica.busy = busy;
  if (input.probes) replica.probes = input.probes;
  if (before.problem) replica.problem = before.problem;
  if (input.last) replica.last = input.last;
  if (seen === 'unknown') {
    replica.phase = 'unknown';
    replica.live = true;
    return replica;
  }
  if (seen === 'gone') {
    replica.phase = attempt.finished ? 'finished' : attempt.containerId === undefined ? 'intended' : 'gone';
    if (before.taken) replica.phase = 'foreign';
    replica.live = busy !== undefined;
    return replica;
  }
  if (!isOurs(seen, attempt, plan.installId)) {
    replica.phase = 'foreign';
    return replica;
  }
  replica.detail = seen;
  replica.last = seen;
  // It was made when nobody waited for its end yet, and its engine would start it again for ever.
  if (plan.job && seen.restartPolicy.name === 'always') replica.matches = false;
  judgeContainer(replica, seen, plan);
  if (busy) replica.live = true;
  if (busy === 'remove' || replica.leaving) replica.ready = false;
  return replica;
}

function judgeContainer(replica: Replica, detail: ContainerDetail, plan: PlanInput): void {
  const memory: AttemptMemory = { ...replica.memory };
  replica.memory = memory;
  memory.restartsBase ??= detail.restartCount;
  switch (detail.state) {
    case 'running':
    case 'paused':
    case 'restarting':
      replica.phase = detail.state;
      replica.live = true;
      break;
    case 'removing':
      replica.phase = 'removing';
      replica.live = true;
      break;
    case 'created':
    case 'dead':
      replica.phase = detail.state;
      break;
    case 'exited':
      judgeEnd(replica, detail, plan);
      break;
  }
  const { spare, waking } = replica.attempt;
  if (replica.phase === 'paused' && !spare && !waking) memory.paused = true;
  else delete memory.paused;
  judgeOom(replica, detail, plan);
  if (replica.phase === 'running') {
    if (memory.startedAt !== detail.startedAt || memory.runningSince === undefined) {
      // Seen running for the first time: only then is the wall clock asked how long that has been so.
      const known = plan.memory.attempts[replica.attempt.name] !== undefined;
      const age = known || detail.startedAt === undefined ? 0 : Math.max(0, plan.now - detail.startedAt);
      memory.startedAt = detail.startedAt;
      memory.runningSince = plan.monotonic - age;
      delete memory.readySince;
    }
    const from = readyFrom(detail, replica.spec, memory.runningSince, replica.probes);
    if (spare === true) {
      replica.warmed = from !== undefined && from <= plan.monotonic;
      if (from !== undefined && !replica.warmed) replica.readyAt = from;
    } else if (from !== undefined && from <= plan.monotonic) {
      replica.ready = true;
      memory.readySince ??= plan.monotonic;
      memory.wasReady = true;
    } else {
      delete memory.readySince;
      if (from !== undefined) replica.readyAt = from;
    }
    // A container that was paused calls itself unhealthy until its next check (F14).
    const stale = waking === true && plan.now - (replica.attempt.wokenAt ?? 0) < wakingGrace;
    const unwell =
      detail.health === 'unhealthy' ? (stale ? undefined : ('healthcheck' as const)) : replica.probes?.dead;
    if (unwell) {
      replica.unwell = unwell;
      memory.unhealthySince ??= plan.monotonic;
    } else delete memory.unhealthySince;
    if (replica.ready) {
      delete memory.problem;
      delete replica.problem;
    }
  } else {
    delete memory.readySince;
    delete memory.unhealthySince;
  }
}

/** The engine says only until the next start that memory ran out; people and alerts are to see it for longer. */
function judgeOom(replica: Replica, detail: ContainerDetail, plan: PlanInput): void {
  const { memory } = replica;
  if (detail.oomKilled && detail.exitCode !== 0 && detail.finishedAt !== undefined && detail.state !== 'running') {
    const { exitCode = 137, finishedAt } = detail;
    if (detail.state === 'restarting' && memory.oom !== finishedAt) replica.newOom = { exitCode, finishedAt };
    memory.oom = finishedAt;
  } else if (replica.phase === 'running' && plan.now - (detail.startedAt ?? plan.now) >= oomShown) delete memory.oom;
}

function judgeEnd(replica: Replica, detail: ContainerDetail, plan: PlanInput): void {
  const { attempt, rule } = replica;
  if (replica.leaving || replica.busy === 'remove') {
    replica.phase = 'exited';
    // That back-off was for its next start; its removal need not wait for it.
    if (replica.memory.triedFor !== undefined) {
      delete replica.memory.triedFor;
      delete replica.memory.nextTryAt;
      replica.notBefore = 0;
    }
    return;
  }
  const finishedAt = detail.finishedAt ?? 0;
  const exitCode = detail.exitCode ?? 0;
  if (attempt.finished?.at === finishedAt) {
    replica.phase = 'finished';
    return;
  }
  const counted = attempt.failedAt === finishedAt;
  const outage = plan.outage(finishedAt, attempt.node);
  const ran = Math.max(0, finishedAt - (detail.startedAt ?? finishedAt));
  if (!counted && !outage) replica.failures = ran >= rule.window ? 1 : replica.failures + 1;
  const what = verdict(rule, { exitCode, failures: replica.failures, restarts: detail.restartCount, outage });
  replica.phase = what === 'again' ? 'exited' : 'finished';
  if (!counted) {
    replica.newEnd = { exitCode, finishedAt, oomKilled: detail.oomKilled, finished: what !== 'again' };
  }
  if (what === 'again' && replica.memory.triedFor !== finishedAt) {
    const delay = outage ? 0 : restartDelay(rule, replica.failures, attempt.name);
    replica.memory.nextTryAt = plan.monotonic + delay;
    replica.memory.triedFor = finishedAt;
  }
  replica.notBefore = replica.memory.nextTryAt ?? 0;
}
