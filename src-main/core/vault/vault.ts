/**
 * Secrets and their versions in the store. A value is sealed for its name and version, so that a row cannot be passed off as
 * another. Values are opened one at a time, when they are delivered or revealed, and are kept nowhere.
 */
import type { Clock } from '../../base/clock';
import type { Disposable } from '../../base/lifecycle';
import { utf8 } from '../../base/utf8';
import { longestSecret, type SecretView } from '../../contract/api/secrets';
import { fail } from '../../contract/errors';
import type { Sealer } from '../sealer';
import type { SecretRow, Store, Transaction } from '../store';
import { usersOf } from './users';

/** Versions kept per secret, beside those that a service still speaks of. */
const keptVersions = 10;

export interface VaultOptions {
  store: Store;
  clock: Pick<Clock, 'now'>;
  sealer: Sealer;
}

export class Vault {
  constructor(private readonly options: VaultOptions) {}

  /** Removes what a stack brought along once the stack is gone. */
  start(): Disposable {
    const sweep = (): void => {
      const { store } = this.options;
      const gone = store
        .all('secrets')
        .filter(
          ({ stack, name }) => stack !== undefined && !store.get('stacks', stack) && usersOf(store, name).length === 0,
        );
      if (gone.length > 0)
        store.transact((transaction) => {
          for (const { name } of gone) transaction.remove('secrets', name);
        });
    };
    sweep();
    return this.options.store.onCommit((changes) => {
      if (changes.some(({ table, row }) => table === 'stacks' && row === undefined)) sweep();
    });
  }

  get kind(): Sealer['kind'] {
    return this.options.sealer.kind;
  }

  list(): SecretView[] {
    const { store } = this.options;
    return store
      .all('secrets')
      .map((row) => viewOf(row, usersOf(store, row.name)))
      .sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  /** The newest version; undefined when there is no such secret. */
  latest(name: string): number | undefined {
    return this.row(name)?.versions.at(-1)?.version;
  }

  /** The stack that brought it; undefined when it is the user's own, or not there. */
  stackOf(name: string): string | undefined {
    return this.row(name)?.stack;
  }

  users(name: string): string[] {
    return usersOf(this.options.store, name);
  }

  /** The version that this value has or would get. Writes nothing. */
  versionOf(name: string, value: string): number {
    const latest = this.latest(name);
    if (latest === undefined) return 1;
    return this.open(name, latest) === value ? latest : latest + 1;
  }

  /** Keeps a value; the same value again is no new version. `also` goes into the same transaction. */
  set(
    name: string,
    value: string,
    options: {
      stack?: string;
      note?: string;
      ifVersion?: number;
      also?: (transaction: Transaction, version: number) => void;
    } = {},
  ): { version: number; changed: boolean } {
    const { store, clock, sealer } = this.options;
    const before = this.row(name);
    const latest = before?.versions.at(-1)?.version ?? 0;
    if (options.ifVersion !== undefined && options.ifVersion !== latest) {
      throw fail(
        'conflict',
        latest === 0 ? `There is no secret ${name}.` : `The secret ${name} is at version ${latest}.`,
        'Look at the list again.',
      );
    }
    const bytes = utf8(value).length;
    if (bytes > longestSecret) throw fail('too-large', `A secret has at most ${longestSecret} bytes.`);
    const same = latest > 0 && this.open(name, latest) === value;
    const note = options.note ?? before?.note ?? '';
    if (same && note === before?.note) return { version: latest, changed: false };
    const version = same ? latest : latest + 1;
    const now = clock.now();
    const made = same ? [] : [{ version, bytes, createdAt: now, sealed: sealer.seal(value, contextOf(name, version)) }];
    const stack = before ? before.stack : options.stack;
    store.transact((transaction) => {
      transaction.put('secrets', name, {
        name,
        note,
        ...(stack === undefined ? {} : { stack }),
        versions: this.trim(name, [...(before?.versions ?? []), ...made]),
        createdAt: before?.createdAt ?? now,
        updatedAt: now,
      });
      if (!same) options.also?.(transaction, version);
    });
    return { version, changed: !same };
  }

  /** The value of a version. Throws `not-found`, or `forbidden` when it cannot be opened. */
  open(name: string, version: number): string {
    const row = this.row(name);
    if (!row) throw fail('not-found', `There is no secret ${name}.`, `Make it: pilothouse secret set ${name}`);
    const found = row.versions.find((one) => one.version === version);
    if (!found) throw fail('not-found', `Version ${version} of the secret ${name} is not kept any more.`);
    return this.options.sealer.open(found.sealed, contextOf(name, version));
  }

  /** Throws `conflict` while somebody uses it. */
  remove(name: string, also?: (transaction: Transaction) => void): void {
    const { store } = this.options;
    if (!this.row(name)) throw fail('not-found', `There is no secret ${name}.`);
    const users = this.users(name);
    if (users.length > 0)
      throw fail(
        'conflict',
        `${name} is used by ${users.join(', ')}.`,
        'Take it out of their file and apply it first.',
      );
    store.transact((transaction) => {
      transaction.remove('secrets', name);
      also?.(transaction);
    });
  }

  private row(name: string): SecretRow | undefined {
    return this.options.store.get('secrets', name);
  }

  /** The newest versions, and older ones that a revision may still go back to. */
  private trim(name: string, versions: SecretRow['versions']): SecretRow['versions'] {
    const pinned = new Set<number>();
    for (const { parts } of this.options.store.all('revisions'))
      for (const source of Object.values(parts?.secrets ?? {}))
        if (source.name === name && source.version !== undefined) pinned.add(source.version);
    const [first = 0] = versions.slice(-keptVersions).map(({ version }) => version);
    return versions.filter(({ version }) => version >= first || pinned.has(version));
  }
}

function contextOf(name: string, version: number): string {
  return `secret ${name} ${version}`;
}

function viewOf(row: SecretRow, users: string[]): SecretView {
  return {
    name: row.name,
    note: row.note,
    ...(row.stack === undefined ? {} : { stack: row.stack }),
    versions: row.versions.map(({ version, bytes, createdAt }) => ({ version, bytes, createdAt })).reverse(),
    users,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}
