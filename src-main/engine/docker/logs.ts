/**
 * Container output with the engine's nanosecond stamps. Reading is the engine's cost, not ours (its reader is the limit), so this
 * does little per line: find the stamp, decode the text, note whether the line goes on.
 */
import type { EngineStream, LogEntry } from '../../core/engine';
import type { Client } from './client';
import { path } from './client';
import { fields, text } from './parse';
import { Demuxer, Feed } from './streams';

/**
 * Docker cuts lines into pieces of 16 KiB. Only a piece that long goes on in the next entry; a shorter one without a line end is the
 * last thing a process wrote. Podman cuts wherever its 8 KiB of a pipe are full, so what has no line end goes on, however short it is.
 */
const SHORTEST_PIECE = 8_000;
const DOCKER_PIECE = 16 * 1024;
/** Characters of a stamp as Docker writes it. */
const STAMP = 30;
/** A terminal line that has not ended by then is handed out in parts. */
const LONGEST_LINE = 256 * 1024;

/** Reads RFC 3339 stamps; most lines share their second with the line before, so that is kept. */
export class StampReader {
  private second = '';
  private seconds = '';
  private last = '0'.padStart(19, '0');

  /** @returns nanoseconds since the epoch as a decimal text; the last good one when `stamp` is none */
  read(stamp: string): string {
    if (this.second === '' || !stamp.startsWith(this.second)) {
      const second = stamp.slice(0, 19);
      const milliseconds = Date.parse(`${second}Z`);
      if (!Number.isFinite(milliseconds) || second.length < 19) return this.last;
      this.second = second;
      this.seconds = String(milliseconds / 1_000);
    }
    if (stamp.length === 30 && stamp.endsWith('Z')) return (this.last = this.seconds + stamp.slice(20, 29));
    const [, fraction = '', zone = 'Z'] = /^(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(stamp.slice(19)) ?? [];
    const shift =
      zone === 'Z' ? 0 : (zone[0] === '-' ? -1 : 1) * (Number(zone.slice(1, 3)) * 3_600 + Number(zone.slice(4)) * 60);
    return (this.last = String(Number(this.seconds) - shift) + fraction.padEnd(9, '0'));
  }
}

/** Makes entries of frames or of terminal output. */
export class EntryReader {
  private entries: LogEntry[] = [];
  private readonly stamps = new StampReader();
  /** Bytes of a character that the engine cut in two, per stream. */
  private readonly torn: Record<LogEntry['stream'], Buffer | undefined> = { stdout: undefined, stderr: undefined };
  private readonly demuxer = new Demuxer((stream, data, start, end) => this.add(stream, data, start, end));
  private rest: Buffer | undefined;

  /**
   * @param terminal the container has a TTY: one unframed stream, all of it stdout
   * @param shortest a piece of a line has at least so many bytes
   */
  constructor(
    private readonly terminal: boolean,
    private readonly shortest = SHORTEST_PIECE,
  ) {}

  push(chunk: Buffer): void {
    if (this.terminal) this.addLines(chunk);
    else this.demuxer.push(chunk);
  }

  /** Nothing more will come: what a terminal wrote after its last line end is an entry, too. */
  flush(): void {
    if (this.rest && this.rest.length > 0) this.addLine(this.rest);
    this.rest = undefined;
  }

  /** @returns the entries that are complete, once */
  take(): LogEntry[] {
    const entries = this.entries;
    this.entries = [];
    return entries;
  }

  private addLines(chunk: Buffer): void {
    const data = this.rest ? Buffer.concat([this.rest, chunk]) : chunk;
    let start = 0;
    for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10, start)) {
      this.addLine(data.subarray(start, end + 1));
      start = end + 1;
    }
    this.rest = start < data.length ? data.subarray(start) : undefined;
    if (this.rest && this.rest.length > LONGEST_LINE) {
      this.addLine(this.rest);
      this.rest = undefined;
    }
  }

  /** One terminal line: pieces of 16 KiB follow each other without a line end, each with a stamp of its own. */
  private addLine(line: Buffer): void {
    let start = 0;
    for (;;) {
      const body = line.indexOf(32, start) + 1;
      const next = body + DOCKER_PIECE;
      if (
        body === 0 ||
        next + 31 > line.length ||
        !/^\d{4}-\d\d-\d\dT[^ ]{16,} $/.test(line.toString('latin1', next, next + 31))
      )
        break;
      this.add('stdout', line, start, next);
      start = next;
    }
    this.add('stdout', line, start, line.length);
  }

  private add(stream: LogEntry['stream'], data: Buffer, start: number, end: number): void {
    const space = hasFixedStamp(data, start) ? start + STAMP : data.indexOf(32, start);
    // No stamp is longer than 35 characters; without one the whole frame is text.
    const stamped = space >= start && space < end && space - start <= 35;
    const stamp = this.stamps.read(stamped ? data.toString('latin1', start, space) : '');
    const from = stamped ? space + 1 : start;
    const ends = data[end - 1] === 10 && end > from;
    const partial = !ends && end - from >= this.shortest;
    let until = ends ? end - 1 : end;
    if (this.terminal && ends && until > from && data[until - 1] === 13) until -= 1;
    const torn = this.torn[stream];
    if (!partial && torn === undefined) {
      this.entries.push({ stream, stamp, text: data.toString('utf8', from, until), partial: false });
      return;
    }
    let bytes = data.subarray(from, until);
    if (torn) bytes = Buffer.concat([torn, bytes]);
    const whole = partial ? wholeCharacters(bytes) : bytes.length;
    this.torn[stream] = whole < bytes.length ? Buffer.from(bytes.subarray(whole)) : undefined;
    this.entries.push({ stream, stamp, text: bytes.toString('utf8', 0, whole), partial });
  }
}

/** Whether a stamp of Docker's fixed length stands there, with a blank behind: cheaper than to look for the blank. */
function hasFixedStamp(data: Buffer, start: number): boolean {
  if (data[start + 19] !== 46 || data[start + STAMP - 1] !== 90 || data[start + STAMP] !== 32) return false;
  for (let at = start + 20; at < start + STAMP - 1; at += 1) {
    const digit = data[at] ?? 0;
    if (digit < 48 || digit > 57) return false;
  }
  return true;
}

/** How many of the bytes are whole UTF-8 characters; at most 3 at the end can belong to a torn one. */
function wholeCharacters(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return bytes.length;
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return length > back ? bytes.length - back : bytes.length;
    }
  }
  return bytes.length;
}

/** How long a container that was not started yet is asked again. */
const CREATED_POLL = 500;

/** See `Engine.logs`. */
export function readLogs(
  client: Client,
  id: string,
  options: {
    deadline: number;
    follow: boolean;
    since?: string;
    tail?: number;
    /** Lines are cut anywhere, as Podman does. */
    cutAnywhere?: boolean;
    onEntries: (entries: LogEntry[]) => void;
  },
): EngineStream<LogEntry> {
  return new Feed<LogEntry>(async (feed) => {
    const { deadline, since } = options;
    const inspect = async (): Promise<{ terminal: boolean; created: boolean }> => {
      const answer = fields(
        await client.ask({ method: 'GET', path: path`/containers/${id}/json`, deadline, signal: feed.signal }),
      );
      return {
        terminal: fields(answer['Config'])['Tty'] === true,
        created: text(fields(answer['State'])['Status'], 32) === 'created',
      };
    };
    let container = await inspect();
    // Following a container that was never started ends at once with nothing: wait for its start instead.
    while (options.follow && container.created) {
      await pause(CREATED_POLL, feed.signal);
      if (feed.over) return;
      container = await inspect();
    }
    const response = await client.open({
      method: 'GET',
      path: path`/containers/${id}/logs`,
      query: {
        stdout: true,
        stderr: true,
        timestamps: true,
        follow: options.follow,
        since: since ? `${since.slice(0, -9) || '0'}.${since.slice(-9).padStart(9, '0')}` : undefined,
        tail: options.tail === undefined ? 'all' : Math.max(0, Math.floor(options.tail)),
      },
      deadline,
      signal: feed.signal,
    });
    const reader = new EntryReader(container.terminal, options.cutAnywhere && !container.terminal ? 1 : SHORTEST_PIECE);
    const deliver = (): void => {
      const entries = reader.take();
      if (entries.length > 0 && !feed.over) options.onEntries(entries);
    };
    // The engine sends every line as a chunk of its own, and the platform hands them on one by one: they are passed on together, at the
    // end of the turn in which they came.
    let turn: NodeJS.Immediate | undefined;
    try {
      await feed.read(response, (chunk) => {
        reader.push(chunk);
        turn ??= setImmediate(() => {
          turn = undefined;
          try {
            deliver();
          } catch (thrown) {
            response.destroy(thrown instanceof Error ? thrown : new Error(String(thrown)));
          }
        });
      });
      reader.flush();
    } finally {
      clearImmediate(turn);
      deliver();
    }
  });
}

function pause(delay: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, delay);
    signal.addEventListener('abort', done);
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
