import { describe, expect, it } from 'vitest';
import { parseMemory, placeWindow, smallest } from '../../../src-main/shell/bounds';
import { glance, glanceText } from '../../../src-main/shell/glance';
import { shellLanguage, shellText } from '../../../src-main/shell/texts';

describe('where the window stands', () => {
  const display = { x: 0, y: 0, width: 1920, height: 1050 };

  it('is in the middle of the primary display at first', () => {
    expect(placeWindow(undefined, [display])).toEqual({ x: 240, y: 75, width: 1440, height: 900 });
  });

  it('is where it was', () => {
    const kept = { x: 30, y: 40, width: 1200, height: 800 };
    expect(placeWindow(kept, [display])).toEqual(kept);
  });

  it('comes back when its display is gone, or its title bar is out of reach', () => {
    const middle = placeWindow(undefined, [display]);
    expect(placeWindow({ x: 3000, y: 100, width: 1200, height: 800 }, [display])).toEqual(middle);
    expect(placeWindow({ x: 100, y: -500, width: 1200, height: 800 }, [display])).toEqual(middle);
    expect(placeWindow({ x: 1900, y: 100, width: 1200, height: 800 }, [display])).toEqual(middle);
  });

  it('is never smaller than it can be', () => {
    expect(placeWindow({ x: 0, y: 0, width: 200, height: 100 }, [display])).toMatchObject(smallest);
    expect(placeWindow(undefined, [{ x: 0, y: 0, width: 640, height: 480 }])).toMatchObject(smallest);
  });

  it.each([
    undefined,
    null,
    'x',
    7,
    [],
    { area: { x: 1 } },
    { area: { x: 1, y: NaN, width: 2, height: 3 }, theme: 'pink' },
  ])('trusts nothing in what was kept: %s', (value) => {
    expect(parseMemory(value)).toEqual({ maximized: false, theme: 'system', language: 'system' });
  });

  it('reads what was kept', () => {
    const memory = { area: { x: 1, y: 2, width: 3, height: 4 }, maximized: true, theme: 'dark', language: 'zh-CN' };
    expect(parseMemory(memory)).toEqual(memory);
  });
});

describe('the tray', () => {
  it('says the worst first', () => {
    const say = (...healths: Parameters<typeof glance>[0] extends Iterable<infer H> ? H[] : never): string =>
      glanceText(glance(healths, false), 'en');
    expect(say('ok', 'critical', 'progress', 'warning')).toBe('2 need you');
    expect(say('ok', 'progress')).toBe('1 changing');
    expect(say('ok', 'off')).toBe('All well');
    expect(say()).toBe('Nothing declared yet');
    expect(glanceText(glance(['ok'], true), 'en')).toBe('The engine does not answer');
    expect(glanceText(glance(['critical'], false), 'zh-CN')).toBe('1 个需要处理');
  });

  it('speaks the language of the setting, else of the system', () => {
    expect(shellLanguage('system', 'zh-TW')).toBe('zh-CN');
    expect(shellLanguage('system', 'de-DE')).toBe('en');
    expect(shellLanguage('en', 'zh-CN')).toBe('en');
    expect(shellText('en', 'needYou', { count: 2 })).toBe('2 need you');
  });
});
