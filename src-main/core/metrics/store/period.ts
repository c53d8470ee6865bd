/** The buckets of one file's stretch of time in memory. */
import type { SeriesName } from './series';
import { periodBuckets } from './tiers';

/** One series' buckets; NaN is a gap. */
export interface Columns {
  name: SeriesName;
  average: Float32Array;
  minimum: Float32Array;
  maximum: Float32Array;
}

/** A finished bucket of one series. */
export interface Row {
  name: SeriesName;
  average: number;
  minimum: number;
  maximum: number;
}

export class Period {
  readonly columns = new Map<string, Columns>();

  /** @param start epoch milliseconds, a multiple of `step * periodBuckets` */
  constructor(
    readonly start: number,
    readonly step: number,
  ) {}

  get end(): number {
    return this.start + this.step * periodBuckets;
  }

  set(index: number, row: Row): void {
    let columns = this.columns.get(row.name.key);
    if (!columns) {
      const { key, metric, labels } = row.name;
      columns = { name: { key, metric, labels }, average: gaps(), minimum: gaps(), maximum: gaps() };
      this.columns.set(key, columns);
    }
    columns.average[index] = row.average;
    columns.minimum[index] = row.minimum;
    columns.maximum[index] = row.maximum;
  }
}

export function gaps(): Float32Array {
  return new Float32Array(periodBuckets).fill(NaN);
}
