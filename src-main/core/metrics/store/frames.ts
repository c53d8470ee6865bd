/**
 * The file of a period in the making: one frame per finished bucket, each with its length and checksum. A frame brings the names of
 * series that the file has not named yet, so a file needs nothing beside it. A frame that a crash has torn is cut off.
 */
import { ByteReader, ByteWriter, crc32, DamagedError } from '../../../base/bytes';
import type { FileDisk } from '../../disk';
import { seriesKey } from '../names';
import { bitsOf, decodeJson, encodeJson, floatOf, isLabels } from './bits';
import { Period, type Row } from './period';
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
  const names: SeriesName[] = [];
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
      decodeFrame(body, names, period);
    } catch (thrown) {
      if (!(thrown instanceof DamagedError || thrown instanceof SyntaxError)) throw thrown;
      break;
    }
    at += headLength + length;
  }
  return { period, numbers: new Map(names.map((name, number) => [name.key, number])), good: at };
}

function decodeFrame(body: Uint8Array, names: SeriesName[], period: Period): void {
  const reader = new ByteReader(body);
  for (let left = reader.varint(); left > 0; left--) {
    const parsed = decodeJson(reader.take(reader.varint()));
    const [metric, labels] = Array.isArray(parsed) ? (parsed as unknown[]) : [];
    if (typeof metric !== 'string' || !isLabels(labels)) throw new DamagedError('series name');
    names.push({ key: seriesKey(metric, labels), metric, labels });
  }
  const index = reader.varint();
  if (index >= periodBuckets) throw new DamagedError('bucket');
  for (let left = reader.varint(); left > 0; left--) {
    const word = reader.varint();
    const name = names[Math.floor(word / 2)];
    if (!name) throw new DamagedError('series number');
    const average = floatOf(reader.u32());
    const steady = word % 2 === 1;
    const minimum = steady ? average : floatOf(reader.u32());
    const maximum = steady ? average : floatOf(reader.u32());
    period.set(index, { name, average, minimum, maximum });
  }
}
