/** The lines of one lane that no block holds yet: in memory for readers, in the write-ahead log for crashes. */
import type { LaneBatch } from '../ingest/intake';
import type { Lane, LogSource } from '../line';
import { makeBlock, type Block } from './block';

/** Growing columns of a lane. */
export class HotLane {
  times: number[] = [];
  flags: number[] = [];
  sources: number[] = [];
  texts: string[] = [];
  /** Characters of text. */
  size = 0;
  private snapshot: Block | undefined;

  constructor(
    readonly lane: Lane,
    /** Ordinal of the first line here. */
    readonly first: number,
  ) {}

  get count(): number {
    return this.texts.length;
  }

  /** Adds a batch, leaving out lines already stored in a block (replay after a crash). */
  add(batch: LaneBatch): void {
    const skip = Math.max(0, this.first + this.count - batch.first);
    for (let index = skip; index < batch.texts.length; index++) {
      const text = batch.texts[index] as string;
      this.times.push(batch.times[index] as number);
      this.flags.push(batch.flags[index] as number);
      this.sources.push(batch.sources[index] as number);
      this.texts.push(text);
      this.size += text.length + 1;
    }
    this.snapshot = undefined;
  }

  /** The lines as a block, made once until more lines come. */
  block(sourceByNumber: ReadonlyMap<number, LogSource>): Block {
    if (this.snapshot) return this.snapshot;
    const numbers: number[] = [];
    const places = new Map<number, number>();
    const sourceOf = this.sources.map((number) => {
      let place = places.get(number);
      if (place === undefined) {
        place = numbers.push(number) - 1;
        places.set(number, place);
      }
      return place;
    });
    const sources = numbers.map((number) => sourceByNumber.get(number) ?? unknownSource(this.lane));
    this.snapshot = makeBlock(
      { lane: this.lane, first: this.first },
      { times: this.times, flags: this.flags, sourceOf, texts: this.texts },
      sources,
    );
    return this.snapshot;
  }

  /** The lines as a batch, to be written to a new write-ahead log. */
  batch(): LaneBatch {
    return {
      lane: this.lane.number,
      first: this.first,
      times: this.times,
      flags: this.flags,
      sources: this.sources,
      texts: this.texts,
    };
  }
}

function unknownSource(lane: Lane): LogSource {
  return { container: '', stack: lane.stack, service: lane.service, slot: 0, generation: 0, revision: 0 };
}
