/** What a line of log is inside this room: numbers where there are many, names only at the door. */
import type { LogLevel, LogLine } from '../../contract/nouns';
import type { Sentence } from '../../contract/sentence';
import { fieldsOf } from './ingest/fields';
import { plainOf } from './ingest/sanitize';

/** Levels by code, mildest first, so that `level:>=warn` is a comparison. */
export const levelNames: readonly LogLevel[] = ['unknown', 'trace', 'debug', 'info', 'warn', 'error', 'fatal'];
export const levelCount = 7;
export const Level = { unknown: 0, trace: 1, debug: 2, info: 3, warn: 4, error: 5, fatal: 6 } as const;

/** A line's flag byte: level in bits 0–2, stderr in bit 3, marker in bit 4. */
export const levelBits = 7;
export const stderrBit = 8;
export const markerBit = 16;

/** The container a line came from, and which place it filled. `service` is the name inside the stack; foreign containers have no stack. */
export interface LogSource {
  container: string;
  stack: string;
  service: string;
  slot: number;
  generation: number;
  revision: number;
}

/** One service's timeline: the unit that is stored together. */
export interface Lane {
  number: number;
  stack: string;
  service: string;
}

/** A line on its way: `time` in microseconds since the epoch, `ordinal` its place in the lane. */
export interface LineRecord {
  lane: Lane;
  ordinal: number;
  time: number;
  flags: number;
  source: LogSource;
  /** Cleaned text with SGR colours; a marker's text is its sentence as JSON. */
  text: string;
}

const timeDigits = 11;
const laneDigits = 4;
const ordinalDigits = 8;
/** Length of every line id. */
export const idLength = timeDigits + laneDigits + ordinalDigits;

/** A line's identity: time, lane and ordinal in fixed-width base 36, so that ids sort as lines do. */
export function lineId(time: number, lane: number, ordinal: number): string {
  return (
    Math.max(0, time).toString(36).padStart(timeDigits, '0') +
    lane.toString(36).padStart(laneDigits, '0') +
    ordinal.toString(36).padStart(ordinalDigits, '0')
  );
}

/** The parts of an id, or undefined when it is not one. */
export function parseLineId(id: string): { time: number; lane: number; ordinal: number } | undefined {
  if (id.length !== idLength || !/^[0-9a-z]+$/.test(id)) return undefined;
  return {
    time: parseInt(id.slice(0, timeDigits), 36),
    lane: parseInt(id.slice(timeDigits, timeDigits + laneDigits), 36),
    ordinal: parseInt(id.slice(timeDigits + laneDigits), 36),
  };
}

/** Microseconds of an engine stamp (nanoseconds as decimal text); 0 for what is no number. */
export function microsOf(stamp: string): number {
  const micros = Number(stamp.slice(0, -3));
  return Number.isSafeInteger(micros) && micros >= 0 ? micros : 0;
}

/** `<stack>/<service>.<slot>`, the contract's replica id. */
export function replicaOf(source: LogSource): string {
  return `${source.stack}/${source.service}.${source.slot}`;
}

/** The line as the window gets it, fields included. */
export function toLogLine(record: LineRecord): LogLine {
  const { source, flags } = record;
  const line: LogLine = {
    id: lineId(record.time, record.lane.number, record.ordinal),
    at: record.time / 1000,
    stack: source.stack,
    service: source.service,
    slot: source.slot,
    generation: source.generation,
    container: source.container,
    stream: flags & stderrBit ? 'stderr' : 'stdout',
    level: levelNames[flags & levelBits] ?? 'unknown',
    text: record.text,
  };
  if (flags & markerBit) {
    line.text = '';
    line.marker = markerOf(record.text);
  } else {
    const fields = fieldsOf(plainOf(record.text));
    if (fields) line.fields = fields;
  }
  return line;
}

/** Reads a marker's sentence back; it was written by us, but it comes from a disk. */
export function markerOf(text: string): Sentence {
  try {
    const value = JSON.parse(text) as Sentence;
    if (typeof value.code === 'string') return value;
  } catch {
    // falls through: a damaged marker is still a gap worth showing
  }
  return { code: 'log.gap' };
}
