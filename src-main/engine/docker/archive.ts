/** Whole trees out of a container and into one, through the archive API; neither end ever holds more than a few pieces. */
import { Readable } from 'node:stream';
import type { Signal } from '../../base/lifecycle';
import { EngineError, type ByteStream } from '../../core/engine';
import { path, type Client } from './client';
import { toEngineError } from './failures';

/** Nothing moves for so long, in either direction: the engine has gone away. Milliseconds. */
const LONGEST_SILENCE = 120_000;

/** See `Engine.readArchive`. The engine answers when it has found the path, and walks the tree as it is read. */
export async function readArchive(
  client: Client,
  id: string,
  options: { path: string; deadline: number; signal?: Signal | undefined },
): Promise<ByteStream> {
  const stop = new AbortController();
  const { signal } = options;
  const cancel = (): void => stop.abort();
  if (signal?.aborted) cancel();
  signal?.addEventListener('abort', cancel);
  const release = (): void => signal?.removeEventListener('abort', cancel);
  try {
    const response = await client.open({
      method: 'GET',
      path: path`/containers/${id}/archive`,
      query: { path: options.path },
      deadline: options.deadline,
      signal: stop.signal,
    });
    return pieces(response, () => {
      release();
      response.destroy();
    });
  } catch (error) {
    release();
    throw signal?.aborted ? new EngineError('timeout', 'cancelled') : error;
  }
}

async function* pieces(source: Readable, end: () => void): AsyncGenerator<Uint8Array> {
  const reading = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  try {
    for (;;) {
      const next = await quick(reading.next());
      if (next.done === true) return;
      yield next.value;
    }
  } catch (error) {
    throw toEngineError(error);
  } finally {
    end();
  }
}

/** See `Engine.writeArchive`. There is no deadline for the whole, which may be gigabytes, but for silence. */
export async function writeArchive(
  client: Client,
  id: string,
  options: { folder: string; tar: ByteStream; signal?: Signal | undefined },
): Promise<void> {
  const silence = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let problem: unknown;
  const watch = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(), LONGEST_SILENCE);
  };
  const cancel = (): void => silence.abort();
  if (options.signal?.aborted) throw new EngineError('timeout', 'cancelled');
  options.signal?.addEventListener('abort', cancel);
  const file = Readable.from(watched(options.tar, watch), { objectMode: false, highWaterMark: 256 * 1024 });
  file.on('error', (error) => (problem ??= error));
  try {
    watch();
    const response = await client.open({
      method: 'PUT',
      path: path`/containers/${id}/archive`,
      query: { path: options.folder },
      file,
      // The answer comes when everything has been unpacked: only silence ends it.
      deadline: 2 ** 31 - 1,
      signal: silence.signal,
    });
    response.resume();
  } catch (error) {
    if (options.signal?.aborted) throw new EngineError('timeout', 'cancelled');
    if (silence.signal.aborted) throw new EngineError('timeout', `Nothing moved for ${LONGEST_SILENCE / 1_000} s`);
    // What broke the source is the cause; that the request broke off is only how it showed.
    throw problem instanceof Error ? problem : error;
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener('abort', cancel);
    file.destroy();
  }
}

async function* watched(source: ByteStream, moved: () => void): AsyncGenerator<Uint8Array> {
  for await (const piece of source) {
    moved();
    yield piece;
  }
  moved();
}

function quick<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new EngineError('timeout', `Nothing came for ${LONGEST_SILENCE / 1_000} s`)),
      LONGEST_SILENCE,
    );
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
