/** The log screen's pure parts: completion, files, and the query of a pattern. */
import { describe, expect, it } from 'vitest';
import type { LogPage } from '../../../src-main/contract/api/observe';
import type { LogLine } from '../../../src-main/contract/nouns';
import { parseQuery } from '../../../src-main/core/logs/query/parser';
import { exportText, mostExported, readAll } from '../../../src-renderer/views/logs/exportLines';
import { completeLogQuery, fieldsSeen, quoted } from '../../../src-renderer/views/logs/logComplete';
import { patternQuery } from '../../../src-renderer/views/logs/patternQuery';

const line = (id: number, more: Partial<LogLine> = {}): LogLine => ({
  id: String(id).padStart(8, '0'),
  at: 1_700_000_000_000 + id,
  stack: 'shop',
  service: 'web',
  slot: 1,
  generation: 1,
  container: 'c1',
  stream: 'stdout',
  level: 'info',
  text: `line ${id}`,
  ...more,
});

describe('completion', () => {
  const known = {
    services: ['shop/web', 'shop/api'],
    replicas: ['shop/web.1'],
    stacks: ['shop'],
    fields: new Map([
      ['status', ['200', '500']],
      ['msg', ['not found']],
      ['level', ['odd']],
    ]),
  };
  /** What is offered where the bar stands. */
  const at = (text: string): readonly string[] =>
    completeLogQuery(text.replace('|', ''), text.indexOf('|'), known)?.options ?? [];

  it.each<[string, string[]]>([
    ['lev|', ['level:']],
    ['st|', ['stack:', 'stream:', 'status:']],
    ['error ser|', ['service:']],
    ['-ser|', ['service:']],
    ['service:|', ['shop/web', 'shop/api']],
    ['service:api|', ['shop/api']],
    ['level:wa|', ['warn', '>=warn']],
    ['status:5|', ['500']],
    ['msg:|', ['"not found"']],
    ['(stream:|', ['stdout', 'stderr']],
    ['|', []],
    ['error |', []],
    ['"lev|', []],
    ['/lev|', []],
  ])('%s', (text, options) => expect(at(text)).toEqual(options));

  it('replaces only the word, also behind a minus', () => {
    expect(completeLogQuery('a -lev', 6, known)?.from).toBe(3);
    expect(completeLogQuery('a level:err', 11, known)?.from).toBe(8);
  });

  it('writes values that the language reads back', () => {
    for (const value of ['200', 'not found', 'a"b\\c', 'a:b', '(x)'])
      expect(parseQuery(`msg:${quoted(value)}`), value).not.toHaveProperty('problem');
  });

  it('knows the fields of lines, the most frequent value first', () => {
    const seen = fieldsSeen([
      { fields: { status: 500 } },
      { fields: { status: 200 } },
      { fields: { status: 200 } },
      {},
    ]);
    expect([...seen]).toEqual([['status', ['200', '500']]]);
  });
});

describe('files', () => {
  it('are read back page by page until there is no more, or enough', async () => {
    const all = Array.from({ length: 12_000 }, (_none, at) => line(at));
    const ask = (before: string | undefined, limit: number): Promise<LogPage> => {
      const end = before === undefined ? all.length : Number(before);
      const lines = all.slice(Math.max(0, end - limit), end);
      return Promise.resolve({ lines, before: end > limit, after: false, matched: lines.length, scanned: 0 });
    };
    const { lines, cut } = await readAll(ask);
    expect(cut).toBe(false);
    expect(lines.map(({ id }) => id)).toEqual(all.map(({ id }) => id));
    let asked = 0;
    const endless = await readAll((_before, limit) => {
      asked += limit;
      const page = Array.from({ length: limit }, (_none, at) => line(1_000_000 - asked + at));
      return Promise.resolve({ lines: page, before: true, after: false, matched: limit, scanned: 0 });
    });
    expect(endless.cut).toBe(true);
    expect(endless.lines).toHaveLength(mostExported);
  });

  it('hold a line each, without colours and without what is no line', () => {
    const rows = [
      line(1, { text: '\u001b[31mred\u001b[0m, "quoted"', fields: { status: 500 } }),
      line(2, { marker: { code: 'x' } as unknown as LogLine['marker'], text: '' }),
      line(3, { text: '=cmd()\nat x' }),
    ] as LogLine[];
    expect(exportText('txt', rows).split('\n')[0]).toBe('2023-11-14T22:13:20.001Z shop/web.1 info red, "quoted"');
    const json = exportText('json', rows)
      .split('\n')
      .map((text) => JSON.parse(text) as Record<string, unknown>);
    expect(json).toHaveLength(2);
    expect(json[0]).toMatchObject({ service: 'shop/web', text: 'red, "quoted"', fields: { status: 500 } });
    const csv = exportText('csv', rows).split('\r\n');
    expect(csv[0]).toBe('time,service,replica,level,stream,container,text');
    expect(csv[1]).toMatch(/,c1,"red, ""quoted"""$/);
    expect(csv[2]).toMatch(/,"'=cmd\(\)\nat x"$/);
  });
});

describe('the query of a pattern', () => {
  it.each([
    ['request <n> served in time', '"served in time"'],
    ['user <*> logged in from <ip>', '"logged in from"'],
    ['pool exhausted', '"pool exhausted"'],
    ['连接 失败 <n>', '"连接 失败"'],
    ['level=warn: disk (full)', '"level warn disk full"'],
  ])('%s', (template, query) => {
    expect(patternQuery(template)).toBe(query);
    expect(parseQuery(query)).not.toHaveProperty('problem');
  });
  it('is none when everything is a value', () => expect(patternQuery('<n> <ip>')).toBeUndefined());
});
