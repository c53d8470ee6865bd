/** What all long answers share: a handle that can be paused and ended, the engine's stdout/stderr frames, and lines. */
import type { IncomingMessage } from 'node:http';
import type { EngineStream } from '../../core/engine';
import { EngineError } from '../../core/engine';
import { toEngineError } from './failures';

/** The handle of a stream. Whatever happens, `ended` resolves exactly once and nothing is delivered after it. */
export class Feed<T> implements EngineStream<T> {
  readonly ended: Promise<{ error?: EngineError }>;
  private finish: (end: { error?: EngineError }) => void = () => undefined;
  private readonly controller = new AbortController();
  private response: IncomingMessage | undefined;
  private isPaused = false;
  private isOver = false;

  /** @param run reads until the stream has ended; what it throws is why it was cut */
  constructor(run: (feed: Feed<T>) => Promise<void>) {
    this.ended = new Promise((resolve) => {
      this.finish = resolve;
    });
    run(this).then(
      () => this.end(),
      (thrown: unknown) => this.end(toEngineError(thrown)),
    );
  }

  /** Aborted when the stream is disposed. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  get over(): boolean {
    return this.isOver;
  }

  get paused(): boolean {
    return this.isPaused;
  }

  pause(): void {
    this.isPaused = true;
    this.response?.pause();
  }

  resume(): void {
    this.isPaused = false;
    this.response?.resume();
  }

  dispose(): void {
    this.end();
  }

  /** Hands every piece of an answer's body to `take`; resolves at its end, rejects when it was cut. */
  read(response: IncomingMessage, take: (chunk: Buffer) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (thrown: unknown): void => {
        response.destroy();
        reject(toEngineError(thrown));
      };
      response.on('data', (chunk: Buffer) => {
        if (this.isOver) return;
        try {
          take(chunk);
        } catch (error) {
          fail(error);
        }
      });
      response.on('end', resolve);
      response.on('error', fail);
      response.on('close', () => reject(new EngineError('away', 'The stream was cut')));
      this.response = response;
      if (this.isPaused) response.pause();
    });
  }

  private end(error?: EngineError): void {
    if (this.isOver) return;
    this.isOver = true;
    this.controller.abort();
    this.response?.destroy();
    this.finish(error ? { error } : {});
  }
}

/** A frame longer than this is not one: the engine cuts output into pieces of 16 KiB. */
const LONGEST_FRAME = 16 * 1024 * 1024;

/**
 * Splits the multiplexed output of containers without a terminal: a header of 8 bytes (stream, 0, 0, 0, big-endian length) and the
 * payload. Payloads are handed out as ranges of a larger buffer, so nothing is copied unless a frame spans chunks.
 */
export class Demuxer {
  private parts: Buffer[] = [];
  private held = 0;
  private needed = 0;

  constructor(
    private readonly onFrame: (stream: 'stdout' | 'stderr', data: Buffer, start: number, end: number) => void,
  ) {}

  /** @throws EngineError when the bytes are no frames */
  push(chunk: Buffer): void {
    let data = chunk;
    if (this.held > 0) {
      this.parts.push(chunk);
      this.held += chunk.length;
      // Joined once when the frame is whole: joining for every chunk would make a long frame cost its length squared.
      if (this.held < this.needed) return;
      data = Buffer.concat(this.parts, this.held);
    }
    let at = 0;
    this.needed = 8;
    while (data.length - at >= 8) {
      const kind = data[at] ?? 0;
      const length = data.readUInt32BE(at + 4);
      if (kind > 3 || length > LONGEST_FRAME)
        throw new EngineError('refused', 'The output is not framed as the engine says');
      const end = at + 8 + length;
      if (end > data.length) {
        this.needed = 8 + length;
        break;
      }
      // 3 is the engine's own complaint in the middle of the output.
      if (kind === 3) throw new EngineError('refused', data.toString('utf8', at + 8, Math.min(end, at + 2_008)));
      this.onFrame(kind === 2 ? 'stderr' : 'stdout', data, at + 8, end);
      at = end;
    }
    this.held = data.length - at;
    this.parts = this.held > 0 ? [data.subarray(at)] : [];
  }
}

/** Splits bytes at line ends. A line longer than `longest` is an error of the engine, not a reason to fill the memory. */
export class LineSplitter {
  private parts: Buffer[] = [];
  private held = 0;

  constructor(
    private readonly onLine: (line: string) => void,
    private readonly longest: number = 1024 * 1024,
  ) {}

  /** @throws EngineError when a line is too long */
  push(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const piece = chunk.subarray(start, end);
      start = end + 1;
      this.emit(this.held > 0 ? Buffer.concat([...this.parts, piece]) : piece);
    }
    if (start >= chunk.length) return;
    this.parts.push(chunk.subarray(start));
    this.held += chunk.length - start;
    if (this.held > this.longest) throw new EngineError('refused', `A line is longer than ${this.longest} bytes`);
  }

  /** The last line, when it did not end. */
  flush(): void {
    if (this.held > 0) this.emit(Buffer.concat(this.parts));
  }

  private emit(line: Buffer): void {
    this.parts = [];
    this.held = 0;
    const text = line.toString('utf8').trim();
    if (text) this.onLine(text);
  }
}
