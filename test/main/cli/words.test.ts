import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src-main/cli/command';
import { bytes, clockTime, columns, duration, harmless, logText } from '../../../src-main/cli/format';
import { Output, type Screen } from '../../../src-main/cli/output';
import { parseTarget, scopeOf } from '../../../src-main/cli/targets';
import { parseMoment, parseSpan } from '../../../src-main/cli/times';

describe('figures', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.00 KiB'],
    [402 * 1024 * 1024, '402 MiB'],
    [1.5 * 1024 ** 3, '1.50 GiB'],
    [99.95 * 1024, '100.0 KiB'],
    [1023.9 * 1024, '1.00 MiB'],
    [5e15, '4547 TiB'],
  ])('%d bytes are %s', (value, text) => {
    expect(bytes(value)).toBe(text);
  });

  it.each([
    [-5, '0 ms'],
    [999, '999 ms'],
    [1000, '1 s'],
    [168_000, '2 min 48 s'],
    [3_600_000, '1 h'],
    [90_061_000, '1 d 1 h'],
    [86_400_000 * 400, '400 d'],
  ])('%d ms are %s', (value, text) => {
    expect(duration(value)).toBe(text);
  });

  it('shows the date of other days only', () => {
    const now = new Date(2026, 4, 3, 12, 0, 0).getTime();
    expect(clockTime(new Date(2026, 4, 3, 9, 5, 7).getTime(), now)).toBe('09:05:07');
    expect(clockTime(new Date(2026, 4, 2, 9, 5, 7).getTime(), now)).toBe('2026-05-02 09:05:07');
  });
});

describe('text from elsewhere', () => {
  it('cannot steer the terminal', () => {
    const hostile = '\u001b]0;title\u0007\u001b[2Jx\u001b]52;c;aGk=\u0007\r\b\u009b31m\u202etxt.exe';
    const shown = harmless(hostile);
    // eslint-disable-next-line no-control-regex -- none may be left
    expect(shown).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(shown).toContain('\\u001b]0;title');
    expect(harmless('a\n\tb\nc', true)).toBe('a b c');
  });

  it('keeps the colours of log lines, when the terminal shows colours', () => {
    expect(logText('\u001b[31mred\u001b[0m \u001b]8;;file:///x\u0007', true)).toBe(
      '\u001b[31mred\u001b[0m \\u001b]8;;file:///x\\u0007\u001b[0m',
    );
    expect(logText('\u001b[31mred\u001b[0m', false)).toBe('red');
    expect(logText('plain', true)).toBe('plain');
  });

  it('counts wide characters as two columns', () => {
    expect(columns('日本')).toBe(4);
    expect(columns('\u001b[31mab\u001b[0m')).toBe(2);
  });
});

describe('names', () => {
  it.each([
    ['shop', { kind: 'stack', stack: 'shop' }],
    ['shop/web', { kind: 'service', service: 'shop/web', stack: 'shop' }],
    ['shop/web.2', { kind: 'replica', replica: 'shop/web.2', service: 'shop/web', slot: 2, stack: 'shop' }],
    ['shop/web.v2', { kind: 'service', service: 'shop/web.v2', stack: 'shop' }],
    ['shop/web.v2.3', { kind: 'replica', replica: 'shop/web.v2.3', service: 'shop/web.v2', slot: 3, stack: 'shop' }],
    ['shop/2', { kind: 'service', service: 'shop/2', stack: 'shop' }],
  ])('%s', (text, target) => {
    expect(parseTarget(text)).toEqual(target);
  });

  it.each(['', 'Shop', '/web', 'shop/', 'a b', '../x', 'shop/web/x', '--x', '__proto__', 'shop;rm'])(
    '%s is none',
    (text) => {
      expect(() => parseTarget(text)).toThrow(UsageError);
    },
  );

  it('make a scope together', () => {
    expect(scopeOf(['shop', 'blog/web', 'blog/api.1'])).toEqual({
      stacks: ['shop'],
      services: ['blog/web'],
      replicas: ['blog/api.1'],
    });
    expect(scopeOf([])).toEqual({});
  });
});

describe('times', () => {
  const now = 1_800_000_000_000;
  it.each([
    ['90', 90_000],
    ['90s', 90_000],
    ['2m30s', 150_000],
    ['1.5h', 5_400_000],
    ['250ms', 250],
    ['1d', 86_400_000],
  ])('%s is %d ms', (text, value) => {
    expect(parseSpan(text, 'x')).toBe(value);
    expect(parseMoment(text, 'since', now)).toBe(now - value);
  });

  it('may be moments', () => {
    expect(parseMoment('2026-05-01T12:00:00Z', 'since', now)).toBe(Date.UTC(2026, 4, 1, 12));
    expect(parseMoment('1700000000', 'since', now)).toBe(1_700_000_000_000);
  });

  it.each(['', 'x', '5x', 'm', '1h x', '-5', '2026-99-99'])('%s is none', (text) => {
    expect(() => parseMoment(text, 'since', now)).toThrow(UsageError);
  });
});

describe('output', () => {
  function screens(json: boolean, coloured = false) {
    const said = { out: '', errors: '' };
    const make = (key: 'out' | 'errors'): Screen => ({
      write: (text) => (said[key] += text),
      coloured,
      interactive: false,
    });
    return { said, out: new Output(json, make('out'), make('errors')) };
  }
  const table = [
    { title: 'NAME', text: (row: { name: string }) => row.name },
    { title: 'SIZE', text: (row: { name: string; size: number }) => String(row.size), right: true },
  ];

  it('lines up tables, wide characters too', () => {
    const { said, out } = screens(false);
    out.table(
      [
        { name: '日本', size: 5 },
        { name: 'abc', size: 1000 },
      ],
      table,
      'none',
    );
    expect(said.out).toBe('NAME  SIZE\n日本     5\nabc   1000\n');
    out.table([], table, 'none');
    expect(said.out.endsWith('none\n')).toBe(true);
  });

  it('is JSON and nothing else when asked', () => {
    const { said, out } = screens(true);
    out.line('x');
    out.note('x');
    out.table([{ name: 'a', size: 1 }], table, 'none');
    out.value({ a: 1 });
    out.item({ b: 2 });
    expect(said.out).toBe('{\n  "a": 1\n}\n{"b":2}\n');
    out.problem({ code: 'not-found', message: 'm', hint: 'h' });
    expect(JSON.parse(said.errors)).toEqual({ code: 'not-found', message: 'm', hint: 'h' });
  });

  it('says every problem with its place, and the hint once', () => {
    const { said, out } = screens(false);
    out.problem({
      code: 'bad-input',
      message: 'first',
      more: [
        { code: 'bad-input', message: 'first', where: { file: 'compose.yaml', line: 3, column: 5 } },
        { code: 'bad-input', message: 'second\u001b[2J', where: { line: 9 }, hint: 'do this' },
      ],
    });
    expect(said.errors).toBe('compose.yaml:3:5: first\n9: second\\u001b[2J\ndo this\n');
  });

  it('colours only where colours are shown', () => {
    expect(screens(false, true).out.state('critical', 'Down')).toContain('\u001b[31m');
    expect(screens(false, false).out.state('critical', 'Down')).toBe('◆ Down');
  });
});
