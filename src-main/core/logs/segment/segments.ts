/** Sealed blocks on disk: files of frames, an index file for each full one, filters cached within a bound, the oldest removed first. */
import type { Codec, FileDisk, TextCodec } from '../../disk';
import { type Block, type BlockMeta } from './block';
import { ByteReader, ByteWriter, crc32, DamagedError } from './bytes';
import {
  decodeBlock,
  encodeFrame,
  frameLength,
  frameMagic,
  headLength,
  isMeta,
  readHead,
  readMeta,
  type FramePlace,
} from './frame';

/** One stored block: its facts, and where it lies. */
export interface BlockEntry {
  meta: BlockMeta;
  segment: Segment;
  place: FramePlace;
  /** Where its filter lies in the segment's filters. */
  filterAt: number;
}

export interface Segment {
  number: number;
  name: string;
  size: number;
  indexSize: number;
  full: boolean;
  removed: boolean;
  entries: BlockEntry[];
  /** Filters of all entries one after another; absent until needed. */
  filters: Uint8Array | undefined;
}

export interface SegmentTools {
  files: FileDisk;
  codec: Codec;
  text: TextCodec;
}

/** `PHI1` */
const indexMagic = 0x31494850;
/** Filters of full segments kept in memory, bytes. */
const filterBudget = 64 * 1024 * 1024;
const namePattern = /^logs-(\d{8})\.seg$/;

/** All segment files of the store. */
export class Segments {
  readonly list: Segment[] = [];
  /** Blocks that could not be read back since the start. */
  damaged = 0;
  private cached: Segment[] = [];

  private constructor(
    private readonly tools: SegmentTools,
    /** A segment is full at so many bytes. */
    private segmentBytes: number,
  ) {}

  /** Reads every index; the last, unfinished file frame by frame, and cuts its torn tail. */
  static async open(tools: SegmentTools, segmentBytes: number): Promise<Segments> {
    const segments = new Segments(tools, segmentBytes);
    const files = new Map((await tools.files.list()).map((file) => [file.name, file.size]));
    const names = [...files.keys()].filter((name) => namePattern.test(name)).sort();
    for (const [index, name] of names.entries()) {
      const number = Number(namePattern.exec(name)?.[1]);
      const size = files.get(name) ?? 0;
      const indexSize = files.get(indexName(name)) ?? 0;
      const segment: Segment = {
        number,
        name,
        size,
        indexSize,
        full: index < names.length - 1,
        removed: false,
        entries: [],
        filters: undefined,
      };
      segments.list.push(segment);
      if (indexSize > 0 && (await segments.readIndex(segment))) {
        segment.full = true;
        continue;
      }
      await segments.scan(segment);
      if (segment.full) await segments.writeIndex(segment);
    }
    return segments;
  }

  setSegmentBytes(bytes: number): void {
    this.segmentBytes = bytes;
  }

  /** Bytes on disk. */
  get bytes(): number {
    return this.list.reduce((sum, segment) => sum + segment.size + segment.indexSize, 0);
  }

  /**
   * Appends a block and makes it durable before it returns. Calls must not overlap. `stored` is called in the same turn as the block
   * becomes visible here, so that nobody sees it twice.
   */
  async append(block: Block, stored: () => void): Promise<void> {
    const { bytes, filter, place } = await encodeFrame(block, this.tools);
    const segment = await this.active();
    const offset = segment.size;
    try {
      segment.size = await this.tools.files.append(segment.name, bytes);
      if (segment.size !== offset + bytes.length) throw new DamagedError('somebody else wrote to the segment');
      await this.tools.files.sync(segment.name);
    } catch (thrown) {
      // Half a frame must not stand before the next one.
      await this.tools.files.truncate(segment.name, offset);
      segment.size = offset;
      throw thrown;
    }
    this.add(segment, block.meta, { offset, ...place }, filter);
    stored();
  }

  /** Reads a block; undefined when it was removed meanwhile or is damaged. */
  async read(entry: BlockEntry): Promise<Block | undefined> {
    const { place, segment } = entry;
    try {
      const start = place.offset + headLength + place.metaLength + place.filterLength;
      const bytes = await this.tools.files.read(segment.name, start, place.payloadLength);
      return await decodeBlock(entry.meta, { bytes, crc: place.payloadCrc }, this.tools);
    } catch {
      if (!segment.removed) this.damaged += 1;
      return undefined;
    }
  }

  /** Whether the filters of a segment can be asked without waiting. */
  hasFilters(segment: Segment): boolean {
    return segment.filters !== undefined;
  }

  /** Brings the filters of a full segment into memory, others out of it. */
  async loadFilters(segment: Segment): Promise<void> {
    if (segment.filters || segment.removed) return;
    const length = segment.entries.reduce((sum, entry) => sum + entry.place.filterLength, 0);
    try {
      const bytes = await this.tools.files.read(indexName(segment.name), segment.indexSize - length, length);
      if (bytes.length === length) segment.filters = bytes;
    } catch {
      return;
    }
    this.cache(segment);
  }

  private cache(segment: Segment): void {
    this.cached = this.cached.filter((other) => other !== segment && !other.removed);
    this.cached.push(segment);
    let sum = this.cached.reduce((total, other) => total + (other.filters?.length ?? 0), 0);
    while (sum > filterBudget && this.cached.length > 1) {
      const oldest = this.cached.shift();
      sum -= oldest?.filters?.length ?? 0;
      if (oldest) oldest.filters = undefined;
    }
  }

  /** The word filter of a block, or undefined when it is not in memory (then the block may contain anything). */
  filterOf(entry: BlockEntry): Uint8Array | undefined {
    return entry.segment.filters?.subarray(entry.filterAt, entry.filterAt + entry.place.filterLength);
  }

  /** Closes the file that is being written, so that it can age and be removed. */
  async finishActive(): Promise<void> {
    const last = this.list.at(-1);
    if (last && !last.full && last.entries.length > 0) await this.finish(last);
  }

  /** Removes the oldest full segment; false when there is none. */
  async removeOldest(): Promise<boolean> {
    const oldest = this.list[0];
    if (!oldest?.full) return false;
    oldest.removed = true;
    this.list.shift();
    await this.tools.files.remove(oldest.name);
    if (oldest.indexSize > 0) await this.tools.files.remove(indexName(oldest.name));
    oldest.filters = undefined;
    return true;
  }

  private async active(): Promise<Segment> {
    const last = this.list.at(-1);
    if (last && !last.full) {
      if (last.size < this.segmentBytes) return last;
      await this.finish(last);
    }
    const number = (last?.number ?? 0) + 1;
    const segment: Segment = {
      number,
      name: `logs-${String(number).padStart(8, '0')}.seg`,
      size: 0,
      indexSize: 0,
      full: false,
      removed: false,
      entries: [],
      filters: new Uint8Array(0),
    };
    this.list.push(segment);
    return segment;
  }

  private async finish(segment: Segment): Promise<void> {
    await this.writeIndex(segment);
    segment.full = true;
    this.cache(segment);
  }

  private add(segment: Segment, meta: BlockMeta, place: FramePlace, filter: Uint8Array): void {
    const last = segment.entries.at(-1);
    const filterAt = last ? last.filterAt + last.place.filterLength : 0;
    const entry: BlockEntry = { meta, segment, place, filterAt };
    const before = segment.filters ?? new Uint8Array(0);
    if (before.length < filterAt + filter.length) {
      // Grown by doubling: the active segment's filters are appended to block by block.
      const grown = new Uint8Array(Math.max(filterAt + filter.length, before.length * 2, 64 * 1024));
      grown.set(before);
      segment.filters = grown;
    }
    segment.filters?.set(filter, filterAt);
    segment.entries.push(entry);
  }

  private async writeIndex(segment: Segment): Promise<void> {
    const length = segment.entries.reduce((sum, entry) => sum + entry.place.filterLength, 0);
    const filters = (segment.filters ?? new Uint8Array(0)).slice(0, length);
    const json = this.tools.text.encode(
      JSON.stringify(segment.entries.map(({ meta, place, filterAt }) => ({ meta, place, filterAt }))),
    );
    const writer = new ByteWriter(json.length + filters.length + 32);
    writer.u32(indexMagic);
    writer.u32(json.length);
    writer.u32(crc32(json));
    writer.u32(segment.size);
    writer.put(json);
    writer.put(filters);
    const bytes = writer.view();
    await this.tools.files.write(indexName(segment.name), bytes.slice());
    segment.indexSize = bytes.length;
    segment.filters = filters;
  }

  private async readIndex(segment: Segment): Promise<boolean> {
    const { files, text } = this.tools;
    try {
      const head = new ByteReader(await files.read(indexName(segment.name), 0, 16));
      if (head.u32() !== indexMagic) return false;
      const length = head.u32();
      const crc = head.u32();
      if (head.u32() !== segment.size) return false;
      const json = await files.read(indexName(segment.name), 16, length);
      if (json.length !== length || crc32(json) !== crc) return false;
      const rows = JSON.parse(text.decode(json)) as { meta: BlockMeta; place: FramePlace; filterAt: number }[];
      if (!rows.every((row) => isMeta(row.meta))) return false;
      segment.entries = rows.map((row) => ({ ...row, segment }));
      return true;
    } catch {
      return false;
    }
  }

  /** Walks the frames. A damaged stretch is skipped when whole frames follow it, else it is a torn tail and is cut off. */
  private async scan(segment: Segment): Promise<void> {
    const { files, text } = this.tools;
    let at = 0;
    while (segment.size - at >= headLength) {
      const head = readHead(await files.read(segment.name, at, headLength));
      const whole = head && at + frameLength(head) <= segment.size;
      if (head && whole) {
        const facts = await files.read(segment.name, at + headLength, head.metaLength + head.filterLength);
        const meta = crc32(facts) === head.factsCrc ? readMeta(facts.subarray(0, head.metaLength), text) : undefined;
        if (meta) this.add(segment, meta, { ...head, offset: at }, facts.subarray(head.metaLength));
        else this.damaged += 1;
        at += frameLength(head);
        continue;
      }
      const next = await this.findFrame(segment, at + 1);
      if (next === undefined) break;
      this.damaged += 1;
      at = next;
    }
    if (at < segment.size && !segment.full) {
      await files.truncate(segment.name, at);
      segment.size = at;
    }
  }

  private async findFrame(segment: Segment, from: number): Promise<number | undefined> {
    const rest = await this.tools.files.read(segment.name, from, segment.size - from);
    for (let index = 0; index + headLength <= rest.length; index++) {
      if (rest[index] !== (frameMagic & 0xff)) continue;
      const head = readHead(rest.subarray(index, index + headLength));
      if (head && from + index + frameLength(head) <= segment.size) return from + index;
    }
    return undefined;
  }
}

function indexName(segment: string): string {
  return segment.replace(/\.seg$/, '.idx');
}
