/** Runs tasks, so many at once, first come first served, one per key at a time (I19). A task that has not begun can be taken back. */

export class Pool {
  private readonly waiting = new Map<string, () => Promise<void>>();
  private readonly running = new Set<string>();
  private closed = false;
  /** The most that ever ran at once, for tests. */
  peak = 0;

  constructor(private readonly size: number) {}

  /** Adds a task under a key; a key that waits already keeps its place and its task. */
  add(key: string, run: () => Promise<void>): void {
    if (this.closed || this.waiting.has(key)) return;
    this.waiting.set(key, run);
    this.pump();
  }

  waits(key: string): boolean {
    return this.waiting.has(key);
  }

  runs(key: string): boolean {
    return this.running.has(key);
  }

  /** Takes a waiting task back; false when it runs already or is not known. */
  cancel(key: string): boolean {
    return this.waiting.delete(key);
  }

  /** Tasks that wait or run. */
  get load(): number {
    return this.waiting.size + this.running.size;
  }

  /** Begins nothing more; what runs ends by itself. */
  close(): void {
    this.closed = true;
    this.waiting.clear();
  }

  private pump(): void {
    if (this.closed || this.running.size >= this.size) return;
    for (const [key, run] of this.waiting) {
      if (this.running.size >= this.size) return;
      if (this.running.has(key)) continue;
      this.waiting.delete(key);
      this.running.add(key);
      this.peak = Math.max(this.peak, this.running.size);
      void run().finally(() => {
        this.running.delete(key);
        this.pump();
      });
    }
  }
}
