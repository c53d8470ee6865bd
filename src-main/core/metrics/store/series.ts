/** One series while it is alive: its last hour second by second, and a bucket in the making for each tier. */
import type { Labels } from '../seam';
import { liveSlots, tierSpecs } from './tiers';

/** What names a series. `key` is equal for equal metrics and labels. */
export interface SeriesName {
  readonly key: string;
  readonly metric: string;
  readonly labels: Labels;
}

/** A bucket in the making. */
export class Bucket {
  count = 0;
  sum = 0;
  minimum = Infinity;
  maximum = -Infinity;

  add(value: number): void {
    this.count += 1;
    this.sum += value;
    if (value < this.minimum) this.minimum = value;
    if (value > this.maximum) this.maximum = value;
  }

  clear(): void {
    this.count = 0;
    this.sum = 0;
    this.minimum = Infinity;
    this.maximum = -Infinity;
  }
}

export class Series implements SeriesName {
  readonly buckets = tierSpecs.map(() => new Bucket());
  /** By second modulo its length; NaN is a gap. */
  private readonly ring = new Float32Array(liveSlots).fill(NaN);
  /** The second written last. */
  lastSlot = -1;
  /** Nobody reads it any more: find the series anew. */
  dropped = false;

  constructor(
    readonly key: string,
    readonly metric: string,
    readonly labels: Labels,
  ) {}

  /** Writes one second. Up to `bridge` seconds before it that have no value, since the clock ticked late, get the same one. */
  put(slot: number, value: number, bridge: number): void {
    if (bridge > 0 && this.lastSlot >= slot - 1 - bridge) {
      for (let missed = this.lastSlot + 1; missed < slot; missed++) this.ring[missed % liveSlots] = value;
    }
    this.ring[slot % liveSlots] = value;
    this.lastSlot = slot;
    for (const bucket of this.buckets) bucket.add(value);
  }

  at(slot: number): number {
    return this.ring[slot % liveSlots] as number;
  }

  /** Forgets the seconds from `first` to `last`, whose places in the ring are needed again. */
  forget(first: number, last: number): void {
    if (last - first >= liveSlots) this.ring.fill(NaN);
    else for (let slot = first; slot <= last; slot++) this.ring[slot % liveSlots] = NaN;
  }
}
