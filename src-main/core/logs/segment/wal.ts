/**
 * The write-ahead log: batches of lines with their cursors, appended before they are shown. A batch that is torn by a crash is cut off;
 * its lines are then read from the engine again, because its cursors are gone with it.
 */
import type { FileDisk, TextCodec } from '../../disk';
import type { AppendBatch, LaneBatch } from '../ingest/intake';
import type { ContainerCursor } from '../ingest/cursor';
import type { Lane, LogSource } from '../line';
import { makeBlock } from './block';
import { ByteReader, ByteWriter, crc32, DamagedError } from './bytes';
import { readColumns, writeColumns } from './columns';

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

const noLane: Lane = { number: 0, stack: '', service: '' };

/** A batch as the bytes of a record. */
export function encodeRecord(batch: AppendBatch, text: TextCodec): Uint8Array {
  const facts: RecordFacts = {
    newLanes: batch.newLanes,
    newSources: batch.newSources,
    cursors: batch.cursors,
    lanes: [],
  };
  const body = new ByteWriter(64 * 1024);
  for (const lane of batch.lanes) {
    const sources: number[] = [];
    const sourceOf = lane.sources.map((number) => {
      let index = sources.indexOf(number);
      if (index < 0) index = sources.push(number) - 1;
      return index;
    });
    facts.lanes.push({ lane: lane.lane, first: lane.first, sources });
    const block = makeBlock(
      { lane: noLane, first: 0 },
      { times: lane.times, flags: lane.flags, sourceOf, texts: lane.texts },
      [],
    );
    writeColumns(body, block.columns, text);
  }
  const json = text.encode(JSON.stringify(facts));
  const payload = new ByteWriter(json.length + body.length + 8);
  payload.varint(json.length);
  payload.put(json);
  payload.put(body.view());
  const record = new ByteWriter(payload.length + headLength);
  record.u32(recordMagic);
  record.u32(payload.length);
  record.u32(crc32(payload.view()));
  record.put(payload.view());
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
    const columns = readColumns(reader, text);
    const texts: string[] = [];
    const sources: number[] = [];
    for (let index = 0; index < columns.times.length; index++) {
      texts.push(columns.text.slice(columns.starts[index] as number, (columns.starts[index + 1] as number) - 1));
      sources.push(own.sources[columns.sourceOf[index] as number] ?? 0);
    }
    return {
      lane: own.lane,
      first: own.first,
      times: Array.from(columns.times),
      flags: Array.from(columns.flags),
      sources,
      texts,
    };
  });
  return { newLanes: facts.newLanes, newSources: facts.newSources, cursors: facts.cursors, lanes };
}
