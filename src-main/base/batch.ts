/** Collects items and hands them on together: at the latest after a while, at once when there are many. */
import type { Clock } from './clock';
import { toDisposable, type Disposable } from './lifecycle';

export interface BatchOptions<T> {
  clock: Clock;
  /** Milliseconds the first item of a batch waits at most. */
  delay: number;
  /** A batch of so many items is handed on without waiting. */
  limit: number;
  flush: (items: T[]) => void;
}

/** A batch in the making. Disposing it drops what waits; call `flush` before when that must not be lost. */
export class Batch<T> implements Disposable {
  private items: T[] = [];
  private timer: Disposable | undefined;
  private disposed = false;

  constructor(private readonly options: BatchOptions<T>) {}

  get waiting(): number {
    return this.items.length;
  }

  /** Adds an item; ignored after disposal. */
  add(item: T): void {
    if (this.disposed) return;
    this.items.push(item);
    if (this.items.length >= this.options.limit) this.flush();
    else this.timer ??= this.options.clock.timer(this.options.delay, () => this.flush());
  }

  /** Hands on what waits, now. Items added by the receiver belong to the next batch. */
  flush(): void {
    this.stopTimer();
    if (this.items.length === 0 || this.disposed) return;
    const items = this.items;
    this.items = [];
    this.options.flush(items);
  }

  dispose(): void {
    this.disposed = true;
    this.items = [];
    this.stopTimer();
  }

  private stopTimer(): void {
    this.timer?.dispose();
    this.timer = undefined;
  }
}

/** Runs `work` at most once per `delay` milliseconds however often it is asked for, and always once after the last asking. */
export function coalesce(clock: Clock, options: { delay: number; work: () => void }): { ask(): void } & Disposable {
  const batch = new Batch<true>({ clock, delay: options.delay, limit: Number.MAX_SAFE_INTEGER, flush: options.work });
  const stop = toDisposable(() => batch.dispose());
  return {
    ask() {
      if (batch.waiting === 0) batch.add(true);
    },
    dispose: () => stop.dispose(),
  };
}
