/** What is wrong is told in words, at its place, with what to do; and everything at once. */
import { describe, expect, it } from 'vitest';
import { parseProject } from '../../../../src-main/core/stack';
import { folder, parseCase } from './corpus/parse';
import { wrong } from './corpus/wrong';

describe('a wrong project', () => {
  it.each(wrong.map((each) => [each.name, each] as const))('%s', (_name, each) => {
    const { problems, spec, resolvedYaml } = parseCase(each);
    expect(spec).toBeUndefined();
    expect(resolvedYaml).toBe('');
    const problem = problems.find(({ words }) => words?.code === each.code);
    expect(problems.map(({ words }) => words?.code)).toContain(each.code);
    expect(problem?.message).toContain(each.says);
    expect(problem?.where).toMatchObject({
      file: each.file ?? 'compose.yaml',
      ...(each.line > 0 ? { line: each.line } : {}),
      ...(each.column > 0 ? { column: each.column } : {}),
      ...(each.path === undefined ? {} : { path: each.path }),
    });
    // One fault is told once, not as an avalanche.
    expect(problems.length).toBeLessThanOrEqual(each.name === 'a tab' ? 2 : 1);
  });

  it('tells everything at once, in the order of the file', () => {
    const text = `services:
  web:
    imge: nginx
    ports: ["80:80", "x"]
    depends_on: [gone]
  api:
    image: x
    ports: ["80:1"]
    mem_limit: much
    networks: [nowhere]
`;
    const { problems } = parseProject({ files: [{ name: 'c.yaml', text }], directory: folder });
    expect(problems.map(({ words, where }) => [words?.code, where?.line])).toEqual([
      ['compose.unknownKeyDidYouMean', 3],
      ['compose.badPort', 4],
      ['compose.dependsUnknown', 5],
      ['compose.portTaken', 8],
      ['compose.badSize', 9],
      ['compose.undeclared', 10],
    ]);
  });

  it('names the file of several', () => {
    const { problems } = parseProject({
      files: [
        { name: 'a.yaml', text: 'services: { a: { image: x } }\n' },
        { name: 'b.yaml', text: 'services:\n  a:\n    imag: y\n' },
      ],
      directory: folder,
    });
    expect(problems[0]?.where).toEqual({ file: 'b.yaml', line: 3, column: 5, path: 'services.a.imag' });
  });

  it('gives at most a hundred problems, and counts the rest', () => {
    const keys = Array.from({ length: 150 }, (_, index) => `    q${index}: 1`).join('\n');
    const { problems } = parseProject({
      files: [{ name: 'c.yaml', text: `services:\n  a:\n    image: x\n${keys}\n` }],
      directory: folder,
    });
    expect(problems).toHaveLength(101);
    expect(problems.find(({ words }) => words?.code === 'compose.moreProblems')?.message).toBe('50 more problems');
  });

  it('has a sentence and a hint with its sentence', () => {
    const { problems } = parseProject({
      files: [{ name: 'c.yaml', text: 'services: { a: { image: x, ports: [x] } }' }],
      directory: folder,
    });
    expect(problems[0]).toMatchObject({
      code: 'bad-input',
      words: { code: 'compose.badPort', args: { port: 'x' } },
      hintWords: { code: 'compose.badPort.hint' },
    });
    expect(problems[0]?.hint).toContain('8080:80');
  });
});
