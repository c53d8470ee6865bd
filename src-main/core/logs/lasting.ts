/**
 * A store that outlives its thread: when the thread ends by itself, a new one is opened on the same files. Nothing taken meanwhile is
 * lost: the intake offers a batch until it is accepted, and a batch that was written although its answer never came is recognised by its
 * ordinals.
 */
import type { Clock } from '../../base/clock';
import type { Disposable } from '../../base/lifecycle';
import type { Random } from '../../base/random';
import { fail } from '../../contract/errors';
import type { AppendBatch } from './ingest/intake';
import type { Lane, LogSource } from './line';
import type { LogStore } from './store';

/** Milliseconds before each try; the last one repeats. */
export const reopenDelays = [250, 1000, 4000, 15_000, 60_000] as const;
/** A thread that lived so long, milliseconds, was well: the next end begins with the shortest delay again. */
const wellAfter = 60_000;

/** The delay before a try, spread so that nothing happens in step. */
export function reopenDelay(attempt: number, random: Random): number {
  return (reopenDelays[Math.min(attempt, reopenDelays.length - 1)] ?? 60_000) * (0.8 + 0.4 * random());
}

export interface LastingTools {
  clock: Clock;
  random: Random;
  open(): Promise<LogStore>;
  /** The thread ended, or could not be started again. */
  onLost(reason: unknown): void;
  onReopened(): void;
}

/** Keeps a store open. `first` is the store that is open now. */
export function lastingStore(first: LogStore, tools: LastingTools): LogStore {
  const keeper = new Keeper(tools);
  keeper.use(first);
  return {
    state: () => keeper.store().state(),
    append: (batch) => keeper.append(batch),
    page: (request, signal) => keeper.store().page(request, signal),
    histogram: (request, signal) => keeper.store().histogram(request, signal),
    facets: (request, signal) => keeper.store().facets(request, signal),
    patterns: (request, signal) => keeper.store().patterns(request, signal),
    setBudget: (budget) => keeper.store().setBudget(budget),
    figures: () => keeper.store().figures(),
    close: () => keeper.close(),
  };
}

class Keeper {
  private current: LogStore | undefined;
  private attempts = 0;
  private since = 0;
  private retry: Disposable | undefined;
  private closed = false;
  /** Everything ever declared: a new thread knows only what its files say. */
  private readonly lanes = new Map<number, Lane>();
  private readonly sources = new Map<number, LogSource>();
  private undeclared = false;

  constructor(private readonly tools: LastingTools) {}

  use(store: LogStore): void {
    this.current = store;
    this.since = this.tools.clock.monotonic();
    void store.lost?.then((reason) => {
      if (this.current !== store || this.closed) return;
      this.current = undefined;
      if (this.tools.clock.monotonic() - this.since > wellAfter) this.attempts = 0;
      this.tools.onLost(reason);
      this.later();
    });
  }

  store(): LogStore {
    if (this.current) return this.current;
    const absent = Promise.reject(
      fail('internal', 'The log store has stopped and is being opened again.', 'The containers are not affected.'),
    );
    // Handled by whoever asked; the methods not asked for must not count as unhandled.
    absent.catch(() => undefined);
    const answer = (): Promise<never> => absent;
    return {
      state: answer,
      append: answer,
      page: answer,
      histogram: answer,
      facets: answer,
      patterns: answer,
      setBudget: answer,
      figures: answer,
      close: answer,
    };
  }

  async append(batch: AppendBatch): Promise<void> {
    for (const lane of batch.newLanes) this.lanes.set(lane.number, lane);
    for (const { number, source } of batch.newSources) this.sources.set(number, source);
    const store = this.store();
    if (!this.undeclared) return store.append(batch);
    const newSources = [...this.sources].map(([number, source]) => ({ number, source }));
    await store.append({ ...batch, newLanes: [...this.lanes.values()], newSources });
    if (store === this.current) this.undeclared = false;
  }

  async close(): Promise<void> {
    this.closed = true;
    this.retry?.dispose();
    await this.current?.close();
  }

  private later(): void {
    const { clock, random } = this.tools;
    this.retry = clock.timer(reopenDelay(this.attempts++, random), () => void this.reopen());
  }

  private async reopen(): Promise<void> {
    try {
      const store = await this.tools.open();
      // A thread that cannot open its files says so only when it is asked.
      await store.state();
      if (this.closed) return await store.close();
      this.undeclared = true;
      this.use(store);
      this.tools.onReopened();
    } catch (thrown) {
      if (this.closed) return;
      this.tools.onLost(thrown);
      this.later();
    }
  }
}
