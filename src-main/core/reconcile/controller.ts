/**
 * The controller of one engine: keeps what runs as it is declared. Level-triggered: events of the engine and commits of the store only
 * mark keys dirty, a timer lists everything anew, and each pass looks at the whole truth of one service again.
 */
import type { Clock } from '../../base/clock';
import { DisposableStore, type Disposable } from '../../base/lifecycle';
import { silent, type Log } from '../../base/log';
import type { Random } from '../../base/random';
import { backoffDelay, WorkQueue } from '../../base/workqueue';
import type { DrainStep } from '../../contract/nouns';
import { sentence } from '../../contract/sentence';
import type { Engine, EngineError } from '../engine';
import { Prober, type Dialer } from '../probes';
import type { Store, StoreChange } from '../store';
import { Acts, asEngineError } from './acts';
import { imageOf } from './builds';
import type { Configs } from './configs';
import { planDrain } from './drain';
import type { Fleet } from './fleet';
import { Images } from './images';
import { installId } from './install';
import { NodeResources } from './nodeResources';
import { Observer } from './observer';
import { Outages, type OutageSpan } from './outages';
import { Pool } from './pool';
import { Recorder } from './recorder';
import type { Capacity } from './room';
import { revisionKey, Rows } from './rows';
import { same } from './same';
import type { Certificates, Secrets } from './secrets';
import { ServicePass } from './servicePass';
import { StackPass } from './stackPass';
import { stackViewOf } from './stackView';
import { Statuses } from './statuses';
import type { PlanInput, ServiceMemory, TrafficSum } from './types';
import { stackKey, type World } from './world';

/** How many things happen at once. The engine saturates at 4 to 8 starts; stops are cheaper (performance.md 1b, 1c). */
export interface Concurrency {
  starts?: number;
  stops?: number;
  pulls?: number;
  passes?: number;
}

export interface ControllerOptions {
  store: Store;
  engine: Engine;
  clock: Clock;
  random: Random;
  log?: Log;
  concurrency?: Concurrency;
  /** Where the values of secrets are. */
  secrets?: Secrets;
  /** Where certificates and their keys are. */
  certificates?: Certificates;
  /** Where the texts of items of the config center are. */
  configs?: Configs;
  /** Called before a replica is stopped: takes it out of the gateway's sets and waits for its last request. Must not reject. */
  release?: (container: string, service: string) => Promise<void>;
  /** What the gateway has counted of these containers since it was first looked at; for the analysis of canaries. */
  measure?: (containers: readonly string[]) => TrafficSum | undefined;
  /** What the engine's machine has, for reservations; without it none is refused. */
  capacity?: () => Capacity | undefined;
  /** The nodes, when the engine is several joined ones. */
  fleet?: Fleet;
  /** Reaches containers for probes; without it no probe is made. */
  dialer?: Dialer;
  /** Milliseconds between full lists; default 30 s. */
  resync?: number;
  /** What the last controller of this very engine knew, so that back-off goes on where it was. */
  before?: Remains;
}

/** What outlives a controller within one process: it speaks of the monotonic clock, so no disk may keep it. */
export interface Remains {
  memory: ReadonlyMap<string, ServiceMemory>;
  outages: readonly OutageSpan[];
}

const defaultResync = 30_000;
/** Passes of one service that hints ask for are at least so far apart, milliseconds (M16). */
const hintInterval = 500;
/** Views of stacks are made anew so long after a change, milliseconds. */
const viewDelay = 20;

/** See the file's comment. Make one per selected engine, and keep it while that engine is away. */
export class Controller implements Disposable {
  private readonly world: World;
  private readonly services: ServicePass;
  private readonly stacks: StackPass;
  private readonly owned = new DisposableStore();
  private readonly outages: Outages;
  private readonly dirtyStacks = new Set<string>();
  private viewTimer: Disposable | undefined;
  private linkTimer: Disposable | undefined;
  private resyncTimer: Disposable | undefined;
  private stream: Disposable | undefined;
  private connecting = false;
  private away: EngineError | undefined;
  private listed = false;
  private tries = 0;
  private nodesVersion = 0;
  private stopped = false;

  constructor(private readonly options: ControllerOptions) {
    const { store, engine, clock, random } = options;
    const log = options.log ?? silent;
    const limits = { starts: 8, stops: 16, pulls: 3, passes: 16, ...options.concurrency };
    const rows = this.owned.add(new Rows(store));
    const recorder = this.owned.add(new Recorder(store, clock));
    const id = installId(store, random);
    this.outages = new Outages(clock, recorder, options.before?.outages);
    const onAway = (error: EngineError): void => this.lost(error);
    const queue = new WorkQueue({
      clock,
      random,
      concurrency: limits.passes,
      minInterval: hintInterval,
      baseDelay: 500,
      maxDelay: 30_000,
      work: (key) => this.work(key),
      onError: (key, thrown) => log('warn', 'pass failed', { key, error: String(thrown) }),
    });
    this.owned.add(queue);
    const { dialer, fleet } = options;
    const prober = dialer && new Prober({ engine, dialer, clock, random, log, onChange: (key) => queue.addNow(key) });
    if (prober) this.owned.add(prober);
    this.world = {
      store,
      engine,
      clock,
      log,
      installId: id,
      rows,
      recorder,
      queue,
      ...(prober ? { prober } : {}),
      ...(options.measure ? { measure: options.measure } : {}),
      ...(options.capacity ? { capacity: options.capacity } : {}),
      observer: new Observer({
        engine,
        clock,
        rows,
        installId: id,
        log,
        onDirty: (service) => queue.add(service),
        onAway,
      }),
      ...(fleet
        ? {
            fleet,
            nodeResources: new NodeResources({
              ...{ fleet, store, clock, log, recorder, installId: id },
              onWrite: (stack) => this.stacks.outdated(stack),
            }),
          }
        : {}),
      images: new Images({
        engine,
        ...(fleet ? { on: (node) => fleet.on(node) } : {}),
        clock,
        log,
        concurrency: limits.pulls,
        onChange: (service) => queue.addNow(service),
        onPulled: (image, service) =>
          recorder.record({
            kind: 'image.pulled',
            health: 'ok',
            service,
            words: sentence('event.imagePulled', { image }),
          }),
        onAway,
      }),
      acts: new Acts({
        engine,
        store,
        clock,
        log,
        installId: id,
        ...(options.secrets ? { secrets: options.secrets } : {}),
        ...(options.certificates ? { certificates: options.certificates } : {}),
        ...(options.configs ? { configs: options.configs } : {}),
        ...(options.release ? { release: options.release } : {}),
      }),
      starts: new Pool(limits.starts),
      stops: new Pool(limits.stops),
      memory: new Map(options.before?.memory),
      statuses: new Statuses(),
      resources: new Map(),
      unsent: new Set(),
      causes: new Map(),
      outage: (finishedAt, node) => this.outages.explains(finishedAt, node),
      onOutageEnd: () => this.outages.count(),
      onAway,
      isAway: () => this.away !== undefined || !this.listed,
      onView: (stack) => this.viewChanged(stack),
      nodesVersion: () => this.nodesVersion,
      disposed: () => this.stopped,
    };
    this.services = new ServicePass(this.world);
    this.stacks = new StackPass(this.world);
  }

  /** Begins. The first list decides what there is to adopt; until then nothing is written to the engine. */
  start(): void {
    this.owned.add(this.options.store.onCommit((changes) => this.committed(changes)));
    const { fleet } = this.options;
    if (fleet) this.owned.add(fleet.onChange(() => this.nodesChanged(fleet)));
    void this.connect();
    this.resyncLater();
  }

  /** A node went, came back, or is to be used otherwise: everything is looked at anew. */
  private nodesChanged(fleet: Fleet): void {
    this.nodesVersion += 1;
    for (const { id, away } of fleet.nodes()) {
      if (away) this.outages.begin(id);
      else this.outages.end(id);
    }
    void this.resync();
  }

  /** Begins nothing more. What the engine is doing already ends by itself and is found again at the next start. */
  dispose(): void {
    if (this.stopped) return;
    this.stopped = true;
    this.world.starts.close();
    this.world.stops.close();
    this.world.images.dispose();
    this.stream?.dispose();
    this.viewTimer?.dispose();
    this.linkTimer?.dispose();
    this.resyncTimer?.dispose();
    this.outages.dispose();
    this.owned.dispose();
  }

  /** For the next controller of the same engine; ask a disposed one. An outage that still lasted ends here. */
  remains(): Remains {
    this.endOutage();
    return { memory: this.world.memory, outages: this.outages.known };
  }

  /** Nothing is being done and nothing is due now. */
  get idle(): boolean {
    const { queue, starts, stops } = this.world;
    return this.listed && queue.active === 0 && starts.load === 0 && stops.load === 0 && !this.connecting;
  }

  /** Counts for the status bar and for tests. */
  get figures(): { passes: number; peakStarts: number; peakStops: number; strangers: number } {
    const { queue, starts, stops, observer } = this.world;
    return {
      passes: queue.starts,
      peakStarts: starts.peak,
      peakStops: stops.peak,
      strangers: observer.strangers.length,
    };
  }

  /** What the planner would be given for a service now; for dry runs and explanations. */
  inputOf(key: string): PlanInput | undefined {
    const service = this.world.store.get('services', key);
    const stack = service && this.world.store.get('stacks', service.stack);
    return service && stack ? this.services.input(key, service, stack) : undefined;
  }

  /** What a node is called. */
  nameOf(node: string): string {
    const { fleet, capacity } = this.options;
    const known = fleet?.nodes().find(({ id }) => id === node)?.name;
    return known ?? (node === this.world.engine.id ? capacity?.()?.name : undefined) ?? node;
  }

  /** What would go where if a node were emptied now. */
  planDrain(node: string): DrainStep[] {
    const { store, rows } = this.world;
    const { fleet } = this.options;
    return fleet ? planDrain({ store, rows, fleet, capabilities: this.world.engine.capabilities, node }) : [];
  }

  /** Asks for a pass over everything, as the timer does. */
  async resync(): Promise<void> {
    if (this.away || this.stopped) return;
    try {
      await this.world.observer.list();
      this.addAll();
    } catch (thrown) {
      this.lost(asEngineError(thrown));
    }
  }

  /** The computer was asleep: the event stream may be dead without a word, and much may have happened. */
  wake(): void {
    void this.connect();
  }

  private async work(key: string): Promise<void> {
    if (key.startsWith('stack:')) await this.stacks.run(key.slice('stack:'.length));
    else await this.services.run(key);
  }

  private addAll(): void {
    const { queue, store, rows } = this.world;
    for (const stack of store.keys('stacks')) queue.addNow(stackKey(stack));
    // What a stack left behind that is gone.
    for (const { kind, stack } of store.all('resources'))
      if (kind === 'network' && !store.get('stacks', stack)) queue.addNow(stackKey(stack));
    for (const service of store.keys('services')) queue.addNow(service);
    for (const service of rows.servicesWithAttempts()) queue.addNow(service);
  }

  private resyncLater(): void {
    const every = this.options.resync ?? defaultResync;
    this.resyncTimer = this.options.clock.timer(every, () => {
      void this.resync();
      if (!this.stopped) this.resyncLater();
    });
  }

  /** Opens the event stream first and lists afterwards, so that nothing falls between the two. */
  private async connect(): Promise<void> {
    if (this.connecting || this.stopped) return;
    this.connecting = true;
    const { world } = this;
    try {
      this.stream?.dispose();
      const stream = world.engine.watch((event) => world.observer.hint(event));
      this.stream = stream;
      void stream.ended.then(({ error }) => {
        if (this.stream !== stream || this.stopped) return;
        this.stream = undefined;
        this.lost(error ?? asEngineError(new Error('the event stream ended')));
      });
      world.observer.invalidateAll();
      await world.observer.list();
      if (this.stopped || this.stream !== stream) return;
      this.tries = 0;
      this.found();
    } catch (thrown) {
      this.stream?.dispose();
      this.stream = undefined;
      this.lost(asEngineError(thrown));
    } finally {
      this.connecting = false;
      if (!this.stream && !this.linkTimer && !this.stopped) this.reconnectLater();
    }
  }

  private found(): void {
    const { world } = this;
    if (this.away) {
      this.endOutage();
      world.images.reset();
    }
    this.away = undefined;
    this.listed = true;
    void world.acts.sweepSecrets();
    this.addAll();
  }

  /** Time without an engine is nobody's lack of progress. */
  private endOutage(): void {
    const gone = this.outages.end();
    if (gone === 0) return;
    for (const memory of this.world.memory.values()) {
      if (memory.rollout) memory.rollout = { ...memory.rollout, progressAt: memory.rollout.progressAt + gone };
    }
  }

  /** The engine does not answer: what is known stays on show, nothing is decided until it is listed again. */
  private lost(error: EngineError): void {
    if (this.stopped) return;
    const { store, log } = this.world;
    if (!this.away) {
      log('warn', 'engine away', { error: error.message });
      this.outages.begin();
      this.away = error;
      const words = sentence('service.engineAway');
      store.transact((transaction) => {
        for (const view of store.all('serviceStatus')) {
          if (store.get('stacks', view.stack)?.engine !== this.world.engine.id) continue;
          transaction.put('serviceStatus', view.key, { ...view, words });
        }
      });
    }
    if (!this.connecting) this.reconnectLater();
  }

  private reconnectLater(): void {
    if (this.linkTimer || this.stopped) return;
    this.tries += 1;
    const { clock, random } = this.options;
    const delay = backoffDelay(this.tries, { base: 250, cap: 10_000, random });
    this.linkTimer = clock.timer(delay, () => {
      this.linkTimer = undefined;
      void this.connect();
    });
  }

  /** Commits of users' acts wake what they are about. Status rows, and what we write ourselves in a pass, do not. */
  private committed(changes: readonly StoreChange[]): void {
    const { queue, rows } = this.world;
    for (const change of changes) {
      switch (change.table) {
        case 'stacks':
          queue.addNow(stackKey(change.key));
          for (const service of rows.servicesOf(change.key).keys()) queue.addNow(service);
          this.viewChanged(change.key);
          break;
        case 'services': {
          const { row, before } = change as StoreChange<'services'>;
          const stack = row?.stack ?? before?.stack;
          if (!row) {
            this.world.memory.delete(change.key);
            this.world.statuses.delete(change.key);
          }
          if (row && before && onlyGenerations(row, before)) break;
          if (row && (row.revision !== before?.revision || row.restartNonce !== before.restartNonce))
            this.lookAgain(row.key);
          queue.addNow(change.key);
          if (stack !== undefined) {
            queue.addNow(stackKey(stack));
            this.viewChanged(stack);
          }
          break;
        }
        case 'rollouts': {
          const { row, before } = change as StoreChange<'rollouts'>;
          if (row?.resumedAt !== before?.resumedAt) this.lookAgain(change.key);
          queue.addNow(change.key);
          break;
        }
        case 'attempts': {
          const { row, before } = change as StoreChange<'attempts'>;
          // Only what others write: a replica restarted by hand.
          if (row && before && row.state === 'removing' && before.state !== 'removing') queue.addNow(row.service);
          break;
        }
        default:
          break;
      }
    }
  }

  /** The user wants it tried anew: that an image could not be had before does not count. */
  private lookAgain(service: string): void {
    const { store, images } = this.world;
    const row = store.get('services', service);
    const revision = row && store.get('revisions', revisionKey(service, row.revision));
    if (revision) images.reset(imageOf(revision.spec));
  }

  private viewChanged(stack: string): void {
    this.dirtyStacks.add(stack);
    if (this.viewTimer || this.stopped) return;
    this.viewTimer = this.options.clock.timer(viewDelay, () => {
      this.viewTimer = undefined;
      this.writeStackViews();
    });
  }

  private writeStackViews(): void {
    const { store, rows } = this.world;
    const stacks = [...this.dirtyStacks];
    this.dirtyStacks.clear();
    store.transact((transaction) => {
      for (const name of stacks) {
        const stack = store.get('stacks', name);
        if (!stack) {
          transaction.remove('stackStatus', name);
          continue;
        }
        const keys = [...rows.servicesOf(name).keys()];
        const views = keys.flatMap((key) => store.get('serviceStatus', key) ?? []);
        const view = stackViewOf(stack, views, keys.length);
        if (!same(view, store.get('stackStatus', name))) transaction.put('stackStatus', name, view);
      }
    });
  }
}

function onlyGenerations(row: { generations: unknown }, before: { generations: unknown }): boolean {
  return same({ ...row, generations: undefined }, { ...before, generations: undefined });
}
