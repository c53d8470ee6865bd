/** Metrics: what containers use, once a second, kept in tiers and read back. See README.md. */
export { expositionType } from './exposition';
export { createMetrics } from './metrics';
export { seriesKey, unitOf } from './names';
export { parseDuration, writeDuration } from './promql/literals';
export {
  preparePromql,
  queryAt,
  queryRange,
  thresholdOf,
  watchAt,
  watchRange,
  type InstantRow,
  type PromQuery,
} from './promql/query';
export type {
  Labels,
  Metrics,
  MetricsFigures,
  MetricsOptions,
  MetricsReader,
  ReplicaFigures,
  SeriesSlice,
} from './seam';
