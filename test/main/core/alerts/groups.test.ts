import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { routing as routingSchema } from '../../../../src-main/contract/api/alerts';
import { tryRouting } from '../../../../src-main/core/alerts/routing';
import { channelsFor, GroupBook, tellingsFor, type Due, type Tellable } from '../../../../src-main/core/alerts/groups';

const minute = 60_000;
const settings = {
  groupBy: ['alertname'],
  groupWait: 30_000,
  groupInterval: 5 * minute,
  repeatInterval: 60 * minute,
  routes: [],
};

function alert(id: string, state: Tellable['state'] = 'firing', sendResolved = true): Tellable {
  return { id, state, labels: { alertname: id[0] ?? '', n: id }, channels: [{ id: 'hook', sendResolved }] };
}

function told(due: readonly Due[]): string[] {
  return due.map(({ firing, resolved }) => `+${firing.join(',')} -${resolved.join(',')}`);
}

describe('groups', () => {
  it('wait, tell changes at intervals, and repeat', () => {
    const book = new GroupBook(settings);
    expect(book.flush([alert('a1')], 0)).toEqual([]);
    expect(book.nextFlush).toBe(30_000);
    expect(told(book.flush([alert('a1'), alert('a2')], 30_000))).toEqual(['+a1,a2 -']);
    expect(book.flush([alert('a1'), alert('a2'), alert('a3')], 60_000)).toEqual([]);
    expect(told(book.flush([alert('a1'), alert('a2'), alert('a3')], 330_000))).toEqual(['+a1,a2,a3 -']);
    expect(told(book.flush([alert('a1'), alert('a2', 'resolved'), alert('a3')], 630_000))).toEqual(['+a1,a3 -a2']);
    expect(book.flush([alert('a1'), alert('a2', 'resolved'), alert('a3')], 930_000)).toEqual([]);
    expect(told(book.flush([alert('a1'), alert('a3')], 630_000 + 60 * minute))).toEqual(['+a1,a3 -']);
    const end = 630_000 + 66 * minute;
    expect(told(book.flush([alert('a1', 'resolved'), alert('a3', 'resolved')], end))).toEqual(['+ -a1,a3']);
    expect(book.nextFlush).toBeUndefined();
  });

  it('never speak of what was over before the wait was', () => {
    const book = new GroupBook(settings);
    book.flush([alert('a1')], 0);
    expect(book.flush([alert('a1', 'resolved')], 30_000)).toEqual([]);
    expect(book.nextFlush).toBeUndefined();
  });

  it('tell again what fires again, also where ends are not told', () => {
    for (const sendResolved of [true, false]) {
      const book = new GroupBook(settings);
      book.flush([alert('a1', 'firing', sendResolved)], 0);
      book.flush([alert('a1', 'firing', sendResolved)], 30_000);
      const end = book.flush([alert('a1', 'resolved', sendResolved)], 330_000);
      expect(told(end)).toEqual(sendResolved ? ['+ -a1'] : []);
      book.flush([alert('a1', 'firing', sendResolved)], 400_000);
      expect(told(book.flush([alert('a1', 'firing', sendResolved)], 430_000 + 5 * minute))).toEqual(['+a1 -']);
    }
  });

  it('do not tell again what was silenced in between', () => {
    const book = new GroupBook(settings);
    book.flush([alert('a1')], 0);
    book.flush([alert('a1')], 30_000);
    for (let at = 330_000; at < 30 * minute; at += 5 * minute) expect(book.flush([], at)).toEqual([]);
    book.flush([alert('a1')], 31 * minute);
    expect(book.flush([alert('a1')], 32 * minute)).toEqual([]);
  });

  it('are apart by labels and channels', () => {
    const book = new GroupBook({ ...settings, groupWait: 0 });
    const both = {
      ...alert('a1'),
      channels: [
        { id: 'x', sendResolved: true },
        { id: 'y', sendResolved: true },
      ],
    };
    const due = book.flush([both, alert('b1'), alert('b2')], 0);
    expect(due.map(({ channel, labels, firing }) => [channel, labels, firing])).toEqual([
      ['x', { alertname: 'a' }, ['a1']],
      ['y', { alertname: 'a' }, ['a1']],
      ['hook', { alertname: 'b' }, ['b1', 'b2']],
    ]);
    expect(
      new GroupBook({ ...settings, groupWait: 0, groupBy: ['...'] }).flush([alert('b1'), alert('b2')], 0),
    ).toHaveLength(2);
    expect(new GroupBook({ ...settings, groupWait: 0, groupBy: [] }).flush([alert('a1'), alert('b2')], 0)).toHaveLength(
      1,
    );
  });

  it('tell everything that fires long enough, once per interval at most, whatever happens (I21)', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.boolean(), fc.integer({ min: 1, max: 400 })), {
          maxLength: 60,
        }),
        (steps) => {
          const book = new GroupBook(settings);
          const firing = new Set<string>();
          const over = new Set<string>();
          let now = 0;
          let last = -Infinity;
          let known = new Set<string>();
          const names = ['a1', 'a2', 'a3', 'a4'];
          const flush = (): void => {
            const due = book.flush(
              [...[...firing].map((id) => alert(id)), ...[...over].map((id) => alert(id, 'resolved'))],
              now,
            );
            for (const notice of due) {
              expect(now - last).toBeGreaterThanOrEqual(Math.min(settings.groupInterval, settings.groupWait));
              last = now;
              expect(new Set(notice.firing)).toEqual(firing);
              for (const id of notice.resolved) expect(known.has(id)).toBe(true);
              known = new Set(notice.firing);
            }
          };
          for (const [which, on, wait] of steps) {
            const id = names[which] as string;
            if (on) {
              firing.add(id);
              over.delete(id);
            } else if (firing.delete(id)) over.add(id);
            flush();
            const until = now + wait * 1000;
            while ((book.nextFlush ?? Infinity) <= until) {
              now = Math.max(now, book.nextFlush ?? now);
              flush();
            }
            now = until;
          }
          now += settings.groupInterval + settings.groupWait;
          flush();
          // Nothing that fires is untold, and nothing that is over is believed to fire.
          expect(known).toEqual(firing);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('channels of an alert', () => {
  const routing = routingSchema.parse({
    channels: ['default'],
    routes: [
      { matchers: [{ label: 'severity', operator: '=', value: 'critical' }], channels: ['pager'], continue: true },
      { matchers: [{ label: 'stack', operator: '=~', value: 'sh.p' }], channels: ['shop'] },
      { matchers: [{ label: 'stack', operator: '!=', value: '' }], channels: ['others'] },
    ],
  });

  it.each<[Record<string, string>, string[], string[]]>([
    [{}, [], ['default']],
    [{}, ['mine'], ['mine']],
    [{ severity: 'critical', stack: 'shop' }, [], ['pager', 'shop']],
    [{ severity: 'critical' }, [], ['pager']],
    [{ stack: 'blog' }, [], ['others']],
  ])('%j %j', (labels, own, expected) => {
    expect(channelsFor(labels, own, routing)).toEqual(expected);
  });
});

describe('times of a route', () => {
  const to = (value: string, more: object) => ({
    ...{ matchers: [{ label: 'severity', operator: '=' as const, value }], channels: ['hook'] },
    ...more,
  });
  const routing = routingSchema.parse({
    ...{ ...settings, groupBy: ['alertname'], channels: ['hook'] },
    routes: [to('critical', { groupWait: 0, repeatInterval: 10 * minute }), to('info', { groupInterval: 20 * minute })],
  });
  const given = (id: string, severity: string, state: Tellable['state'] = 'firing'): Tellable => {
    const labels = { alertname: 'disk', severity };
    const channels = tellingsFor(labels, [], routing).map((one) => ({ ...one, sendResolved: true }));
    return { id, state, labels, channels };
  };
  /** Minutes of the notices that speak of one alert over an hour. */
  const toldAt = (book: GroupBook, alert: Tellable): number[] => {
    const minutes: number[] = [];
    for (let now = 0; now <= 60 * minute; now += 30_000)
      if (book.flush([alert], now).length > 0) minutes.push(now / minute);
    return minutes;
  };

  it.each([
    ['a critical one is told at once, and again every ten minutes', 'critical', [0, 10, 20, 30, 40, 50, 60]],
    ['one of no route waits and repeats as the routing says', 'warning', [0.5]],
    ['one whose route names only the interval waits as the routing says', 'info', [0.5]],
  ])('given a route with some times, %s', (_name, severity, expected) => {
    expect(toldAt(new GroupBook(routing), given('a', severity))).toEqual(expected);
  });

  it('given one channel by two routes, each has groups, waits and changes of its own', () => {
    const book = new GroupBook(routing);
    const all = [given('c', 'critical'), given('w', 'warning'), given('i', 'info')];
    expect(told(book.flush(all, 0))).toEqual(['+c -']);
    expect(told(book.flush(all, 30_000))).toEqual(['+w -', '+i -']);
    const ended = [
      given('c', 'critical', 'resolved'),
      given('w', 'warning', 'resolved'),
      given('i', 'info', 'resolved'),
    ];
    expect(told(book.flush(ended, 5 * minute))).toEqual(['+ -c']);
    expect(told(book.flush(ended.slice(1), 5.5 * minute))).toEqual(['+ -w']);
    expect(told(book.flush(ended.slice(2), 20 * minute))).toEqual([]);
    expect(told(book.flush(ended.slice(2), 20.5 * minute))).toEqual(['+ -i']);
  });

  it('given other times for a route, what it has told is not told anew', () => {
    const book = new GroupBook(routing);
    book.flush([given('c', 'critical')], 0);
    const routes = routing.routes.map((route) => ({ ...route, repeatInterval: 30 * minute }));
    book.setRouting({ ...routing, routes });
    expect(toldAt(book, given('c', 'critical'))).toEqual([30, 60]);
  });

  it('given a restart, a group goes on by the times of its route', () => {
    const book = new GroupBook(routing);
    const [{ group } = { group: '' }] = book
      .flush([given('i', 'info')], 0)
      .concat(book.flush([given('i', 'info')], 30_000));
    const next = new GroupBook(routing);
    next.restore(group, {
      channel: 'hook',
      labels: {},
      told: { firing: ['i'], resolved: [], at: 30_000 },
      now: minute,
    });
    expect(next.nextFlush).toBe(30_000 + 20 * minute);
  });
});

describe('a routing that is tried', () => {
  const matcher = (label: string, value: string) => ({ label, operator: '=' as const, value });
  const given = routingSchema.parse({
    groupBy: ['stack'],
    channels: ['desktop'],
    routes: [
      { matchers: [matcher('severity', 'critical')], channels: ['phone'], continue: true },
      { matchers: [{ label: 'stack', operator: '=~', value: 'sh.p' }], channels: ['mail', 'phone'] },
      { matchers: [], channels: ['chat'] },
    ],
    muteTimes: [
      { name: 'Night', from: 22 * 60, to: 7 * 60, except: 'critical' },
      { name: 'Noon', from: 12 * 60, to: 13 * 60 },
    ],
  });
  // This machine's own time, as mute times are.
  const night = new Date(2026, 0, 5, 23, 0).getTime();
  const noon = new Date(2026, 0, 5, 12, 30).getTime();

  it('says the routes, the channels, the group, and what mutes it now', () => {
    const critical = { severity: 'critical', stack: 'shop' };
    expect(tryRouting(critical, given, night)).toEqual({
      routes: [0, 1],
      channels: ['phone', 'mail'],
      group: { stack: 'shop' },
      mutedBy: [],
    });
    expect(tryRouting({ severity: 'warning', stack: 'blog' }, given, night)).toEqual({
      routes: [2],
      channels: ['chat'],
      group: { stack: 'blog' },
      mutedBy: ['Night'],
    });
    expect(tryRouting({ severity: 'critical' }, { ...given, routes: [] }, noon)).toEqual({
      routes: [],
      channels: ['desktop'],
      group: {},
      mutedBy: ['Noon'],
    });
  });

  it('refuses a pattern that is none', () => {
    const routes = [{ matchers: [{ label: 'a', operator: '=~' as const, value: '(' }], channels: [], continue: false }];
    expect(() => tryRouting({}, { ...given, routes }, noon)).toThrow();
  });
});
