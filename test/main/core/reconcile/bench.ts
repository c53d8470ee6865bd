/** A small world for tests of the controller: a memory engine, a store on a disk that outlives the app, and the app itself. */
import { seeded } from '../../../../src-main/base/random';
import type { ServiceView } from '../../../../src-main/contract/nouns';
import type { ServiceSpec, StackSpec } from '../../../../src-main/contract/spec';
import type { DiskChange, DiskRow, RowDisk } from '../../../../src-main/core/disk';
import type { Engine } from '../../../../src-main/core/engine';
import { dialerFor } from '../../../../src-main/app/probes';
import { Controller, type ControllerOptions, type Remains } from '../../../../src-main/core/reconcile';
import { changeOf, writeChange } from '../../../../src-main/core/reconcile/change';
import { Store, type AttemptRow, type ServiceRow } from '../../../../src-main/core/store';
import { MemoryEngine, type MemoryEngineOptions } from '../../../../src-main/engine/memory';
import type { Container } from '../../../../src-main/engine/memory';
import { FakeClock } from '../../../support/clock';
import { serviceSpec } from '../../../support/builders';

/** Rows that outlive the app. Each process opens it anew; the handle of a killed process writes nothing any more. */
export class TestDisk {
  readonly rows = new Map<string, DiskRow>();
  /** The rows of the attempts among them, by name. */
  readonly attempts = new Map<string, AttemptRow>();
  /** Commits in one instant before the app counts as running in circles, which would end no test: it writes nothing more then. */
  mostCommits = 5000;
  monotonic: () => number = () => 0;
  onCircles: (() => void) | undefined;
  private burst = { at: -1, commits: 0 };
  /** Called around each commit; a test may cut the handle in it, which kills the app there. */
  onCommit: ((when: 'before' | 'after') => void) | undefined;

  open(): RowDisk & { cut(): void } {
    let isCut = false;
    return {
      // Rows are never changed in place, so the new process may have the same ones.
      load: () => [...this.rows.values()],
      commit: (changes: readonly DiskChange[]) => {
        this.onCommit?.('before');
        this.watchCircles();
        if (isCut) throw new Error('killed before the commit');
        for (const { table, key, value } of changes) {
          const id = `${table}/${key}`;
          if (value === undefined) this.rows.delete(id);
          else this.rows.set(id, { table, key, value });
          if (table !== 'attempts') continue;
          if (value === undefined) this.attempts.delete(key);
          else this.attempts.set(key, value as AttemptRow);
        }
        this.onCommit?.('after');
        if (isCut) throw new Error('killed after the commit');
      },
      close: () => {},
      cut: () => {
        isCut = true;
      },
    };
  }

  private watchCircles(): void {
    const at = this.monotonic();
    const circles = this.burst.commits > this.mostCommits;
    if (!circles && at !== this.burst.at) this.burst = { at, commits: 0 };
    if (++this.burst.commits <= this.mostCommits) return;
    this.onCircles?.();
    throw new Error('the app runs in circles');
  }
}

/** A stack of the given services on one network. */
export function stackSpec(name: string, services: Record<string, Partial<ServiceSpec>>): StackSpec {
  return {
    name,
    services: Object.fromEntries(Object.entries(services).map(([key, given]) => [key, serviceSpec(given)])),
    networks: {
      default: {
        name: `${name}_default`,
        external: false,
        driverOpts: {},
        internal: false,
        attachable: false,
        enableIpv6: false,
        labels: {},
      },
    },
    volumes: {},
    configs: {},
    secrets: {},
  };
}

/** `deploy` with a few fields changed. */
export function deploy(given: Partial<ServiceSpec['deploy']>): ServiceSpec['deploy'] {
  return { ...serviceSpec().deploy, ...given };
}

/** Applies a stack to an engine as the handlers do. */
export function applyStack(store: Store, spec: StackSpec, at: { engine: string; now: number }): void {
  const stack = store.get('stacks', spec.name);
  const of = <Row extends { service: string }>(rows: Row[], key: string): Row[] =>
    rows.filter((row) => row.service === key);
  const change = changeOf({
    spec,
    source: { files: [{ name: 'compose.yaml', text: '' }] },
    ...at,
    ...(stack ? { stack } : {}),
    services: store.all('services').filter((row) => row.stack === spec.name),
    revisions: (key) => new Map(of(store.all('revisions'), key).map((row) => [row.revision, row])),
    rollout: (key) => store.get('rollouts', key),
    attempts: (key) => of(store.all('attempts'), key),
    yaml: () => '',
  });
  if (change.changed) store.transact((transaction) => writeChange(change, transaction));
}

export interface WorldOptions extends Partial<Omit<MemoryEngineOptions, 'clock'>> {
  seed?: number;
  controller?: Partial<ControllerOptions>;
}

/** Everything of one test; `kill` and `launch` end and begin the app's process. */
export class TestWorld {
  readonly clock = new FakeClock();
  readonly disk = new TestDisk();
  engine: MemoryEngine;
  store: Store;
  controller: Controller;
  private readonly seed: number;
  private handle = this.disk.open();

  constructor(private readonly options: WorldOptions = {}) {
    const { seed = 1, controller: _, ...rest } = options;
    this.seed = seed;
    this.engine = new MemoryEngine({
      random: seeded(seed),
      images: [{ reference: 'web:1' }],
      ...rest,
      clock: this.clock,
    });
    this.disk.monotonic = () => this.clock.monotonic();
    this.store = new Store(this.handle);
    this.controller = this.make();
  }

  /** The link takes the engine anew, as after an upgrade of it: the same app makes its next controller. */
  async another(): Promise<void> {
    this.controller.dispose();
    this.controller = this.make(this.controller.remains());
    this.controller.start();
    await this.clock.settle();
  }

  protected make(before?: Remains): Controller {
    return new Controller({ ...(before ? { before } : {}), ...this.optionsFor(this.engine) });
  }

  /** What a controller of this world is made with. */
  protected optionsFor(engine: Engine): ControllerOptions {
    return {
      store: this.store,
      engine,
      clock: this.clock,
      random: seeded(this.seed + 1),
      dialer: dialerFor(engine),
      ...this.options.controller,
      ...this.hooks(),
    };
  }

  /** What else a test gives the controller. Called while the world is being made. */
  protected hooks(): Partial<ControllerOptions> {
    return {};
  }

  start(): this {
    this.controller.start();
    return this;
  }

  /** The app is killed: no answer reaches it, nothing more is written. A new process starts on the same disk and engine. */
  async restart(): Promise<void> {
    this.kill();
    await this.launch();
  }

  kill(): void {
    this.detach();
    this.handle.cut();
    try {
      this.end();
    } catch {
      // A dead process flushes nothing.
    }
  }

  async launch(): Promise<void> {
    this.attach();
    this.handle = this.disk.open();
    this.store = new Store(this.handle);
    this.prepare();
    await this.boot();
  }

  /** The process lets go of the engine, and a new one takes it. */
  protected detach(): void {
    this.engine.detach();
  }

  protected attach(): void {
    this.engine = this.engine.attach();
  }

  /** The app begins, and ends. */
  protected async boot(): Promise<void> {
    this.controller = this.make();
    this.controller.start();
    await this.clock.settle();
  }

  protected end(): void {
    this.controller.dispose();
  }

  /** Called before a new process begins, for tests that watch the engine. */
  protected prepare(): void {}

  /** Applies a stack as the handlers do. */
  apply(spec: StackSpec): void {
    applyStack(this.store, spec, { engine: this.engine.id, now: this.clock.now() });
  }

  remove(stack: string, volumes = false): void {
    this.store.transact((transaction) => {
      const row = transaction.get('stacks', stack);
      if (row) transaction.put('stacks', stack, { ...row, removing: { volumes } });
      for (const service of this.store.all('services')) {
        if (service.stack === stack) transaction.put('services', service.key, { ...service, removing: true });
      }
    });
  }

  scale(service: string, replicas: number): void {
    this.change(service, { replicas });
  }

  change(service: string, change: Partial<ServiceRow>): void {
    this.store.transact((transaction) => {
      const row = transaction.get('services', service);
      if (row) transaction.put('services', service, { ...row, ...change });
    });
  }

  /** Containers of ours in the engine, by name. */
  containers(state?: Container['state']): string[] {
    return this.engine.hand
      .containers()
      .filter((container) => state === undefined || container.state === state)
      .map((container) => container.name)
      .sort();
  }

  view(service: string): ServiceView | undefined {
    return this.store.get('serviceStatus', service);
  }

  /** Waits until every service is as well as it will be: all ready, done or off. Returns the time it took. */
  well(limit = 300_000): Promise<number> {
    return this.clock.until(() => {
      const services = this.store.all('services');
      const views = services.map((row) => this.store.get('serviceStatus', row.key));
      return this.controller.idle && views.every((view) => view && (view.health === 'ok' || view.health === 'off'));
    }, limit);
  }

  dispose(): void {
    this.end();
    this.engine.dispose();
  }
}
