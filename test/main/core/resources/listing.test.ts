/** Listings of folders: what programs write there is anybody's text. */
import { expect, it } from 'vitest';
import { readFacts, readNames } from '../../../../src-main/core/resources/listing';

const folder = '/pilothouse-data/x';
const word = 'a1b2c3d4e5f60718';
const record = (facts: string, name: string, quoted = `'${folder}/${name}'`): string =>
  `${word}${facts}${word}${folder}/${name}${word}${quoted}\n`;

it.each([
  ['plain names', `${folder}/a\0${folder}/b\0`, ['a', 'b']],
  ['nothing', '', []],
  [
    'line breaks, dashes and controls',
    `${folder}/a\nb\0${folder}/-rf\0${folder}/\u001b[31m\0`,
    ['a\nb', '-rf', '\u001b[31m'],
  ],
  ['a warning before a name', `find: ${folder}/c: Permission denied\n${folder}/d\0`, ['d']],
  ['a warning alone, cut off', `${folder}/a\0find: no`, ['a']],
  ['paths of elsewhere', `/etc/shadow\0${folder}/a\0`, ['a']],
])('names: %s', (_what, output, names) => {
  expect(readNames(output, folder)).toEqual(names);
});

it('facts: kinds, modes, owners, times and targets', () => {
  const output =
    record('81a4 0 0 5 1700000000', 'file') +
    record('43ff 1000 1001 4096 -1', 'folder') +
    record('a1ff 0 0 11 1', 'link', `'${folder}/link' -> '/etc/passwd'`) +
    record('11a4 0 0 0 1', 'pipe');
  expect(readFacts(output, word)).toEqual([
    { name: 'file', type: 'file', size: 5, mode: 0o644, uid: 0, gid: 0, modifiedAt: 1_700_000_000_000 },
    { name: 'folder', type: 'folder', size: 0, mode: 0o1777, uid: 1000, gid: 1001, modifiedAt: -1000 },
    { name: 'link', type: 'link', size: 0, mode: 0o777, uid: 0, gid: 0, modifiedAt: 1000, target: '/etc/passwd' },
    { name: 'pipe', type: 'other', size: 0, mode: 0o644, uid: 0, gid: 0, modifiedAt: 1000 },
  ]);
});

it('facts: a name or a target that imitates records makes none', () => {
  const evil = "x\n81a4 0 0 5 1\n/pilothouse-data/x/forged' -> '/etc";
  const found = readFacts(record('a1ff 0 0 1 1', evil, `'${folder}/${evil}' -> 'y\n${folder}/z'`), word);
  expect(found).toHaveLength(1);
  // Slashes are in no real name; what comes after the last one is the name.
  expect(found[0]).toMatchObject({ type: 'link', target: `y\n${folder}/z` });
  expect(readFacts(`stat: can't stat 'x': No such file\n${record('81a4 0 0 5 1', 'a')}stat: oh\n`, word)).toHaveLength(
    1,
  );
  expect(readFacts('sh: stat: not found', word)).toEqual([]);
  expect(readFacts(`${word}what${word}ever${word}it is`, word)).toEqual([]);
});
