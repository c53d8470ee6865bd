/**
 * What happens in the simulated world, step by step: users, bystanders, troubles, and the app killed at any effect; and how the world
 * ends: the troubles are over, and what is wanted runs (L1, L2, L4, L6).
 */
import type { RolloutRow } from '../../../../src-main/core/store';
import { isMoving } from '../../../../src-main/core/reconcile/rollout';
import { isAlive } from '../../../../src-main/engine/memory/container';
import { stackSpec } from './bench';
import { byHand, foreign, switchOff, switchOn, trouble } from './bystanders';
import { database, isStagedIn, seeding, specOf, type Declared } from './declared';
import { SimWorld, type SimOptions } from './simWorld';
import { Broken, kinds, verbs, type Step } from './steps';
import { isOf, seed, web } from './watch';

export { web, type Declared, type Step };

export class Sim extends SimWorld {
  private removed = false;
  private declared: Declared | undefined;
  /** Staged rollouts that were called off at the end. */
  callsOff = 0;

  /** A world in which nothing has happened yet. */
  static open(options: SimOptions = {}): Promise<Sim> {
    return new Sim(options).begin();
  }

  // ── steps ──

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
    this.watch.disturb();
    for (const service of [web, seed]) if (!this.store.get('services', service)) this.watch.freeNames(service);
    this.maybe(() => this.apply(spec));
  }

  async step(step: Step): Promise<void> {
    const { watch } = this;
    const engine = this.machines.at('node' in step ? step.node : 0);
    const { hand } = engine;
    switch (step.do) {
      case 'apply':
        this.declare(step.declared);
        break;
      case 'scale':
        this.wish((wishes) => wishes.scale(web, step.replicas));
        break;
      case 'restart':
        this.wish((wishes) => wishes.restart(web));
        watch.disturb();
        break;
      case 'undo':
        this.wish((wishes) => wishes.undo(web));
        watch.disturb();
        break;
      case 'stop':
        this.wish((wishes) => wishes.stop(web));
        break;
      case 'start':
        this.wish((wishes) => wishes.start(web));
        break;
      case 'resume':
        this.wish((wishes) => wishes.resumeRollout(web));
        watch.disturb();
        break;
      case 'pauseRollout':
        this.wish((wishes) => wishes.pauseRollout(web));
        break;
      case 'promote':
        this.wish((wishes) => wishes.promote(web));
        break;
      case 'abort':
        this.wish((wishes) => wishes.abort(web));
        watch.disturb();
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
        watch.volumesMayGo ||= step.do === 'removeWithVolumes';
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
        engine.faults.add({
          ...(on ? { verbs: on } : {}),
          does: does === 'partial' && on?.[0] !== 'list' ? 'fail' : does,
          times: step.times,
          delay: 3000,
        });
        watch.disturb(step.times + 1);
        break;
      }
      case 'lag':
        hand.setListLag(step.lag);
        break;
      case 'events':
        Object.assign(engine.daemon.events.trouble, {
          drop: step.trouble === 1 ? 1 : 0,
          duplicate: step.trouble === 2 ? 1 : 0,
          delay: step.trouble === 3 ? 5000 : 0,
        });
        break;
      case 'port':
        if (step.bad) hand.stealPort(8080);
        else hand.freePort(8080);
        watch.disturb();
        break;
      case 'image':
        if (step.bad) hand.dropImage('web:1');
        else hand.addImage({ reference: 'web:1' });
        break;
      case 'disk':
        hand.setDiskFull(step.bad);
        watch.disturb();
        break;
      case 'engine':
        watch.disturb(4);
        trouble(engine, step.how);
        await this.pass(100);
        break;
      case 'foreign':
        foreign(engine, step.pick, {
          generations: watch.service()?.generations ?? {},
          like: hand.containers()[0],
          serial: this.effects,
        });
        break;
      case 'cut':
        watch.disturb(4);
        hand.hangDaemon();
        break;
      case 'dead':
        watch.disturb(4);
        switchOff(engine);
        break;
      case 'back':
        watch.disturb(4);
        await this.clock.finish(switchOn(engine));
        break;
      case 'cordon':
        this.setNode(engine.id, { cordonedAt: this.clock.now(), drain: undefined });
        break;
      case 'drain':
        watch.disturb(4);
        this.setNode(engine.id, { cordonedAt: this.clock.now(), drain: true });
        break;
      case 'open':
        this.setNode(engine.id, { cordonedAt: undefined, drain: undefined });
        break;
      case 'clock':
        this.clock.jump(step.by);
        break;
      case 'sleep':
        this.clock.sleep(step.time);
        break;
      default:
        this.lay(step);
    }
    watch.want();
    await this.pass(0);
    if (this.killed) await this.revive();
    watch.count(step.do);
    const { peakStarts, peakStops } = this.controller.figures;
    if (peakStarts > 2 || peakStops > 2) watch.breaks('I19', `${peakStarts} starts and ${peakStops} stops at once`);
    if (watch.broken) throw watch.broken;
    watch.rest(this.controller.idle);
  }

  /** Somebody lays hands on one of our containers. */
  private lay(step: Extract<Step, { pick: number }>): void {
    const alive = step.do !== 'rm' && step.do !== 'unpause';
    const known = this.everything()
      .filter((container) => !alive || isAlive(container))
      .sort((one, other) => (one.name < other.name ? -1 : 1));
    const id = known[step.pick % Math.max(1, known.length)]?.id;
    if (id === undefined) return;
    const engine = this.machines.holderOf(id);
    if (engine.daemon.power.mode !== 'up' && step.do !== 'die') return;
    this.watch.disturb();
    byHand(engine, id, step.do, this.effects);
  }

  /** Pauses the service once nothing is under way for it, so that every later write is a broken promise. */
  private async freeze(): Promise<void> {
    for (let round = 0; round < 40 && !this.controller.idle && !this.killed; round++) await this.pass(500);
    const row = this.store.get('services', web);
    if (this.killed || !this.controller.idle || !row || row.removing) return;
    // What an engine that hangs was asked before is done when it goes on.
    if (this.machines.all.some(({ daemon }) => daemon.power.mode !== 'up' || daemon.power.actsHang)) return;
    this.maybe(() => this.change(web, { paused: true }));
    await this.clock.settle();
    if (!this.killed) this.watch.frozen = true;
  }

  private thaw(): void {
    this.watch.frozen = false;
    if (this.store.get('services', web)?.paused) this.maybe(() => this.change(web, { paused: false }));
  }

  // ── liveness, when the troubles are over ──

  /** Ends every trouble and declares something that can run. */
  async calm(): Promise<void> {
    const { machines, watch } = this;
    this.bomb = 0;
    if (this.killed) await this.revive();
    this.thaw();
    for (const engine of machines.all) {
      engine.faults.clear();
      engine.hand.setListLag(0);
      Object.assign(engine.daemon.events.trouble, { drop: 0, duplicate: 0, delay: 0, held: false });
      engine.hand.freePort(8080);
      engine.hand.addImage({ reference: 'web:1' });
      engine.hand.setDiskFull(false);
      engine.hand.setActsHang(false);
      await this.clock.finish(switchOn(engine));
    }
    const place = this.declared?.place ?? 1;
    // A node may stay closed, where nothing needs to be on it: a one-shot that runs again has to be with whoever it reaches.
    const shut = this.store.all('nodes').filter(({ cordonedAt }) => cordonedAt !== undefined);
    const needed = place > 0 || shut.length >= machines.all.length || this.declared?.seeded === true;
    for (const { engine, drain } of shut)
      if (needed && !(drain && place === 0 && shut.length < machines.all.length))
        this.setNode(engine, { cordonedAt: undefined, drain: undefined });
    // A link that has lost its engine looks for it again within fifteen seconds.
    await this.pass(machines.all.length > 1 ? 30_000 : 15_000);
    for (const { hand } of machines.all) {
      for (const container of hand.containers()) if (container.state === 'paused') hand.unpause(container.id);
    }
    watch.disturb(10);
    this.removed = this.store.get('stacks', 'shop')?.removing !== undefined;
    if (this.removed) return;
    this.wish((wishes) => wishes.start(web));
    // A one-shot that somebody has killed has failed; only the user knows that it may run again.
    if (this.store.get('services', seed)) this.wish((wishes) => wishes.restart(seed));
    const {
      startFirst = false,
      parallelism = 1,
      port = false,
      strategy = 0,
      probes = 0,
      seeded = false,
    } = this.declared ?? {};
    const spares = this.declared?.spares ?? 0;
    this.declare({
      ...{ image: 0, version: 1000, replicas: 2, action: 0, health: false, scaled: false },
      ...{ startFirst, parallelism, port, strategy, probes, seeded, place, spares },
    });
    this.wish((wishes) => wishes.scale(web, 2));
    watch.want();
  }

  /** L1, L4, L6: what is wanted runs, and nothing else of ours exists. */
  async converge(): Promise<void> {
    if (this.watch.broken) throw this.watch.broken;
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
    if (this.watch.broken) throw this.watch.broken;
  }

  private isWell(): boolean {
    const mine = this.watch.mine();
    const view = this.view(web);
    const drained = this.drained();
    return (
      this.controller.idle &&
      view?.health === 'ok' &&
      this.sparesSleep() &&
      mine.every(({ id }) => !drained.has(this.machines.holderOf(id).id)) &&
      mine.length === 2 &&
      mine.every((container) => container.state === 'running') &&
      mine.every((container) => container.environment['VERSION'] === '1000') &&
      this.isEven()
    );
  }

  /** As many spares as the view says are wanted, and none of them awake. */
  private sparesSleep(): boolean {
    const spares = this.everything().filter((one) => isOf(one, 'web') && this.watch.rowOf(one)?.spare);
    const wanted = this.view(web)?.spares?.wanted ?? 0;
    return spares.length === wanted && spares.every(({ state }) => state === 'paused');
  }

  /** A share of the traffic ends as none or all of it, and the requests go to whom they should. */
  private isEven(): boolean {
    const { balance } = this;
    const rollout = this.store.get('rollouts', web);
    if (!balance || isMoving(rollout) || rollout?.weight !== undefined) return false;
    return balance.even && this.watch.mine().every(({ id }) => balance.serves(id));
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
    if (this.watch.broken) throw this.watch.broken;
    for (const engine of this.machines.all) engine.forgetDeeds();
    const commits = this.disk.rows.size;
    await this.clock.advance(time);
    // Probes run in a container and change nothing.
    const deeds = this.machines.all.flatMap((engine) => engine.deeds);
    const writes = deeds.filter(({ verb }) => verb !== 'exec');
    if (writes.length > 0) throw new Broken('L2', writes.map((deed) => `${deed.verb} ${deed.name}`).join(', '));
    if (this.disk.rows.size !== commits) throw new Broken('L2', 'rows appear or vanish in a converged world');
  }
}
