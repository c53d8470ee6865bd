/** A tick of the tape: a labelled one is `major`. `x` in pixels. */
export interface TapeTick {
  at: number;
  x: number;
  size: 'major' | 'middle' | 'minor';
}

export interface TapeSpace {
  from: number;
  to: number;
  /** Pixels of the whole tape. */
  width: number;
  /** Pixels kept free at both ends. */
  inset?: number;
}

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
// Distance of labels, of middle and of minor ticks
const steps: readonly [number, number, number][] = [
  [10 * second, 5 * second, second],
  [30 * second, 10 * second, 5 * second],
  [minute, 30 * second, 10 * second],
  [2 * minute, minute, 30 * second],
  [5 * minute, 5 * minute, minute],
  [10 * minute, 5 * minute, minute],
  [15 * minute, 5 * minute, 5 * minute],
  [30 * minute, 10 * minute, 5 * minute],
  [hour, 30 * minute, 10 * minute],
  [2 * hour, hour, 30 * minute],
  [3 * hour, hour, 30 * minute],
  [6 * hour, 3 * hour, hour],
  [12 * hour, 6 * hour, 2 * hour],
  [day, 12 * hour, 3 * hour],
  [2 * day, day, 6 * hour],
  [7 * day, day, day],
];
const leastLabelGap = 108;

/** The pixel of an instant. */
export function tapeX(at: number, space: TapeSpace): number {
  const inset = space.inset ?? 10;
  return inset + ((at - space.from) / (space.to - space.from)) * (space.width - 2 * inset);
}

/** The instant at a pixel, kept inside the window. */
export function tapeTime(x: number, space: TapeSpace): number {
  const inset = space.inset ?? 10;
  const share = (x - inset) / Math.max(1, space.width - 2 * inset);
  return Math.round(space.from + Math.max(0, Math.min(1, share)) * (space.to - space.from));
}

/**
 * The ticks of a window of time: labels at least 108 px apart at round local times. `zoneOffset` is the local
 * zone's offset in minutes as `Date#getTimezoneOffset` gives it, so that days begin at local midnight.
 */
export function tapeTicks(space: TapeSpace, zoneOffset: number): TapeTick[] {
  const inset = space.inset ?? 10;
  const span = space.to - space.from;
  if (span <= 0 || space.width <= 2 * inset) return [];
  const perMs = (space.width - 2 * inset) / span;
  const [major, middle, minor] = steps.find(([label]) => label * perMs >= leastLabelGap) ?? [7 * day, day, day];
  const shift = zoneOffset * minute;
  const ticks: TapeTick[] = [];
  for (let local = Math.ceil((space.from - shift) / minor) * minor; local + shift <= space.to; local += minor) {
    const at = local + shift;
    ticks.push({
      at,
      x: tapeX(at, space),
      size: local % major === 0 ? 'major' : local % middle === 0 ? 'middle' : 'minor',
    });
  }
  return ticks;
}

/** How often the tape of a span moves on while live, ms: about half a pixel at a time, between 1 and 30 s. */
export function tapePace(span: number): number {
  return Math.max(1000, Math.min(30_000, Math.round(span / 2400)));
}
