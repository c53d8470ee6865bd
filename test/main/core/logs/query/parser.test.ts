import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compile } from '../../../../../src-main/core/logs/query/match';
import { parseQuery } from '../../../../../src-main/core/logs/query/parser';
import { quantityOf } from '../../../../../src-main/core/logs/query/values';
import { requiredLiterals } from '../../../../../src-main/core/logs/query/regex';
import { levelOf } from '../../../../../src-main/core/logs/ingest/level';
import { matchesRecord } from '../../../../../src-main/core/logs/search/scan';
import { stderrBit, type LineRecord } from '../../../../../src-main/core/logs/line';
import { plainOf } from '../../../../../src-main/core/logs/ingest/sanitize';
import { sourceOf } from '../support';

function matches(query: string, text: string, over: { stderr?: boolean; container?: string } = {}): boolean {
  const parsed = parseQuery(query);
  if ('problem' in parsed) throw new Error(parsed.problem.message);
  const record: LineRecord = {
    lane: { number: 1, stack: 'shop', service: 'web' },
    ordinal: 0,
    time: 1,
    flags: levelOf(plainOf(text)) | (over.stderr ? stderrBit : 0),
    source: sourceOf({ container: over.container ?? 'abcdef0123', slot: 2, generation: 5, revision: 3 }),
    text,
  };
  return matchesRecord(compile({ scope: {}, query: parsed.query }), record);
}

const yes: [query: string, line: string][] = [
  ['', 'anything'],
  ['*', 'anything'],
  ['error', 'An ERROR occurred'],
  ['connection refused', 'refused the connection'],
  ['"connection refused"', 'Connection Refused by peer'],
  ['time*', 'a timeout'],
  ['*out', 'a timeout'],
  ['*meou*', 'a timeout'],
  ['t*t', 'a timeout'],
  ['/api/*', 'GET /api/users'],
  ['10.0.0.1:80', 'to 10.0.0.1:80 now'],
  ['a-b', 'x a-b y'],
  ['"a b"*', 'a bcd'],
  ['*"b c"', 'ab c'],
  ['foo OR bar', 'only bar'],
  ['foo AND bar', 'bar foo'],
  ['foo NOT bar', 'foo'],
  ['foo -bar', 'foo'],
  ['foo !bar', 'foo'],
  ['-foo', 'bar'],
  ['NOT (foo OR bar)', 'baz'],
  ['a OR b c', 'b c'],
  ['a OR b c', 'a'],
  ['(a OR b) c', 'a c'],
  ['/conn.*refused/', 'connection was refused'],
  ['/CONN/i', 'connection'],
  ['/a\\/b/', 'x a/b'],
  ['level:error', '{"level":"error"}'],
  ['level:>=warn', 'ERROR x'],
  ['level:<warn', 'INFO x'],
  ['level:(error OR fatal)', 'FATAL x'],
  ['level:warning', 'WARN x'],
  ['level:unknown', 'nothing'],
  ['-level:info', 'ERROR x'],
  ['stream:stdout', 'x'],
  ['stack:shop', 'x'],
  ['stack:sh*', 'x'],
  ['service:web', 'x'],
  ['service:shop/web', 'x'],
  ['replica:2', 'x'],
  ['replica:web.2', 'x'],
  ['replica:shop/web.2', 'x'],
  ['container:abcdef', 'x'],
  ['generation:5', 'x'],
  ['revision:3', 'x'],
  ['status:500', '{"status":500}'],
  ['status:>=500', '{"status":503}'],
  ['status:<500 status:>400', '{"status":404}'],
  ['took:>1s', '{"took":"1500ms"}'],
  ['size:>1KiB', 'size=2048 x=1'],
  ['temp:<-4', '{"temp":-5}'],
  ['user.id:7', '{"user":{"id":7}}'],
  ['User.ID:7', '{"user":{"id":7}}'],
  ['msg:"not found"', '{"msg":"page not found here"}'],
  ['msg:=ok', '{"msg":"OK"}'],
  ['msg:not*', '{"msg":"nothing"}'],
  ['msg:/^no.*g$/', '{"msg":"nothing"}'],
  ['msg:(a OR b)', '{"msg":"b"}'],
  ['path:/api/users', 'method=GET path=/api/users'],
  ['id:*', '{"id":null}'],
  ['.level:custom', '{"level":"custom"}'],
  ['.service:x', '{"service":"x"}'],
  ['ERROR: something', 'ERROR: something broke'],
  ['http://host/x', 'GET http://host/x now'],
  ['a -> b', 'a -> b'],
  ['错误', '发生错误了'],
  ['"发生错误"', '发生错误了'],
  ['заказ', 'Заказ 12'],
  ['red', '\u001b[31mred\u001b[0m'],
  ['foo　bar', 'bar foo'],
  ['"say \\"hi\\""', 'say "hi"'],
  ['constructor', 'the constructor'],
];

const no: [query: string, line: string][] = [
  ['error', 'errors'],
  ['error', 'my_error'],
  ['time*', 'runtime'],
  ['*out', 'outer'],
  ['"a b"', 'a bc'],
  ['foo AND bar', 'foo'],
  ['foo -bar', 'foo bar'],
  ['(a OR b) c', 'a'],
  ['/CONN/', 'connection'],
  ['level:error', 'INFO error'],
  ['level:>warn', 'WARN x'],
  ['level:<warn', 'nothing'],
  ['stream:stderr', 'x'],
  ['service:api', 'x'],
  ['container:abc', 'x'],
  ['status:>=500', '{"status":404}'],
  ['status:>=500', '{"status":"many"}'],
  ['status:50', '{"status":500}'],
  ['msg:=ok', '{"msg":"ok then"}'],
  ['id:*', '{"other":1}'],
  ['constructor:*', '{"a":1}'],
  ['31', '\u001b[31mred\u001b[0m'],
];

const bad: [query: string, column: number][] = [
  ['"open', 1],
  ['foo "open', 5],
  ['(foo', 1],
  ['foo)', 4],
  ['foo AND', 8],
  ['OR foo', 1],
  ['NOT', 4],
  ['()', 2],
  ['level:strange', 7],
  ['a level:>=strange', 11],
  ['stream:both', 8],
  ['status:>many', 9],
  ['status:>', 9],
  ['/(unclosed/', 1],
  ['/(?=look)/', 1],
  ['/a\\1/', 1],
  ['service:/x/', 9],
  ['('.repeat(100), 33],
];

describe('the query language', () => {
  it.each(yes)('%s finds %s', (query, line) => expect(matches(query, line)).toBe(true));
  it.each(no)('%s does not find %s', (query, line) => expect(matches(query, line)).toBe(false));

  it.each(bad)('%s is refused at column %i', (query, column) => {
    const parsed = parseQuery(query);
    expect('problem' in parsed && parsed.problem.code).toBe('bad-input');
    expect('problem' in parsed && parsed.problem.where?.column).toBe(column);
  });

  it('never throws, and always says either what it means or where it is wrong', () => {
    const piece = fc.constantFrom(
      '(',
      ')',
      '"',
      '/',
      '-',
      '!',
      ':',
      '*',
      'AND',
      'OR',
      'NOT',
      ' ',
      '>=',
      '<',
      '=',
      'a',
      'level',
      'x:',
      '\\',
      '.',
      '错',
      '/i',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ maxLength: 200 }),
          fc.array(piece, { maxLength: 60 }).map((parts) => parts.join('')),
        ),
        (query) => {
          const parsed = parseQuery(query);
          if ('problem' in parsed) {
            expect(parsed.problem.where?.column).toBeGreaterThan(0);
            expect(parsed.problem.where?.column).toBeLessThanOrEqual(query.length + 1);
          } else matches(query, 'a line');
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('answers evil patterns in linear time', () => {
    const line = `${'a'.repeat(20_000)}!`;
    for (const pattern of [
      '(a+)+$',
      '(a|a)*$',
      '(a|aa)+$',
      '(.*a){12}',
      '([a-zA-Z]+)*$',
      '(a*)*b',
      '^(a?){50}a{50}$',
      '(x+x+)+y',
      '\\w*\\w*\\w*\\w*\\w*!!',
    ]) {
      const started = performance.now();
      matches(`/${pattern}/`, line);
      // A backtracking matcher would need ages; linear needs a moment.
      expect(performance.now() - started).toBeLessThan(5000);
    }
  });
});

describe('what a regular expression must contain', () => {
  it.each<[string, string[]]>([
    ['Failed password for .* from [0-9.]+ port [0-9]+', ['Failed password for ', ' from ', ' port ']],
    ['a|b', []],
    ['abc?d', ['ab', 'd']],
    ['ab+c', ['a', 'b', 'c']],
    ['x(abc)?y', ['x', 'y']],
    ['x(a|b)y', ['x', 'y']],
    ['x(?:a|b(c|d))+y z', ['x', 'y z']],
    ['x(a)|y', []],
    ['[[:alpha:]]x', []],
    ['[]x]y', ['y']],
    ['a{2}b', ['b']],
    ['\\.com\\b', ['.com']],
    ['(?i)abc', []],
    ['^abc$', ['abc']],
    ['\\pLabc', []],
    ['a\\|b', ['a|b']],
  ])('%s', (pattern, literals) => expect(requiredLiterals(pattern)).toEqual(literals));
});

describe('numbers with units', () => {
  it.each<[string | number | boolean | null, number | undefined]>([
    ['12', 12],
    ['-3.5', -3.5],
    ['1e3', 1000],
    ['250ms', 250],
    ['1.5s', 1500],
    ['2 min', 120_000],
    ['1h', 3_600_000],
    ['64MiB', 67_108_864],
    ['1kB', 1000],
    ['50%', 50],
    [7, 7],
    [NaN, undefined],
    ['abc', undefined],
    ['12parsecs', undefined],
    [true, undefined],
    [null, undefined],
    ['', undefined],
  ])('%s', (value, number) => expect(quantityOf(value)).toBe(number));
});
