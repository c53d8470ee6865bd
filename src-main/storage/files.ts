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

class FolderFiles implements OpenFiles {
  private readonly handles = new Map<string, { handle: FileHandle; size: number }>();
  /** The last work on each file: acts on one file happen one after another. */
  private readonly queues = new Map<string, Promise<unknown>>();

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
    return this.inTurn(name, async () => {
      const entry = await this.opened(name);
      await entry.handle.datasync();
    });
  }

  read(name: string, offset: number, length: number): Promise<Uint8Array> {
    return this.inTurn(name, async () => {
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
    await Promise.allSettled([...this.queues.values()]);
    for (const name of [...this.handles.keys()]) await this.release(name);
  }

  private path(name: string): string {
    return join(this.folder, name);
  }

  /** The file, kept open: a search reads hundreds of places in one. Only what writes makes it when it is not there. */
  private async opened(
    name: string,
    flags: number = constants.O_CREAT | constants.O_RDWR | noFollow,
  ): Promise<{ handle: FileHandle; size: number }> {
    const known = this.handles.get(name);
    if (known) {
      // Last used, last closed.
      this.handles.delete(name);
      this.handles.set(name, known);
      return known;
    }
    const handle = await open(this.path(name), flags, 0o600);
    const entry = { handle, size: (await handle.stat()).size };
    this.handles.set(name, entry);
    for (const other of [...this.handles.keys()].slice(0, Math.max(0, this.handles.size - openAtOnce))) {
      void this.inTurn(other, () => this.release(other));
    }
    return entry;
  }

  private async release(name: string): Promise<void> {
    const entry = this.handles.get(name);
    this.handles.delete(name);
    await entry?.handle.close();
  }

  private inTurn<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    if (!namePattern.test(name)) return Promise.reject(fail('internal', 'A file name outside [a-z0-9._-].'));
    const before = this.queues.get(name) ?? Promise.resolve();
    const result = before.then(work, work).catch((thrown: unknown) => {
      throw writeError(thrown);
    });
    const done = result.catch(() => {});
    this.queues.set(name, done);
    void done.then(() => {
      if (this.queues.get(name) === done) this.queues.delete(name);
    });
    return result;
  }
}
