/**
 * The write-ahead log: batches of lines with their cursors, appended before they are shown. A batch that is torn by a crash is cut off;
 * its lines are then read from the engine again, because its cursors are gone with it.
 */
import type { FileDisk, TextCodec } from '../../disk';
import type { AppendBatch, LaneBatch } from '../ingest/intake';
import type { ContainerCursor } from '../ingest/cursor';
import type { Lane, LogSource } from '../line';
import { ByteReader, ByteWriter, crc32, DamagedError } from './bytes';
import { readColumns, writeColumns } from './columns';
import { placesOf } from './hot';

/** `PHW2` */
const recordMagic = 0x32574850;
const headLength = 12;
const longestRecord = 256 * 1024 * 1024;

/** What a record says beside its columns. */
interface RecordFacts {
  newLanes: Lane[];
  newSources: { number: number; source: LogSource }[];
  cursors: { container: string; cursor: ContainerCursor }[];
  lanes: { lane: number; first: number; sources: number[] }[];
}

/** A batch as the bytes of a record, in `record`'s memory: they are valid until it is used again. */
export function encodeRecord(batch: AppendBatch, text: TextCodec, record: ByteWriter): Uint8Array {
  const lanes = batch.lanes.map((lane) => ({ lane, ...placesOf(lane.sources) }));
  const facts: RecordFacts = {
    newLanes: batch.newLanes,
    newSources: batch.newSources,
    cursors: batch.cursors,
    lanes: lanes.map(({ lane, numbers }) => ({ lane: lane.lane, first: lane.first, sources: numbers })),
  };
  const json = text.encode(JSON.stringify(facts));
  const lines = batch.lanes.reduce((sum, lane) => sum + lane.text.length + lane.times.length * 8 + 64, 0);
  record.reset(headLength + json.length + lines);
  record.u32(recordMagic);
  // Length and checksum, known at the end.
  record.u32(0);
  record.u32(0);
  record.varint(json.length);
  record.put(json);
  for (const { lane, places } of lanes) writeColumns(record, { ...lane, sourceOf: places }, text.encode(lane.text));
  const payload = record.view().subarray(headLength);
  const head = new ByteWriter(headLength);
  head.u32(recordMagic);
  head.u32(payload.length);
  head.u32(crc32(payload));
  record.view().set(head.view());
  return record.view();
}

/** Reads every whole record; `good` is the length of the file that makes sense, what follows is torn. */
export async function readRecords(
  files: FileDisk,
  file: { name: string; size: number },
  text: TextCodec,
  each: (batch: AppendBatch) => void,
): Promise<{ good: number }> {
  let at = 0;
  while (file.size - at >= headLength) {
    const head = new ByteReader(await files.read(file.name, at, headLength));
    if (head.left < headLength || head.u32() !== recordMagic) break;
    const length = head.u32();
    const crc = head.u32();
    if (length > longestRecord || length > file.size - at - headLength) break;
    const payload = await files.read(file.name, at + headLength, length);
    if (payload.length < length || crc32(payload) !== crc) break;
    try {
      each(decodeRecord(payload, text));
    } catch (thrown) {
      if (!(thrown instanceof DamagedError || thrown instanceof SyntaxError)) throw thrown;
      break;
    }
    at += headLength + length;
  }
  return { good: at };
}

function decodeRecord(payload: Uint8Array, text: TextCodec): AppendBatch {
  const reader = new ByteReader(payload);
  const facts = JSON.parse(text.decode(reader.take(reader.varint()))) as RecordFacts;
  const lanes = facts.lanes.map((own): LaneBatch => {
    const { times, flags, sourceOf, text: lines, starts } = readColumns(reader, text);
    const sources = Uint32Array.from(sourceOf, (place) => own.sources[place] ?? 0);
    return { lane: own.lane, first: own.first, times, flags, sources, text: lines, starts };
  });
  return { newLanes: facts.newLanes, newSources: facts.newSources, cursors: facts.cursors, lanes };
}
