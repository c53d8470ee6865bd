/**
 * Podman behind Docker's API: what it does otherwise and what it lacks. Seen with Podman 4.3; what only old versions lack is asked
 * of the engine or told by its version, so that a newer one is not spoken ill of.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Signal } from '../../base/lifecycle';
import { EngineError, type EngineLack, type MemoryFiles } from '../../core/engine';
import { writeArchive } from './archive';
import { path, type Client } from './client';
import { makeTar } from './exec';
import { says } from './failures';
import { fields, text, textMap, time } from './parse';

/** How long after its end a container may still be tidied up, milliseconds. */
const tidying = 1_500;

/** What its version and settings tell before anything runs on it. */
export async function lacksOf(client: Client, info: unknown, version: string, deadline: number): Promise<EngineLack[]> {
  const lacks: EngineLack[] = ['boot'];
  // Its health checks are timers of systemd.
  if (text(fields(info)['CgroupDriver'], 32) !== 'systemd') lacks.push('health-timers');
  // What is not there is told apart from a container that is not there by the words of its answer.
  const refused = await client
    .ask({ method: 'POST', path: path`/containers/${'f'.repeat(64)}/update`, body: {}, deadline })
    .catch((error: unknown) => error);
  if (refused instanceof EngineError && refused.code === 'unsupported') lacks.push('update');
  if (parseInt(version, 10) < 5) lacks.push('domainname', 'mac_address', 'annotations', 'gpus');
  return lacks;
}

/** A size of a memory-backed volume means a disk quota to Podman, which few file systems have. */
export function withoutQuota(driverOpts: Record<string, string>): Record<string, string> {
  if (driverOpts['type'] !== 'tmpfs' || driverOpts['o'] === undefined) return driverOpts;
  const options = driverOpts['o'].split(',').filter((option) => !option.startsWith('size='));
  return { ...driverOpts, o: options.join(',') };
}

/** Networks that are not there are a fault of the request: to the caller `not-found` means a container. */
export function notThere(error: unknown): unknown {
  const isOther = error instanceof EngineError && error.code === 'not-found';
  return isOther ? new EngineError('refused', error.detail, { cause: error }) : error;
}

/**
 * See `Engine.startFilled`. Podman does not mount a volume for an upload: the files would lie on the disk. But it can make a container
 * ready without running its program; its volume is mounted then, and the files go into it. What tidies up after a run comes as a process of
 * its own, a moment late, and would empty the volume of a container that is ready again: so it is waited for, and looked for afterwards.
 */
export async function startFilledReady(
  client: Client,
  id: string,
  options: { fill: MemoryFiles; deadline: number; start: () => Promise<void>; signal?: Signal | undefined },
): Promise<void> {
  const { fill, deadline, signal, start } = options;
  const volume = fields(await client.ask({ method: 'GET', path: path`/volumes/${fill.volume}`, deadline, signal }));
  if (textMap(volume['Options'])['type'] !== 'tmpfs')
    throw new EngineError('refused', `The volume ${fill.volume} is not in memory`);
  const body = fields(await client.ask({ method: 'GET', path: path`/containers/${id}/json`, deadline, signal }));
  const state = fields(body['State']);
  if (state['Running'] === true) return;
  const ended = time(state['FinishedAt']);
  // The engine's clock may be another one.
  if (ended !== undefined) await sleep(Math.min(tidying, Math.max(0, ended + tidying - Date.now())));
  try {
    await client.ask({ method: 'POST', path: path`/libpod/containers/${id}/init`, deadline, signal, accept: [304] });
  } catch (error) {
    // Made ready by a start that broke off.
    if (!says(error, /already been (?:created|initialized)/i)) throw error;
  }
  const tar = await makeTar(
    fill.files.map(({ path: name, content, mode, uid, gid }) => ({
      header: { name, mode: mode & 0o777, uid, gid },
      content: Buffer.from(content),
    })),
  );
  await writeArchive(client, id, {
    folder: fill.target,
    tar: once(tar),
    ...(signal ? { signal } : {}),
  });
  await start();
  const last = `${fill.target}/${fill.files.at(-1)?.path ?? ''}`;
  try {
    await client.head({
      method: 'HEAD',
      path: path`/containers/${id}/archive`,
      query: { path: last },
      deadline,
      signal,
    });
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'not-found') throw error;
    await client.ask({ method: 'POST', path: path`/containers/${id}/kill`, query: { signal: 'SIGKILL' }, deadline });
    throw new EngineError('refused', 'Its secrets were taken away again by what tidied up after its last run');
  }
}

async function* once(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes;
}
