/** Whether a service of the store may rest: what `contract/resting` asks for, looked up. */
import { callersOf, restingOf, type Resting } from '../../contract/resting';
import type { Sentence } from '../../contract/sentence';
import type { Store } from './store';
import type { ServiceRow } from './tables';

/** How a service rests by the rules that hold now, or why it cannot; undefined when it is not asked to. */
export function restingNow(
  store: Store,
  row: ServiceRow,
  { gateway }: { gateway: boolean },
): Resting | { why: Sentence } | undefined {
  const spec = store.get('revisions', `${row.key}@${row.revision}`)?.spec;
  const set = store.get('scalers', row.key)?.policy;
  const policy = set === null ? undefined : (set ?? spec?.pilothouse.autoscale);
  if (!spec || policy?.idleAfter === undefined) return undefined;
  const siblings = store.all('services').flatMap((other) => {
    const theirs =
      other.stack === row.stack && !other.removing && store.get('revisions', `${other.key}@${other.revision}`);
    return theirs ? [[other.name, theirs.spec] as const] : [];
  });
  return restingOf(spec, { policy, wanted: row, gateway, callers: callersOf(row.name, siblings) });
}
