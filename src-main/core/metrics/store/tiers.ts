/** The steps in which values are kept, and for how long. Times in milliseconds. */

const day = 24 * 60 * 60 * 1000;

export interface TierSpec {
  step: number;
  /** Kept at most so long; the user's retention limits it too. */
  keep: number;
}

export const tierSpecs: readonly TierSpec[] = [
  { step: 10_000, keep: 2 * day },
  { step: 60_000, keep: 14 * day },
  { step: 600_000, keep: Infinity },
];

/** Buckets in one file: an hour, six hours and two and a half days. */
export const periodBuckets = 360;

/** Values of one second each that are held in memory: an hour. */
export const liveSlots = 3600;
