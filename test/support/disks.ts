/** Storage in memory, for tests of rooms that need some. */
import type { DiskChange, DiskRow, FileDisk, RowDisk } from '../../src-main/core/disk';
import { fail } from '../../src-main/contract/errors';

/** Rows that survive as long as this object: hand it to a second store to play a restart. Values are copied as JSON does. */
export interface MemoryRows extends RowDisk {
  readonly commits: number;
  /** The next commit fails, with `no-space` unless told otherwise. */
  failNext(thrown?: Error): void;
  /** Called before and after each commit becomes durable; a test that throws here has killed the app at that point. */
  hooks: {
    beforeCommit?: (changes: readonly DiskChange[]) => void;
    afterCommit?: (changes: readonly DiskChange[]) => void;
  };
}

/** An empty row disk, or one with rows. */
export function memoryRows(initial: readonly DiskRow[] = []): MemoryRows {
  const rows = new Map<string, string>();
  const keyOf = (table: string, key: string): string => JSON.stringify([table, key]);
  for (const { table, key, value } of initial) rows.set(keyOf(table, key), JSON.stringify(value));
  let commits = 0;
  let failure: Error | undefined;
  const disk: MemoryRows = {
    hooks: {},
    get commits() {
      return commits;
    },
    failNext(thrown) {
      failure = thrown ?? fail('no-space', 'The disk is full.');
    },
    load() {
      return [...rows].map(([id, value]) => {
        const [table, key] = JSON.parse(id) as [string, string];
        return { table, key, value: JSON.parse(value) as unknown };
      });
    },
    commit(changes) {
      disk.hooks.beforeCommit?.(changes);
      if (failure) {
        const thrown = failure;
        failure = undefined;
        throw thrown;
      }
      const texts = changes.map(({ value }) => (value === undefined ? undefined : JSON.stringify(value)));
      for (const [index, { table, key }] of changes.entries()) {
        const text = texts[index];
        if (text === undefined) rows.delete(keyOf(table, key));
        else rows.set(keyOf(table, key), text);
      }
      commits += 1;
      disk.hooks.afterCommit?.(changes);
    },
    close() {},
  };
  return disk;
}

/** Files in memory that remember what was synced, so that `crash` can lose the rest as a power cut does. */
export interface MemoryFiles extends FileDisk {
  /** Cuts what was not synced at a place chosen by `random` in [0, 1), per file; torn tails included. */
  crash(random: () => number): void;
}

/** An empty file disk. */
export function memoryFiles(): MemoryFiles {
  const files = new Map<string, { bytes: Uint8Array; synced: number }>();
  const get = (name: string): { bytes: Uint8Array; synced: number } => {
    const file = files.get(name);
    if (!file) throw fail('internal', `There is no file ${name}.`);
    return file;
  };
  return {
    list: () => Promise.resolve([...files].map(([name, { bytes }]) => ({ name, size: bytes.length })).sort(byName)),
    append(name, added) {
      const file = files.get(name) ?? { bytes: new Uint8Array(), synced: 0 };
      const bytes = new Uint8Array(file.bytes.length + added.length);
      bytes.set(file.bytes);
      bytes.set(added, file.bytes.length);
      files.set(name, { ...file, bytes });
      return Promise.resolve(bytes.length);
    },
    sync(name) {
      const file = files.get(name);
      if (file) file.synced = file.bytes.length;
      return Promise.resolve();
    },
    async read(name, offset, length) {
      await Promise.resolve();
      return get(name).bytes.slice(offset, offset + length);
    },
    write(name, bytes) {
      files.set(name, { bytes: bytes.slice(), synced: bytes.length });
      return Promise.resolve();
    },
    async truncate(name, size) {
      await Promise.resolve();
      const file = get(name);
      file.bytes = file.bytes.slice(0, size);
      file.synced = Math.min(file.synced, size);
    },
    remove(name) {
      files.delete(name);
      return Promise.resolve();
    },
    crash(random) {
      for (const file of files.values()) {
        const kept = file.synced + Math.floor(random() * (file.bytes.length - file.synced + 1));
        file.bytes = file.bytes.slice(0, kept);
        file.synced = kept;
      }
    },
  };
}

function byName(one: { name: string }, other: { name: string }): number {
  return one.name < other.name ? -1 : 1;
}
