/** What applying a project changes in the store. Pure: the same function makes the preview and the act (I22). */
import { configValues, pinKey } from '../../contract/configFiles';
import type { StackSource } from '../../contract/nouns';
import { sentence } from '../../contract/sentence';
import type { ServiceSpec, StackSpec } from '../../contract/spec';
import { hashContainer, type StackParts } from '../stack';
import type { AttemptRow, RevisionRow, RolloutRow, ServiceRow, StackRow, Transaction } from '../store';
import { serviceKey } from './names';
import { revisionKey } from './rows';
import { isHeld, isMoving, startRollout } from './rollout';
import { same } from './same';

/** Revisions kept per service, beside the stable ones that a rollback may need and those that still run. */
const keptRevisions = 10;

export interface ChangeInput {
  spec: StackSpec;
  source: StackSource;
  engine: string;
  now: number;
  /** The stack as it is, when it exists. */
  stack?: StackRow;
  /** Its services, also those being removed. */
  services: readonly ServiceRow[];
  revisions: (service: string) => ReadonlyMap<number, RevisionRow>;
  rollout: (service: string) => RolloutRow | undefined;
  attempts: (service: string) => Iterable<AttemptRow>;
  /** The service's section of the resolved file. */
  yaml: (service: string) => string;
  /** The id of the event that tells of this change. */
  event?: string;
}

export interface ServiceChange {
  kind: 'new' | 'replace' | 'settings' | 'scale' | 'start' | 'same' | 'remove';
  row: ServiceRow;
  before?: ServiceRow;
  /** The revision that is to run. */
  revision?: RevisionRow;
  /** The one that ran. */
  from?: RevisionRow;
  newRevision?: RevisionRow;
  rollout?: RolloutRow;
  /** Revisions that are dropped from the history. */
  dropped: number[];
}

export interface Change {
  stack: StackRow;
  services: ServiceChange[];
  /** False when the store already says all this. */
  changed: boolean;
}

/** The parts of a stack that one service speaks of; what its revision keeps. */
export function partsOf(service: ServiceSpec, spec: StackSpec | StackParts): StackParts {
  const pick = <Value>(record: Record<string, Value>, keys: Iterable<string>): Record<string, Value> => {
    const picked: Record<string, Value> = {};
    for (const key of keys) {
      const value = Object.hasOwn(record, key) ? record[key] : undefined;
      if (value !== undefined) picked[key] = value;
    }
    return picked;
  };
  return {
    name: spec.name,
    networks: pick(
      spec.networks,
      service.networks.map((network) => network.network),
    ),
    volumes: pick(
      spec.volumes,
      service.mounts.flatMap((mount) => (mount.type === 'volume' && mount.source !== undefined ? [mount.source] : [])),
    ),
    configs: pick(spec.configs, [
      ...service.configs.map((mount) => mount.source),
      ...configValues(service).map(pinKey),
    ]),
    secrets: pick(
      spec.secrets,
      service.secrets.map((mount) => mount.source),
    ),
  };
}

/** The volumes, as the engine knows them without a slot, that a change to `spec` backs up before. */
export function checkpointedVolumes(spec: ServiceSpec, current: RevisionRow): string[] {
  if (!spec.pilothouse.checkpoint) return [];
  const names = current.spec.mounts.flatMap((mount) => {
    const volume = mount.type === 'volume' && !mount.readOnly ? current.parts?.volumes[mount.source ?? ''] : undefined;
    return volume && !volume.external ? [volume.name] : [];
  });
  return [...new Set(names)];
}

/** What applying `spec` means. Writes nothing. */
export function changeOf(input: ChangeInput): Change {
  const { spec, stack, now } = input;
  const { services: _, ...parts } = spec;
  const safeParts: StackParts = { ...parts, secrets: withoutContent(parts.secrets) };
  const known = new Map(input.services.map((row) => [row.name, row]));
  const changes: ServiceChange[] = [];
  for (const [name, service] of Object.entries(spec.services)) {
    const row = known.get(name);
    changes.push(row ? changeService(input, row, service) : newService(input, name, service));
  }
  for (const row of input.services) {
    if (Object.hasOwn(spec.services, row.name) || row.removing) continue;
    const going: ServiceRow = { ...row, removing: true, updatedAt: now, ...eventOf(input) };
    const from = input.revisions(row.key).get(row.revision);
    changes.push({ kind: 'remove', row: going, before: row, dropped: [], ...(from ? { from } : {}) });
  }
  restartDependents(input, changes);
  const sameParts = stack !== undefined && same(stack.spec, safeParts) && stack.engine === input.engine;
  const changed = !sameParts || changes.some((change) => change.kind !== 'same');
  const next: StackRow = {
    name: spec.name,
    engine: input.engine,
    version: (stack?.version ?? 0) + (changed ? 1 : 0),
    source: input.source,
    spec: safeParts,
    createdAt: stack?.createdAt ?? now,
    updatedAt: changed ? now : (stack?.updatedAt ?? now),
  };
  return { stack: next, services: changes, changed };
}

/** Writes a change into a transaction. */
export function writeChange(change: Change, transaction: Transaction): void {
  transaction.put('stacks', change.stack.name, change.stack);
  for (const { kind, row, newRevision, rollout, dropped } of change.services) {
    if (kind === 'same') continue;
    transaction.put('services', row.key, row);
    if (newRevision) transaction.put('revisions', revisionKey(row.key, newRevision.revision), newRevision);
    if (rollout) transaction.put('rollouts', row.key, rollout);
    for (const revision of dropped) transaction.remove('revisions', revisionKey(row.key, revision));
  }
}

function newService(input: ChangeInput, name: string, spec: ServiceSpec): ServiceChange {
  const key = serviceKey(input.spec.name, name);
  const revision = revisionOf(input, { key, name, spec, number: 1 });
  const row: ServiceRow = {
    key,
    stack: input.spec.name,
    name,
    replicas: spec.deploy.replicas,
    stopped: false,
    paused: false,
    revision: 1,
    restartNonce: 0,
    generations: usedGenerations(input.attempts(key)),
    removing: false,
    createdAt: input.now,
    updatedAt: input.now,
    ...eventOf(input),
  };
  return { kind: 'new', row, revision, newRevision: revision, dropped: [] };
}

/** Rows left over from an earlier service of this name may still get their container: their generations stay taken (I8). */
function usedGenerations(attempts: Iterable<AttemptRow>): Record<string, number> {
  const used: Record<string, number> = {};
  for (const { slot, generation } of attempts) used[String(slot)] = Math.max(used[String(slot)] ?? 0, generation);
  return used;
}

function changeService(input: ChangeInput, row: ServiceRow, spec: ServiceSpec): ServiceChange {
  const { now } = input;
  const revisions = input.revisions(row.key);
  const current = revisions.get(row.revision);
  if (!current) {
    const fresh = newService(input, row.name, spec);
    return { ...fresh, row: { ...fresh.row, generations: row.generations, createdAt: row.createdAt }, before: row };
  }
  const revived = row.removing || row.stopped;
  // A service that scales itself keeps the count it has found.
  const declared = current.spec.deploy.replicas !== spec.deploy.replicas && spec.pilothouse.autoscale === undefined;
  const parts = partsOf(spec, input.spec);
  const equal = same(current.spec, spec) && same(current.parts, parts);
  let next: ServiceRow = row;
  if (equal && !revived) return { kind: 'same', row, before: row, revision: current, from: current, dropped: [] };
  next = { ...row, removing: false, stopped: false, updatedAt: now, ...eventOf(input) };
  if (declared) next.replicas = spec.deploy.replicas;
  if (Math.max(row.replicas, next.replicas) > 1) next.fronted = true;
  if (equal) return { kind: 'start', row: next, before: row, revision: current, from: current, dropped: [] };
  const number = Math.max(row.revision, ...revisions.keys()) + 1;
  const made = revisionOf(input, { key: row.key, name: row.name, spec, number });
  next.revision = number;
  const onlyReplicas = same(
    { ...current.spec, deploy: { ...current.spec.deploy, replicas: spec.deploy.replicas } },
    spec,
  );
  if (made.hash === current.hash) made.stable = current.stable;
  const kind = made.hash !== current.hash ? 'replace' : onlyReplicas && declared ? 'scale' : 'settings';
  const change: ServiceChange = {
    kind,
    row: next,
    before: row,
    revision: made,
    from: current,
    newRevision: made,
    dropped: outdated(input, row.key, number),
  };
  const running = input.rollout(row.key);
  if (kind === 'replace') {
    // What still waits for its checkpoint has replaced nothing: it is as if it had never been.
    const waits = running?.checkpoint === true && isHeld(running);
    change.rollout = startRollout(next, {
      from: waits ? running.from : row.revision,
      to: number,
      now,
      strategy: spec.pilothouse.rollout?.strategy ?? 'rolling',
      total: next.replicas,
    });
    if (!revived && checkpointedVolumes(spec, current).length > 0) {
      const words = sentence('rollout.checkpoint', { service: row.name });
      change.rollout = { ...change.rollout, state: 'paused', checkpoint: true, words };
    }
  } else if (running && (isMoving(running) || isHeld(running))) {
    // Same containers, new settings: the rollout under way goes on under the new number.
    change.rollout = { ...running, to: number };
  }
  return change;
}

function revisionOf(
  input: ChangeInput,
  made: { key: string; name: string; spec: ServiceSpec; number: number },
): RevisionRow {
  const parts = partsOf(made.spec, input.spec);
  return {
    service: made.key,
    revision: made.number,
    spec: made.spec,
    parts,
    hash: hashContainer(made.spec, input.spec),
    yaml: input.yaml(made.name),
    createdAt: input.now,
    stable: false,
    cause: sentence('event.stackApplied', { stack: input.spec.name, version: (input.stack?.version ?? 0) + 1 }),
  };
}

/** `depends_on: {restart: true}`: who depends so on a service that is replaced is restarted after it. */
function restartDependents(input: ChangeInput, changes: ServiceChange[]): void {
  const replaced = new Set(changes.filter((change) => change.kind === 'replace').map((change) => change.row.name));
  for (const change of changes) {
    if (change.kind === 'new' || change.kind === 'replace' || change.kind === 'remove') continue;
    const spec = input.spec.services[change.row.name];
    if (!spec?.dependsOn.some((dependency) => dependency.restart && replaced.has(dependency.service))) continue;
    change.row = { ...change.row, restartNonce: change.row.restartNonce + 1, updatedAt: input.now, ...eventOf(input) };
    if (change.kind === 'same') change.kind = 'settings';
  }
}

function outdated(input: ChangeInput, key: string, newest: number): number[] {
  const revisions = input.revisions(key);
  const used = new Set([...input.attempts(key)].map((attempt) => attempt.revision));
  const stable = [...revisions.values()].filter((row) => row.stable).map((row) => row.revision);
  const lastStable = Math.max(0, ...stable);
  return [...revisions.keys()].filter(
    (revision) => revision <= newest - keptRevisions && !used.has(revision) && revision !== lastStable,
  );
}

function withoutContent(secrets: StackParts['secrets']): StackParts['secrets'] {
  return Object.fromEntries(
    Object.entries(secrets).map(([key, secret]) => {
      const { content: _, ...rest } = secret;
      return [key, rest];
    }),
  );
}

function eventOf(input: ChangeInput): { event?: string } {
  return input.event === undefined ? {} : { event: input.event };
}
