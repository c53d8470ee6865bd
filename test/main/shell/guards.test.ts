import { describe, expect, it } from 'vitest';
import { largestMessage, RateLimit, withinSize } from '../../../src-main/shell/limits';
import { debugSwitches, shellOptions } from '../../../src-main/shell/options';
import { onOurPage, trusted, type Sender } from '../../../src-main/shell/sender';

describe('who is heard', () => {
  const known = new Set([7]);
  const page = 'app://pilothouse/index.html#/services';
  const frame = { url: page, origin: 'app://pilothouse', top: true };

  it('hears the top frame of a known window on our page', () => {
    expect(trusted({ contentsId: 7, frame }, known)).toBe(true);
  });

  it.each<[string, Sender]>([
    ['a frame that is gone', { contentsId: 7, frame: null }],
    ['a frame inside the page', { contentsId: 7, frame: { ...frame, top: false } }],
    ['another window', { contentsId: 8, frame }],
    ['an empty page', { contentsId: 7, frame: { url: 'about:blank', origin: 'null', top: true } }],
    ['no address', { contentsId: 7, frame: { url: '', origin: '', top: true } }],
    ['a website', { contentsId: 7, frame: { url: 'https://pilothouse/', origin: 'https://pilothouse', top: true } }],
    ['a file', { contentsId: 7, frame: { url: 'file:///index.html', origin: 'file://', top: true } }],
    [
      'a look-alike host',
      { contentsId: 7, frame: { url: 'app://pilothouse.evil/', origin: 'app://pilothouse.evil', top: true } },
    ],
    ['an origin that only begins like ours', { contentsId: 7, frame: { ...frame, origin: 'app://pilothouse2' } }],
    ['our origin on another page', { contentsId: 7, frame: { ...frame, url: 'app://evil/' } }],
    ['a blob page', { contentsId: 7, frame: { ...frame, url: 'blob:app://pilothouse/1' } }],
  ])('does not hear %s', (_name, sender) => {
    expect(trusted(sender, known)).toBe(false);
  });

  it('knows its own pages exactly', () => {
    expect(onOurPage('app://pilothouse/')).toBe(true);
    for (const url of ['app://pilothouse:1/', 'app://a@pilothouse/', 'apps://pilothouse/', 'app:pilothouse', 'app://'])
      expect(onOurPage(url)).toBe(false);
  });
});

describe('how much is heard', () => {
  it('takes ordinary messages', () => {
    expect(
      withinSize({ t: 'call', id: 1, name: 'stacks.apply', input: { files: [{ name: 'a', text: 'x'.repeat(1e6) }] } }),
    ).toBe(true);
    expect(withinSize(null)).toBe(true);
    expect(withinSize(undefined)).toBe(true);
  });

  it('refuses what is too large, too deep, too many or no plain data', () => {
    const cyclic: Record<string, unknown> = {};
    cyclic['self'] = cyclic;
    let deep: unknown = 1;
    for (let level = 0; level < 100; level++) deep = [deep];
    const shared = { a: 1 };
    expect(withinSize('x'.repeat(largestMessage + 1))).toBe(false);
    expect(withinSize(Array.from({ length: 300_000 }, () => 0))).toBe(false);
    expect(withinSize(deep)).toBe(false);
    expect(withinSize(cyclic)).toBe(false);
    expect(withinSize([shared, shared])).toBe(false);
    expect(withinSize(new Map([[1, 2]]))).toBe(false);
    expect(withinSize(new Date())).toBe(false);
    expect(withinSize(new Uint8Array(10))).toBe(false);
    expect(withinSize(10n)).toBe(false);
  });

  it('lets bursts through and floods not', () => {
    let now = 0;
    const rate = new RateLimit({ monotonic: () => now }, 100, 10);
    const taken = Array.from({ length: 50 }, () => rate.take()).filter(Boolean).length;
    expect(taken).toBe(10);
    now = 50;
    expect(Array.from({ length: 50 }, () => rate.take()).filter(Boolean).length).toBe(5);
    now = 100_000;
    expect(Array.from({ length: 50 }, () => rate.take()).filter(Boolean).length).toBe(10);
  });
});

describe('the start options', () => {
  it('reads its own words and leaves the rest', () => {
    expect(shellOptions(['--demo', '--no-sandbox', 'pilothouse://logs'], { PILOTHOUSE_SCREENSHOTS: '/shots' })).toEqual(
      {
        demo: true,
        hidden: false,
        link: 'pilothouse://logs',
        screenshots: '/shots',
      },
    );
    expect(shellOptions(['--hidden'], {})).toEqual({ demo: false, hidden: true });
  });

  it('knows the switches that open the app to others', () => {
    const argv = [
      '--inspect=0',
      '--inspect-brk',
      '--remote-debugging-port=9222',
      '--js-flags=x',
      '--demo',
      '--inspector',
    ];
    expect(debugSwitches(argv)).toEqual([
      '--inspect=0',
      '--inspect-brk',
      '--remote-debugging-port=9222',
      '--js-flags=x',
    ]);
  });
});
