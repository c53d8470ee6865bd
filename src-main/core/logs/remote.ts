/** The store in another thread: the same interface as messages of plain data over any port. */
import type { Signal } from '../../base/lifecycle';
import { fail, PilothouseError, toProblem, type Problem } from '../../contract/errors';
import type { LogHistogram, LogPage, LogPatterns } from '../../contract/api/observe';
import type { AppendBatch, IntakeState } from './ingest/intake';
import type { LogBudget } from './segment/retention';
import type {
  Facet,
  FacetRequest,
  HistogramRequest,
  LogStore,
  PageRequest,
  PatternRequest,
  StoreFigures,
} from './store';

type StoreMethod = Exclude<keyof LogStore, 'lost'>;

/** One message; plain data that survives structured clone. */
export type StoreMessage =
  | { t: 'ask'; id: number; method: StoreMethod; input: unknown }
  | { t: 'cancel'; id: number }
  | { t: 'answer'; id: number; value: unknown }
  | { t: 'refuse'; id: number; problem: Problem };

/** One end of a channel between threads. */
export interface StorePort {
  post(message: StoreMessage): void;
  onMessage(listener: (message: StoreMessage) => void): void;
  /** The other end is gone; why, where that is known. */
  onClose(listener: (reason?: unknown) => void): void;
}

/** Serves a store that is being opened; messages that come before it is open wait for it. */
export function serveLogStore(port: StorePort, opening: Promise<LogStore>): void {
  const running = new Map<number, () => void>();
  // Handled where it is awaited; here it only must not count as unhandled.
  opening.catch(() => undefined);
  port.onMessage((message) => {
    if (message.t === 'cancel') running.get(message.id)?.();
    if (message.t !== 'ask') return;
    const { id, method, input } = message;
    const cancel = new Cancel();
    running.set(id, () => cancel.abort());
    opening
      .then((store) => perform(store, { method, input, signal: cancel }))
      .then(
        (value) => port.post({ t: 'answer', id, value }),
        (thrown: unknown) => port.post({ t: 'refuse', id, problem: toProblem(thrown) }),
      )
      .finally(() => running.delete(id));
  });
}

function perform(store: LogStore, ask: { method: StoreMethod; input: unknown; signal: Signal }): Promise<unknown> {
  const { method, input, signal } = ask;
  switch (method) {
    case 'state':
      return store.state();
    case 'append':
      return store.append(input as AppendBatch);
    case 'page':
      return store.page(input as PageRequest, signal);
    case 'histogram':
      return store.histogram(input as HistogramRequest, signal);
    case 'facets':
      return store.facets(input as FacetRequest, signal);
    case 'patterns':
      return store.patterns(input as PatternRequest, signal);
    case 'setBudget':
      return store.setBudget(input as LogBudget);
    case 'figures':
      return store.figures();
    case 'close':
      return store.close();
  }
}

/** A store that lives behind a port. When the other end dies, everything waiting and everything later fails. */
export function connectLogStore(port: StorePort): LogStore {
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (thrown: unknown) => void }>();
  let nextId = 1;
  let closed = false;
  port.onMessage((message) => {
    if (message.t !== 'answer' && message.t !== 'refuse') return;
    const waiter = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.t === 'answer') waiter?.resolve(message.value);
    else waiter?.reject(new PilothouseError(message.problem));
  });
  let lose: (reason: unknown) => void = () => undefined;
  const lost = new Promise<unknown>((resolve) => (lose = resolve));
  port.onClose((reason) => {
    closed = true;
    lose(reason ?? gone());
    for (const { reject } of waiting.values()) reject(gone());
    waiting.clear();
  });
  const ask = <T>(method: StoreMethod, input?: unknown, signal?: Signal): Promise<T> => {
    if (closed) return Promise.reject(gone());
    const id = nextId++;
    return new Promise<unknown>((resolve, reject) => {
      const abort = (): void => port.post({ t: 'cancel', id });
      const done = (finish: () => void): void => {
        signal?.removeEventListener('abort', abort);
        finish();
      };
      waiting.set(id, {
        resolve: (value) => done(() => resolve(value)),
        reject: (thrown) => done(() => reject(thrown instanceof Error ? thrown : new Error(String(thrown)))),
      });
      signal?.addEventListener('abort', abort);
      port.post({ t: 'ask', id, method, input });
    }) as Promise<T>;
  };
  return {
    state: () => ask<IntakeState>('state'),
    append: (batch) => ask<void>('append', batch),
    page: (request, signal) => ask<LogPage>('page', request, signal),
    histogram: (request, signal) => ask<LogHistogram>('histogram', request, signal),
    facets: (request, signal) => ask<Facet[]>('facets', request, signal),
    patterns: (request, signal) => ask<LogPatterns>('patterns', request, signal),
    setBudget: (budget) => ask<void>('setBudget', budget),
    figures: () => ask<StoreFigures>('figures'),
    close: () => (closed ? Promise.resolve() : ask<void>('close')),
    lost,
  };
}

class Cancel implements Signal {
  aborted = false;
  private readonly listeners = new Set<() => void>();
  addEventListener(_type: 'abort', listener: () => void): void {
    this.listeners.add(listener);
  }
  removeEventListener(_type: 'abort', listener: () => void): void {
    this.listeners.delete(listener);
  }
  abort(): void {
    this.aborted = true;
    for (const listener of this.listeners) listener();
  }
}

function gone(): PilothouseError {
  return fail('internal', 'The log store has stopped.', 'The containers are not affected.');
}
