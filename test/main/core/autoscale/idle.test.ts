/** To zero when nobody asks, and back on the first request. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Caller } from '../../../../src-main/contract/api';
import type { AutoscaleSpec, PortSpec } from '../../../../src-main/contract/spec';
import { idleVerdict } from '../../../../src-main/core/autoscale/idle';
import { restsOver } from '../../../../src-main/core/autoscale/rehearse';
import type { RolloutRow } from '../../../../src-main/core/store';
import { service, world as make, type World } from './world';

const minute = 60_000;
const caller: Caller = {
  kind: 'app',
  signal: { aborted: false, addEventListener: () => {}, removeEventListener: () => {} },
};
const policy: AutoscaleSpec = {
  min: 2,
  max: 10,
  metrics: [{ metric: 'requests', type: 'AverageValue', target: 50 }],
  idleAfter: 5 * minute,
};
const ports: PortSpec[] = [{ target: 80, protocol: 'tcp', published: { from: 8080, to: 8080 }, mode: 'ingress' }];
const worlds: World[] = [];
afterEach(async () => {
  for (const { room, metrics } of worlds.splice(0)) {
    room.stop();
    await metrics.stop();
  }
});

/** A service that has been quiet for a long time, and at rest when it says so. */
async function quiet(given: { replicas?: number; autoscale?: AutoscaleSpec } = {}): Promise<World> {
  const { autoscale = policy, ...more } = given;
  const here = await make({ autoscale }, { ports, ...more });
  worlds.push(here);
  here.use('gateway_requests', 0);
  here.gateway.quiet = 60 * minute;
  return here;
}
async function atRest(): Promise<World> {
  const here = await quiet();
  await here.clock.advance(6 * minute);
  here.settle();
  expect(here.row()).toMatchObject({ replicas: 0, resting: true });
  return here;
}
const get = (here: World) => here.room.calls['autoscale.get']({ service }, caller);

it.each([
  ['when nobody asked for long enough', { quiet: 300, awake: 300 }, 'rest'],
  ['not while somebody asks', { quiet: 0, awake: 900 }, 'asked'],
  ['not yet', { quiet: 299, awake: 900 }, 'asked'],
  ['not right after it woke', { quiet: 900, awake: 299 }, 'young'],
  ['not while it is rolled out', { quiet: 900, awake: 900, rolling: true }, 'rolling'],
  ['not without figures', { quiet: undefined, awake: 900 }, 'unknown'],
] as const)('goes to rest %s', (_name, given, verdict) => {
  expect(idleVerdict({ idleAfter: 300, rolling: false, ...given })).toBe(verdict);
});

describe('a service that may rest', () => {
  it('goes to zero below its fewest after the whole time, with a line in the log and an event', async () => {
    const here = await quiet();
    await here.clock.advance(5 * minute - 1500);
    expect(here.row().replicas).toBe(2);
    await here.clock.advance(3000);
    expect(here.row()).toMatchObject({ replicas: 0, resting: true });
    expect(here.store.get('events', here.row().event ?? '')).toMatchObject({
      kind: 'service.autoscaled',
      health: 'ok',
      words: { code: 'event.serviceRested', args: { from: 2, time: '5m' } },
    });
    here.settle();
    await here.clock.advance(30 * minute);
    const { words, decisions, rest } = await get(here);
    expect(words.code).toBe('autoscale.atRest');
    expect(decisions).toMatchObject([{ from: 2, to: 0, words: { code: 'autoscale.idle' } }]);
    expect(rest).toEqual({ idleAfter: 5 * minute, hold: minute });
  });

  it('stays when the gateway, asked anew, says that somebody came, and does not ask it every second', async () => {
    const here = await quiet();
    here.gateway.now = 0;
    await here.clock.advance(6 * minute);
    expect(here.row().replicas).toBe(2);
    expect(here.gateway.asked).toBeGreaterThan(5);
    expect(here.gateway.asked).toBeLessThan(15);
  });

  it('stays while the gateway cannot tell, while it is rolled out, paused or not ready', async () => {
    const here = await quiet();
    here.gateway.quiet = undefined;
    await here.clock.advance(10 * minute);
    here.gateway.quiet = 60 * minute;
    here.store.transact((transaction) =>
      transaction.put('rollouts', service, { service, state: 'paused' } as RolloutRow),
    );
    await here.clock.advance(10 * minute);
    here.store.transact((transaction) => transaction.remove('rollouts', service));
    here.change({ paused: true });
    await here.clock.advance(10 * minute);
    expect(here.row().replicas).toBe(2);
    here.change({ paused: false });
    here.store.transact((transaction) => {
      const view = transaction.get('serviceStatus', service);
      if (view) transaction.put('serviceStatus', service, { ...view, ready: 0 });
    });
    await here.clock.advance(10 * minute);
    expect(here.row().replicas).toBe(2);
  });

  it('wakes on the first request with its fewest replicas, once, and stays awake for the whole time', async () => {
    const here = await atRest();
    for (let told = 0; told < 20; told++) here.held.fire(service);
    expect(here.row()).toMatchObject({ replicas: 2, fronted: true });
    expect(here.row().resting).toBeUndefined();
    here.settle();
    await here.clock.advance(4 * minute);
    // Nobody came again, and a gateway that forgot when somebody did changes nothing.
    expect(here.row().replicas).toBe(2);
    expect((await get(here)).decisions).toMatchObject([
      { from: 0, to: 2, words: { code: 'autoscale.woken' } },
      { from: 2, to: 0 },
    ]);
    await here.clock.advance(2 * minute);
    expect(here.row()).toMatchObject({ replicas: 0, resting: true });
  });

  it('wakes with one replica when its fewest are none', async () => {
    const here = await quiet({ autoscale: { ...policy, min: 0 } });
    await here.clock.advance(6 * minute);
    here.settle();
    here.held.fire(service);
    expect(here.row().replicas).toBe(1);
  });

  it('is left alone by requests while it is stopped', async () => {
    const here = await atRest();
    here.change({ stopped: true });
    here.held.fire(service);
    await here.clock.advance(minute);
    expect(here.row().replicas).toBe(0);
    here.change({ stopped: false });
    here.held.fire(service);
    expect(here.row().replicas).toBe(2);
  });

  it('is at rest however it came to zero, and awake when somebody scales it up', async () => {
    const here = await quiet();
    here.change({ replicas: 0 });
    here.settle();
    await here.clock.advance(2000);
    expect(here.row().resting).toBe(true);
    here.change({ replicas: 3 });
    here.settle();
    await here.clock.advance(2000);
    expect(here.row().resting).toBeUndefined();
    await here.clock.advance(4 * minute);
    expect(here.row().replicas).toBe(3);
  });

  it('is back when its rules do not let it rest any more: nothing else would wake it', async () => {
    const here = await atRest();
    await here.room.calls['autoscale.set']({ source: 'off', service }, caller);
    await here.clock.advance(2000);
    expect(here.row()).toMatchObject({ replicas: 1 });
    expect(here.row().resting).toBeUndefined();
    expect((await get(here)).decisions[0]?.words.code).toBe('autoscale.restOver');
  });
});

it('rules set here may say so, too, and put the service behind the gateway', async () => {
  const here = await make({}, { ports, replicas: 1 });
  worlds.push(here);
  const view = await here.room.calls['autoscale.set']({ source: 'own', service, policy }, caller);
  expect(here.row().fronted).toBe(true);
  expect(view.rest).toEqual({ idleAfter: 5 * minute, hold: minute });
});

it('a service that cannot rest says why', async () => {
  const here = await make({ autoscale: policy }, { replicas: 1 });
  worlds.push(here);
  here.gateway.quiet = 60 * minute;
  await here.clock.advance(10 * minute);
  expect(here.row().replicas).toBeGreaterThan(0);
  expect((await get(here)).rest).toEqual({ idleAfter: 5 * minute, why: { code: 'rest.unreachable' } });
});

it('a rehearsal goes to zero where nobody asked for long enough, and is back where somebody did', async () => {
  const here = await make({}, { ports, replicas: 2 });
  worlds.push(here);
  const from = here.clock.now();
  here.metrics.record('service_wanted', { stack: 'shop', service }, { value: 2, hold: 1e9 });
  for (const rate of [10, 0, 10]) {
    here.use('gateway_requests', rate);
    await here.clock.advance(10 * minute);
  }
  const given = { service, from, to: here.clock.now() };
  const told = await here.room.calls['autoscale.rehearse']({ ...given, policy }, caller);
  const rests = told.rehearsed.filter((count) => count === 0).length * told.step;
  expect(rests).toBeGreaterThan(4 * minute);
  expect(rests).toBeLessThan(6 * minute);
  expect(told).toMatchObject({ fewest: 0, changes: 2 });
  expect(told.rehearsed.at(-1)).toBe(2);
  const { idleAfter: _, ...awake } = policy;
  expect(await here.room.calls['autoscale.rehearse']({ ...given, policy: awake }, caller)).toMatchObject({ fewest: 2 });
});

it('what was not measured counts as asked for, but not while there was nobody to measure', () => {
  const requests = Float64Array.from([1, 0, 0, NaN, 0, 0, NaN, NaN, 1]);
  const actual = Float64Array.from([1, 1, 1, 1, 1, 1, 0, 0, 1]);
  expect(restsOver(10, { requests, actual, span: { from: 0, step: 10 } })).toEqual([
    false,
    false,
    true,
    false,
    false,
    true,
    true,
    true,
    false,
  ]);
});
