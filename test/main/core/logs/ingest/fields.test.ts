import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fieldsOf, maxFields } from '../../../../../src-main/core/logs/ingest/fields';

const table: [string, Record<string, unknown> | undefined][] = [
  ['{"a":1,"b":"x","c":true,"d":null}', { a: 1, b: 'x', c: true, d: null }],
  [
    '{"http":{"status":500,"req":{"id":7}},"tags":["a","b"]}',
    { 'http.status': 500, 'http.req': '{"id":7}', tags: '["a","b"]' },
  ],
  ['{"__proto__":{"x":1},"constructor":"c"}', { '__proto__.x': 1, constructor: 'c' }],
  [
    'level=info msg="hello \\"you\\"" n=-3.5 ok=true dur=12ms',
    { level: 'info', msg: 'hello "you"', n: -3.5, ok: true, dur: '12ms' },
  ],
  ['GET /x?a=1&b=2 plain', undefined],
  ['authentication failure; logname= uid=0 rhost=218.188.2.4', { uid: 0, rhost: '218.188.2.4' }],
  [
    '10.1.1.1 - bob [10/Oct/2000:13:55:36 -0700] "GET /a?b=c HTTP/1.1" 404 12 "http://r/" "curl/8"',
    {
      client: '10.1.1.1',
      user: 'bob',
      method: 'GET',
      path: '/a?b=c',
      protocol: 'HTTP/1.1',
      status: 404,
      bytes: 12,
      referrer: 'http://r/',
      agent: 'curl/8',
    },
  ],
  ['I1124 12:00:00.123456    42 main.go:10] started replicas=3', { thread: 42, file: 'main.go:10', replicas: 3 }],
  ['<34>Oct 11 22:14:15 mymachine su[77]: failed', { facility: 4, host: 'mymachine', app: 'su', pid: 77 }],
  ['Error: x\n    at a=b', undefined],
  ['no fields here', undefined],
  ['', undefined],
];

describe('fields of a line', () => {
  it.each(table)('%s', (line, fields) => {
    const found = fieldsOf(line);
    expect(found === undefined ? undefined : Object.fromEntries(Object.entries(found))).toEqual(fields);
  });

  it('are bounded in number, name and value, whatever the line', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ maxLength: 3000 }), fc.json({ maxDepth: 5 })), (line) => {
        const fields = fieldsOf(line) ?? {};
        expect(Object.keys(fields).length).toBeLessThanOrEqual(maxFields);
        for (const [name, value] of Object.entries(fields)) {
          expect(name).not.toBe('__proto__');
          if (typeof value === 'string') expect(value.length).toBeLessThanOrEqual(1024);
        }
      }),
    );
    const wide = JSON.stringify(Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`k${index}`, index])));
    expect(Object.keys(fieldsOf(wide) ?? {})).toHaveLength(maxFields);
  });
});
