/**
 * Services with nothing to do: what their last plan was made from, so that the next pass over the same things need not plan again. The
 * things themselves are compared, not the reasons for the pass, so a lost hint or a forgotten wake-up hides nothing.
 */
import type { ServiceRow, StackRow } from '../store';
import type { ServicePlan, Verb } from './types';
import type { World } from './world';

export class Rest {
  /** What each plan was made from, by identity: rows and details are never changed in place. */
  private readonly grounds = new Map<string, { ground: readonly unknown[]; wakeAt: number | undefined }>();

  constructor(
    private readonly world: World,
    private readonly busy: ReadonlyMap<string, Verb>,
  ) {}

  /** Given while everything is as it was when there was nothing to do, and until the time that was awaited then. */
  of(service: ServiceRow, stack: StackRow): { wakeAt: number | undefined } | undefined {
    const before = this.grounds.get(service.key);
    if (!before || (before.wakeAt !== undefined && before.wakeAt <= this.world.clock.monotonic())) return undefined;
    const { ground } = before;
    let at = 0;
    const same = this.ground(service, stack, (thing) => thing === ground[at++]);
    return same && at === ground.length ? before : undefined;
  }

  /** Notes what stands after a pass that finds all well and does nothing: until it wants to be asked again, time alone changes nothing. */
  note(key: string, plan: ServicePlan): void {
    const { store } = this.world;
    const service = store.get('services', key);
    const stack = service && store.get('stacks', service.stack);
    const state = store.get('rollouts', key)?.state;
    const rests =
      (plan.view.health === 'ok' || plan.view.health === 'off') &&
      plan.actions.length === 0 &&
      // What this pass has changed itself is a reason to think again: a rollout that has just ended lets spares be made.
      plan.rollout === undefined &&
      plan.revert === undefined &&
      plan.stable === undefined &&
      (state === undefined || state === 'done' || state === 'rolled-back');
    if (!rests || !stack || service.removing) {
      this.grounds.delete(key);
      return;
    }
    const ground: unknown[] = [];
    this.ground(service, stack, (thing) => ground.push(thing) > 0);
    this.grounds.set(key, { ground, wakeAt: plan.wakeAt });
  }

  forget(key: string): void {
    this.grounds.delete(key);
  }

  /** Hands everything a plan is made from to `take`, one after the other, until that says no. True when it never did. */
  private ground(service: ServiceRow, stack: StackRow, take: (thing: unknown) => boolean): boolean {
    const { store, rows, observer, prober, resources, statuses, engine, unsent, nodesVersion } = this.world;
    const { key } = service;
    const revisions = rows.revisionsOf(key);
    const current = revisions.get(service.revision);
    const whole =
      take(service) &&
      take(stack) &&
      take(current) &&
      take(store.get('rollouts', key)) &&
      take(store.get('serviceStatus', key)) &&
      take(store.get('nodes', engine.id)) &&
      take(nodesVersion()) &&
      take(resources.get(service.stack)) &&
      take(rows.versionOf(service.stack)) &&
      take(statuses.versionOf(service.stack));
    if (!whole) return false;
    for (const attempt of rows.attemptsOf(key).values()) {
      const { name } = attempt;
      const seen = observer.known(name);
      if (!(take(attempt) && take(seen) && take(this.busy.get(name)) && take(unsent.has(name)))) return false;
      const probes = (attempt.hash === current?.hash ? current : revisions.get(attempt.revision))?.spec.pilothouse
        .probes;
      if (!probes || !prober || typeof seen === 'string') continue;
      const { started, ready, readyAt, dead, failing } = prober.verdict(name, seen, probes);
      const same = take(started) && take(ready) && take(readyAt) && take(dead);
      if (!(same && take(failing?.kind) && take(failing?.output))) return false;
    }
    return true;
  }
}
