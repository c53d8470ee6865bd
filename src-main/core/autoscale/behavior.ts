/** How fast a service may grow and shrink: HPA v2's stabilization windows and policies (protocols.md D6), filled with its defaults. */
import type { AutoscaleSpec, ScaleRules } from '../../contract/spec';

export interface Rules {
  /** Milliseconds. */
  stabilization: number;
  tolerance: number;
  selectPolicy: 'Max' | 'Min' | 'Disabled';
  policies: NonNullable<ScaleRules['policies']>;
}

export interface Behavior {
  up: Rules;
  down: Rules;
}

const usual: Behavior = {
  up: {
    stabilization: 0,
    tolerance: 0.1,
    selectPolicy: 'Max',
    policies: [
      { type: 'Replicas', value: 4, period: 15_000 },
      { type: 'Percent', value: 100, period: 15_000 },
    ],
  },
  down: {
    stabilization: 300_000,
    tolerance: 0.1,
    selectPolicy: 'Max',
    policies: [{ type: 'Percent', value: 100, period: 15_000 }],
  },
};
/** Policies look back this far at most. */
const longestPeriod = 1_800_000;

/** The rules of a policy, with defaults where it says nothing. */
export function behaviorOf(policy: AutoscaleSpec): Behavior {
  const fill = (rules: ScaleRules | undefined, defaults: Rules): Rules => ({
    stabilization: rules?.stabilization ?? defaults.stabilization,
    tolerance: rules?.tolerance ?? defaults.tolerance,
    selectPolicy: rules?.selectPolicy ?? defaults.selectPolicy,
    policies: rules?.policies?.length ? rules.policies : defaults.policies,
  });
  return { up: fill(policy.behavior?.scaleUp, usual.up), down: fill(policy.behavior?.scaleDown, usual.down) };
}

/** What is remembered between two looks; times are of one clock that never jumps back. */
export interface Memory {
  /** What was right at each look, before windows and policies. */
  wanted: readonly { at: number; replicas: number }[];
  ups: readonly { at: number; change: number }[];
  downs: readonly { at: number; change: number }[];
}

export const emptyMemory: Memory = { wanted: [], ups: [], downs: [] };

/**
 * The highest number that was right within the window before it shrinks, the lowest before it grows. Without a memory the present
 * count stands for the past, so that a restart of the app is no reason to shrink.
 */
export function stabilize(
  memory: Memory,
  input: { wanted: number; current: number; now: number; behavior: Behavior },
): { replicas: number; memory: Memory } {
  const { wanted, current, now, behavior } = input;
  const past = memory.wanted.length > 0 ? memory.wanted : [{ at: now, replicas: current }];
  let [low, high] = [wanted, wanted];
  for (const { at, replicas } of past) {
    if (at > now - behavior.up.stabilization) low = Math.min(low, replicas);
    if (at > now - behavior.down.stabilization) high = Math.max(high, replicas);
  }
  let replicas = current;
  if (replicas < low) replicas = low;
  if (replicas > high) replicas = high;
  const longest = Math.max(behavior.up.stabilization, behavior.down.stabilization);
  const kept = past.filter(({ at }) => at > now - longest);
  return { replicas, memory: { ...memory, wanted: [...kept, { at: now, replicas: wanted }] } };
}

/** As much of the change as bounds and policies allow now. */
export function limit(
  memory: Memory,
  input: { wanted: number; current: number; min: number; max: number; now: number; behavior: Behavior },
): number {
  const { wanted, current, min, max, now, behavior } = input;
  const changeSince = (events: Memory['ups'], period: number): number =>
    events.reduce((sum, { at, change }) => (at > now - period ? sum + change : sum), 0);
  const limits = ({ policies }: Rules, to: (start: number, policy: Rules['policies'][number]) => number): number[] =>
    policies.map((policy) => {
      const start = current - changeSince(memory.ups, policy.period) + changeSince(memory.downs, policy.period);
      return to(start, policy);
    });
  if (wanted > current) {
    const { up } = behavior;
    if (up.selectPolicy === 'Disabled') return current;
    // Tenths of a percent are cut before rounding up: 10 × 1.1 is 11.
    const all = limits(up, (start, { type, value }) =>
      type === 'Replicas' ? start + value : Math.ceil(start * (1 + value / 100) - 1e-9),
    );
    const most = up.selectPolicy === 'Min' ? Math.min(...all) : Math.max(...all);
    return Math.min(wanted, max, Math.max(most, current));
  }
  if (wanted < current) {
    const { down } = behavior;
    if (down.selectPolicy === 'Disabled') return current;
    const all = limits(down, (start, { type, value }) =>
      type === 'Replicas' ? start - value : Math.trunc(start * (1 - value / 100) + 1e-9),
    );
    const fewest = down.selectPolicy === 'Min' ? Math.max(...all) : Math.min(...all);
    return Math.max(wanted, min, Math.min(fewest, current));
  }
  return wanted;
}

/** Remembers a change that was made. */
export function remember(memory: Memory, change: { from: number; to: number; at: number }): Memory {
  const { from, to, at } = change;
  const since = at - longestPeriod;
  const recent = (events: Memory['ups']): Memory['ups'] => events.filter((event) => event.at > since);
  return {
    ...memory,
    ups: to > from ? [...recent(memory.ups), { at, change: to - from }] : memory.ups,
    downs: to < from ? [...recent(memory.downs), { at, change: from - to }] : memory.downs,
  };
}
