/** Values from rings and tiers laid on one grid of times. */
import type { SeriesSlice } from '../seam';
import type { SeriesName } from './series';

interface Cells {
  name: SeriesName;
  count: Float64Array;
  sum: Float64Array;
  minimum: Float64Array;
  maximum: Float64Array;
}

export class Grid {
  private readonly rows = new Map<string, Cells>();

  /** @param first epoch milliseconds of the first cell, a multiple of `step` */
  constructor(
    readonly first: number,
    readonly step: number,
    readonly count: number,
  ) {}

  get end(): number {
    return this.first + this.step * this.count;
  }

  row(name: SeriesName): Cells {
    let cells = this.rows.get(name.key);
    if (!cells) {
      const [count, sum] = [new Float64Array(this.count), new Float64Array(this.count)];
      const minimum = new Float64Array(this.count).fill(Infinity);
      const maximum = new Float64Array(this.count).fill(-Infinity);
      cells = { name, count, sum, minimum, maximum };
      this.rows.set(name.key, cells);
    }
    return cells;
  }

  /**
   * Adds a value measured over `[at, at + width)` to the cells it starts in, or, when it is wider than a cell, to all it covers.
   * Only time in `[from, to)` counts.
   */
  add(
    cells: Cells,
    part: { at: number; width: number; from: number; to: number },
    value: { average: number; minimum: number; maximum: number },
  ): void {
    const { at, width } = part;
    const last = width <= this.step ? at : Math.min(at + width, part.to, this.end) - 1;
    const start = Math.max(
      0,
      Math.floor(((width <= this.step ? at : Math.max(at, part.from)) - this.first) / this.step),
    );
    const end = Math.min(this.count - 1, Math.floor((last - this.first) / this.step));
    for (let index = start; index <= end; index++) {
      cells.count[index] = (cells.count[index] as number) + 1;
      cells.sum[index] = (cells.sum[index] as number) + value.average;
      if (value.minimum < (cells.minimum[index] as number)) cells.minimum[index] = value.minimum;
      if (value.maximum > (cells.maximum[index] as number)) cells.maximum[index] = value.maximum;
    }
  }

  /** The rows that have any value. */
  slices(): SeriesSlice[] {
    const slices: SeriesSlice[] = [];
    for (const { name, count, sum, minimum, maximum } of this.rows.values()) {
      if (!count.some((number) => number > 0)) continue;
      const average = new Float64Array(this.count);
      for (let index = 0; index < this.count; index++) {
        const number = count[index] as number;
        average[index] = number > 0 ? (sum[index] as number) / number : NaN;
        if (number === 0) minimum[index] = maximum[index] = NaN;
      }
      const { metric, labels } = name;
      slices.push({ metric, labels, from: this.first, step: this.step, average, minimum, maximum });
    }
    return slices;
  }
}
