/** Append-only files in one flat folder. */
import { constants } from 'node:fs';
import { open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../contract/errors';
import type { FileDisk } from '../core/disk';
import { writeError } from './errors';
import { privateFolder, syncFolder } from './place';

/** A `FileDisk` on a real folder; close it when done. */
export interface OpenFiles extends FileDisk {
  close(): Promise<void>;
}

/** Files that stay open at one time. */
const openAtOnce = 64;
const namePattern = /^[a-z0-9_-][a-z0-9._-]*$/;
// Windows has no such flag; there the folder's own protection must do.
const noFollow = process.platform === 'win32' ? 0 : constants.O_NOFOLLOW;

/** Opens the folder, made for its owner only when it is not there. Drafts of writes that were cut off are removed. */
export async function openFiles(folder: string): Promise<OpenFiles> {
  privateFolder(folder);
  for (const name of await readdir(folder))
    if (name.startsWith('.draft-')) await rm(join(folder, name), { force: true });
  return new FolderFiles(folder);
}

interface OpenFile {
  handle: FileHandle;
  size: number;
}

class FolderFiles implements OpenFiles {
  private readonly handles = new Map<string, OpenFile>();
  /** Files being opened: whoever comes meanwhile gets the same handle. */
  private readonly opening = new Map<string, Promise<OpenFile>>();
  /**
   * The last work on each file, and its last change: changes happen one after another and after all that was asked before; what changes
   * nothing waits for changes only, so that a search is not held up by a sync, nor one of its reads by the next.
   */
  private readonly queues = new Map<string, { all: Promise<unknown>; change: Promise<unknown> }>();

  constructor(private readonly folder: string) {}

  async list(): Promise<{ name: string; size: number }[]> {
    const names = (await readdir(this.folder)).filter((name) => namePattern.test(name)).sort();
    const found = await Promise.all(
      names.map(async (name) => {
        const facts = await stat(join(this.folder, name)).catch(() => undefined);
        return facts?.isFile() ? [{ name, size: facts.size }] : [];
      }),
    );
    return found.flat();
  }

  append(name: string, bytes: Uint8Array): Promise<number> {
    return this.inTurn(name, async () => {
      const entry = await this.opened(name);
      try {
        let at = 0;
        while (at < bytes.length) {
          const { bytesWritten } = await entry.handle.write(bytes, at, bytes.length - at, entry.size + at);
          at += bytesWritten;
        }
      } catch (thrown) {
        // All or nothing: a half-written piece is taken back.
        await entry.handle.truncate(entry.size).catch(() => {});
        throw thrown;
      }
      entry.size += bytes.length;
      return entry.size;
    });
  }

  sync(name: string): Promise<void> {
    return this.besides(name, async () => {
      const entry = await this.opened(name);
      await entry.handle.datasync();
    });
  }

  read(name: string, offset: number, length: number): Promise<Uint8Array> {
    return this.besides(name, async () => {
      const { handle, size } = await this.opened(name, constants.O_RDWR | noFollow);
      const buffer = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
      let at = 0;
      while (at < buffer.length) {
        const { bytesRead } = await handle.read(buffer, at, buffer.length - at, offset + at);
        if (bytesRead === 0) break;
        at += bytesRead;
      }
      return buffer.subarray(0, at);
    });
  }

  write(name: string, bytes: Uint8Array): Promise<void> {
    return this.inTurn(name, async () => {
      const draft = join(this.folder, `.draft-${name}`);
      await rm(draft, { force: true });
      const handle = await open(draft, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | noFollow, 0o600);
      try {
        await handle.writeFile(bytes);
        await handle.sync();
      } catch (thrown) {
        await handle.close();
        await rm(draft, { force: true });
        throw thrown;
      }
      await handle.close();
      await this.release(name);
      await rename(draft, this.path(name));
      syncFolder(this.folder);
    });
  }

  truncate(name: string, size: number): Promise<void> {
    return this.inTurn(name, async () => {
      const entry = await this.opened(name);
      if (size > entry.size) throw fail('internal', `${name} has only ${entry.size} bytes.`);
      await entry.handle.truncate(size);
      entry.size = size;
    });
  }

  remove(name: string): Promise<void> {
    return this.inTurn(name, async () => {
      await this.release(name);
      await rm(this.path(name), { force: true });
    });
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.queues.values()].map(({ all }) => all));
    for (const name of [...this.handles.keys()]) await this.release(name);
  }

  private path(name: string): string {
    return join(this.folder, name);
  }

  /** The file, kept open: a search reads hundreds of places in one. Only what writes makes it when it is not there. */
  private async opened(
    name: string,
    flags: number = constants.O_CREAT | constants.O_RDWR | noFollow,
  ): Promise<OpenFile> {
    const known = this.handles.get(name);
    if (known) {
      // Last used, last closed.
      this.handles.delete(name);
      this.handles.set(name, known);
      return known;
    }
    const opening = this.opening.get(name) ?? this.openNow(name, flags);
    this.opening.set(name, opening);
    let entry: OpenFile;
    try {
      entry = await opening;
    } finally {
      this.opening.delete(name);
    }
    this.handles.set(name, entry);
    for (const other of [...this.handles.keys()].slice(0, Math.max(0, this.handles.size - openAtOnce))) {
      void this.inTurn(other, () => this.release(other));
    }
    return entry;
  }

  private async openNow(name: string, flags: number): Promise<OpenFile> {
    const handle = await open(this.path(name), flags, 0o600);
    return { handle, size: (await handle.stat()).size };
  }

  private async release(name: string): Promise<void> {
    const entry = this.handles.get(name);
    this.handles.delete(name);
    await entry?.handle.close();
  }

  /** Changes the file: after everything asked before. */
  private inTurn<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    return this.queued(name, work, true);
  }

  /** Leaves the file as it is: after every change asked before. */
  private besides<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    return this.queued(name, work, false);
  }

  private queued<Result>(name: string, work: () => Promise<Result>, changes: boolean): Promise<Result> {
    if (!namePattern.test(name)) return Promise.reject(fail('internal', 'A file name outside [a-z0-9._-].'));
    const before = this.queues.get(name);
    const turn = (changes ? before?.all : before?.change) ?? Promise.resolve();
    const result = turn.then(work).catch((thrown: unknown) => {
      throw writeError(thrown);
    });
    const done = result.catch(() => {});
    const all = changes || !before ? done : Promise.all([before.all, done]);
    const queue = { all, change: changes ? done : (before?.change ?? Promise.resolve()) };
    this.queues.set(name, queue);
    void all.then(() => {
      if (this.queues.get(name) === queue) this.queues.delete(name);
    });
    return result;
  }
}
