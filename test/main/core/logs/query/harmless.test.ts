import fc from 'fast-check';
import { RE2JS } from 're2js';
import { describe, expect, it } from 'vitest';
import { harmless } from '../../../../../src-main/core/logs/query/harmless';
import { checkRegex, linearRegex } from '../../../../../src-main/core/logs/query/regex';

function byRe2(source: string, flags: string): RE2JS {
  let bits = 0;
  if (flags.includes('i')) bits |= RE2JS.CASE_INSENSITIVE;
  if (flags.includes('m')) bits |= RE2JS.MULTILINE;
  if (flags.includes('s')) bits |= RE2JS.DOTALL;
  return RE2JS.compile(source, bits);
}

describe('the judge of expressions', () => {
  it.each([
    'session (opened|closed) for user [a-z]+ by',
    'Failed password for .* from [0-9.]+ port [0-9]+',
    'status=5\\d\\d',
    '\\b(GET|POST) /api/[\\w/]+',
    '^\\d{4}-\\d\\d-\\d\\dT',
    'took \\d+(\\.\\d+)?ms$',
    '(\\d{1,3}\\.){3}\\d{1,3}',
    'timeout|refused|unreachable',
  ])('lets %s run on the platform', (source) => {
    expect(harmless(source, '')).toBeDefined();
  });

  it.each([
    '(a+)+$',
    '(a|aa)+$',
    '(.*)*x',
    '.*.*=',
    '\\w*\\w*!!',
    'a.*b.*c.*d',
    '(a?){40}a{40}',
    '(?i)x',
    '(?P<n>x)',
    '[[:alpha:]]',
    '\\pL',
    'a{1000}',
    '\\Aab\\z',
    '(a|b)(a|b)(a|b)(a|b)(a|b)(a|b)x+',
    '([0-9]+,){9}x',
  ])('leaves %s to RE2', (source) => {
    expect(harmless(source, '')).toBeUndefined();
  });

  it('knows where runs of a repeat cannot overlap, and caps the line elsewhere', () => {
    const longest = (source: string): number => harmless(source, '')?.longest ?? 0;
    expect(longest('user [a-z]+ by')).toBe(Number.MAX_SAFE_INTEGER);
    expect(longest('id=\\d+;\\w+')).toBe(Number.MAX_SAFE_INTEGER);
    expect(longest('[a-z]+ by')).toBe(1024);
    expect(longest('user .*by')).toBe(1024);
    expect(longest('(in|out) .*by')).toBe(512);
  });
});

/** Patterns of everything the judge knows, and of some that it does not. */
const pattern = fc.letrec<{ whole: string; sequence: string; atom: string; group: string }>((tie) => ({
  whole: fc.array(tie('sequence'), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('|')),
  sequence: fc.array(tie('atom'), { maxLength: 4 }).map((parts) => parts.join('')),
  group: tie('whole').map((inner) => `(${inner})`),
  atom: fc
    .tuple(
      fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom('a', 'b', 'K', 's', '1', ' ', 'é', '错', '\\.', '.', '^', '$', '\\b', '\\B', '\\d', '\\D'),
        fc.constantFrom(
          '\\w',
          '\\W',
          '\\s',
          '\\S',
          '\\n',
          '\\t',
          '[ab]',
          '[^a]',
          '[a-k]',
          '[\\d_-]',
          '[]x]',
          '[^\\s1]',
        ),
        tie('group'),
      ),
      fc.constantFrom('', '', '', '', '*', '+', '?', '{2}', '{1,3}', '{0,9}', '{2,}', '*?', '+?'),
    )
    .map(([atom, times]) => atom + times),
}));
const line = fc
  .array(fc.constantFrom(...'aabbkKsS1 .é错\n\t_-x\u00a0\u2028\u212a\u017f\r'.split(''), '\ud83d\ude00'), {
    maxLength: 30,
  })
  .map((parts) => parts.join(''));
const flags = fc.constantFrom('', 'i', 'm', 's', 'im', 'ims');

describe('regular expressions', () => {
  it('answer as RE2 does, whoever runs them', () => {
    let judged = 0;
    fc.assert(
      fc.property(pattern.whole, flags, fc.array(line, { minLength: 1, maxLength: 8 }), (source, own, lines) => {
        fc.pre(checkRegex(source, own) === undefined);
        if (harmless(source, own)) judged += 1;
        const regex = linearRegex(source, own);
        const reference = byRe2(source, own);
        for (const text of lines) expect(regex.test(text)).toBe(reference.test(text));
      }),
      { numRuns: 800 },
    );
    expect(judged).toBeGreaterThan(80);
  });

  it('that may run on the platform take steps in proportion to the text, whatever stands in it', () => {
    // The worst that the judge lets through, against the worst text for each.
    const cases: [string, string][] = [
      ['a.*b', 'a'.repeat(60_000)],
      ['[a-z]+ by', 'a'.repeat(60_000)],
      ['(a|b|a|b)a*c', 'ab'.repeat(30_000)],
      ['x[a-z]+y', 'xz'.repeat(30_000)],
      ['\\s+!', ' '.repeat(60_000)],
    ];
    const began = performance.now();
    for (const [source, text] of cases) {
      const regex = linearRegex(source, '');
      expect(harmless(source, '')).toBeDefined();
      expect(regex.test(text)).toBe(false);
      for (let at = 0; at < text.length; at += 1000) expect(regex.test(text.slice(at, at + 1000))).toBe(false);
    }
    // Not a speed test: without the cap a single one of them would go on for seconds.
    expect(performance.now() - began).toBeLessThan(30_000);
  });
});
