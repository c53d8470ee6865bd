/** Which slots a service keeps, gives up and fills. Pure. */
import type { ServiceSpec } from '../../contract/spec';
import type { ServiceRow } from '../store';
import { isGlobal } from './fleet';
import type { Replica } from './judge';
import { bindsHostPort } from './request';

/** How many replicas are wanted now: none while stopped or going, for `global` one on each of the `nodes` that are fit for it. */
export function wantedReplicas(service: ServiceRow, spec: ServiceSpec, nodes = 1): number {
  if (service.stopped || service.removing) return 0;
  return isGlobal(spec) ? Math.min(1, service.replicas) * nodes : service.replicas;
}

/** True when slots are identities: they are then always 1 to N, and two containers never share one. */
export function isOrdered(spec: ServiceSpec, fronted = false): boolean {
  return spec.pilothouse.stateful === true || bindsHostPort(spec, 1, fronted);
}

export interface SlotChoice {
  /** Slots with a replica that stays, ascending. */
  keep: number[];
  /** Slots to be emptied. */
  victims: number[];
  /** Empty slots to be filled, ascending; may be fewer than missing while a slot is still being emptied. */
  add: number[];
}

/** Sorts the slots. `bySlot` holds the replicas that are not leaving, `blocked` the slots where a leaving one may still run, `unfit` those to be given up. */
export function chooseSlots(
  bySlot: ReadonlyMap<number, Replica[]>,
  blocked: ReadonlySet<number>,
  options: { wanted: number; ordered: boolean; unfit?: ReadonlySet<number> },
): SlotChoice {
  const { wanted, ordered, unfit } = options;
  const used = [...bySlot.keys()].sort((left, right) => left - right);
  let keep = unfit ? used.filter((slot) => !unfit.has(slot)) : used;
  if (ordered) keep = keep.filter((slot) => slot <= wanted);
  else if (keep.length > wanted) {
    const worth = new Map(keep.map((slot) => [slot, slotWorth(bySlot.get(slot) ?? [])]));
    keep = [...keep]
      .sort((left, right) => (worth.get(right) ?? 0) - (worth.get(left) ?? 0) || left - right)
      .slice(0, wanted)
      .sort((left, right) => left - right);
  }
  const kept = new Set(keep);
  const add: number[] = [];
  for (let slot = 1; keep.length + add.length < wanted; slot++) {
    if (ordered && slot > wanted) break;
    if (!kept.has(slot) && !bySlot.has(slot) && !blocked.has(slot)) add.push(slot);
  }
  return { keep, victims: used.filter((slot) => !kept.has(slot)), add };
}

/** Ready slots are worth keeping over others, then those that need no replacement; of equals the lower slot stays. */
function slotWorth(replicas: Replica[]): number {
  const ready = replicas.some((replica) => replica.ready || replica.phase === 'finished');
  return (ready ? 2 : 0) + (replicas.some((replica) => replica.matches) ? 1 : 0);
}
