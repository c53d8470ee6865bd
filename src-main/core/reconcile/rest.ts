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
    const now = this.ground(service, stack);
    const same = now.length === before.ground.length && now.every((one, at) => one === before.ground[at]);
    return same ? before : undefined;
  }

  /** Notes what stands after a pass that finds all well and does nothing: until it wants to be asked again, time alone changes nothing. */
  note(key: string, plan: ServicePlan): void {
    const { store } = this.world;
    const service = store.get('services', key);
    const stack = service && store.get('stacks', service.stack);
    const state = store.get('rollouts', key)?.state;
    // Where there are several nodes, what they have and how they stand counts, too: those services are planned each time.
    const rests =
      this.world.fleet === undefined &&
      (plan.view.health === 'ok' || plan.view.health === 'off') &&
      plan.actions.length === 0 &&
      plan.revert === undefined &&
      plan.stable === undefined &&
      (state === undefined || state === 'done' || state === 'rolled-back');
    if (rests && stack && !service.removing)
      this.grounds.set(key, { ground: this.ground(service, stack), wakeAt: plan.wakeAt });
    else this.grounds.delete(key);
  }

  forget(key: string): void {
    this.grounds.delete(key);
  }

  private ground(service: ServiceRow, stack: StackRow): unknown[] {
    const { store, rows, observer, prober, resources, statuses, engine, unsent } = this.world;
    const { key } = service;
    const revisions = rows.revisionsOf(key);
    const current = revisions.get(service.revision);
    const ground: unknown[] = [
      service,
      stack,
      current,
      store.get('rollouts', key),
      store.get('serviceStatus', key),
      store.get('nodes', engine.id),
      resources.get(service.stack),
      rows.versionOf(service.stack),
      statuses.versionOf(service.stack),
    ];
    for (const attempt of rows.attemptsOf(key).values()) {
      const { seen } = observer.seen(attempt.name);
      ground.push(attempt, seen, this.busy.get(attempt.name), unsent.has(attempt.name));
      const probes = (attempt.hash === current?.hash ? current : revisions.get(attempt.revision))?.spec.pilothouse
        .probes;
      if (!probes || !prober || typeof seen === 'string') continue;
      const { started, ready, readyAt, dead, failing } = prober.verdict(attempt.name, seen, probes);
      ground.push(started, ready, readyAt, dead, failing?.kind, failing?.output);
    }
    return ground;
  }
}
