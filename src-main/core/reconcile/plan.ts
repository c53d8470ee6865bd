/**
 * The planner of one service: what is wanted and what is seen go in, what to do and how it stands come out. Pure: the same input
 * gives the same plan, so that what a dry run shows is what is done (I22). The order of thought: judge every replica, choose the
 * slots, end what must go, heal what stays, replace what is old, fill what is empty; then say how things stand.
 */
import { sentence, type Sentence } from '../../contract/sentence';
import type { AttemptRow, PlacementRow, RevisionRow } from '../store';
import { budgetFor, type Budget } from './budget';
import { driftOf } from './drift';
import { judge, oomShown, type Replica } from './judge';
import { containerName } from './names';
import { replaceStep } from './replace';
import { imageOf } from './builds';
import { bindsHostPort, imageKey, toAttachments } from './request';
import { unhealthyDelay, wellAfter } from './restart';
import { isHeld, isMoving, stepRollout } from './rollout';
import { stagedAt, stageOf } from './strategy';
import { isGlobal } from './fleet';
import { chooseSlots, isOrdered, wantedReplicas } from './slots';
import { canWake, readiest, wantedSpares } from './spares';
import type { Action, ImageState, PlanInput, ServiceMemory, ServicePlan, SlotMemory } from './types';
import { statusOf, viewOf } from './view';

/** A row without a container is kept so long after its birth: a create whose answer was lost may still be on its way. */
export const tombstoneAge = 600_000;
/** How soon to look again at what the engine would not say, or is still removing. */
const lookAgain = 1000;
/** A node that has no room is asked again after so long, milliseconds. */
const roomAgain = 2000;

const unwellReasons = {
  healthcheck: 'reason.unhealthy',
  startup: 'reason.startup',
  liveness: 'reason.liveness',
} as const;

/** Plans one service. Throws only when the service's own revision is missing. */
export function planService(input: PlanInput): ServicePlan {
  return new Planner(input).plan();
}

/** One run of the planner; holds what the steps share. */
class Planner {
  private readonly actions: Action[] = [];
  private readonly current: RevisionRow;
  private readonly wanted: number;
  private readonly slotMemory: Record<number, SlotMemory>;
  private readonly acted = new Set<string>();
  /** Why a slot gets no replica now. */
  private readonly refusals = new Map<number, Sentence>();
  private readonly carried = new Map<string, number>();
  /** Replicas made in this plan. */
  private made = 0;
  private readonly generations: Record<string, number>;
  /** Warm spares that stay spares. */
  private spares: Replica[] = [];
  private wakeAt = Infinity;

  constructor(private readonly input: PlanInput) {
    const current = input.revisions.get(input.service.revision);
    if (!current) throw new Error(`${input.service.key} has no revision ${input.service.revision}`);
    this.current = current;
    this.wanted = wantedReplicas(input.service, current.spec, input.placer?.globalNodes(current).length);
    this.slotMemory = { ...input.memory.slots };
    this.generations = { ...input.service.generations };
  }

  plan(): ServicePlan {
    const { input, wanted } = this;
    const all = input.replicas.map((replica) => judge(replica, input));
    for (const replica of all) {
      this.book(replica);
      this.bookOom(replica);
    }
    if (input.placer) this.lookAtNodes(all, input.placer);
    const replicas = all.filter((one) => one.leaving || one.attempt.spare !== true);
    this.spares = this.stayingSpares(all.filter((one) => !one.leaving && one.attempt.spare === true));
    const staying: Replica[] = [];
    for (const replica of replicas) {
      if (replica.leaving) this.leave(replica, replica.attempt.cause);
      else if (!this.dropped(replica)) staying.push(replica);
    }
    const bySlot = groupBySlot(staying);
    const blocked = new Set(replicas.filter((one) => one.leaving && mayRun(one) && !one.lost).map((one) => one.slot));
    for (const spare of this.spares) blocked.add(spare.slot);
    const ordered = isOrdered(this.current.spec, input.fronted);
    const { placer } = input;
    const spread = placer !== undefined && isGlobal(this.current.spec);
    // Where there is one per node, a node is an identity, and a slot none.
    const choice = spread ? { wanted, ordered: false, unfit: this.unfitSlots(staying) } : { wanted, ordered };
    const slots = chooseSlots(bySlot, blocked, choice);
    const reason = this.endReason();
    for (const slot of slots.victims) for (const replica of bySlot.get(slot) ?? []) this.leave(replica, reason);
    const kept = slots.keep.map((slot) => ({ slot, replicas: bySlot.get(slot) ?? [] }));
    const keptReplicas = kept.flatMap((entry) => entry.replicas);

    const rolling = isMoving(input.rollout);
    const restart = !rolling && !isHeld(input.rollout) && keptReplicas.some((one) => this.isRestart(one));
    const move = restart && keptReplicas.every((one) => one.matches || one.displaced === true);
    // What holds a slot to its machine does not hold it to the one it leaves: only identities move stop-first.
    const stateful = this.current.spec.pilothouse.stateful === true;
    // A one-shot must not run twice at once either.
    const alone = move ? stateful || input.job : ordered;
    const budget = budgetFor(this.current.spec, wanted, {
      rollback: input.rollout?.state === 'rolling-back',
      restart,
      ordered: alone,
      move,
    });
    const outcome = this.followRollout(keptReplicas, budget, ordered);
    const stage = outcome && stageOf(outcome.row, { spec: this.current.spec, wanted, ordered });
    const leavingLive = replicas.filter((one) => mayRun(one) && !one.lost && this.isLeaving(one, slots.victims)).length;
    let occupied = keptReplicas.length + leavingLive;
    const moving = !outcome || isMoving(outcome.row);
    if (moving && !isHeld(input.rollout) && outcome?.revert === undefined) {
      const step = replaceStep({
        slots: kept,
        wanted,
        occupied,
        missing: Math.max(0, wanted - kept.length),
        held: stateful && keptReplicas.some((one) => !one.ready),
        budget,
        stopFirst: (slot) => alone || (!move && bindsHostPort(this.current.spec, slot, input.fronted)),
        blocked,
        open: this.mayReplace(keptReplicas),
        monotonic: input.monotonic,
        ...(stage ? { stage } : {}),
      });
      this.wake(step.wakeAt);
      const why = sentence(move ? 'reason.drained' : restart ? 'reason.restart' : 'reason.specChanged');
      for (const slot of step.surge) if (this.create(slot, this.current, why)) occupied += 1;
      for (const replica of step.remove) this.leave(replica, why);
    }
    let running = replicas.filter((one) => mayRun(one) && !one.lost).length;
    for (const replica of keptReplicas) {
      if (this.acted.has(replica.attempt.name)) continue;
      // What is not wanted and never ran comes up beside another of its slot only as far as the surge goes (I1).
      const extra = isUnborn(replica) && !replica.matches && (bySlot.get(replica.slot) ?? []).some(mayRun);
      if (extra && running >= wanted + budget.surge) continue;
      if (extra) running += 1;
      this.heal(replica);
    }
    const oldLive = replicas.some((one) => !one.matches && one.live);
    if (!(budget.recreate && rolling && oldLive)) {
      const newSlots = kept.filter((entry) => entry.replicas.some((one) => one.matches)).length;
      const target = this.fillWith(stage !== undefined && newSlots >= stage.most);
      for (const slot of [...slots.add]) {
        // Ordered start: the next identity comes when all before it are ready.
        if (stateful && (occupied > kept.length || keptReplicas.some((one) => !one.ready))) break;
        if (occupied >= wanted + (rolling || isHeld(input.rollout) || restart ? budget.surge : 0)) break;
        const spare = this.promote(target);
        if (spare) {
          replicas.push(spare);
          slots.keep.push(spare.slot);
          slots.add.splice(slots.add.indexOf(slot), 1);
        }
        if (spare || this.fill(slot, target)) occupied += 1;
      }
    }
    this.keepSpares(keptReplicas, slots.add.length === 0 && !rolling && !isHeld(input.rollout) && !restart);
    return this.finish(replicas, slots.keep, slots.add, { budget, outcome });
  }

  /** Of a service with one replica per node: slots on nodes that are not for it, and second ones of a node. */
  private unfitSlots(replicas: Replica[]): ReadonlySet<number> {
    const fit = new Set(this.input.placer?.globalNodes(this.current));
    const taken = new Map<string, number>();
    const unfit = new Set<number>();
    for (const { slot, attempt } of replicas) {
      const holder = taken.get(attempt.node);
      if (!fit.has(attempt.node) || (holder !== undefined && holder !== slot)) unfit.add(slot);
      else taken.set(attempt.node, slot);
    }
    return unfit;
  }

  /** Writes down what was seen: a container found again, an end counted once. */
  private book(replica: Replica): void {
    const { attempt, detail, newEnd } = replica;
    if (!detail) return;
    const change: Partial<AttemptRow> = {};
    if (attempt.containerId === undefined) {
      change.containerId = detail.id;
      if (attempt.state === 'intended') change.state = detail.startedAt === undefined ? 'created' : 'started';
    } else if (attempt.state === 'created' && detail.startedAt !== undefined) change.state = 'started';
    if (newEnd && !replica.leaving && !replica.busy) {
      change.failedAt = newEnd.finishedAt;
      change.failures = replica.failures;
      if (newEnd.finished) change.finished = { exitCode: newEnd.exitCode, at: newEnd.finishedAt };
      const { exitCode, oomKilled, finishedAt: at } = newEnd;
      this.actions.push({
        do: 'note',
        name: attempt.name,
        change,
        event: { kind: 'exited', exitCode, oomKilled, at },
      });
    } else if (Object.keys(change).length > 0) {
      const found = attempt.containerId === undefined;
      this.actions.push({ do: 'note', name: attempt.name, change, ...(found ? { event: { kind: 'adopted' } } : {}) });
    }
  }

  /** Memory that ran out is told even when the engine starts the container again before anybody asks. */
  private bookOom({ attempt, newOom, memory, phase }: Replica): void {
    if (newOom) {
      const { exitCode, finishedAt: at } = newOom;
      this.actions.push({
        do: 'note',
        name: attempt.name,
        change: {},
        event: { kind: 'exited', exitCode, oomKilled: true, at },
      });
    }
    if (memory.oom !== undefined && phase === 'running') this.wake(this.input.monotonic + oomShown);
  }

  /** Ends a replica: stops and removes its container, or forgets its row when there is none. Foreign containers stay untouched. */
  private leave(replica: Replica, reason: Sentence): void {
    const { attempt, detail } = replica;
    if (this.acted.has(attempt.name) || this.input.service.paused) return;
    this.acted.add(attempt.name);
    if (replica.busy) return;
    switch (replica.phase) {
      case 'unknown':
        this.wake(this.input.monotonic + lookAgain);
        return;
      case 'removing':
        if (!replica.leaving) this.markLeaving(replica, reason);
        this.wake(this.input.monotonic + lookAgain);
        return;
      case 'gone':
      case 'foreign':
        this.actions.push({ do: 'forget', name: attempt.name, reason, gone: false });
        return;
      case 'intended':
        this.bury(replica, reason);
        return;
      default:
        break;
    }
    if (!detail) {
      this.actions.push({ do: 'forget', name: attempt.name, reason, gone: false });
      return;
    }
    if (replica.live && this.input.gate.stop && this.input.service.removing) return;
    if (replica.leaving && replica.notBefore > this.input.monotonic) {
      this.wake(replica.notBefore);
      return;
    }
    this.actions.push({
      do: 'remove',
      name: attempt.name,
      id: detail.id,
      stop: replica.live,
      timeout: replica.spec.stopGracePeriod,
      reason,
    });
  }

  /** A row that never had a container, as far as we know, waits until no late create can bring one. */
  private bury(replica: Replica, reason: Sentence): void {
    const { attempt } = replica;
    const age = this.input.now - attempt.createdAt;
    if (replica.unsent || (attempt.state === 'removing' && (age >= tombstoneAge || age < 0))) {
      this.actions.push({ do: 'forget', name: attempt.name, reason, gone: false });
    } else if (attempt.state !== 'removing') this.markLeaving(replica, reason);
    else this.wake(this.input.monotonic + tombstoneAge - age);
  }

  private markLeaving(replica: Replica, reason: Sentence): void {
    this.actions.push({ do: 'note', name: replica.attempt.name, change: { state: 'removing', cause: reason } });
  }

  /** A staying replica whose container cannot come back: its row goes, its slot is free for the next generation. */
  private dropped(replica: Replica): boolean {
    const { attempt, phase } = replica;
    if (replica.busy || this.input.service.paused) return false;
    if (phase === 'intended' && !replica.matches && !this.keepsBefore(attempt)) {
      this.acted.add(attempt.name);
      this.bury(replica, sentence('reason.specChanged'));
      return true;
    }
    if (phase !== 'gone' && phase !== 'foreign') return false;
    this.acted.add(attempt.name);
    const taken = phase === 'foreign';
    const reason = taken ? sentence('reason.nameTaken', { name: attempt.name }) : sentence('reason.gone');
    this.actions.push({ do: 'forget', name: attempt.name, reason, gone: !taken });
    const steady = this.steadyFor(replica) >= replica.rule.window;
    const failures = steady ? 1 : replica.failures + (replica.memory.carried ?? 0) + 1;
    this.carry(replica, failures, failures <= 1 ? 0 : Math.min(60_000, 500 * 2 ** Math.min(failures - 2, 20)));
    if (taken) {
      const memory = this.slotMemory[replica.slot];
      if (memory) memory.takenName = attempt.name;
      this.slotMemory[replica.slot] = {
        ...(memory ?? { failures, hash: attempt.hash }),
        problem: sentence('replica.nameTaken', { name: attempt.name }),
      };
    }
    return true;
  }

  /** Replicas of the revision before are still made: the rollout is held, or a canary leaves them their share. */
  private keepsBefore(attempt: AttemptRow): boolean {
    const { rollout } = this.input;
    if (isHeld(rollout)) return true;
    const canary = rollout?.strategy === 'canary' && rollout.state === 'running';
    return canary && attempt.revision === rollout.from && stagedAt(rollout, this.current.spec);
  }

  private steadyFor(replica: Replica): number {
    const since = replica.memory.runningSince;
    return since === undefined ? 0 : this.input.monotonic - since;
  }

  /** Hands a replica's failures to the next generation of its slot. */
  private carry(replica: Replica, failures: number, delay: number): void {
    this.slotMemory[replica.slot] = {
      failures,
      nextTryAt: this.input.monotonic + delay,
      hash: replica.attempt.hash,
    };
  }

  /** Repairs a replica that stays. */
  private heal(replica: Replica): void {
    const { attempt, phase, detail } = replica;
    if (replica.busy || this.input.service.paused) return;
    const due = replica.notBefore <= this.input.monotonic;
    switch (phase) {
      case 'intended':
        if (!due) this.wake(replica.notBefore);
        else if (this.mayStart(true, this.current, attempt.node)) {
          this.actions.push({ do: 'create', attempt, fresh: false, reason: attempt.cause });
        }
        return;
      case 'created':
      case 'exited':
        if (!due) this.wake(replica.notBefore);
        else if (detail && this.gateOpen()) {
          const reason =
            phase === 'created' ? attempt.cause : sentence('reason.exited', { exit: detail.exitCode ?? 0 });
          this.actions.push({ do: 'start', name: attempt.name, id: detail.id, reason });
        }
        return;
      case 'dead':
        this.carry(replica, replica.failures + (replica.memory.carried ?? 0), 0);
        this.leave(replica, sentence('reason.dead'));
        return;
      case 'paused':
        if (!attempt.waking || !detail) return;
        if (!due) this.wake(replica.notBefore);
        else this.actions.push({ do: 'wake', name: attempt.name, id: detail.id, reason: sentence('reason.wanted') });
        return;
      case 'running':
        // Until its health check has run again, what it says of itself is from its sleep.
        if (attempt.waking && detail?.health !== 'unhealthy')
          this.actions.push({ do: 'note', name: attempt.name, change: { waking: false } });
        if (replica.unwell) this.healUnhealthy(replica, replica.unwell);
        else if (detail && due) this.actions.push(...driftOf(replica, this.partsOf(attempt)));
        if (replica.readyAt !== undefined) this.wake(replica.readyAt);
        return;
      case 'unknown':
      case 'removing':
        // A node that does not answer wakes everybody when it does, or when it is given up.
        if (!replica.nodeWords) this.wake(this.input.monotonic + lookAgain);
        return;
      default:
        return;
    }
  }

  private healUnhealthy(replica: Replica, why: NonNullable<Replica['unwell']>): void {
    const since = replica.memory.runningSince ?? this.input.monotonic;
    const age = this.input.monotonic - since;
    const failures = age >= wellAfter ? 0 : (replica.memory.carried ?? 0);
    const at = since + unhealthyDelay(failures, replica.attempt.name);
    if (at > this.input.monotonic) {
      this.wake(at);
      return;
    }
    this.carry(replica, failures + 1, 0);
    this.leave(replica, sentence(unwellReasons[why]));
  }

  /** Spares of another version, and those whose container is gone, are given up. */
  private stayingSpares(spares: readonly Replica[]): Replica[] {
    return spares.filter((spare) => {
      if (spare.matches) return !this.dropped(spare);
      this.leave(spare, sentence('reason.specChanged'));
      return false;
    });
  }

  /** Makes the readiest spare a replica, when there is one of the revision that is wanted. */
  private promote(target: RevisionRow): Replica | undefined {
    if (this.input.service.paused || !this.gateOpen()) return undefined;
    const [spare] = readiest(this.spares.filter((one) => one.attempt.hash === target.hash && canWake(one)));
    if (!spare) return undefined;
    this.spares = this.spares.filter((one) => one !== spare);
    const { name } = spare.attempt;
    const change = { spare: false, waking: true, wokenAt: this.input.now };
    this.actions.push({ do: 'note', name, change, event: { kind: 'woken' } });
    const woken: Replica = { ...spare, attempt: { ...spare.attempt, ...change } };
    this.heal(woken);
    this.acted.add(name);
    return woken;
  }

  /** Puts spares to sleep, gives up those that are too many, and makes what is missing once the service itself is well. */
  private keepSpares(replicas: readonly Replica[], calm: boolean): void {
    const { input, current } = this;
    if (input.service.paused) return;
    const { job, fronted = false, capabilities } = input;
    // Several nodes have none yet: where one is placed could not be where it is missed.
    const wanted = input.placer ? 0 : wantedSpares(input.service, current.spec, { job, fronted, capabilities });
    const kept = readiest(this.spares);
    for (const spare of kept.splice(wanted)) this.leave(spare, sentence('reason.spareDismissed'));
    for (const spare of kept) this.healSpare(spare);
    if (!calm || replicas.some((one) => !one.ready && one.phase !== 'finished')) return;
    const taken = new Set([...input.replicas.map(({ attempt }) => attempt.slot)]);
    for (const { attempt } of this.actions.filter((action) => action.do === 'create')) taken.add(attempt.slot);
    for (let missing = wanted - kept.length, slot = 1; missing > 0; slot++) {
      if (taken.has(slot)) continue;
      // One that fails again and again keeps its slot, so that its back-off holds.
      if (!this.fill(slot, current, true)) return;
      missing -= 1;
    }
  }

  private healSpare(spare: Replica): void {
    const { attempt, phase, detail } = spare;
    if (spare.busy || this.acted.has(attempt.name)) return;
    switch (phase) {
      case 'running':
        if (spare.unwell) this.healUnhealthy(spare, spare.unwell);
        else if (spare.warmed && detail && spare.notBefore <= this.input.monotonic)
          this.actions.push({ do: 'sleep', name: attempt.name, id: detail.id, reason: sentence('reason.spare') });
        else this.wake(spare.warmed ? spare.notBefore : spare.readyAt);
        return;
      case 'paused': {
        const names = toAttachments(spare.spec, this.partsOf(attempt), attempt.service).map(({ name }) => name);
        if (detail && names.some((name) => detail.networks[name]))
          this.actions.push({ do: 'sleep', name: attempt.name, id: detail.id, reason: sentence('reason.spare') });
        return;
      }
      case 'finished':
        this.carry(spare, spare.failures + 1, 1000 * 2 ** Math.min(spare.failures, 6));
        this.leave(spare, sentence('reason.exited', { exit: attempt.finished?.exitCode ?? 0 }));
        return;
      default:
        this.heal(spare);
    }
  }

  /** Puts a new replica into an empty slot, unless its back-off or a gate says not yet. */
  private fill(slot: number, target: RevisionRow, spare = false): boolean {
    if (this.input.service.paused) return false;
    const memory = this.slotMemory[slot];
    if (memory && memory.hash === target.hash && (memory.nextTryAt ?? 0) > this.input.monotonic) {
      this.wake(memory.nextTryAt);
      return false;
    }
    if (!this.input.placer && !this.mayStart(true, target)) return false;
    const fresh = this.slotMemory[slot]?.hash === target.hash && (memory?.failures ?? 0) > 0;
    const reason = spare ? 'reason.spare' : fresh ? 'reason.gone' : 'reason.wanted';
    return this.create(slot, target, sentence(reason), spare);
  }

  /** Writes down a replica to be made; false when no node takes it now. */
  private create(slot: number, revision: RevisionRow, reason: Sentence, spare = false): boolean {
    const { service } = this.input;
    const spot = this.nodeFor(slot, revision);
    if (!spot) return false;
    const { node, placement } = spot;
    const generation = (this.generations[String(slot)] ?? 0) + 1;
    this.generations[String(slot)] = generation;
    const memory = this.slotMemory[slot];
    const attempt: AttemptRow = {
      name: containerName(service.key, slot, generation),
      service: service.key,
      slot,
      generation,
      revision: revision.revision,
      hash: revision.hash,
      restartNonce: service.restartNonce,
      state: 'intended',
      node,
      ...(node === this.input.node ? {} : { remote: true }),
      ...(this.input.fronted ? { fronted: true } : {}),
      ...(spare ? { spare: true } : {}),
      ...(placement ? { placement } : {}),
      createdAt: this.input.now,
      cause: reason,
    };
    this.made += 1;
    this.carried.set(attempt.name, memory?.hash === revision.hash ? memory.failures : 0);
    this.actions.push({ do: 'create', attempt, fresh: true, reason });
    return true;
  }

  /** The node of a new replica: the only one, or the scheduler's choice, once the image is there. */
  private nodeFor(slot: number, revision: RevisionRow): { node: string; placement?: PlacementRow } | undefined {
    const { placer, node } = this.input;
    if (!placer) return { node };
    if (!this.gateOpen() || this.input.service.paused) return undefined;
    const spot = placer.take(revision, slot);
    if (spot.node !== undefined) return this.hasImage(revision, spot.node) ? spot : undefined;
    this.refusals.set(slot, spot.words);
    this.wake(this.input.monotonic + roomAgain);
    return undefined;
  }

  /**
   * Marks what nodes mean for the replicas on them: those of a node that is being emptied are replaced as soon as another takes them; those
   * of a node that has been given up are written off, unless they are an identity or nobody could take their place.
   */
  private lookAtNodes(replicas: Replica[], placer: NonNullable<PlanInput['placer']>): void {
    const { rollout, service } = this.input;
    const { spec } = this.current;
    const everywhere = isGlobal(spec);
    // Where a successor is on its way already, nothing more is asked: it may hold the very port that it was given a place for.
    const succeeded = new Set(
      replicas.flatMap(({ slot, attempt, matches, leaving }) =>
        matches && !leaving && placer.node(attempt.node)?.drain === false ? [slot] : [],
      ),
    );
    for (const replica of replicas) {
      const { attempt, slot } = replica;
      const node = placer.node(attempt.node);
      if (!node) continue;
      if (node.away && replica.phase === 'unknown') {
        replica.nodeWords = sentence('replica.nodeAway', { node: node.name });
        if (!node.lost) this.wake(node.lostAt);
      }
      if (service.paused || everywhere || replica.phase === 'finished') continue;
      if (replica.leaving) {
        replica.lost = node.lost && spec.pilothouse.stateful !== true;
        continue;
      }
      if (node.lost && replica.phase === 'unknown') {
        const spot =
          spec.pilothouse.stateful === true || !this.gateOpen() ? undefined : placer.peek(this.current, slot);
        if (spot?.node === undefined) {
          if (spot) replica.nodeWords = spot.words;
          this.wake(this.input.monotonic + roomAgain);
          continue;
        }
        replica.lost = true;
        replica.leaving = true;
        this.acted.add(attempt.name);
        this.markLeaving(replica, sentence('reason.nodeLost', { node: node.name }));
      } else if (node.drain && replica.matches && !isMoving(rollout) && !isHeld(rollout)) {
        // What runs to its end does so there.
        if (this.input.job && mayRun(replica)) continue;
        if (!succeeded.has(slot) && placer.peek(this.current, slot).node === undefined) {
          this.wake(this.input.monotonic + roomAgain);
          continue;
        }
        replica.displaced = true;
        replica.matches = false;
      }
    }
  }

  /** The revision for empty slots: the wanted one, or while a rollout is held or its share is full the one before, if that was ever well. */
  private fillWith(full: boolean): RevisionRow {
    const { rollout, revisions } = this.input;
    if (!rollout || !(isHeld(rollout) || full)) return this.current;
    const before = revisions.get(rollout.from);
    return before?.stable && rollout.to === this.current.revision ? before : this.current;
  }

  private followRollout(
    replicas: Replica[],
    budget: Budget,
    ordered: boolean,
  ): ReturnType<typeof stepRollout> | undefined {
    const { rollout, service, revisions, now, monotonic } = this.input;
    if (!rollout || service.paused || rollout.to !== service.revision) return undefined;
    if (!isMoving(rollout) && !isHeld(rollout)) return undefined;
    const outcome = stepRollout({
      row: rollout,
      service,
      revisions,
      replicas,
      wanted: this.wanted,
      budget,
      image: this.input.image(imageKey(this.current)),
      memory: this.input.memory.rollout,
      ordered,
      ...(this.input.traffic ? { traffic: this.input.traffic } : {}),
      now,
      monotonic,
    });
    this.wake(outcome.wakeAt);
    return outcome;
  }

  /** Dependencies, networks and volumes are there. */
  private gateOpen(): boolean {
    return this.input.gate.start === undefined && this.input.resources === 'ready' && !this.input.away;
  }

  /** Old replicas may be given up for new ones: somewhere a new one could begin. */
  private mayReplace(replicas: Replica[]): boolean {
    const old = replicas.find((one) => !one.matches);
    if (!old) return false;
    const { placer } = this.input;
    if (!placer) return this.mayStart(true);
    const spot = placer.peek(this.current, old.slot);
    if (spot.node !== undefined) return this.mayStart(true, this.current, spot.node);
    this.wake(this.input.monotonic + roomAgain);
    return false;
  }

  /** A container may be created: the gate is open and the image is there. Asks for the image when it is `needed`. */
  private mayStart(needed: boolean, revision = this.current, node?: string): boolean {
    if (!needed || !this.gateOpen() || this.input.service.paused) return false;
    if (this.input.room && this.made >= this.input.room.count) {
      this.wake(this.input.monotonic + roomAgain);
      return false;
    }
    return this.hasImage(revision, this.input.placer ? node : undefined);
  }

  /** The image is there, on that node if there are several; asks for it when it is not. */
  private hasImage(revision: RevisionRow, node: string | undefined): boolean {
    const key = imageKey(revision, node);
    const image: ImageState | undefined = this.input.image(key);
    if (image?.state === 'ready') return true;
    if (image?.state === 'pulling') return false;
    if (image?.state === 'failed' && image.nextTryAt > this.input.monotonic) {
      this.wake(image.nextTryAt);
      return false;
    }
    if (!this.actions.some((action) => action.do === 'image' && action.key === key)) {
      const { pullPolicy: policy, platform } = revision.spec;
      const more = { ...(platform === undefined ? {} : { platform }), ...(node === undefined ? {} : { node }) };
      this.actions.push({ do: 'image', key, image: imageOf(revision.spec), policy, ...more });
    }
    return false;
  }

  private isRestart(replica: Replica): boolean {
    return replica.attempt.hash === this.current.hash && !replica.matches;
  }

  private isLeaving(replica: Replica, victims: number[]): boolean {
    return replica.leaving || victims.includes(replica.slot);
  }

  private partsOf(attempt: AttemptRow): PlanInput['parts'] {
    return this.input.revisions.get(attempt.revision)?.parts ?? this.input.parts;
  }

  private endReason(): Sentence {
    const { service } = this.input;
    return sentence(service.removing ? 'reason.removed' : service.stopped ? 'reason.stopped' : 'reason.scaledDown');
  }

  private wake(at: number | undefined): void {
    if (at !== undefined && at < this.wakeAt) this.wakeAt = at;
  }

  private finish(
    replicas: Replica[],
    keep: number[],
    add: number[],
    step: { budget: Budget; outcome: ReturnType<typeof stepRollout> | undefined },
  ): ServicePlan {
    const { input, wanted, current } = this;
    const { budget, outcome } = step;
    const memory: ServiceMemory = { attempts: {}, slots: this.slotMemory };
    for (const replica of [...replicas, ...this.spares]) memory.attempts[replica.attempt.name] = replica.memory;
    for (const action of this.actions) {
      if (action.do !== 'create' || !action.fresh) continue;
      delete memory.slots[action.attempt.slot];
      // Born here: whatever the engine restarts from now on counts.
      memory.attempts[action.attempt.name] = { restartsBase: 0, carried: this.carried.get(action.attempt.name) ?? 0 };
    }
    if (outcome) memory.rollout = outcome.memory;
    else if (input.memory.rollout) memory.rollout = input.memory.rollout;
    const row = outcome && !sameRollout(outcome.row, input.rollout) ? outcome.row : undefined;
    const shown = outcome?.row ?? input.rollout;
    const { spec } = current;
    const stage = stageOf(shown, { spec, wanted, ordered: isOrdered(spec, input.fronted) });
    const showOld = stage?.showOld === true;
    const { slotMemory, refusals } = this;
    const parts = { input, replicas, keep, add, wanted, current, slotMemory, showOld, refusals };
    const view = viewOf({ ...parts, ...(shown ? { rollout: shown } : {}), actions: this.actions, spares: this.spares });
    memory.health = { health: view.health, since: view.since };
    const status = statusOf(parts);
    const plan: ServicePlan = {
      actions: this.actions,
      view,
      status: { ...status, live: status.live || this.spares.some((spare) => spare.live) },
      memory,
      // A row without a container is only a tombstone.
      empty: [...replicas, ...this.spares].every((one) => one.leaving && one.phase === 'intended' && !one.busy),
    };
    if (row) plan.rollout = row;
    if (outcome?.revert !== undefined) plan.revert = outcome.revert;
    if (!current.stable && this.isStable(replicas, keep, budget)) plan.stable = current.revision;
    if (this.wakeAt < Infinity && !input.away) plan.wakeAt = this.wakeAt;
    return plan;
  }

  /** Every wanted replica is of the wanted revision and has been ready for the monitor window. */
  private isStable(replicas: Replica[], keep: number[], budget: Budget): boolean {
    if (this.wanted === 0 || keep.length < this.wanted) return false;
    let lastReady = -Infinity;
    for (const slot of keep) {
      const one = replicas.find((replica) => replica.slot === slot && replica.matches && !replica.leaving);
      if (one?.phase === 'finished' && one.attempt.finished?.exitCode === 0) continue;
      if (!one?.ready) return false;
      lastReady = Math.max(lastReady, one.memory.readySince ?? this.input.monotonic);
    }
    if (lastReady + budget.monitor > this.input.monotonic) {
      this.wake(lastReady + budget.monitor);
      return false;
    }
    return true;
  }
}

/**
 * It runs, or would again without our doing: an engine that restarts starts every ended container under `always`, also one that we have
 * stopped and not yet removed.
 */
function mayRun(replica: Replica): boolean {
  return replica.live || (replica.detail?.state === 'exited' && replica.detail.restartPolicy.name === 'always');
}

/** It has not run yet, as far as is known. */
function isUnborn({ phase }: Replica): boolean {
  return phase === 'intended' || phase === 'created';
}

function groupBySlot(replicas: Replica[]): Map<number, Replica[]> {
  const bySlot = new Map<number, Replica[]>();
  for (const replica of replicas) {
    const list = bySlot.get(replica.slot);
    if (list) list.push(replica);
    else bySlot.set(replica.slot, [replica]);
  }
  return bySlot;
}

function sameRollout(one: NonNullable<PlanInput['rollout']>, other: PlanInput['rollout']): boolean {
  return (
    other !== undefined &&
    one.state === other.state &&
    one.replaced === other.replaced &&
    one.total === other.total &&
    one.words.code === other.words.code &&
    one.deadlineAt === other.deadlineAt &&
    one.step === other.step &&
    one.weight === other.weight &&
    one.waits === other.waits &&
    one.stepAt === other.stepAt &&
    one.switchedAt === other.switchedAt &&
    one.settled === other.settled &&
    one.steps.length === other.steps.length &&
    one.steps.every((step, index) => step.state === other.steps[index]?.state)
  );
}
