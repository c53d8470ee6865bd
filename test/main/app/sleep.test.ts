/** A night with the lid closed, through the whole core on the tour engine: what it shows, tells and does in the morning. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { App } from '../../../src-main/app';
import { seeded } from '../../../src-main/base/random';
import type { Caller } from '../../../src-main/contract/api';
import { channelInput, routing, ruleInput } from '../../../src-main/contract/api/alerts';
import type { Outgoing } from '../../../src-main/core/alerts';
import { MemoryEngine } from '../../../src-main/engine/memory';
import { appOver } from '../../support/app';
import { FakeClock } from '../../support/clock';

const caller: Caller = {
  kind: 'app',
  signal: { aborted: false, addEventListener: () => {}, removeEventListener: () => {} },
};
const minute = 60_000;
const hour = 60 * minute;
const text = `
name: shop
services:
  web:
    image: web:1
    deploy: { replicas: 3 }
    x-pilothouse:
      autoscale: { min: 1, max: 6, metrics: [{ metric: cpu, type: AverageValue, target: 0.5 }] }
      schedules: [{ cron: '0 * * * *', min: 2 }]
`;
let home = '';
let clock = new FakeClock();
let engine = new MemoryEngine({ clock, random: seeded(1) });
let app: App | undefined;
let sent: Outgoing[] = [];

/** Real time passes for work on the real disk, and a little of the clock's. */
async function finish<Result>(work: Promise<Result>): Promise<Result> {
  const state = { settled: false };
  const settle = (): void => {
    state.settled = true;
  };
  work.then(settle, settle);
  for (let round = 0; !state.settled && round < 2000; round++) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    await clock.advance(10);
  }
  return work;
}

/** Time with pauses for the disk, as it has them in life. */
async function live(duration: number): Promise<void> {
  for (let passed = 0; passed < duration; passed += 5_000) {
    await clock.advance(Math.min(5_000, duration - passed));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'app-sleep-'));
  clock = new FakeClock();
  sent = [];
  engine = new MemoryEngine({ clock, random: seeded(1) });
  app = await appOver(engine, {
    home,
    clock,
    random: seeded(2),
    deliver: (outgoing) => {
      sent.push(outgoing);
      return Promise.resolve({ delivered: true });
    },
  });
  await finish(app.start());
});
afterEach(async () => {
  if (app) await finish(app.stop());
  app = undefined;
  rmSync(home, { recursive: true, force: true });
});

const calls = (): App['api']['calls'] => app!.api.calls;
const writes = (): number =>
  engine.deeds.filter((deed) => /^(create|start|stop|kill|remove|restart)/.test(deed.verb)).length;

it('after a night nothing is done, nothing is told, and the charts have a gap', async () => {
  const hook = channelInput.parse({ name: 'Hook', target: { kind: 'webhook', url: 'https://hook.example/in' } });
  await calls()['channels.put']({ id: 'hook', channel: hook }, caller);
  await calls()['routing.set']({ routing: routing.parse({ groupWait: 0, channels: ['hook'] }) }, caller);
  const busy = ruleInput.parse({
    name: 'Held for an hour',
    source: { kind: 'metric', query: 'sum by (service) (cpu) > 0' },
    for: hour,
  });
  await calls()['rules.put']({ rule: busy }, caller);
  await finish(calls()['stacks.apply']({ source: { files: [{ name: 'compose.yaml', text }] } }, caller));
  await live(5 * minute);
  const told = sent.length;
  const done = writes();
  const replicas = (await calls()['services.get']({ service: 'shop/web' }, caller)).replicas;

  const fell = clock.now();
  await calls()['power.report']({ asleep: true }, caller);
  clock.sleep(8 * hour);
  await calls()['power.report']({ asleep: false }, caller);
  const woke = clock.now();
  await live(minute);

  expect(writes()).toBe(done);
  expect((await calls()['services.get']({ service: 'shop/web' }, caller)).replicas).toBe(replicas);
  expect(sent).toHaveLength(told);
  const alerts = await calls()['alerts.list']({ limit: 100 }, caller);
  expect(alerts.filter(({ state }) => state === 'firing')).toEqual([]);

  const range = { metric: 'cpu', services: ['shop/web'], by: 'replica' as const, points: 600 };
  const series = await finish(calls()['metrics.range']({ ...range, from: fell - hour, to: clock.now() }, caller));
  expect(series).toHaveLength(3);
  for (const { t, v } of series) {
    const inside = v.filter((_value, at) => t[at]! > fell + 2 * minute && t[at]! < woke - 2 * minute);
    // A null ends the line; without one it would be drawn through the night.
    expect(inside.length).toBeGreaterThan(0);
    expect(inside.every((value) => value === null)).toBe(true);
    expect(v.some((value) => value !== null)).toBe(true);
  }

  const events = await calls()['events.list']({ limit: 500 }, caller);
  const [slept] = events.filter(({ kind }) => kind === 'system.slept');
  expect(slept).toMatchObject({ at: woke, actor: 'system', words: { code: 'event.slept', args: { time: '8h' } } });
  expect(events.filter(({ at }) => at >= woke).map(({ kind }) => kind)).toEqual(['system.slept']);
  expect((await calls()['app.status']({}, caller)).power).toMatchObject({
    asleep: false,
    slept: { from: fell, to: woke },
  });

  // The hour of the rule goes on from where it was: five minutes before the night, the rest of it now.
  await live(45 * minute);
  expect((await calls()['alerts.list']({ limit: 100 }, caller)).map(({ state }) => state)).toContain('pending');
  await live(20 * minute);
  const held = await calls()['alerts.list']({ limit: 100 }, caller);
  expect(held.find(({ name }) => name === busy.name)).toMatchObject({ state: 'firing' });
});

it('logs are read on over new connections, exactly once', async () => {
  const opened = vi.spyOn(engine, 'logs');
  const program = 'name: shop\nservices:\n  web: { image: web:1 }\n';
  await finish(calls()['stacks.apply']({ source: { files: [{ name: 'compose.yaml', text: program }] } }, caller));
  await live(minute);
  const before = opened.mock.calls.length;
  await calls()['power.report']({ asleep: true }, caller);
  clock.sleep(2 * hour);
  await calls()['power.report']({ asleep: false }, caller);
  await live(minute);
  expect(opened).toHaveBeenCalledTimes(before + 1);
  const query = { scope: { services: ['shop/web'] }, query: '', limit: 1000 };
  const { lines } = await finish(calls()['logs.page'](query, caller));
  expect(lines.length).toBeGreaterThan(2);
  const keys = lines.map(({ at, text: line }) => `${at} ${line}`);
  expect(new Set(keys).size).toBe(keys.length);
});

it('without a shell a sleep is seen by the hands of the clock, and a clock that is set by hand is not called sleep', async () => {
  await live(minute);
  clock.sleep(30 * minute);
  await live(10_000);
  clock.jump(-2 * hour);
  await live(10_000);
  const events = await calls()['events.list']({ limit: 100 }, caller);
  const codes = events.filter(({ kind }) => /^(system|clock)\./.test(kind)).map(({ words }) => words);
  expect(codes).toEqual(
    expect.arrayContaining([
      { code: 'event.clockWentOn', args: { time: '30m' } },
      { code: 'event.clockSetBack', args: { time: '2h' } },
    ]),
  );
  expect(codes).toHaveLength(2);
});

it('a sleep that was called off ends by itself', async () => {
  await calls()['power.report']({ asleep: true }, caller);
  await live(30_000);
  expect((await calls()['app.status']({}, caller)).power.asleep).toBe(true);
  await live(40_000);
  expect((await calls()['app.status']({}, caller)).power.asleep).toBe(false);
});

it('on battery containers are sampled every five seconds, unless the user says otherwise; charts stay whole', async () => {
  const program = 'name: shop\nservices:\n  web: { image: web:1 }\n';
  await finish(calls()['stacks.apply']({ source: { files: [{ name: 'compose.yaml', text: program }] } }, caller));
  await live(20_000);
  await calls()['power.report']({ battery: true }, caller);
  expect((await calls()['app.status']({}, caller)).power).toMatchObject({ battery: true, pace: 5_000 });
  await live(minute);
  const from = clock.now() - 40_000;
  const range = { metric: 'cpu', services: ['shop/web'], by: 'replica' as const, points: 600 };
  const [series] = await finish(calls()['metrics.range']({ ...range, from, to: from + 35_000 }, caller));
  const values = series?.v ?? [];
  expect(values.length).toBeGreaterThan(30);
  expect(values).not.toContain(null);
  // Seven samples in thirty-five seconds, each held until the next.
  const changes = values.filter((value, at) => at > 0 && value !== values[at - 1]).length;
  expect(changes).toBeLessThanOrEqual(8);
  expect(changes).toBeGreaterThanOrEqual(6);
  await calls()['settings.set']({ saveBattery: false }, caller);
  expect((await calls()['app.status']({}, caller)).power.pace).toBe(1_000);
});
