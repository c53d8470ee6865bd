/** What rules do over time, in the manner of Prometheus' rule tests: given series, a rule, and what is expected when. */
import { afterEach, describe, expect, it } from 'vitest';
import type { ServiceView } from '../../../../src-main/contract/nouns';
import { addWebhook, at, bodies, caller, minute, rule, second, world, type World } from './world';

const worlds: World[] = [];
afterEach(() => {
  for (const one of worlds.splice(0)) {
    one.alerts.stop();
    expect(one.clock.pending).toBe(0);
  }
});

function make(given: Parameters<typeof world>[0] = {}): World {
  const made = world(given);
  worlds.push(made);
  return made;
}

/** `1x2m 3x5m` is 1 for two minutes, then 3 for five; `_` is not measured. The last goes on. */
function series(text: string): (elapsed: number) => number | undefined {
  const parts = text.split(' ').map((part) => part.split('x') as [string, string?]);
  return (elapsed) => {
    let end = 0;
    for (const [value, length] of parts) {
      end += length === undefined ? Infinity : at(length);
      if (elapsed < end) return value === '_' ? undefined : Number(value);
    }
    return undefined;
  };
}

interface Case {
  name: string;
  given: Record<string, string>;
  rule: Parameters<typeof rule>[0];
  /** `time: states` lines. */
  expect: string;
}

// The first half minute settles; evaluations are every 15 s, so what happens shows within 20 s.
const cases: Case[] = [
  {
    name: 'fires at once without a wait',
    given: { 'cpu{service="shop/web"}': '1x2m 3x2m 1' },
    rule: {},
    expect: `1m: nothing
      2m20s: Busy shop/web firing
      4m20s: nothing`,
  },
  {
    name: 'is pending until it has held for long enough',
    given: { 'cpu{service="shop/web"}': '1x2m 3x5m 1' },
    rule: { for: 2 * minute },
    expect: `2m20s: Busy shop/web pending
      3m50s: Busy shop/web pending
      4m40s: Busy shop/web firing
      7m20s: nothing`,
  },
  {
    name: 'forgets a spike that was shorter than its wait',
    given: { 'cpu{service="shop/web"}': '1x2m 3x1m 1x1m 3x90s 1' },
    rule: { for: 2 * minute },
    expect: `2m40s: Busy shop/web pending
      3m20s: nothing
      5m20s: Busy shop/web pending
      6m: nothing`,
  },
  {
    name: 'goes on firing for a while',
    given: { 'cpu{service="shop/web"}': '3x2m 1x1m 3x1m 1' },
    rule: { keepFiringFor: 2 * minute },
    expect: `1m: Busy shop/web firing
      2m40s: Busy shop/web firing
      3m30s: Busy shop/web firing
      5m40s: Busy shop/web firing
      6m30s: nothing`,
  },
  {
    name: 'treats each row as an alert of its own',
    given: { 'cpu{service="shop/web"}': '3', 'cpu{service="shop/db"}': '1x2m 3', 'cpu{service="shop/api"}': '1' },
    rule: {},
    expect: `1m: Busy shop/web firing
      3m: Busy shop/db firing, Busy shop/web firing`,
  },
  {
    name: 'lets go of a row that is gone while others are measured',
    given: { 'cpu{service="shop/web"}': '3x2m _', 'cpu{service="shop/db"}': '1' },
    rule: {},
    expect: `1m: Busy shop/web firing
      3m: nothing`,
  },
  {
    name: 'keeps its state when nothing is measured, but not for ever',
    given: { 'cpu{service="shop/web"}': '3x2m _' },
    rule: {},
    expect: `1m: Busy shop/web firing
      5m: Busy shop/web firing
      8m: nothing`,
  },
  {
    name: 'does not fire for want of data unless asked to',
    given: { 'cpu{service="shop/web"}': '1x2m _' },
    rule: { noData: 'alert', for: minute },
    expect: `2m: nothing
      3m: Busy - pending
      4m: Busy - firing`,
  },
  {
    name: 'counts missing data as well when asked to',
    given: { 'cpu{service="shop/web"}': '3x2m _' },
    rule: { noData: 'ok' },
    expect: `1m: Busy shop/web firing
      2m50s: nothing`,
  },
  {
    name: 'sees what is absent',
    given: { 'up{service="shop/web"}': '1x2m _', 'cpu{service="shop/web"}': '1' },
    rule: { query: 'cpu unless on (service) up' },
    expect: `1m: nothing
      3m: Busy shop/web firing`,
  },
];

describe('rules', () => {
  it.each(cases)('$name', async ({ given, rule: input, expect: expected }) => {
    const the = make();
    the.script = Object.fromEntries(Object.entries(given).map(([name, text]) => [name, series(text)]));
    await the.alerts.calls['rules.put']({ rule: rule(input) }, caller);
    for (const line of expected.split('\n')) {
      const [time = '', ...rest] = line.trim().split(': ');
      await the.play(at(time) - the.elapsed());
      const states = rest.join(': ');
      expect(`${time}: ${(await the.states()).join(', ') || 'nothing'}`).toBe(`${time}: ${states}`);
    }
  });

  it('about too few lines wait after a sleep until their whole window was awake', async () => {
    const the = make();
    const source = { kind: 'log', query: '', condition: 'below', count: 1, within: 30 * minute } as const;
    await the.alerts.calls['rules.put']({ rule: rule({ name: 'Silent', source }) }, caller);
    const view = { key: 'shop/web', stack: 'shop', name: 'web', ready: 1, replicaList: [] } as unknown as ServiceView;
    the.store.transact((transaction) => transaction.put('serviceStatus', view.key, view));
    const logging = the.logLines;
    logging.set('shop/web', 4);
    await the.play(40 * minute);
    // Forty minutes asleep: the last half hour holds no line, the hours before it do.
    the.clock.sleep(40 * minute);
    the.countLines = ({ to }) => Promise.resolve(to === the.clock.now() ? new Map<string, number>() : logging);
    await the.play(25 * minute);
    expect(await the.states()).toEqual([]);
    await the.play(10 * minute);
    expect(await the.states()).toEqual(['Silent shop/web firing']);
  });

  it('do not count time asleep, and do not storm after it', async () => {
    const the = make();
    the.script = { 'cpu{service="shop/web"}': series('1x2m 3') };
    await the.alerts.calls['rules.put']({ rule: rule({ for: 10 * minute }) }, caller);
    await the.play(3 * minute);
    expect(await the.states()).toEqual(['Busy shop/web pending']);
    the.clock.sleep(8 * 60 * minute);
    await the.play(2 * minute);
    expect(await the.states()).toEqual(['Busy shop/web pending']);
    const [view] = await the.views();
    expect((view?.firesAt ?? 0) - the.clock.now()).toBeGreaterThan(5 * minute);
    await the.play(9 * minute);
    expect(await the.states()).toEqual(['Busy shop/web firing']);
  });

  it.each([
    ['back', -3_600_000],
    ['ahead', 3_600_000],
  ])('stay as they are when the clock is set %s', async (_name, by) => {
    const the = make();
    the.script = { 'cpu{service="shop/web"}': () => 3 };
    await addWebhook(the);
    await the.alerts.calls['rules.put']({ rule: rule({ for: minute }) }, caller);
    await the.play(3 * minute);
    expect(await the.states()).toEqual(['Busy shop/web firing']);
    the.clock.jump(by);
    await the.play(3 * minute);
    expect(await the.states()).toEqual(['Busy shop/web firing']);
    expect(bodies(the)).toHaveLength(1);
  });

  it('conclude nothing while the engine is away', async () => {
    const the = make();
    the.script = { 'cpu{service="shop/web"}': series('3') };
    await the.alerts.calls['rules.put']({ rule: rule() }, caller);
    await the.alerts.calls['rules.put']({ rule: rule({ name: 'Absent', query: 'absent(cpu)', for: minute }) }, caller);
    await the.play(minute);
    the.measuring = false;
    await the.play(20 * minute);
    expect(await the.states()).toEqual(['Busy shop/web firing']);
    the.measuring = true;
    await the.play(2 * minute);
    expect(await the.states()).toEqual(['Busy shop/web firing']);
  });

  it('know after a restart how long a condition has held, and what fired', async () => {
    const the = make();
    the.script = { 'cpu{service="shop/web"}': series('3'), 'memory{service="shop/web"}': series('1x3m 9') };
    await the.alerts.calls['rules.put']({ rule: rule({ name: 'Slow', for: 20 * minute }) }, caller);
    await the.alerts.calls['rules.put']({ rule: rule({ name: 'Fast', query: 'memory > 5' }) }, caller);
    await the.play(15 * minute);
    const before = (await the.views()).find(({ name }) => name === 'Fast');
    the.restart();
    await the.play(minute);
    expect(await the.states()).toEqual(['Fast shop/web firing', 'Slow shop/web pending']);
    expect((await the.views()).find(({ name }) => name === 'Fast')).toMatchObject({
      firedAt: before?.firedAt,
      id: before?.id,
    });
    await the.play(6 * minute);
    expect(await the.states()).toEqual(['Fast shop/web firing', 'Slow shop/web firing']);
  });

  it('resolve what they made fire when they are turned off or removed', async () => {
    const the = make();
    the.script = { 'cpu{service="shop/web"}': series('3') };
    const { id } = await the.alerts.calls['rules.put']({ rule: rule() }, caller);
    await the.play(minute);
    await the.alerts.calls['rules.enable']({ id, enabled: false }, caller);
    expect(await the.states()).toEqual([]);
    const history = await the.alerts.calls['alerts.list']({ from: 0, limit: 10 }, caller);
    expect(history).toMatchObject([{ name: 'Busy', state: 'resolved' }]);
    await the.alerts.calls['rules.enable']({ id, enabled: true }, caller);
    await the.play(minute);
    expect(await the.states()).toEqual(['Busy shop/web firing']);
    await the.alerts.calls['rules.remove']({ id }, caller);
    expect(await the.states()).toEqual([]);
  });

  it('keep what fires when they are edited', async () => {
    const the = make();
    the.script = { 'cpu{service="shop/web"}': series('3') };
    const view = await the.alerts.calls['rules.put']({ rule: rule() }, caller);
    await the.play(minute);
    await the.alerts.calls['rules.put'](
      { id: view.id, version: view.version, rule: rule({ query: 'cpu > 2.5' }) },
      caller,
    );
    await the.play(minute);
    const [alert] = await the.views();
    expect(the.clock.now() - (alert?.firedAt ?? 0)).toBeGreaterThan(minute);
    await expect(
      the.alerts.calls['rules.put']({ id: view.id, version: view.version, rule: rule() }, caller),
    ).rejects.toMatchObject({
      problem: { code: 'conflict' },
    });
  });

  it('say what is wrong with them and go on with the others', async () => {
    const the = make();
    the.script = { 'cpu{service="shop/web"}': series('3') };
    await the.alerts.calls['rules.put'](
      { rule: rule({ name: 'Bad', query: 'cpu * on () group_left () cpu' }) },
      caller,
    );
    await the.alerts.calls['rules.put']({ rule: rule() }, caller);
    the.script['cpu{service="shop/db"}'] = series('3');
    await the.play(minute);
    const rules = await the.alerts.calls['rules.list']({}, caller);
    expect(rules.find(({ name }) => name === 'Bad')?.problem?.message).toContain('Several rows match');
    expect(rules.find(({ name }) => name === 'Busy')).toMatchObject({ state: 'firing', firing: 2, measured: true });
    await expect(the.alerts.calls['rules.put']({ rule: rule({ query: 'cpu >' }) }, caller)).rejects.toMatchObject({
      problem: { code: 'bad-input', where: { line: 1 } },
    });
  });

  it('count events until something ends them', async () => {
    const the = make();
    const source = {
      kind: 'event' as const,
      kinds: ['engine.away'],
      until: ['engine.connected'],
      count: 1,
      within: 86_400_000,
    };
    await the.alerts.calls['rules.put']({ rule: rule({ name: 'Away', source, for: minute }) }, caller);
    the.measuring = false; // events need no engine
    await the.play(minute);
    the.event({ kind: 'engine.away' });
    await the.play(30 * second);
    expect(await the.states()).toEqual(['Away - pending']);
    await the.play(minute);
    expect(await the.states()).toEqual(['Away - firing']);
    the.event({ kind: 'engine.connected' });
    await the.play(20 * second);
    expect(await the.states()).toEqual([]);
  });

  it('count log lines by service', async () => {
    const the = make();
    const source = { kind: 'log' as const, query: 'boom', condition: 'above' as const, count: 10, within: 5 * minute };
    await the.alerts.calls['rules.put']({ rule: rule({ name: 'Boom', source }) }, caller);
    the.logLines.set('shop/web', 11).set('shop/db', 10);
    await the.play(minute);
    expect(await the.states()).toEqual(['Boom shop/web firing']);
    the.logLines.clear();
    await the.play(20 * second);
    expect(await the.states()).toEqual([]);
  });

  it('fill labels and texts, and are on the time line', async () => {
    const the = make();
    the.script = { 'cpu{service="shop/web",stack="shop"}': series('3') };
    const annotations = { summary: '{{ $labels.service }} uses {{ $value }} cores' };
    await the.alerts.calls['rules.put'](
      { rule: rule({ annotations, labels: { team: '{{ $labels.stack }}' } }) },
      caller,
    );
    await the.play(minute);
    const [view] = await the.views();
    expect(view).toMatchObject({
      name: 'Busy',
      severity: 'critical',
      unit: 'cores',
      value: 3,
      labels: { service: 'shop/web', stack: 'shop', team: 'shop', alertname: 'Busy', severity: 'critical' },
      annotations: { summary: 'shop/web uses 3 cores' },
    });
    const events = the.store.all('events').filter(({ actor }) => actor === 'alert');
    expect(events).toMatchObject([
      {
        kind: 'alert.firing',
        health: 'critical',
        service: 'shop/web',
        mark: 'alert',
        words: { args: { alert: 'Busy', summary: 'shop/web uses 3 cores' } },
      },
    ]);
    await the.play(minute);
    const names = (await the.alerts.calls['alerts.list']({ limit: 10 }, caller)).length;
    expect(names).toBe(1);
    the.script = { 'cpu{service="shop/web"}': () => 1 };
    await the.play(minute);
    // Its end follows from its beginning.
    const ended = the.store.all('events').find(({ kind }) => kind === 'alert.resolved');
    expect(ended?.cause).toBe(events[0]?.id);
  });

  it('of an event rule follows from the last event that it counted, and its end from it also after a restart', async () => {
    const the = make();
    const source = { kind: 'event' as const, kinds: ['engine.'], until: [], count: 2, within: minute };
    await the.alerts.calls['rules.put']({ rule: rule({ name: 'Odd', source }) }, caller);
    the.event({ kind: 'engine.odd' });
    await the.play(5 * second);
    the.event({ kind: 'replica.odd' });
    the.event({ kind: 'engine.odd', id: 'last' });
    await the.play(20 * second);
    const firing = the.store.all('events').find(({ kind }) => kind === 'alert.firing');
    expect(firing?.cause).toBe('last');
    the.restart();
    await the.play(3 * minute);
    const ended = the.store.all('events').find(({ kind }) => kind === 'alert.resolved');
    expect(ended?.cause).toBe(firing?.id);
  });
});
