/** One look of the autoscaler at one service: from what each metric asks for to how many replicas there are to be. Pure. */
import { sentence, type Sentence } from '../../contract/sentence';
import type { AutoscaleSpec } from '../../contract/spec';
import { behaviorOf, limit, remember, stabilize, type Memory } from './behavior';
import type { Proposal } from './replicas';

export interface StepInput {
  policy: AutoscaleSpec;
  /** Allowed now; a schedule may have moved them. */
  bounds: { min: number; max: number };
  current: number;
  /** One per metric of the policy, in its order. */
  proposals: readonly Proposal[];
  /** Replicas are being replaced. */
  rolling: boolean;
  now: number;
}

export interface Step {
  to: number;
  /** What was right by the metrics alone. */
  wanted?: number;
  /** The metric that asked for most. */
  leading?: number;
  /** Why it changes, or why it does not. */
  words: Sentence;
  memory: Memory;
}

export function step(input: StepInput, memory: Memory): Step {
  const { policy, bounds, current, proposals, rolling, now } = input;
  const { min, max } = bounds;
  const stay = (words: Sentence, more: Partial<Step> = {}): Step => ({ to: current, words, memory, ...more });
  // Somebody scaled it to zero on purpose.
  if (current === 0 && min > 0) return stay(sentence('autoscale.resting'));
  if (current > max || current < min) {
    const to = current > max ? max : min;
    if (to < current && rolling) return stay(sentence('autoscale.rollout'));
    const words = sentence('autoscale.bounds', { min, max });
    return { to, words, memory: remember(memory, { from: current, to, at: now }) };
  }
  let wanted: number | undefined;
  let leading: number | undefined;
  let problem: Sentence | undefined;
  for (const [index, proposal] of proposals.entries()) {
    if ('problem' in proposal) problem ??= proposal.problem;
    else if (wanted === undefined || proposal.replicas > wanted) [wanted, leading] = [proposal.replicas, index];
  }
  const named = problem?.args?.['metric'] ?? '';
  if (wanted === undefined || leading === undefined) return stay(sentence('autoscale.missing', { metric: named }));
  if (problem && wanted < current) return stay(sentence('autoscale.partly', { metric: named }), { wanted, leading });

  const behavior = behaviorOf(policy);
  const steady = stabilize(memory, { wanted, current, now, behavior });
  const to = limit(steady.memory, { wanted: steady.replicas, current, min, max, now, behavior });
  const shown = { wanted, leading, memory: steady.memory };
  if (to < current && rolling) return stay(sentence('autoscale.rollout'), shown);
  if (to !== current) {
    const words = sentence('autoscale.metric');
    return { to, words, ...shown, memory: remember(steady.memory, { from: current, to, at: now }) };
  }
  if (wanted === current) return stay(sentence('autoscale.steady'), shown);
  if (wanted > current && current >= max) return stay(sentence('autoscale.atMax', { wanted, max }), shown);
  if (wanted < current && current <= min) return stay(sentence('autoscale.atMin', { wanted, min }), shown);
  const words = sentence(steady.replicas === current ? 'autoscale.stabilizing' : 'autoscale.limited', { wanted });
  return stay(words, shown);
}
