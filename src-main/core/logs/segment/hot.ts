/** The lines of one lane that no block holds yet: in memory for readers, in the write-ahead log for crashes. */
import type { LaneBatch } from '../ingest/intake';
import type { Lane, LogSource } from '../line';
import { makeBlock, type Block } from './block';

/** Batches of a lane, one after another. */
export class HotLane {
  private batches: LaneBatch[] = [];
  count = 0;
  /** Characters of text. */
  size = 0;
  private snapshot: Block | undefined;

  constructor(
    readonly lane: Lane,
    /** Ordinal of the first line here. */
    readonly first: number,
  ) {}

  /** Adds a batch, leaving out lines already stored in a block (replay after a crash). */
  add(batch: LaneBatch): void {
    const skip = this.first + this.count - batch.first;
    const own = skip > 0 ? without(batch, skip) : batch;
    if (own.times.length === 0) return;
    this.batches.push(own);
    this.count += own.times.length;
    this.size += own.text.length + 1;
    this.snapshot = undefined;
  }

  /** The lines as a block, made once until more lines come. */
  block(sourceByNumber: ReadonlyMap<number, LogSource>): Block {
    if (this.snapshot) return this.snapshot;
    const { times, flags, sources: numberOf, text, starts } = this.batch();
    const { numbers, places } = placesOf(numberOf);
    const sources = numbers.map((number) => sourceByNumber.get(number) ?? unknownSource(this.lane));
    const columns = { count: this.count, times, flags, sourceOf: new Uint16Array(places), text, starts };
    this.snapshot = makeBlock({ lane: this.lane, first: this.first }, columns, sources);
    return this.snapshot;
  }

  /** The lines as one batch. */
  batch(): LaneBatch {
    const only = this.batches[0];
    if (only && this.batches.length === 1) return only;
    const whole: LaneBatch = {
      lane: this.lane.number,
      first: this.first,
      times: new Float64Array(this.count),
      flags: new Uint8Array(this.count),
      sources: new Uint32Array(this.count),
      text: this.batches.map((own) => own.text).join('\n'),
      starts: new Uint32Array(this.count + 1),
    };
    let line = 0;
    let at = 0;
    for (const { times, flags, sources, text, starts } of this.batches) {
      whole.times.set(times, line);
      whole.flags.set(flags, line);
      whole.sources.set(sources, line);
      for (let index = 0; index < times.length; index++) whole.starts[line + index] = at + (starts[index] as number);
      line += times.length;
      at += text.length + 1;
    }
    whole.starts[this.count] = at;
    this.batches = [whole];
    return whole;
  }
}

/** The batch after its first `skip` lines. */
function without(batch: LaneBatch, skip: number): LaneBatch {
  const cut = Math.min(skip, batch.times.length);
  const from = batch.starts[cut] as number;
  return {
    lane: batch.lane,
    first: batch.first + cut,
    times: batch.times.subarray(cut),
    flags: batch.flags.subarray(cut),
    sources: batch.sources.subarray(cut),
    text: batch.text.slice(from),
    starts: batch.starts.subarray(cut).map((start) => start - from),
  };
}

/** The distinct numbers, and for each line the place of its own among them. */
export function placesOf(numberOf: Uint32Array): { numbers: number[]; places: Uint32Array } {
  const numbers: number[] = [];
  const known = new Map<number, number>();
  const places = new Uint32Array(numberOf.length);
  let last = -1;
  let place = 0;
  for (let index = 0; index < numberOf.length; index++) {
    const number = numberOf[index] as number;
    if (number !== last) {
      place = known.get(number) ?? numbers.push(number) - 1;
      known.set(number, place);
      last = number;
    }
    places[index] = place;
  }
  return { numbers, places };
}

function unknownSource(lane: Lane): LogSource {
  return { container: '', stack: lane.stack, service: lane.service, slot: 0, generation: 0, revision: 0 };
}
