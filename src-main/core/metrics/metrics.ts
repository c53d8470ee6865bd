/** The room put together: collector → tick → store, and the handlers of the contract's metrics calls. */
import { Emitter } from '../../base/emitter';
import { DisposableStore, type Disposable } from '../../base/lifecycle';
import { fail } from '../../contract/errors';
import { feed } from '../../contract/feed';
import type { LiveFigures, ServiceView } from '../../contract/nouns';
import type { StoreChange } from '../store';
import { Collector } from './collector';
import { replicaLabels, seriesKey, serviceLabels } from './names';
import { exposition } from './exposition';
import { preparePromql, queryAt } from './promql/query';
import { metricNames, queryViews } from './promql/views';
import { range } from './range';
import type { Usage } from './rates';
import type { Labels, Metrics, MetricsOptions, ReplicaFigures } from './seam';
import { MetricStore } from './store/metricStore';
import type { Series } from './store/series';

const second = 1000;
const day = 24 * 60 * 60 * 1000;
const defaultHold = 15_000;
const sweepEvery = 600;

/** Makes the room. Nothing runs before `start`. */
export function createMetrics(options: MetricsOptions): Metrics {
  return new MetricsRoom(options).door();
}

/** A value from elsewhere, until it is too old. */
interface Pushed {
  metric: string;
  labels: Labels;
  value: number;
  until: number;
}

/** Metrics of a container, and where its usage has them. */
const usageMetrics: readonly [string, keyof Usage][] = [
  ['cpu', 'cpu'],
  ['cpu_throttled', 'cpuThrottled'],
  ['memory', 'memory'],
  ['memory_limit', 'memoryLimit'],
  ['network_rx', 'networkRx'],
  ['network_tx', 'networkTx'],
  ['block_read', 'blockRead'],
  ['block_write', 'blockWrite'],
  ['pids', 'pids'],
];

class MetricsRoom {
  private readonly owned = new DisposableStore();
  private readonly store: MetricStore;
  private readonly collector: Collector;
  private readonly ticked = new Emitter<void>();
  private readonly services = new Map<string, ServiceView>();
  private readonly pushed = new Map<string, Pushed>();
  /** Series of a replica or service by metric, so that a tick makes no keys. */
  private readonly known = new Map<string, Map<string, Series>>();
  private replicas = new Map<string, ReplicaFigures>();
  private total: LiveFigures['total'] = { cpu: 0, memory: 0, containers: 0 };
  private at: number;
  private timer: Disposable | undefined;
  private opening: Promise<void> | undefined;
  private ticks = 0;
  private running = false;
  private stopped = false;

  constructor(private readonly options: MetricsOptions) {
    const { clock, store, files, codec, log, settings } = options;
    this.at = clock.now();
    this.store = new MetricStore({ files, codec, log, retention: () => settings().retentionDays * day });
    this.collector = this.owned.add(new Collector({ clock, store, log }));
    for (const view of store.all('serviceStatus')) this.services.set(view.key, view);
    this.owned.add(store.onCommit((changes) => this.changed(changes)));
  }

  door(): Metrics {
    return {
      calls: {
        'metrics.range': async (input) => {
          await this.ready();
          return range(this.store, input);
        },
        'metrics.query': async ({ query, at = this.options.clock.now() }) => {
          await this.ready();
          const rows = await queryAt(this.store, preparePromql(query), at);
          return { at, rows: rows.map(({ labels, value }) => ({ labels: { ...labels }, value })) };
        },
        'metrics.queryRange': async (input) => {
          await this.ready();
          return queryViews(this.store, input);
        },
        'metrics.names': async () => {
          await this.ready();
          return metricNames(this.store);
        },
      },
      streams: {
        'metrics.live': (_input, sink) => {
          let sent: number | undefined;
          const next = (): LiveFigures | undefined => {
            if (sent === this.at) return undefined;
            sent = this.at;
            return this.live();
          };
          return feed(sink, { clock: this.options.clock, every: second / 2, changed: this.ticked.event, next });
        },
      },
      start: () => this.start(),
      setEngine: (engine) => this.collector.setEngine(engine),
      pace: (period) => this.collector.pace(period),
      wake: () => this.collector.wake(),
      stop: () => this.stop(),
      figures: () => {
        const { pointsPerSecond, bytes, size, refused } = this.store;
        return { pointsPerSecond, bytes, series: size, refused };
      },
      measuring: () => this.running && this.collector.connected,
      latest: (replica) => this.replicas.get(replica),
      live: () => this.live(),
      average: (replica, metric, window) => {
        const series = this.known.get(replica)?.get(metric);
        return series && this.store.average(series, window);
      },
      record: (metric, labels, sample) => {
        const { value, hold = defaultHold } = sample;
        const until = this.options.clock.monotonic() + hold;
        this.pushed.set(seriesKey(metric, labels), { metric, labels, value, until });
      },
      exposition: () => {
        const now = this.options.clock.monotonic();
        const pushed = [...this.pushed.values()].filter(({ until }) => until >= now);
        return exposition({ containers: this.collector.counted(), services: [...this.services.values()], pushed });
      },
      reader: {
        read: async (request) => {
          await this.ready();
          return this.store.read(request);
        },
        finest: (at) => this.store.finest(at),
        series: () => this.store.series(),
        metrics: async () => {
          await this.ready();
          return this.store.metrics();
        },
      },
    };
  }

  private start(): Promise<void> {
    this.opening ??= this.store.open(this.options.clock.now()).then(() => {
      if (this.stopped) return;
      this.running = true;
      this.schedule();
    });
    this.opening.catch((thrown: unknown) => {
      this.options.log('error', 'the metrics cannot be opened', { reason: String(thrown) });
    });
    return this.opening;
  }

  private async ready(): Promise<void> {
    if (!this.opening) throw fail('internal', 'The metrics are not open.');
    try {
      await this.opening;
    } catch (thrown) {
      const reason = thrown instanceof Error ? thrown.message : 'unknown reason';
      throw fail(
        'internal',
        `The metrics could not be opened: ${reason}`,
        'The containers are not affected. Look at the disk.',
      );
    }
  }

  private async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    this.timer?.dispose();
    this.owned.dispose();
    if (!this.running) return;
    this.running = false;
    await this.store.close();
  }

  private changed(changes: readonly StoreChange[]): void {
    for (const change of changes) {
      if (change.table !== 'serviceStatus') continue;
      const view = (change as StoreChange<'serviceStatus'>).row;
      if (view) this.services.set(change.key, view);
      else this.services.delete(change.key);
    }
  }

  /** On the whole second, so that all series change at the same instants. */
  private schedule(): void {
    const { clock } = this.options;
    this.timer = clock.timer(second - (clock.now() % second), () => {
      this.tick();
      this.schedule();
    });
  }

  private tick(): void {
    this.at = this.options.clock.now();
    this.store.tick(this.at);
    this.addUsage();
    if (this.collector.connected) {
      this.writeUsage();
      this.writeServices();
      this.writeEngine();
    }
    this.writePushed();
    if (++this.ticks % sweepEvery === 0) this.sweep();
    this.ticked.fire();
  }

  /** Adds up the containers of each replica, of which there are two while one generation takes over from another. */
  private addUsage(): void {
    const replicas = new Map<string, ReplicaFigures>();
    const total = { cpu: 0, memory: 0, containers: this.collector.containers };
    this.collector.forEach((usage, replica) => {
      total.cpu += usage.cpu;
      total.memory += usage.memory;
      if (replica === undefined) return;
      const sum = replicas.get(replica);
      if (!sum) replicas.set(replica, { id: replica, at: this.at, ...usage });
      else {
        for (const [, field] of usageMetrics)
          if (usage[field] !== undefined) sum[field] = (sum[field] ?? 0) + usage[field];
      }
    });
    this.replicas = replicas;
    this.total = total;
  }

  private writeUsage(): void {
    for (const [replica, usage] of this.replicas) {
      for (const [metric, field] of usageMetrics) {
        const value = usage[field];
        if (value !== undefined) this.put(replica, metric, value);
      }
    }
  }

  private writeServices(): void {
    for (const view of this.services.values()) {
      // What has done its work is not missing.
      const done = view.replicaList.filter(({ state }) => state === 'done').length;
      this.put(view.key, 'service_wanted', Math.max(0, view.replicas - done));
      this.put(view.key, 'service_ready', view.ready);
      for (const replica of view.replicaList) {
        this.put(replica.id, 'restarts', replica.restarts);
        this.put(replica.id, 'ready', replica.state === 'ready' ? 1 : 0);
        this.put(replica.id, 'unhealthy', replica.state === 'unhealthy' ? 1 : 0);
        this.put(replica.id, 'oom_killed', replica.oomKilled ? 1 : 0);
      }
    }
  }

  private writeEngine(): void {
    const engine = this.collector.engineId;
    if (engine === undefined) return;
    const labels = { engine };
    const { cpu, memory, containers } = this.total;
    for (const [metric, value] of [
      ['engine_cpu', cpu],
      ['engine_memory', memory],
      ['engine_containers', containers],
    ] as const) {
      const series = this.store.find(metric, labels);
      if (series) this.store.put(series, value);
    }
  }

  private writePushed(): void {
    const now = this.options.clock.monotonic();
    for (const [key, { metric, labels, value, until }] of this.pushed) {
      if (until < now) this.pushed.delete(key);
      else {
        const series = this.store.find(metric, labels);
        if (series) this.store.put(series, value);
      }
    }
  }

  /** Forgets the series of replicas and services that have been gone for long. */
  private sweep(): void {
    for (const [owner, byMetric] of this.known) {
      for (const [metric, series] of byMetric) if (series.dropped) byMetric.delete(metric);
      if (byMetric.size === 0) this.known.delete(owner);
    }
  }

  /** @param owner a replica's id or a service's key */
  private put(owner: string, metric: string, value: number): void {
    let byMetric = this.known.get(owner);
    if (!byMetric) this.known.set(owner, (byMetric = new Map()));
    let series = byMetric.get(metric);
    if (!series || series.dropped) {
      const labels = metric.startsWith('service_') ? serviceLabels(owner) : replicaLabels(owner);
      series = this.store.find(metric, labels);
      if (!series) return;
      byMetric.set(metric, series);
    }
    this.store.put(series, value);
  }

  private live(): LiveFigures {
    return { at: this.at, replicas: [...this.replicas.values()].map(figuresOf), total: this.total };
  }
}

/** What the contract says of a replica, without what it does not. */
function figuresOf({ at: _at, cpuThrottled: _throttled, ...figures }: ReplicaFigures): LiveFigures['replicas'][number] {
  return figures;
}
