/**
 * What probes have said about one run of a container, after the rules of Kubernetes: nothing else is asked until the startup probe has
 * succeeded; readiness begins as “no”, liveness as “yes”; each turns after so many equal answers in a row. Pure.
 */
import type { PilothouseSpec, ProbeSpec } from '../../contract/spec';

export type Probes = NonNullable<PilothouseSpec['probes']>;
export type ProbeKind = keyof Probes;
export const probeKinds = ['startup', 'readiness', 'liveness'] as const satisfies readonly ProbeKind[];

/** One answer; `output` is untrusted text of at most a few hundred characters. */
export interface ProbeResult {
  ok: boolean;
  output: string;
}

/** What the planner is told of a container that is probed. */
export interface ProbeVerdict {
  /** The startup probe has succeeded, or there is none. */
  started: boolean;
  /** It may get requests. */
  ready: boolean;
  /** Monotonic time since which it is ready. */
  readyAt?: number;
  /** It failed so often that it must be restarted. */
  dead?: 'startup' | 'liveness';
  /** What failed last and has not succeeded since. */
  failing?: { kind: ProbeKind; output: string };
  /** Probes that cannot be made from this machine, and are left out. */
  unreachable?: boolean;
}

export interface ProbeState {
  readonly verdict: ProbeVerdict;
  /** Equal answers in a row per probe: successes above zero, failures below. */
  readonly streaks: Readonly<Partial<Record<ProbeKind, number>>>;
  readonly outputs: Readonly<Partial<Record<ProbeKind, string>>>;
}

/** The state of a container that has just been seen running. */
export function beginProbes(probes: Probes, monotonic: number): ProbeState {
  const started = probes.startup === undefined;
  const ready = started && probes.readiness === undefined;
  return { verdict: { started, ready, ...(ready ? { readyAt: monotonic } : {}) }, streaks: {}, outputs: {} };
}

/** True while this probe is to be made. */
export function isDue(state: ProbeState, kind: ProbeKind): boolean {
  return state.verdict.started !== (kind === 'startup');
}

/** The state after one more answer. */
export function afterResult(
  probes: Probes,
  state: ProbeState,
  kind: ProbeKind,
  answer: ProbeResult & { at: number },
): ProbeState {
  const spec = probes[kind];
  if (!spec) return state;
  const before = state.streaks[kind] ?? 0;
  const streak = answer.ok ? Math.max(0, before) + 1 : Math.min(0, before) - 1;
  const streaks = { ...state.streaks, [kind]: streak };
  const { [kind]: _, ...others } = state.outputs;
  const outputs = answer.ok ? others : { ...others, [kind]: answer.output };
  const verdict = verdictOf(probes, { state, streaks, outputs, at: answer.at });
  return { verdict, streaks, outputs };
}

function verdictOf(
  probes: Probes,
  now: { state: ProbeState; streaks: ProbeState['streaks']; outputs: ProbeState['outputs']; at: number },
): ProbeVerdict {
  const { streaks, outputs, at } = now;
  const before = now.state.verdict;
  const started = before.started || turned(probes.startup, streaks.startup) === true;
  const dead = !started
    ? turned(probes.startup, streaks.startup) === false && ('startup' as const)
    : turned(probes.liveness, streaks.liveness) === false && ('liveness' as const);
  const willing = probes.readiness ? (turned(probes.readiness, streaks.readiness) ?? before.ready) : true;
  const ready = started && willing && !dead;
  const failing = probeKinds.find((kind) => outputs[kind] !== undefined);
  return {
    started,
    ready,
    ...(ready ? { readyAt: before.readyAt ?? at } : {}),
    ...(dead ? { dead } : {}),
    ...(failing ? { failing: { kind: failing, output: outputs[failing] ?? '' } } : {}),
  };
}

/** What a row of equal answers says: yes, no, or nothing new. */
function turned(spec: ProbeSpec | undefined, streak = 0): boolean | undefined {
  if (!spec) return undefined;
  if (streak >= Math.max(1, spec.successThreshold)) return true;
  if (-streak >= Math.max(1, spec.failureThreshold)) return false;
  return undefined;
}
