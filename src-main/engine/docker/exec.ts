/** Running a program inside a container and putting a file there. */
import { dirname, basename } from 'node:path/posix';
import { pack, type Header } from 'tar-stream';
import type { Signal } from '../../base/lifecycle';
import { EngineError } from '../../core/engine';
import { path, type Client } from './client';
import { count, fields, text } from './parse';
import { Demuxer, Feed } from './streams';

/** How long a started program may run when the caller does not say. */
const EXEC_TIMEOUT = 30_000;
const EXEC_LIMIT = 64 * 1024;

/** See `Engine.exec`. A program that runs too long goes on inside: the engine has no way to end it. */
export async function execute(
  client: Client,
  id: string,
  options: { argv: string[]; timeout?: number; limit?: number; user?: string; deadline: number; signal?: Signal },
): Promise<{ exitCode: number; output: string }> {
  const { argv, deadline, signal, timeout = EXEC_TIMEOUT, limit = EXEC_LIMIT } = options;
  const created = fields(
    await client.ask({
      method: 'POST',
      path: path`/containers/${id}/exec`,
      body: { AttachStdout: true, AttachStderr: true, Tty: false, Cmd: argv, User: options.user },
      deadline,
      signal,
    }),
  );
  const execId = text(created['Id'], 256);
  const output = await collect(client, { execId, timeout, limit, deadline, signal });
  // The output's end and the engine's note of the exit code race; it is a matter of milliseconds.
  for (let tries = 0; ; tries += 1) {
    const state = fields(await client.ask({ method: 'GET', path: path`/exec/${execId}/json`, deadline, signal }));
    if (state['Running'] !== true || tries >= 20) return { exitCode: count(state['ExitCode']), output };
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

async function collect(
  client: Client,
  options: { execId: string; timeout: number; limit: number; deadline: number; signal?: Signal },
): Promise<string> {
  const { execId, timeout, limit, deadline, signal } = options;
  const chunks: Buffer[] = [];
  let size = 0;
  let failure: EngineError | undefined;
  const feed = new Feed<never>(async (self) => {
    const response = await client.open({
      method: 'POST',
      path: path`/exec/${execId}/start`,
      body: { Detach: false, Tty: false },
      deadline,
      signal: self.signal,
    });
    const demuxer = new Demuxer((_stream, data, start, end) => {
      // What is over the limit is read and dropped, so that the program does not block on its output.
      const piece = data.subarray(start, Math.min(end, start + Math.max(0, limit - size)));
      if (piece.length > 0) chunks.push(Buffer.from(piece));
      size += piece.length;
    });
    await self.read(response, (chunk) => demuxer.push(chunk));
  });
  const stop = (reason: string): void => {
    failure ??= new EngineError('timeout', reason);
    feed.dispose();
  };
  const cancel = (): void => stop('cancelled');
  const timer = setTimeout(() => stop(`The program did not end within ${timeout / 1_000} s`), timeout);
  if (signal?.aborted) cancel();
  signal?.addEventListener('abort', cancel);
  const { error } = await feed.ended;
  signal?.removeEventListener('abort', cancel);
  clearTimeout(timer);
  const problem = failure ?? error;
  if (problem) throw problem;
  return Buffer.concat(chunks).toString('utf8');
}

/** A file to put into a container. */
export interface FileToPut {
  /** Absolute, inside the container. */
  path: string;
  content: Uint8Array;
  mode: number;
  uid: number;
  gid: number;
}

/**
 * Puts one file into a container through the archive API; folders on the way that do not exist are made (root, 0755).
 *
 * The tar is never compressed: engines unpack compressed archives with a program from the container, as the host's root
 * (CVE-2026-41567). The engine removes an old file and then writes the new one, so for some microseconds a reader finds none; there
 * is no rename in this API, and running `mv` inside would need a program that the image may lack. Memory-backed mounts of a running
 * container cannot be reached this way: the file would lie under the mount.
 */
export async function putFile(
  client: Client,
  id: string,
  options: { file: FileToPut; deadline: number; signal?: Signal },
): Promise<void> {
  const { file, deadline, signal } = options;
  if (!file.path.startsWith('/') || file.path.includes('\0') || basename(file.path) === '') {
    throw new EngineError('invalid', `${file.path} is no path of a file`);
  }
  const put = async (folder: string, archive: Buffer): Promise<void> => {
    await client.ask({
      method: 'PUT',
      path: path`/containers/${id}/archive`,
      // A folder in the file's place is a mistake of somebody's, and may be full.
      query: { path: folder, noOverwriteDirNonDir: true },
      file: archive,
      deadline,
      signal,
    });
  };
  const entry = { name: basename(file.path), mode: file.mode & 0o777, uid: file.uid, gid: file.gid };
  const content = Buffer.from(file.content.buffer, file.content.byteOffset, file.content.byteLength);
  const folder = dirname(file.path);
  try {
    await put(folder, await makeTar([{ header: entry, content }]));
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'not-found' || folder === '/') throw error;
    const base = await nearestFolder(client, id, { folder, deadline, signal });
    if (base === undefined || base === folder) throw error;
    const missing = folder.slice(base === '/' ? 1 : base.length + 1).split('/');
    const folders = missing.map((_, at) => ({
      header: { name: `${missing.slice(0, at + 1).join('/')}/`, type: 'directory' as const, mode: 0o755 },
    }));
    await put(
      base,
      await makeTar([...folders, { header: { ...entry, name: `${missing.join('/')}/${entry.name}` }, content }]),
    );
  }
}

/** The deepest folder on the way that exists; undefined when the container itself does not. */
async function nearestFolder(
  client: Client,
  id: string,
  options: { folder: string; deadline: number; signal?: Signal },
): Promise<string | undefined> {
  const { deadline, signal } = options;
  for (let folder = options.folder; ; folder = dirname(folder)) {
    try {
      await client.head({
        method: 'HEAD',
        path: path`/containers/${id}/archive`,
        query: { path: folder },
        deadline,
        signal,
      });
      return folder;
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'not-found') throw error;
      if (folder === '/') return undefined;
    }
  }
}

/** A tar of these entries, uncompressed. */
export async function makeTar(
  entries: { header: Partial<Header> & { name: string }; content?: Buffer }[],
): Promise<Buffer> {
  const archive = pack();
  for (const { header, content } of entries) {
    // A fixed time would hide the change from programs that look at it.
    archive.entry({ mtime: new Date(), ...header }, content ?? Buffer.alloc(0));
  }
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
