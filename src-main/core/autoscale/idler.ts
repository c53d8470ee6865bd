/**
 * To zero when nobody asks, and back on the first request. Looks once a second at what may rest; before it decides, the gateway is asked
 * anew, so that a request which came meanwhile counts. What it decides the autoscaler writes down.
 */
import type { Clock } from '../../base/clock';
import type { Event } from '../../base/emitter';
import { DisposableStore, type Disposable } from '../../base/lifecycle';
import type { Log } from '../../base/log';
import { toProblem } from '../../contract/errors';
import { sentence, type Sentence } from '../../contract/sentence';
import { writeDuration } from '../metrics';
import { restingNow, type ServiceRow, type Store } from '../store';
import { idleVerdict, type IdleVerdict } from './idle';
import { boundsOf, scaledOf } from './rules';

/** What the gateway knows of who is asked for. Milliseconds; undefined where it cannot tell. */
export interface Demand {
  /** As of the last look. */
  quiet(service: string): number | undefined;
  /** Asked now, and only where a request would be held if nobody were there. */
  quietNow(service: string): Promise<number | undefined>;
  /** Somebody waits for a replica of this service. */
  onHeld: Event<string>;
}

/** An engine as rest sees it. */
export interface WorkedOn {
  id: string;
  gateway: boolean;
}

export interface IdlerOptions {
  store: Store;
  clock: Clock;
  log: Log;
  demand: Demand;
  engine: () => WorkedOn | undefined;
  /** Sets the count, with a line in the log of decisions and an event. */
  decide: (row: ServiceRow, change: { to: number; words: Sentence; event: Sentence }) => void;
}

/** Milliseconds. */
const period = 1000;
/** After the gateway said that it is no time to rest it is not asked again so soon, milliseconds. */
const patience = 5000;

export class Idler implements Disposable {
  private readonly owned = new DisposableStore();
  /** Since when services are awake with a ready replica, monotonic. */
  private readonly awake = new Map<string, number>();
  private readonly askAt = new Map<string, number>();
  private timer: Disposable | undefined;
  private busy = false;
  private disposed = false;

  constructor(private readonly options: IdlerOptions) {}

  start(): void {
    this.owned.add(this.options.demand.onHeld((service) => this.wake(service)));
    this.arm();
  }

  dispose(): void {
    this.disposed = true;
    this.timer?.dispose();
    this.owned.dispose();
  }

  private arm(): void {
    this.timer = this.options.clock.timer(period, () => {
      void this.look().finally(() => {
        if (!this.disposed) this.arm();
      });
    });
  }

  private async look(): Promise<void> {
    const engine = this.options.engine();
    if (this.busy || !engine) return;
    this.busy = true;
    const { store, log } = this.options;
    for (const key of this.awake.keys()) if (!store.get('services', key)) this.forget(key);
    for (const row of store.all('services')) {
      const home = store.get('stacks', row.stack)?.engine;
      if (home !== undefined && home !== engine.id) continue;
      try {
        await this.visit(row, engine);
      } catch (thrown) {
        // A gateway that goes away while it is asked: the next look tells.
        log('warn', 'A service could not be looked at for rest', { service: row.key, ...toProblem(thrown) });
      }
      if (this.disposed) break;
    }
    this.busy = false;
  }

  private async visit(row: ServiceRow, { gateway }: WorkedOn): Promise<void> {
    const { store, clock, demand } = this.options;
    const rests = restingNow(store, row, { gateway });
    const may = rests && 'hold' in rests && !row.stopped && !row.removing;
    if (!may) {
      this.forget(row.key);
      // Its rules changed while it was at rest: nothing would wake it any more.
      if (row.resting && row.replicas === 0 && !row.stopped && !row.removing) this.rouse(row, 'autoscale.restOver');
      else if (row.resting) this.mark(row.key, false);
      return;
    }
    // However it came to zero, the next request wakes it.
    if ((row.resting === true) !== (row.replicas === 0)) this.mark(row.key, row.replicas === 0);
    const ready = store.get('serviceStatus', row.key)?.ready ?? 0;
    const now = clock.monotonic();
    if (row.replicas === 0 || row.paused || ready === 0) return this.forget(row.key);
    const since = this.awake.get(row.key) ?? now;
    this.awake.set(row.key, since);
    const verdict = (quiet: number | undefined): IdleVerdict =>
      idleVerdict({
        idleAfter: rests.idleAfter,
        quiet,
        awake: clock.monotonic() - since,
        rolling: isRolling(store, row.key),
      });
    if (verdict(demand.quiet(row.key)) !== 'rest' || now < (this.askAt.get(row.key) ?? 0)) return;
    this.askAt.set(row.key, now + patience);
    const sure = verdict(await demand.quietNow(row.key));
    if (sure !== 'rest' || this.disposed || store.get('services', row.key) !== row) return;
    this.forget(row.key);
    const time = writeDuration(rests.idleAfter);
    this.options.decide(row, {
      to: 0,
      words: sentence('autoscale.idle', { time }),
      event: sentence('event.serviceRested', { service: row.name, from: row.replicas, time }),
    });
  }

  private wake(key: string): void {
    const { store, engine } = this.options;
    const row = store.get('services', key);
    if (!row || row.replicas > 0 || row.stopped || row.removing || this.disposed) return;
    const rests = restingNow(store, row, { gateway: engine()?.gateway === true });
    if (rests && 'hold' in rests) this.rouse(row, 'autoscale.woken');
  }

  private rouse(row: ServiceRow, code: 'autoscale.woken' | 'autoscale.restOver'): void {
    const { store, clock } = this.options;
    const scaled = scaledOf(store, row);
    const bounds = scaled?.policy && boundsOf(scaled.policy, scaled.schedules, clock.now());
    const to = Math.max(1, bounds?.min ?? 1);
    const event = code === 'autoscale.woken' ? 'event.serviceWoken' : 'event.serviceRoused';
    this.options.decide(row, { to, words: sentence(code), event: sentence(event, { service: row.name, to }) });
  }

  private mark(key: string, resting: boolean): void {
    this.options.store.transact((transaction) => {
      const row: ServiceRow | undefined = transaction.get('services', key);
      if (row) transaction.put('services', key, rested(row, resting));
    });
  }

  private forget(key: string): void {
    this.awake.delete(key);
    this.askAt.delete(key);
  }
}

/** The row, at rest or not. */
export function rested({ resting: _before, ...row }: ServiceRow, resting: boolean): ServiceRow {
  return resting ? { ...row, resting } : row;
}

function isRolling(store: Store, key: string): boolean {
  const state = store.get('rollouts', key)?.state;
  return state === 'running' || state === 'rolling-back' || state === 'paused';
}
