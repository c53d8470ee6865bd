/**
 * Whether a service may go to zero replicas while nobody asks for it, and come back on the first request. Pure: the plan, the autoscaler,
 * the gateway and the screens must agree on it. Only what the gateway alone leads to may: it sees who asks, and can let them wait.
 */
import { frontablePorts, wantsGateway, type Wanted } from './fronting';
import { sentence, type Sentence } from './sentence';
import type { AutoscaleSpec, ServiceSpec } from './spec';

/** Milliseconds. */
export const idleBounds = { least: 1000, most: 30 * 86_400_000 };
export const holdBounds = { least: 1000, most: 600_000 };
const usualHold = 60_000;

export interface Resting {
  /** Without a request for this long it goes to zero, milliseconds. */
  idleAfter: number;
  /** The gateway holds a request for this long while a replica starts, milliseconds. */
  hold: number;
}

export interface RestFacts {
  /** The rules that hold: the file's or the user's own. */
  policy: AutoscaleSpec | undefined;
  wanted: Wanted;
  /** The engine can run a gateway. */
  gateway: boolean;
  /** Services that call this one by its name, as far as they say so. */
  callers: readonly string[];
}

/** How a service rests, or why it cannot although it should; undefined when it is not asked to. */
export function restingOf(
  spec: ServiceSpec,
  { policy, wanted, gateway, callers }: RestFacts,
): Resting | { why: Sentence } | undefined {
  if (policy?.idleAfter === undefined) return undefined;
  const why = (words: Sentence): { why: Sentence } => ({ why: words });
  if (spec.deploy.mode !== 'replicated') return why(sentence('rest.mode'));
  if (!gateway) return why(sentence('rest.noGateway'));
  const [caller] = callers;
  if (caller !== undefined) return why(sentence('rest.called', { caller }));
  const fronted = frontablePorts(spec);
  const other = spec.ports.find((port) => !fronted.some((one) => one === port));
  if (other) return why(sentence('rest.port', { port: other.published?.from ?? other.target }));
  if (fronted.length === 0 && (!spec.pilothouse.traffic?.route || spec.networkMode !== undefined))
    return why(sentence('rest.unreachable'));
  if (!wantsGateway(spec, wanted)) return why(sentence('rest.direct'));
  const { idleAfter, wakeTimeout = usualHold } = policy;
  return { idleAfter, hold: Math.min(holdBounds.most, Math.max(holdBounds.least, Math.round(wakeTimeout))) };
}

/** The services among `siblings` that say they need `name`: those call it directly, and nobody could hold their calls. */
export function callersOf(name: string, siblings: Iterable<readonly [string, ServiceSpec]>): string[] {
  return [...siblings]
    .filter(
      ([other, spec]) =>
        other !== name &&
        (spec.networkMode === `service:${name}` || spec.dependsOn.some(({ service }) => service === name)),
    )
    .map(([other]) => other)
    .sort();
}
