/** A new version of a secret reaches those who use it: a new revision each, and an ordinary rollout. */
import type { Clock } from '../../base/clock';
import { sentence } from '../../contract/sentence';
import type { FileSource } from '../../contract/spec';
import { hashContainer } from '../stack';
import type { RevisionRow, ServiceRow, Store, Transaction } from '../store';
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
  const wishes = new Wishes(given.store, given.clock);
  for (const service of given.store.all('services')) if (!service.removing) repin({ ...given, service, wishes });
}

function repin(given: {
  store: Store;
  clock: Clock;
  transaction: Transaction;
  secret: string;
  version: number;
  service: ServiceRow;
  wishes: Wishes;
}): void {
  const { store, transaction, secret, version, service, wishes } = given;
  const now = given.clock.now();
  const current = store.get('revisions', revisionKey(service.key, service.revision));
  if (!current?.parts) return;
  const newer: Record<string, FileSource> = {};
  // A project's own secret changes with its file: applying pins it, in the same breath as it is kept.
  for (const [key, source] of Object.entries(current.parts.secrets))
    if (source.external && source.name === secret && source.version !== version) newer[key] = { ...source, version };
  if (Object.keys(newer).length === 0) return;
  const parts = { ...current.parts, secrets: { ...current.parts.secrets, ...newer } };
  const number = Math.max(service.revision, ...wishes.revisions(service.key).keys()) + 1;
  const cause = sentence('event.secretRotated', { service: service.name, secret, version });
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
  const event = wishes.event(transaction, {
    kind: 'secret.rotated',
    words: cause,
    stack,
    service: key,
    mark: 'rollout',
  });
  transaction.put('revisions', revisionKey(key, number), made);
  transaction.put('services', key, { ...service, revision: number, updatedAt: now, event });
  const strategy = current.spec.pilothouse.rollout?.strategy ?? 'rolling';
  const rollout = startRollout(service, { from: service.revision, to: number, now, strategy, total: service.replicas });
  transaction.put('rollouts', key, rollout);
  const row = transaction.get('stacks', stack);
  if (row) transaction.put('stacks', stack, { ...row, spec: withSecrets(row.spec, newer) });
}

function withSecrets<Spec extends { secrets: Record<string, FileSource> }>(spec: Spec, newer: Spec['secrets']): Spec {
  return { ...spec, secrets: { ...spec.secrets, ...newer } };
}
