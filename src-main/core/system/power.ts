/**
 * The computer this runs on: asleep or awake, on battery, locked. The shell reports what the system tells it; without a shell, sleep
 * and changes of the wall clock are seen by its two hands going apart. Whoever must look again afterwards hears of it by `onWake`.
 */
import type { Clock } from '../../base/clock';
import { Emitter, type Event } from '../../base/emitter';
import { DisposableStore, type Disposable } from '../../base/lifecycle';
import type { Log } from '../../base/log';
import type { EventView, PowerState } from '../../contract/nouns';
import { sentence } from '../../contract/sentence';
import type { Store } from '../store';
import { readSettings } from './settings';

const beatEvery = 5_000;
/** So far the hands may go apart before somebody slept or set the clock: time servers move it by less. */
const slack = 10_000;
/** Awake for so long without a word, the sleep that was announced did not come. */
const calledOffAfter = 60_000;
/** Milliseconds between two samples of a container. */
const usualPace = 1_000;
const batteryPace = 5_000;

/** What the system says of itself; what is left out has not changed. */
export interface PowerReport {
  asleep?: boolean | undefined;
  battery?: boolean | undefined;
  locked?: boolean | undefined;
}

/** A stretch of wall-clock time in which nothing was watched, epoch milliseconds. */
export interface Sleep {
  from: number;
  to: number;
}

export interface PowerWorld {
  store: Store;
  clock: Clock;
  log: Log;
  /** Nothing may be written. */
  readOnly?: boolean;
}

interface Hands {
  wall: number;
  monotonic: number;
}

export class Power implements Disposable {
  private readonly waking = new Emitter<Sleep>();
  private readonly changing = new Emitter<void>();
  private readonly owned = new DisposableStore();
  private timer: Disposable | undefined;
  private seen: Hands;
  /** When the system said that it would go to sleep. */
  private fell: Hands | undefined;
  private battery = false;
  private locked = false;
  private slept: Sleep | undefined;

  /** Fires after a sleep and after a jump of the wall clock. */
  readonly onWake: Event<Sleep> = this.waking.event;
  /** Fires when `state` or `pace` may differ. */
  readonly onChange: Event<void> = this.changing.event;

  constructor(private readonly world: PowerWorld) {
    this.seen = this.hands();
    this.owned.add({ dispose: () => this.timer?.dispose() });
    this.owned.add(
      world.store.onCommit((changes) => {
        if (changes.some(({ table }) => table === 'settings')) this.changing.fire();
      }),
    );
    this.arm();
  }

  get asleep(): boolean {
    return this.fell !== undefined;
  }

  /** Milliseconds between two samples of a container. */
  get pace(): number {
    return this.battery && readSettings(this.world.store).saveBattery ? batteryPace : usualPace;
  }

  get state(): PowerState {
    const { asleep, battery, locked, pace, slept } = this;
    return { asleep, battery, locked, pace, ...(slept ? { slept } : {}) };
  }

  report({ asleep, battery, locked }: PowerReport): void {
    if (battery !== undefined) this.battery = battery;
    if (locked !== undefined) this.locked = locked;
    if (asleep === true) this.fell ??= this.hands();
    else if (asleep === false) this.awake();
    this.changing.fire();
  }

  dispose(): void {
    this.owned.dispose();
  }

  private arm(): void {
    this.timer = this.world.clock.timer(beatEvery, () => this.beat());
  }

  private hands(): Hands {
    return { wall: this.world.clock.now(), monotonic: this.world.clock.monotonic() };
  }

  private beat(): void {
    this.arm();
    const now = this.hands();
    if (Math.abs(apart(this.seen, now)) > slack) return this.awake();
    this.seen = now;
    if (this.fell && now.monotonic - this.fell.monotonic > calledOffAfter) this.awake();
  }

  /** The system is awake, or the wall clock was set: whatever was watched before has a gap. */
  private awake(): void {
    const { fell } = this;
    const now = this.hands();
    const before = fell ?? this.seen;
    const gap = apart(this.seen, now);
    this.seen = now;
    this.fell = undefined;
    const jumped = Math.abs(gap) > slack;
    if (!jumped && !fell) return;
    const sleep = { from: Math.min(before.wall, now.wall), to: now.wall };
    if (jumped) this.tell(gap, sleep, fell !== undefined);
    this.world.log('info', 'Awake', { gap: Math.round(gap), announced: fell !== undefined });
    this.waking.fire(sleep);
    this.changing.fire();
  }

  private tell(gap: number, sleep: Sleep, announced: boolean): void {
    const { store } = this.world;
    const words =
      gap < 0
        ? sentence('event.clockSetBack', { time: spanText(-gap) })
        : announced
          ? sentence('event.slept', { time: spanText(gap) })
          : sentence('event.clockWentOn', { time: spanText(gap) });
    if (gap > 0) this.slept = sleep;
    if (this.world.readOnly) return;
    const id = `${sleep.to.toString(36).padStart(9, '0')}-wake-s`;
    const event: EventView = {
      ...{ id, at: sleep.to, actor: 'system', kind: gap < 0 ? 'clock.setBack' : 'system.slept', health: 'ok' },
      ...{ words, count: 1, mark: 'event' },
    };
    store.transact((transaction) => transaction.put('events', id, event));
  }
}

/** How much further the wall clock went than the time that was lived through. */
function apart(before: Hands, now: Hands): number {
  return now.wall - before.wall - (now.monotonic - before.monotonic);
}

/** `8h12m`, `45m`, `30s`: two units at most, the same in every language. */
function spanText(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes}m`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours}h` : `${hours}h${minutes % 60}m`;
  return `${Math.floor(hours / 24)}d${hours % 24}h`;
}
