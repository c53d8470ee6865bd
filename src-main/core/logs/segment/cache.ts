/** Blocks unpacked lately, for the next page of the same search. */
import type { Block } from './block';
import type { BlockEntry } from './segments';

/** Characters of text kept. */
const most = 24 * 1024 * 1024;

/** Least recently used goes first. */
export class BlockCache {
  private readonly blocks = new Map<BlockEntry, Block>();
  private size = 0;

  constructor(private readonly load: (entry: BlockEntry) => Promise<Block | undefined>) {}

  peek(entry: BlockEntry): Block | undefined {
    return this.blocks.get(entry);
  }

  /** The block, unpacked now if need be; undefined when it was removed meanwhile or is damaged. */
  async read(entry: BlockEntry): Promise<Block | undefined> {
    const known = this.blocks.get(entry);
    if (known) {
      // Using it moves it to the end.
      this.blocks.delete(entry);
      this.blocks.set(entry, known);
      return known;
    }
    const block = await this.load(entry);
    if (!block || this.blocks.has(entry)) return block;
    this.blocks.set(entry, block);
    this.size += block.meta.size;
    for (const [oldest, other] of this.blocks) {
      if (this.size <= most) break;
      this.blocks.delete(oldest);
      this.size -= other.meta.size;
    }
    return block;
  }
}
