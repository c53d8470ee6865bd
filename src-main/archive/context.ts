/**
 * The context of a build as a tar: a folder of this machine without what its `.dockerignore` names. Links stay links and are never
 * followed, owners are root as with the Docker CLI, sockets and devices are left out.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { lstat, open, readdir, readFile, readlink, realpath } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pack, type Pack } from 'tar-stream';
import type { Signal } from '../base/lifecycle';
import { fail } from '../contract/errors';
import type { ByteStream } from '../core/engine';
import type { BuildContext, ContextRequest } from '../core/resources';
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

/** A Dockerfile that is given as text goes under a name that no folder has by chance. */
const inlineName = '.pilothouse.Dockerfile';

/** Looks through the folder; the tar is made while it is read. */
export async function openContext(request: ContextRequest, signal?: Signal): Promise<BuildContext> {
  const { folder, inline, within } = request;
  const dockerfile = inline === undefined ? request.dockerfile : inlineName;
  if (!isAbsolute(folder)) throw fail('bad-input', 'The folder needs its whole path.');
  const facts = await lstat(folder).catch(() => undefined);
  if (!facts?.isDirectory()) throw fail('not-found', `${folder} is no folder.`);
  if (within !== undefined) await mustHold(within, folder);
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
  if (inline === undefined && !items.some((item) => item.path === dockerfile && item.kind === 'file'))
    throw fail(
      'not-found',
      `There is no ${dockerfile} in ${folder}.`,
      'Name the Dockerfile, or choose another folder.',
    );
  const text = inline === undefined ? undefined : { name: inlineName, text: inline };
  return {
    entries: items.length,
    bytes,
    dockerfile,
    tar: () => tarOf(folder, items, text),
    mark: () => markOf(folder, items, text),
  };
}

/** With links followed, the folder still lies in that one. */
async function mustHold(within: string, folder: string): Promise<void> {
  const [root, place] = await Promise.all([realpath(within), realpath(folder)]);
  const path = relative(root, place);
  if (path === '..' || path.startsWith(`..${sep}`) || isAbsolute(path))
    throw fail('forbidden', `${folder} leads out of ${within}.`, 'A build reads only folders of its project.');
}

/** Files up to this size count by their content, larger ones by size and time. Bytes. */
const read = 1024 * 1024;
/** Hashes of contents by file, size and time, so that an unchanged folder is read once. */
const hashes = new Map<string, string>();
const mostHashes = 50_000;

/** What lies there, in a few digits: names, kinds, modes, where links lead, contents. */
async function markOf(folder: string, items: readonly Item[], inline?: Inline): Promise<string> {
  const whole = createHash('sha256');
  for (const { path, kind, size, mode, modifiedAt } of items) {
    const about =
      kind === 'link'
        ? await readlink(join(folder, path))
        : kind === 'folder'
          ? ''
          : size > read
            ? `${size} ${modifiedAt.getTime()}`
            : await hashOf(join(folder, path), `${size} ${modifiedAt.getTime()}`);
    whole.update(JSON.stringify([path, kind, mode, about]));
  }
  if (inline) whole.update(inline.text);
  return whole.digest('hex').slice(0, 32);
}

async function hashOf(file: string, stamp: string): Promise<string> {
  const key = `${file} ${stamp}`;
  const known = hashes.get(key);
  if (known !== undefined) return known;
  const content = await readFile(file, { flag: constants.O_RDONLY | noFollow });
  const hash = createHash('sha256').update(content).digest('base64url');
  if (hashes.size >= mostHashes) hashes.clear();
  hashes.set(key, hash);
  return hash;
}

/** A file that became a link meanwhile is not followed; Windows has no such word. */
const noFollow = constants.O_NOFOLLOW ?? 0;

interface Inline {
  name: string;
  text: string;
}

function tarOf(folder: string, items: readonly Item[], inline?: Inline): ByteStream {
  const archive = pack();
  archive.on('error', () => undefined);
  if (inline) archive.entry({ name: inline.name, mode: 0o644 }, inline.text);
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
      const file = await open(join(folder, path), constants.O_RDONLY | noFollow);
      await pipeline(file.createReadStream({ end: size - 1 }), entry);
    }
  }
  archive.finalize();
}
