import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainOf, sanitize } from '../../../../../src-main/core/logs/ingest/sanitize';

const e = '\u001b';
const table: [name: string, text: string, shown: string][] = [
  ['plain', 'hello', 'hello'],
  ['tab', 'a\tb', 'a\tb'],
  ['SGR', `${e}[31mred${e}[0m`, `${e}[31mred${e}[0m`],
  ['SGR empty', `${e}[mx`, `${e}[mx`],
  ['SGR 256', `${e}[38;5;196mx`, `${e}[38;5;196mx`],
  ['SGR colon', `${e}[4:3mx`, `${e}[4:3mx`],
  ['SGR private', `${e}[>4;2mx`, 'x'],
  ['SGR endless', `${e}[${'1;'.repeat(100)}mx`, 'x'],
  ['clear screen', `a${e}[2Jb`, 'ab'],
  ['cursor', `a${e}[10;20Hb`, 'ab'],
  ['alternate screen', `${e}[?1049hx${e}[?1049l`, 'x'],
  ['device status', `${e}[6nx`, 'x'],
  ['window size', `${e}[8;1;1tx`, 'x'],
  ['CSI with intermediate', `${e}[0 qx`, 'x'],
  ['CSI cut by a control', `${e}[12\u0001x`, '\u2401x'],
  ['CSI unterminated', `a${e}[12`, 'a'],
  ['title BEL', `${e}]0;pwn\u0007x`, 'x'],
  ['title ST', `${e}]0;pwn${e}\\x`, 'x'],
  ['title C1 ST', `${e}]0;pwn\u009cx`, 'x'],
  ['hyperlink', `${e}]8;;file:///etc/passwd\u0007click${e}]8;;\u0007`, 'click'],
  ['clipboard', `${e}]52;c;cHduZWQ=\u0007x`, 'x'],
  ['palette', `${e}]4;1;rgb:00/00/00${e}\\x`, 'x'],
  ['iTerm file', `${e}]1337;File=inline=1:AAAA\u0007x`, 'x'],
  ['notification', `${e}]777;notify;a;b\u0007x`, 'x'],
  ['DCS', `${e}Pq#0;2;0;0;0${e}\\x`, 'x'],
  ['DCS with BEL inside', `${e}Pa\u0007b${e}\\x`, 'x'],
  ['APC', `${e}_Gf=100;AAAA${e}\\x`, 'x'],
  ['PM', `${e}^secret${e}\\x`, 'x'],
  ['SOS', `${e}Xabc${e}\\x`, 'x'],
  ['OSC unterminated hides nothing', `a${e}]52;c;x evil`, 'a\u241b]52;c;x evil'],
  ['DCS unterminated hides nothing', `a${e}Pevil`, 'a\u241bPevil'],
  ['C1 CSI', 'a\u009b31mb', 'ab'],
  ['C1 OSC', 'a\u009d0;t\u0007b', 'ab'],
  ['C1 DCS', 'a\u0090x\u009cb', 'ab'],
  ['C1 other', 'a\u0085b', 'a\ufffdb'],
  ['reset', `${e}cx`, 'x'],
  ['charset', `${e}(0x`, 'x'],
  ['keypad', `${e}=x${e}>y`, 'xy'],
  ['save and restore', `${e}7x${e}8`, 'x'],
  ['double ESC', `${e}${e}[31mx`, `${e}[31mx`],
  ['ESC at the end', `x${e}`, 'x'],
  ['ESC before intermediates at the end', `x${e}(`, 'x'],
  ['NUL', 'a\u0000b', 'a\u2400b'],
  ['bell', 'a\u0007', 'a\u2407'],
  ['backspace', 'abc\b\b\bxyz', 'abc\u2408\u2408\u2408xyz'],
  ['DEL', 'a\u007fb', 'a\u2421b'],
  ['CR at the end', 'a\r', 'a'],
  ['CRLF at the end', 'a\r\n', 'a'],
  ['CR inside', '10%\r20%', '10%\u240d20%'],
  ['shift out', 'a\u000eb', 'a\u240eb'],
  ['vertical tab', 'a\u000bb', 'a\u240bb'],
  ['right-to-left override', 'a\u202etxt.exe', 'a\ufffdtxt.exe'],
  ['isolate', 'a\u2066b\u2069', 'a\ufffdb\ufffd'],
  ['HTML stays text', '<img src=x onerror="window.pwn=1">', '<img src=x onerror="window.pwn=1">'],
  ['template stays text', "{{constructor.constructor('x')()}}", "{{constructor.constructor('x')()}}"],
  ['Chinese', '错误：连接超时', '错误：连接超时'],
  ['emoji', 'ok 👍🏽', 'ok 👍🏽'],
  ['replacement', 'a\ufffdb', 'a\ufffdb'],
  ['SGR split by text', `${e}[3text`, 'ext'],
  ['OSC in SGR', `${e}[1m${e}]0;x\u0007b${e}[0m`, `${e}[1mb${e}[0m`],
  ['SGR after unterminated OSC', `${e}]0;a ${e}[31mb`, `\u241b]0;a ${e}[31mb`],
];

describe('hostile text', () => {
  it.each(table)('%s', (_name, text, shown) => {
    expect(sanitize(text)).toBe(shown);
  });

  it('keeps nothing but SGR, and cleaning twice changes nothing', () => {
    const pieces = fc.constantFrom(
      e,
      '[',
      ']',
      'm',
      '31',
      ';',
      'P',
      '\\',
      '\u0007',
      '\u009b',
      '\u009d',
      '\u009c',
      'text ',
      '\r',
      '\u202e',
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 60 }), (parts) => {
        const clean = sanitize(parts.join(''));
        // eslint-disable-next-line no-control-regex -- control characters are what must be gone
        expect(plainOf(clean)).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/);
        expect(sanitize(clean)).toBe(clean);
      }),
      { numRuns: 1000 },
    );
  });

  it('stays linear: megabytes of unterminated sequences', () => {
    const started = performance.now();
    for (const piece of [`${e}]`, `${e}P`, `${e}[`, `${e}(`, '\u009d'])
      expect(sanitize(piece.repeat(200_000)).length).toBeLessThanOrEqual(800_000);
    // Not a speed test: a quadratic scan would need hours.
    expect(performance.now() - started).toBeLessThan(15_000);
  });
});
