/**
 * Where rows lie, one below the other: all of one height but some, which are remembered. The cost is that of the some, so millions of
 * rows cost nothing. Rows are known by numbers that stay theirs when rows go or come at the front; all measures are pixels.
 */

/** Height of a row that is not open and not wrapped. */
export const rowHeight = 22;

export class RowPlaces {
  /** Numbers of rows of another height, rising, and how much more (or less) each takes. */
  private numbers: number[] = [];
  private more: number[] = [];
  /** `sums[i]`: what the first `i` of them take more. */
  private sums: number[] = [0];

  /** Number of the first row, and how many rows there are. */
  first = 0;
  count = 0;

  /** The rows there are now; heights of others are forgotten. */
  resize(first: number, count: number): void {
    this.first = first;
    this.count = count;
    const from = this.placeOf(first);
    const to = this.placeOf(first + count);
    if (from === 0 && to === this.numbers.length) return;
    this.numbers = this.numbers.slice(from, to);
    this.more = this.more.slice(from, to);
    this.sum(0);
  }

  clear(): void {
    this.numbers = [];
    this.more = [];
    this.sums = [0];
  }

  /** Remembers a row's height; says whether that moved anything. */
  measure(number: number, height: number): boolean {
    const at = this.placeOf(number);
    const known = this.numbers[at] === number;
    const more = height - rowHeight;
    if (known ? this.more[at] === more : more === 0) return false;
    if (!known) {
      this.numbers.splice(at, 0, number);
      this.more.splice(at, 0, more);
    } else if (more === 0) {
      this.numbers.splice(at, 1);
      this.more.splice(at, 1);
    } else this.more[at] = more;
    this.sum(at);
    return true;
  }

  /** All rows are of the same height. */
  get plain(): boolean {
    return this.numbers.length === 0;
  }

  get total(): number {
    return this.count * rowHeight + (this.sums.at(-1) ?? 0);
  }

  /** Where a row begins, from the top of the first. */
  top(number: number): number {
    return (number - this.first) * rowHeight + (this.sums[this.placeOf(number)] ?? 0);
  }

  /** The row at a height; the nearest when there is none. */
  at(y: number): number {
    // Among the rows of their own height, the last that begins at or above y; between them, rows are alike.
    let low = 0;
    let high = this.numbers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const top = ((this.numbers[middle] ?? 0) - this.first) * rowHeight + (this.sums[middle] ?? 0);
      if (top <= y) low = middle + 1;
      else high = middle;
    }
    const before = low - 1;
    const number = this.numbers[before];
    let found = this.first + Math.floor(y / rowHeight);
    if (number !== undefined) {
      const end = (number - this.first + 1) * rowHeight + (this.sums[low] ?? 0);
      found = y < end ? number : number + 1 + Math.floor((y - end) / rowHeight);
    }
    return Math.max(this.first, Math.min(this.first + this.count - 1, found));
  }

  /** Place of a number, or of the next greater, among the rows of their own height. */
  private placeOf(number: number): number {
    let low = 0;
    let high = this.numbers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.numbers[middle] ?? 0) < number) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private sum(from: number): void {
    this.sums.length = from + 1;
    for (let at = from; at < this.more.length; at++) this.sums.push((this.sums[at] ?? 0) + (this.more[at] ?? 0));
  }
}
