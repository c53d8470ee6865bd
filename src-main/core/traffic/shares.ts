/** How a rollout divides the requests between two revisions: weights for their replicas. Pure. */
import type { ReplicaView } from '../../contract/nouns';
import type { RolloutRow } from '../store';

/** The heaviest of the weights: near HAProxy's 256, so that small shares are still exact. */
const heaviest = 200;

/**
 * Weights by replica while a canary gets its share, while a second set waits for the switch, or while either is on its way back;
 * undefined when all are equal.
 * Only ready replicas count: a share is one of the requests, not of the containers.
 */
export function sharesOf(
  replicas: readonly ReplicaView[],
  rollout: RolloutRow | undefined,
): ReadonlyMap<string, number> | undefined {
  if (!rollout || (rollout.strategy !== 'canary' && rollout.strategy !== 'blue-green')) return undefined;
  const ready = replicas.filter((replica) => replica.state === 'ready');
  const fresh = ready.filter((replica) => replica.revision === rollout.to);
  const others = ready.filter((replica) => replica.revision !== rollout.to);
  if (fresh.length === 0 || others.length === 0) return undefined;
  let share: number;
  if (rollout.state === 'rolling-back') share = 1;
  else if (rollout.strategy === 'canary' && rollout.weight !== undefined) share = Math.min(1, rollout.weight / 100);
  // A slot that is new since then, or whose old replica is not ready, has only a green one.
  else if (rollout.strategy === 'blue-green' && isUnderWay(rollout) && rollout.switchedAt === undefined) share = 0;
  else return undefined;
  const [mine, theirs] = [share * others.length, (1 - share) * fresh.length];
  const scale = heaviest / Math.max(mine, theirs);
  const weight = (part: number): number => (part === 0 ? 0 : Math.max(1, Math.round(part * scale)));
  return new Map([
    ...fresh.map((replica) => [replica.id, weight(mine)] as const),
    ...others.map((replica) => [replica.id, weight(theirs)] as const),
  ]);
}

function isUnderWay({ state }: RolloutRow): boolean {
  return state === 'running' || state === 'paused';
}
