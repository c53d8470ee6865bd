/** The database's layout, and how older ones become the present one. */
import type { Database } from './database';

/** One step; the position in the list is the version it leads to. Steps are never changed once released. */
export type Migration = (database: Database) => void;

/** Marks the file as ours: "PHse". */
export const applicationId = 0x50487365;

export const migrations: readonly Migration[] = [createRowTable];

function createRowTable(database: Database): void {
  database.run(
    'CREATE TABLE rows (name TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, proof INTEGER NOT NULL, PRIMARY KEY (name, key)) STRICT, WITHOUT ROWID',
  );
}
