/**
 * The world of the property tests: users, bystanders, a troubled engine and an app that can be killed between any two effects, with the
 * invariants of reliability.md section 5 watched at every effect. Steps are plain data without ids, so that failures shrink well.
 */
import { sleep } from '../../../../src-main/base/clock';
import { PilothouseError } from '../../../../src-main/contract/errors';
import type { ServiceView } from '../../../../src-main/contract/nouns';
import type { ServiceSpec } from '../../../../src-main/contract/spec';
import type { ControllerOptions } from '../../../../src-main/core/reconcile';
import type { Autoscaler } from '../../../../src-main/core/autoscale/autoscaler';
import { label } from '../../../../src-main/core/reconcile/names';
import { bindsHostPort } from '../../../../src-main/core/reconcile/request';
import { isMoving } from '../../../../src-main/core/reconcile/rollout';
import { Wishes } from '../../../../src-main/core/reconcile/wishes';
import type { AttemptRow, RevisionRow, RolloutRow, ServiceRow, StoreChange } from '../../../../src-main/core/store';
import { isAlive } from '../../../../src-main/engine/memory/container';
import type { Container, Point } from '../../../../src-main/engine/memory';
import { isHealthy } from '../../../../src-main/engine/memory/programs';
import { createRequest } from '../../../support/builders';
import { Balance } from './balance';
import { stackSpec, TestWorld, type WorldOptions } from './bench';
import { database, images, isStagedIn, scaling, seeding, specOf, type Declared } from './declared';
import { autoscalerOver } from './demand';

export type { Declared };

export type Step =
  | { do: 'apply'; declared: Declared }
  | { do: 'scale'; replicas: number }
  | { do: 'restart' | 'undo' | 'stop' | 'start' | 'resume' | 'pauseRollout' | 'pauseService' | 'unpauseService' }
  | { do: 'promote' | 'abort' }
  | { do: 'load'; requests: number }
  | { do: 'remove' | 'removeWithVolumes' }
  | { do: 'wait'; time: number }
  | { do: 'crash' }
  | { do: 'crashAt'; effect: number }
  | {
      do: 'rm' | 'kill' | 'die' | 'dockerStop' | 'pause' | 'unpause' | 'rename' | 'disconnect' | 'limit' | 'sick';
      pick: number;
    }
  | { do: 'fault'; verb: number; kind: number; times: number }
  | { do: 'lag'; lag: number }
  | { do: 'events'; trouble: number }
  | { do: 'port' | 'image' | 'disk'; bad: boolean }
  | { do: 'engine'; how: number }
  | { do: 'foreign'; pick: number }
  | { do: 'clock'; by: number }
  | { do: 'sleep'; time: number };

const verbs = [
  ['create'],
  ['start'],
  ['stop'],
  ['remove'],
  ['list'],
  ['inspect'],
  ['create', 'start', 'stop', 'remove'],
  undefined,
] as const;
const kinds = ['fail', 'lose', 'delay', 'hang', 'partial'] as const;

/** The service the schedules are about. */
export const web = 'shop/web';
const seed = 'shop/seed';

function serves(container: Container): boolean {
  return container.state === 'running' && (container.health === 'none' || container.health === 'healthy');
}

/** Milliseconds in which a probe finds out that a replica has become unwell: its failures times its period. */
const patience = 7000;
/** Milliseconds that a replica's last requests take. */
const draining = 100;

/** Ours by our own labels: a container that was renamed still belongs to its service. */
function isOf(container: Container, service: string): boolean {
  return container.labels[label.service] === service;
}

/** A broken promise, with what led to it. */
export class Broken extends Error {
  constructor(invariant: string, text: string) {
    super(`${invariant}: ${text}`);
  }
}

export class Sim extends TestWorld {
  /** Ids of containers that our own creates made. */
  private readonly ours = new Set<string>();
  private readonly names = new Set<string>();
  /** Most replicas wanted, and most surge allowed, since the world was last at rest. */
  private mostWanted = 0;
  private mostSurge = 0;
  private volumesMayGo = false;
  private bomb = 0;
  private killed = false;
  private broken: Broken | undefined;
  private removed = false;
  private frozen = false;
  private declared: Declared | undefined;
  /** Of this process of the app. */
  private balance: Balance | undefined;
  private scaler: Autoscaler | undefined;
  /** Requests a second that people make of the service. */
  private load = 0;
  private readonly startsOf = new Map<string, number[]>();
  /** What was wanted when a replica was given up, by its name; what is given up stays so. */
  private readonly givenUp = new Map<string, string>();
  /** How many served when it was given up, by its name. */
  private readonly servingThen = new Map<string, number>();
  /** Replicas that were given up while their probes said that they cannot answer, by name. */
  private readonly knownUnready = new Set<string>();
  private disturbances: number[] = [];
  /** Distinct effects at which the app was killed. */
  readonly crashPoints = new Set<string>();
  effects = 0;
  /** Times that the autoscaler has written a count. */
  autoscaled = 0;
  /** Staged rollouts that were called off at the end. */
  callsOff = 0;

  /** With `calm` nothing but users' acts happens, and the promises that only then can be kept are watched too (I2, I18). */
  constructor(
    options: WorldOptions = {},
    private readonly calmWorld = false,
  ) {
    super({ images, registry: 'declared', controller: { concurrency: { starts: 2, stops: 2 } }, ...options });
    this.arm();
    this.disk.onCommit = (when) => this.effect(`commit ${when}`);
    this.disk.onCircles = () => this.breaks('L7', 'the app writes and writes while no time passes');
    this.start();
  }

  protected override prepare(): void {
    this.arm();
  }

  private arm(): void {
    this.engine.hooks = {
      beforeEffect: (point) => {
        this.effect(`${point.verb} before`);
        if (!this.killed) this.before(point);
      },
      afterEffect: (point) => {
        this.after(point);
        this.effect(`${point.verb} after`);
      },
    };
    this.watchAttempts();
    // Services with a route are fronted; the gateway itself is `balance`.
    this.engine.capabilities = { ...this.engine.capabilities, gateway: true };
    this.balance = new Balance(this.store, web, {
      breaks: (invariant, text) => this.breaks(invariant, text),
      onEnter: (container) => this.entering(container),
    });
    this.scaler = autoscalerOver({ store: this.store, clock: this.clock, service: web, load: () => this.load });
    this.scaler.start();
  }

  protected override hooks(): Partial<ControllerOptions> {
    const release = async (container: string): Promise<void> => {
      this.balance?.release(container);
      await sleep(this.clock, draining);
    };
    return { release };
  }

  override kill(): void {
    this.scaler?.dispose();
    super.kill();
  }

  override dispose(): void {
    this.scaler?.dispose();
    super.dispose();
  }

  private effect(name: string): void {
    this.effects += 1;
    if (this.bomb === 0 || --this.bomb > 0) return;
    this.crashPoints.add(name);
    this.killed = true;
    this.kill();
  }

  /** Remembers the first broken promise: what is thrown inside a call of the app is taken for the engine's or the disk's answer. */
  private breaks(invariant: string, text: string): void {
    this.broken ??= new Broken(invariant, text);
  }

  // ── safety, at every effect ──

  private attempt(name: string): AttemptRow | undefined {
    return this.disk.attempts.get(name);
  }

  private service(): ServiceRow | undefined {
    return this.disk.rows.get(`services/${web}`)?.value as ServiceRow | undefined;
  }

  private specNow(): ServiceSpec | undefined {
    return this.revisionNow()?.spec;
  }

  private revisionNow(): RevisionRow | undefined {
    const row = this.service();
    return row && (this.disk.rows.get(`revisions/${web}@${row.revision}`)?.value as RevisionRow | undefined);
  }

  private wished(): string {
    const row = this.service();
    return `${row?.revision} ${row?.replicas} ${row?.stopped} ${row?.restartNonce}`;
  }

  private before(point: Point): void {
    if (!point.write || ['createNetwork', 'removeNetwork', 'createVolume', 'pull', 'exec'].includes(point.verb)) return;
    if (point.verb === 'removeVolume') {
      if (!this.volumesMayGo) this.breaks('I6', `volume ${point.name} is removed`);
      return;
    }
    if (point.verb === 'create') {
      const row = this.attempt(point.name);
      if (!row) this.breaks('I7', `${point.name} is created without a durable intent`);
      if (row?.state === 'removing') this.breaks('I9', `${point.name} is created while it is being removed`);
      if (this.names.has(point.name)) {
        // The same name again is right only as the retry of a create whose answer was lost; somebody may have removed what it made.
        if (row?.containerId !== undefined) this.breaks('I8', `the name ${point.name} is used again`);
      }
      return;
    }
    const container = this.engine.daemon.find(point.name);
    if (!container) return;
    if (!this.ours.has(container.id)) this.breaks('I4', `${point.verb} on ${container.name}, which is not ours`);
    if (this.frozen && isOf(container, 'web'))
      this.breaks('I12', `${point.verb} on ${container.name} while its service is paused`);
    if (container.state === 'paused' && point.verb === 'unpause') this.breaks('I12', `${container.name} is unpaused`);
    if (point.verb === 'stop' && this.balance?.serves(container.id))
      this.breaks('I16', `${container.name} is stopped while it gets requests`);
    if (this.calmWorld && point.verb === 'stop') this.beforeStop(container);
    if (this.calmWorld && point.verb === 'start') this.beforeStart(container);
    const row = [...this.disk.attempts.values()].find((one) => one.containerId === container.id);
    if (!row) this.breaks('I7', `${point.verb} on ${container.name} without a row`);
    if (point.verb === 'start' && row?.state === 'removing')
      this.breaks('I9', `${container.name} is started while it goes`);
    if (point.verb === 'start' && row?.finished?.exitCode === 0 && isOf(container, 'seed'))
      this.breaks('J1', `${container.name} is started again though it has ended well`);
  }

  /** I2: a replica that serves is stopped only while enough others do. */
  private beforeStop(container: Container): void {
    const row = this.service();
    const spec = this.specNow();
    if (!row || !spec || row.stopped || row.removing || !isOf(container, 'web') || !serves(container)) return;
    // Who asks for `recreate` wants the old ones gone first.
    if (
      this.knownUnready.has(container.name) ||
      !this.answers(container) ||
      spec.pilothouse.rollout?.strategy === 'recreate'
    )
      return;
    // Slots of a service with host ports are identities: what is beyond the number goes, whatever serves.
    if (bindsHostPort(spec, 1) && Number(container.labels[label.slot]) > row.replicas) return;
    // Given up under another wish, and the user was faster than its stop.
    if (this.givenUp.get(container.name) !== this.wished()) return;
    // Some may have become unwell since it was decided.
    const ready = Math.max(this.serving(), this.servingThen.get(container.name) ?? 0);
    const limits = [spec.deploy.update, spec.deploy.rollback].map((update) => {
      if (update.order === 'start-first' && !bindsHostPort(spec, 1)) return 0;
      return update.parallelism === 0 ? row.replicas : update.parallelism;
    });
    // A restart on request takes one at a time, whatever the order.
    const unavailable = Math.max(1, ...limits);
    const rolling = isMoving(this.store.get('rollouts', web));
    const least = row.replicas - (rolling ? Math.max(...limits) : unavailable);
    if (ready - 1 < least) {
      this.breaks(
        'I2',
        `${container.name} is stopped with ${ready} of ${row.replicas} ready, at most ${unavailable} may be missing`,
      );
    }
  }

  private serving(): number {
    return this.engine.hand.containers().filter((one) => this.ours.has(one.id) && isOf(one, 'web') && serves(one))
      .length;
  }

  /** I18: what it waits on is ready, and has ended well. */
  private beforeStart(container: Container): void {
    if (!isOf(container, 'web')) return;
    const ready = this.engine.hand.containers().some((one) => isOf(one, 'db') && serves(one));
    if (!ready) this.breaks('I18', `${container.name} is started before what it waits for`);
    if (!this.specNow()?.dependsOn.some(({ service }) => service === 'seed')) return;
    const seeded = [...this.disk.attempts.values()].some((row) => row.service === seed && row.finished?.exitCode === 0);
    if (!seeded) this.breaks('I18', `${container.name} is started before its one-shot has ended well`);
  }

  /** T1: what gets requests from now on can answer them, or could until its probes had time to notice. */
  private entering(id: string): void {
    if (!this.calmWorld) return;
    const container = this.engine.daemon.find(id);
    if (!container || !serves(container))
      this.breaks('T1', `${container?.name ?? id} gets requests and is ${container?.state ?? 'gone'}`);
    else if (!this.answers(container, patience)) this.breaks('T1', `${container.name} gets requests and cannot answer`);
  }

  /** What its probes would say now, or would have said a moment ago. */
  private answers(container: Container, ago = 0): boolean {
    const { process } = container;
    if (!process) return false;
    if (!this.isProbed(container)) return true;
    const age = this.clock.monotonic() - process.startedAt;
    for (let back = 0; back <= ago; back += 500) if (isHealthy(process.program, age - back)) return true;
    return false;
  }

  private isProbed(container: Container): boolean {
    const row = [...this.disk.attempts.values()].find((one) => one.containerId === container.id);
    const current = this.revisionNow();
    if (!row || row.hash === current?.hash) return current?.spec.pilothouse.probes !== undefined;
    const revision = this.disk.rows.get(`revisions/${web}@${row.revision}`)?.value as RevisionRow | undefined;
    return revision?.spec.pilothouse.probes !== undefined;
  }

  private after(point: Point): void {
    if (point.verb === 'create') {
      const made = this.engine.hand.containers().find((container) => container.name === point.name);
      if (made) this.ours.add(made.id);
      this.names.add(point.name);
    }
    if (point.verb === 'start') {
      const at = this.clock.monotonic();
      const name = this.engine.daemon.find(point.name)?.name ?? point.name;
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
    this.count(`${point.verb} ${point.name}`);
  }

  /** I1, I3, I15: what lives now. */
  private count(when: string): void {
    // An automatic rollback changes the rules without a step of ours.
    this.want();
    const bySlot = new Map<string, number>();
    let [live, seeds] = [0, 0];
    for (const container of this.engine.hand.containers()) {
      if (!this.ours.has(container.id) || !isAlive(container) || isOf(container, 'db')) continue;
      if (isOf(container, 'seed')) {
        seeds += 1;
        continue;
      }
      live += 1;
      const slot = container.labels[label.slot] ?? '?';
      bySlot.set(slot, (bySlot.get(slot) ?? 0) + 1);
    }
    if (live > this.mostWanted + this.mostSurge) {
      this.breaks('I1', `${live} live, wanted at most ${this.mostWanted} + ${this.mostSurge} after ${when}`);
    }
    if (seeds > 1) this.breaks('J2', `${seeds} runs of a one-shot at once after ${when}`);
    for (const [slot, count] of bySlot) {
      if (count > (this.mostSurge > 0 ? 2 : 1))
        this.breaks('I3', `${count} live containers in slot ${slot} after ${when}`);
    }
  }

  private watchAttempts(): void {
    const order = ['intended', 'created', 'started', 'removing'];
    this.store.onCommit((changes) => {
      for (const change of changes) {
        if (change.table === 'services' && change.key === web) this.watchScaling(change as StoreChange<'services'>);
        if (change.table === 'revisions') this.watchStable(change as StoreChange<'revisions'>);
        if (change.table !== 'attempts' || !change.row) continue;
        if (!change.before) {
          if (this.names.has(change.key)) this.breaks('I8', `${change.key} is intended a second time`);
          continue;
        }
        const [now, before] = [change.row as AttemptRow, change.before as AttemptRow];
        if (order.indexOf(now.state) < order.indexOf(before.state)) {
          this.breaks('I9', `${now.name} went from ${before.state} back to ${now.state}`);
        }
        if (now.state === 'removing' && before.state !== 'removing') {
          this.givenUp.set(now.name, this.wished());
          this.servingThen.set(now.name, this.serving());
          const seen = changes.find((one) => one.table === 'serviceStatus' && one.key === now.service)?.before;
          const view = (seen as ServiceView | undefined) ?? this.store.get('serviceStatus', now.service);
          const was = view?.replicaList.find(
            ({ slot, generation }) => slot === now.slot && generation === now.generation,
          );
          if (this.specNow()?.pilothouse.probes && was?.state !== 'ready') this.knownUnready.add(now.name);
        }
        if (before.containerId !== undefined && now.containerId !== before.containerId) {
          this.breaks('I9', `${now.name} changed its container`);
        }
      }
    });
  }

  /** I14: the autoscaler keeps to its bounds, and takes nothing away from a rollout that is under way. */
  private watchScaling({ row, before }: StoreChange<'services'>): void {
    if (!row || !before || row.replicas === before.replicas || row.event === before.event) return;
    const event = this.store.get('events', row.event ?? '');
    if (event?.kind !== 'service.autoscaled') return;
    this.autoscaled += 1;
    if (row.replicas < scaling.min || row.replicas > scaling.max)
      this.breaks('I14', `scaled to ${row.replicas}, allowed are ${scaling.min} to ${scaling.max}`);
    if (row.replicas < before.replicas && before.replicas <= scaling.max && isMoving(this.store.get('rollouts', web)))
      this.breaks('I14', `scaled from ${before.replicas} to ${row.replicas} during a rollout`);
  }

  /** I11: only what is fully ready becomes a place to go back to. */
  private watchStable({ row, before }: StoreChange<'revisions'>): void {
    if (!row?.stable || !before || before.stable || row.service !== web) return;
    const ready = this.engine.hand
      .containers()
      .filter((one) => one.labels[label.hash] === row.hash && this.ours.has(one.id) && serves(one)).length;
    const wanted = this.service()?.replicas ?? 0;
    if (this.calmWorld && ready < wanted)
      this.breaks('I11', `r${row.revision} is called stable with ${ready} of ${wanted} ready`);
  }

  // ── steps ──

  private want(): void {
    const row = this.service();
    const wanted = row && !row.stopped && !row.removing ? row.replicas : 0;
    this.mostWanted = Math.max(this.mostWanted, wanted);
    const spec = this.specNow();
    if (!spec || bindsHostPort(spec, 1)) return;
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

  /** Applies the service; refused while the stack is being removed, as the handlers do. */
  declare(declared: Declared): void {
    if (this.store.get('stacks', 'shop')?.removing) return;
    const others = { ...(this.calmWorld ? database : {}), ...(declared.seeded ? seeding : {}) };
    const spec = stackSpec('shop', { web: specOf(declared), ...others });
    const usual = { restart: false, required: true };
    spec.services['web']?.dependsOn.push(
      ...(this.calmWorld ? [{ ...usual, service: 'db', condition: 'service_healthy' as const }] : []),
      ...(declared.seeded ? [{ ...usual, service: 'seed', condition: 'service_completed_successfully' as const }] : []),
    );
    spec.volumes['data'] = { name: 'shop_data', external: false, driverOpts: {}, labels: {} };
    this.declared = declared;
    // A one-shot that is waited for no more, and then again, begins anew each time.
    this.disturb();
    for (const service of [web, seed]) if (!this.store.get('services', service)) this.freeNames(service);
    this.maybe(() => this.apply(spec));
  }

  private pick(pick: number, alive = false): string | undefined {
    const known = this.engine.hand
      .containers()
      .filter((container) => this.ours.has(container.id) && (!alive || isAlive(container)))
      .sort((one, other) => (one.name < other.name ? -1 : 1));
    return known.length === 0 ? undefined : known[pick % known.length]?.id;
  }

  private disturb(count = 1): void {
    for (let index = 0; index < count; index++) this.disturbances.push(this.clock.monotonic());
    if (this.disturbances.length > 200) this.disturbances = this.disturbances.slice(-100);
  }

  private wish(act: (wishes: Wishes) => void): void {
    this.maybe(() => act(new Wishes(this.store, this.clock)));
  }

  /** Runs an act of the user. Refusals are answers, too; and the app may be killed in the middle of it. */
  private maybe(act: () => void): void {
    try {
      act();
    } catch (thrown) {
      if (!(thrown instanceof PilothouseError) && !this.killed) throw thrown;
    }
  }

  async step(step: Step): Promise<void> {
    const { hand } = this.engine;
    switch (step.do) {
      case 'apply':
        this.declare(step.declared);
        break;
      case 'scale':
        this.wish((wishes) => wishes.scale(web, step.replicas));
        break;
      case 'restart':
        this.wish((wishes) => wishes.restart(web));
        this.disturb();
        break;
      case 'undo':
        this.wish((wishes) => wishes.undo(web));
        this.disturb();
        break;
      case 'stop':
        this.wish((wishes) => wishes.stop(web));
        break;
      case 'start':
        this.wish((wishes) => wishes.start(web));
        break;
      case 'resume':
        this.wish((wishes) => wishes.resumeRollout(web));
        this.disturb();
        break;
      case 'pauseRollout':
        this.wish((wishes) => wishes.pauseRollout(web));
        break;
      case 'promote':
        this.wish((wishes) => wishes.promote(web));
        break;
      case 'abort':
        this.wish((wishes) => wishes.abort(web));
        this.disturb();
        break;
      case 'load':
        this.load = step.requests;
        break;
      case 'pauseService':
        await this.freeze();
        break;
      case 'unpauseService':
        this.thaw();
        break;
      case 'remove':
      case 'removeWithVolumes':
        this.volumesMayGo ||= step.do === 'removeWithVolumes';
        this.thaw();
        this.maybe(() => this.remove('shop', step.do === 'removeWithVolumes'));
        break;
      case 'wait':
        await this.pass(step.time);
        break;
      case 'crash':
        this.kill();
        this.killed = true;
        break;
      case 'crashAt':
        this.bomb = step.effect;
        break;
      case 'fault': {
        const on = verbs[step.verb % verbs.length];
        const does = kinds[step.kind % kinds.length] ?? 'fail';
        this.engine.faults.add({
          ...(on ? { verbs: on } : {}),
          does: does === 'partial' && on?.[0] !== 'list' ? 'fail' : does,
          times: step.times,
          delay: 3000,
        });
        this.disturb(step.times + 1);
        break;
      }
      case 'lag':
        hand.setListLag(step.lag);
        break;
      case 'events':
        Object.assign(this.engine.daemon.events.trouble, {
          drop: step.trouble === 1 ? 1 : 0,
          duplicate: step.trouble === 2 ? 1 : 0,
          delay: step.trouble === 3 ? 5000 : 0,
        });
        break;
      case 'port':
        if (step.bad) hand.stealPort(8080);
        else hand.freePort(8080);
        this.disturb();
        break;
      case 'image':
        if (step.bad) hand.dropImage('web:1');
        else hand.addImage({ reference: 'web:1' });
        break;
      case 'disk':
        hand.setDiskFull(step.bad);
        this.disturb();
        break;
      case 'engine':
        await this.trouble(step.how);
        break;
      case 'foreign':
        this.foreign(step.pick);
        break;
      case 'clock':
        this.clock.jump(step.by);
        break;
      case 'sleep':
        this.clock.sleep(step.time);
        break;
      default:
        this.byHand(step);
    }
    this.want();
    await this.pass(0);
    if (this.killed) await this.revive();
    this.count(step.do);
    const { peakStarts, peakStops } = this.controller.figures;
    if (peakStarts > 2 || peakStops > 2) this.breaks('I19', `${peakStarts} starts and ${peakStops} stops at once`);
    if (this.broken) throw this.broken;
    this.rest();
  }

  private async pass(time: number): Promise<void> {
    if (this.killed) return;
    try {
      await this.clock.advance(time);
    } catch (thrown) {
      // A timer of the app was the last thing that it did.
      if (!this.killed) throw thrown;
    }
  }

  private async revive(): Promise<void> {
    this.killed = false;
    this.bomb = 0;
    await this.launch();
  }

  /** At rest the present wish is the only one that counts. */
  private rest(): void {
    const row = this.service();
    if (!row) {
      this.freeNames(web);
    }
    const mine = this.mine();
    const wanted = row && !row.stopped && !row.removing ? row.replicas : 0;
    const slots = new Set(mine.map((one) => one.labels[label.slot]));
    if (!this.controller.idle || mine.length !== wanted || slots.size !== wanted) return;
    if (mine.some((one) => one.state !== 'running')) return;
    this.mostWanted = wanted;
    this.mostSurge = 0;
    this.want();
  }

  /** A service is gone; what is not remembered of it may be used again. */
  private freeNames(service: string): void {
    const known = new Set(this.store.keys('attempts'));
    const prefix = `${service.replace('/', '.')}.`;
    for (const name of this.names) if (name.startsWith(prefix) && !known.has(name)) this.names.delete(name);
  }

  private byHand(step: Extract<Step, { pick: number }>): void {
    const { hand, daemon } = this.engine;
    const id = this.pick(step.pick, step.do !== 'rm' && step.do !== 'unpause');
    // Without its daemon only the kernel can do something to a container.
    if (id === undefined || (daemon.power.mode !== 'up' && step.do !== 'die')) return;
    this.disturb();
    try {
      switch (step.do) {
        case 'rm':
          hand.remove(id);
          break;
        case 'kill':
          hand.kill(id);
          break;
        case 'die':
          hand.killProcess(id);
          break;
        case 'dockerStop':
          void hand.stop(id, 1000).catch(() => {});
          break;
        case 'pause':
          hand.pause(id);
          break;
        case 'unpause':
          hand.unpause(id);
          break;
        case 'rename':
          hand.rename(id, `renamed-${this.effects}`);
          break;
        case 'disconnect':
          hand.disconnect('shop_default', id);
          break;
        case 'limit':
          hand.update(id, { limits: { memory: 1024 * 1024 * 32 } });
          break;
        case 'sick':
          hand.setHealthy(id, false);
          break;
        default:
          break;
      }
    } catch {
      // The engine says no to people, too.
    }
  }

  private foreign(pick: number): void {
    const [any] = this.engine.hand.containers();
    const row = this.service();
    const slot = (pick % 3) + 1;
    const generation = (row?.generations[String(slot)] ?? 0) + 1;
    try {
      // One with the next name we would use, or one that carries our labels.
      const spoofed = pick % 2 === 0 ? { name: `shop.web.${slot}.g${generation}` } : { name: `spoof-${this.effects}` };
      const id = this.engine.hand.create(createRequest({ ...spoofed, labels: any?.labels ?? {} }));
      if (pick % 3 === 0) this.engine.hand.start(id);
    } catch {
      // The name is in use.
    }
  }

  private async trouble(how: number): Promise<void> {
    const { hand } = this.engine;
    this.disturb(4);
    switch (how % 5) {
      case 0:
        hand.crashDaemon({ downFor: 3000 });
        break;
      case 1:
        hand.crashDaemon({ liveRestore: true, downFor: 2000 });
        break;
      case 2:
        hand.hangDaemon();
        break;
      case 3:
        hand.setActsHang(true);
        break;
      default:
        void hand.restartDaemon().catch(() => {});
    }
    await this.pass(100);
  }

  /** Pauses the service once nothing is under way for it, so that every later write is a broken promise. */
  private async freeze(): Promise<void> {
    for (let round = 0; round < 40 && !this.controller.idle && !this.killed; round++) await this.pass(500);
    const row = this.store.get('services', web);
    if (this.killed || !this.controller.idle || !row || row.removing) return;
    this.maybe(() => this.change(web, { paused: true }));
    await this.clock.settle();
    if (!this.killed) this.frozen = true;
  }

  private thaw(): void {
    this.frozen = false;
    if (this.store.get('services', web)?.paused) this.maybe(() => this.change(web, { paused: false }));
  }

  // ── liveness, when the troubles are over ──

  /** Ends every trouble and declares something that can run. */
  async calm(): Promise<void> {
    const { engine } = this;
    this.bomb = 0;
    if (this.killed) await this.revive();
    this.thaw();
    engine.faults.clear();
    engine.hand.setListLag(0);
    Object.assign(engine.daemon.events.trouble, { drop: 0, duplicate: 0, delay: 0, held: false });
    engine.hand.freePort(8080);
    engine.hand.addImage({ reference: 'web:1' });
    engine.hand.setDiskFull(false);
    engine.hand.setActsHang(false);
    engine.hand.resumeDaemon();
    if (engine.daemon.power.mode === 'down') await this.clock.finish(engine.hand.startDaemon().catch(() => {}));
    await this.pass(15_000);
    for (const container of engine.hand.containers()) {
      if (container.state === 'paused') engine.hand.unpause(container.id);
    }
    this.disturb(10);
    this.removed = this.store.get('stacks', 'shop')?.removing !== undefined;
    if (this.removed) return;
    this.wish((wishes) => wishes.start(web));
    // A one-shot that somebody has killed has failed; only the user knows that it may run again.
    if (this.store.get('services', seed)) this.wish((wishes) => wishes.restart(seed));
    this.declare({
      image: 0,
      version: 1000,
      replicas: 2,
      startFirst: this.declared?.startFirst ?? false,
      parallelism: this.declared?.parallelism ?? 1,
      action: 0,
      port: this.declared?.port ?? false,
      health: false,
      strategy: this.declared?.strategy ?? 0,
      probes: this.declared?.probes ?? 0,
      seeded: this.declared?.seeded ?? false,
      scaled: false,
    });
    this.wish((wishes) => wishes.scale(web, 2));
    this.want();
  }

  /** L1, L4, L6: what is wanted runs, and nothing else of ours exists. */
  async converge(): Promise<void> {
    if (this.broken) throw this.broken;
    await this.settled('L1', () =>
      this.removed ? this.store.keys('stacks').length === 0 && this.everything().length === 0 : this.isWell(),
    );
  }

  /** Waits until the world is as it should be, promoting what waits for it; says how it stands when that does not come. */
  private async settled(promise: string, holds: () => boolean): Promise<void> {
    try {
      await this.lead(holds, 1_200_000);
    } catch {
      const rows = this.store.all('attempts').map((row) => `${row.name}:${row.state}:${row.hash.slice(0, 4)}`);
      const view = this.view(web);
      const rollout = this.store.get('rollouts', web);
      throw new Broken(
        promise,
        `not converged: ${this.everything()
          .map((one) => `${one.name}:${one.state}`)
          .join(' ')} | rows ${rows.join(' ')} | ${JSON.stringify(view?.words)} ${JSON.stringify(
          view?.replicaList.map((one) => [one.id, one.state, one.words.code]),
        )} | rollout ${JSON.stringify(rollout)} | idle ${String(this.controller.idle)}`,
      );
    }
    if (this.broken) throw this.broken;
  }

  /** Our containers of every service. */
  private everything(): Container[] {
    return this.engine.hand.containers().filter((container) => this.ours.has(container.id));
  }

  /** Our containers of the service that the schedules are about. */
  private mine(): Container[] {
    return this.engine.hand.containers().filter((container) => this.ours.has(container.id) && isOf(container, 'web'));
  }

  private isWell(): boolean {
    const mine = this.mine();
    const view = this.view(web);
    return (
      this.controller.idle &&
      view?.health === 'ok' &&
      mine.length === 2 &&
      mine.every((container) => container.state === 'running') &&
      mine.every((container) => container.environment['VERSION'] === '1000') &&
      this.isEven()
    );
  }

  /** A share of the traffic ends as none or all of it, and the requests go to whom they should. */
  private isEven(): boolean {
    const { balance } = this;
    const rollout = this.store.get('rollouts', web);
    if (!balance || isMoving(rollout) || rollout?.weight !== undefined) return false;
    return balance.even && this.mine().every(({ id }) => balance.serves(id));
  }

  /** A staged rollout is led on, or one more is begun and called off: it ends where it should. */
  private async lead(until: () => boolean, limit: number): Promise<void> {
    const waits = (): boolean => this.store.get('rollouts', web)?.waits === true;
    for (let left = limit; !until();) {
      left -= await this.clock.until(() => until() || waits(), left);
      if (!until()) this.wish((wishes) => wishes.promote(web));
    }
  }

  /** T4: a canary or a second set that is called off leaves what was there before, alone. */
  async callOff(): Promise<void> {
    if (this.removed || !this.declared || !isStagedIn(this.declared)) return;
    const { declared } = this;
    this.declare({ ...declared, version: 1001 });
    const rollout = (): RolloutRow | undefined => this.store.get('rollouts', web);
    await this.clock.until(() => rollout()?.waits === true || !isMoving(rollout()), 60_000);
    if (!isMoving(rollout())) return;
    this.wish((wishes) => wishes.abort(web));
    this.callsOff += 1;
    await this.settled('T4', () => this.isWell());
  }

  /** L2: a converged world is left alone. */
  async quiet(time: number): Promise<void> {
    await this.clock.advance(5000);
    if (this.broken) throw this.broken;
    this.engine.forgetDeeds();
    const commits = this.disk.rows.size;
    await this.clock.advance(time);
    // Probes run in a container and change nothing.
    const writes = this.engine.deeds.filter(({ verb }) => verb !== 'exec');
    if (writes.length > 0) throw new Broken('L2', writes.map((deed) => `${deed.verb} ${deed.name}`).join(', '));
    if (this.disk.rows.size !== commits) throw new Broken('L2', 'rows appear or vanish in a converged world');
  }
}
