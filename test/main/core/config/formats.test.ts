import fc from 'fast-check';
import { parse as parseToml } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import type { ConfigFormat } from '../../../../src-main/contract/api/config';
import { checkText } from '../../../../src-main/core/config/formats/check';
import { parseJson } from '../../../../src-main/core/config/formats/json';
import { parseEnv, parseProperties, writeProperties } from '../../../../src-main/core/config/formats/properties';

describe('a text against its format', () => {
  const right: [ConfigFormat, string][] = [
    ['text', '\u0000 anything <at> all'],
    ['json', '{"a": [1, -2.5e3, "\\u00e9", null, true]}'],
    ['json', '  "only a text" '],
    ['yaml', 'a: 1\nb:\n  - x\n---\nsecond: true\n'],
    ['yaml', ''],
    ['toml', '[a]\nb = 1979-05-27T07:32:00Z\n'],
    ['properties', '# comment\na.b = c\\\n  d\nkey\\ with\\ spaces:1\n\u4e2d=\u6587\n'],
    ['env', 'export A="x y" # why\nB=\nC=\'#no comment\'\n'],
    ['xml', '<?xml version="1.0"?><!-- c --><a b="1" c=\'2\'><d/>&lt;&#65;<![CDATA[<x>]]></a>\n'],
  ];
  it.each(right)('%s %j is right', (format, text) => {
    expect(checkText(text, format)).toEqual([]);
  });

  const wrong: [ConfigFormat, string, number, number, RegExp][] = [
    ['json', '{\n  "a": 1,\n}', 2, 9, /No comma/],
    ['json', '{"a" 1}', 1, 6, /colon/],
    ['json', '', 1, 1, /missing/],
    ['json', '[1] x', 1, 5, /Nothing may follow/],
    ['json', "{'a': 1}", 1, 2, /double quotes/],
    ['json', '01', 1, 2, /Nothing may follow/],
    ['yaml', 'a: 1\nb: [1, 2\n', 3, 1, /./],
    ['yaml', 'a: 1\na: 2\n', 2, 1, /unique/],
    ['toml', 'a = 1\na = 2\n', 2, 1, /./],
    ['properties', 'a=1\nb=\\u00g0\n', 2, 1, /hexadecimal/],
    ['properties', '=1', 1, 1, /key is missing/],
    ['env', 'A=1\nnot a pair\n', 2, 1, /KEY=value/],
    ['env', 'A="open\n', 1, 3, /not closed/],
    ['xml', '<a>\n  <b></a>', 2, 6, /<\/b> was expected/],
    ['xml', '<a><b>', 1, 4, /<b> is not closed/],
    ['xml', '<a x=1/>', 1, 4, /quotes/],
    ['xml', '<a x="1" x="2"/>', 1, 10, /twice/],
    ['xml', '<a>x & y</a>', 1, 6, /&amp;/],
    ['xml', '<a/><b/>', 1, 5, /more than one root/],
    ['xml', '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', 1, 1, /Document types/],
    ['xml', 'words', 1, 1, /only allowed inside/],
  ];
  it.each(wrong)('%s %j is wrong at %d:%d', (format, text, line, column, message) => {
    const [problem] = checkText(text, format);
    expect(problem?.message).toMatch(message);
    expect(problem?.where).toMatchObject({ line, column });
  });

  it('agrees with the platform on what is JSON, and on its value', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.json(),
          fc.string(),
          fc.json().map((text) => text.slice(0, -1)),
        ),
        (text) => {
          let value: unknown;
          let good = true;
          try {
            value = JSON.parse(text);
          } catch {
            good = false;
          }
          const parsed = parseJson(text);
          expect('value' in parsed).toBe(good);
          if ('value' in parsed) expect(parsed.value).toEqual(value);
        },
      ),
    );
  });

  it('refuses depth and aliases without end instead of drowning in them', () => {
    expect(checkText('['.repeat(100_000), 'json')[0]?.message).toMatch(/deeper/);
    expect(checkText('<a>'.repeat(1000), 'xml')[0]?.message).toMatch(/deeper/);
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
    for (let level = 1; level < 9; level++)
      lines.push(
        `a${level}: &a${level} [${Array(9)
          .fill(`*a${level - 1}`)
          .join(', ')}]`,
      );
    expect(checkText(lines.join('\n'), 'yaml')[0]?.message).toMatch(/alias/i);
  });

  it('never throws, whatever the text', () => {
    const formats: ConfigFormat[] = ['json', 'yaml', 'toml', 'properties', 'xml', 'env'];
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.constantFrom(...formats), (text, format) => {
        expect(Array.isArray(checkText(text, format))).toBe(true);
      }),
      { numRuns: 500 },
    );
    expect(() => parseToml('a = 1')).not.toThrow();
  });
});

describe('keys', () => {
  it('are the same after writing and reading them', () => {
    const pairs = fc.array(fc.tuple(fc.string({ minLength: 1, unit: 'grapheme' }), fc.string({ unit: 'grapheme' })));
    fc.assert(
      fc.property(pairs, (list) => {
        const map = new Map(list);
        expect(parseProperties(writeProperties(map))).toEqual({ pairs: map, problems: [] });
      }),
    );
  });

  it('of an env file lose quotes and comments', () => {
    expect([...parseEnv('A=1 # one\nexport B="two\\nlines"\nC=\'$x\'\n').pairs]).toEqual([
      ['A', '1'],
      ['B', 'two\nlines'],
      ['C', '$x'],
    ]);
  });
});

describe('a schema', () => {
  const schema = JSON.stringify({
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'object',
    required: ['port'],
    properties: {
      port: { type: 'integer', maximum: 65_535 },
      mode: { enum: ['a', 'b'] },
      name: { pattern: '^(a+)+$' },
    },
    additionalProperties: false,
  });
  it.each([
    ['json', '{"port": 80}', []],
    ['json', '{"port": "x"}', [/port must be integer/]],
    ['yaml', 'mode: c\n', [/required property 'port'/, /mode must be equal to one of.*\["a","b"\]/]],
    ['toml', 'port = 80\nextra = 1\n', [/additional properties \(extra\)/]],
    ['properties', 'port=80', []],
    ['env', 'port=many', [/port must be integer/]],
  ] as [ConfigFormat, string, RegExp[]][])('over %s %j', (format, text, expected) => {
    const problems = checkText(text, format, schema);
    expect(problems).toHaveLength(expected.length);
    for (const [index, pattern] of expected.entries()) expect(problems[index]?.message).toMatch(pattern);
  });

  it('with a pattern that could run for ever answers at once', () => {
    const [problem] = checkText(JSON.stringify({ port: 1, name: `${'a'.repeat(50)}!` }), 'json', schema);
    expect(problem?.message).toMatch(/must match pattern/);
  });

  it('that is wrong itself is told', () => {
    expect(checkText('{}', 'json', '{')[0]?.message).toMatch(/The schema is no JSON/);
    expect(checkText('{}', 'json', '{"type": "nonsense"}')[0]?.message).toMatch(/cannot be used/);
    expect(checkText('{}', 'json', '{"$ref": "http://elsewhere.example/x.json"}')[0]?.message).toMatch(
      /cannot be used/,
    );
  });
});
