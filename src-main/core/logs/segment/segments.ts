/**
 * Sealed blocks on disk: files of frames, a file of filters beside each, an index file for each full one. Filters are cached within a bound,
 * the oldest segments are removed first.
 */
import { PilothouseError } from '../../../contract/errors';
import type { Codec, FileDisk, TextCodec } from '../../disk';
import { type Block, type BlockMeta } from './block';
import { ByteReader, ByteWriter, crc32, DamagedError } from './bytes';
import {
  decodeBlock,
  encodeFrame,
  factsAt,
  frameLength,
  frameMagic,
  FrameTools,
  isMeta,
  longestHead,
  payloadAt,
  readHead,
  readMeta,
  shortestHead,
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
  /** Bytes of the file of filters. */
  filterSize: number;
  /** The index is of 0.1.0 and ends with the filters. */
  filtersInIndex: boolean;
  full: boolean;
  removed: boolean;
  entries: BlockEntry[];
  /** Filters of all entries, each at its place; absent until needed. */
  filters: Uint8Array | undefined;
}

export interface SegmentTools {
  files: FileDisk;
  codec: Codec;
  text: TextCodec;
}

/** `PHI2`, and `PHI1`: what 0.1.0 wrote, with the filters at its end. */
const indexMagic = 0x32494850;
const olderIndexMagic = 0x31494850;
/** Filters of full segments kept in memory, bytes. */
const filterBudget = 64 * 1024 * 1024;
const namePattern = /^logs-(\d{8})\.seg$/;

/** All segment files of the store. */
export class Segments {
  readonly list: Segment[] = [];
  /** Blocks that could not be read back since the start. */
  damaged = 0;
  /** Why the last block could not be read that nothing is known to be wrong with. */
  problem: unknown;
  private cached: Segment[] = [];
  private readonly frames: FrameTools;

  private constructor(
    private readonly tools: SegmentTools,
    /** A segment is full at so many bytes. */
    private segmentBytes: number,
  ) {
    this.frames = new FrameTools(tools.codec, tools.text);
  }

  /** Reads every index; the last, unfinished file frame by frame, and cuts its torn tail. */
  static async open(tools: SegmentTools, segmentBytes: number): Promise<Segments> {
    const segments = new Segments(tools, segmentBytes);
    const files = new Map((await tools.files.list()).map((file) => [file.name, file.size]));
    const names = [...files.keys()].filter((name) => namePattern.test(name)).sort();
    for (const [index, name] of names.entries()) {
      const number = Number(namePattern.exec(name)?.[1]);
      const size = files.get(name) ?? 0;
      const segment: Segment = {
        number,
        name,
        size,
        indexSize: files.get(indexName(name)) ?? 0,
        filterSize: files.get(filterName(name)) ?? 0,
        filtersInIndex: false,
        full: index < names.length - 1,
        removed: false,
        entries: [],
        filters: undefined,
      };
      segments.list.push(segment);
      if (segment.indexSize > 0 && (await segments.readIndex(segment))) {
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
    return this.list.reduce((sum, segment) => sum + segment.size + segment.indexSize + segment.filterSize, 0);
  }

  /**
   * Appends a block and makes it durable before it returns. Calls must not overlap. `stored` is called in the same turn as the block
   * becomes visible here, so that nobody sees it twice.
   */
  async append(block: Block, stored: () => void): Promise<void> {
    const segment = await this.active();
    const filterAt = filterEnd(segment);
    const { bytes, filter, place } = await encodeFrame(block, filterAt, this.frames);
    const offset = segment.size;
    const { files } = this.tools;
    try {
      // The filter first, and not synced: a frame without one is noticed by its checksum, and is then searched whole.
      segment.filterSize = await files.append(filterName(segment.name), filter);
      segment.size = await files.append(segment.name, bytes);
      if (segment.size !== offset + bytes.length || segment.filterSize !== filterAt + filter.length)
        throw new DamagedError('somebody else wrote to the segment');
      await files.sync(segment.name);
    } catch (thrown) {
      // Half a frame must not stand before the next one.
      await this.cut(segment, { size: offset, filterSize: filterAt });
      throw thrown;
    }
    this.add(segment, block.meta, { offset, ...place }, { at: filterAt, bytes: filter });
    stored();
  }

  /** Reads a block; undefined when it was removed meanwhile or is damaged. */
  async read(entry: BlockEntry): Promise<Block | undefined> {
    const { place, segment } = entry;
    try {
      const bytes = await this.tools.files.read(segment.name, place.offset + payloadAt(place), place.payloadLength);
      return await decodeBlock(entry.meta, { bytes, crc: place.payloadCrc }, this.tools);
    } catch (thrown) {
      if (segment.removed) return undefined;
      this.damaged += 1;
      if (thrown instanceof PilothouseError) this.problem = thrown;
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
    const length = filterEnd(segment);
    const [name, at] = segment.filtersInIndex
      ? [indexName(segment.name), segment.indexSize - length]
      : [filterName(segment.name), 0];
    try {
      const bytes = await this.tools.files.read(name, at, length);
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
    // The lines last: what is left of them after a crash is still found.
    if (oldest.filterSize > 0) await this.tools.files.remove(filterName(oldest.name));
    if (oldest.indexSize > 0) await this.tools.files.remove(indexName(oldest.name));
    await this.tools.files.remove(oldest.name);
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
      filterSize: 0,
      filtersInIndex: false,
      full: false,
      removed: false,
      entries: [],
      filters: new Uint8Array(0),
    };
    this.list.push(segment);
    return segment;
  }

  private async finish(segment: Segment): Promise<void> {
    await this.tools.files.sync(filterName(segment.name));
    await this.writeIndex(segment);
    segment.filters = segment.filters?.slice(0, filterEnd(segment));
    segment.full = true;
    this.cache(segment);
  }

  private async cut(segment: Segment, to: { size: number; filterSize: number }): Promise<void> {
    const { files } = this.tools;
    const there = new Map((await files.list()).map((file) => [file.name, file.size]));
    for (const [name, size] of [
      [segment.name, to.size],
      [filterName(segment.name), to.filterSize],
    ] as const)
      if ((there.get(name) ?? 0) > size) await files.truncate(name, size);
    segment.size = to.size;
    segment.filterSize = to.filterSize;
  }

  private add(segment: Segment, meta: BlockMeta, place: FramePlace, filter: { at: number; bytes: Uint8Array }): void {
    const before = segment.filters ?? new Uint8Array(0);
    const end = filter.at + filter.bytes.length;
    if (before.length < end) {
      // Grown by doubling: the active segment's filters are appended to block by block.
      const grown = new Uint8Array(Math.max(end, before.length * 2, 64 * 1024));
      grown.set(before);
      segment.filters = grown;
    }
    segment.filters?.set(filter.bytes, filter.at);
    segment.entries.push({ meta, segment, place, filterAt: filter.at });
  }

  private async writeIndex(segment: Segment): Promise<void> {
    const json = this.tools.text.encode(
      JSON.stringify(segment.entries.map(({ meta, place, filterAt }) => ({ meta, place, filterAt }))),
    );
    const writer = new ByteWriter(json.length + 32);
    writer.u32(indexMagic);
    writer.u32(json.length);
    writer.u32(crc32(json));
    writer.u32(segment.size);
    writer.put(json);
    const bytes = writer.view();
    await this.tools.files.write(indexName(segment.name), bytes.slice());
    segment.indexSize = bytes.length;
  }

  private async readIndex(segment: Segment): Promise<boolean> {
    const { files, text } = this.tools;
    try {
      const head = new ByteReader(await files.read(indexName(segment.name), 0, 16));
      const magic = head.u32();
      if (magic !== indexMagic && magic !== olderIndexMagic) return false;
      const length = head.u32();
      const crc = head.u32();
      if (head.u32() !== segment.size) return false;
      const json = await files.read(indexName(segment.name), 16, length);
      if (json.length !== length || crc32(json) !== crc) return false;
      const rows = JSON.parse(text.decode(json)) as { meta: BlockMeta; place: FramePlace; filterAt: number }[];
      if (!rows.every((row) => isMeta(row.meta))) return false;
      segment.entries = rows.map((row) => ({ ...row, segment }));
      segment.filtersInIndex = magic === olderIndexMagic;
      return true;
    } catch {
      return false;
    }
  }

  /** Walks the frames. A damaged stretch is skipped when whole frames follow it, else it is a torn tail and is cut off. */
  private async scan(segment: Segment): Promise<void> {
    const { files, text } = this.tools;
    const beside = await this.besideFilters(segment);
    let whole = true;
    let at = 0;
    while (segment.size - at >= shortestHead) {
      const head = readHead(await files.read(segment.name, at, longestHead));
      if (head && at + frameLength(head) <= segment.size) {
        const facts = await files.read(segment.name, at + factsAt(head), payloadAt(head) - factsAt(head));
        const meta = crc32(facts) === head.factsCrc ? readMeta(facts.subarray(0, head.metaLength), text) : undefined;
        if (meta) {
          const { factsCrc: _factsCrc, filterAt = filterEnd(segment), ...place } = head;
          let bytes = place.filterCrc === undefined ? facts.subarray(head.metaLength) : undefined;
          if (bytes) whole = false;
          else {
            bytes = beside.subarray(filterAt, filterAt + head.filterLength);
            if (bytes.length < head.filterLength || crc32(bytes) !== place.filterCrc) {
              // All bits set: it may hold any word.
              bytes = new Uint8Array(head.filterLength).fill(0xff);
              whole = false;
            }
          }
          this.add(segment, meta, { ...place, offset: at }, { at: filterAt, bytes });
          if (place.filterCrc === undefined) segment.full = true;
        } else this.damaged += 1;
        at += frameLength(head);
        continue;
      }
      const next = await this.findFrame(segment, at + 1);
      if (next === undefined) break;
      this.damaged += 1;
      at = next;
    }
    const end = filterEnd(segment);
    if (!segment.full) await this.cut(segment, { size: Math.min(at, segment.size), filterSize: end });
    if (!whole || segment.filterSize < end) await this.writeFilters(segment);
  }

  private async besideFilters(segment: Segment): Promise<Uint8Array> {
    if (segment.filterSize === 0) return new Uint8Array(0);
    return this.tools.files.read(filterName(segment.name), 0, segment.filterSize).catch(() => new Uint8Array(0));
  }

  private async writeFilters(segment: Segment): Promise<void> {
    const bytes = (segment.filters ?? new Uint8Array(0)).slice(0, filterEnd(segment));
    await this.tools.files.write(filterName(segment.name), bytes);
    segment.filterSize = bytes.length;
  }

  private async findFrame(segment: Segment, from: number): Promise<number | undefined> {
    const rest = await this.tools.files.read(segment.name, from, segment.size - from);
    for (let index = 0; index + shortestHead <= rest.length; index++) {
      // Both kinds begin with the same letter.
      if (rest[index] !== (frameMagic & 0xff)) continue;
      const head = readHead(rest.subarray(index, index + longestHead));
      if (head && from + index + frameLength(head) <= segment.size) return from + index;
    }
    return undefined;
  }
}

/** Where the filters of a segment end, in their file. */
function filterEnd(segment: Segment): number {
  const last = segment.entries.at(-1);
  return last ? last.filterAt + last.place.filterLength : 0;
}

function indexName(segment: string): string {
  return segment.replace(/\.seg$/, '.idx');
}

function filterName(segment: string): string {
  return segment.replace(/\.seg$/, '.flt');
}
