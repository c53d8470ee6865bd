/**
 * The file of a period in the making: one frame per finished bucket, each with its length and checksum. A frame brings the names of
 * series that the file has not named yet, so a file needs nothing beside it. A frame that a crash has torn is cut off.
 */
import { ByteReader, ByteWriter, crc32, DamagedError } from '../../../base/bytes';
import type { FileDisk } from '../../disk';
import { seriesKey } from '../names';
import { bitsOf, decodeJson, encodeJson, isLabels } from './bits';
import { Period, type Columns, type Row } from './period';
import type { SeriesName } from './series';
import { periodBuckets } from './tiers';

const headLength = 8;
const longestFrame = 64 * 1024 * 1024;

/** Numbers of the series that a file has named, by key. */
export type Numbers = Map<string, number>;

/** A bucket as a frame. `fresh` are the series it names; the caller adds them to `numbers` once the frame is on disk. */
export function encodeFrame(
  index: number,
  rows: readonly Row[],
  numbers: ReadonlyMap<string, number>,
): { bytes: Uint8Array; fresh: [string, number][] } {
  const fresh = new Map<string, number>();
  const names: SeriesName[] = [];
  for (const { name } of rows) {
    if (numbers.has(name.key) || fresh.has(name.key)) continue;
    fresh.set(name.key, numbers.size + fresh.size);
    names.push(name);
  }
  const body = new ByteWriter(64 + rows.length * 16 + names.length * 96);
  body.varint(names.length);
  for (const { metric, labels } of names) {
    const text = encodeJson([metric, labels]);
    body.varint(text.length);
    body.put(text);
  }
  body.varint(index);
  body.varint(rows.length);
  for (const { name, average, minimum, maximum } of rows) {
    const number = numbers.get(name.key) ?? fresh.get(name.key) ?? 0;
    const [mean, low, high] = [bitsOf(average), bitsOf(minimum), bitsOf(maximum)];
    const steady = mean === low && mean === high;
    body.varint(number * 2 + (steady ? 1 : 0));
    body.u32(mean);
    if (steady) continue;
    body.u32(low);
    body.u32(high);
  }
  const frame = new ByteWriter(body.length + headLength);
  frame.u32(body.length);
  frame.u32(crc32(body.view()));
  frame.put(body.view());
  return { bytes: frame.view(), fresh: [...fresh] };
}

/** Reads every whole frame into a period; `good` is the length of the file that makes sense. */
export async function replay(
  files: FileDisk,
  file: { name: string; size: number },
  place: { start: number; step: number },
): Promise<{ period: Period; numbers: Numbers; good: number }> {
  const period = new Period(place.start, place.step);
  const named: Columns[] = [];
  const bytes = await files.read(file.name, 0, file.size);
  let at = 0;
  while (bytes.length - at >= headLength) {
    const head = new ByteReader(bytes.subarray(at, at + headLength));
    const [length, crc] = [head.u32(), head.u32()];
    if (length > longestFrame || length > bytes.length - at - headLength) break;
    const body = bytes.subarray(at + headLength, at + headLength + length);
    // A file of zeroes, as some file systems leave after a power cut, would pass the checksum of nothing.
    if (length === 0 || crc32(body) !== crc) break;
    try {
      decodeFrame(body, named, period);
    } catch (thrown) {
      if (!(thrown instanceof DamagedError || thrown instanceof SyntaxError)) throw thrown;
      break;
    }
    at += headLength + length;
  }
  return { period, numbers: new Map(named.map(({ name }, number) => [name.key, number])), good: at };
}

/** @param named columns of the series that the file has named so far, by number */
function decodeFrame(body: Uint8Array, named: Columns[], period: Period): void {
  const reader = new ByteReader(body);
  for (let left = reader.varint(); left > 0; left--) {
    const parsed = decodeJson(reader.take(reader.varint()));
    const [metric, labels] = Array.isArray(parsed) ? (parsed as unknown[]) : [];
    if (typeof metric !== 'string' || !isLabels(labels)) throw new DamagedError('series name');
    named.push(period.of({ key: seriesKey(metric, labels), metric, labels }));
  }
  const index = reader.varint();
  if (index >= periodBuckets) throw new DamagedError('bucket');
  const floats = new DataView(body.buffer, body.byteOffset, body.byteLength);
  for (let left = reader.varint(); left > 0; left--) {
    const word = reader.varint();
    const columns = named[Math.floor(word / 2)];
    const at = reader.at;
    const steady = word % 2 === 1;
    reader.take(steady ? 4 : 12);
    if (!columns) throw new DamagedError('series number');
    columns.average[index] = floats.getFloat32(at, true);
    columns.minimum[index] = floats.getFloat32(steady ? at : at + 4, true);
    columns.maximum[index] = floats.getFloat32(steady ? at : at + 8, true);
  }
}
