/**
 * Canary and blue-green: how far a rollout may go now, and when it goes on. Pure; where it stands is in the rollout's row, so that a
 * restart of the app loses nothing. A canary goes through shares of the traffic; a blue-green one brings a whole second set, switches
 * over at once, and keeps the old set until the new one has proved itself.
 */
import { sentence, type Sentence } from '../../contract/sentence';
import type { RolloutSpec, ServiceSpec } from '../../contract/spec';
import type { RolloutRow } from '../store';
import type { Budget } from './budget';
import type { ServiceMemory, TrafficSum } from './types';

/** What the replacing of replicas must respect. */
export interface Stage {
  /** Slots that may hold a replica of the new revision. */
  most: number;
  /** Old replicas stay beside ready new ones. */
  keepOld: boolean;
  /** Of two ready replicas in a slot the old one serves. */
  showOld: boolean;
}

/** A canary without declared steps gets this share and waits. */
const usualSteps: NonNullable<RolloutSpec['steps']> = [{ weight: 20 }];
/** After a switch the old set stays at least so long, milliseconds: the gateway must have the new one first. */
const leastKeep = 2000;
/** How often the traffic is looked at while a step is held, milliseconds. */
const lookEvery = 1000;

export function stepsOfSpec(spec: ServiceSpec): NonNullable<RolloutSpec['steps']> {
  const steps = spec.pilothouse.rollout?.steps;
  return steps && steps.length > 0 ? steps : usualSteps;
}

/** True for rollouts that go back by themselves when they fail, whatever the update rules say. */
export function isStaged(row: Pick<RolloutRow, 'strategy'>): boolean {
  return row.strategy === 'canary' || row.strategy === 'blue-green';
}

/** The limits for this rollout now; undefined when there are none but the usual ones. `ordered`: slots cannot hold two replicas. */
export function stageOf(
  row: RolloutRow | undefined,
  options: { spec: ServiceSpec; wanted: number; ordered: boolean },
): Stage | undefined {
  if (!row || (row.state !== 'running' && row.state !== 'paused') || !isStaged(row)) return undefined;
  const { spec, wanted, ordered } = options;
  if (row.strategy === 'blue-green') {
    if (ordered || row.settled) return undefined;
    return { most: wanted, keepOld: true, showOld: row.switchedAt === undefined };
  }
  const step = stepsOfSpec(spec)[row.step ?? 0];
  return step ? { most: canaryCount(step.weight, wanted), keepOld: false, showOld: false } : undefined;
}

/** Replicas that make up a share, in percent: at least one, and one old one is left below the whole. */
export function canaryCount(weight: number, wanted: number): number {
  if (weight >= 100) return wanted;
  return Math.max(1, Math.min(wanted - 1, Math.ceil((wanted * weight) / 100 - 1e-9)));
}

export interface StrategyInput {
  row: RolloutRow;
  spec: ServiceSpec;
  wanted: number;
  /** Slots with a ready replica of the new revision. */
  replaced: number;
  ordered: boolean;
  budget: Budget;
  memory: ServiceMemory['rollout'];
  /** Requests the new revision has answered so far, when a gateway counts them. */
  traffic?: TrafficSum;
  now: number;
  monotonic: number;
}

export interface StrategyOutcome {
  change: Partial<RolloutRow>;
  stage?: NonNullable<NonNullable<ServiceMemory['rollout']>['stage']>;
  /** It stands at a step on purpose: the deadline does not run. */
  holds: boolean;
  /** Until somebody promotes it. */
  waits?: boolean;
  failure?: Sentence;
  wakeAt?: number;
}

/** Looks at the present step of a running rollout: hold it, go on, or fail. */
export function stepStrategy(input: StrategyInput): StrategyOutcome {
  const { row, wanted, replaced, ordered } = input;
  const none: StrategyOutcome = { change: {}, holds: false };
  if (row.state !== 'running' || !isStaged(row)) return none;
  if (row.strategy === 'canary') return stepCanary(input);
  if (ordered || row.settled) return none;
  if (row.switchedAt !== undefined) return proveSwitched(input);
  if (replaced < wanted) return none;
  const step = input.spec.pilothouse.rollout?.steps?.[0];
  const reached = arrive(input, 'green');
  const { stage } = reached;
  const over = step === undefined || row.promoted === true || isOver(input, stage, step.pause);
  if (!over) return { ...hold(input, reached, step.pause), holds: true };
  return { change: { switchedAt: input.now, stepAt: input.now }, holds: true, wakeAt: input.monotonic + 1 };
}

/** The switch has been made: the old set stays until the new one has proved itself. */
function proveSwitched(input: StrategyInput): StrategyOutcome {
  const reached = arrive(input, 'switched');
  const { failure } = analyse(input, reached.stage);
  if (failure) return { ...reached, holds: true, failure };
  const keep = Math.max(leastKeep, input.budget.monitor);
  if (isOver(input, reached.stage, keep))
    return { change: { settled: true }, holds: true, wakeAt: input.monotonic + 1 };
  return hold(input, reached, keep);
}

function stepCanary(input: StrategyInput): StrategyOutcome {
  const { row, spec, wanted, replaced, monotonic } = input;
  const index = row.step ?? 0;
  const step = stepsOfSpec(spec)[index];
  if (!step) return { change: {}, holds: false };
  const weight = { step: index, weight: step.weight };
  if (replaced < canaryCount(step.weight, wanted)) return { change: weight, holds: false };
  const reached = arrive(input, `step ${index}`);
  const { failure, enough } = analyse(input, reached.stage);
  if (failure) return { ...reached, holds: true, failure };
  if (enough && isOver(input, reached.stage, step.pause)) {
    const next = stepsOfSpec(spec)[index + 1];
    return { change: { step: index + 1, weight: next?.weight ?? 100 }, holds: true, wakeAt: monotonic + 1 };
  }
  const held = hold(input, reached, step.pause);
  return { ...held, change: { ...weight, ...held.change } };
}

type Reached = StrategyOutcome & { stage: NonNullable<StrategyOutcome['stage']> };

/** Notes when a step was reached and how much traffic there had been before. */
function arrive(input: StrategyInput, id: string): Reached {
  const { memory, monotonic, now, row, traffic } = input;
  const known = memory?.stage?.id === id ? memory.stage : undefined;
  const { requests, errors } = traffic ?? { requests: 0, errors: 0 };
  // After a restart of the app the row still knows the step's beginning.
  const before = memory === undefined && row.stepAt !== undefined ? Math.max(0, now - row.stepAt) : 0;
  const stage = known ?? { id, since: monotonic - before, requests, errors };
  return { stage, holds: true, change: known || before > 0 ? {} : { stepAt: now } };
}

function isOver(input: StrategyInput, stage: { since: number }, pause: number | undefined): boolean {
  return pause !== undefined && stage.since + pause <= input.monotonic;
}

function hold(input: StrategyInput, reached: Reached, pause: number | undefined): StrategyOutcome {
  const { spec, monotonic } = input;
  const ends = pause === undefined ? Infinity : reached.stage.since + pause;
  const look = spec.pilothouse.rollout?.analysis ? monotonic + lookEvery : Infinity;
  const wakeAt = Math.min(ends > monotonic ? ends : Infinity, look);
  return { ...reached, holds: true, waits: pause === undefined, ...(wakeAt < Infinity ? { wakeAt } : {}) };
}

/** What the traffic since the step's beginning says. Without a gateway nothing is counted, and health alone decides. */
function analyse(input: StrategyInput, stage: Reached['stage']): { failure?: Sentence; enough: boolean } {
  const { spec, traffic } = input;
  const rules = spec.pilothouse.rollout?.analysis;
  if (!rules || !traffic) return { enough: true };
  const requests = Math.max(0, traffic.requests - stage.requests);
  const errors = Math.max(0, traffic.errors - stage.errors);
  if (requests < Math.max(1, rules.minRequests ?? 1)) return { enough: rules.minRequests === undefined };
  const ratio = errors / requests;
  if (rules.maxErrorRatio !== undefined && ratio > rules.maxErrorRatio) {
    const percent = (value: number): number => Math.round(value * 1000) / 10;
    return {
      enough: true,
      failure: sentence('reason.errorRatio', { percent: percent(ratio), limit: percent(rules.maxErrorRatio) }),
    };
  }
  if (rules.maxP95 !== undefined && traffic.p95 !== undefined && traffic.p95 > rules.maxP95) {
    return {
      enough: true,
      failure: sentence('reason.slow', { time: Math.round(traffic.p95), limit: Math.round(rules.maxP95) }),
    };
  }
  return { enough: true };
}

/** True while a canary has a step before it. */
export function stagedAt(row: RolloutRow, spec: ServiceSpec): boolean {
  return (row.step ?? 0) < stepsOfSpec(spec).length;
}
