/**
 * A sealed period: head, then one compressed part per metric, so that a chart reads only its own. In a part each series' values are
 * differences of bits to the value before (mean) or to the mean (minimum, maximum), and equal bytes of all values lie together; a
 * value keeps 12 bits after the point of its mantissa, an error of at most 0.013 %, and whole numbers to 8,192 exactly.
 */
import { ByteReader, ByteWriter, crc32, DamagedError } from '../../../base/bytes';
import type { Codec } from '../../disk';
import { seriesKey } from '../names';
import { bitsOf, decodeJson, encodeJson, floatOf, isLabels } from './bits';
import { gaps, type Columns, type Period } from './period';
import { periodBuckets } from './tiers';

/** `PHM1` */
const magic = 0x314d4850;
/** Bytes before the head's text: magic, its length, its checksum. */
export const blockHead = 12;
const longestHead = 1024 * 1024;
const gap = 0x7fc00000;

/** Where a metric's part lies, in bytes from the end of the head. */
export interface Part {
  metric: string;
  offset: number;
  length: number;
  crc: number;
}

/** Compresses a period. Between two metrics other work gets its turn. */
export async function encodeBlock(period: Period, codec: Codec): Promise<Uint8Array> {
  const groups = new Map<string, Columns[]>();
  for (const columns of period.columns.values()) {
    const group = groups.get(columns.name.metric);
    if (group) group.push(columns);
    else groups.set(columns.name.metric, [columns]);
  }
  const parts: Part[] = [];
  const packed: Uint8Array[] = [];
  let offset = 0;
  for (const [metric, group] of groups) {
    const bytes = await codec.compress(encodePart(group));
    parts.push({ metric, offset, length: bytes.length, crc: crc32(bytes) });
    packed.push(bytes);
    offset += bytes.length;
  }
  const head = encodeJson({ step: period.step, start: period.start, buckets: periodBuckets, parts });
  const writer = new ByteWriter(blockHead + head.length + offset);
  writer.u32(magic);
  writer.u32(head.length);
  writer.u32(crc32(head));
  writer.put(head);
  for (const bytes of packed) writer.put(bytes);
  return writer.view();
}

/** Length of the head's text from a block's first bytes. Throws `DamagedError`. */
export function readBlockHead(bytes: Uint8Array): { length: number; crc: number } {
  const reader = new ByteReader(bytes);
  if (reader.u32() !== magic) throw new DamagedError('magic');
  const length = reader.u32();
  if (length > longestHead) throw new DamagedError('head');
  return { length, crc: reader.u32() };
}

/** The parts a head names. Throws `DamagedError`. */
export function readParts(bytes: Uint8Array, crc: number): Part[] {
  if (crc32(bytes) !== crc) throw new DamagedError('head checksum');
  const head = decodeJson(bytes) as { buckets?: unknown; parts?: unknown };
  if (head.buckets !== periodBuckets || !Array.isArray(head.parts)) throw new DamagedError('head');
  return head.parts as Part[];
}

/** The series of a part. Throws `DamagedError`. */
export async function decodePart(part: Part, bytes: Uint8Array, codec: Codec): Promise<Columns[]> {
  if (bytes.length !== part.length || crc32(bytes) !== part.crc) throw new DamagedError('part checksum');
  const reader = new ByteReader(await codec.decompress(bytes));
  const list = decodeJson(reader.take(reader.varint()));
  if (!Array.isArray(list) || !list.every(isLabels)) throw new DamagedError('labels');
  const columns = list.map((labels): Columns => {
    const name = { key: seriesKey(part.metric, labels), metric: part.metric, labels };
    return { name, average: gaps(), minimum: gaps(), maximum: gaps() };
  });
  const words = joinPlanes(reader.take(columns.length * periodBuckets * 12));
  let at = 0;
  for (const { average, minimum, maximum } of columns) {
    let before = 0;
    for (let index = 0; index < periodBuckets; index++) {
      const mean = ((words[at] as number) ^ before) >>> 0;
      average[index] = floatOf(mean);
      minimum[index] = floatOf(((words[at + 1] as number) ^ mean) >>> 0);
      maximum[index] = floatOf(((words[at + 2] as number) ^ mean) >>> 0);
      before = mean;
      at += 3;
    }
  }
  return columns;
}

function encodePart(group: readonly Columns[]): Uint8Array {
  const labels = encodeJson(group.map(({ name }) => name.labels));
  const words = new Uint32Array(group.length * periodBuckets * 3);
  let at = 0;
  for (const { average, minimum, maximum } of group) {
    let before = 0;
    for (let index = 0; index < periodBuckets; index++) {
      const mean = shortened(average[index] as number);
      words[at] = mean ^ before;
      words[at + 1] = shortened(minimum[index] as number) ^ mean;
      words[at + 2] = shortened(maximum[index] as number) ^ mean;
      before = mean;
      at += 3;
    }
  }
  const writer = new ByteWriter(labels.length + 8 + words.length * 4);
  writer.varint(labels.length);
  writer.put(labels);
  writer.put(splitPlanes(words));
  return writer.view();
}

/** The bits of a value, rounded to 12 bits of mantissa. */
function shortened(value: number): number {
  if (Number.isNaN(value)) return gap;
  const bits = bitsOf(value);
  // Infinite values have no mantissa to round; rounding up may carry into the exponent, as it should.
  return (bits & 0x7f800000) === 0x7f800000 ? bits : (((bits >>> 0) + 0x400) & 0xfffff800) >>> 0;
}

function splitPlanes(words: Uint32Array): Uint8Array {
  const count = words.length;
  const bytes = new Uint8Array(count * 4);
  for (let at = 0; at < count; at++) {
    const word = words[at] as number;
    bytes[at] = word >>> 24;
    bytes[at + count] = word >>> 16;
    bytes[at + 2 * count] = word >>> 8;
    bytes[at + 3 * count] = word;
  }
  return bytes;
}

function joinPlanes(bytes: Uint8Array): Uint32Array {
  const count = bytes.length / 4;
  const words = new Uint32Array(count);
  for (let at = 0; at < count; at++) {
    words[at] =
      ((bytes[at] as number) << 24) |
      ((bytes[at + count] as number) << 16) |
      ((bytes[at + 2 * count] as number) << 8) |
      (bytes[at + 3 * count] as number);
  }
  return words;
}
