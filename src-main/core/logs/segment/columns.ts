/** How lines lie in bytes: column by column, so that like stands beside like and compresses. Shared by blocks and the write-ahead log. */
import type { TextCodec } from '../../disk';
import { DamagedError, type ByteReader, type ByteWriter } from './bytes';
import type { Columns } from './block';

/** No record holds more lines than this; a greater count is damage. */
const mostLines = 1 << 22;

/** Writes columns. Times as zigzag differences, lengths in UTF-16 units, the text as UTF-8. */
export function writeColumns(writer: ByteWriter, columns: Columns, text: TextCodec): void {
  const { times, flags, sourceOf, starts } = columns;
  const count = times.length;
  writer.varint(count);
  let before = 0;
  for (let index = 0; index < count; index++) {
    const time = times[index] as number;
    writer.signed(time - before);
    before = time;
  }
  writer.put(flags);
  let single = true;
  for (let index = 0; index < count && single; index++) single = sourceOf[index] === 0;
  writer.u8(single ? 0 : 1);
  if (!single) for (let index = 0; index < count; index++) writer.varint(sourceOf[index] as number);
  for (let index = 0; index < count; index++)
    writer.varint((starts[index + 1] as number) - (starts[index] as number) - 1);
  const bytes = text.encode(columns.text);
  writer.varint(bytes.length);
  writer.put(bytes);
}

/** Reads what `writeColumns` wrote. Throws `DamagedError`. */
export function readColumns(reader: ByteReader, text: TextCodec): Columns {
  const count = reader.varint();
  if (count > mostLines || count > reader.left) throw new DamagedError('too many lines');
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
  const all = text.decode(reader.take(reader.varint()));
  if (count > 0 && all.length !== at - 1) throw new DamagedError('text and lengths differ');
  return { times, flags, sourceOf, text: all, starts };
}
