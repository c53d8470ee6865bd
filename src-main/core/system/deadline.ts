/** A call with an end: resolves with its answer, or rejects when time is up, whatever the callee does. */
import type { Clock } from '../../base/clock';
import { toDisposable, type Disposable, type Signal } from '../../base/lifecycle';
import { EngineError } from '../engine';

/** An abort button without the platform's AbortController. */
export class Cancel implements Signal, Disposable {
  aborted = false;
  private readonly listeners = new Set<() => void>();
  addEventListener(_type: 'abort', listener: () => void): void {
    this.listeners.add(listener);
  }
  removeEventListener(_type: 'abort', listener: () => void): void {
    this.listeners.delete(listener);
  }
  dispose(): void {
    if (this.aborted) return;
    this.aborted = true;
    for (const listener of [...this.listeners]) listener();
  }
}

/** Runs `work`, gives up after `limit` milliseconds with an `EngineError` `timeout`, and tells `work` so by the signal. */
export function within<T>(
  clock: Pick<Clock, 'timer'>,
  limit: number,
  work: (signal: Signal) => Promise<T>,
): Promise<T> {
  const cancel = new Cancel();
  return new Promise<T>((resolve, reject) => {
    const timer = clock.timer(limit, () => {
      reject(new EngineError('timeout', `no answer within ${Math.round(limit / 1000)} s`));
      cancel.dispose();
    });
    const done = toDisposable(() => timer.dispose());
    work(cancel).then(
      (value) => {
        done.dispose();
        resolve(value);
      },
      (thrown: unknown) => {
        done.dispose();
        reject(thrown instanceof Error ? thrown : new Error(String(thrown)));
      },
    );
  });
}
