/** A list with a fixed length: when it is full the oldest item makes room, and how many did is counted. */
export class Ring<T> implements Iterable<T> {
  private readonly items: (T | undefined)[];
  private first = 0;
  private count = 0;
  private lost = 0;

  /** Keeps at most `capacity` items; throws a RangeError unless that is a positive whole number. */
  constructor(readonly capacity: number) {
    if (!Number.isSafeInteger(capacity) || capacity < 1) throw new RangeError(`A ring cannot hold ${capacity} items`);
    this.items = [];
  }

  get length(): number {
    return this.count;
  }

  /** Items that had to make room since the beginning or the last `clear`. */
  get overflow(): number {
    return this.lost;
  }

  /** Appends an item and returns the one that made room for it, if any. */
  push(item: T): T | undefined {
    if (this.count < this.capacity) {
      this.items[(this.first + this.count) % this.capacity] = item;
      this.count += 1;
      return undefined;
    }
    const oldest = this.items[this.first];
    this.items[this.first] = item;
    this.first = (this.first + 1) % this.capacity;
    this.lost += 1;
    return oldest;
  }

  /** Takes the oldest item out. */
  shift(): T | undefined {
    if (this.count === 0) return undefined;
    const oldest = this.items[this.first];
    this.items[this.first] = undefined;
    this.first = (this.first + 1) % this.capacity;
    this.count -= 1;
    return oldest;
  }

  /** The item at `index` counted from the oldest, or from the newest when negative, as `Array.at` does. */
  at(index: number): T | undefined {
    const place = index < 0 ? this.count + index : index;
    if (place < 0 || place >= this.count) return undefined;
    return this.items[(this.first + place) % this.capacity];
  }

  /** Oldest first. */
  toArray(): T[] {
    return [...this];
  }

  *[Symbol.iterator](): Iterator<T> {
    for (let index = 0; index < this.count; index++) yield this.items[(this.first + index) % this.capacity] as T;
  }

  clear(): void {
    this.items.length = 0;
    this.first = 0;
    this.count = 0;
    this.lost = 0;
  }
}
