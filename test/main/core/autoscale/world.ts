/** The room on a real metric store, with a service whose replicas are as the test says. */
import { Emitter } from '../../../../src-main/base/emitter';
import { silent } from '../../../../src-main/base/log';
import type { ServiceView } from '../../../../src-main/contract/nouns';
import type { PilothouseSpec, PortSpec, Resources } from '../../../../src-main/contract/spec';
import { createAutoscale, type Autoscale } from '../../../../src-main/core/autoscale';
import { createMetrics, type Metrics } from '../../../../src-main/core/metrics';
import { Store, type RevisionRow, type ServiceRow } from '../../../../src-main/core/store';
import { serviceSpec } from '../../../support/builders';
import { FakeClock } from '../../../support/clock';
import { memoryFiles, memoryRows, type MemoryRows } from '../../../support/disks';
import { codec } from '../metrics/support';

export const service = 'shop/web';

export interface World {
  clock: FakeClock;
  store: Store;
  metrics: Metrics;
  room: Autoscale;
  /** Whether an engine is there; the test may take it away. */
  measuring: boolean;
  rows: MemoryRows;
  /** What the gateway knows: how long nobody asked (undefined: it cannot tell), and what it says when it is asked anew. */
  gateway: { quiet: number | undefined; now?: number; asked: number };
  held: Emitter<string>;
  row(): ServiceRow;
  change(change: Partial<ServiceRow>): void;
  /** Puts the service's view in order with its row: every wanted replica ready. */
  settle(): void;
  /** Each replica uses so much from now on; undefined: nothing is measured any more. */
  use(metric: string, value: number | undefined): void;
}

export async function world(
  pilothouse: PilothouseSpec,
  given: { replicas?: number; reservations?: Resources; ports?: PortSpec[] } = {},
): Promise<World> {
  const clock = new FakeClock();
  const rows = memoryRows();
  const store = new Store(rows);
  const usual = serviceSpec();
  const spec = serviceSpec({
    pilothouse,
    ...(given.ports ? { ports: given.ports } : {}),
    deploy: { ...usual.deploy, reservations: given.reservations ?? { cpus: 1 } },
  });
  const metrics = createMetrics({
    clock,
    store,
    files: memoryFiles(),
    codec,
    log: silent,
    settings: () => ({ retentionDays: 30 }),
  });
  await metrics.start();
  const held = new Emitter<string>();
  const used = new Map<string, number>();
  const here: World = {
    clock,
    store,
    metrics,
    rows,
    measuring: true,
    gateway: { quiet: undefined, asked: 0 },
    held,
    room: createAutoscale({
      ...{ store, clock, log: silent, reader: metrics.reader },
      measuring: () => here.measuring,
      engine: () => ({ id: 'one', gateway: true }),
      demand: {
        quiet: () => here.gateway.quiet,
        quietNow: () => {
          here.gateway.asked += 1;
          return Promise.resolve(here.gateway.now ?? here.gateway.quiet);
        },
        onHeld: held.event,
      },
    }),
    row: () => {
      const row = store.get('services', service);
      if (!row) throw new Error('The service is gone');
      return row;
    },
    change: (change) =>
      store.transact((transaction) => transaction.put('services', service, { ...here.row(), ...change })),
    settle: () => {
      const { replicas } = here.row();
      const replicaList = Array.from({ length: replicas }, (_, index) => ({
        id: `${service}.${index + 1}`,
        stack: 'shop',
        service: 'web',
        slot: index + 1,
        generation: 1,
        state: 'ready',
        startedAt: clock.now() - 3_600_000,
      }));
      const view = { key: service, replicas, ready: replicas, replicaList } as unknown as ServiceView;
      store.transact((transaction) => transaction.put('serviceStatus', service, view));
      for (const [metric, value] of used) here.use(metric, value);
    },
    use: (metric, value) => {
      if (value === undefined) used.delete(metric);
      else used.set(metric, value);
      for (let slot = 1; slot <= 40; slot++) {
        const replica = `${service}.${slot}`;
        const there = value !== undefined && slot <= here.row().replicas;
        metrics.record(
          metric,
          { stack: 'shop', service, replica },
          there ? { value, hold: 1e9 } : { value: 0, hold: -1 },
        );
      }
    },
  };
  const at = clock.now();
  store.transact((transaction) => {
    transaction.put('services', service, {
      key: service,
      stack: 'shop',
      name: 'web',
      replicas: given.replicas ?? 2,
      stopped: false,
      paused: false,
      revision: 1,
      restartNonce: 0,
      generations: {},
      removing: false,
      createdAt: at,
      updatedAt: at,
    });
    transaction.put('revisions', `${service}@1`, { service, revision: 1, spec } as RevisionRow);
  });
  here.settle();
  here.room.start();
  return here;
}
