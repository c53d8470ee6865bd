/** Logs and metrics. */
import { z } from 'zod';
import type { LiveFigures, LogLevel, LogLine, SeriesView } from '../nouns';
import { flow, read, state } from './define';
import { logScope, nothing, time } from './inputs';

const levels = z.array(z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'unknown'])).max(7);

/** What to look for: the scope, the levels, and a text in the log query language (plain words work as a search). */
const logQuery = z.strictObject({
  scope: logScope.default({}),
  levels: levels.optional(),
  query: z.string().max(2000).default(''),
});

/** A batch of a live tail. `skipped` lines matched but were not sent, because the reader was slower than the writers. */
export interface TailBatch {
  lines: LogLine[];
  skipped: number;
  /** Lines read per second before the filter, for the status strip. */
  rate: number;
}

export interface LogPage {
  lines: LogLine[];
  /** There is more before the first, or after the last, line. */
  before: boolean;
  after: boolean;
  matched: number;
  scanned: number;
  /** Time ran out before everything was searched. */
  partial?: boolean;
}

/** Counts per bucket and level. */
export interface LogHistogram {
  from: number;
  to: number;
  step: number;
  buckets: { at: number; counts: Partial<Record<LogLevel, number>> }[];
  total: number;
  /** Time ran out before everything was counted. */
  partial?: boolean;
}

/** Kinds of lines: what stays the same of many, with `<n>`, `<ip>`, `<id>`, `<hex>`, `<time>` and `<*>` where they differ. */
export interface LogPatterns {
  /** Those that were not there before first, then those of most lines. */
  patterns: {
    template: string;
    example: string;
    /** Lines in the time, and in the one it is compared with. */
    count: number;
    before: number;
    /** The worst. */
    level: LogLevel;
    services: string[];
    firstAt: number;
    lastAt: number;
  }[];
  lines: number;
  linesBefore: number;
  /** Lines too different from all others to be counted with any. */
  others: number;
  /** Not every line was looked at. */
  partial?: boolean;
}

export const observeCalls = {
  /** One page: the newest before `before`, the oldest after `after`, or around `around`. */
  'logs.page': read<LogPage>()(
    z.strictObject({
      ...logQuery.shape,
      from: time.optional(),
      to: time.optional(),
      before: z.string().max(64).optional(),
      after: z.string().max(64).optional(),
      around: z.string().max(64).optional(),
      limit: z.number().int().min(1).max(5000).default(500),
    }),
  ),
  'logs.histogram': read<LogHistogram>()(
    z.strictObject({ ...logQuery.shape, from: time, to: time, buckets: z.number().int().min(1).max(400).default(80) }),
  ),
  'logs.facets': read<{ field: string; values: { value: string; count: number }[] }[]>()(
    z.strictObject({
      ...logQuery.shape,
      from: time,
      to: time,
      fields: z.array(z.string().max(128)).max(20).default(['level', 'service', 'replica']),
    }),
  ),
  /** Kinds of lines in a time; with `compare`, also how many of each there were in another. */
  'logs.patterns': read<LogPatterns>()(
    z.strictObject({
      ...logQuery.shape,
      from: time,
      to: time,
      compare: z.strictObject({ from: time, to: time }).optional(),
      limit: z.number().int().min(1).max(1000).default(200),
    }),
  ),
  /** A metric over a time range, at most `points` values a series, minimum and maximum kept when thinned. */
  'metrics.range': read<SeriesView[]>()(
    z.strictObject({
      metric: z.string().max(128),
      services: z.array(z.string().max(127)).max(200).optional(),
      replicas: z.array(z.string().max(135)).max(500).optional(),
      /** `replica`: a series each; `service`: summed per service; `total`: one series. */
      by: z.enum(['replica', 'service', 'total']).default('replica'),
      from: time,
      to: time,
      points: z.number().int().min(2).max(4000).default(300),
    }),
  ),
};

export const observeStreams = {
  'logs.tail': flow<TailBatch>()(
    z.strictObject({ ...logQuery.shape, backlog: z.number().int().min(0).max(5000).default(200) }),
  ),
  'metrics.live': state<LiveFigures>()(nothing),
};
