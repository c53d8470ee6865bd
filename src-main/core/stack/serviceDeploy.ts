/**
 * `deploy` with every default filled in. Defaults are the Compose Deploy specification's where it has one; where it has none, or one
 * that would make health watching pointless, they are Swarm's: parallelism 1, monitor 5 s.
 */
import type { DeploySpec, Resources, UpdateSpec } from '../../contract/spec';
import type { Cursor } from './cursor';

const modes = ['replicated', 'global', 'replicated-job', 'global-job'] as const;

/** Swarm's defaults for how replicas are replaced. */
export const defaultUpdate: UpdateSpec = {
  parallelism: 1,
  delay: 0,
  failureAction: 'pause',
  monitor: 5000,
  maxFailureRatio: 0,
  order: 'stop-first',
};

/** Reads `deploy` and the older service-level fields that mean the same (`scale`, `cpus`, `mem_limit`, `pids_limit`, …). */
export function readDeploy(service: Cursor): DeploySpec {
  const deploy = service.get('deploy');
  const mode = choice(deploy.get('mode'), modes) ?? 'replicated';
  const endpointMode = choice(deploy.get('endpoint_mode'), ['vip', 'dnsrr'] as const);
  if (endpointMode === 'vip') deploy.report.warning('compose.noVip', {}, deploy.get('endpoint_mode').spot);
  const result: DeploySpec = {
    mode,
    replicas: readReplicas(service, mode),
    labels: deploy.get('labels').record(),
    limits: readLimits(service),
    reservations: readReservations(service),
    placement: {
      constraints: deploy.get('placement').get('constraints').texts(),
      preferences: deploy
        .get('placement')
        .get('preferences')
        .items()
        .flatMap((item) => {
          const spread = item.get('spread').text();
          return spread === undefined ? [] : [{ spread }];
        }),
    },
    update: readUpdate(deploy.get('update_config'), ['continue', 'pause', 'rollback']),
    rollback: readUpdate(deploy.get('rollback_config'), ['continue', 'pause']),
  };
  const perNode = deploy.get('placement').get('max_replicas_per_node').integer();
  if (perNode !== undefined && perNode > 0) result.placement.maxReplicasPerNode = perNode;
  if (endpointMode !== undefined) result.endpointMode = endpointMode;
  const restart = deploy.get('restart_policy');
  if (restart.given) {
    const attempts = restart.get('max_attempts').integer();
    result.restartPolicy = {
      condition: choice(restart.get('condition'), ['none', 'on-failure', 'any'] as const) ?? 'any',
      delay: restart.get('delay').duration() ?? 0,
      window: restart.get('window').duration() ?? 0,
      ...(attempts === undefined || attempts === 0 ? {} : { maxAttempts: attempts }),
    };
  }
  return result;
}

/** A text out of a closed list; anything else is a problem. */
export function choice<Choice extends string>(cursor: Cursor, choices: readonly Choice[]): Choice | undefined {
  const text = cursor.text();
  if (text === undefined || text === '') return undefined;
  const found = choices.find((each) => each === text);
  if (found === undefined)
    cursor.report.problem('compose.badChoice', { value: text, choices: choices.join(', ') }, cursor.spot);
  return found;
}

function readReplicas(service: Cursor, mode: DeploySpec['mode']): number {
  const replicas = service.get('deploy').get('replicas');
  const scale = service.get('scale');
  const wanted = replicas.integer();
  const scaled = scale.integer();
  if (mode.startsWith('global')) {
    if (wanted !== undefined || scaled !== undefined) {
      service.report.problem('compose.globalReplicas', {}, (wanted !== undefined ? replicas : scale).spot);
    }
    return 1;
  }
  if (wanted !== undefined && scaled !== undefined && wanted !== scaled) {
    service.report.problem('compose.twice', { first: 'scale', second: 'deploy.replicas' }, scale.spot);
  }
  const count = wanted ?? scaled ?? 1;
  if (count <= 10_000) return count;
  service.report.problem(
    'compose.tooManyReplicas',
    { count, limit: 10_000 },
    (wanted !== undefined ? replicas : scale).spot,
    'too-many',
  );
  return 1;
}

function readLimits(service: Cursor): Resources {
  const limits = service.get('deploy').get('resources').get('limits');
  const result: Resources = {};
  const cpus = same(service, [service.get('cpus'), limits.get('cpus')], (cursor) => cores(cursor));
  const memory = same(service, [service.get('mem_limit'), limits.get('memory')], (cursor) => cursor.bytes());
  const pids = same(service, [service.get('pids_limit'), limits.get('pids')], (cursor) => cursor.integer(-1));
  if (cpus !== undefined && cpus > 0) result.cpus = cpus;
  if (memory !== undefined && memory > 0) result.memory = memory;
  if (pids !== undefined && pids > 0) result.pids = pids;
  return result;
}

function readReservations(service: Cursor): Resources {
  const reservations = service.get('deploy').get('resources').get('reservations');
  const result: Resources = {};
  const cpus = cores(reservations.get('cpus'));
  const memory = same(service, [service.get('mem_reservation'), reservations.get('memory')], (cursor) =>
    cursor.bytes(),
  );
  if (cpus !== undefined && cpus > 0) result.cpus = cpus;
  if (memory !== undefined && memory > 0) result.memory = memory;
  if (reservations.get('generic_resources').items().length > 0) {
    service.report.warning('compose.noGenericResources', {}, reservations.keySpot('generic_resources'));
  }
  return result;
}

function cores(cursor: Cursor): number | undefined {
  const value = cursor.number();
  if (value === undefined || (value >= 0 && value <= 100_000)) return value;
  cursor.report.problem('compose.badNumber', { value: String(value) }, cursor.spot);
  return undefined;
}

/** One value from its old and its new place; two different ones are a problem, as in Compose. */
function same(
  service: Cursor,
  [older, newer]: [Cursor, Cursor],
  read: (cursor: Cursor) => number | undefined,
): number | undefined {
  const first = read(older);
  const second = read(newer);
  if (first !== undefined && second !== undefined && first !== second) {
    const [old, current] = [older.path.slice(2).join('.'), newer.path.slice(2).join('.')];
    service.report.problem('compose.twice', { first: old, second: current }, older.spot);
  }
  return second ?? first;
}

function readUpdate(cursor: Cursor, actions: readonly UpdateSpec['failureAction'][]): UpdateSpec {
  const ratio = cursor.get('max_failure_ratio').number();
  if (ratio !== undefined && (ratio < 0 || ratio > 1)) {
    cursor.report.problem('compose.badRatio', { value: String(ratio) }, cursor.get('max_failure_ratio').spot);
  }
  return {
    parallelism: cursor.get('parallelism').integer() ?? defaultUpdate.parallelism,
    delay: cursor.get('delay').duration() ?? defaultUpdate.delay,
    failureAction: choice(cursor.get('failure_action'), actions) ?? defaultUpdate.failureAction,
    monitor: cursor.get('monitor').duration() ?? defaultUpdate.monitor,
    maxFailureRatio: ratio ?? defaultUpdate.maxFailureRatio,
    order: choice(cursor.get('order'), ['stop-first', 'start-first'] as const) ?? defaultUpdate.order,
  };
}
