import { afterEach, describe, expect, it } from 'vitest';
import { addWebhook, bodies, caller, minute, rule, second, world, type World } from './world';

const worlds: World[] = [];
afterEach(() => {
  for (const one of worlds.splice(0)) one.alerts.stop();
});

describe('back-tests', () => {
  it('say what the rule then really does', async () => {
    const the = world();
    worlds.push(the);
    const busy = (from: number, to: number, elapsed: number): boolean =>
      elapsed >= from * minute && elapsed < to * minute;
    the.script = {
      'cpu{service="shop/web"}': (elapsed) =>
        busy(5, 6, elapsed) || busy(10, 20, elapsed) || busy(30, 38, elapsed) ? 3 : 1,
    };
    await addWebhook(the, { groupWait: 30 * second, groupInterval: 5 * minute });
    const input = rule({ for: 2 * minute });
    await the.alerts.calls['rules.put']({ rule: input }, caller);
    const from = the.clock.now();
    await the.play(50 * minute);
    const result = await the.alerts.calls['rules.backtest'](
      { rule: input, from: from + minute, to: the.clock.now(), points: 200 },
      caller,
    );
    const real = await the.alerts.calls['alerts.list']({ from: 0, limit: 10 }, caller);
    expect(result.fires).toBe(2);
    expect(real).toHaveLength(2);
    result.firings.forEach(({ firedAt, resolvedAt }, at) => {
      const alert = [...real].reverse()[at];
      expect(Math.abs(firedAt - (alert?.firedAt ?? 0))).toBeLessThanOrEqual(30 * second);
      expect(Math.abs((resolvedAt ?? 0) - (alert?.resolvedAt ?? 0))).toBeLessThanOrEqual(30 * second);
    });
    expect(result.spikes).toHaveLength(1);
    expect(result.noticedAfter).toBe(2 * minute);
    expect(result.notices).toBe(bodies(the).length);
    expect(result.threshold).toEqual({ operator: '>', value: 2 });
    expect(result.series[0]?.labels).toEqual({ service: 'shop/web' });
    expect(result.series[0]?.unit).toBe('cores');
    expect(result.series[0]?.t.length).toBeLessThanOrEqual(200);
    expect(result.measured).toBe(1);
  });

  it('hold what fires now, wherever now lies between two looks', async () => {
    const the = world();
    worlds.push(the);
    the.script = { 'cpu{service="shop/web"}': (elapsed) => (elapsed > 10 * minute ? 3 : 1) };
    const from = the.clock.now();
    await the.play(10 * minute);
    const input = rule({ for: 0 });
    for (let second = 0; second < 15; second++) {
      await the.play(1000);
      const { now } = await the.alerts.calls['rules.check']({ rule: input }, caller);
      const span = { from, to: the.clock.now(), points: 100 };
      const { fires } = await the.alerts.calls['rules.backtest']({ rule: input, ...span }, caller);
      expect(fires).toBe(now?.length);
    }
  });

  it('conclude nothing from gaps', async () => {
    const the = world();
    worlds.push(the);
    the.script = {
      'cpu{service="shop/web"}': (elapsed) => (elapsed < 10 * minute || elapsed > 20 * minute ? 3 : undefined),
    };
    const from = the.clock.now();
    await the.play(30 * minute);
    const span = { from, to: the.clock.now(), points: 100 };
    const result = await the.alerts.calls['rules.backtest']({ rule: rule({ for: 15 * minute }), ...span }, caller);
    expect(result.fires).toBe(1);
    expect(result.firings[0]?.firedAt).toBeGreaterThan(from + 24 * minute);
    expect(result.measured).toBeGreaterThan(0.6);
    expect(result.measured).toBeLessThan(0.7);
  });

  it('work for events and refuse logs', async () => {
    const the = world();
    worlds.push(the);
    const from = the.clock.now();
    await the.play(minute);
    the.event({ kind: 'rollout.failed', service: 'shop/web', stack: 'shop' });
    await the.play(10 * minute);
    the.event({ kind: 'rollout.done', service: 'shop/web', stack: 'shop' });
    await the.play(10 * minute);
    const span = { from, to: the.clock.now(), points: 100 };
    const event = {
      kind: 'event' as const,
      kinds: ['rollout.failed'],
      until: ['rollout.done'],
      count: 1,
      within: 86_400_000,
    };
    const result = await the.alerts.calls['rules.backtest']({ rule: rule({ source: event }), ...span }, caller);
    expect(result).toMatchObject({ fires: 1, firings: [{ labels: { service: 'shop/web', stack: 'shop' } }] });
    expect(result.firingFor).toBeGreaterThan(9 * minute);
    expect(result.firingFor).toBeLessThan(11 * minute);
    const log = { kind: 'log' as const, query: '', condition: 'above' as const, count: 1, within: minute };
    await expect(
      the.alerts.calls['rules.backtest']({ rule: rule({ source: log }), ...span }, caller),
    ).rejects.toMatchObject({ problem: { code: 'unsupported' } });
  });

  it('of a rule in the making come with what it gives now', async () => {
    const the = world();
    worlds.push(the);
    the.script = { 'cpu{service="shop/web"}': () => 3 };
    await the.play(minute);
    const annotations = { summary: '{{ $labels.service }}: {{ $value }}', more: '{{ nonsense }}' };
    const checked = await the.alerts.calls['rules.check'](
      { rule: rule({ annotations, channels: ['nowhere'] }) },
      caller,
    );
    expect(checked).toMatchObject({ problems: [], now: [{ value: 3, annotations: { summary: 'shop/web: 3' } }] });
    expect(checked.warnings.map(({ message }) => message)).toEqual([
      '{{ nonsense }} is not understood and stays as it is.',
      'There is no channel nowhere.',
    ]);
    const wrong = await the.alerts.calls['rules.check']({ rule: rule({ query: 'sum(' }) }, caller);
    expect(wrong.problems).toMatchObject([{ code: 'bad-input', where: { line: 1, column: 5 } }]);
  });
});
