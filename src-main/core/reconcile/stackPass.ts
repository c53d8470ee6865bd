/** One pass over one stack: its networks and volumes, and its end. Few and quick calls, so they are made within the pass. */
import { sentence, type Sentence } from '../../contract/sentence';
import type { ResourceRow, StackRow } from '../store';
import { asEngineError } from './acts';
import { label } from './names';
import { mayArrive, planResources, type ResourceAction, type ResourceInput } from './resources';
import { revisionKey } from './rows';
import { same } from './same';
import type { StackResources, World } from './world';

export class StackPass {
  /** The lists that were begun before we last wrote to a stack's resources: they say nothing about them (I5). */
  private readonly wroteAfter = new Map<string, number>();

  constructor(private readonly world: World) {}

  /** Something was made for a stack elsewhere: the lists so far do not show it. */
  outdated(stack: string): void {
    this.wroteAfter.set(stack, this.world.observer.begun);
  }

  /** Brings one stack's resources nearer to what is wanted. Rejects when something must be tried again later. */
  async run(name: string): Promise<void> {
    const { world } = this;
    if (world.isAway() || world.disposed()) return;
    const stack = world.store.get('stacks', name);
    if (!stack || stack.engine !== world.engine.id) {
      world.resources.delete(name);
      if (!stack) await this.sweep(name);
      return;
    }
    this.dropEmptyServices(stack);
    if (world.observer.listed <= (this.wroteAfter.get(name) ?? -1)) await world.observer.list();
    if (world.isAway() || world.disposed()) return;
    const plan = planResources(this.input(stack));
    const problems = new Map(plan.problems);
    const ready = new Set(plan.ready);
    let failed = false;
    let acted = false;
    for (const action of plan.actions) {
      if (world.disposed() || world.isAway()) return;
      acted = true;
      this.outdated(name);
      const problem = await this.act(stack, action);
      this.outdated(name);
      if (action.do === 'createNetwork' || action.do === 'createVolume') {
        const key = `${action.do === 'createNetwork' ? 'network' : 'volume'}:${action.name}`;
        if (problem) problems.set(key, problem);
        else ready.add(key);
      }
      if (problem) failed = true;
    }
    if (world.disposed()) return;
    const before = world.resources.get(name);
    // What is the same stays the very same, so that services at rest are left at it.
    const after = { ready, problems };
    if (!before || !sameResources(before, after)) world.resources.set(name, after);
    if (acted || !before || ready.size !== before.ready.size || problems.size !== before.problems.size) {
      for (const key of world.rows.servicesOf(name).keys()) world.queue.addNow(key);
    }
    if (failed) throw new Error(`resources of ${name} are not as they should be`);
    if (stack.removing && this.isEmpty(stack)) this.end(stack);
    world.onView(name);
  }

  private input(stack: StackRow): ResourceInput {
    const { world } = this;
    const rows = new Map<string, ResourceRow>();
    for (const row of world.store.all('resources'))
      if (row.stack === stack.name) rows.set(`${row.kind}:${row.name}`, row);
    const services: ResourceInput['services'] = [];
    for (const service of world.rows.servicesOf(stack.name).values()) {
      const revision = world.store.get('revisions', revisionKey(service.key, service.revision));
      if (revision) services.push({ name: service.name, spec: revision.spec, replicas: service.replicas });
    }
    return {
      stack,
      installId: world.installId,
      services,
      empty: this.isEmpty(stack),
      lazily: world.fleet !== undefined,
      networks: world.observer.networks,
      volumes: world.observer.volumes,
      rows,
      now: world.clock.now(),
    };
  }

  private isEmpty(stack: StackRow): boolean {
    return this.world.rows.servicesOf(stack.name).size === 0;
  }

  /** Services that were to go and of which nothing is left: their rows go too. */
  private dropEmptyServices(stack: StackRow): void {
    const { world } = this;
    for (const service of [...world.rows.servicesOf(stack.name).values()]) {
      if (!service.removing) continue;
      const left = [...world.rows.attemptsOf(service.key).values()];
      if (left.some((attempt) => attempt.state !== 'removing' || attempt.containerId !== undefined)) continue;
      if (left.some((attempt) => world.observer.seen(attempt.name).seen !== 'gone')) continue;
      world.store.transact((transaction) => {
        for (const attempt of left) if (world.unsent.has(attempt.name)) transaction.remove('attempts', attempt.name);
        for (const revision of world.rows.revisionsOf(service.key).keys()) {
          transaction.remove('revisions', revisionKey(service.key, revision));
        }
        transaction.remove('rollouts', service.key);
        transaction.remove('services', service.key);
        transaction.remove('serviceStatus', service.key);
      });
      world.memory.delete(service.key);
      world.statuses.delete(service.key);
      world.queue.drop(service.key);
      if (left.length > 0) world.queue.addNow(service.key);
    }
  }

  private async act(stack: StackRow, action: ResourceAction): Promise<Sentence | undefined> {
    const { engine, store, installId, clock, recorder, fleet } = this.world;
    const labels = { [label.install]: installId, [label.stack]: stack.name };
    const about = { stack: stack.name, actor: 'controller' as const };
    try {
      switch (action.do) {
        case 'createNetwork': {
          const { name, spec } = action;
          // Lists can lack rows, and engines can hold two networks of one name: ask for this one by name first.
          const there = await engine.inspectNetwork(name);
          if (there?.name === name) {
            const known = store.get('resources', `network:${name}`);
            return known && there.labels[label.install] === installId
              ? undefined
              : sentence('network.foreign', { network: name });
          }
          const now = clock.now();
          const row: ResourceRow = { kind: 'network', name, stack: stack.name, createdAt: now };
          store.transact((transaction) => transaction.put('resources', `network:${name}`, { ...row, askedAt: now }));
          const { id } = await engine.createNetwork({
            name,
            ...(spec.driver === undefined ? {} : { driver: spec.driver }),
            driverOpts: spec.driverOpts,
            internal: spec.internal,
            attachable: spec.attachable,
            enableIpv6: spec.enableIpv6,
            ...(spec.ipam === undefined ? {} : { ipam: spec.ipam }),
            labels: { ...spec.labels, ...labels },
          });
          store.transact((transaction) => transaction.put('resources', `network:${name}`, { ...row, engineId: id }));
          const words = sentence('event.networkCreated', { network: name });
          recorder.record({ ...about, kind: 'network.created', health: 'ok', words });
          return undefined;
        }
        case 'createVolume': {
          const { name, spec } = action;
          const now = clock.now();
          const row: ResourceRow = { kind: 'volume', name, stack: stack.name, createdAt: now };
          store.transact((transaction) => transaction.put('resources', `volume:${name}`, { ...row, askedAt: now }));
          await engine.createVolume({
            name,
            ...(spec.driver === undefined ? {} : { driver: spec.driver }),
            driverOpts: spec.driverOpts,
            labels: { ...spec.labels, ...labels },
          });
          store.transact((transaction) => transaction.put('resources', `volume:${name}`, row));
          const words = sentence('event.volumeCreated', { volume: name });
          recorder.record({ ...about, kind: 'volume.created', health: 'ok', words });
          return undefined;
        }
        case 'removeNetwork': {
          await engine.removeNetwork(action.id);
          // Its row stays while another node may have one of its name: it goes once all of them have said that there is none.
          if (!fleet) store.transact((transaction) => transaction.remove('resources', `network:${action.name}`));
          const words = sentence('event.networkRemoved', { network: action.name });
          recorder.record({ ...about, kind: 'network.removed', health: 'off', words });
          return undefined;
        }
        case 'removeVolume': {
          await engine.removeVolume(action.name);
          store.transact((transaction) => transaction.remove('resources', `volume:${action.name}`));
          const words = sentence('event.volumeRemoved', { volume: action.name });
          recorder.record({ ...about, kind: 'volume.removed', health: 'off', words });
          return undefined;
        }
        case 'forget': {
          const row = store.get('resources', action.key);
          const there = row?.kind === 'network' ? await engine.inspectNetwork(row.name) : undefined;
          if (there && there.name === row?.name && there.labels[label.install] === installId) {
            return sentence('network.failed', { network: there.name, reason: 'it is not in the list' });
          }
          store.transact((transaction) => transaction.remove('resources', action.key));
          return undefined;
        }
      }
    } catch (thrown) {
      const error = asEngineError(thrown);
      this.world.log('warn', 'resource act failed', { action: action.do, error: error.message });
      if (error.code === 'away') this.world.onAway(error);
      const reason = error.detail.slice(0, 300);
      if (action.do === 'createVolume') return sentence('volume.failed', { volume: action.name, reason });
      const network = action.do === 'forget' ? action.key : action.name;
      return sentence('network.failed', { network, reason });
    }
  }

  /** Networks of a stack that is gone: one whose create was answered to nobody goes when it is there, its row when it can come no more. */
  private async sweep(name: string): Promise<void> {
    const { world } = this;
    const { engine, store, observer, installId, clock } = world;
    for (const row of store.all('resources')) {
      if (row.stack !== name || row.kind !== 'network') continue;
      const late = observer.networks.filter(
        (one) => one.name === row.name && one.labels[label.install] === installId && one.labels[label.stack] === name,
      );
      if (late.length === 0 && mayArrive(row, clock.now())) continue;
      for (const { id } of late) {
        // Declared anew meanwhile: it is wanted again.
        if (store.get('stacks', name)) return;
        await engine.removeNetwork(id);
      }
      store.transact((transaction) => transaction.remove('resources', `network:${row.name}`));
    }
  }

  /** Everything is gone: the stack's own row goes. Rows of kept volumes stay, so that a later removal still knows them as ours. */
  private end(stack: StackRow): void {
    const { world } = this;
    const now = world.clock.now();
    const rows = world.store.all('resources').filter((row) => row.stack === stack.name && !mayArrive(row, now));
    if (rows.some((row) => row.kind === 'network' || stack.removing?.volumes)) {
      world.queue.addNow(`stack:${stack.name}`);
      return;
    }
    world.recorder.record({
      stack: stack.name,
      kind: 'stack.removed',
      health: 'off',
      words: sentence('event.stackRemoved', { stack: stack.name }),
    });
    world.store.transact((transaction) => {
      transaction.remove('stacks', stack.name);
      transaction.remove('stackStatus', stack.name);
      world.recorder.into(transaction);
    });
    world.resources.delete(stack.name);
  }
}

function sameResources(one: StackResources, other: StackResources): boolean {
  return (
    one.ready.size === other.ready.size &&
    [...one.ready].every((name) => other.ready.has(name)) &&
    one.problems.size === other.problems.size &&
    [...one.problems].every(([name, problem]) => same(problem, other.problems.get(name)))
  );
}
