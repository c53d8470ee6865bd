import { createPinia, setActivePinia } from 'pinia';
import { beforeEach, describe, expect, it } from 'vitest';
import { fuzzyMatch, splitMatch } from '../../../src-renderer/frame/fuzzy';
import { rankItems } from '../../../src-renderer/frame/palette';
import type { PaletteItem } from '../../../src-renderer/frame/palette';
import { tapePace, tapeTicks, tapeTime, tapeX } from '../../../src-renderer/frame/tapeScale';
import { existingScreens, routesOf } from '../../../src-renderer/router';
import { localPersistence, useUi } from '../../../src-renderer/stores/ui';
import type { UiMemory } from '../../../src-renderer/stores/ui';

const hour = 3_600_000;

describe('tape', () => {
  const space = { from: 10 * hour + 32 * 60_000, to: 11 * hour + 32 * 60_000, width: 1100 };
  it('labels round times, far enough apart', () => {
    const major = tapeTicks(space, 0).filter((tick) => tick.size === 'major');
    expect(major.map((tick) => (tick.at / 60_000) % 60)).toEqual([40, 50, 0, 10, 20, 30]);
    expect((major[1]?.x ?? 0) - (major[0]?.x ?? 0)).toBeGreaterThanOrEqual(108);
  });
  it.each([300_000, 900_000, hour, 6 * hour, 24 * hour, 7 * 24 * hour])('has few ticks for a span of %d ms', (span) => {
    const ticks = tapeTicks({ from: 1_795_000_000_000 - span, to: 1_795_000_000_000, width: 1200 }, -480);
    expect(ticks.length).toBeLessThan(160);
    expect(ticks.filter((tick) => tick.size === 'major').length).toBeGreaterThan(2);
  });
  it('begins days at local midnight', () => {
    const ticks = tapeTicks({ from: 0, to: 7 * 24 * hour, width: 1200 }, -480).filter((tick) => tick.size === 'major');
    expect(ticks.every((tick) => (tick.at + 8 * hour) % (24 * hour) === 0)).toBe(true);
  });
  it('goes from time to pixel and back, and stays inside', () => {
    expect(tapeTime(tapeX(space.from + 1_234_000, space), space)).toBe(space.from + 1_234_000);
    expect(tapeTime(-50, space)).toBe(space.from);
    expect(tapeTime(5000, space)).toBe(space.to);
  });
  it('moves at a pace that fits its span', () => {
    expect([300_000, hour, 7 * 24 * hour].map(tapePace)).toEqual([1000, 1500, 30_000]);
  });
});

describe('fuzzy match', () => {
  it('finds letters in order and prefers words', () => {
    expect(fuzzyMatch('chk', 'shop / checkout')).toBeDefined();
    expect(fuzzyMatch('xyz', 'checkout')).toBeUndefined();
    const score = (text: string): number => fuzzyMatch('log', text)?.score ?? -1;
    expect(score('Logs')).toBeGreaterThan(score('Catalog'));
    expect(score('Catalog')).toBeGreaterThan(score('large orange'));
    expect(fuzzyMatch('se', 'Nodes everywhere')).toBeUndefined();
  });
  it('takes words in any order', () => {
    expect(fuzzyMatch('web restart', 'Restart web')).toBeDefined();
  });
  it('shows which letters matched', () => {
    const at = fuzzyMatch('check', 'my checkout')?.at ?? [];
    expect(splitMatch('my checkout', at)).toEqual([
      { text: 'my ', hit: false },
      { text: 'check', hit: true },
      { text: 'out', hit: false },
    ]);
  });
});

describe('palette ranking', () => {
  const item = (id: string, title: string, more: Partial<PaletteItem> = {}): PaletteItem => ({
    id,
    group: 'goTo',
    title,
    run: () => undefined,
    ...more,
  });
  it('keeps groups together, the best first, and fixed items last in theirs', () => {
    const ranked = rankItems('log', [
      {
        fixed: false,
        items: [
          item('1', 'Catalog'),
          item('2', 'Logs'),
          item('3', 'Restart', { group: 'actOn' }),
          item('4', 'Clear logs', { group: 'actOn' }),
        ],
      },
      { fixed: true, items: [item('5', 'Search logs for “log”', { group: 'searchLogs' })] },
    ]);
    expect(ranked.map((one) => one.item.id)).toEqual(['2', '1', '4', '5']);
  });
  it('finds by keywords what its title does not say', () => {
    expect(
      rankItems('dark', [{ fixed: false, items: [item('1', 'Switch theme', { keywords: 'dark light' })] }]),
    ).toHaveLength(1);
  });
});

describe('routes', () => {
  const view = (): Promise<object> => Promise.resolve({});
  it('exist for the views that exist, and no others', () => {
    const loaders = {
      './views/overview/OverviewView.vue': view,
      './views/logs/LogsView.vue': view,
      './views/odd/OddView.vue': view,
    };
    expect(existingScreens(loaders).map((screen) => screen.noun)).toEqual(['overview', 'logs']);
    const routes = routesOf(loaders);
    expect(routes.map((route) => route.path)).toEqual(['/', '/logs', '/:rest(.*)*']);
  });
});

describe('time range and cursor', () => {
  beforeEach(() => setActivePinia(createPinia()));
  it('follows now while live, and stays where the user pinned', () => {
    const ui = useUi();
    ui.tick(10 * hour);
    expect(ui.timeWindow).toEqual({ from: 9.75 * hour, to: 10 * hour });
    ui.setRange('1h');
    expect(ui.timeWindow).toEqual({ from: 9 * hour, to: 10 * hour });
    ui.hover(9.5 * hour);
    expect(ui.cursor).toBe(9.5 * hour);
    ui.hover(undefined);
    expect(ui.cursor).toBeUndefined();
    ui.pin(9.25 * hour);
    ui.tick(11 * hour);
    expect(ui.live).toBe(false);
    expect(ui.timeWindow).toEqual({ from: 9 * hour, to: 10 * hour });
    expect(ui.cursor).toBe(9.25 * hour);
    ui.goLive();
    expect(ui.timeWindow.to).toBe(11 * hour);
    expect(ui.cursor).toBeUndefined();
  });
  it('shows a brushed stretch, forgets a pin outside of it, and widens round the pin', () => {
    const ui = useUi();
    ui.tick(10 * hour);
    ui.pin(9.2 * hour);
    ui.setWindow({ from: 9.5 * hour, to: 9.6 * hour });
    expect(ui.brushed).toBe(true);
    expect(ui.cursor).toBeUndefined();
    ui.setWindow({ from: 9.5 * hour, to: 9.5 * hour + 10 });
    expect(ui.timeWindow.to).toBe(9.6 * hour);
    ui.pin(9.55 * hour);
    ui.setRange('15m');
    expect(ui.timeWindow.to - ui.timeWindow.from).toBe(900_000);
    expect(ui.timeWindow.from).toBeLessThan(9.55 * hour);
    expect(ui.timeWindow.to).toBeGreaterThan(9.55 * hour);
    expect(ui.brushed).toBe(false);
  });
  it('keeps its settings through what it is given, and survives nonsense', async () => {
    const ui = useUi();
    const written: UiMemory[] = [];
    ui.persistThrough({
      read: () => ({ theme: 'light', rangeId: 'nonsense' as never }),
      write: (memory) => written.push(memory),
    });
    expect([ui.theme, ui.rangeId]).toEqual(['light', '15m']);
    ui.language = 'zh-CN';
    await Promise.resolve();
    expect(written.at(-1)).toMatchObject({ theme: 'light', language: 'zh-CN' });
    localStorage.setItem('pilothouse.ui', '{broken');
    expect(localPersistence(localStorage).read()).toEqual({});
  });
});
