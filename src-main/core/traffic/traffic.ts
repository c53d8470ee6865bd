/** The room: one gateway for the selected engine, its figures, and what may be asked of it. */
import { sleep, type Clock } from '../../base/clock';
import { Emitter, type Event } from '../../base/emitter';
import { DisposableStore, type Disposable } from '../../base/lifecycle';
import type { Log } from '../../base/log';
import type { CallHandlers, StreamHandlers } from '../../contract/api';
import type { trafficCalls, trafficStreams, TrafficView } from '../../contract/api/traffic';
import { fail } from '../../contract/errors';
import { feed } from '../../contract/feed';
import { sentence, type Sentence } from '../../contract/sentence';
import type { Engine } from '../engine';
import { restingNow, type HandRow, type Store } from '../store';
import { desiredOf, drainOf, type ByHand, type Desired, type Known } from './desired';
import { Figures } from './figures';
import { Gateway, type GatewayStatus } from './gateway';
import type { KeySource } from './keys';
import { usualWeight } from './model';
import { trafficView } from './view';

export interface TrafficOptions {
  store: Store;
  clock: Clock;
  log: Log;
  /** Gives a figure to the metrics room. */
  record: (metric: string, labels: Readonly<Record<string, string>>, sample: { value: number; hold?: number }) => void;
  /** Certificates with their keys, for the gateway alone. */
  keys: KeySource;
  /** Tells the time line. */
  note: (event: { kind: string; health: 'ok' | 'warning'; words: Sentence }) => void;
}

/** What the gateway knows of who is asked for; times in milliseconds, undefined where it cannot tell. */
export interface Demanded {
  /** How long nobody has asked for a service, as of the last look. */
  quiet(service: string): number | undefined;
  /** The same, asked now; given only where a request would be held if the service had no replica. */
  quietNow(service: string): Promise<number | undefined>;
  /** Somebody waits for a replica of this service. */
  onHeld: Event<string>;
}

export interface Traffic {
  calls: CallHandlers<typeof trafficCalls>;
  streams: StreamHandlers<typeof trafficStreams>;
  /** The engine to work on, as `EngineLink.onEngine` gives it. The gateway of the one before goes on without us. */
  setEngine(engine: Engine | undefined): void;
  /** Takes a container out of the set before it is stopped; resolves when its last request is done or its time is over. Never rejects. */
  release(container: string, service: string): Promise<void>;
  /** What these containers have answered, as far as the gateway runs and has counted; for the analysis of rollouts. */
  measured(containers: readonly string[]): { requests: number; errors: number; p95?: number } | undefined;
  /** Who is asked for. */
  demand: Demanded;
  /** Waits a moment for a gateway that nobody needs any more: it would stay, and hold its ports, until the next start. */
  settle(): Promise<void>;
  /** Lets go. The gateway itself runs on. */
  stop(): void;
}

/** Between two looks at the counters, milliseconds. */
const every = 1000;
/** How long a figure counts for the metrics room, milliseconds. */
const hold = 3500;

/** How long a stop waits for a gateway that goes, milliseconds. */
const farewell = 3000;

const goodEvents: ReadonlySet<string> = new Set(['started', 'certificate']);
const nobody: GatewayStatus = { state: 'absent', words: sentence('traffic.absent'), reloads: 0 };
const nothing: Desired = { frontends: [], routes: [], backends: [], routePort: 80, problems: new Map() };

/** Makes the room. */
export function createTraffic(options: TrafficOptions): Traffic {
  return new Room(options);
}

class Room implements Traffic {
  private readonly owned = new DisposableStore();
  private readonly changed = new Emitter<undefined>();
  private readonly held = new Emitter<string>();
  private hand: ByHand = { drained: new Set(), weights: new Map() };
  private figures = new Figures();
  private engine: Engine | undefined;
  private gateway: Gateway | undefined;
  private timer: Disposable | undefined;
  private stopped = false;

  constructor(private readonly options: TrafficOptions) {
    const tables = new Set([
      'services',
      'stacks',
      'revisions',
      'serviceStatus',
      'attempts',
      'rollouts',
      'hands',
      'meta',
      'certificates',
      'scalers',
    ]);
    this.owned.add(
      options.store.onCommit((changes) => {
        if (!changes.some((change) => tables.has(change.table))) return;
        if (changes.some((change) => change.table === 'hands')) this.readHands();
        if (this.gateway) this.gateway.wake();
        else this.begin();
      }),
    );
    this.readHands();
    this.tick();
  }

  readonly calls: Traffic['calls'] = {
    'traffic.get': (input) => new Promise((resolve) => resolve(this.view(input.service))),
    'traffic.drain': (input) => this.byHand(input.replica, { drained: input.drained }),
    'traffic.weight': (input) => this.byHand(input.replica, { weight: input.weight }),
  };

  readonly demand: Demanded = {
    quiet: (service) => this.gateway?.quiet(service),
    quietNow: async (service) => this.gateway?.quietNow(service),
    onHeld: this.held.event,
  };

  readonly streams: Traffic['streams'] = {
    'traffic.watch': (input, sink) => {
      this.view(input.service);
      const next = (): TrafficView | undefined => (this.known(input.service) ? this.view(input.service) : undefined);
      return feed(sink, { clock: this.options.clock, every: 250, changed: this.changed.event, next });
    },
  };

  setEngine(engine: Engine | undefined): void {
    if (engine === this.engine) return;
    this.engine = engine;
    this.gateway?.dispose();
    this.gateway = undefined;
    this.figures = new Figures();
    this.begin();
    this.changed.fire(undefined);
  }

  async release(container: string, service: string): Promise<void> {
    const spec = this.known(service)?.spec;
    await this.gateway?.release(container, spec ? drainOf(spec) : 0);
  }

  measured(containers: readonly string[]): ReturnType<Traffic['measured']> {
    return this.gateway?.line ? this.figures.sum(new Set(containers)) : undefined;
  }

  async settle(): Promise<void> {
    const { gateway } = this;
    if (gateway?.leaves) await Promise.race([gateway.idle(), sleep(this.options.clock, farewell)]);
  }

  stop(): void {
    this.stopped = true;
    this.timer?.dispose();
    this.gateway?.dispose();
    this.owned.dispose();
  }

  /** Starts the gateway's keeper, once there is an engine and this installation has a name. */
  private begin(): void {
    const { store, clock, log } = this.options;
    const installId = store.get('meta', 'meta')?.installId;
    const { engine } = this;
    if (this.stopped || this.gateway || !engine?.capabilities.gateway || installId === undefined) return;
    this.gateway = new Gateway({
      engine,
      clock,
      log,
      installId,
      desired: (taken) => desiredOf(this.all(engine.id), taken, new Set(store.keys('certificates'))),
      keys: this.options.keys,
      certificate: (name) => {
        const row = store.get('certificates', name);
        return row && { name, sha1: row.facts.sha1, version: row.version };
      },
      known: (service) => this.known(service),
      containers: () => new Set(store.all('attempts').flatMap((row) => row.containerId ?? [])),
      hand: () => this.hand,
      onHeld: (service) => this.held.fire(service),
      onChange: () => this.changed.fire(undefined),
      onEvent: (event, words) => {
        this.options.note({ kind: `gateway.${event}`, health: goodEvents.has(event) ? 'ok' : 'warning', words });
      },
    });
    this.gateway.wake();
  }

  private all(engine: string): Known[] {
    const { store } = this.options;
    return store.all('services').flatMap((row) => {
      if (store.get('stacks', row.stack)?.engine !== engine) return [];
      const known = this.known(row.key);
      // Of a service that goes, the port stays until its last replica is gone.
      if (!known || (row.removing && (known.view?.replicaList.length ?? 0) === 0)) return [];
      return [known];
    });
  }

  private known(key: string): Known | undefined {
    const { store } = this.options;
    const row = store.get('services', key);
    const revision = row && store.get('revisions', `${key}@${row.revision}`);
    if (!row || !revision) return undefined;
    const view = store.get('serviceStatus', key);
    const rollout = store.get('rollouts', key);
    const rests = restingNow(store, row, { gateway: true });
    return {
      row,
      spec: revision.spec,
      ...(view ? { view } : {}),
      ...(rollout ? { rollout } : {}),
      // Who is stopped is not waited for.
      ...(rests && 'hold' in rests && !row.stopped && !row.removing ? { hold: rests.hold } : {}),
    };
  }

  private view(key: string): TrafficView {
    const known = this.known(key);
    if (!known) throw fail('not-found', `There is no service ${key}.`, 'See the list with pilothouse ps.');
    const { gateway, figures, hand } = this;
    return trafficView({
      known,
      status: gateway?.status ?? nobody,
      desired: gateway?.desired ?? nothing,
      seats: gateway?.seats ?? new Map(),
      kept: gateway?.kept ?? new Set(),
      figures,
      hand,
      securePort: gateway?.securePort ?? 443,
      locked: gateway?.keys.failed ?? new Map(),
      possible: this.engine?.capabilities.gateway === true,
    });
  }

  private async byHand(replica: string, change: Partial<HandRow>): Promise<null> {
    const service = serviceOf(replica);
    if (!this.known(service)?.view?.replicaList.some((one) => one.id === replica)) {
      throw fail('not-found', `There is no replica ${replica}.`, 'See the list with pilothouse ps.');
    }
    this.options.store.transact((transaction) => {
      const row: HandRow = { drained: false, ...transaction.get('hands', replica), replica, ...change };
      if (!row.drained && (row.weight ?? usualWeight) === usualWeight) transaction.remove('hands', replica);
      else transaction.put('hands', replica, row);
    });
    this.gateway?.wake();
    await this.gateway?.idle();
    this.changed.fire(undefined);
    return null;
  }

  private readHands(): void {
    const rows = this.options.store.all('hands');
    this.hand = {
      drained: new Set(rows.flatMap((row) => (row.drained ? [row.replica] : []))),
      weights: new Map(rows.flatMap((row) => (row.weight === undefined ? [] : [[row.replica, row.weight] as const]))),
    };
  }

  /** What was set by hand goes with its service. */
  private sweepHands(): void {
    const { store } = this.options;
    const gone = store.all('hands').filter(({ replica }) => !store.get('services', serviceOf(replica)));
    if (gone.length === 0) return;
    store.transact((transaction) => {
      for (const { replica } of gone) transaction.remove('hands', replica);
    });
  }

  private tick(): void {
    this.timer = this.options.clock.timer(every, () => {
      this.sweepHands();
      void this.measure().finally(() => {
        if (!this.stopped) this.tick();
      });
    });
  }

  private async measure(): Promise<void> {
    const { gateway, figures } = this;
    const line = gateway?.line;
    if (!gateway || !line) return;
    const { clock, record } = this.options;
    const who = new Map<string, { container?: string; replica?: string }>();
    for (const [backend, seats] of gateway.seats) for (const one of seats) who.set(`${backend}/${one.name}`, one);
    try {
      const stats = await gateway.count();
      figures.ring(clock.monotonic(), await line.command('show events latency'));
      figures.take(clock.monotonic(), stats, (seat) => who.get(seat)?.container);
    } catch {
      return;
    }
    // Of several ports of one replica the sum, and the slower one's times.
    const sums = new Map<string, { requests: number; errors: number; p50?: number; p95?: number }>();
    for (const [seat, { replica }] of who) {
      const now = figures.now.get(seat);
      if (replica === undefined || !now) continue;
      const sum = sums.get(replica) ?? { requests: 0, errors: 0 };
      sum.requests += now.requests;
      sum.errors += now.errors;
      if (now.p50 !== undefined) sum.p50 = Math.max(sum.p50 ?? 0, now.p50);
      if (now.p95 !== undefined) sum.p95 = Math.max(sum.p95 ?? 0, now.p95);
      sums.set(replica, sum);
    }
    for (const [replica, sum] of sums) {
      const service = serviceOf(replica);
      const labels = { stack: service.slice(0, service.indexOf('/')), service, replica };
      record('gateway_requests', labels, { value: sum.requests, hold });
      record('gateway_errors', labels, { value: sum.errors, hold });
      if (sum.p50 !== undefined) record('gateway_latency_p50', labels, { value: sum.p50, hold });
      if (sum.p95 !== undefined) record('gateway_latency_p95', labels, { value: sum.p95, hold });
    }
    this.changed.fire(undefined);
  }
}

function serviceOf(replica: string): string {
  return replica.slice(0, replica.lastIndexOf('.'));
}
