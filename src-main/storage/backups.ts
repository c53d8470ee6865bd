/** Copies of the database beside it: one a day and one before each change of layout, three of each kind. */
import { chmodSync, copyFileSync, existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { DiskRow } from '../core/disk';
import { Database, readRows } from './database';
import { StorageError } from './errors';
import { settleRename, syncFolder } from './place';

export type BackupReason = 'daily' | 'migration';

export interface Backup {
  file: string;
  reason: BackupReason;
  /** Milliseconds since the epoch. */
  at: number;
}

const keptOfEach = 3;

/** The backups of a database, newest first. */
export function backupsOf(file: string): Backup[] {
  const folder = dirname(file);
  const prefix = `${basename(file)}.`;
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .flatMap((name): Backup[] => {
      const match = name.startsWith(prefix)
        ? /^(daily|migration)-(\d+)\.backup$/.exec(name.slice(prefix.length))
        : null;
      return match ? [{ file: join(folder, name), reason: match[1] as BackupReason, at: Number(match[2]) }] : [];
    })
    .sort((one, other) => other.at - one.at);
}

/** Copies an open database, whole and compact, and drops the oldest copies. */
export function backUp(database: Database, file: string, about: { reason: BackupReason; at: number }): void {
  const target = `${file}.${about.reason}-${about.at}.backup`;
  const draft = `${target}.new`;
  rmSync(draft, { force: true });
  database.run('VACUUM INTO field(0)', draft);
  chmodSync(draft, 0o600);
  settleRename(draft, target);
  const same = backupsOf(file).filter(({ reason }) => reason === about.reason);
  for (const old of same.slice(keptOfEach)) rmSync(old.file, { force: true });
}

/** What can still be read when the database cannot be opened: the rows of the newest backup that is whole. For rescue mode. */
export function readBackup(file: string): { rows: DiskRow[]; backup: Backup } | undefined {
  for (const backup of backupsOf(file)) {
    try {
      const database = Database.open(backup.file, { readOnly: true });
      try {
        return { rows: readRows(database, backup.file), backup };
      } finally {
        database.close();
      }
    } catch {
      // A damaged backup is no reason not to look at the next.
    }
  }
  return undefined;
}

/**
 * Puts a backup in the place of a damaged database, or clears the place for a new one when `backup` is undefined; only ever on the
 * user's word. The damaged files are kept beside it; returns where.
 */
export function recover(file: string, backup: Backup | undefined, now: number): string {
  const kept = `${file}.damaged-${now}`;
  if (backup && !backupsOf(file).some((other) => other.file === backup.file)) {
    throw new StorageError('unreadable', `${backup.file} is not a backup of ${file}.`);
  }
  const draft = `${file}.restored`;
  rmSync(draft, { force: true });
  if (backup) {
    copyFileSync(backup.file, draft);
    chmodSync(draft, 0o600);
  } else {
    // With these out of the way the place is truly free.
    for (const old of backupsOf(file)) renameSync(old.file, `${old.file}.old`);
  }
  for (const suffix of ['', '-wal', '-shm', '-journal']) {
    if (existsSync(`${file}${suffix}`)) renameSync(`${file}${suffix}`, `${kept}${suffix}`);
  }
  if (backup) settleRename(draft, file);
  else syncFolder(dirname(file));
  return kept;
}
