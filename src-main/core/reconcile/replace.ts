/**
 * Which replica is replaced next. Pure, and without memory: the state of a rollout is what runs. A slot is old while none of its
 * replicas matches what is wanted; each step either puts a new replica beside an old one (surge) or takes an old one away.
 */
import type { Budget } from './budget';
import type { Replica } from './judge';

export interface ReplaceInput {
  /** Slots that stay, ascending, with their replicas that are not leaving. */
  slots: { slot: number; replicas: Replica[] }[];
  wanted: number;
  /** Containers that are live or meant to be, and leaving ones that still are. */
  occupied: number;
  /** Slots that are empty and wait to be filled: their places are taken. */
  missing: number;
  /** They wait for others to get ready first, which these replacements may bring about. */
  held?: boolean;
  budget: Budget;
  /** Slots whose old container must go before the new one can come. */
  stopFirst: (slot: number) => boolean;
  /** Slots in which a leaving container may still run. */
  blocked: ReadonlySet<number>;
  /** New ones may be started: dependencies, resources and image are there, and the rollout is not held. */
  open: boolean;
  monotonic: number;
  /** Slots that may hold a new replica, and whether old ones stay beside them. */
  stage?: { most: number; keepOld: boolean };
}

export interface ReplaceStep {
  /** Slots that get a replica of the wanted revision beside the old one. */
  surge: number[];
  remove: Replica[];
  wakeAt?: number;
}

/** The steps that the budget allows now. */
export function replaceStep(input: ReplaceInput): ReplaceStep {
  const { slots, wanted, budget } = input;
  const step: ReplaceStep = { surge: [], remove: [] };
  let ready = 0;
  let inFlight = input.held ? 0 : input.missing;
  // Slots that wait to be filled have their place already.
  let occupied = input.occupied + input.missing;
  let lastReady = -Infinity;
  const old: { slot: number; replicas: Replica[] }[] = [];
  for (const entry of slots) for (const replica of entry.replicas) if (replica.ready) ready += 1;
  for (const entry of slots) {
    const current = entry.replicas.filter((replica) => replica.matches);
    if (current.length === 0) {
      old.push({ ...entry });
      continue;
    }
    // A slot holds one replica of what is wanted; of several the ready one, then the newest, stays.
    const [, ...spare] = [...current].sort((left, right) => rank(right) - rank(left));
    for (const replica of spare) if (!replica.busy) step.remove.push(replica);
    const settled = current.some((replica) => replica.ready || replica.phase === 'finished');
    if (!settled) inFlight += 1;
    for (const replica of current) {
      if (replica.memory.readySince !== undefined) lastReady = Math.max(lastReady, replica.memory.readySince);
    }
    for (const replica of entry.replicas) {
      if (replica.matches || replica.busy) continue;
      // Beside a settled successor, or useless itself, it can go; but not while it makes up for another slot that serves nobody.
      const missed = replica.ready && ready - 1 < wanted - budget.unavailable && !current.every(isFinished);
      if ((settled && !missed && !input.stage?.keepOld) || (!replica.live && !replica.ready)) {
        step.remove.push(replica);
        if (replica.ready) ready -= 1;
      }
    }
  }
  // Left over from a rollout that was itself overtaken: of two old replicas in a slot one is enough.
  const crowded = new Set<number>();
  for (const entry of old) {
    // What goes now runs on for a while, so its place is not free yet.
    if (entry.replicas.length > 1) crowded.add(entry.slot);
    const [, ...spare] = [...entry.replicas].sort((left, right) => rank(right) - rank(left));
    for (const replica of spare) {
      if (replica.busy || (replica.ready && ready - 1 < wanted - budget.unavailable)) continue;
      step.remove.push(replica);
      entry.replicas = entry.replicas.filter((other) => other !== replica);
      if (replica.ready) ready -= 1;
    }
  }
  if (old.length === 0 || !input.open) return step;
  if (budget.recreate) {
    for (const entry of old) step.remove.push(...entry.replicas.filter((replica) => !replica.busy));
    return step;
  }
  const nextAt = lastReady + budget.delay;
  if (nextAt > input.monotonic) return { ...step, wakeAt: nextAt };
  // Those that serve nobody go first: replacing them costs nothing.
  old.sort((left, right) => Number(isReady(left.replicas)) - Number(isReady(right.replicas)) || left.slot - right.slot);
  let begun = 0;
  for (const { slot, replicas } of old) {
    if (inFlight >= budget.parallel) break;
    if (input.stage && slots.length - old.length + begun >= input.stage.most) break;
    if (replicas.some((replica) => replica.busy !== undefined || replica.phase === 'unknown')) continue;
    // Two live containers in a slot are the most there may ever be (I3).
    if (crowded.has(slot) || input.blocked.has(slot)) continue;
    const stopFirst = input.stopFirst(slot);
    const readyHere = replicas.filter((replica) => replica.ready).length;
    if (!stopFirst && budget.surge > 0 && occupied < wanted + budget.surge) {
      step.surge.push(slot);
      begun += 1;
      occupied += 1;
      inFlight += 1;
      // Where the old set stays until the switch, a new one waits for its place rather than take an old one's.
    } else if (input.stage?.keepOld && readyHere > 0) {
      continue;
    } else if (readyHere === 0 || ready - readyHere >= wanted - Math.max(budget.unavailable, stopFirst ? 1 : 0)) {
      step.remove.push(...replicas);
      begun += 1;
      ready -= readyHere;
      inFlight += 1;
    }
  }
  return step;
}

function rank(replica: Replica): number {
  return (replica.ready ? 1e9 : 0) + replica.attempt.generation;
}

function isFinished(replica: Replica): boolean {
  return replica.phase === 'finished';
}

function isReady(replicas: Replica[]): boolean {
  return replicas.some((replica) => replica.ready);
}
