import { afterEach, describe, expect, it } from 'vitest';
import type { AutoscaleSpec } from '../../../../src-main/contract/spec';
import type { Caller } from '../../../../src-main/contract/api';
import { Store, type RolloutRow } from '../../../../src-main/core/store';
import { service, world as make, type World } from './world';

const minute = 60_000;
const caller: Caller = {
  kind: 'app',
  signal: { aborted: false, addEventListener: () => {}, removeEventListener: () => {} },
};
const policy: AutoscaleSpec = { min: 1, max: 10, metrics: [{ metric: 'cpu', type: 'Utilization', target: 50 }] };
const worlds: World[] = [];
const world = async (...given: Parameters<typeof make>): Promise<World> => {
  const made = await make(...given);
  worlds.push(made);
  return made;
};
afterEach(async () => {
  for (const { room, metrics } of worlds.splice(0)) {
    room.stop();
    await metrics.stop();
  }
});
const get = (here: World) => here.room.calls['autoscale.get']({ service }, caller);

describe('the autoscaler', () => {
  it('grows under load, tells why, and shrinks when the load has been low for the whole window', async () => {
    const here = await world({ autoscale: policy });
    here.use('cpu', 1);
    await here.clock.advance(minute);
    expect(here.row()).toMatchObject({ replicas: 4, fronted: true });
    const event = here.store.get('events', here.row().event ?? '');
    expect(event).toMatchObject({
      kind: 'service.autoscaled',
      actor: 'controller',
      service,
      words: { args: { from: 2, to: 4, metric: 'cpu', value: '100 %', target: '50 %' } },
    });

    here.settle();
    here.use('cpu', 0.1);
    await here.clock.advance(4 * minute);
    expect(here.row().replicas).toBe(4);
    expect((await get(here)).words.code).toBe('autoscale.stabilizing');
    await here.clock.advance(2 * minute);
    expect(here.row().replicas).toBe(1);
    const { decisions, readings } = await get(here);
    expect(decisions.at(-1)).toMatchObject({ from: 2, to: 4 });
    expect(decisions[0]).toMatchObject({ to: 1, words: { code: 'autoscale.metric' } });
    expect(readings).toMatchObject([{ metric: 'cpu', value: 10 }]);
  });

  it('M41: changes nothing while figures are missing or mean nothing', async () => {
    const here = await world({ autoscale: policy }, { replicas: 5 });
    here.use('cpu', NaN);
    await here.clock.advance(10 * minute);
    expect(here.row().replicas).toBe(5);
    expect((await get(here)).words.code).toBe('autoscale.missing');
    here.use('cpu', undefined);
    await here.clock.advance(10 * minute);
    here.use('cpu', 0.01);
    here.measuring = false;
    await here.clock.advance(10 * minute);
    expect((await get(here)).words.code).toBe('autoscale.settling');
    // One line in the log for the whole time, not one per look.
    expect((await get(here)).decisions).toHaveLength(1);
    here.measuring = true;
    await here.clock.advance(minute);
    expect(here.row().replicas).toBe(5);
  });

  it('M29: eight hours under the lid are no reason for anything', async () => {
    const here = await world({ autoscale: policy }, { replicas: 5 });
    here.use('cpu', 0.5);
    await here.clock.advance(2 * minute);
    here.clock.sleep(8 * 60 * minute);
    here.use('cpu', 0.01);
    await here.clock.advance(4 * minute);
    expect(here.row().replicas).toBe(5);
    await here.clock.advance(3 * minute);
    expect(here.row().replicas).toBe(1);
  });

  it('does not shrink during a rollout, but grows', async () => {
    const quick = { ...policy, behavior: { scaleDown: { stabilization: 0 } } };
    const here = await world({ autoscale: quick }, { replicas: 4 });
    const rollout = { service, state: 'running' } as RolloutRow;
    here.store.transact((transaction) => transaction.put('rollouts', service, rollout));
    here.use('cpu', 0.05);
    await here.clock.advance(2 * minute);
    expect(here.row().replicas).toBe(4);
    expect((await get(here)).words.code).toBe('autoscale.rollout');
    here.use('cpu', 0.9);
    await here.clock.advance(minute);
    expect(here.row().replicas).toBe(8);
  });

  it('says what is missing in the declaration', async () => {
    const here = await world({ autoscale: policy }, { reservations: {} });
    here.use('cpu', 3);
    await here.clock.advance(minute);
    expect(here.row().replicas).toBe(2);
    expect((await get(here)).readings[0]?.problem?.code).toBe('autoscale.noReservation');
  });

  it('scales by requests, latency and queries', async () => {
    const metrics = [
      { metric: 'requests', type: 'AverageValue' as const, target: 100 },
      { metric: 'latency', type: 'Value' as const, target: 200 },
      { metric: 'sum(queue)', type: 'AverageValue' as const, target: 10 },
    ];
    const here = await world({ autoscale: { min: 1, max: 30, metrics } });
    here.use('gateway_requests', 0);
    here.metrics.record('queue', {}, { value: 20, hold: 1e9 });
    await here.clock.advance(minute);
    expect(await get(here)).toMatchObject({
      replicas: 2,
      readings: [
        { value: 0, replicas: 0 },
        { value: 0, replicas: 0 },
        { value: 10, replicas: 2 },
      ],
    });
    here.use('gateway_requests', 150);
    here.use('gateway_latency_p95', 500);
    await here.clock.advance(minute);
    expect(here.row().replicas).toBe(5);
  });

  it('follows schedules, with what was missed made up for once', async () => {
    const schedules = [{ cron: '5 9 * * *', timezone: 'UTC', replicas: 6 }];
    const here = await world({ schedules });
    await here.clock.advance(4.5 * minute);
    expect(here.row().replicas).toBe(2);
    await here.clock.advance(minute);
    expect(here.row().replicas).toBe(6);
    here.change({ replicas: 3 });
    await here.clock.advance(10 * minute);
    expect(here.row().replicas).toBe(3);
    here.clock.sleep(3 * 24 * 60 * minute);
    await here.clock.advance(minute);
    expect(here.row().replicas).toBe(6);
    expect((await get(here)).decisions).toHaveLength(2);
    expect((await get(here)).schedules[0]?.nextAt).toBeGreaterThan(here.clock.now());
  });

  it('keeps own rules over a restart of the app, and goes back to the file', async () => {
    const here = await world({ autoscale: policy });
    const own: AutoscaleSpec = { min: 4, max: 6, metrics: policy.metrics };
    await here.room.calls['autoscale.set']({ source: 'own', service, policy: own }, caller);
    here.use('cpu', 0.5);
    await here.clock.advance(minute);
    expect(here.row().replicas).toBe(4);
    expect(new Store(here.rows).get('scalers', service)?.policy).toEqual(own);
    const off = await here.room.calls['autoscale.set']({ source: 'off', service }, caller);
    expect(off).toMatchObject({ source: 'off', words: { code: 'autoscale.off' }, declared: policy });
    here.use('cpu', 1);
    await here.clock.advance(5 * minute);
    expect(here.row().replicas).toBe(4);
    const back = await here.room.calls['autoscale.set']({ source: 'file', service }, caller);
    expect(back).toMatchObject({ source: 'file', policy });
    here.store.transact((transaction) => transaction.remove('services', service));
    await here.clock.settle();
    expect(here.store.get('scalers', service)).toBeUndefined();
  });

  it('rehearses recorded load through other rules and changes nothing', async () => {
    const here = await world({}, { replicas: 4 });
    const from = here.clock.now();
    here.metrics.record('service_wanted', { stack: 'shop', service }, { value: 4, hold: 1e9 });
    here.use('cpu', 0.2);
    await here.clock.advance(20 * minute);
    here.use('cpu', 0.9);
    await here.clock.advance(10 * minute);
    const told = await here.room.calls['autoscale.rehearse']({ service, policy, from, to: here.clock.now() }, caller);
    // 4 × 0.2 cores at half a core each are 2; 4 × 0.9 are 8, of which four come at a time.
    expect(told).toMatchObject({ most: 8, fewest: 2, changes: 3, step: 15_000 });
    expect(told.rehearsed.at(-1)).toBe(8);
    expect(told.actual.filter((count) => count !== null).every((count) => count === 4)).toBe(true);
    expect(told.t).toHaveLength(told.rehearsed.length);
    expect(here.row().replicas).toBe(4);
    expect((await get(here)).source).toBe('none');
  });
});
