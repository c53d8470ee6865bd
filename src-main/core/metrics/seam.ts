/** What the metrics room gives to the others: its door's types. */
import type { Clock } from '../../base/clock';
import type { Log } from '../../base/log';
import type { CallHandlers, StreamHandlers } from '../../contract/api';
import type { observeCalls, observeStreams } from '../../contract/api/observe';
import type { queryCalls } from '../../contract/api/promql';
import type { LiveFigures, Settings } from '../../contract/nouns';
import type { Codec, FileDisk } from '../disk';
import type { Engine } from '../engine';
import type { Store } from '../store';

export type MetricCalls = Pick<typeof observeCalls, 'metrics.range'> & typeof queryCalls;
export type MetricStreams = Pick<typeof observeStreams, 'metrics.live'>;

/** What tells series of one metric apart. Ours have `stack`, `service` (`shop/web`) and `replica` (`shop/web.1`). */
export type Labels = Readonly<Record<string, string>>;

export interface MetricsOptions {
  clock: Clock;
  store: Store;
  /** A folder of its own. */
  files: FileDisk;
  codec: Codec;
  log: Log;
  /** The user's limits as they hold now; asked again whenever they matter. */
  settings: () => Pick<Settings['metrics'], 'retentionDays'>;
}

export interface MetricsFigures {
  /** Values taken in the last second. */
  pointsPerSecond: number;
  /** Bytes on disk. */
  bytes: number;
  /** Series that were written in the last hour. */
  series: number;
  /** Values that were not taken because there are too many series, since the start. */
  refused: number;
}

/** The newest figures of one replica: cores, bytes, bytes a second. */
export type ReplicaFigures = LiveFigures['replicas'][number] & { at: number; cpuThrottled?: number };

/** A stretch of one series on a fixed grid. `average[i]` covers `[from + i * step, from + (i + 1) * step)`; NaN is a gap. */
export interface SeriesSlice {
  metric: string;
  labels: Labels;
  /** Epoch milliseconds, a multiple of `step`. */
  from: number;
  /** Milliseconds. */
  step: number;
  average: Float64Array;
  minimum: Float64Array;
  maximum: Float64Array;
}

/** The seam for rules, the autoscaler and query languages. */
export interface MetricsReader {
  /** Series of `metric` that have values between `from` and `to` on the grid of `step` (milliseconds; a multiple of 1,000). */
  read(request: {
    metric: string;
    where?: (labels: Labels) => boolean;
    from: number;
    to: number;
    step: number;
  }): Promise<SeriesSlice[]>;
  /** The finest step, in milliseconds, in which values of that time are kept. */
  finest(at: number): number;
  /** Every series that was written in the last hour. */
  series(): { metric: string; labels: Labels }[];
  /** Names of every metric that is kept, old ones included. */
  metrics(): Promise<string[]>;
}

export interface Metrics {
  calls: CallHandlers<MetricCalls>;
  streams: StreamHandlers<MetricStreams>;
  /** Reads what is on disk and begins to collect. Rejects when the folder cannot be read; the calls then say so, too. */
  start(): Promise<void>;
  /** The engine to sample, as `EngineLink.onEngine` gives it. */
  setEngine(engine: Engine | undefined): void;
  /** Milliseconds between two samples of a container from now on; 1,000 at first. */
  pace(period: number): void;
  /** The computer was asleep: opens anew what may be dead. */
  wake(): void;
  /** Writes what was taken and stops. */
  stop(): Promise<void>;
  figures(): MetricsFigures;
  /** Whether there is an engine to sample; without one nothing is measured and nothing may be concluded. */
  measuring(): boolean;
  /** Newest figures of `<stack>/<service>.<slot>`, or undefined when none came within the last seconds. */
  latest(replica: string): ReplicaFigures | undefined;
  /** The newest figures of everything, as `metrics.live` sends them. */
  live(): LiveFigures;
  /**
   * Mean of a replica's metric over the last `window` milliseconds (at most an hour), or undefined when less than half of it was
   * measured: the autoscaler must not act on what it does not know.
   */
  average(replica: string, metric: string, window: number): number | undefined;
  /**
   * Takes a value from elsewhere (gateway, app). It counts for `hold` milliseconds (default 15,000) from now or until the next one:
   * give it a little more than the interval between two values. Counters are the giver's to turn into rates.
   */
  record(metric: string, labels: Labels, sample: { value: number; hold?: number }): void;
  reader: MetricsReader;
  /** Everything as it is now, in Prometheus' text format with cAdvisor's names; for `GET /metrics` with `expositionType`. */
  exposition(): string;
}
