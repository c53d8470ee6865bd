/** A new version of a secret, or a new value of the config center, reaches who uses it: a new revision each, and an ordinary rollout. */
import type { Clock } from '../../base/clock';
import { configValues, pinKey } from '../../contract/configFiles';
import { sentence, type Sentence } from '../../contract/sentence';
import type { FileSource } from '../../contract/spec';
import { hashContainer } from '../stack';
import type { RevisionRow, ServiceRow, Store, Transaction } from '../store';
import { pinValue, type Configs } from './configs';
import { startRollout } from './rollout';
import { revisionKey } from './rows';
import { Wishes } from './wishes';

/** What the vault calls when a secret has a new version, within the transaction that keeps it. */
export function rotateSecret(given: {
  store: Store;
  clock: Clock;
  transaction: Transaction;
  secret: string;
  version: number;
}): void {
  const { store, secret, version } = given;
  const wishes = new Wishes(store, given.clock);
  for (const service of store.all('services')) {
    const current = revisionOf(store, service);
    if (!current?.parts) continue;
    const newer: Record<string, FileSource> = {};
    // A project's own secret changes with its file: applying pins it, in the same breath as it is kept.
    for (const [key, source] of Object.entries(current.parts.secrets))
      if (source.external && source.name === secret && source.version !== version) newer[key] = { ...source, version };
    const cause = sentence('event.secretRotated', { service: service.name, secret, version });
    renew({ ...given, wishes, service, current, section: 'secrets', newer, kind: 'secret.rotated', cause });
  }
}

/**
 * Called after releases, and once at the start for those that were missed: services whose environment has values of these items (of all
 * when they are not given) get them. A value that stays the same rolls nobody.
 */
export function takeReleases(given: {
  store: Store;
  clock: Clock;
  configs: Configs;
  items?: ReadonlySet<string>;
}): void {
  const { store, clock, configs, items } = given;
  const wishes = new Wishes(store, clock);
  for (const service of store.all('services')) {
    const current = revisionOf(store, service);
    if (!current?.parts || !current.spec.configEnvironment) continue;
    const newer: Record<string, FileSource> = {};
    for (const value of configValues(current.spec)) {
      const pinned = current.parts.configs[pinKey(value)];
      if (pinned && items && !items.has(pinned.name)) continue;
      const now = pinValue(value, service.stack, configs);
      // An item that is gone leaves its users with what they have.
      if (!('problem' in now) && now.content !== pinned?.content) newer[pinKey(value)] = now;
    }
    const first = Object.values(newer)[0];
    if (!first) continue;
    const args = { service: service.name, item: first.name, release: first.version ?? 0 };
    const cause = sentence('event.configTaken', args);
    store.transact((transaction) =>
      renew({
        store,
        clock,
        transaction,
        wishes,
        service,
        current,
        section: 'configs',
        newer,
        kind: 'config.taken',
        cause,
      }),
    );
  }
}

function revisionOf(store: Store, service: ServiceRow): RevisionRow | undefined {
  return service.removing ? undefined : store.get('revisions', revisionKey(service.key, service.revision));
}

function renew(given: {
  store: Store;
  clock: Clock;
  transaction: Transaction;
  wishes: Wishes;
  service: ServiceRow;
  current: RevisionRow;
  section: 'secrets' | 'configs';
  newer: Record<string, FileSource>;
  kind: string;
  cause: Sentence;
}): void {
  const { transaction, service, current, section, newer, wishes, cause } = given;
  if (!current.parts || Object.keys(newer).length === 0) return;
  const now = given.clock.now();
  const parts = { ...current.parts, [section]: { ...current.parts[section], ...newer } };
  const number = Math.max(service.revision, ...wishes.revisions(service.key).keys()) + 1;
  const made: RevisionRow = {
    ...current,
    revision: number,
    parts,
    hash: hashContainer(current.spec, parts),
    createdAt: now,
    stable: false,
    cause,
  };
  const { stack, key } = service;
  const event = wishes.event(transaction, { kind: given.kind, words: cause, stack, service: key, mark: 'rollout' });
  transaction.put('revisions', revisionKey(key, number), made);
  transaction.put('services', key, { ...service, revision: number, updatedAt: now, event });
  const strategy = current.spec.pilothouse.rollout?.strategy ?? 'rolling';
  const rollout = startRollout(service, { from: service.revision, to: number, now, strategy, total: service.replicas });
  transaction.put('rollouts', key, rollout);
  const row = transaction.get('stacks', stack);
  if (row)
    transaction.put('stacks', stack, { ...row, spec: { ...row.spec, [section]: { ...row.spec[section], ...newer } } });
}
