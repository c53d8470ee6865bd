/**
 * The world of the property tests: users, bystanders, a troubled engine and an app that can be killed between any two effects, with the
 * invariants of reliability.md section 5 watched at every effect. Steps are plain data without ids, so that failures shrink well.
 */
import { PilothouseError } from '../../../../src-main/contract/errors';
import type { ServiceSpec } from '../../../../src-main/contract/spec';
import { label } from '../../../../src-main/core/reconcile/names';
import { bindsHostPort } from '../../../../src-main/core/reconcile/request';
import { isMoving } from '../../../../src-main/core/reconcile/rollout';
import { Wishes } from '../../../../src-main/core/reconcile/wishes';
import type { AttemptRow, RevisionRow, ServiceRow, StoreChange } from '../../../../src-main/core/store';
import { isAlive } from '../../../../src-main/engine/memory/container';
import type { Container, Point } from '../../../../src-main/engine/memory';
import { createRequest, serviceSpec } from '../../../support/builders';
import { stackSpec, TestWorld, type WorldOptions } from './bench';

/** What a service may be declared as; indices of small tables, so that every combination is a valid spec. */
export interface Declared {
  /** 0 quiet, 1 crashes, 2 never healthy, 3 not to be had. */
  image: number;
  version: number;
  replicas: number;
  startFirst: boolean;
  parallelism: number;
  /** 0 pause, 1 rollback, 2 continue. */
  action: number;
  port: boolean;
  health: boolean;
}

export type Step =
  | { do: 'apply'; declared: Declared }
  | { do: 'scale'; replicas: number }
  | { do: 'restart' | 'undo' | 'stop' | 'start' | 'resume' | 'pauseRollout' | 'pauseService' | 'unpauseService' }
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

const images = [
  { reference: 'web:1' },
  { reference: 'crash:1', program: { exit: { after: 300, code: 1 } } },
  { reference: 'sick:1', program: { readyAfter: 1e12 } },
  { reference: 'db:1', program: { readyAfter: 3000 } },
];
const references = ['web:1', 'crash:1', 'sick:1', 'nowhere:1'];
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

/** The one service the schedules are about, and the one that it waits for. */
export const web = 'shop/web';

/** What web waits for in a calm world; slow to get ready. */
const database: Record<string, Partial<ServiceSpec>> = {
  db: {
    image: 'db:1',
    healthcheck: { test: ['CMD', 'probe'], interval: 2000, timeout: 500, retries: 3, startPeriod: 0 },
  },
};

function serves(container: Container): boolean {
  return container.state === 'running' && (container.health === 'none' || container.health === 'healthy');
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
  private readonly startsOf = new Map<string, number[]>();
  /** What was wanted when a replica was given up, by its name; what is given up stays so. */
  private readonly givenUp = new Map<string, string>();
  private disturbances: number[] = [];
  /** Distinct effects at which the app was killed. */
  readonly crashPoints = new Set<string>();
  effects = 0;

  /** With `calm` nothing but users' acts happens, and the promises that only then can be kept are watched too (I2, I18). */
  constructor(
    options: WorldOptions = {},
    private readonly calmWorld = false,
  ) {
    super({ images, registry: 'declared', controller: { concurrency: { starts: 2, stops: 2 } }, ...options });
    this.arm();
    this.disk.onCommit = (when) => this.effect(`commit ${when}`);
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
    const row = this.service();
    const revision = row && (this.disk.rows.get(`revisions/${web}@${row.revision}`)?.value as RevisionRow | undefined);
    return revision?.spec;
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
    if (this.frozen) this.breaks('I12', `${point.verb} on ${container.name} while its service is paused`);
    if (container.state === 'paused' && point.verb === 'unpause') this.breaks('I12', `${container.name} is unpaused`);
    if (this.calmWorld && point.verb === 'stop') this.beforeStop(container);
    if (this.calmWorld && point.verb === 'start') this.beforeStart(container);
    const row = [...this.disk.attempts.values()].find((one) => one.containerId === container.id);
    if (!row) this.breaks('I7', `${point.verb} on ${container.name} without a row`);
    if (point.verb === 'start' && row?.state === 'removing')
      this.breaks('I9', `${container.name} is started while it goes`);
  }

  /** I2: a replica that serves is stopped only while enough others do. */
  private beforeStop(container: Container): void {
    const row = this.service();
    const spec = this.specNow();
    if (!row || !spec || row.stopped || row.removing || !container.name.startsWith('shop.web.') || !serves(container))
      return;
    // Slots of a service with host ports are identities: what is beyond the number goes, whatever serves.
    if (bindsHostPort(spec, 1) && Number(container.labels[label.slot]) > row.replicas) return;
    // Given up under another wish, and the user was faster than its stop.
    if (this.givenUp.get(container.name) !== this.wished()) return;
    const ready = this.engine.hand
      .containers()
      .filter((one) => this.ours.has(one.id) && one.name.startsWith('shop.web.') && serves(one)).length;
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

  /** I18: what it waits on is ready. */
  private beforeStart(container: Container): void {
    if (!container.name.startsWith('shop.web.')) return;
    const ready = this.engine.hand.containers().some((one) => one.name.startsWith('shop.db.') && serves(one));
    if (!ready) this.breaks('I18', `${container.name} is started before what it waits for`);
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
    let live = 0;
    for (const container of this.engine.hand.containers()) {
      if (!this.ours.has(container.id) || !isAlive(container) || container.name.startsWith('shop.db.')) continue;
      live += 1;
      const slot = container.labels[label.slot] ?? '?';
      bySlot.set(slot, (bySlot.get(slot) ?? 0) + 1);
    }
    if (live > this.mostWanted + this.mostSurge) {
      this.breaks('I1', `${live} live, wanted at most ${this.mostWanted} + ${this.mostSurge} after ${when}`);
    }
    for (const [slot, count] of bySlot) {
      if (count > (this.mostSurge > 0 ? 2 : 1))
        this.breaks('I3', `${count} live containers in slot ${slot} after ${when}`);
    }
  }

  private watchAttempts(): void {
    const order = ['intended', 'created', 'started', 'removing'];
    this.store.onCommit((changes) => {
      for (const change of changes) {
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
        if (now.state === 'removing' && before.state !== 'removing') this.givenUp.set(now.name, this.wished());
        if (before.containerId !== undefined && now.containerId !== before.containerId) {
          this.breaks('I9', `${now.name} changed its container`);
        }
      }
    });
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
    for (const update of [spec.deploy.update, spec.deploy.rollback]) {
      if (update.order !== 'start-first') continue;
      this.mostSurge = Math.max(
        this.mostSurge,
        update.parallelism === 0 ? wanted : Math.min(update.parallelism, Math.max(1, wanted)),
      );
    }
  }

  static spec(declared: Declared): Partial<ServiceSpec> {
    const base = serviceSpec();
    const update = {
      ...base.deploy.update,
      parallelism: declared.parallelism,
      order: declared.startFirst ? ('start-first' as const) : ('stop-first' as const),
      failureAction: (['pause', 'rollback', 'continue'] as const)[declared.action] ?? 'pause',
      monitor: 1000,
    };
    const spec: Partial<ServiceSpec> = {
      image: references[declared.image] ?? 'web:1',
      environment: { VERSION: String(declared.version) },
      stopGracePeriod: 2000,
      mounts: [{ type: 'volume', source: 'data', target: '/data', readOnly: false }],
      deploy: { ...base.deploy, replicas: declared.replicas, update, rollback: update },
      pilothouse: { rollout: { strategy: 'rolling', progressDeadline: 120_000 } },
    };
    if (declared.port) {
      spec.ports = [{ target: 80, protocol: 'tcp', published: { from: 8080, to: 8083 }, mode: 'ingress' }];
    }
    if (declared.health) {
      spec.healthcheck = { test: ['CMD', 'probe'], interval: 5000, timeout: 1000, retries: 2, startPeriod: 0 };
    }
    return spec;
  }

  /** Applies the service; refused while the stack is being removed, as the handlers do. */
  declare(declared: Declared): void {
    if (this.store.get('stacks', 'shop')?.removing) return;
    const spec = stackSpec('shop', { web: Sim.spec(declared), ...(this.calmWorld ? database : {}) });
    const waits = { service: 'db', condition: 'service_healthy' as const, restart: false, required: true };
    if (this.calmWorld && spec.services['web']) spec.services['web'].dependsOn = [waits];
    spec.volumes['data'] = { name: 'shop_data', external: false, driverOpts: {}, labels: {} };
    this.declared = declared;
    if (!this.service()) this.freeNames();
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
    if (!this.killed) await this.clock.settle();
    if (this.killed) await this.revive();
    this.count(step.do);
    const { peakStarts, peakStops } = this.controller.figures;
    if (peakStarts > 2 || peakStops > 2) this.breaks('I19', `${peakStarts} starts and ${peakStops} stops at once`);
    if (this.broken) throw this.broken;
    this.rest();
  }

  private async pass(time: number): Promise<void> {
    if (this.killed) return;
    await this.clock.advance(time);
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
      this.freeNames();
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

  /** The service is gone; what is not remembered of it may be used again. */
  private freeNames(): void {
    this.names.clear();
    for (const name of this.store.keys('attempts')) this.names.add(name);
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
    this.declare({
      image: 0,
      version: 1000,
      replicas: 2,
      startFirst: this.declared?.startFirst ?? false,
      parallelism: this.declared?.parallelism ?? 1,
      action: 0,
      port: this.declared?.port ?? false,
      health: false,
    });
    this.wish((wishes) => wishes.scale(web, 2));
    this.want();
  }

  /** L1, L4, L6: what is wanted runs, and nothing else of ours exists. */
  async converge(): Promise<void> {
    const limit = 1_200_000;
    if (this.broken) throw this.broken;
    try {
      if (this.removed) {
        await this.clock.until(() => this.store.keys('stacks').length === 0 && this.mine().length === 0, limit);
      } else {
        await this.clock.until(() => this.isWell(), limit);
      }
    } catch {
      const rows = this.store.all('attempts').map((row) => `${row.name}:${row.state}:${row.hash.slice(0, 4)}`);
      const view = this.view(web);
      const rollout = this.store.get('rollouts', web);
      throw new Broken(
        'L1',
        `not converged: ${this.mine()
          .map((one) => `${one.name}:${one.state}`)
          .join(' ')} | rows ${rows.join(' ')} | ${JSON.stringify(view?.words)} ${JSON.stringify(
          view?.replicaList.map((one) => [one.id, one.state, one.words.code]),
        )} | rollout ${rollout?.state} ${JSON.stringify(rollout?.words)} | idle ${String(this.controller.idle)}`,
      );
    }
  }

  /** Our containers of the service that the schedules are about. */
  private mine(): Container[] {
    return this.engine.hand
      .containers()
      .filter((container) => this.ours.has(container.id) && !container.name.startsWith('shop.db.'));
  }

  private isWell(): boolean {
    const mine = this.mine();
    const view = this.view(web);
    return (
      this.controller.idle &&
      view?.health === 'ok' &&
      mine.length === 2 &&
      mine.every((container) => container.state === 'running') &&
      this.engine.hand
        .containers()
        .filter((container) => this.ours.has(container.id) && container.name.startsWith('shop.web.'))
        .every((container) => container.environment['VERSION'] === '1000')
    );
  }

  /** L2: a converged world is left alone. */
  async quiet(time: number): Promise<void> {
    await this.clock.advance(5000);
    if (this.broken) throw this.broken;
    this.engine.forgetDeeds();
    const commits = this.disk.rows.size;
    await this.clock.advance(time);
    if (this.engine.writes > 0) {
      throw new Broken('L2', this.engine.deeds.map((deed) => `${deed.verb} ${deed.name}`).join(', '));
    }
    if (this.disk.rows.size !== commits) throw new Broken('L2', 'rows appear or vanish in a converged world');
  }
}
