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
    const columns = this.of(row.name);
    columns.average[index] = row.average;
    columns.minimum[index] = row.minimum;
    columns.maximum[index] = row.maximum;
  }

  /** The columns of a series, made when it is new. */
  of({ key, metric, labels }: SeriesName): Columns {
    let columns = this.columns.get(key);
    if (!columns) {
      columns = { name: { key, metric, labels }, average: gaps(), minimum: gaps(), maximum: gaps() };
      this.columns.set(key, columns);
    }
    return columns;
  }
}

export function gaps(): Float32Array {
  return new Float32Array(periodBuckets).fill(NaN);
}
