/** The one truth: tables in memory, written through to disk in transactions, watched by whoever shows or acts on them. */
import { Emitter, type Event } from '../../base/emitter';
import type { DiskChange, RowDisk } from '../disk';
import { tableNames, volatileTables, type TableName, type Tables } from './tables';

/** One committed change; `row` undefined means removed. Rows are frozen by convention: replace them, never change them. */
export interface StoreChange<Name extends TableName = TableName> {
  table: Name;
  key: string;
  row: Tables[Name] | undefined;
  before: Tables[Name] | undefined;
}

/** What a transaction may do. Reads see its own writes. */
export interface Transaction {
  get<Name extends TableName>(table: Name, key: string): Tables[Name] | undefined;
  put<Name extends TableName>(table: Name, key: string, row: Tables[Name]): void;
  remove(table: TableName, key: string): void;
}

/** The store. Commits are synchronous: when `transact` returns, durable tables are on disk; when it throws, nothing changed. */
export class Store {
  private readonly tables: { [Name in TableName]: Map<string, Tables[Name]> };
  private readonly changed = new Emitter<readonly StoreChange[]>();
  /** Fires after each commit with every change of it, in order of writing. */
  readonly onCommit: Event<readonly StoreChange[]> = this.changed.event;

  /** Loads every durable row. Rows of unknown tables are kept on disk and ignored, so that a downgrade loses nothing. */
  constructor(private readonly disk: RowDisk) {
    this.tables = Object.fromEntries(tableNames.map((name) => [name, new Map()])) as typeof this.tables;
    for (const row of disk.load()) {
      if (Object.hasOwn(this.tables, row.table))
        (this.tables[row.table as TableName] as Map<string, unknown>).set(row.key, row.value);
    }
  }

  get<Name extends TableName>(table: Name, key: string): Tables[Name] | undefined {
    return this.tables[table].get(key);
  }

  /** Rows of a table in insertion order. */
  all<Name extends TableName>(table: Name): Tables[Name][] {
    return [...this.tables[table].values()];
  }

  keys(table: TableName): string[] {
    return [...this.tables[table].keys()];
  }

  /** Runs `work` and commits what it wrote, all or nothing. An exception in `work` or on disk leaves the store as it was. */
  transact<Result>(work: (transaction: Transaction) => Result): Result {
    const pending = new Map<string, StoreChange>();
    const id = (table: TableName, key: string): string => `${table}\u0000${key}`;
    const transaction: Transaction = {
      get: <Name extends TableName>(table: Name, key: string): Tables[Name] | undefined => {
        const own = pending.get(id(table, key));
        return own ? (own.row as Tables[Name] | undefined) : this.tables[table].get(key);
      },
      put: (table, key, row) => {
        pending.set(id(table, key), { table, key, row, before: this.tables[table].get(key) });
      },
      remove: (table, key) => {
        pending.set(id(table, key), { table, key, row: undefined, before: this.tables[table].get(key) });
      },
    };
    const result = work(transaction);
    const changes = [...pending.values()].filter((change) => change.row !== undefined || change.before !== undefined);
    const durable = changes.filter((change) => !volatileTables.has(change.table));
    if (durable.length > 0) {
      this.disk.commit(
        durable.map((change): DiskChange => {
          const row: DiskChange = { table: change.table, key: change.key };
          if (change.row !== undefined) row.value = change.row;
          return row;
        }),
      );
    }
    for (const change of changes) {
      const table = this.tables[change.table] as Map<string, unknown>;
      if (change.row === undefined) table.delete(change.key);
      else table.set(change.key, change.row);
    }
    if (changes.length > 0) this.changed.fire(changes);
    return result;
  }
}
