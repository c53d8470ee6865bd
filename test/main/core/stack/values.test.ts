/** Small readers: units, ports, paths, commands, scalars. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { suggest } from '../../../../src-main/core/stack/didYouMean';
import { splitMount } from '../../../../src-main/core/stack/mountText';
import { baseName, folderOf, insideOf, isAbsolute, joinPath, plainPath } from '../../../../src-main/core/stack/paths';
import { parsePortText } from '../../../../src-main/core/stack/ports';
import { resolvePlain, scalarText } from '../../../../src-main/core/stack/scalar';
import { sha256, utf8 } from '../../../../src-main/core/stack/sha256';
import { splitWords } from '../../../../src-main/core/stack/shellWords';
import { durationText, parseBytes, parseDuration } from '../../../../src-main/core/stack/units';

describe('durations', () => {
  it.each([
    ['0', 0],
    ['10s', 10_000],
    ['1m30s', 90_000],
    ['1h30m', 5_400_000],
    ['500ms', 500],
    ['1.5s', 1500],
    ['2us', 0.002],
    ['1d', 86_400_000],
    ['1h5m30s20ms', 3_930_020],
  ])('%s is %d ms', (text, expected) => expect(parseDuration(text)).toBe(expected));

  it.each(['', '10', 's', '1x', '-1s', '1s 2', '1e3s', '1,5s'])('%j is none', (text) =>
    expect(parseDuration(text)).toBeUndefined(),
  );

  it('are read back as they were written', () => {
    const milliseconds = fc.oneof(
      fc.nat(),
      fc.nat().map((value) => value / 1000),
      fc.integer({ min: 0, max: 1e12 }),
    );
    fc.assert(
      fc.property(milliseconds, (value) => {
        expect(parseDuration(durationText(value))).toBeCloseTo(value, 5);
      }),
    );
  });
});

describe('sizes', () => {
  it.each([
    ['100', 100],
    ['1k', 1024],
    ['1.5g', 1_610_612_736],
    ['64MB', 67_108_864],
    ['64MiB', 67_108_864],
    ['1 b', 1],
    ['2t', 2_199_023_255_552],
  ])('%s is %d bytes', (text, expected) => expect(parseBytes(text)).toBe(expected));

  it.each(['', 'x', '-1', '1x', '1e3', '1..5g', '99999999p'])('%j is none', (text) =>
    expect(parseBytes(text)).toBeUndefined(),
  );
});

describe('ports', () => {
  const tcp = { protocol: 'tcp' as const };
  it.each([
    ['80', [{ target: 80, ...tcp }]],
    ['80/udp', [{ target: 80, protocol: 'udp' as const }]],
    ['8080:80', [{ target: 80, published: { from: 8080, to: 8080 }, ...tcp }]],
    ['8080-8090:80', [{ target: 80, published: { from: 8080, to: 8090 }, ...tcp }]],
    ['127.0.0.1:8080:80', [{ target: 80, published: { from: 8080, to: 8080 }, hostIp: '127.0.0.1', ...tcp }]],
    ['127.0.0.1::80', [{ target: 80, hostIp: '127.0.0.1', ...tcp }]],
    ['[::1]:8080:80', [{ target: 80, published: { from: 8080, to: 8080 }, hostIp: '::1', ...tcp }]],
    ['::1:8080:80', [{ target: 80, published: { from: 8080, to: 8080 }, hostIp: '::1', ...tcp }]],
    [
      '1-2:3-4',
      [
        { target: 3, published: { from: 1, to: 1 }, ...tcp },
        { target: 4, published: { from: 2, to: 2 }, ...tcp },
      ],
    ],
    [
      '3-4',
      [
        { target: 3, ...tcp },
        { target: 4, ...tcp },
      ],
    ],
  ])('%s', (text, expected) => expect(parsePortText(text)).toEqual(expected));

  it.each([
    ['', 'shape'],
    ['x', 'shape'],
    ['1:2:3', 'shape'],
    ['999.0.0.1:1:2', 'shape'],
    ['70000', 'range'],
    ['9-1', 'range'],
    ['1-3:1-2', 'lengths'],
    ['80/icmp', 'protocol'],
  ])('%j is none: %s', (text, fault) => expect(parsePortText(text)).toBe(fault));

  it('never throws', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('8', '0', ':', '-', '/', '[', ']', '.', 'udp')),
        (parts) => parsePortText(parts.join('')) !== undefined,
      ),
    );
  });
});

describe('volumes', () => {
  it.each([
    ['/data', { target: '/data', options: [] }],
    ['a:/data', { source: 'a', target: '/data', options: [] }],
    ['a:/data:ro,z', { source: 'a', target: '/data', options: ['ro', 'z'] }],
    ['d:/x:ro', { source: 'd', target: '/x', options: ['ro'] }],
    ['./a:/b', { source: './a', target: '/b', options: [] }],
    ['C:\\data:/data:ro', { source: 'C:\\data', target: '/data', options: ['ro'] }],
    ['C:/data:/data', { source: 'C:/data', target: '/data', options: [] }],
    ['C:\\a:D:\\b', { source: 'C:\\a', target: 'D:\\b', options: [] }],
  ])('%s', (text, expected) => expect(splitMount(text)).toEqual(expected));
});

describe('paths', () => {
  it.each([
    ['/a/b', './c', '/a/b/c'],
    ['/a/b', '../c', '/a/c'],
    ['/a/b', '/c', '/c'],
    ['/', '../..', '/'],
    [undefined, './c', 'c'],
    [undefined, '../c', '../c'],
    ['C:\\a', '.\\c', 'C:\\a\\c'],
    ['C:\\a', './c', 'C:\\a\\c'],
    ['/a', 'C:\\c', 'C:\\c'],
  ])('%s and %s is %s', (base, path, expected) => expect(joinPath(base, path)).toBe(expected));

  it('are made plain', () => {
    expect(plainPath('/a/./b//../c/')).toBe('/a/c');
    expect(plainPath('.')).toBe('.');
    expect(plainPath('a/../..')).toBe('..');
    expect([folderOf('a/b'), folderOf('a'), folderOf('/a'), baseName('/a/b/')]).toEqual(['a', '.', '/', 'b']);
    expect([isAbsolute('/a'), isAbsolute('C:/a'), isAbsolute('a'), isAbsolute('\\\\host\\share')]).toEqual([
      true,
      true,
      false,
      true,
    ]);
  });

  it('inside a folder are relative to it, beside it are not', () => {
    expect(insideOf('/srv/app', '/srv/app/a/b')).toBe('a/b');
    expect(insideOf('/srv/app', '/srv/app-evil/a')).toBe('/srv/app-evil/a');
    expect(insideOf('/srv/app', '/srv/app/../secret')).toBe('/srv/secret');
  });
});

describe('commands', () => {
  it.each([
    ['a b', ['a', 'b']],
    ['a \'b c\' "d e"', ['a', 'b c', 'd e']],
    ['a\\ b', ['a b']],
    ["''", ['']],
    ['', []],
    ['a"b"c', ['abc']],
    ["'a\\b'", ['a\\b']],
    ['"a\\"b"', ['a"b']],
  ])('%s', (text, expected) => expect(splitWords(text)).toEqual({ words: expected }));

  it('are cut where Compose cuts them, and that is told', () => {
    expect(splitWords('echo a; rm -rf /')).toEqual({ words: ['echo', 'a'], fault: 'operator' });
    expect(splitWords('cmd 2>&1')).toEqual({ words: ['cmd'], fault: 'operator' });
    expect(splitWords("echo 'a")).toMatchObject({ fault: 'quote' });
    expect(splitWords("echo 'a; b'")).toEqual({ words: ['echo', 'a; b'] });
  });
});

describe('plain scalars', () => {
  it.each([
    ['', null],
    ['~', null],
    ['null', null],
    ['true', true],
    ['False', false],
    ['yes', 'yes'],
    ['off', 'off'],
    ['0755', 493],
    ['0o755', 493],
    ['0x1F', 31],
    ['0b11', 3],
    ['1_000', 1000],
    ['-5', -5],
    ['+5', 5],
    ['1.50', 1.5],
    ['1e3', 1000],
    ['.5', 0.5],
    ['089', 89],
    ['12345678901234567890', '12345678901234567890'],
    ['2001-01-01', '2001-01-01'],
    ['22:22', '22:22'],
    ['1.2.3', '1.2.3'],
  ])('%s is %j', (text, expected) => expect(resolvePlain(text)).toBe(expected));

  it('as text', () => {
    expect([scalarText(1.5), scalarText(true), scalarText(null), scalarText('x')]).toEqual(['1.5', 'true', '', 'x']);
  });
});

describe('did you mean', () => {
  it.each([
    ['enviroment', ['environment', 'entrypoint'], 'environment'],
    ['prots', ['ports', 'pid'], 'ports'],
    ['depends-on', ['depends_on'], 'depends_on'],
    ['zzz', ['ports'], undefined],
    ['', ['a'], undefined],
    ['x'.repeat(1000), ['x'.repeat(1001)], undefined],
  ])('%s', (word, candidates, expected) => expect(suggest(word, candidates)).toBe(expected));
});

describe('sha256', () => {
  it('is what Node computes', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ minLength: 50, maxLength: 200 }));
    fc.assert(
      fc.property(text, (value) => {
        expect(sha256(value)).toBe(createHash('sha256').update(value, 'utf8').digest('hex'));
      }),
    );
    for (const length of [0, 1, 54, 55, 56, 63, 64, 65, 119, 120, 1000]) {
      const value = 'a'.repeat(length);
      expect(sha256(value)).toBe(createHash('sha256').update(value).digest('hex'));
    }
  });

  it('writes UTF-8 as Node does, lone surrogates too', () => {
    for (const value of ['ä', '漢字', '😀', '\ud800x', 'x\udc00'])
      expect([...utf8(value)]).toEqual([...Buffer.from(value, 'utf8')]);
  });
});
