/** A value axis from zero: its top and the distance of its lines. */
export interface ValueScale {
  max: number;
  interval: number;
}

const mantissas = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10];

function niceInterval(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  const nice = mantissas.find((mantissa) => mantissa * power >= least * 0.999999) ?? 10;
  return Number((nice * power).toPrecision(6));
}

/**
 * A scale that holds `most` with a little air and `lines` round steps. `binary` rounds in powers of 1024 (bytes); `whole` keeps
 * steps whole (counts of things) and takes fewer lines rather than fractions.
 */
export function niceScale(
  most: number,
  options: { lines?: number; binary?: boolean; whole?: boolean } = {},
): ValueScale {
  const lines = options.lines ?? 3;
  const top = most > 0 && Number.isFinite(most) ? most : 1;
  if (options.whole) {
    const interval = top <= lines ? 1 : Math.ceil(niceInterval(top / lines));
    return { max: Math.ceil(top / interval) * interval, interval };
  }
  const unit = options.binary ? 1024 ** Math.floor(Math.log(Math.max(1, top / lines)) / Math.log(1024)) : 1;
  const interval = niceInterval((top * 1.04) / lines / unit) * unit;
  return { max: interval * lines, interval };
}
