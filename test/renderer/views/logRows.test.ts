import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogLine } from '../../../src-main/contract/nouns';
import { asText, hitsOf, hueOf, plainWords, serviceKeyOf, withClocks } from '../../../src-renderer/views/logs/logRows';

describe('the words a query marks', () => {
  it.each([
    ['payments failed', ['payments', 'failed']],
    ['"no route" order', ['no route', 'order']],
    ['level:error timeout -retry', ['timeout']],
    ['(a OR b) AND NOT c', ['a', 'b', 'c']],
    ['/conn.*refused/ connect*', ['connect']],
    ['', []],
  ])('%s', (query, words) => {
    expect(plainWords(query)).toEqual(words);
  });
});

describe('a marker', () => {
  it('says its moments by the clock of the rows, and leaves all else as it is', () => {
    const args = { from: '2026-01-05T09:00:00.123Z', to: 'web.2', count: 3 };
    const shown = withClocks({ code: 'log.overrun', args }, (at) => `at ${at - Date.UTC(2026, 0, 5, 9)} ms`);
    expect(shown).toEqual({ code: 'log.overrun', args: { from: 'at 123 ms', to: 'web.2', count: 3 } });
    expect(withClocks({ code: 'log.gap' }, String)).toEqual({ code: 'log.gap' });
  });
});

describe('hits in a line', () => {
  it('finds all, in any case, in order, without overlap, and counts past colours', () => {
    expect(hitsOf('Error: no ERROR here', ['error'])).toEqual([
      [0, 5],
      [10, 15],
    ]);
    expect(hitsOf('\u001b[31mabc\u001b[0m abc', ['abc', 'bc'])).toEqual([
      [0, 3],
      [4, 7],
    ]);
  });

  it('holds for any text: sorted, inside, apart', () => {
    fc.assert(
      fc.property(fc.string(), fc.array(fc.string({ minLength: 1, maxLength: 3 }), { maxLength: 4 }), (text, words) => {
        let last = 0;
        for (const [start, end] of hitsOf(text, words)) {
          expect(start).toBeGreaterThanOrEqual(last);
          expect(end).toBeGreaterThan(start);
          last = end;
        }
      }),
    );
  });
});

describe('log rows', () => {
  const line: LogLine = {
    id: '1',
    at: 0,
    stack: 'shop',
    service: 'web',
    slot: 2,
    generation: 1,
    container: 'c',
    stream: 'stdout',
    level: 'info',
    text: '\u001b[32mok\u001b[0m',
  };

  it('keeps a hue per service and repeats after ten', () => {
    const hues = new Map<string, number>();
    const first = Array.from({ length: 11 }, (_, index) => hueOf(hues, `s${index}`));
    expect(first).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 1]);
    expect(hueOf(hues, 's3')).toBe(4);
  });

  it('writes lines as text without colours or skip rows', () => {
    expect(serviceKeyOf(line)).toBe('shop/web');
    expect(asText([line, { skipped: 4, id: 's', at: 1 }])).toBe('1970-01-01T00:00:00.000Z shop/web.2 info ok');
  });
});
