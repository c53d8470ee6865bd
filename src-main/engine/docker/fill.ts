/**
 * Files that lie in memory and are there at a program's first instruction. The engine's archive API cannot reach a container's own
 * memory mounts, and a memory-backed volume is empty again as soon as nobody has it mounted. So a second container that never runs
 * has the volume too: while an upload to it is under way the engine keeps the volume mounted. The files are sent, the upload is held
 * open, the real container is started, and only then the upload ends (*seen* with Docker 20.10). Nothing of it is in any image, layer,
 * argument or label, and it works wherever the engine is.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Signal } from '../../base/lifecycle';
import { EngineError, type ByteStream, type MemoryFiles } from '../../core/engine';
import { writeArchive } from './archive';
import { path, type Client } from './client';
import { makeTar } from './exec';
import { fields, text } from './parse';

/** Where the volume is in the container that never runs. */
const folder = '/filled';
/** Between two looks whether the engine has unpacked the files, milliseconds. */
const lookEvery = 10;
/** A tar ends with two empty blocks of 512 bytes. */
const tarEnd = 1024;

export interface FillOptions {
  fill: MemoryFiles;
  /** Milliseconds for each call, and for the files to arrive. */
  deadline: number;
  /** Starts the container; the files are there. */
  start: () => Promise<void>;
  signal?: Signal | undefined;
}

/** See `Engine.startFilled`. */
export async function startFilled(client: Client, id: string, options: FillOptions): Promise<void> {
  const { fill, deadline, signal, start } = options;
  const container = fields(await client.ask({ method: 'GET', path: path`/containers/${id}/json`, deadline, signal }));
  // Whole seconds: what the engine writes meanwhile has a fraction, so that the time says when a file is finished.
  const mtime = new Date(Math.floor(Date.now() / 1_000) * 1_000);
  const held = hold(await filesTar(fill, mtime));
  const holder = await createHolder(client, { image: text(container['Image'], 256), fill, deadline, signal });
  try {
    const upload = writeArchive(client, holder, { folder, tar: held.tar, ...(signal ? { signal } : {}) });
    // Looked at below; a failure must not count as unhandled until then.
    upload.catch(() => undefined);
    try {
      await Promise.race([
        upload.then(() => Promise.reject(new EngineError('refused', 'The upload ended before the start'))),
        arrival(client, id, { fill, mtime, deadline, signal }),
      ]);
      await start();
    } finally {
      held.release();
    }
    await upload;
  } finally {
    held.release();
    await removeHolder(client, holder, deadline).catch(() => undefined);
  }
}

/** A stream that sends its bytes and then waits, before it ends the archive. */
function hold(bytes: Buffer): { tar: ByteStream; release: () => void } {
  let release = (): void => {};
  const promise = new Promise<void>((resolve) => {
    release = resolve;
  });
  async function* tar(): AsyncGenerator<Uint8Array> {
    yield bytes;
    await promise;
    yield Buffer.alloc(tarEnd);
  }
  return { tar: tar(), release };
}

async function filesTar(fill: MemoryFiles, mtime: Date): Promise<Buffer> {
  const whole = await makeTar(
    fill.files.map(({ path: name, content, mode, uid, gid }) => ({
      header: { name, mode: mode & 0o777, uid, gid, mtime },
      content: Buffer.from(content),
    })),
  );
  return whole.subarray(0, -tarEnd);
}

/** Made anew when an earlier one was left behind by a crash. */
async function createHolder(
  client: Client,
  options: { image: string; fill: MemoryFiles; deadline: number; signal?: Signal | undefined },
): Promise<string> {
  const { image, fill, deadline, signal } = options;
  const name = `${fill.volume}.holder`;
  const create = (): Promise<unknown> =>
    client.ask({
      method: 'POST',
      path: '/containers/create',
      query: { name },
      body: {
        Image: image,
        Entrypoint: ['/never-started'],
        NetworkDisabled: true,
        HostConfig: {
          NetworkMode: 'none',
          Mounts: [{ Type: 'volume', Source: fill.volume, Target: folder, VolumeOptions: { NoCopy: true } }],
        },
      },
      deadline,
      signal,
    });
  try {
    return text(fields(await create())['Id'], 256);
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'name-taken') throw error;
    await removeHolder(client, name, deadline);
    return text(fields(await create())['Id'], 256);
  }
}

async function removeHolder(client: Client, id: string, deadline: number): Promise<void> {
  // With the anonymous volumes that its image declares: nothing was ever in them.
  await client.ask({
    method: 'DELETE',
    path: path`/containers/${id}`,
    query: { force: true, v: true },
    deadline,
    accept: [404],
  });
}

/** Resolves when the last file is where the real container will find it. */
async function arrival(
  client: Client,
  id: string,
  options: { fill: MemoryFiles; mtime: Date; deadline: number; signal?: Signal | undefined },
): Promise<void> {
  const { fill, mtime, deadline, signal } = options;
  const last = fill.files.at(-1)?.path ?? '';
  const until = performance.now() + deadline;
  while (performance.now() < until) {
    try {
      const headers = await client.head({
        method: 'HEAD',
        path: path`/containers/${id}/archive`,
        query: { path: `${fill.target}/${last}` },
        deadline,
        signal,
      });
      const stat: unknown = JSON.parse(
        Buffer.from(String(headers['x-docker-container-path-stat']), 'base64').toString('utf8'),
      );
      if (Date.parse(text(fields(stat)['mtime'], 64)) === mtime.getTime()) return;
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'not-found') throw error;
    }
    await sleep(lookEvery);
  }
  throw new EngineError('timeout', 'The files did not arrive in the volume');
}
