import { describe, expect, it } from 'vitest';
import type { EventView } from '../../../src-main/contract/nouns';
import {
  causesOf,
  chooseEvents,
  effectsOf,
  exportEvents,
  mergeEvents,
  type EventChoice,
} from '../../../src-renderer/views/events/eventRows';
import { concerns } from '../../../src-renderer/views/useMarks';

function event(id: string, given: Partial<EventView> = {}): EventView {
  const words = { code: 'event.serviceScaled' } as const;
  return { id, at: Number(id), actor: 'controller', kind: 'replica.ready', health: 'ok', words, count: 1, ...given };
}
const say = ({ id }: EventView): string => `sentence ${id}`;
const ids = (events: readonly EventView[]): string[] => events.map(({ id }) => id);

/** 1 scaled → 2 created → 3 ready, and 4 created; 5 has nothing to do with it. */
const events = [
  event('1', { actor: 'user', kind: 'service.scaled', service: 'shop/web', stack: 'shop' }),
  event('2', { kind: 'replica.created', cause: '1', replica: 'shop/web.2' }),
  event('3', { cause: '2' }),
  event('4', { kind: 'replica.created', cause: '1' }),
  event('5', { actor: 'alert', kind: 'alert.firing', cause: 'gone' }),
];
const byId = new Map(events.map((one) => [one.id, one]));

describe('the time line', () => {
  it('is chosen by actor, kind, time and words', () => {
    const choose = (choice: Partial<EventChoice>): string[] =>
      ids(chooseEvents(events, { actor: 'all', noun: '', text: '', ...choice }, say));
    expect(choose({})).toHaveLength(5);
    expect(choose({ actor: 'alert' })).toEqual(['5']);
    expect(choose({ noun: 'replica' })).toEqual(['2', '3', '4']);
    expect(choose({ window: { from: 2, to: 3 } })).toEqual(['2', '3']);
    expect(choose({ text: 'SENTENCE web.2' })).toEqual(['2']);
    expect(choose({ text: 'shop/web scaled' })).toEqual(['1']);
  });

  it('leads from a cause to its effects and back', () => {
    expect(ids(causesOf(events[2]!, byId))).toEqual(['1', '2']);
    expect(causesOf(events[4]!, byId)).toEqual([]);
    const { rows, cut } = effectsOf('1', events, 10);
    expect(rows.map(({ event: { id }, depth }) => `${id}@${depth}`)).toEqual(['2@0', '3@1', '4@0']);
    expect(cut).toBe(false);
    expect(effectsOf('1', events, 2)).toMatchObject({ cut: true, rows: { length: 2 } });
  });

  it('survives causes that go round in a circle', () => {
    const round = [event('1', { cause: '2' }), event('2', { cause: '1' })];
    expect(ids(causesOf(round[0]!, new Map(round.map((one) => [one.id, one]))))).toEqual(['2']);
    expect(effectsOf('1', round, 10).rows).toHaveLength(1);
  });

  it('counts live rows more than those that were asked for, newest first', () => {
    const merged = mergeEvents([event('1'), event('2')], [event('2', { count: 7 }), event('3')]);
    expect(merged.map(({ id, count }) => `${id}×${count}`)).toEqual(['3×1', '2×7', '1×1']);
  });

  it('becomes JSON with every field, and CSV that no spreadsheet runs', () => {
    const hostile = event('6', { service: '=HYPERLINK("x")', cause: '1' });
    const [row] = JSON.parse(exportEvents('json', [hostile], say)) as Record<string, unknown>[];
    expect(row).toMatchObject({ id: '6', cause: '1', text: 'sentence 6', time: '1970-01-01T00:00:00.006Z' });
    const csv = exportEvents('csv', [hostile, event('7')], say);
    expect(csv.split('\r\n')).toHaveLength(3);
    expect(csv).toContain(`"'=HYPERLINK(""x"")"`);
  });
});

it("a service's charts carry its own marks, its stack's releases, the configs it reads, and sleep", () => {
  const about = (given: Partial<EventView>): boolean => concerns(event('1', given), 'shop/web');
  expect(about({ service: 'shop/web', stack: 'shop' })).toBe(true);
  expect(about({ service: 'shop/db', stack: 'shop' })).toBe(false);
  expect(about({ kind: 'stack.applied', stack: 'shop' })).toBe(true);
  expect(about({ kind: 'stack.applied', stack: 'shopping' })).toBe(false);
  expect(about({ kind: 'config.published', affects: ['shop/web'] })).toBe(true);
  expect(about({ kind: 'config.published', affects: ['shop/db'] })).toBe(false);
  expect(about({ kind: 'config.published' })).toBe(false);
  expect(about({ kind: 'system.slept' })).toBe(true);
  expect(concerns(event('1', { service: 'shop/db' }), undefined)).toBe(true);
});
