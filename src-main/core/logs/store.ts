/**
 * The log store as the rest of the room uses it: one writer, many questions. Everything that crosses it is plain data, so that it may
 * live in a worker thread (see remote.ts).
 */
import type { LogHistogram, LogPage, LogPatterns } from '../../contract/api/observe';
import type { LogLevel, LogScope } from '../../contract/nouns';
import type { Signal } from '../../base/lifecycle';
import type { AppendBatch, IntakeState } from './ingest/intake';
import type { LogBudget } from './segment/retention';

/** What is asked for; `query` is text in the query language. */
export interface LogSelection {
  scope: LogScope;
  levels?: LogLevel[];
  query: string;
}

/** Times in epoch milliseconds, inclusive; ids exclusive. At most one of `before`, `after`, `around`. */
export interface PageRequest extends LogSelection {
  from?: number;
  to?: number;
  before?: string;
  after?: string;
  around?: string;
  limit: number;
}

export interface HistogramRequest extends LogSelection {
  from: number;
  to: number;
  buckets: number;
}

export interface FacetRequest extends LogSelection {
  from: number;
  to: number;
  fields: string[];
}

export interface PatternRequest extends LogSelection {
  from: number;
  to: number;
  before?: { from: number; to: number };
  limit: number;
}

export interface Facet {
  field: string;
  values: { value: string; count: number }[];
}

export interface StoreFigures {
  bytes: number;
  damaged: number;
  /** Why blocks cannot be written, in the platform's words. */
  problem?: string;
}

export interface LogStore {
  state(): Promise<IntakeState>;
  append(batch: AppendBatch): Promise<void>;
  page(request: PageRequest, signal: Signal): Promise<LogPage>;
  histogram(request: HistogramRequest, signal: Signal): Promise<LogHistogram>;
  facets(request: FacetRequest, signal: Signal): Promise<Facet[]>;
  patterns(request: PatternRequest, signal: Signal): Promise<LogPatterns>;
  setBudget(budget: LogBudget): Promise<void>;
  figures(): Promise<StoreFigures>;
  close(): Promise<void>;
  /** Resolves with the reason when the store is gone without having been closed. One in this thread lives as long as the app. */
  readonly lost?: Promise<unknown>;
}
