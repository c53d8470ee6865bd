/**
 * The context of a build as a tar: a folder of this machine without what its `.dockerignore` names. Links stay links and are never
 * followed, owners are root as with the Docker CLI, sockets and devices are left out.
 */
import { createReadStream } from 'node:fs';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pack, type Pack } from 'tar-stream';
import type { Signal } from '../base/lifecycle';
import { fail } from '../contract/errors';
import type { ByteStream } from '../core/engine';
import type { BuildContext } from '../core/resources';
import { Ignore } from './ignore';

/** What a context may be at most. */
const most = { entries: 200_000, bytes: 2 * 1024 ** 3 };

interface Item {
  /** Inside the folder, `/` between parts. */
  path: string;
  kind: 'file' | 'folder' | 'link';
  size: number;
  mode: number;
  modifiedAt: Date;
}

/** Looks through the folder; the tar is made while it is read. */
export async function openContext(folder: string, dockerfile: string, signal?: Signal): Promise<BuildContext> {
  if (!isAbsolute(folder)) throw fail('bad-input', 'The folder needs its whole path.');
  const facts = await lstat(folder).catch(() => undefined);
  if (!facts?.isDirectory()) throw fail('not-found', `${folder} is no folder.`);
  const rules = await readFile(join(folder, '.dockerignore'), 'utf8').catch(() => '');
  // The builder needs these two whatever the rules say.
  const ignore = new Ignore(rules, [dockerfile, '.dockerignore']);
  const items: Item[] = [];
  let bytes = 0;
  const look = async (inside: string): Promise<void> => {
    if (signal?.aborted) throw fail('cancelled', 'Cancelled.');
    const names = (await readdir(join(folder, inside))).sort();
    for (const name of names) {
      const path = inside === '' ? name : `${inside}/${name}`;
      const ignored = ignore.ignores(path);
      const file = await lstat(join(folder, path)).catch(() => undefined);
      if (!file || (ignored && !(file.isDirectory() && ignore.mayKeepInside(path)))) continue;
      const kind = file.isDirectory() ? 'folder' : file.isSymbolicLink() ? 'link' : file.isFile() ? 'file' : undefined;
      if (kind === undefined) continue;
      if (!ignored)
        items.push({
          path,
          kind,
          size: kind === 'file' ? file.size : 0,
          mode: file.mode & 0o7777,
          modifiedAt: file.mtime,
        });
      if (kind === 'file') bytes += file.size;
      if (items.length > most.entries || bytes > most.bytes)
        throw fail(
          'too-many',
          `The folder is more than a build may take: ${most.entries} entries, ${most.bytes / 1024 ** 3} GiB.`,
          'Name what is not needed in a .dockerignore file.',
        );
      if (kind === 'folder') await look(path);
    }
  };
  await look('');
  if (!items.some((item) => item.path === dockerfile && item.kind === 'file'))
    throw fail(
      'not-found',
      `There is no ${dockerfile} in ${folder}.`,
      'Name the Dockerfile, or choose another folder.',
    );
  return { entries: items.length, bytes, tar: () => tarOf(folder, items) };
}

function tarOf(folder: string, items: readonly Item[]): ByteStream {
  const archive = pack();
  archive.on('error', () => undefined);
  fill(archive, folder, items).catch((error: unknown) =>
    archive.destroy(error instanceof Error ? error : new Error(String(error))),
  );
  return archive as AsyncIterable<Uint8Array>;
}

async function fill(archive: Pack, folder: string, items: readonly Item[]): Promise<void> {
  for (const { path, kind, size, mode, modifiedAt } of items) {
    const header = { name: path, mode, mtime: modifiedAt, uid: 0, gid: 0 };
    if (kind === 'folder') archive.entry({ ...header, name: `${path}/`, type: 'directory' });
    else if (kind === 'link')
      archive.entry({ ...header, type: 'symlink', linkname: await readlink(join(folder, path)) });
    else if (size === 0) archive.entry({ ...header, size });
    else {
      const entry = archive.entry({ ...header, size });
      // What grows meanwhile is cut; what shrinks breaks the tar, and so the build.
      await pipeline(createReadStream(join(folder, path), { end: size - 1 }), entry);
    }
  }
  archive.finalize();
}
