/** The life of an alert: inactive → pending → firing → resolved. Pure; time comes as what has really passed. */
import type { AlertRule } from '../../contract/api/alerts';
import type { Labels } from './labels';

export interface AlertState {
  labels: Labels;
  state: 'pending' | 'firing' | 'resolved';
  /** Milliseconds that the condition has held while it was watched. */
  held: number;
  /** Milliseconds since it held last, while firing on. */
  quiet: number;
  value: number | undefined;
  /** Epoch milliseconds, for people. */
  activeAt: number;
  firedAt?: number;
  resolvedAt?: number;
}

/** A row of the rule's result. */
export interface Seen {
  labels: Labels;
  value: number;
}

export interface StepOptions {
  rule: Pick<AlertRule, 'for' | 'keepFiringFor'>;
  /** Epoch milliseconds. */
  now: number;
  /** Milliseconds since the evaluation before in which the world was watched; sleep and absence do not count. */
  elapsed: number;
}

/**
 * The next state, or undefined when there is nothing (any more). A resolved alert is given once; afterwards the caller hands in
 * undefined for it.
 */
export function step(
  before: AlertState | undefined,
  seen: Seen | undefined,
  options: StepOptions,
): AlertState | undefined {
  const { rule, now, elapsed } = options;
  const alive = before && before.state !== 'resolved' ? before : undefined;
  if (seen) {
    if (alive?.state === 'firing')
      return { ...alive, labels: seen.labels, value: seen.value, quiet: 0, held: alive.held + elapsed };
    const held = alive ? alive.held + elapsed : 0;
    const activeAt = alive?.activeAt ?? now;
    const next = { labels: seen.labels, held, quiet: 0, value: seen.value, activeAt };
    return held >= rule.for ? { ...next, state: 'firing', firedAt: now } : { ...next, state: 'pending' };
  }
  if (alive?.state !== 'firing') return undefined;
  const quiet = alive.quiet + elapsed;
  if (quiet < rule.keepFiringFor) return { ...alive, quiet };
  return { ...alive, quiet, state: 'resolved', resolvedAt: now };
}
