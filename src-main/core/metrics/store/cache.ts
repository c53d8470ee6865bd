/** Unpacked parts of blocks, the last used ones kept. */
import type { Columns } from './period';
import { periodBuckets } from './tiers';

/** Bytes of values held at most. */
const mostBytes = 16 * 1024 * 1024;

export class PartCache {
  private readonly parts = new Map<string, Columns[]>();
  private bytes = 0;

  get(key: string): Columns[] | undefined {
    const found = this.parts.get(key);
    if (found) {
      this.parts.delete(key);
      this.parts.set(key, found);
    }
    return found;
  }

  set(key: string, columns: Columns[]): void {
    this.drop(key);
    this.parts.set(key, columns);
    this.bytes += sizeOf(columns);
    for (const old of this.parts.keys()) {
      if (this.bytes <= mostBytes || old === key) break;
      this.drop(old);
    }
  }

  private drop(key: string): void {
    const old = this.parts.get(key);
    if (!old) return;
    this.parts.delete(key);
    this.bytes -= sizeOf(old);
  }
}

function sizeOf(columns: readonly Columns[]): number {
  return columns.length * periodBuckets * 12;
}
