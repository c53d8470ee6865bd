/** How lines lie in bytes: column by column, so that like stands beside like and compresses. Shared by blocks and the write-ahead log. */
import type { TextCodec } from '../../disk';
import { ByteReader, ByteWriter, DamagedError } from './bytes';
import type { Columns } from './block';

/** No record holds more lines than this; a greater count is damage. */
const mostLines = 1 << 22;

/**
 * Writes columns: the text first, as UTF-8 (`bytes`), so that a search that does not find its word there never reads the rest; then times
 * as zigzag differences, flags, sources, and lengths in UTF-16 units.
 */
export function writeColumns(
  writer: ByteWriter,
  columns: Pick<Columns, 'times' | 'flags' | 'starts'> & { sourceOf: ArrayLike<number> },
  bytes: Uint8Array,
): void {
  const { times, flags, sourceOf, starts } = columns;
  const count = times.length;
  writer.varint(count);
  writer.varint(bytes.length);
  writer.put(bytes);
  const rest = new ByteWriter(count * 8 + 16);
  let before = 0;
  for (let index = 0; index < count; index++) {
    const time = times[index] as number;
    rest.signed(time - before);
    before = time;
  }
  rest.put(flags);
  let single = true;
  for (let index = 0; index < count && single; index++) single = sourceOf[index] === 0;
  rest.u8(single ? 0 : 1);
  if (!single) for (let index = 0; index < count; index++) rest.varint(sourceOf[index] as number);
  for (let index = 0; index < count; index++)
    rest.varint((starts[index + 1] as number) - (starts[index] as number) - 1);
  writer.varint(rest.length);
  writer.put(rest.view());
}

/** Reads what `writeColumns` wrote; everything is unpacked when it is first asked for. Throws `DamagedError`. */
export function readColumns(reader: ByteReader, text: TextCodec): Columns {
  const count = reader.varint();
  if (count > mostLines) throw new DamagedError('too many lines');
  const bytes = reader.take(reader.varint());
  let all: string | undefined;
  const decoded = (): string => (all ??= text.decode(bytes));
  const rest = reader.take(reader.varint());
  if (count > rest.length) throw new DamagedError('too many lines');
  let numbers: Numbers | undefined;
  const read = (): Numbers => (numbers ??= readNumbers(new ByteReader(rest), count, decoded().length));
  return {
    count,
    get text() {
      return decoded();
    },
    holds: (piece) => (all === undefined && text.holds ? text.holds(bytes, piece) : decoded().includes(piece)),
    get times() {
      return read().times;
    },
    get flags() {
      return read().flags;
    },
    get sourceOf() {
      return read().sourceOf;
    },
    get starts() {
      return read().starts;
    },
  };
}

type Numbers = Omit<Columns, 'count' | 'text'>;

function readNumbers(reader: ByteReader, count: number, textLength: number): Numbers {
  const times = new Float64Array(count);
  let before = 0;
  for (let index = 0; index < count; index++) {
    before += reader.signed();
    times[index] = before;
  }
  const flags = reader.take(count).slice();
  const sourceOf = new Uint16Array(count);
  if (reader.u8() === 1) for (let index = 0; index < count; index++) sourceOf[index] = reader.varint();
  const starts = new Uint32Array(count + 1);
  let at = 0;
  for (let index = 0; index < count; index++) {
    starts[index] = at;
    at += reader.varint() + 1;
  }
  starts[count] = at;
  if (count > 0 && textLength !== at - 1) throw new DamagedError('text and lengths differ');
  return { times, flags, sourceOf, starts };
}
