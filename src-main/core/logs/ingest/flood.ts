/** A bound per container, in lines and characters per second of the engine's stamps, so that reading old history is never a flood. */

/** Characters per second that one container may store, whatever its lines: half a gigabyte a minute. */
const charactersPerSecond = 8 * 1024 * 1024;

/** Admits lines up to a rate; counts the rest. */
export class FloodGate {
  private second = -1;
  private lines = 0;
  private characters = 0;
  private dropped = 0;

  /** `limit` in lines a second; 0 means none. */
  constructor(private limit: number) {}

  setLimit(limit: number): void {
    this.limit = limit;
  }

  /** Lines dropped and not yet told. */
  get skipped(): number {
    return this.dropped;
  }

  /** Whether a line stamped `time` (microseconds) may pass. Deterministic: the same lines give the same answers. */
  admit(time: number, length: number): boolean {
    if (this.limit === 0) return true;
    const second = Math.floor(time / 1_000_000);
    if (second !== this.second) {
      this.second = second;
      this.lines = 0;
      this.characters = 0;
    }
    if (this.lines >= this.limit || this.characters >= charactersPerSecond) {
      this.dropped += 1;
      return false;
    }
    this.lines += 1;
    this.characters += length;
    return true;
  }

  /** The count of dropped lines, once. */
  takeSkipped(): number {
    const count = this.dropped;
    this.dropped = 0;
    return count;
  }
}
