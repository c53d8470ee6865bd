/** `.dockerignore` as Docker reads it. */
import { expect, it } from 'vitest';
import { Ignore } from '../../../src-main/archive/ignore';

it.each<[string, string[], string[]]>([
  ['node_modules', ['node_modules', 'node_modules/a/b'], ['src/node_modules', 'node_modules2']],
  ['/build/', ['build', 'build/x'], ['src/build']],
  ['*.md\n!README.md', ['a.md'], ['README.md', 'docs/a.md']],
  ['**/*.md', ['a.md', 'docs/a.md', 'x/y/z.md'], ['a.txt']],
  ['docs/**', ['docs/a', 'docs/a/b'], ['docs', 'docs2/a']],
  ['**/temp/*', ['temp/x', 'a/b/temp/x'], ['temp', 'a/temp']],
  ['tem?', ['temp', 'tem1'], ['tem', 'te/m']],
  ['[a-c].txt', ['a.txt', 'c.txt'], ['d.txt', '[a-c].txt']],
  ['[^a].txt', ['b.txt'], ['a.txt']],
  ['a+b(c)', ['a+b(c)'], ['aab(c)']],
  ['\\*.md', ['*.md'], ['a.md']],
  ['# comment\n\n  \n!\n', [], ['# comment', 'a']],
  ['./a/../b', ['b'], ['a', 'a/b']],
  ['*', ['a', 'a/b'], ['Dockerfile', '.dockerignore']],
  ['*\n!src/keep', ['a', 'src', 'src/other'], ['src/keep', 'src/keep/inside']],
  ['[', ['['], ['a']],
])('%j', (text, ignored, kept) => {
  const ignore = new Ignore(text, ['Dockerfile', '.dockerignore']);
  expect(ignored.filter((path) => !ignore.ignores(path))).toEqual([]);
  expect(kept.filter((path) => ignore.ignores(path))).toEqual([]);
});

it('an ignored folder is looked into only when something in it may be taken back', () => {
  const ignore = new Ignore('*\n!src/keep', ['deep/Dockerfile']);
  expect(['src', 'src/keep', 'deep', 'node_modules'].map((path) => ignore.mayKeepInside(path))).toEqual([
    ...[true, true, true, false],
  ]);
});
