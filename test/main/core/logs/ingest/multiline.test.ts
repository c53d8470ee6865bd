import { describe, expect, it } from 'vitest';
import {
  LineGrouper,
  maxGroupLines,
  maxLineLength,
  PartJoiner,
} from '../../../../../src-main/core/logs/ingest/multiline';

/** Groups lines that come a millisecond apart. */
function group(lines: readonly string[]): string[] {
  const groups: string[] = [];
  const grouper = new LineGrouper((line) => groups.push(line.text));
  lines.forEach((line, index) => grouper.push(line, 1_000_000 + index * 1000, { stamp: String(index), count: 1 }));
  grouper.flush();
  return groups;
}

const traces: [name: string, groups: string[][]][] = [
  ['plain lines stay alone', [['a'], ['b'], ['c']]],
  [
    'Java',
    [
      ['before'],
      [
        'java.lang.IllegalStateException: outer',
        '\tat com.example.A.run(A.java:1)',
        '\t... 3 more',
        'Caused by: java.io.IOException: inner',
        '\tat com.example.B.read(B.java:2)',
        '... 2 more',
      ],
      ['after'],
    ],
  ],
  [
    'Python',
    [
      ['Traceback (most recent call last):', '  File "a.py", line 1, in <module>', '    run()', 'ValueError: bad'],
      ['INFO:root:next'],
    ],
  ],
  [
    'Node',
    [
      [
        'TypeError: x is not a function',
        '    at run (/a.js:1:1)',
        '    at node:internal/main:1:1 {',
        "  code: 'E'",
        '}',
      ],
      ['listening'],
    ],
  ],
  [
    'Go',
    [
      [
        'panic: runtime error: index out of range [5]',
        '',
        'goroutine 1 [running]:',
        'main.main()',
        '\t/app/main.go:5 +0x1d',
        'exit status 2',
      ],
      ['restarted'],
    ],
  ],
  ['.NET', [['Unhandled exception. System.Exception: x', '   at App.Main()', '   --- End of stack trace ---'], ['ok']]],
  ['pretty JSON', [['{', '  "a": 1', '}'], ['next']]],
  ['a bracket alone is a line', [['done'], ['}']]],
  ['an indented first line stands alone', [['  indented', '  more'], ['x']]],
];

describe('groups of lines', () => {
  it.each(traces)('%s', (_name, groups) => {
    expect(group(groups.flat())).toEqual(groups.map((lines) => lines.join('\n')));
  });

  it('are bounded in lines and characters', () => {
    const many = group(['Error: x', ...Array.from({ length: 2000 }, (_, index) => `    at f${index}`)]);
    expect(many.length).toBe(Math.ceil(2001 / maxGroupLines));
    const long = group(['Error: x', ...Array.from({ length: 20 }, () => ` ${'y'.repeat(10_000)}`)]);
    for (const one of long) expect(one.length).toBeLessThanOrEqual(maxLineLength);
  });

  it('do not join lines that are far apart in time', () => {
    const groups: string[] = [];
    const grouper = new LineGrouper((line) => groups.push(line.text));
    grouper.push('Error: x', 0, { stamp: '1', count: 1 });
    grouper.push('    at y', 2_000_000, { stamp: '2', count: 1 });
    grouper.flush();
    expect(groups).toEqual(['Error: x', '    at y']);
  });

  it('carry the first time and the last cursor', () => {
    const lines: unknown[] = [];
    const grouper = new LineGrouper((line) => lines.push(line));
    grouper.push('Error: x', 5, { stamp: '5000', count: 1 });
    grouper.push('  at y', 6, { stamp: '6000', count: 2 });
    grouper.flush();
    expect(lines).toEqual([{ text: 'Error: x\n  at y', time: 5, cursor: { stamp: '6000', count: 2 } }]);
  });
});

describe('parts of a line', () => {
  it('are joined with the first part’s time', () => {
    const joiner = new PartJoiner();
    expect(joiner.push('a', 1, true)).toBeUndefined();
    expect(joiner.push('b', 2, true)).toBeUndefined();
    expect(joiner.push('c', 3, false)).toEqual({ text: 'abc', time: 1 });
    expect(joiner.push('d', 4, false)).toEqual({ text: 'd', time: 4 });
  });

  it('beyond the cap are counted, not kept: a line of 10 MB', () => {
    const joiner = new PartJoiner();
    const part = 'x'.repeat(16 * 1024);
    for (let count = 0; count < 640; count++) joiner.push(part, 1, true);
    const line = joiner.push('end', 1, false);
    expect(line?.text.length).toBeLessThan(maxLineLength + 100);
    expect(line?.text).toContain(`[…${640 * 16 * 1024 + 3 - maxLineLength} more characters cut]`);
  });
});
