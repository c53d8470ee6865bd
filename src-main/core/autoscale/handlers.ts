/** The autoscaler's part of the API. */
import type { Clock } from '../../base/clock';
import type { CallHandlers } from '../../contract/api';
import type { autoscaleCalls, AutoscaleView, ScheduleView } from '../../contract/api/autoscale';
import { fail } from '../../contract/errors';
import { frontablePorts } from '../../contract/fronting';
import { sentence } from '../../contract/sentence';
import type { AutoscaleSpec } from '../../contract/spec';
import type { MetricsReader } from '../metrics';
import { restingNow, type ScalerRow, type ServiceRow, type Store } from '../store';
import type { Autoscaler } from './autoscaler';
import type { Demand, WorkedOn } from './idler';
import { rehearse } from './rehearse';
import { boundsOf, scaledOf, type Scaled } from './rules';
import { nextTime } from './schedules';

const longestRehearsal = 90 * 24 * 3_600_000;

export interface HandlerWorld {
  store: Store;
  clock: Clock;
  reader: MetricsReader;
  autoscaler: Autoscaler;
  demand: Demand;
  engine: () => WorkedOn | undefined;
}

export function autoscaleHandlers(world: HandlerWorld): CallHandlers<typeof autoscaleCalls> {
  const { store, clock, reader, autoscaler, demand, engine } = world;
  let serial = 0;

  const find = (key: string): Scaled => {
    const row: ServiceRow | undefined = store.get('services', key);
    if (!row) throw fail('not-found', `There is no service ${key}.`, 'See the list with pilothouse ps.');
    const scaled = scaledOf(store, row);
    if (!scaled)
      throw fail(
        'unsupported',
        `${key} cannot scale by itself.`,
        'Jobs and services that run once per node have no count.',
      );
    return scaled;
  };

  const restOf = (row: ServiceRow, policy: AutoscaleSpec): AutoscaleView['rest'] => {
    const rests = restingNow(store, row, { gateway: engine()?.gateway !== false });
    if (policy.idleAfter === undefined || !rests) return undefined;
    if ('why' in rests) return { idleAfter: policy.idleAfter, why: rests.why };
    const quiet = row.replicas > 0 ? demand.quiet(row.key) : undefined;
    return { ...rests, ...(quiet === undefined ? {} : { quiet }) };
  };

  const view = ({ row, spec, scaler, source, policy, schedules }: Scaled): AutoscaleView => {
    const now = clock.now();
    const look = autoscaler.look(row.key);
    const declared = spec.pilothouse.autoscale;
    const shown = policy ?? declared;
    const rest = policy && restOf(row, policy);
    const resting = row.stopped ? sentence('autoscale.stopped') : sentence('autoscale.settling');
    return {
      service: row.key,
      source,
      ...(shown ? { policy: shown } : {}),
      ...(declared ? { declared } : {}),
      ...(policy ? boundsOf(policy, schedules, now) : {}),
      replicas: row.stopped ? 0 : row.replicas,
      ...(look?.wanted === undefined ? {} : { wanted: look.wanted }),
      words: !policy
        ? sentence('autoscale.off')
        : rest?.hold !== undefined && row.replicas === 0 && !row.stopped
          ? sentence('autoscale.atRest')
          : (look?.words ?? resting),
      ...(look ? { lookedAt: look.at } : {}),
      readings: policy ? (look?.readings ?? []) : [],
      schedules: schedules.map((schedule): ScheduleView => {
        const nextAt = nextTime(schedule, now);
        return { ...schedule, ...(nextAt === undefined ? {} : { nextAt }) };
      }),
      ...(rest ? { rest } : {}),
      decisions: scaler?.decisions ?? [],
    };
  };

  return {
    'autoscale.list': async () =>
      Promise.resolve(
        store
          .all('services')
          .map((row) => scaledOf(store, row))
          .filter((scaled) => scaled !== undefined)
          .filter(({ source, schedules }) => source !== 'none' || schedules.length > 0)
          .map(view),
      ),
    'autoscale.get': async ({ service }) => Promise.resolve(view(find(service))),
    'autoscale.set': async (input) => {
      const { row, spec } = find(input.service);
      const named = spec.extras?.containerName;
      if (input.source === 'own' && named !== undefined && input.policy.max > 1)
        throw fail('unsupported', `${row.key} has the fixed name ${named}.`, 'Only one container can have a name.');
      const at = clock.now();
      store.transact((transaction) => {
        const { policy: _before, ...rest }: ScalerRow = transaction.get('scalers', row.key) ?? {
          service: row.key,
          scheduledAt: at,
          decisions: [],
        };
        const policy =
          input.source === 'own' ? { policy: input.policy } : input.source === 'off' ? { policy: null } : {};
        transaction.put('scalers', row.key, { ...rest, ...policy });
        // Who is to rest must be behind the gateway, which sees who asks.
        if (input.source === 'own' && input.policy.idleAfter !== undefined && frontablePorts(spec).length > 0)
          transaction.put('services', row.key, { ...row, fronted: true, updatedAt: at });
        const id = `${at.toString(36).padStart(9, '0')}-${(++serial).toString(36)}-as`;
        const words = sentence('event.autoscaleChanged', { service: row.name });
        const event = { id, at, actor: 'user', kind: 'service.autoscaleChanged', health: 'ok', words } as const;
        transaction.put('events', id, { ...event, stack: row.stack, service: row.key, count: 1 });
      });
      autoscaler.forget(row.key);
      return Promise.resolve(view(find(input.service)));
    },
    'autoscale.rehearse': async ({ service, policy, from, to }) => {
      const { spec, schedules } = find(service);
      if (to <= from) throw fail('bad-input', 'The end must come after the beginning.');
      if (to - from > longestRehearsal) throw fail('too-large', 'A rehearsal covers at most 90 days.');
      return rehearse(reader, { service, spec, policy, schedules, from, to });
    },
  };
}
