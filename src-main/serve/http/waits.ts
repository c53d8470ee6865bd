/** Everybody who waits for news of items. A release wakes those who wait for it, and nobody looks around in between. */
import type { Clock } from '../../base/clock';
import { DisposableStore, type Disposable } from '../../base/lifecycle';
import type { Config } from '../../app/config';

interface Waiter {
  keys: readonly string[];
  /** Looks at the whole truth; true when it has answered. */
  look: () => boolean;
}

/** Waiters at once, over all clients. */
const most = 8000;

export class Waits implements Disposable {
  private readonly byKey = new Map<string, Set<Waiter>>();
  private readonly subscription: Disposable;
  private count = 0;
  private readonly open = new Set<() => void>();

  constructor(
    private readonly clock: Clock,
    config: Config,
  ) {
    this.subscription = config.onRelease((keys) => this.wake(keys));
  }

  get size(): number {
    return this.count;
  }

  /**
   * Waits until `look` gives an answer, at most `hold` milliseconds; undefined when the time is over or the client is gone, and at once
   * when there are too many. Registered before the first look, so that no release is lost in between.
   */
  wait<T>(
    keys: readonly string[],
    hold: number,
    look: () => T | undefined,
    gone?: (end: () => void) => void,
  ): Promise<T | undefined> {
    if (this.count >= most) return Promise.resolve(look());
    return new Promise((resolve) => {
      const owned = new DisposableStore();
      let over = false;
      const end = (value?: T): void => {
        if (over) return;
        over = true;
        owned.dispose();
        this.remove(waiter);
        this.open.delete(end);
        resolve(value);
      };
      const waiter: Waiter = {
        keys: [...new Set(keys.map(canonical))],
        look: () => {
          const value = look();
          if (value !== undefined) end(value);
          return over;
        },
      };
      this.add(waiter);
      this.open.add(end);
      if (waiter.look()) return;
      owned.add(this.clock.timer(hold, () => end()));
      gone?.(() => end());
    });
  }

  /** Calls `look` whenever one of the keys has news, until disposed. */
  follow(keys: readonly string[], look: () => void): Disposable {
    const waiter: Waiter = {
      keys: [...new Set(keys.map(canonical))],
      look: () => {
        look();
        return false;
      },
    };
    this.add(waiter);
    return { dispose: () => this.remove(waiter) };
  }

  dispose(): void {
    this.subscription.dispose();
    for (const end of [...this.open]) end();
  }

  private wake(keys: ReadonlySet<string>): void {
    const woken = new Set<Waiter>();
    for (const key of keys) for (const waiter of this.byKey.get(canonical(key)) ?? []) woken.add(waiter);
    for (const waiter of woken) waiter.look();
  }

  private add(waiter: Waiter): void {
    this.count += 1;
    for (const key of waiter.keys) {
      const set = this.byKey.get(key) ?? new Set();
      set.add(waiter);
      this.byKey.set(key, set);
    }
  }

  private remove(waiter: Waiter): void {
    let had = false;
    for (const key of waiter.keys) {
      const set = this.byKey.get(key);
      had = set?.delete(waiter) === true || had;
      if (set?.size === 0) this.byKey.delete(key);
    }
    if (had) this.count -= 1;
  }
}

/** Apollo knows neither letter case nor the ending of its usual format; waking somebody for nothing costs one look. */
export function canonical(key: string): string {
  return key.toLowerCase().replace(/\.properties$/, '');
}
