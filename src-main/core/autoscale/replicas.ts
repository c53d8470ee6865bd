/**
 * How many replicas one metric asks for, as Kubernetes' HPA v2 computes it: the ratio of what is used to the target, with replicas
 * that are not ready or not measured counted against the direction of the change.
 */
import { sentence, type Sentence } from '../../contract/sentence';

/** A replica as one metric sees it. */
export interface Seen {
  /** `ignored` is going or gone for good, `pending` does not run yet. */
  phase: 'ignored' | 'pending' | 'up';
  /** Cores, bytes, requests a second …; undefined when it was not measured. */
  value: number | undefined;
  /** Its figures do not count yet: it is not ready, or so young that it still warms up. */
  cold: boolean;
}

/** Changes within these shares of the target are none. */
export interface Tolerance {
  up: number;
  down: number;
}

/** What a metric asks for, and what it showed: percent of the reservation, or the mean or whole in the metric's own unit. */
export type Proposal = { replicas: number; value: number } | { problem: Sentence };

interface PerReplica {
  metric: string;
  current: number;
  seen: readonly Seen[];
  target: number;
  tolerance: Tolerance;
  /** Of one replica; given for a target in percent of it. */
  reservation?: number;
}

/** A target per replica: a share of its reservation, or a mean. */
export function perReplica(input: PerReplica): Proposal {
  const { current, target, tolerance, reservation } = input;
  const counted: number[] = [];
  let [cold, missing] = [0, 0];
  for (const { phase, value, cold: young } of input.seen) {
    if (phase === 'ignored') continue;
    if (phase === 'pending') cold += 1;
    else if (value === undefined || !Number.isFinite(value)) missing += 1;
    else if (young) cold += 1;
    else counted.push(value);
  }
  if (counted.length === 0) return { problem: sentence('autoscale.noSamples', { metric: input.metric }) };
  // Whole percents, cut, as HPA reports them.
  const level = (values: readonly number[]): number =>
    reservation === undefined
      ? sum(values) / values.length
      : Math.floor((sum(values) * 100) / (reservation * values.length) + 1e-9);
  const value = level(counted);
  const ratio = value / target;
  const withCold = cold > 0 && ratio > 1;
  if (!withCold && missing === 0) {
    return { replicas: within(ratio, tolerance) ? current : ceil(ratio * counted.length), value };
  }
  const full = reservation === undefined ? target : (reservation * Math.max(100, target)) / 100;
  const fill = ratio < 1 ? full : 0;
  if (ratio !== 1) for (let index = 0; index < missing; index++) counted.push(fill);
  if (withCold) for (let index = 0; index < cold; index++) counted.push(0);
  const corrected = level(counted) / target;
  const turned = (ratio < 1 && corrected > 1) || (ratio > 1 && corrected < 1);
  if (within(corrected, tolerance) || turned) return { replicas: current, value };
  const replicas = ceil(corrected * counted.length);
  const against = (corrected < 1 && replicas > current) || (corrected > 1 && replicas < current);
  return { replicas: against ? current : replicas, value };
}

interface Whole {
  metric: string;
  current: number;
  /** Replicas that are ready. */
  ready: number;
  value: number | undefined;
  target: number;
  tolerance: Tolerance;
  /** The target is for each replica's part of the value, not for the value itself. */
  average: boolean;
}

/** A value of the service as a whole: a latency, the length of a queue. */
export function ofWhole({ metric, current, ready, value, target, tolerance, average }: Whole): Proposal {
  if (value === undefined || !Number.isFinite(value)) return { problem: sentence('autoscale.noSamples', { metric }) };
  if (average) {
    const ratio = value / (target * Math.max(1, current));
    const part = value / Math.max(1, current);
    return { replicas: current > 0 && within(ratio, tolerance) ? current : ceil(value / target), value: part };
  }
  const ratio = value / target;
  if (current === 0) return { replicas: ceil(ratio), value };
  return { replicas: within(ratio, tolerance) ? current : ceil(ratio * ready), value };
}

function within(ratio: number, { up, down }: Tolerance): boolean {
  return ratio >= 1 - down - 1e-9 && ratio <= 1 + up + 1e-9;
}

/** Rounds up, but not for what binary fractions add: 3 × 1.1 / 1.1 is 3. */
function ceil(value: number): number {
  return Math.max(0, Math.ceil(value - 1e-9));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
