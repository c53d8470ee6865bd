/** The one place that knows the database library: how to open a file, read its rows, and what its errors mean. */
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite';
import { hash32 } from '../base/random';
import { PilothouseError } from '../contract/errors';
import type { DiskRow } from '../core/disk';
import { isFull, sqliteCode, StorageError, writeError } from './errors';

/**
 * An open database without prepared statements. Those of this library live until they are collected as garbage, and a database with
 * living ones stays open and locked after `close`; so values go in and out through two SQL functions, `field(n)` and `report(…)`.
 */
export class Database {
  private fields: readonly unknown[] = [];
  private reported: unknown[][] = [];

  private constructor(private readonly connection: DatabaseSyncInstance) {
    connection.function('field', (index: unknown) => this.fields[Number(index)] ?? null);
    connection.function('report', { varargs: true }, (...values: unknown[]) => {
      this.reported.push(values);
      return null;
    });
  }

  /** Opens the file as it is. Throws a `StorageError`. */
  static open(file: string, options: { readOnly: boolean } = { readOnly: false }): Database {
    try {
      return new Database(new DatabaseSync(file, { readOnly: options.readOnly, enableForeignKeyConstraints: false }));
    } catch (thrown) {
      throw storageError(thrown, file);
    }
  }

  /** Runs SQL in which `field(0)`, `field(1)` … stand for the values. */
  run(sql: string, ...values: readonly (string | number)[]): void {
    this.fields = values;
    this.connection.exec(sql);
  }

  /** Runs `SELECT report(…) FROM …` and returns what was reported, row by row. */
  read(sql: string): unknown[][] {
    this.reported = [];
    this.connection.exec(sql);
    const rows = this.reported;
    this.reported = [];
    return rows;
  }

  /** Runs `work` in a transaction: all of it, or nothing when it throws. */
  transact(work: () => void): void {
    try {
      this.run('BEGIN IMMEDIATE');
      work();
      this.run('COMMIT');
    } catch (thrown) {
      this.undo();
      throw thrown;
    }
  }

  close(): void {
    if (this.connection.isOpen) this.connection.close();
  }

  private undo(): void {
    try {
      if (this.connection.isTransaction) this.run('ROLLBACK');
    } catch {
      // SQLite has rolled back by itself after some errors; the first error is the one to tell.
    }
  }
}

/** Every row of an open database; throws `corrupt` when one is not what was written. */
export function readRows(database: Database, file: string): DiskRow[] {
  return database.read('SELECT report(name, key, value, proof) FROM rows').map((row): DiskRow => {
    const [name, key, value, proof] = row as [string, string, string, number];
    if (proof !== proofOf({ name, key, value })) throw damaged(file, `row ${name}/${key} was changed`);
    return { table: name, key, value: JSON.parse(value) as unknown };
  });
}

/** A fingerprint of a row, so that a flipped bit inside a value is seen; SQLite's own check sees only the structure. */
export function proofOf(row: { name: string; key: string; value: string }): number {
  return hash32(`${row.name}\u0000${row.key}\u0000${row.value}`);
}

/** An error that says how the file is damaged. */
export function damaged(file: string, how: string): StorageError {
  return new StorageError('corrupt', `${file} is damaged: ${how}.`, {
    hint: 'Restore a backup; running containers are found again by their labels.',
  });
}

/** Any failure of the library as a `StorageError`, or the write error that it is. */
export function storageError(thrown: unknown, file: string): Error {
  if (thrown instanceof PilothouseError) return thrown;
  const code = sqliteCode(thrown);
  if (code === 5 || code === 6) {
    return new StorageError('locked', `${file} is open in another Pilothouse.`, { cause: thrown });
  }
  // 11 corrupt, 26 not a database, 1 a schema that cannot be read; a SyntaxError is a value that is not JSON.
  if (code === 11 || code === 26 || code === 1 || thrown instanceof SyntaxError) {
    return new StorageError('corrupt', `${file} is damaged: ${thrown instanceof Error ? thrown.message : ''}`, {
      cause: thrown,
    });
  }
  if (isFull(thrown)) return writeError(thrown);
  return new StorageError(
    'unreadable',
    `${file} cannot be read: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
    {
      cause: thrown,
    },
  );
}
