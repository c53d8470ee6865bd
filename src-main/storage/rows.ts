/** Durable rows in one SQLite file: write-ahead log, fsync at each commit, one writer, checked when opened. */
import { closeSync, existsSync, openSync, readSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DiskChange, DiskRow, RowDisk } from '../core/disk';
import { backUp, backupsOf } from './backups';
import { Database, damaged, proofOf, readRows, storageError } from './database';
import { StorageError, writeError } from './errors';
import { createPrivateFile, privateFile, privateFolder, settleRename } from './place';
import { applicationId, migrations as ownMigrations, type Migration } from './schema';

export interface OpenRowsOptions {
  /** For tests of the way from one layout to the next. */
  migrations?: readonly Migration[];
  /** Milliseconds since the epoch, for the names of backups. */
  now?: () => number;
}

const putRow =
  'INSERT INTO rows (name, key, value, proof) VALUES (field(0), field(1), field(2), field(3)) ON CONFLICT (name, key) DO UPDATE SET value = excluded.value, proof = excluded.proof';
const removeRow = 'DELETE FROM rows WHERE name = field(0) AND key = field(1)';
/** Milliseconds after which the newest backup is too old. */
const backupEvery = 24 * 3600 * 1000;

/**
 * Opens the database, or makes a new one where there was none. Throws a `StorageError` and changes nothing when the file is damaged,
 * too new, locked by another process or not ours: it never starts over with an empty one by itself. See `recover` in backups.ts.
 */
export function openRows(file: string, options: OpenRowsOptions = {}): RowDisk {
  const steps = options.migrations ?? ownMigrations;
  const now = options.now ?? Date.now;
  let database: Database | undefined;
  try {
    privateFolder(dirname(file));
    const found = privateFile(file);
    for (const sidecar of [`${file}-wal`, `${file}-journal`]) privateFile(sidecar);
    if (found) checkHeader(file);
    else create(file, steps);
    database = connect(file);
    check(database, file);
    const version = migrate(database, { file, steps, now });
    // A fresh database has nothing to lose yet.
    if (found && version === steps.length) backUpDaily(database, file, now());
    return new SqliteRows(database, file);
  } catch (thrown) {
    database?.close();
    throw storageError(thrown, file);
  }
}

class SqliteRows implements RowDisk {
  constructor(
    private readonly database: Database,
    private readonly file: string,
  ) {}

  load(): DiskRow[] {
    try {
      return readRows(this.database, this.file);
    } catch (thrown) {
      throw storageError(thrown, this.file);
    }
  }

  commit(changes: readonly DiskChange[]): void {
    if (changes.length === 0) return;
    // Written out first: a value that cannot be must not begin a transaction.
    const texts = changes.map(({ value }) => (value === undefined ? undefined : JSON.stringify(value)));
    try {
      this.database.transact(() => {
        for (const [index, { table: name, key }] of changes.entries()) {
          const value = texts[index];
          if (value === undefined) this.database.run(removeRow, name, key);
          else this.database.run(putRow, name, key, value, proofOf({ name, key, value }));
        }
      });
    } catch (thrown) {
      throw writeError(thrown);
    }
  }

  close(): void {
    this.database.close();
  }
}

function backUpDaily(database: Database, file: string, at: number): void {
  const newest = backupsOf(file)[0];
  if (newest && at - newest.at < backupEvery) return;
  try {
    backUp(database, file, { reason: 'daily', at });
  } catch {
    // No room for a copy is no reason not to start; the disk alert tells of it.
  }
}

/** Looks before SQLite may touch the file: a database that is not ours must stay as it is. */
function checkHeader(file: string): void {
  const header = Buffer.alloc(100);
  const handle = openSync(file, 'r');
  try {
    if (readSync(handle, header, 0, 100, 0) < 100) throw damaged(file, 'it is cut short');
  } finally {
    closeSync(handle);
  }
  if (header.toString('latin1', 0, 16) !== 'SQLite format 3\u0000') throw damaged(file, 'it is not a database');
  if (header.readUInt32BE(68) !== applicationId) throw damaged(file, 'it is not a Pilothouse database');
}

/** A new database appears under its name only when it is whole, so that an empty file is always a sign of damage. */
function create(file: string, steps: readonly Migration[]): void {
  if (existsSync(`${file}-wal`)) throw damaged(file, 'it is gone, but its log is still there');
  if (backupsOf(file).length > 0) throw damaged(file, 'it is gone, but backups of it are still there');
  const draft = `${file}.new`;
  for (const leftover of [draft, `${draft}-wal`, `${draft}-journal`, `${draft}-shm`]) rmSync(leftover, { force: true });
  createPrivateFile(draft);
  // Without a log, so that everything is in the one file that is renamed, and any failure is told before that.
  const database = Database.open(draft);
  try {
    database.run('PRAGMA synchronous = FULL');
    database.run(`PRAGMA application_id = ${applicationId}`);
    advance(database, { from: 0, steps });
  } finally {
    database.close();
  }
  settleRename(draft, file);
}

function connect(file: string): Database {
  const database = Database.open(file);
  try {
    // Exclusive before the log is opened: one writer, no shared-memory file, and the lock dies with the process (never a pid file, F16).
    database.run('PRAGMA locking_mode = EXCLUSIVE');
    database.run('PRAGMA trusted_schema = OFF');
    database.run('PRAGMA journal_mode = WAL');
    database.run('PRAGMA synchronous = FULL');
    database.run('PRAGMA fullfsync = ON');
    database.run('PRAGMA secure_delete = ON');
    database.run('PRAGMA journal_size_limit = 4194304');
    database.run('BEGIN IMMEDIATE; COMMIT');
    return database;
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}

function check(database: Database, file: string): void {
  const [[verdict] = []] = database.read('SELECT report(integrity_check) FROM pragma_integrity_check LIMIT 1');
  if (verdict !== 'ok') throw damaged(file, String(verdict));
}

/** Brings an older layout up to date, after a backup; returns the version that was found. */
function migrate(
  database: Database,
  options: { file: string; steps: readonly Migration[]; now: () => number },
): number {
  const { file, steps, now } = options;
  const version = Number(database.read('SELECT report(user_version) FROM pragma_user_version')[0]?.[0] ?? 0);
  if (version > steps.length) {
    throw new StorageError('newer', `${file} was written by a newer version of Pilothouse.`, {
      hint: 'Install that version again; nothing was changed.',
    });
  }
  if (version === steps.length) return version;
  if (version > 0) backUp(database, file, { reason: 'migration', at: now() });
  advance(database, { from: version, steps });
  return version;
}

function advance(database: Database, options: { from: number; steps: readonly Migration[] }): void {
  database.transact(() => {
    for (const step of options.steps.slice(options.from)) step(database);
    database.run(`PRAGMA user_version = ${options.steps.length}`);
  });
}
