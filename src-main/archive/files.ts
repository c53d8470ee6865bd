/** Backups as files of one private folder: `<id>.tar.br` and, once it has been read back, `<id>.json`. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { lstat, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, extname, isAbsolute, join } from 'node:path';
import { PassThrough, pipeline as pipe, Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createBrotliCompress, createBrotliDecompress, createGunzip } from 'node:zlib';
import { pack } from 'tar-stream';
import { z } from 'zod';
import type { Signal } from '../base/lifecycle';
import type { VolumeEntry } from '../contract/api/storage';
import { fail, PilothouseError } from '../contract/errors';
import { sentence } from '../contract/sentence';
import type { ByteStream } from '../core/engine';
import {
  bomb,
  foreignCaps,
  ownCaps,
  root,
  type BackupBox,
  type Manifest,
  type NewBackup,
  type Walked,
  type Watching,
} from '../core/resources';
import { entriesOf, oneFile, ownerOf, refused, walk } from './tar';

const own = { root, foreign: false, ...ownCaps };
/** A folder is walked so far for a listing. */
const listed = { entries: 100_000, bytes: 1024 ** 3, rows: 5_000 };

const manifestSchema = z.object({
  version: z.literal(1),
  id: z.string().regex(/^[a-z0-9][a-z0-9._-]*$/),
  volume: z.string(),
  stack: z.string().optional(),
  node: z.object({ id: z.string(), name: z.string() }).optional(),
  createdAt: z.number(),
  reason: z.enum(['manual', 'schedule', 'recycled', 'imported', 'checkpoint']),
  mode: z.enum(['live', 'stopped']),
  entries: z.number(),
  bytes: z.number(),
  packed: z.number(),
  sha256: z.string(),
  tree: z.string(),
  driver: z.string(),
  driverOpts: z.record(z.string(), z.string()),
  labels: z.record(z.string(), z.string()),
});

/** Opens the folder, made when it is missing. What an interrupted backup left there is removed. */
export async function openBackups(folder: string, now: () => number): Promise<BackupBox> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const names = await readdir(folder);
  for (const name of names) {
    const whole = name.endsWith('.json') || names.includes(name.replace(/\.tar\.br$/, '.json'));
    if (!whole || name.startsWith('.')) await rm(join(folder, name), { force: true });
  }
  return new Backups(folder, now);
}

class Backups implements BackupBox {
  constructor(
    private readonly folder: string,
    private readonly now: () => number,
  ) {}

  async list(): Promise<Manifest[]> {
    const names = (await readdir(this.folder)).filter((name) => name.endsWith('.json'));
    const read = await Promise.all(names.map((name) => this.manifest(name.slice(0, -5)).catch(() => undefined)));
    return read.filter((one) => one !== undefined).sort((one, two) => two.createdAt - one.createdAt);
  }

  async write(backup: NewBackup, tar: ByteStream, watching: Watching): Promise<Manifest> {
    const draft = join(this.folder, `.${backup.id}.draft`);
    try {
      const meter = counted(watching);
      const quality = { [constants.BROTLI_PARAM_QUALITY]: 2 };
      // Walked while it is packed: one reading of the volume.
      const copy = new PassThrough({ highWaterMark: 256 * 1024 });
      const walking = walk(copy, own);
      walking.catch((error: unknown) => meter.destroy(error instanceof Error ? error : new Error(String(error))));
      const tee = new Transform({
        transform(piece: Buffer, _encoding, done) {
          if (copy.destroyed || copy.write(piece)) done(null, piece);
          else
            copy
              .once('drain', () => done(null, piece))
              .once('close', () => {
                if (copy.destroyed) done(null, piece);
              });
        },
        flush(done) {
          copy.end();
          done();
        },
      });
      await pipeline(
        Readable.from(tar, { objectMode: false }),
        meter,
        tee,
        createBrotliCompress({ params: quality }),
        createWriteStream(draft, { mode: 0o600, flags: 'wx' }),
      ).catch((error: unknown) => {
        copy.destroy();
        throw error;
      });
      const walked = await walking;
      return await this.settle(backup, draft, walked, watching);
    } finally {
      await rm(draft, { force: true });
    }
  }

  async verify(id: string, watching: Watching): Promise<Manifest> {
    const manifest = await this.manifest(id);
    const { sha256, walked } = await this.readBack(this.path(id), watching, manifest.bytes);
    if (sha256 !== manifest.sha256 || walked.tree !== manifest.tree)
      throw refused(sentence('archive.broken', { reason: 'its content is not what was written' }));
    return manifest;
  }

  async *open(id: string): ByteStream & AsyncGenerator<Uint8Array> {
    yield* opened(this.path(id), 'br');
  }

  async bring(file: string, backup: NewBackup, watching: Watching): Promise<Manifest> {
    if (!isAbsolute(file)) throw fail('bad-input', 'The file needs its whole path.');
    const facts = await lstat(file).catch(() => undefined);
    if (!facts?.isFile()) throw fail('not-found', `${file} is no file.`);
    const kind = /\.br$/.test(file) ? 'br' : /\.t?gz$/.test(file) ? 'gz' : 'plain';
    const unpacked = bounded(opened(file, kind), (bytes) => {
      const no = bomb(facts.size, bytes);
      if (no) throw refused(no);
    });
    // Written anew from what was understood, so that no other reader can understand it differently.
    const archive = pack();
    archive.on('error', () => undefined);
    const feeding = this.copyInto(archive, unpacked);
    feeding.catch((error: unknown) => archive.destroy(error instanceof Error ? error : new Error(String(error))));
    try {
      return await this.write(backup, archive as AsyncIterable<Uint8Array>, watching);
    } catch (error) {
      // The refusal is the cause; that the packing broke off only follows from it.
      await feeding;
      throw error;
    }
  }

  async remove(id: string): Promise<void> {
    await rm(join(this.folder, `${id}.json`), { force: true });
    await rm(this.path(id), { force: true });
  }

  walk(tar: ByteStream, watching: Watching): Promise<Walked> {
    return walk(chained(Readable.from(tar, { objectMode: false }), counted(watching)), own);
  }

  async listFolder(tar: ByteStream): Promise<{ entries: VolumeEntry[]; truncated: boolean }> {
    const entries = new Map<string, VolumeEntry>();
    let [seen, bytes] = [0, 0];
    for await (const { header, body } of entriesOf(tar)) {
      seen += 1;
      bytes += header.size ?? 0;
      if (seen > listed.entries || bytes > listed.bytes || entries.size >= listed.rows)
        return { entries: [...entries.values()], truncated: true };
      const parts = header.name.replace(/\/+$/, '').split('/');
      if (seen === 1 && header.type !== 'directory') throw fail('bad-input', 'This is no folder.');
      const name = parts[1];
      if (parts.length === 2 && name !== undefined) {
        const type =
          header.type === 'file' || header.type === 'link'
            ? 'file'
            : header.type === 'directory'
              ? 'folder'
              : header.type === 'symlink'
                ? 'link'
                : 'other';
        entries.set(name, {
          name,
          type,
          size: header.size ?? 0,
          mode: (header.mode ?? 0) & 0o7777,
          ...ownerOf(header),
          modifiedAt: header.mtime?.getTime() ?? 0,
          ...(header.type === 'symlink' && header.linkname ? { target: header.linkname } : {}),
        });
      }
      for await (const _ of body);
    }
    return { entries: [...entries.values()], truncated: false };
  }

  async head(tar: ByteStream, most: number): Promise<{ size: number; text?: string; truncated: boolean } | undefined> {
    for await (const { header, body } of entriesOf(tar)) {
      if (header.type !== 'file') return undefined;
      const chunks: Uint8Array[] = [];
      let size = 0;
      for await (const piece of body) {
        chunks.push(piece);
        size += piece.length;
        if (size >= most) break;
      }
      const text = textOf(Buffer.concat(chunks).subarray(0, most));
      const whole = header.size ?? 0;
      return { size: whole, truncated: whole > most, ...(text === undefined ? {} : { text }) };
    }
    return undefined;
  }

  async save(tar: ByteStream, name: string, folder: string | undefined): Promise<{ file: string; bytes: number }> {
    const place = folder ?? (existsSync(join(homedir(), 'Downloads')) ? join(homedir(), 'Downloads') : homedir());
    if (!isAbsolute(place)) throw fail('bad-input', 'The folder needs its whole path.');
    // Only the last part, and only what every file system takes.
    const safe =
      basename(name)
        .replace(/[^\p{L}\p{N}._ -]/gu, '_')
        .replace(/^\.+/, '_')
        .slice(0, 120) || 'file';
    const reading = tar[Symbol.asyncIterator]();
    const [isFile, rest] = await peek(reading);
    const file = await freeName(place, isFile ? safe : `${safe}.tar`);
    let bytes = 0;
    const content = isFile ? bodyOf(rest) : rest;
    await pipeline(
      Readable.from(content, { objectMode: false }),
      counted({ progress: (count) => (bytes = count) }),
      createWriteStream(file, { flags: 'wx', mode: 0o600 }),
    );
    return { file, bytes };
  }

  one(name: string, content: string): ByteStream {
    return oneFile(name, Buffer.from(content, 'base64'), this.now());
  }

  private async copyInto(archive: ReturnType<typeof pack>, tar: ByteStream): Promise<void> {
    const rules = { root: '', foreign: true, ...foreignCaps };
    archive.entry({ name: `${root}/`, type: 'directory', mode: 0o755, mtime: new Date(this.now()) });
    await walk(tar, rules, async (header, content) => {
      const inner = header.name.replace(/^(\.?\/)+/, '').replace(/\/+$/, '');
      if (inner === '' || inner === '.') return;
      const { uid, gid } = ownerOf(header);
      const link = header.linkname ?? '';
      const entry = archive.entry({
        name: header.type === 'directory' ? `${root}/${inner}/` : `${root}/${inner}`,
        type: header.type ?? 'file',
        mode: (header.mode ?? 0o644) & 0o1777,
        mtime: header.mtime ?? new Date(0),
        ...(header.type === 'file' ? { size: header.size ?? 0 } : {}),
        ...(link === ''
          ? {}
          : { linkname: header.type === 'link' ? `${root}/${link.replace(/^(\.?\/)+/, '')}` : link }),
        // Beyond 18 bits the plain field has no room.
        pax: { uid: String(uid), gid: String(gid) },
        uid: Math.min(uid, 0o777777),
        gid: Math.min(gid, 0o777777),
      });
      // Why it broke off is said by who broke it.
      entry.on('error', () => undefined);
      if (header.type !== 'file') return;
      for await (const piece of content) {
        if (entry.write(piece)) continue;
        await new Promise<void>((resolve) => {
          const go = (): void => {
            entry.off('drain', go);
            entry.off('close', go);
            resolve();
          };
          entry.on('drain', go);
          entry.on('close', go);
        });
      }
      entry.end(null);
    });
    archive.finalize();
  }

  private async settle(backup: NewBackup, draft: string, walked: Walked, watching: Watching): Promise<Manifest> {
    const handle = await open(draft, 'r+');
    await handle.sync();
    await handle.close();
    // What is on the disk counts, not what was meant to be there.
    const back = await this.readBack(draft, watching.signal ? { signal: watching.signal } : {}, walked.bytes);
    if (back.walked.tree !== walked.tree)
      throw refused(sentence('archive.broken', { reason: 'it does not read back as it was written' }));
    const { size } = await lstat(draft);
    const manifest: Manifest = {
      ...backup,
      version: 1,
      entries: walked.entries,
      bytes: walked.bytes,
      packed: size,
      sha256: back.sha256,
      tree: walked.tree,
    };
    await rename(draft, this.path(backup.id));
    const paper = join(this.folder, `.${backup.id}.json`);
    const written = await open(paper, 'w', 0o600);
    await written.writeFile(JSON.stringify(manifest, null, 2));
    await written.sync();
    await written.close();
    await rename(paper, join(this.folder, `${backup.id}.json`));
    return manifest;
  }

  private async readBack(file: string, watching: Watching, most: number): Promise<{ sha256: string; walked: Walked }> {
    const hash = createHash('sha256');
    const packed = new Transform({
      transform(piece: Buffer, _encoding, done) {
        hash.update(piece);
        done(null, piece);
      },
    });
    const plain = chained(
      createReadStream(file, { highWaterMark: 256 * 1024 }),
      packed,
      createBrotliDecompress(),
      counted(watching),
    );
    const walked = await walkSafely(plain, { ...own, mostBytes: most });
    return { sha256: hash.digest('hex'), walked };
  }

  private async manifest(id: string): Promise<Manifest> {
    const text = await readFile(join(this.folder, `${id}.json`), 'utf8').catch(() => undefined);
    if (text === undefined)
      throw fail('not-found', `There is no backup ${id}.`, 'See them with: pilothouse volume backups');
    const parsed = manifestSchema.safeParse(safeJson(text));
    if (!parsed.success || parsed.data.id !== id)
      throw refused(sentence('archive.broken', { reason: 'its description cannot be read' }));
    const { stack, node, ...rest } = parsed.data;
    return { ...rest, ...(stack === undefined ? {} : { stack }), ...(node === undefined ? {} : { node }) };
  }

  private path(id: string): string {
    return join(this.folder, `${id}.tar.br`);
  }
}

/** What cannot be unpacked is damaged, whatever words the unpacker has for it. */
async function walkSafely(plain: ByteStream, rules: Parameters<typeof walk>[1]): Promise<Walked> {
  try {
    return await walk(plain, rules);
  } catch (error) {
    if (error instanceof PilothouseError) throw error;
    throw refused(sentence('archive.broken', { reason: error instanceof Error ? error.message : String(error) }));
  }
}

/** Joins streams so that the failure of one is the failure of the last, which the reader sees. */
function chained(source: Readable, ...steps: Transform[]): Transform {
  const last = steps.at(-1) as Transform;
  pipe([source, ...steps], () => undefined);
  return last;
}

async function* opened(file: string, kind: 'br' | 'gz' | 'plain'): AsyncGenerator<Uint8Array> {
  const source = createReadStream(file, { highWaterMark: 256 * 1024 });
  const stream: Readable =
    kind === 'plain' ? source : chained(source, kind === 'br' ? createBrotliDecompress() : createGunzip());
  try {
    for await (const piece of stream) yield piece as Uint8Array;
  } catch (error) {
    if (error instanceof PilothouseError) throw error;
    throw refused(sentence('archive.broken', { reason: error instanceof Error ? error.message : String(error) }));
  } finally {
    source.destroy();
  }
}

async function* bounded(source: ByteStream, check: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const piece of source) {
    bytes += piece.length;
    check(bytes);
    yield piece;
  }
}

/** Counts what passes, and ends when the caller gives up. */
function counted(watching: Watching): Transform {
  let bytes = 0;
  const { progress, signal } = watching;
  const meter = new Transform({
    highWaterMark: 256 * 1024,
    transform(piece: Buffer, _encoding, done) {
      bytes += piece.length;
      progress?.(bytes);
      done(signal?.aborted ? cancelled() : null, piece);
    },
  });
  const stop = (): void => void meter.destroy(cancelled());
  onAbort(signal, stop, meter);
  return meter;
}

function onAbort(signal: Signal | undefined, stop: () => void, until: Transform): void {
  if (!signal) return;
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop);
  until.once('close', () => signal.removeEventListener('abort', stop));
}

function cancelled(): PilothouseError {
  return fail('cancelled', 'Cancelled.');
}

/** Whether a tar begins with a file, and the whole of the tar again. */
async function peek(reading: AsyncIterator<Uint8Array>): Promise<[boolean, ByteStream]> {
  let read = Buffer.alloc(0);
  let at = 0;
  for (;;) {
    if (read.length < at + 512) {
      const next = await reading.next();
      if (next.done === true) break;
      read = Buffer.concat([read, next.value]);
      continue;
    }
    // Extended headers stand before the one they speak of.
    if (!'xgLK'.includes(String.fromCharCode(read[at + 156] ?? 0)) || at > 1024 * 1024) break;
    const size = parseInt(read.toString('latin1', at + 124, at + 135), 8) || 0;
    at += 512 + Math.ceil(size / 512) * 512;
  }
  const kind = read[at + 156];
  async function* all(): AsyncGenerator<Uint8Array> {
    yield read;
    for (;;) {
      const next = await reading.next();
      if (next.done === true) return;
      yield next.value;
    }
  }
  return [kind === 0x30 || kind === 0, all()];
}

async function* bodyOf(tar: ByteStream): AsyncGenerator<Uint8Array> {
  for await (const { body } of entriesOf(tar)) {
    yield* body;
    return;
  }
}

/** Bytes as text when they are UTF-8 without the control characters that no text has. The last character may be cut. */
function textOf(bytes: Buffer): string | undefined {
  const text = bytes.toString('utf8');
  const broken = text.indexOf('\ufffd');
  if (broken >= 0 && broken < text.length - 3) return undefined;
  // eslint-disable-next-line no-control-regex -- exactly these make it no text
  return /[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/.test(text) ? undefined : text;
}

/** `name`, or `name (2)` and so on: nothing is ever overwritten. */
async function freeName(folder: string, name: string): Promise<string> {
  const end = extname(name);
  const stem = name.slice(0, name.length - end.length);
  for (let count = 1; ; count++) {
    const file = join(folder, count === 1 ? name : `${stem} (${count})${end}`);
    if (!(await lstat(file).catch(() => undefined))) return file;
  }
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
