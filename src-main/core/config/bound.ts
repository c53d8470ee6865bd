/** Users of an item that its text is brought to: replicas with a file, and replicas that were made with a value. */
import type { ConfigUserView } from '../../contract/api/config';
import type { ConfigItemRow, ConfigReleaseRow } from '../store';
import { replicaOf, type Bindings } from './bindings';
import type { Delivery } from './deliver';
import { pairsOf } from './formats/check';

export class Bound {
  constructor(
    private readonly bindings: Bindings,
    private readonly delivery: Pick<Delivery, 'stateOf'>,
  ) {}

  /** One view a replica; of several files the one that is furthest behind. `wanted` is what the replica should have. */
  users(
    item: ConfigItemRow,
    active: ConfigReleaseRow | undefined,
    wanted: (replica: string) => number,
  ): ConfigUserView[] {
    const files = new Map<string, ConfigUserView & { generation: number }>();
    for (const { attempt, file } of this.bindings.filesOf(item.key)) {
      const replica = replicaOf(attempt);
      const state = this.delivery.stateOf(attempt.name, file);
      const known = files.get(replica);
      if (known && known.generation > attempt.generation) continue;
      const release = state?.release ?? 0;
      const meant = known?.wanted ?? wanted(replica);
      if (known?.generation === attempt.generation && (known.problem || known.release !== meant)) continue;
      const problem = state?.problem?.release === meant ? { problem: state.problem.words } : {};
      const base = { item: item.key, who: replica, replica, via: 'file' as const, listening: true, ...problem };
      const at = state?.at ?? attempt.createdAt;
      files.set(replica, { ...base, release, wanted: meant, at, generation: attempt.generation });
    }
    const values = new Map<string, ConfigUserView>();
    for (const pinned of this.bindings.valuesOf(item.key)) {
      const replica = replicaOf(pinned.attempt);
      // A release that leaves the value as it was rolls nobody.
      const current = active && valueOf(active, pinned.key) === pinned.content;
      const release = current ? active.release : pinned.release;
      const base = { item: item.key, who: replica, replica, via: 'environment' as const, listening: false };
      if ((values.get(replica)?.release ?? Infinity) > release)
        values.set(replica, { ...base, release, wanted: item.release, at: pinned.attempt.createdAt });
    }
    return [...[...files.values()].map(({ generation: _, ...view }) => view), ...values.values()];
  }

  items(): ReadonlySet<string> {
    return this.bindings.items();
  }
}

/** The text of a release, or what it says of one key; undefined when it says nothing. */
export function valueOf(release: Pick<ConfigReleaseRow, 'text' | 'format'>, key?: string): string | undefined {
  if (key === undefined) return release.text;
  const pairs = pairsOf(release.text, release.format)?.pairs;
  return pairs?.get(key);
}
