/** A list of listeners. Events announce state changes; they do not steer control flow. */
import { toDisposable, type Disposable } from './lifecycle';

/** Subscribes a listener; dispose the result to unsubscribe. */
export type Event<T> = (listener: (value: T) => void) => Disposable;

/** Calls every listener in order of subscription. A listener added while firing hears the next event only. */
export class Emitter<T> {
  private listeners: ((value: T) => void)[] = [];

  readonly event: Event<T> = (listener) => {
    // Wrapped, so that one function subscribed twice is two subscriptions.
    const own = (value: T): void => listener(value);
    this.listeners = [...this.listeners, own];
    return toDisposable(() => {
      this.listeners = this.listeners.filter((other) => other !== own);
    });
  };

  fire(value: T): void {
    for (const listener of this.listeners) listener(value);
  }

  get size(): number {
    return this.listeners.length;
  }
}
