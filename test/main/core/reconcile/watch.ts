/** The promises of reliability.md section 5 that hold at every instant, watched at every effect and every commit of the simulated world. */
import type { ServiceView } from '../../../../src-main/contract/nouns';
import type { ServiceSpec } from '../../../../src-main/contract/spec';
import type { Fleet } from '../../../../src-main/core/nodes';
import { containerName, label } from '../../../../src-main/core/reconcile/names';
import { bindsHostPort } from '../../../../src-main/core/reconcile/request';
import { isMoving } from '../../../../src-main/core/reconcile/rollout';
import { isOrdered } from '../../../../src-main/core/reconcile/slots';
import type { AttemptRow, RevisionRow, ServiceRow, Store, StoreChange } from '../../../../src-main/core/store';
import type { MemoryEngine, Container, Point } from '../../../../src-main/engine/memory';
import { isAlive } from '../../../../src-main/engine/memory/container';
import { isHealthy } from '../../../../src-main/engine/memory/programs';
import type { FakeClock } from '../../../support/clock';
import type { Balance } from './balance';
import type { TestDisk } from './bench';
import { scaling } from './declared';
import type { Machines } from './machines';
import { Broken } from './steps';

/** The service the schedules are about, and the one-shot it may wait for. */
export const web = 'shop/web';
export const seed = 'shop/seed';

/** Milliseconds in which a probe finds out that a replica has become unwell: its failures times its period. */
const patience = 7000;
/** Milliseconds after which everything that was begun for a service of another kind is over. */
const forgotten = 30_000;
const states = ['intended', 'created', 'started', 'removing'];

/** What is watched. */
export interface Watched {
  disk: TestDisk;
  clock: FakeClock;
  machines: Machines;
  /** Of the present process of the app. */
  store: () => Store;
  balance: () => Balance | undefined;
  /** Where there are several nodes. */
  fleet: () => Fleet | undefined;
  /** Nothing but users' acts happens: the promises that only then can be kept are watched too (I2, I18). */
  calm: boolean;
}

export function serves(container: Container): boolean {
  return container.state === 'running' && (container.health === 'none' || container.health === 'healthy');
}

/** Ours by our own labels: a container that was renamed still belongs to its service. */
export function isOf(container: Container, service: string): boolean {
  return container.labels[label.service] === service;
}

export class Watch {
  /** The first promise that was broken: what is thrown inside a call of the app is taken for the engine's or the disk's answer. */
  broken: Broken | undefined;
  volumesMayGo = false;
  /** The service is paused, and nothing was under way for it. */
  frozen = false;
  /** Times that the autoscaler has written a count. */
  autoscaled = 0;
  /** Spares that became replicas. */
  woken = 0;
  /** Replicas that were written off with their node, and have come back with it. */
  returned = 0;
  /** Ids of containers that our own creates made. */
  readonly ours = new Set<string>();
  private readonly names = new Set<string>();
  private readonly madeAs = new WeakMap<Container, string>();
  /** Most replicas, spares and surge since the world was last at rest. */
  private mostWanted = 0;
  private mostSpares = 0;
  private mostSurge = 0;
  private readonly startsOf = new Map<string, number[]>();
  /** What was wanted when a replica was given up, by its name; what is given up stays so. */
  private readonly givenUp = new Map<string, string>();
  /** How many served when it was given up, by its name. */
  private readonly servingThen = new Map<string, number>();
  /** Replicas that were given up while they did not run or their probes said that they cannot answer, by name. */
  private readonly knownUnready = new Set<string>();
  /** Replicas that were given up and whose node was lost before they were gone, by name: their place is given to others. */
  private readonly writtenOff = new Set<string>();
  private disturbances: number[] = [];
  /** When nobody waited for the one-shot last: it is a service like others then, and may be moved like one. */
  private freeAt = -Infinity;

  constructor(private readonly world: Watched) {}

  breaks(invariant: string, text: string): void {
    this.broken ??= new Broken(invariant, text);
  }

  disturb(count = 1): void {
    for (let index = 0; index < count; index++) this.disturbances.push(this.world.clock.monotonic());
    if (this.disturbances.length > 200) this.disturbances = this.disturbances.slice(-100);
  }

  // ── what the disk says ──

  service(): ServiceRow | undefined {
    return this.world.disk.rows.get(`services/${web}`)?.value as ServiceRow | undefined;
  }

  specNow(): ServiceSpec | undefined {
    return this.revisionNow()?.spec;
  }

  /** Our containers of the service that the schedules are about, spares apart. */
  mine(): Container[] {
    return this.world.machines
      .containers()
      .filter((one) => this.ours.has(one.id) && isOf(one, 'web') && !this.rowOf(one)?.spare);
  }

  /** The row of a container, by its labels: it may have been renamed, or its id not be noted yet. */
  rowOf(container: Container): AttemptRow | undefined {
    let name = this.madeAs.get(container);
    if (name === undefined) {
      const { labels } = container;
      const service = `${labels[label.stack] ?? ''}/${labels[label.service] ?? ''}`;
      name = containerName(service, Number(labels[label.slot]), Number(labels[label.generation]));
      this.madeAs.set(container, name);
    }
    return this.world.disk.attempts.get(name);
  }

  private revisionNow(): RevisionRow | undefined {
    const row = this.service();
    return row && (this.world.disk.rows.get(`revisions/${web}@${row.revision}`)?.value as RevisionRow | undefined);
  }

  private revisionOf({ service, revision }: AttemptRow): RevisionRow | undefined {
    return this.world.disk.rows.get(`revisions/${service}@${revision}`)?.value as RevisionRow | undefined;
  }

  private wished(): string {
    const row = this.service();
    return `${row?.revision} ${row?.replicas} ${row?.stopped} ${row?.restartNonce}`;
  }

  // ── before an effect ──

  before(engine: MemoryEngine, point: Point): void {
    if (!point.write || ['createNetwork', 'removeNetwork', 'createVolume', 'pull', 'exec'].includes(point.verb)) return;
    if (point.verb === 'removeVolume') {
      if (!this.volumesMayGo) this.breaks('I6', `volume ${point.name} is removed`);
      return;
    }
    if (point.verb === 'create') {
      const row = this.world.disk.attempts.get(point.name);
      if (!row) this.breaks('I7', `${point.name} is created without a durable intent`);
      this.writeOff();
      // What a node was asked before it was given up is done when it is back.
      if (row?.state === 'removing' && !this.writtenOff.has(row.name))
        this.breaks('I9', `${point.name} is created while it is being removed`);
      if (row && row.node !== engine.id) this.breaks('N2', `${point.name} is for ${row.node}, not for ${engine.id}`);
      if (this.names.has(point.name)) {
        // The same name again is right only as the retry of a create whose answer was lost; somebody may have removed what it made.
        if (row?.containerId !== undefined) this.breaks('I8', `the name ${point.name} is used again`);
      }
      return;
    }
    const container = engine.daemon.find(point.name);
    if (!container) return;
    if (!this.ours.has(container.id)) this.breaks('I4', `${point.verb} on ${container.name}, which is not ours`);
    if (this.frozen && isOf(container, 'web'))
      this.breaks('I12', `${point.verb} on ${container.name} while its service is paused`);
    const row = [...this.world.disk.attempts.values()].find((one) => one.containerId === container.id);
    if (container.state === 'paused' && point.verb === 'unpause' && !row?.waking)
      this.breaks('I12', `${container.name} is unpaused`);
    if (point.verb === 'pause' && !row?.spare) this.breaks('I12', `${container.name} is paused and is no spare`);
    if (point.verb === 'stop' && this.world.balance()?.serves(container.id))
      this.breaks('I16', `${container.name} is stopped while it gets requests`);
    if (this.world.calm && point.verb === 'stop') this.beforeStop(container, row);
    if (this.world.calm && point.verb === 'start') this.beforeStart(container);
    if (!row) this.breaks('I7', `${point.verb} on ${container.name} without a row`);
    if (point.verb === 'start' && row?.state === 'removing')
      this.breaks('I9', `${container.name} is started while it goes`);
    if (point.verb === 'start' && row?.finished?.exitCode === 0 && isOf(container, 'seed'))
      this.breaks('J1', `${container.name} is started again though it has ended well`);
  }

  /** I2: a replica that serves is stopped only while enough others do. */
  private beforeStop(container: Container, attempt: AttemptRow | undefined): void {
    const row = this.service();
    const spec = this.specNow();
    if (!row || !spec || row.stopped || row.removing || !isOf(container, 'web') || !serves(container)) return;
    if (attempt?.spare) return;
    // Who asks for `recreate` wants the old ones gone first.
    if (
      this.knownUnready.has(container.name) ||
      !this.answers(container) ||
      spec.pilothouse.rollout?.strategy === 'recreate'
    )
      return;
    const ordered = spec.pilothouse.stateful === true || bindsHostPort(spec, 1);
    // Slots that are identities: what is beyond the number goes, whatever serves.
    if (ordered && Number(container.labels[label.slot]) > row.replicas) return;
    // Given up under another wish, and the user was faster than its stop.
    if (this.givenUp.get(container.name) !== this.wished()) return;
    // Some may have become unwell since it was decided.
    const ready = Math.max(this.serving(), this.servingThen.get(container.name) ?? 0);
    const limits = [spec.deploy.update, spec.deploy.rollback].map((update) => {
      if (update.order === 'start-first' && !ordered) return 0;
      return update.parallelism === 0 ? row.replicas : update.parallelism;
    });
    // A restart on request takes one at a time, whatever the order.
    const unavailable = Math.max(1, ...limits);
    const rolling = isMoving(this.world.store().get('rollouts', web));
    const least = row.replicas - (rolling ? Math.max(...limits) : unavailable);
    if (ready - 1 < least) {
      this.breaks(
        'I2',
        `${container.name} is stopped with ${ready} of ${row.replicas} ready, at most ${unavailable} may be missing`,
      );
    }
    const moved = attempt?.cause.code === 'reason.drained' && spec.pilothouse.stateful !== true;
    if (moved && ready - 1 < row.replicas)
      this.breaks('N3', `${container.name} leaves its node with ${ready} of ${row.replicas} ready`);
  }

  private serving(): number {
    return this.mine().filter((one) => serves(one)).length;
  }

  /** I18: what it waits on is ready, and has ended well. */
  private beforeStart(container: Container): void {
    if (!isOf(container, 'web')) return;
    const ready = this.world.machines.containers().some((one) => isOf(one, 'db') && serves(one));
    if (!ready) this.breaks('I18', `${container.name} is started before what it waits for`);
    if (!this.specNow()?.dependsOn.some(({ service }) => service === 'seed')) return;
    // A revision that was gone back to may name a one-shot that the stack has no more: there is nobody to wait for.
    if (!this.world.store().get('services', seed)) return;
    const seeded = [...this.world.disk.attempts.values()].some(
      (row) => row.service === seed && row.finished?.exitCode === 0,
    );
    if (!seeded) this.breaks('I18', `${container.name} is started before its one-shot has ended well`);
  }

  /** T1: what gets requests from now on can answer them, or could until its probes had time to notice. */
  entering(id: string): void {
    if (!this.world.calm) return;
    const container = this.world.machines.find(id);
    if (!container || !serves(container))
      this.breaks('T1', `${container?.name ?? id} gets requests and is ${container?.state ?? 'gone'}`);
    else if (!this.answers(container, patience)) this.breaks('T1', `${container.name} gets requests and cannot answer`);
  }

  /** What its probes would say now, or would have said a moment ago. */
  private answers(container: Container, ago = 0): boolean {
    const { process } = container;
    if (!process) return false;
    if (!this.isProbed(container)) return true;
    const age = this.world.clock.monotonic() - process.startedAt;
    for (let back = 0; back <= ago; back += 500) if (isHealthy(process.program, age - back)) return true;
    return false;
  }

  private isProbed(container: Container): boolean {
    const row = [...this.world.disk.attempts.values()].find((one) => one.containerId === container.id);
    const current = this.revisionNow();
    if (!row || row.hash === current?.hash) return current?.spec.pilothouse.probes !== undefined;
    return this.revisionOf(row)?.spec.pilothouse.probes !== undefined;
  }

  // ── after an effect ──

  after(engine: MemoryEngine, point: Point): void {
    if (point.verb === 'create') {
      const made = engine.hand.containers().find((container) => container.name === point.name);
      if (made) this.ours.add(made.id);
      this.names.add(point.name);
    }
    if (point.verb === 'start') {
      const at = this.world.clock.monotonic();
      const name = engine.daemon.find(point.name)?.name ?? point.name;
      const slot = name.replace(/\.g\d+$/, '');
      const recent = (this.startsOf.get(slot) ?? []).filter((start) => start > at - 60_000);
      recent.push(at);
      this.startsOf.set(slot, recent);
      const helped = this.disturbances.filter((one) => one > at - 70_000).length;
      // At once, then 0.5 s doubling: at most 9 in a minute; each disturbance may cost two more.
      if (recent.length > 10 + 2 * helped) {
        this.breaks('I13', `${slot} was started ${recent.length} times within a minute, ${helped} disturbances`);
      }
    }
    if (point.verb === 'create' || point.verb === 'createVolume') this.onePlace();
    if (point.verb !== 'ping' && point.verb !== 'facts') this.count(`${point.verb} ${point.name}`);
  }

  /** N4: data lies on one node only; made a second time elsewhere it would be empty there. */
  private onePlace(): void {
    const { all } = this.world.machines;
    if (all.length < 2) return;
    const seen = new Map<string, string>();
    for (const { id, daemon } of all) {
      for (const { name } of daemon.volumes.list()) {
        if (!name.startsWith('shop_')) continue;
        const other = seen.get(name);
        if (other !== undefined) this.breaks('N4', `volume ${name} is on ${other} and on ${id}`);
        seen.set(name, id);
      }
    }
  }

  /** I1, I3, I15: what lives now. */
  count(when: string): void {
    // An automatic rollback changes the rules without a step of ours.
    this.want();
    this.writeOff();
    const bySlot = new Map<string, number>();
    let [live, seeds, spares] = [0, 0, 0];
    for (const container of this.world.machines.containers()) {
      if (!this.ours.has(container.id) || !isAlive(container) || isOf(container, 'db')) continue;
      const row = this.rowOf(container);
      if (row && this.writtenOff.has(row.name)) continue;
      if (isOf(container, 'seed')) {
        seeds += 1;
        continue;
      }
      if (row?.spare) {
        if (row.state !== 'removing') spares += 1;
        continue;
      }
      live += 1;
      const slot = container.labels[label.slot] ?? '?';
      bySlot.set(slot, (bySlot.get(slot) ?? 0) + 1);
    }
    if (live > this.mostWanted + this.mostSurge) {
      this.breaks('I1', `${live} live, wanted at most ${this.mostWanted} + ${this.mostSurge} after ${when}`);
    }
    if (spares > this.mostSpares)
      this.breaks('I1', `${spares} spares, wanted at most ${this.mostSpares} after ${when}`);
    const alone = this.world.clock.monotonic() - this.freeAt > forgotten;
    if (seeds > 1 && alone) this.breaks('J2', `${seeds} runs of a one-shot at once after ${when}`);
    for (const [slot, count] of bySlot) {
      if (count > (this.mostSurge > 0 ? 2 : 1))
        this.breaks('I3', `${count} live containers in slot ${slot} after ${when}`);
    }
  }

  /** What was given up on a node that is lost now has no place any more; what has an identity keeps its own. */
  private writeOff(): void {
    const fleet = this.world.fleet();
    if (!fleet) return;
    const going = [...this.world.disk.attempts.values()].filter(
      ({ state, name }) => state === 'removing' && !this.writtenOff.has(name),
    );
    if (going.length === 0) return;
    const lost = new Set(fleet.nodes().flatMap((node) => (node.lost ? [node.id] : [])));
    for (const row of going) {
      if (!lost.has(row.node)) continue;
      const its = this.revisionOf(row);
      if (its?.spec.pilothouse.stateful === true && this.specNow()?.pilothouse.stateful === true) continue;
      this.writtenOff.add(row.name);
      if (row.cause.code === 'reason.nodeLost') this.returned += 1;
    }
  }

  /** Most that may be wanted since the world was at rest. */
  want(): void {
    const row = this.service();
    const wanted = row && !row.stopped && !row.removing ? row.replicas : 0;
    this.mostWanted = Math.max(this.mostWanted, wanted);
    const spec = this.specNow();
    this.mostSpares = Math.max(this.mostSpares, spec?.pilothouse.warmSpares ?? 0);
    if (!spec) return;
    if (!spec.dependsOn.some(({ service }) => service === 'seed')) this.freeAt = this.world.clock.monotonic();
    // Each replica that leaves its node goes only when its successor serves.
    const nodes = this.world.fleet() ? this.world.store().all('nodes') : [];
    const moves = nodes.some(({ drain }) => drain);
    if (moves && spec.pilothouse.stateful !== true) this.mostSurge = Math.max(this.mostSurge, 1);
    if (bindsHostPort(spec, 1) || spec.pilothouse.stateful === true) return;
    const strategy = spec.pilothouse.rollout?.strategy;
    if (strategy === 'canary') this.mostSurge = Math.max(this.mostSurge, 1);
    if (strategy === 'blue-green') this.mostSurge = Math.max(this.mostSurge, wanted, 1);
    for (const update of [spec.deploy.update, spec.deploy.rollback]) {
      if (update.order !== 'start-first') continue;
      this.mostSurge = Math.max(
        this.mostSurge,
        update.parallelism === 0 ? wanted : Math.min(update.parallelism, Math.max(1, wanted)),
      );
    }
  }

  /** At rest the present wish is the only one that counts. */
  rest(idle: boolean): void {
    const row = this.service();
    if (!row) this.freeNames(web);
    const mine = this.mine();
    const wanted = row && !row.stopped && !row.removing ? row.replicas : 0;
    const slots = new Set(mine.map((one) => one.labels[label.slot]));
    if (!idle || mine.length !== wanted || slots.size !== wanted) return;
    if (mine.some((one) => one.state !== 'running')) return;
    const all = this.world.machines.containers().filter((one) => this.ours.has(one.id) && isOf(one, 'web'));
    this.mostWanted = wanted;
    this.mostSpares = all.length - mine.length;
    this.mostSurge = 0;
    this.want();
  }

  /** A service is gone; what is not remembered of it may be used again. */
  freeNames(service: string): void {
    const known = new Set(this.world.store().keys('attempts'));
    const prefix = `${service.replace('/', '.')}.`;
    for (const name of this.names) if (name.startsWith(prefix) && !known.has(name)) this.names.delete(name);
  }

  // ── at every commit ──

  /** Follows the store of a new process of the app. */
  follow(store: Store): void {
    store.onCommit((changes) => {
      for (const change of changes) {
        if (change.table === 'services' && change.key === web) this.scaling(change as StoreChange<'services'>);
        if (change.table === 'revisions') this.stable(change as StoreChange<'revisions'>);
        if (change.table === 'attempts') this.attempt(change as StoreChange<'attempts'>, changes);
      }
    });
  }

  private attempt({ key, row: now, before }: StoreChange<'attempts'>, changes: readonly StoreChange[]): void {
    if (!now) return;
    if (!before) {
      if (this.names.has(key)) this.breaks('I8', `${key} is intended a second time`);
      const node = this.world
        .fleet()
        ?.nodes()
        .find(({ id }) => id === now.node);
      if (node && (node.away === true || node.cordoned === true))
        this.breaks('N1', `${key} is put on ${now.node}, which is ${node.away ? 'away' : 'cordoned'}`);
      return;
    }
    if (states.indexOf(now.state) < states.indexOf(before.state)) {
      this.breaks('I9', `${now.name} went from ${before.state} back to ${now.state}`);
    }
    if (now.state === 'removing' && before.state !== 'removing') {
      this.givenUp.set(now.name, this.wished());
      this.servingThen.set(now.name, this.serving());
      const seen = changes.find((one) => one.table === 'serviceStatus' && one.key === now.service)?.before;
      const view = (seen as ServiceView | undefined) ?? this.world.store().get('serviceStatus', now.service);
      const was = view?.replicaList.find(({ slot, generation }) => slot === now.slot && generation === now.generation);
      const probed = [this.specNow(), this.revisionOf(now)?.spec].some((spec) => spec?.pilothouse.probes !== undefined);
      if (probed && was?.state !== 'ready') this.knownUnready.add(now.name);
      // Nobody misses what had ended when it was given up, though it may be up again for a moment when it is stopped.
      const given = this.mine().find((one) => one.name === now.name);
      if (given && !serves(given)) this.knownUnready.add(now.name);
    }
    if (now.state === 'removing' && before.state !== 'removing') this.beforeSwitch(now);
    if (before.containerId !== undefined && now.containerId !== before.containerId) {
      this.breaks('I9', `${now.name} changed its container`);
    }
    if (before.node !== now.node) this.breaks('N2', `${now.name} changed its node`);
    if (before.spare && !now.spare) this.woken += 1;
    if (before.spare === false && now.spare) this.breaks('I9', `${now.name} became a spare again`);
  }

  /** T5: until the switch the requests are the blue set's alone, so none of it that serves is given up for its successor. */
  private beforeSwitch(given: AttemptRow): void {
    const rollout = this.world.store().get('rollouts', web);
    const spec = this.specNow();
    if (given.service !== web || given.cause.code !== 'reason.specChanged' || !rollout || !spec) return;
    if (rollout.strategy !== 'blue-green' || rollout.state !== 'running' || rollout.switchedAt !== undefined) return;
    // The revision that came meanwhile may be for another way.
    if (spec.pilothouse.rollout?.strategy !== 'blue-green') return;
    const old = [...this.world.disk.attempts.values()].filter(
      ({ service, slot, revision, state }) =>
        service === web && slot === given.slot && revision !== rollout.to && state !== 'removing',
    );
    // Of two that were left over from a rollout before, one is enough; whoever has an identity goes first.
    const twins = old.length > 0 || given.spare === true || this.revisionOf(given)?.hash === this.revisionNow()?.hash;
    if (twins || isOrdered(spec, given.fronted === true) || this.knownUnready.has(given.name)) return;
    const [container] = this.mine().filter((one) => this.rowOf(one) === given || one.name === given.name);
    if (this.world.calm && container && serves(container))
      this.breaks('T5', `${given.name} is given up before the requests are switched to the new set`);
  }

  /** I14: the autoscaler keeps to its bounds, and takes nothing away from a rollout that is under way. */
  private scaling({ row, before }: StoreChange<'services'>): void {
    if (!row || !before || row.replicas === before.replicas || row.event === before.event) return;
    const event = this.world.store().get('events', row.event ?? '');
    if (event?.kind !== 'service.autoscaled') return;
    this.autoscaled += 1;
    if (row.replicas < scaling.min || row.replicas > scaling.max)
      this.breaks('I14', `scaled to ${row.replicas}, allowed are ${scaling.min} to ${scaling.max}`);
    const rolling = isMoving(this.world.store().get('rollouts', web));
    if (row.replicas < before.replicas && before.replicas <= scaling.max && rolling)
      this.breaks('I14', `scaled from ${before.replicas} to ${row.replicas} during a rollout`);
  }

  /** I11: only what is fully ready becomes a place to go back to. */
  private stable({ row, before }: StoreChange<'revisions'>): void {
    if (!row?.stable || !before || before.stable || row.service !== web) return;
    const ready = this.mine().filter((one) => one.labels[label.hash] === row.hash && serves(one)).length;
    const wanted = this.service()?.replicas ?? 0;
    if (this.world.calm && ready < wanted)
      this.breaks('I11', `r${row.revision} is called stable with ${ready} of ${wanted} ready`);
  }
}
