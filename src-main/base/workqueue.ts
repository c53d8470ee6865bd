/**
 * A queue of keys with the rules of Kubernetes' client-go workqueue: a key is in it at most once; a key added while it is being
 * worked on is worked on once more afterwards; one key never has two workers; failures come back with capped, jittered back-off.
 */
import type { Clock } from './clock';
import type { Disposable } from './lifecycle';
import type { Random } from './random';

/** How a queue behaves; times in milliseconds. */
export interface WorkQueueOptions {
  clock: Clock;
  random: Random;
  /** Does one key's work. A rejection re-adds the key with back-off; `work` reports it itself. */
  work: (key: string) => Promise<void>;
  /** Keys worked on at once. */
  concurrency: number;
  /** First delay after a failure. */
  baseDelay?: number;
  /** Longest delay after failures. */
  maxDelay?: number;
  /** Least time between two starts of one key; later adds are folded together. */
  minInterval?: number;
  onError?: (key: string, thrown: unknown) => void;
}

/** Delay before try `failures + 1`: doubling from `base` to `cap`, spread over ±20 % so that equals do not march in step. */
export function backoffDelay(failures: number, options: { base: number; cap: number; random: Random }): number {
  if (failures <= 0) return 0;
  const plain = Math.min(options.cap, options.base * 2 ** Math.min(failures - 1, 30));
  return Math.min(options.cap, plain * (0.8 + 0.4 * options.random()));
}

/** See the file's comment. `dispose` lets running work end and starts nothing more. */
export class WorkQueue implements Disposable {
  /** Keys that need work; a key being worked on may be in it too. Insertion order is the order of work. */
  private readonly dirty = new Set<string>();
  private readonly processing = new Set<string>();
  private readonly failures = new Map<string, number>();
  private readonly startedAt = new Map<string, number>();
  private readonly waiting = new Map<string, { at: number; timer: Disposable }>();
  private disposed = false;
  /** How many times work was started, for tests and the status bar. */
  starts = 0;

  constructor(private readonly options: WorkQueueOptions) {}

  /** Marks a key dirty now. */
  add(key: string): void {
    if (this.disposed || this.dirty.has(key)) return;
    const interval = this.options.minInterval ?? 0;
    if (interval > 0) {
      const last = this.startedAt.get(key);
      const now = this.options.clock.monotonic();
      if (last !== undefined && now - last < interval) {
        this.addAfter(key, last + interval - now);
        return;
      }
    }
    this.cancelWait(key);
    this.dirty.add(key);
    this.pump();
  }

  /** Marks a key dirty now, whatever `minInterval` says: for results of our own acts. */
  addNow(key: string): void {
    if (this.disposed || this.dirty.has(key)) return;
    this.cancelWait(key);
    this.dirty.add(key);
    this.pump();
  }

  /** Marks a key dirty after `delay`; of two waits for one key the earlier counts. */
  addAfter(key: string, delay: number): void {
    if (this.disposed) return;
    if (delay <= 0) {
      this.addNow(key);
      return;
    }
    const at = this.options.clock.monotonic() + delay;
    const old = this.waiting.get(key);
    if (old && old.at <= at) return;
    old?.timer.dispose();
    const timer = this.options.clock.timer(delay, () => {
      this.waiting.delete(key);
      this.addNow(key);
    });
    this.waiting.set(key, { at, timer });
  }

  /** Marks a key dirty after its back-off, which grows with each call until `forget`. */
  addRateLimited(key: string): void {
    const failures = (this.failures.get(key) ?? 0) + 1;
    this.failures.set(key, failures);
    const base = this.options.baseDelay ?? 250;
    const cap = this.options.maxDelay ?? 30_000;
    this.addAfter(key, backoffDelay(failures, { base, cap, random: this.options.random }));
  }

  /** Ends a key's back-off: its next failure waits `baseDelay` again. */
  forget(key: string): void {
    this.failures.delete(key);
  }

  /** Forgets everything about a key that will not come back. */
  drop(key: string): void {
    this.cancelWait(key);
    this.dirty.delete(key);
    this.failures.delete(key);
    this.startedAt.delete(key);
  }

  /** Keys due or being worked on; waiting ones are not counted. */
  get active(): number {
    return this.dirty.size + this.processing.size;
  }

  /** Keys whose time has not come. */
  get delayed(): number {
    return this.waiting.size;
  }

  dispose(): void {
    this.disposed = true;
    this.dirty.clear();
    for (const { timer } of this.waiting.values()) timer.dispose();
    this.waiting.clear();
  }

  private cancelWait(key: string): void {
    this.waiting.get(key)?.timer.dispose();
    this.waiting.delete(key);
  }

  private pump(): void {
    if (this.disposed || this.processing.size >= this.options.concurrency) return;
    for (const key of this.dirty) {
      if (this.processing.size >= this.options.concurrency) return;
      if (this.processing.has(key)) continue;
      this.dirty.delete(key);
      this.processing.add(key);
      if (this.options.minInterval) this.startedAt.set(key, this.options.clock.monotonic());
      this.starts += 1;
      void this.run(key);
    }
  }

  private async run(key: string): Promise<void> {
    try {
      // Not synchronously from `add`: whoever adds a key must not find its work half done when `add` returns.
      await Promise.resolve();
      if (!this.disposed) await this.options.work(key);
      this.forget(key);
    } catch (thrown) {
      this.options.onError?.(key, thrown);
      if (!this.disposed && !this.dirty.has(key)) this.addRateLimited(key);
    } finally {
      this.processing.delete(key);
      this.pump();
    }
  }
}
