/** Metrics: what containers use, once a second, kept in tiers and read back. See README.md. */
export { createMetrics } from './metrics';
export { seriesKey, unitOf } from './names';
export type {
  Labels,
  Metrics,
  MetricsFigures,
  MetricsOptions,
  MetricsReader,
  ReplicaFigures,
  SeriesSlice,
} from './seam';
