import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ansiRuns, markRuns } from '../../../src-renderer/parts/ansi';
import { placeFloating } from '../../../src-renderer/parts/floatingPlace';
import { nextEnabled } from '../../../src-renderer/parts/menu';
import { layoutDots } from '../../../src-renderer/parts/replicaDots';
import { sparkPaths } from '../../../src-renderer/parts/sparkPath';
import { compareStates, worstState } from '../../../src-renderer/parts/state';
import { countForKey } from '../../../src-renderer/parts/stepperModel';

describe('states', () => {
  it('sorts the worst first', () => {
    expect((['off', 'ok', 'critical', 'progress', 'warning'] as const).toSorted(compareStates)).toEqual([
      'critical',
      'warning',
      'progress',
      'ok',
      'off',
    ]);
    expect(worstState(['ok', 'progress', 'off'])).toBe('progress');
    expect(worstState([])).toBe('off');
  });
});

describe('sparkline', () => {
  it('breaks at gaps instead of bridging them', () => {
    const { line, fill } = sparkPaths([1, 2, null, 3], { width: 30, height: 10, max: 4 });
    expect(line.match(/M/g)).toHaveLength(2);
    expect(fill.match(/z/g)).toHaveLength(2);
  });
  it('colours only what is at or above the limit, from the point before', () => {
    const { hot } = sparkPaths([1, 1, 5, 5, 1], { width: 40, height: 10, max: 10, limit: 4 });
    expect(hot).toMatch(/^M10\.0 [\d.]+L20\.0 [\d.]+L30\.0 [\d.]+$/);
    expect(sparkPaths([1, 2], { width: 40, height: 10, limit: 4 }).hot).toBe('');
  });
  it('writes the ends of a level stretch alone, and looks the same', () => {
    expect(sparkPaths([2, 2, 2, 2, 4], { width: 40, height: 10, max: 4 }).line).toBe('M0.0 5.0L30.0 5.0L40.0 1.0');
    expect(sparkPaths([2, 2, 2], { width: 40, height: 10, max: 4, fill: false }).fill).toBe('');
  });
  it('draws every finite curve inside its box', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.double({ min: -1e9, max: 1e12, noNaN: true })), { maxLength: 60 }),
        (values) => {
          const { line } = sparkPaths(values, { width: 52, height: 18 });
          for (const [, x, y] of line.matchAll(/[ML]([\d.]+) ([\d.]+)/g)) {
            expect(Number(x)).toBeLessThanOrEqual(52.1);
            expect(Number(y)).toBeLessThanOrEqual(17.1);
          }
          expect(line).not.toMatch(/NaN|Infinity/);
        },
      ),
    );
  });
});

describe('replica dots', () => {
  it('parts revisions by a hairline', () => {
    const layout = layoutDots([
      { state: 'ok', revision: 'r13' },
      { state: 'ok', revision: 'r13' },
      { state: 'critical', revision: 'r14' },
    ]);
    expect(layout.items.map((item) => item.kind)).toEqual(['dot', 'dot', 'separator', 'dot']);
    expect(layout.sum).toBe('');
  });
  it('sums up a crowd and draws only the ones that are not well', () => {
    const layout = layoutDots([
      ...Array.from({ length: 12 }, () => ({ state: 'ok' as const })),
      { state: 'critical' },
      { state: 'progress' },
    ]);
    expect(layout.sum).toBe('12/14');
    expect(layout.items).toHaveLength(2);
  });
});

describe('stepper keys', () => {
  const at = { current: 3, typed: '', min: 0, max: 20 };
  it.each([
    ['ArrowUp', 4],
    ['ArrowDown', 2],
    ['PageUp', 13],
    ['PageDown', 0],
    ['Home', 0],
    ['End', 20],
    ['7', 7],
    ['x', undefined],
  ])('%s asks for %s', (key, count) => expect(countForKey(key, at)).toBe(count));
  it('takes digits one after another, up to the most', () => {
    expect(countForKey('2', { ...at, typed: '1' })).toBe(12);
    expect(countForKey('9', { ...at, typed: '9' })).toBe(20);
  });
});

describe('menu', () => {
  const items = [
    { id: 'a', label: 'A', reason: 'no' },
    { id: 'b', label: 'B' },
    { id: 'c', label: 'C', reason: 'no' },
    { id: 'd', label: 'D' },
  ];
  it('skips what cannot be chosen, both ways round', () => {
    expect(nextEnabled(items, -1, 1)).toBe(1);
    expect(nextEnabled(items, 1, 1)).toBe(3);
    expect(nextEnabled(items, 3, 1)).toBe(1);
    expect(nextEnabled(items, 1, -1)).toBe(3);
    expect(nextEnabled([{ id: 'a', label: 'A', reason: 'no' }], 0, 1)).toBe(-1);
  });
});

describe('floating things', () => {
  const viewport = { width: 400, height: 300 };
  const size = { width: 100, height: 80 };
  it('flips above when there is no room below', () => {
    expect(
      placeFloating({ left: 10, top: 260, width: 40, height: 20 }, { size, viewport, placement: 'bottom-start' }),
    ).toEqual({ left: 10, top: 176 });
  });
  it('never leaves the viewport', () => {
    fc.assert(
      fc.property(
        fc.nat(500),
        fc.nat(500),
        fc.constantFrom('bottom-start', 'bottom-end', 'bottom-center', 'top-center', 'right-start'),
        (left, top, placement) => {
          const corner = placeFloating({ left, top, width: 30, height: 20 }, { size, viewport, placement });
          expect(corner.left).toBeGreaterThanOrEqual(6);
          expect(corner.left + size.width).toBeLessThanOrEqual(viewport.width);
          expect(corner.top).toBeGreaterThanOrEqual(6);
          expect(corner.top + size.height).toBeLessThanOrEqual(viewport.height);
        },
      ),
    );
  });
});

describe('terminal colours', () => {
  it('takes colours apart and keeps the text', () => {
    expect(ansiRuns('\u001b[32m200\u001b[0m GET /')).toEqual([{ text: '200', colour: 'green' }, { text: ' GET /' }]);
    expect(ansiRuns('\u001b[1;91mbad\u001b[0m')).toEqual([{ text: 'bad', colour: 'red', bold: true }]);
    expect(ansiRuns('\u001b[38;5;208mx')).toEqual([{ text: 'x', colour: 'rgb(255, 135, 0)' }]);
    expect(ansiRuns('\u001b[38;2;1;2;3mx')[0]?.colour).toMatch(/^rgb\(1, ?2, ?3\)$/);
  });
  it('drops cursor moves, titles and control characters, and leaves markup as text', () => {
    const text = ansiRuns('a\u001b[2Jb\u001b]0;title\u0007c\u0000\u0007\r<img src=x onerror=alert(1)>\ttab')
      .map((run) => run.text)
      .join('');
    expect(text).toBe('abc<img src=x onerror=alert(1)>\ttab');
  });
  it('never lets an escape through, whatever the line', () => {
    const piece = fc.constantFrom(
      '\u001b',
      '[',
      '3',
      '1',
      ';',
      'm',
      ']',
      '\u0007',
      '\\',
      'x',
      '\u009b',
      'K',
      '38;2;',
      '\u001b[',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        for (const run of ansiRuns(pieces.join(''))) {
          expect(run.text).not.toContain('\u001b');
          expect(run.colour ?? 'red').toMatch(/^([a-z]+|rgb\([\d, ]+\))$/);
        }
      }),
    );
  });
  it('marks hits across colours without losing a letter', () => {
    const runs = markRuns([{ text: 'pay', colour: 'red' }, { text: 'ments down' }], [[1, 8]]);
    expect(runs.map((run) => [run.text, run.hit])).toEqual([
      ['p', false],
      ['ay', true],
      ['ments', true],
      [' down', false],
    ]);
  });
});
