/** Walking through tars entry by entry, with a guard at every header. */
import { createHash, type Hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { extract, pack, type Header } from 'tar-stream';
import { PilothouseError } from '../contract/errors';
import { say, sentence, type Sentence } from '../contract/sentence';
import type { ByteStream } from '../core/engine';
import { ArchiveGuard, type GuardRules, type Walked } from '../core/resources';

/** A refusal of an archive, in words. */
export function refused(words: Sentence): PilothouseError {
  return new PilothouseError({ code: 'bad-input', message: say(words), words });
}

export interface TarEntry {
  header: Header;
  body: AsyncIterable<Uint8Array>;
}

/** The entries of a tar. What breaks the source breaks the iteration. */
export async function* entriesOf(tar: ByteStream): AsyncGenerator<TarEntry> {
  const reading = extract();
  const source = Readable.from(tar, { objectMode: false });
  let cause: unknown;
  source.on('error', (error) => {
    cause = error;
    reading.destroy(error);
  });
  source.pipe(reading);
  try {
    for await (const entry of reading) yield { header: entry.header, body: entry as AsyncIterable<Uint8Array> };
  } catch (error) {
    if (cause !== undefined || error instanceof PilothouseError) throw cause ?? error;
    throw refused(sentence('archive.broken', { reason: error instanceof Error ? error.message : String(error) }));
  } finally {
    source.destroy();
    reading.destroy();
  }
}

/**
 * Walks through a tar: every header passes the guard, everything is hashed. The hash knows the tree, not the archive: names without
 * what they begin with, kinds, modes, owners, whole seconds, links and contents, in the archive's order.
 */
export async function walk(
  tar: ByteStream,
  rules: GuardRules,
  each?: (header: Header, content: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<Walked> {
  const guard = new ArchiveGuard(rules);
  const tree = createHash('sha256');
  for await (const { header, body } of entriesOf(tar)) {
    const no = guard.take({
      name: header.name,
      type: String(header.type),
      mode: header.mode ?? 0,
      size: header.size ?? 0,
      linkname: header.linkname ?? '',
      pax: paxOf(header),
    });
    if (no) throw refused(no);
    const content = createHash('sha256');
    const hashed = hashing(body, content);
    if (each) await each(header, hashed);
    for await (const _ of hashed);
    tree.update(`${lineOf(header, rules.root)}\0${content.digest('hex')}\n`);
  }
  return { tree: tree.digest('hex'), entries: guard.entries, bytes: guard.bytes };
}

async function* hashing(body: AsyncIterable<Uint8Array>, hash: Hash): AsyncGenerator<Uint8Array> {
  for await (const piece of body) {
    hash.update(piece);
    yield piece;
  }
}

function lineOf(header: Header, root: string): string {
  const strip = (name: string): string => (root === '' ? name : name.slice(root.length)).replace(/^\/+|\/+$/g, '');
  const link = header.type === 'link' ? strip(header.linkname ?? '') : (header.linkname ?? '');
  const { uid, gid } = ownerOf(header);
  const seconds = Math.floor((header.mtime?.getTime() ?? 0) / 1000);
  const xattrs = Object.entries(paxOf(header))
    .filter(([key]) => key.startsWith('SCHILY.xattr.'))
    .map(([key, value]) => `${key}=${value}`)
    .sort();
  return [strip(header.name), header.type, (header.mode ?? 0) & 0o7777, uid, gid, seconds, link, ...xattrs].join('\0');
}

/** Owners beyond seven octal digits stand in the extended header. */
export function ownerOf(header: Header): { uid: number; gid: number } {
  const number = (text: string | undefined, plain: number | undefined): number =>
    text !== undefined && /^\d+$/.test(text) ? Number(text) : (plain ?? 0);
  return { uid: number(paxOf(header)['uid'], header.uid), gid: number(paxOf(header)['gid'], header.gid) };
}

function paxOf(header: Header): Readonly<Record<string, string>> {
  return (header.pax as Record<string, string> | null | undefined) ?? {};
}

/** A tar with one file, for root. */
export function oneFile(name: string, content: Buffer, now: number): ByteStream {
  const archive = pack();
  archive.entry({ name, mode: 0o644, uid: 0, gid: 0, mtime: new Date(now) }, content);
  archive.finalize();
  return archive as AsyncIterable<Uint8Array>;
}
