/** The way from one revision to another as a whole: progress, failure, rollback, end. Pure; replicas are replaced in `replace`. */
import { say, sentence, type Sentence } from '../../contract/sentence';
import type { ServiceSpec } from '../../contract/spec';
import type { RevisionRow, RolloutRow, ServiceRow } from '../store';
import type { Budget } from './budget';
import type { Replica } from './judge';
import { isStaged, stepsOfSpec, stepStrategy, type StrategyOutcome } from './strategy';
import type { ImageState, ServiceMemory, TrafficSum } from './types';

export interface RolloutInput {
  row: RolloutRow;
  service: ServiceRow;
  revisions: ReadonlyMap<number, RevisionRow>;
  /** Every replica that is not leaving, in slots that stay. */
  replicas: Replica[];
  wanted: number;
  budget: Budget;
  image: ImageState | undefined;
  memory: ServiceMemory['rollout'];
  /** Slots cannot hold two replicas. */
  ordered: boolean;
  traffic?: TrafficSum;
  now: number;
  monotonic: number;
}

export interface RolloutOutcome {
  row: RolloutRow;
  memory: NonNullable<ServiceMemory['rollout']>;
  /** Go back to this revision. */
  revert?: number;
  wakeAt?: number;
}

/** True while replicas are to be replaced. */
export function isMoving(row: RolloutRow | undefined): boolean {
  return row?.state === 'running' || row?.state === 'rolling-back';
}

/** True while nothing is to be replaced until the user says so. */
export function isHeld(row: RolloutRow | undefined): boolean {
  return row?.state === 'paused' || row?.state === 'failed';
}

/** The newest revision below `bad` that was once fully ready (I11); `from` first. */
export function lastStable(
  revisions: ReadonlyMap<number, RevisionRow>,
  bad: number,
  from?: number,
): number | undefined {
  if (from !== undefined && from !== bad && revisions.get(from)?.stable) return from;
  let best: number | undefined;
  for (const [revision, row] of revisions) {
    if (row.stable && revision < bad && (best === undefined || revision > best)) best = revision;
  }
  return best;
}

/** A fresh rollout row. `deadlineAt` is for display; the monotonic deadline is the planner's. */
export function startRollout(
  service: ServiceRow,
  options: { from: number; to: number; now: number; strategy: RolloutRow['strategy']; total: number; back?: boolean },
): RolloutRow {
  const { from, to, now } = options;
  const state = options.back ? 'rolling-back' : 'running';
  const row: RolloutRow = {
    service: service.key,
    from,
    to,
    state,
    strategy: options.strategy,
    replaced: 0,
    total: options.total,
    words: sentence('event.rolloutStarted', { service: service.name, from, to }),
    startedAt: now,
    steps: [],
  };
  return { ...row, steps: stepsOf(row, service.name) };
}

/** Looks at a rollout that is under way or held and says how it stands. A held one only ends, when there is nothing left to replace. */
export function stepRollout(input: RolloutInput): RolloutOutcome {
  const { row, service, replicas, wanted, budget, monotonic } = input;
  const key = `${row.from}>${row.to}@${row.startedAt}`;
  const fresh = replicas.filter((replica) => replica.matches);
  const done = fresh.filter((replica) => replica.ready || replica.phase === 'finished');
  const replaced = Math.min(wanted, new Set(done.map((replica) => replica.slot)).size);
  const same = input.memory?.key === key ? input.memory : undefined;
  const progressed = same === undefined || replaced > same.replaced;
  const spec = input.revisions.get(row.to)?.spec;
  const { ordered, traffic, now } = input;
  const strategy: StrategyOutcome = spec
    ? stepStrategy({
        ...{ row, spec, wanted, replaced, ordered, budget, memory: same, now, monotonic },
        ...(traffic ? { traffic } : {}),
      })
    : { change: {}, holds: false };
  const memory: NonNullable<ServiceMemory['rollout']> = {
    key,
    replaced,
    progressAt: progressed || strategy.holds ? monotonic : same.progressAt,
    ...(strategy.stage ? { stage: strategy.stage } : {}),
  };
  const deadline = memory.progressAt + budget.progressDeadline;
  let next: RolloutRow = { ...row, replaced, total: wanted, ...strategy.change };
  if (strategy.holds) delete next.deadlineAt;
  else if (isMoving(row) && (progressed || row.deadlineAt === undefined))
    next.deadlineAt = input.now + budget.progressDeadline;
  const outcome = (changes: Partial<RolloutRow>, more: Partial<RolloutOutcome> = {}): RolloutOutcome => {
    next = { ...next, ...changes };
    if (!isMoving(next)) delete next.deadlineAt;
    if (strategy.waits && next.state === 'running') next.waits = true;
    else delete next.waits;
    if (!isStaged(next) || next.state !== 'running') delete next.weight;
    next.steps = stepsOf(next, service.name, spec);
    return { row: next, memory, ...more };
  };

  const oldLeft = replicas.some((replica) => !replica.matches);
  if (replaced >= wanted && !oldLeft) {
    const lastReady = Math.max(0, ...done.map((replica) => replica.memory.readySince ?? 0));
    const settledAt = done.some((replica) => replica.ready) ? lastReady + budget.monitor : monotonic;
    if (settledAt <= monotonic) {
      const back = row.state === 'rolling-back' || (isHeld(row) && row.to < row.from);
      const words = sentence(back ? 'event.rolloutRolledBack' : 'event.rolloutDone', {
        service: service.name,
        to: row.to,
      });
      return outcome({ state: back ? 'rolled-back' : 'done', words });
    }
    const failed = isHeld(row) ? undefined : failureOf(input, fresh);
    if (!failed) return outcome({}, { wakeAt: settledAt });
    return fail(input, failed, outcome);
  }
  if (isHeld(row)) return { row, memory };
  const judged = strategy.failure ? { reason: strategy.failure, late: false } : undefined;
  const failed = failureOf(input, fresh) ?? judged ?? (monotonic >= deadline ? late(budget) : undefined);
  if (failed) return fail(input, failed, outcome);
  if (strategy.holds) return outcome({}, strategy.wakeAt === undefined ? {} : { wakeAt: strategy.wakeAt });
  return outcome({}, { wakeAt: deadline });
}

interface Failure {
  reason: Sentence;
  late: boolean;
}

function late(budget: Budget): Failure {
  const seconds = Math.round(budget.progressDeadline / 1000);
  return { reason: sentence('reason.deadline', { seconds }), late: true };
}

/** The share of new replicas that failed is over the limit, or their image cannot be had. */
function failureOf(input: RolloutInput, fresh: Replica[]): Failure | undefined {
  if (input.image?.state === 'failed' && input.image.definitive) return { reason: input.image.words, late: false };
  const failed = new Set<number>();
  for (const replica of fresh) {
    // On the way back some replicas of the target never left, and a resumed rollout forgives: old failures are not counted.
    const since = input.row.resumedAt ?? (input.row.state === 'rolling-back' ? input.row.startedAt : 0);
    if (replica.attempt.createdAt < since) continue;
    const restarts = (replica.detail?.restartCount ?? 0) - (replica.memory.restartsBase ?? 0);
    const unhealthy = replica.memory.unhealthySince !== undefined;
    const gaveUp = replica.phase === 'finished' && (replica.attempt.finished?.exitCode ?? 0) !== 0;
    if (replica.failures > 0 || restarts > 0 || unhealthy || gaveUp) failed.add(replica.slot);
  }
  const update = rules(input);
  if (failed.size === 0 || failed.size / Math.max(1, input.wanted) <= update.maxFailureRatio) return undefined;
  return { reason: sentence('reason.replicasFailed', { count: failed.size, total: input.wanted }), late: false };
}

function rules(input: RolloutInput): { failureAction: 'continue' | 'pause' | 'rollback'; maxFailureRatio: number } {
  const spec = input.revisions.get(input.service.revision)?.spec;
  const update = input.row.state === 'rolling-back' ? spec?.deploy.rollback : spec?.deploy.update;
  return update ?? { failureAction: 'pause', maxFailureRatio: 0 };
}

function fail(
  input: RolloutInput,
  failure: Failure,
  outcome: (changes: Partial<RolloutRow>, more?: Partial<RolloutOutcome>) => RolloutOutcome,
): RolloutOutcome {
  const { row, service } = input;
  const words = sentence('event.rolloutFailed', {
    service: service.name,
    to: row.to,
    reason: plain(failure.reason),
  });
  // A canary and a blue-green rollout go back by themselves; that is what they are for.
  const action = isStaged(row) && row.state === 'running' ? 'rollback' : rules(input).failureAction;
  if (row.state === 'rolling-back') return outcome({ state: 'failed', words });
  if (action === 'continue') return failure.late ? outcome({ state: 'failed', words }) : outcome({});
  if (action === 'rollback') {
    const target = lastStable(input.revisions, row.to, row.from);
    if (target !== undefined) return outcome({ state: 'failed', words }, { revert: target });
    return outcome({ state: 'failed', words });
  }
  return outcome({ state: failure.late ? 'failed' : 'paused', words });
}

/** A reason inside a sentence; kept short, since engine text can be long. */
function plain(reason: Sentence): string {
  return say(reason).slice(0, 300);
}

function stepsOf(row: RolloutRow, service: string, spec?: ServiceSpec): RolloutRow['steps'] {
  const over = row.state === 'done' || row.state === 'rolled-back';
  const started = row.steps[0];
  const first: RolloutRow['steps'][number] = started ?? {
    words: sentence('event.rolloutStarted', { service, from: row.from, to: row.to }),
    state: 'done',
    at: row.startedAt,
  };
  const replaced = row.replaced >= row.total;
  const words =
    row.state === 'rolling-back' || row.state === 'rolled-back' ? 'service.rollingBack' : 'service.updating';
  return [
    first,
    ...(spec ? stagesOf(row, spec) : []),
    {
      words: sentence(words, { replaced: row.replaced, total: row.total }),
      state:
        row.state === 'failed' ? 'failed' : over || replaced ? 'done' : row.state === 'paused' ? 'waiting' : 'active',
    },
    {
      words: sentence('rollout.watch'),
      state: over ? 'done' : row.state === 'failed' ? 'waiting' : replaced ? 'active' : 'waiting',
    },
  ];
}

/** The steps of a canary, or the switch of a blue-green rollout. */
function stagesOf(row: RolloutRow, spec: ServiceSpec): RolloutRow['steps'] {
  if (row.state === 'rolling-back' || row.state === 'rolled-back') return [];
  const over = row.state === 'done';
  const now = row.state === 'failed' ? ('failed' as const) : row.waits ? ('waiting' as const) : ('active' as const);
  if (row.strategy === 'blue-green') {
    const state = over || row.settled ? 'done' : row.replaced >= row.total ? now : 'waiting';
    return [{ words: sentence(row.switchedAt === undefined ? 'rollout.switch' : 'rollout.switched'), state }];
  }
  if (row.strategy !== 'canary') return [];
  const at = row.step ?? 0;
  return stepsOfSpec(spec).map(({ weight }, index) => ({
    words: sentence('rollout.step', { weight }),
    state: over || index < at ? ('done' as const) : index === at ? now : ('waiting' as const),
  }));
}
