/** One block in a segment file: fixed head, facts as JSON, word filter, compressed columns. Each part has its checksum. */
import type { Codec, TextCodec } from '../../disk';
import { Block, type BlockMeta } from './block';
import { ByteReader, ByteWriter, crc32, DamagedError } from './bytes';
import { readColumns, writeColumns } from './columns';
import { WordSet } from './filter';

/** `PHB2` */
export const frameMagic = 0x32424850;
/** Bytes of a frame's head: magic, three lengths, three checksums (facts, payload, the head itself). */
export const headLength = 28;
const longestPart = 64 * 1024 * 1024;

/** Where the parts of a frame lie, in bytes from the start of the file. */
export interface FramePlace {
  offset: number;
  metaLength: number;
  filterLength: number;
  payloadLength: number;
  payloadCrc: number;
}

/** Bytes from the frame's start to the next frame's. */
export function frameLength(place: Omit<FramePlace, 'offset' | 'payloadCrc'>): number {
  return headLength + place.metaLength + place.filterLength + place.payloadLength;
}

const words = new WordSet();

/** A block as the bytes of a frame, and its filter. */
export async function encodeFrame(
  block: Block,
  tools: { codec: Codec; text: TextCodec },
): Promise<{ bytes: Uint8Array; filter: Uint8Array; place: Omit<FramePlace, 'offset'> }> {
  words.addText(block.folded);
  const filter = words.finish();
  const body = new ByteWriter(block.meta.size + 16 * block.count + 1024);
  writeColumns(body, block.columns, tools.text);
  const payload = await tools.codec.compress(body.view());
  const meta = tools.text.encode(JSON.stringify(block.meta));
  const facts = new Uint8Array(meta.length + filter.length);
  facts.set(meta);
  facts.set(filter, meta.length);
  const place = {
    metaLength: meta.length,
    filterLength: filter.length,
    payloadLength: payload.length,
    payloadCrc: crc32(payload),
  };
  const writer = new ByteWriter(frameLength(place));
  writer.u32(frameMagic);
  writer.u32(meta.length);
  writer.u32(filter.length);
  writer.u32(payload.length);
  writer.u32(crc32(facts));
  writer.u32(place.payloadCrc);
  writer.u32(crc32(writer.view()));
  writer.put(facts);
  writer.put(payload);
  return { bytes: writer.view(), filter, place };
}

/** Reads a frame's head, or undefined when these bytes are none. */
export function readHead(bytes: Uint8Array): (Omit<FramePlace, 'offset'> & { factsCrc: number }) | undefined {
  if (bytes.length < headLength) return undefined;
  const reader = new ByteReader(bytes);
  if (reader.u32() !== frameMagic) return undefined;
  const metaLength = reader.u32();
  const filterLength = reader.u32();
  const payloadLength = reader.u32();
  const factsCrc = reader.u32();
  const payloadCrc = reader.u32();
  if (reader.u32() !== crc32(bytes.subarray(0, headLength - 4))) return undefined;
  if (metaLength > longestPart || filterLength > longestPart || payloadLength > longestPart) return undefined;
  return { metaLength, filterLength, payloadLength, factsCrc, payloadCrc };
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
