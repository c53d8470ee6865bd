/** The user's acts on services, as changes of rows. Each is one transaction with its event; the controller wakes by the commit. */
import type { Clock } from '../../base/clock';
import { fail } from '../../contract/errors';
import type { EventView } from '../../contract/nouns';
import { sentence, type Sentence } from '../../contract/sentence';
import type { VolumeSpec } from '../../contract/spec';
import type { AttemptRow, RevisionRow, RolloutRow, ServiceRow, Store, Transaction } from '../store';
import { hashContainer } from '../stack';
import { serviceKey, splitReplica } from './names';
import { eventId } from './recorder';
import { revisionKey } from './rows';
import { stepsOfSpec } from './strategy';
import { isHeld, isMoving, lastStable, startRollout } from './rollout';

export class Wishes {
  private serial = 0;

  constructor(
    private readonly store: Store,
    private readonly clock: Clock,
  ) {}

  /** Puts a user's event into the transaction and returns its id. */
  event(
    transaction: Transaction,
    event: { kind: string; words: Sentence; stack?: string; service?: string; mark?: EventView['mark'] },
  ): string {
    const at = this.clock.now();
    const id = `${eventId(at, ++this.serial).slice(0, -1)}u`;
    transaction.put('events', id, { ...event, id, at, actor: 'user', health: 'ok', count: 1 });
    return id;
  }

  /** The row of a service that can be acted on. */
  service(key: string): ServiceRow {
    const row = this.store.get('services', key);
    if (!row) throw fail('not-found', `There is no service ${key}.`, 'See the list with pilothouse ps.');
    if (row.removing)
      throw fail('conflict', `${key} is being removed.`, 'Wait until it is gone, then apply its stack again.');
    return row;
  }

  revision(row: ServiceRow): RevisionRow {
    const revision = this.store.get('revisions', revisionKey(row.key, row.revision));
    if (!revision) throw fail('not-found', `${row.key} has no revision ${row.revision}.`);
    return revision;
  }

  revisions(key: string): Map<number, RevisionRow> {
    const rows = this.store.all('revisions').filter((row) => row.service === key);
    return new Map(rows.map((row) => [row.revision, row]));
  }

  scale(key: string, replicas: number): { from: number; to: number } {
    const row = this.service(key);
    const { mode } = this.revision(row).spec.deploy;
    if (mode === 'global' || mode === 'global-job') {
      throw fail(
        'unsupported',
        `${key} runs once per node.`,
        'Its mode is global: change that in the file to scale it.',
      );
    }
    const from = row.stopped ? 0 : row.replicas;
    if (from === replicas && !row.stopped) return { from, to: replicas };
    const words = sentence('event.serviceScaled', { service: row.name, from, to: replicas });
    // Behind the gateway once, behind it for good: its port must not move to and fro.
    const fronted = Math.max(row.replicas, replicas) > 1 ? { fronted: true } : {};
    this.change(
      row,
      { replicas, ...fronted, stopped: row.stopped && replicas === 0 },
      { kind: 'service.scaled', words, mark: 'event' },
    );
    return { from, to: replicas };
  }

  stop(key: string): void {
    const row = this.service(key);
    if (row.stopped) return;
    this.change(
      row,
      { stopped: true },
      { kind: 'service.stopped', words: sentence('event.serviceStopped', { service: row.name }) },
    );
  }

  start(key: string): void {
    const row = this.service(key);
    if (!row.stopped) return;
    this.change(
      row,
      { stopped: false },
      { kind: 'service.started', words: sentence('event.serviceStarted', { service: row.name }) },
    );
  }

  /** Every replica is replaced, one at a time; also those services that say they restart with it. */
  restart(key: string): void {
    const row = this.service(key);
    const words = sentence('event.serviceRestarted', { service: row.name });
    this.store.transact((transaction) => {
      const event = this.event(transaction, {
        kind: 'service.restarted',
        words,
        stack: row.stack,
        service: key,
        mark: 'event',
      });
      const rows = [row, ...this.store.all('services').filter((other) => this.restartsWith(other, row))];
      for (const one of rows) {
        const change = { restartNonce: one.restartNonce + 1, updatedAt: this.clock.now(), event };
        transaction.put('services', one.key, { ...one, ...change });
      }
    });
  }

  /** One replica is replaced now. */
  restartReplica(replica: string): void {
    const { service, slot } = splitReplica(replica);
    const row = this.service(service);
    const attempts = this.attempts(service).filter((attempt) => attempt.slot === slot && attempt.state !== 'removing');
    if (attempts.length === 0)
      throw fail('not-found', `${replica} has no container.`, 'See its service with pilothouse explain.');
    this.store.transact((transaction) => {
      const words = sentence('event.serviceRestarted', { service: replica });
      const event = this.event(transaction, {
        kind: 'replica.restarted',
        words,
        stack: row.stack,
        service,
        mark: 'event',
      });
      transaction.put('services', service, { ...row, event });
      for (const attempt of attempts) {
        transaction.put('attempts', attempt.name, { ...attempt, state: 'removing', cause: sentence('reason.restart') });
      }
    });
  }

  pauseRollout(key: string): void {
    const { row, rollout } = this.rollout(key);
    if (!isMoving(rollout))
      throw fail('conflict', `${key} is not being rolled out.`, 'Only a running rollout can be paused.');
    const words = sentence('event.rolloutPaused', { service: row.name });
    this.putRollout(row, { ...rollout, state: 'paused', words }, 'rollout.paused');
  }

  /** Lets a held rollout go on. New replicas that are not well are tried anew, and what failed before is forgiven. */
  resumeRollout(key: string): void {
    const { row, rollout } = this.rollout(key);
    if (!isHeld(rollout)) throw fail('conflict', `The rollout of ${key} is not paused.`);
    const words = sentence('event.rolloutResumed', { service: row.name });
    const resumedAt = this.clock.now();
    const { checkpoint: _, ...resumed } = rollout;
    const state = rollout.to < rollout.from ? 'rolling-back' : 'running';
    const view = this.store.get('serviceStatus', key);
    const unwell = new Set(view?.replicaList.filter((one) => one.health === 'critical').map((one) => one.slot) ?? []);
    this.store.transact((transaction) => {
      for (const attempt of this.attempts(key)) {
        if (attempt.revision !== rollout.to || !unwell.has(attempt.slot) || attempt.state === 'removing') continue;
        transaction.put('attempts', attempt.name, { ...attempt, state: 'removing', cause: sentence('reason.restart') });
      }
      this.writeRollout(
        transaction,
        row,
        { ...resumed, state, words, resumedAt, startedAt: rollout.startedAt },
        'rollout.resumed',
      );
    });
  }

  /** The checkpoint that a rollout waits for is made, so that it goes on; or could not be made, so that the user decides. */
  endCheckpoint(key: string, to: number, reason?: string): void {
    const rollout = this.store.get('rollouts', key);
    if (!rollout?.checkpoint || !isHeld(rollout) || rollout.to !== to) return;
    if (reason === undefined) return this.resumeRollout(key);
    const row = this.service(key);
    const { checkpoint: _, ...held } = rollout;
    const words = sentence('rollout.checkpointFailed', { service: row.name, reason });
    this.putRollout(row, { ...held, words }, 'rollout.checkpointFailed');
  }

  /** Lets a canary go on to its next step, or a blue-green rollout switch as soon as its new set is ready. */
  promote(key: string): void {
    const { row, rollout } = this.rollout(key);
    const { spec } = this.revision(row);
    const staged = rollout.strategy === 'canary' || rollout.strategy === 'blue-green';
    if (!staged || (rollout.state !== 'running' && rollout.state !== 'paused'))
      throw fail('conflict', `${key} has no canary or blue-green rollout to promote.`, 'See it with rollout status.');
    const steps = stepsOfSpec(spec);
    const at = rollout.step ?? 0;
    const canary = rollout.strategy === 'canary';
    if (canary ? at >= steps.length : rollout.switchedAt !== undefined || rollout.promoted === true)
      throw fail('conflict', `The rollout of ${key} is promoted already.`);
    const weight = canary ? (steps[at + 1]?.weight ?? 100) : 100;
    const words = sentence('event.rolloutPromoted', { service: row.name, weight });
    const change = canary ? { step: at + 1, weight } : { promoted: true };
    const { waits: _, ...rest } = rollout;
    this.putRollout(row, { ...rest, ...change, state: 'running', words }, 'rollout.promoted');
  }

  /** Back to a revision, or to the last stable one before the present. */
  undo(key: string, revision?: number): { to: number } {
    const row = this.service(key);
    const revisions = this.revisions(key);
    const held = this.store.get('rollouts', key);
    const to = revision ?? lastStable(revisions, row.revision, held?.to === row.revision ? held.from : undefined);
    if (to === undefined) {
      throw fail(
        'conflict',
        `${key} has no earlier revision that was ever fully ready.`,
        'Name one: rollout undo --to REVISION.',
      );
    }
    if (to === row.revision) throw fail('conflict', `${key} is at revision ${to} already.`);
    const target = revisions.get(to);
    if (!target) {
      const known = [...revisions.keys()].sort((one, other) => other - one).join(', ');
      throw fail('not-found', `${key} has no revision ${to}.`, `Kept are: ${known}.`);
    }
    this.goTo(row, target);
    return { to };
  }

  /**
   * Back to a revision with other volumes in the place of those it mounts: `volumes` says which, by the engine's name without a slot.
   * Whatever else of the stack mounts them takes the new ones, too. `also` is written in the same transaction.
   */
  bringBack(
    key: string,
    options: { revision: number; volumes: ReadonlyMap<string, string>; also: (transaction: Transaction) => void },
  ): void {
    const row = this.service(key);
    const stack = this.store.get('stacks', row.stack);
    const target = this.revisions(key).get(options.revision);
    if (!stack || !target) throw fail('not-found', `${key} has no revision ${options.revision}.`);
    const now = this.clock.now();
    const renamed = <Spec extends { volumes: Record<string, VolumeSpec> }>(parts: Spec): Spec => ({
      ...parts,
      volumes: Object.fromEntries(
        Object.entries(parts.volumes).map(([name, volume]) => {
          const next = volume.external ? undefined : options.volumes.get(volume.name);
          return [name, next === undefined ? volume : { ...volume, name: next }];
        }),
      ),
    });
    this.store.transact((transaction) => {
      options.also(transaction);
      const { name } = row;
      const words = sentence('event.serviceUndone', { service: name, to: target.revision });
      const event = this.event(transaction, {
        ...{ kind: 'rollout.undone', words, stack: row.stack, service: key },
        mark: 'rollout',
      });
      transaction.put('stacks', stack.name, { ...stack, spec: renamed(stack.spec), updatedAt: now });
      for (const service of this.store.all('services').filter((one) => one.stack === row.stack && !one.removing)) {
        const revisions = this.revisions(service.key);
        const base = service.key === key ? target : revisions.get(service.revision);
        const mounts = Object.values(base?.parts?.volumes ?? {}).some((volume) => options.volumes.has(volume.name));
        if (!base?.parts || !(mounts || service.key === key)) continue;
        const parts = renamed(base.parts);
        const made: RevisionRow = {
          ...base,
          ...{ revision: Math.max(service.revision, ...revisions.keys()) + 1, parts, createdAt: now, cause: words },
          hash: hashContainer(base.spec, parts),
        };
        transaction.put('revisions', revisionKey(service.key, made.revision), made);
        transaction.put('services', service.key, { ...service, revision: made.revision, updatedAt: now, event });
        const rollout = startRollout(service, {
          ...{ from: service.revision, to: made.revision, now, total: service.replicas },
          strategy: base.spec.pilothouse.rollout?.strategy ?? 'rolling',
          back: true,
        });
        transaction.put('rollouts', service.key, rollout);
      }
    });
  }

  /** Ends a rollout that is under way and goes back to where it came from. */
  abort(key: string): void {
    const { row, rollout } = this.rollout(key);
    if (!isMoving(rollout) && !isHeld(rollout)) throw fail('conflict', `${key} is not being rolled out.`);
    const target = this.revisions(key).get(rollout.from);
    if (!target || rollout.from === row.revision) {
      throw fail(
        'conflict',
        `The revision before the rollout of ${key} is not kept any more.`,
        'Choose one with rollout undo --to.',
      );
    }
    this.goTo(row, target);
  }

  private goTo(row: ServiceRow, target: RevisionRow): void {
    const current = this.revision(row);
    const now = this.clock.now();
    this.store.transact((transaction) => {
      const words = sentence('event.serviceUndone', { service: row.name, to: target.revision });
      const event = this.event(transaction, {
        kind: 'rollout.undone',
        words,
        stack: row.stack,
        service: row.key,
        mark: 'rollout',
      });
      transaction.put('services', row.key, { ...row, revision: target.revision, updatedAt: now, event });
      const underWay = this.store.get('rollouts', row.key);
      if (current.hash === target.hash && !isMoving(underWay) && !isHeld(underWay)) return;
      const rollout = startRollout(row, {
        from: row.revision,
        to: target.revision,
        now,
        strategy: target.spec.pilothouse.rollout?.strategy ?? 'rolling',
        total: row.replicas,
        back: true,
      });
      transaction.put('rollouts', row.key, rollout);
    });
  }

  private rollout(key: string): { row: ServiceRow; rollout: RolloutRow } {
    const row = this.service(key);
    const rollout = this.store.get('rollouts', key);
    if (!rollout)
      throw fail('conflict', `${key} has never been rolled out.`, 'A rollout begins when a changed stack is applied.');
    return { row, rollout };
  }

  private putRollout(row: ServiceRow, rollout: RolloutRow, kind: string): void {
    this.store.transact((transaction) => this.writeRollout(transaction, row, rollout, kind));
  }

  private writeRollout(transaction: Transaction, row: ServiceRow, rollout: RolloutRow, kind: string): void {
    const event = this.event(transaction, {
      kind,
      words: rollout.words,
      stack: row.stack,
      service: row.key,
      mark: 'rollout',
    });
    transaction.put('rollouts', row.key, rollout);
    transaction.put('services', row.key, { ...row, event });
  }

  private change(
    row: ServiceRow,
    change: Partial<ServiceRow>,
    event: { kind: string; words: Sentence; mark?: EventView['mark'] },
  ): void {
    this.store.transact((transaction) => {
      const id = this.event(transaction, { ...event, stack: row.stack, service: row.key });
      transaction.put('services', row.key, { ...row, ...change, updatedAt: this.clock.now(), event: id });
    });
  }

  private attempts(key: string): AttemptRow[] {
    return this.store.all('attempts').filter((attempt) => attempt.service === key);
  }

  private restartsWith(other: ServiceRow, row: ServiceRow): boolean {
    if (other.stack !== row.stack || other.key === row.key || other.removing) return false;
    const spec = this.store.get('revisions', revisionKey(other.key, other.revision))?.spec;
    return spec?.dependsOn.some((one) => one.restart && serviceKey(row.stack, one.service) === row.key) ?? false;
  }
}
