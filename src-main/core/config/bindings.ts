/** Which containers have which items: as files, and as values of their environment. Read from the rows, and kept until they change. */
import type { Disposable } from '../../base/lifecycle';
import { boundFiles, configValues, pinKey, type BoundFile } from '../../contract/configFiles';
import type { AttemptRow, RevisionRow, Store } from '../store';

export interface BoundAttempt {
  attempt: AttemptRow;
  file: BoundFile;
}

/** A value that a container was made with. */
export interface PinnedAttempt {
  attempt: AttemptRow;
  key?: string;
  release: number;
  content: string;
}

interface Index {
  files: Map<string, BoundAttempt[]>;
  values: Map<string, PinnedAttempt[]>;
  services: Map<string, AttemptRow[]>;
}

const tables = new Set(['attempts', 'services', 'revisions']);

export class Bindings implements Disposable {
  private index: Index | undefined;
  private readonly known = new WeakMap<RevisionRow, BoundFile[]>();
  private readonly watch: Disposable;

  constructor(private readonly store: Store) {
    this.watch = store.onCommit((changes) => {
      if (changes.some(({ table }) => tables.has(table))) this.index = undefined;
    });
  }

  dispose(): void {
    this.watch.dispose();
  }

  /** The items that a container has as files. */
  of(attempt: AttemptRow): BoundFile[] {
    const revision = this.revision(attempt);
    if (!revision?.parts) return [];
    const known = this.known.get(revision) ?? boundFiles(revision.spec, revision.parts);
    this.known.set(revision, known);
    return known;
  }

  /** Its first process is not its own: a signal from inside would go to another program. */
  sharesProcesses(attempt: AttemptRow): boolean {
    return this.revision(attempt)?.spec.pid !== undefined;
  }

  filesOf(item: string): readonly BoundAttempt[] {
    return this.all.files.get(item) ?? [];
  }

  valuesOf(item: string): readonly PinnedAttempt[] {
    return this.all.values.get(item) ?? [];
  }

  /** Items that anybody has. */
  items(): Set<string> {
    return new Set([...this.all.files.keys(), ...this.all.values.keys()]);
  }

  /** Services with containers that have the item, sorted. */
  services(item: string): string[] {
    const users = [...this.filesOf(item), ...this.valuesOf(item)].map(({ attempt }) => attempt.service);
    return [...new Set(users)].sort();
  }

  /** Containers with files, of all services or of one. */
  attempts(): AttemptRow[] {
    return [...this.all.services.values()].flat();
  }

  ofService(service: string): readonly AttemptRow[] {
    return this.all.services.get(service) ?? [];
  }

  private get all(): Index {
    return (this.index ??= this.build());
  }

  private build(): Index {
    const index: Index = { files: new Map(), values: new Map(), services: new Map() };
    // Of two containers in one place the newer one counts: the other is on its way out.
    const newest = new Map<string, AttemptRow>();
    for (const attempt of this.store.all('attempts')) {
      if (attempt.state === 'removing' || attempt.finished) continue;
      const before = newest.get(replicaOf(attempt));
      if (!before || before.generation < attempt.generation) newest.set(replicaOf(attempt), attempt);
    }
    for (const attempt of this.store.all('attempts')) {
      if (attempt.state === 'removing' || attempt.finished) continue;
      const files = this.of(attempt);
      if (files.length > 0) push(index.services, attempt.service, attempt);
      for (const file of files) push(index.files, file.item, { attempt, file });
      if (newest.get(replicaOf(attempt)) !== attempt) continue;
      const { parts, spec } = this.store.get('revisions', `${attempt.service}@${attempt.revision}`) ?? {};
      for (const value of spec?.configEnvironment ? configValues(spec) : []) {
        const pinned = parts?.configs[pinKey(value)];
        if (!pinned) continue;
        const { name, version: release = 0, content = '' } = pinned;
        const key = value.key === undefined ? {} : { key: value.key };
        push(index.values, name, { attempt, release, content, ...key });
      }
    }
    return index;
  }

  /** The service's own revision where the container would be made the same by it: its bindings may be newer than the container. */
  private revision(attempt: AttemptRow): RevisionRow | undefined {
    const service = this.store.get('services', attempt.service);
    const current = service && this.store.get('revisions', `${service.key}@${service.revision}`);
    if (current?.hash === attempt.hash) return current;
    return this.store.get('revisions', `${attempt.service}@${attempt.revision}`);
  }
}

/** `<stack>/<service>.<slot>`. */
export function replicaOf(attempt: Pick<AttemptRow, 'service' | 'slot'>): string {
  return `${attempt.service}.${attempt.slot}`;
}

function push<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
