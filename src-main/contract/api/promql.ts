/** Metrics by query: the useful subset of PromQL over everything that is kept. */
import { z } from 'zod';
import type { SeriesView } from '../nouns';
import { read } from './define';
import { nothing, time } from './inputs';

const query = z.string().min(1).max(10_000);

/** A result at one time; a plain number is one row without labels. */
export interface QueryResult {
  at: number;
  rows: { labels: Record<string, string>; value: number }[];
}

/** A metric that can be asked for. */
export interface MetricName {
  name: string;
  unit: SeriesView['unit'];
  /** Labels of its series, and some of their values. */
  labels: Record<string, string[]>;
}

export const queryCalls = {
  /** At one time, by default now. */
  'metrics.query': read<QueryResult>()(z.strictObject({ query, at: time.optional() })),
  /** Over time, at most `points` values a row, on steps that people read. Of more than `rows`, those that reach highest. */
  'metrics.queryRange': read<SeriesView[]>()(
    z.strictObject({
      query,
      from: time,
      to: time,
      points: z.number().int().min(2).max(4000).default(300),
      rows: z.number().int().min(1).max(500).default(500),
    }),
  ),
  /** What can be asked for, for completion in an editor. */
  'metrics.names': read<MetricName[]>()(nothing),
};
