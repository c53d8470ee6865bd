/**
 * The loop: every fifteen seconds each service with rules is looked at, and its wanted count written where the reconciler finds it.
 * Asleep, with the engine away and for a moment after, nothing is decided: figures from then mean nothing.
 */
import type { Clock } from '../../base/clock';
import { Emitter, type Event } from '../../base/emitter';
import { DisposableStore, type Disposable } from '../../base/lifecycle';
import type { Log } from '../../base/log';
import type { ScaleDecision, ScaleReading } from '../../contract/api/autoscale';
import { toProblem } from '../../contract/errors';
import { sentence, type Sentence } from '../../contract/sentence';
import type { MetricsReader } from '../metrics';
import { restingNow, type ScalerRow, type ServiceRow, type Store, type StoreChange, type Transaction } from '../store';
import { emptyMemory, remember, type Memory } from './behavior';
import { writeFigure } from './figure';
import { Idler, rested, type Demand, type WorkedOn } from './idler';
import { loadNow, window } from './loads';
import { ReplicaTimes } from './replicaTimes';
import type { Proposal } from './replicas';
import { boundsOf, propose, scaledOf, type Scaled } from './rules';
import { dueCount } from './schedules';
import { step, type Step } from './step';

/** Milliseconds; Kubernetes' own period. */
export const period = 15_000;
const settleFor = 30_000;
const clockSlack = 3_000;
const mostDecisions = 100;
/** Why a service stays as it is, where that is worth a line in its log. */
const noteworthy: ReadonlySet<string> = new Set([
  'autoscale.missing',
  'autoscale.partly',
  'autoscale.rollout',
  'autoscale.limited',
  'autoscale.atMax',
]);

export interface AutoscalerOptions {
  store: Store;
  clock: Clock;
  log: Log;
  reader: MetricsReader;
  /** Whether an engine is there to be measured. */
  measuring: () => boolean;
  demand: Demand;
  /** The engine that is worked on, and whether it can run a gateway. */
  engine: () => WorkedOn | undefined;
}

/** What the last look at a service showed. */
export interface Look {
  at: number;
  words: Sentence;
  wanted?: number;
  readings: ScaleReading[];
}

export class Autoscaler implements Disposable {
  private readonly owned = new DisposableStore();
  private readonly memories = new Map<string, Memory>();
  private readonly looks = new Map<string, Look>();
  private readonly times = new ReplicaTimes();
  private readonly looked = new Emitter<void>();
  private readonly idler: Idler;
  private timer: Disposable | undefined;
  private busy = false;
  private disposed = false;
  private serial = 0;
  private lookedAt: { wall: number; monotonic: number } | undefined;
  private settledAt = 0;

  constructor(private readonly options: AutoscalerOptions) {
    const { store, clock } = options;
    for (const view of store.all('serviceStatus')) this.times.note(view, clock.now());
    this.owned.add(store.onCommit((changes) => this.changed(changes)));
    this.idler = this.owned.add(
      new Idler({
        ...options,
        decide: (row, { to, words, event }) => {
          this.write(row.key, { at: clock.now(), from: row.replicas, to, words, readings: [] }, event);
          // What it was when it was awake says nothing about afterwards.
          this.forget(row.key);
        },
      }),
    );
  }

  /** Fires after each round. */
  get onLooked(): Event<void> {
    return this.looked.event;
  }

  start(): void {
    this.settledAt = this.options.clock.monotonic() + settleFor;
    this.idler.start();
    this.arm();
  }

  dispose(): void {
    this.disposed = true;
    this.timer?.dispose();
    this.owned.dispose();
  }

  look(service: string): Look | undefined {
    return this.looks.get(service);
  }

  /** Rules have changed: what was right by the old ones says nothing. */
  forget(service: string): void {
    this.memories.delete(service);
    this.looks.delete(service);
  }

  /** Looks at every service. Called by the clock; tests may call it, too. */
  async round(): Promise<void> {
    if (this.busy || this.disposed) return;
    this.busy = true;
    try {
      const awake = this.isAwake();
      for (const row of this.options.store.all('services')) {
        if (this.disposed) return;
        try {
          await this.visit(row.key, awake);
        } catch (thrown) {
          this.options.log('error', 'A service could not be scaled', { service: row.key, ...toProblem(thrown) });
        }
      }
      this.looked.fire();
    } finally {
      this.busy = false;
    }
  }

  private arm(): void {
    this.timer = this.options.clock.timer(period, () => {
      void this.round().finally(() => {
        if (!this.disposed) this.arm();
      });
    });
  }

  /** The engine is measured, has been for a while, and neither the lid nor the clock moved. */
  private isAwake(): boolean {
    const { clock, measuring } = this.options;
    const now = { wall: clock.now(), monotonic: clock.monotonic() };
    const before = this.lookedAt ?? now;
    this.lookedAt = now;
    const jumped = Math.abs(now.wall - before.wall - (now.monotonic - before.monotonic)) > clockSlack;
    if (jumped || !measuring()) this.settledAt = now.monotonic + settleFor;
    if (now.monotonic >= this.settledAt) return true;
    this.memories.clear();
    return false;
  }

  private async visit(key: string, awake: boolean): Promise<void> {
    const { store, clock } = this.options;
    const row = store.get('services', key);
    const scaled = row && scaledOf(store, row);
    if (!scaled || row.removing) return;
    const now = clock.now();
    this.followSchedules(scaled, now);
    const current = store.get('services', key)?.replicas ?? row.replicas;
    const show = (words: Sentence): void => {
      this.looks.set(key, { at: now, words, readings: [] });
    };
    const { policy } = scaled;
    if (!policy) return void this.looks.delete(key);
    if (row.stopped || row.paused) return show(sentence('autoscale.stopped'));
    if (current === 0 && row.resting && boundsOf(policy, scaled.schedules, now).min > 0)
      return show(sentence('autoscale.atRest'));
    if (!awake) return show(sentence('autoscale.settling'));

    const proposals: Proposal[] = [];
    for (const metric of policy.metrics) {
      const load = await loadNow(this.options.reader, key, metric, now);
      const replicas = store.get('serviceStatus', key)?.replicaList ?? [];
      const cpu = metric.metric === 'cpu';
      const seen = (values: ReadonlyMap<string, number>): ReturnType<ReplicaTimes['seen']>[] =>
        replicas.map((replica) => this.times.seen(replica, values.get(replica.id), { cpu, now, window }));
      const ready = replicas.filter(({ state }) => state === 'ready').length;
      proposals.push(propose({ policy, metric, spec: scaled.spec, current, ready, load, seen }));
    }
    // Reading took time: what was found is for the service as it was.
    if (this.disposed || !this.unchanged(scaled, current)) return;
    const bounds = boundsOf(policy, scaled.schedules, now);
    const state = store.get('rollouts', key)?.state;
    const rolling = state === 'running' || state === 'rolling-back' || state === 'paused';
    const outcome = step(
      { policy, bounds, current, proposals, rolling, now: clock.monotonic() },
      this.memories.get(key) ?? emptyMemory,
    );
    this.memories.set(key, outcome.memory);
    const readings = policy.metrics.map((metric, index): ScaleReading => {
      const proposal = proposals[index];
      return proposal ? { ...metric, ...proposal } : metric;
    });
    this.conclude(scaled, current, { outcome, readings, bounds, now });
  }

  private unchanged({ row, scaler }: Scaled, current: number): boolean {
    const { store } = this.options;
    const fresh = store.get('services', row.key);
    return (
      fresh !== undefined &&
      fresh.replicas === current &&
      fresh.revision === row.revision &&
      !fresh.stopped &&
      !fresh.removing &&
      !fresh.paused &&
      store.get('scalers', row.key)?.policy === scaler?.policy
    );
  }

  private conclude(
    { row, policy }: Scaled,
    current: number,
    found: { outcome: Step; readings: ScaleReading[]; bounds: { min: number; max: number }; now: number },
  ): void {
    const { outcome, readings, bounds, now } = found;
    const { to, wanted, leading } = outcome;
    const metric = leading === undefined ? undefined : policy?.metrics[leading];
    const value = leading === undefined ? undefined : readings[leading]?.value;
    const because =
      metric && value !== undefined
        ? {
            metric: metric.metric,
            value: writeFigure(metric, value),
            target: writeFigure(metric, metric.target),
          }
        : undefined;
    const words = outcome.words.code === 'autoscale.metric' ? sentence('autoscale.metric', because) : outcome.words;
    this.looks.set(row.key, { at: now, words, readings, ...(wanted === undefined ? {} : { wanted }) });
    const decision: ScaleDecision = { at: now, from: current, to, words, readings };
    if (to === current) {
      const last = this.options.store.get('scalers', row.key)?.decisions[0];
      if (!noteworthy.has(words.code) || (last && last.from === last.to && last.words.code === words.code)) return;
      this.options.store.transact((transaction) => this.log(transaction, row.key, decision));
      return;
    }
    const change = { service: row.name, from: current, to };
    const event =
      words.code === 'autoscale.metric' && because
        ? sentence('event.serviceAutoscaled', { ...change, ...because })
        : sentence('event.serviceBounded', { ...change, ...bounds });
    this.write(row.key, decision, event);
  }

  /** What was due since the last look, once. */
  private followSchedules({ row, schedules, scaler }: Scaled, now: number): void {
    const { store, clock } = this.options;
    if (schedules.length === 0) return;
    const due = scaler ? dueCount(schedules, scaler.scheduledAt, now) : undefined;
    if (!scaler || due) {
      store.transact((transaction) =>
        transaction.put('scalers', row.key, { ...this.scaler(transaction, row.key), scheduledAt: now }),
      );
    }
    if (!due || due.replicas === row.replicas || row.removing) return;
    const { cron } = due.schedule;
    const { replicas: to } = due;
    const words = sentence('autoscale.schedule', { cron });
    const decision: ScaleDecision = { at: now, from: row.replicas, to, words, readings: [] };
    const event = sentence('event.serviceScheduled', { service: row.name, from: row.replicas, to, cron });
    this.write(row.key, decision, event);
    const memory = this.memories.get(row.key);
    if (memory) {
      this.memories.set(row.key, remember(memory, { from: row.replicas, to, at: clock.monotonic() }));
    }
  }

  private write(key: string, decision: ScaleDecision, words: Sentence): void {
    const { store } = this.options;
    const { from, to, at } = decision;
    store.transact((transaction) => {
      const row: ServiceRow | undefined = transaction.get('services', key);
      if (!row || row.replicas !== from) return;
      const id = `${at.toString(36).padStart(9, '0')}-${(++this.serial).toString(36)}-a`;
      const event = { id, at, actor: 'controller', kind: 'service.autoscaled', health: 'ok', words } as const;
      transaction.put('events', id, { ...event, stack: row.stack, service: key, count: 1, mark: 'event' });
      // Behind the gateway once, behind it for good: its port must not move to and fro.
      const fronted = Math.max(from, to) > 1 ? { fronted: true } : {};
      const resting = to === 0 && this.mayRest(row);
      transaction.put('services', key, rested({ ...row, replicas: to, ...fronted, updatedAt: at, event: id }, resting));
      this.log(transaction, key, decision);
    });
  }

  private mayRest(row: ServiceRow): boolean {
    const rests = restingNow(this.options.store, row, { gateway: this.options.engine()?.gateway === true });
    return rests !== undefined && 'hold' in rests;
  }

  private log(transaction: Transaction, key: string, decision: ScaleDecision): void {
    const scaler = this.scaler(transaction, key);
    const decisions = [decision, ...scaler.decisions].slice(0, mostDecisions);
    transaction.put('scalers', key, { ...scaler, decisions });
  }

  private scaler(transaction: Transaction, service: string): ScalerRow {
    return transaction.get('scalers', service) ?? { service, scheduledAt: this.options.clock.now(), decisions: [] };
  }

  private changed(changes: readonly StoreChange[]): void {
    for (const change of changes) {
      if (change.table === 'serviceStatus') {
        const view = (change as StoreChange<'serviceStatus'>).row;
        if (view) this.times.note(view, this.options.clock.now());
        else this.times.forget(change.key);
      } else if (change.table === 'services' && change.row === undefined) {
        this.forget(change.key);
        const { store } = this.options;
        // Not within the commit that is being told of.
        if (store.get('scalers', change.key))
          this.options.clock.timer(0, () => {
            if (!this.disposed && !store.get('services', change.key))
              store.transact((transaction) => transaction.remove('scalers', change.key));
          });
      }
    }
  }
}
