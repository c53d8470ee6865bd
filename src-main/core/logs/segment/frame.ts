/**
 * One block in a segment file: fixed head, facts as JSON, compressed columns. Its word filter lies in a file beside, together with those of
 * the other blocks, so that a search reads them at once. Each part has its checksum.
 */
import type { Codec, TextCodec } from '../../disk';
import { Block, type BlockMeta } from './block';
import { ByteReader, ByteWriter, crc32, DamagedError } from './bytes';
import { readColumns, writeColumns } from './columns';
import { WordSet } from './filter';

/** `PHB3`, and `PHB2`: what 0.1.0 wrote, with the filter between facts and columns. */
export const frameMagic = 0x33424850;
const olderMagic = 0x32424850;
/**
 * Bytes of a frame's head: magic, three lengths (facts, filter, payload), checksums of facts and payload, the filter's place in its file and
 * its checksum, and the checksum of the head itself. The older one knows no place and no checksum of the filter.
 */
const headLength = 36;
const olderHeadLength = 28;
/** The least that must be there to be a frame. */
export const shortestHead = olderHeadLength;
export const longestHead = headLength;
const longestPart = 64 * 1024 * 1024;

/** Where the parts of a frame lie, in bytes from the start of the file. */
export interface FramePlace {
  offset: number;
  metaLength: number;
  filterLength: number;
  payloadLength: number;
  payloadCrc: number;
  /** Absent when the filter lies in the frame. */
  filterCrc?: number;
}

type Parts = Pick<FramePlace, 'metaLength' | 'filterLength' | 'payloadLength' | 'filterCrc'>;

/** Bytes from the frame's start to its facts. */
export function factsAt(place: Parts): number {
  return place.filterCrc === undefined ? olderHeadLength : headLength;
}

/** Bytes from the frame's start to its columns. */
export function payloadAt(place: Parts): number {
  return factsAt(place) + place.metaLength + (place.filterCrc === undefined ? place.filterLength : 0);
}

/** Bytes from the frame's start to the next frame's. */
export function frameLength(place: Parts): number {
  return payloadAt(place) + place.payloadLength;
}

/** What making frames needs over and over; one for each writer. */
export class FrameTools {
  readonly words = new WordSet();
  readonly body = new ByteWriter(0);

  constructor(
    readonly codec: Codec,
    readonly text: TextCodec,
  ) {}
}

/** A block as the bytes of a frame, and its filter, which will lie at `filterAt` in the file beside. */
export async function encodeFrame(
  block: Block,
  filterAt: number,
  tools: FrameTools,
): Promise<{ bytes: Uint8Array; filter: Uint8Array; place: Omit<FramePlace, 'offset'> }> {
  const { words, body } = tools;
  const text = tools.text.encode(block.columns.text);
  // As many bytes as characters: all of them ASCII.
  if (block.meta.plain && text.length === block.meta.size) words.addAscii(text);
  else words.addText(block.folded);
  const filter = words.finish();
  body.reset(text.length + 16 * block.count + 1024);
  writeColumns(body, block.columns, text);
  const payload = await tools.codec.compress(body.view());
  const meta = tools.text.encode(JSON.stringify(block.meta));
  const place = {
    metaLength: meta.length,
    filterLength: filter.length,
    payloadLength: payload.length,
    payloadCrc: crc32(payload),
    filterCrc: crc32(filter),
  };
  const writer = new ByteWriter(frameLength(place));
  writer.u32(frameMagic);
  writer.u32(meta.length);
  writer.u32(filter.length);
  writer.u32(payload.length);
  writer.u32(crc32(meta));
  writer.u32(place.payloadCrc);
  writer.u32(filterAt);
  writer.u32(place.filterCrc);
  writer.u32(crc32(writer.view()));
  writer.put(meta);
  writer.put(payload);
  return { bytes: writer.view(), filter, place };
}

/** What a frame's head says; `filterAt` is known when the filter lies beside. */
export type FrameHead = Omit<FramePlace, 'offset'> & { factsCrc: number; filterAt?: number };

/** Reads a frame's head, or undefined when these bytes are none. */
export function readHead(bytes: Uint8Array): FrameHead | undefined {
  if (bytes.length < shortestHead) return undefined;
  const reader = new ByteReader(bytes);
  const magic = reader.u32();
  if (magic !== olderMagic && (magic !== frameMagic || bytes.length < headLength)) return undefined;
  const metaLength = reader.u32();
  const filterLength = reader.u32();
  const payloadLength = reader.u32();
  const factsCrc = reader.u32();
  const payloadCrc = reader.u32();
  const head = { metaLength, filterLength, payloadLength, factsCrc, payloadCrc };
  const beside = magic === frameMagic ? { filterAt: reader.u32(), filterCrc: reader.u32() } : undefined;
  const { at } = reader;
  if (reader.u32() !== crc32(bytes.subarray(0, at))) return undefined;
  if (metaLength > longestPart || filterLength > longestPart || payloadLength > longestPart) return undefined;
  return { ...head, ...beside };
}

/** Parses the facts of a block; undefined when they are damaged. */
export function readMeta(bytes: Uint8Array, text: TextCodec): BlockMeta | undefined {
  try {
    const meta = JSON.parse(text.decode(bytes)) as BlockMeta;
    return isMeta(meta) ? meta : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a value read from disk has the shape of a block's facts. */
export function isMeta(meta: Partial<BlockMeta> | null | undefined): meta is BlockMeta {
  return (
    typeof meta === 'object' &&
    meta !== null &&
    typeof meta.first === 'number' &&
    typeof meta.count === 'number' &&
    typeof meta.from === 'number' &&
    typeof meta.to === 'number' &&
    typeof meta.lane?.number === 'number' &&
    Array.isArray(meta.counts) &&
    Array.isArray(meta.sources)
  );
}

/** The block in a payload. Throws `DamagedError` when the bytes are not what was written. */
export async function decodeBlock(
  meta: BlockMeta,
  payload: { bytes: Uint8Array; crc: number },
  tools: { codec: Codec; text: TextCodec },
): Promise<Block> {
  if (crc32(payload.bytes) !== payload.crc) throw new DamagedError('payload checksum');
  // The text, its numbers at about eight bytes a line, and room for letters that take several bytes.
  const expected = meta.size + (meta.size >>> 5) + meta.count * 8 + 1024;
  const columns = readColumns(new ByteReader(await tools.codec.decompress(payload.bytes, expected)), tools.text);
  if (columns.count !== meta.count) throw new DamagedError('line count');
  return new Block(meta, columns);
}
