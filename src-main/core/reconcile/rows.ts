/** The store's rows by what they belong to, kept up with every commit, so that no pass has to search a table. */
import { toDisposable, type Disposable } from '../../base/lifecycle';
import type { AttemptRow, RevisionRow, ServiceRow, Store, StoreChange } from '../store';
import { splitKey } from './names';

/** Revision rows' key. */
export function revisionKey(service: string, revision: number): string {
  return `${service}@${revision}`;
}

export class Rows implements Disposable {
  private readonly attempts = new Map<string, Map<string, AttemptRow>>();
  private readonly revisions = new Map<string, Map<number, RevisionRow>>();
  private readonly services = new Map<string, Map<string, ServiceRow>>();
  private readonly byContainer = new Map<string, string>();
  private readonly adopted = new Set<string>();
  private readonly versions = new Map<string, number>();
  private readonly subscription: Disposable;

  constructor(store: Store) {
    for (const row of store.all('attempts')) this.putAttempt(row);
    for (const row of store.all('revisions')) this.group(this.revisions, row.service).set(row.revision, row);
    for (const row of store.all('services')) this.group(this.services, row.stack).set(row.key, row);
    const subscription = store.onCommit((changes) => {
      for (const change of changes) this.apply(change);
    });
    this.subscription = toDisposable(() => subscription.dispose());
  }

  /** Attempts of a service by name. */
  attemptsOf(service: string): ReadonlyMap<string, AttemptRow> {
    return this.attempts.get(service) ?? new Map<string, AttemptRow>();
  }

  revisionsOf(service: string): ReadonlyMap<number, RevisionRow> {
    return this.revisions.get(service) ?? new Map<number, RevisionRow>();
  }

  /** Services of a stack by key. */
  servicesOf(stack: string): ReadonlyMap<string, ServiceRow> {
    return this.services.get(stack) ?? new Map<string, ServiceRow>();
  }

  /** Grows with each change of what a stack's services are declared as. */
  versionOf(stack: string): number {
    return this.versions.get(stack) ?? 0;
  }

  /** Keys of every service that has attempts, declared or not. */
  servicesWithAttempts(): string[] {
    return [...this.attempts.keys()];
  }

  /** The attempt whose container has this id. */
  attemptOfContainer(id: string): string | undefined {
    return this.byContainer.get(id);
  }

  /** Whether any container was taken over from somebody else. */
  hasAdopted(): boolean {
    return this.adopted.size > 0;
  }

  dispose(): void {
    this.subscription.dispose();
  }

  private apply(change: StoreChange): void {
    switch (change.table) {
      case 'attempts': {
        const { row, before } = change as StoreChange<'attempts'>;
        if (before?.containerId !== undefined) this.byContainer.delete(before.containerId);
        if (row) this.putAttempt(row);
        else if (before) {
          this.drop(this.attempts, before.service, before.name);
          this.adopted.delete(before.name);
        }
        return;
      }
      case 'revisions': {
        const { row, before } = change as StoreChange<'revisions'>;
        this.count(splitKey((row ?? before)?.service ?? '').stack);
        if (row) this.group(this.revisions, row.service).set(row.revision, row);
        else if (before) this.drop(this.revisions, before.service, before.revision);
        return;
      }
      case 'services': {
        const { row, before } = change as StoreChange<'services'>;
        this.count((row ?? before)?.stack ?? '');
        if (row) this.group(this.services, row.stack).set(row.key, row);
        else if (before) this.drop(this.services, before.stack, before.key);
        return;
      }
      default:
        return;
    }
  }

  private count(stack: string): void {
    this.versions.set(stack, this.versionOf(stack) + 1);
  }

  private putAttempt(row: AttemptRow): void {
    this.group(this.attempts, row.service).set(row.name, row);
    if (row.containerId !== undefined) this.byContainer.set(row.containerId, row.name);
    if (row.adopted === true) this.adopted.add(row.name);
  }

  private group<Key, Row>(groups: Map<string, Map<Key, Row>>, name: string): Map<Key, Row> {
    let group = groups.get(name);
    if (!group) {
      group = new Map<Key, Row>();
      groups.set(name, group);
    }
    return group;
  }

  private drop<Key, Row>(groups: Map<string, Map<Key, Row>>, name: string, key: Key): void {
    const group = groups.get(name);
    group?.delete(key);
    if (group?.size === 0) groups.delete(name);
  }
}
