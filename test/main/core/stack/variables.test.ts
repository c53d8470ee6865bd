import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEnv } from '../../../../src-main/core/stack/dotenv';
import type { EnvIssue } from '../../../../src-main/core/stack/dotenv';
import { substitute } from '../../../../src-main/core/stack/variables';
import type { VariableIssue } from '../../../../src-main/core/stack/variables';

const variables: Record<string, string> = { SET: 'value', EMPTY: '', DOLLAR: '$SET ${SET}' };
const lookup = (name: string): string | undefined => (Object.hasOwn(variables, name) ? variables[name] : undefined);

function run(text: string): { result: string; issues: VariableIssue[] } {
  const issues: VariableIssue[] = [];
  return { result: substitute(text, lookup, (issue) => issues.push(issue)), issues };
}

describe('variables', () => {
  it.each([
    ['plain', 'plain'],
    ['$SET', 'value'],
    ['${SET}', 'value'],
    ['a$SET-b', 'avalue-b'],
    ['${SET}${SET}', 'valuevalue'],
    ['$$SET', '$SET'],
    ['$$$SET', '$value'],
    ['${SET:-x}', 'value'],
    ['${EMPTY:-x}', 'x'],
    ['${EMPTY-x}', ''],
    ['${NONE:-x}', 'x'],
    ['${NONE-x}', 'x'],
    ['${NONE:-}', ''],
    ['${SET:+x}', 'x'],
    ['${EMPTY:+x}', ''],
    ['${EMPTY+x}', 'x'],
    ['${NONE+x}', ''],
    ['${SET:?no}', 'value'],
    ['${EMPTY?no}', ''],
    ['${NONE:-${SET}}', 'value'],
    ['${NONE:-${ALSO:-deep}}', 'deep'],
    ['${NONE:-a}b}', 'ab}'],
    ['${NONE:-{"a":{}}}', '{"a":{}}'],
    ['${NONE:-$$5}', '$5'],
    ['${SET:+${SET}s}', 'values'],
    // Values are not searched again.
    ['$DOLLAR', '$SET ${SET}'],
    // A dollar sign before anything else stays.
    ['$1 $(date) $', '$1 $(date) $'],
    ['^a$', '^a$'],
  ])('%s → %s', (text, expected) => expect(run(text)).toEqual({ result: expected, issues: [] }));

  it.each(['${', '${}', '${1}', '${SET', '${SET!x}', '${SET:x}', '${ SET}', '${SET:-x'])('%s is told', (text) => {
    expect(run(`a${text}`).issues).toEqual([{ kind: 'invalid', text }]);
  });

  it('tells what is required, in the words of the file, with its variables', () => {
    expect(run('${NONE:?set $SET}').issues).toEqual([{ kind: 'required', name: 'NONE', message: 'set value' }]);
    expect(run('${EMPTY:?}').issues).toEqual([{ kind: 'required', name: 'EMPTY', message: '' }]);
    expect(run('${EMPTY?x}').issues).toEqual([]);
  });

  it('tells what is not set', () => {
    expect(run('a${NONE}b')).toEqual({ result: 'ab', issues: [{ kind: 'unset', name: 'NONE' }] });
  });

  it('never throws, and leaves text without dollar signs alone', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('$', '{', '}', ':', '-', '?', '+', 'A', 'SET', ' ', '$$', '${', '\n')),
        (parts) => {
          const text = parts.join('');
          const { result } = run(text);
          expect(typeof result).toBe('string');
          if (!text.includes('$')) expect(result).toBe(text);
        },
      ),
    );
    fc.assert(fc.property(fc.string(), (text) => typeof run(text).result === 'string'));
  });

  it('brings any text through when its dollar signs are doubled', () => {
    fc.assert(fc.property(fc.string(), (text) => run(text.replaceAll('$', '$$$$')).result === text));
  });
});

function env(text: string, raw = false): { variables: Record<string, string | null>; issues: EnvIssue[] } {
  const issues: EnvIssue[] = [];
  const result = parseEnv(text, { lookup, raw, notice: (issue) => issues.push(issue) });
  return { variables: Object.fromEntries(result), issues };
}

describe('.env', () => {
  it.each<[string, Record<string, string | null>]>([
    ['A=1', { A: '1' }],
    ['A=1\r\nB=2\r\n', { A: '1', B: '2' }],
    ['\uFEFFA=1', { A: '1' }],
    ['  export A=1', { A: '1' }],
    ['A: 1', { A: '1' }],
    ['A = 1', { A: '1' }],
    ['A=', { A: '' }],
    ['A=""', { A: '' }],
    ['A=a b  ', { A: 'a b' }],
    ['A=a # c', { A: 'a' }],
    ['A=a#c', { A: 'a#c' }],
    ['A="a # c" # d', { A: 'a # c' }],
    ["A='$SET'", { A: '$SET' }],
    ['A="$SET"', { A: 'value' }],
    ['A=$SET', { A: 'value' }],
    ['A=1\nB=$A-${A}', { A: '1', B: '1-1' }],
    ['SET=inner\nB=$SET', { SET: 'inner', B: 'value' }],
    ['A="x\\ny\\t\\"z\\\\"', { A: 'x\ny\t"z\\' }],
    ["A='x\\ny'", { A: 'x\\ny' }],
    ['A="\\$SET"', { A: '$SET' }],
    ['A="one\ntwo"\nB=3', { A: 'one\ntwo', B: '3' }],
    ['SET', { SET: 'value' }],
    ['NONE', { NONE: null }],
    ['# only\n\n#comments', {}],
    ['A=${NONE:-x}', { A: 'x' }],
    ['A=b=c', { A: 'b=c' }],
    ['A.B-C=1', { 'A.B-C': '1' }],
    ['A=1\nA=2', { A: '2' }],
  ])('%j', (text, expected) => expect(env(text)).toEqual({ variables: expected, issues: [] }));

  it('keeps everything in the raw format', () => {
    expect(env('A="x" # y\n# c\nB=$SET\nSET\n', true).variables).toEqual({ A: '"x" # y', B: '$SET', SET: 'value' });
  });

  it.each<[string, EnvIssue['kind'], number]>([
    ['A=1\n=2', 'name', 2],
    ['1A=2', 'name', 1],
    ['A B', 'name', 1],
    ['A="x', 'unclosed', 1],
    ['A="x" y', 'trailing', 1],
    ['A="1\n2"\nB="x" y', 'trailing', 3],
    ['\n\nA=${X', 'invalid', 3],
    ['A=${X:?why}', 'required', 1],
    ['A=$NONE', 'unset', 1],
  ])('%j is told: %s on line %i', (text, kind, line) => {
    expect(env(text).issues).toEqual([expect.objectContaining({ kind, line })]);
  });

  it('never throws', () => {
    const part = fc.constantFrom('A', '=', '"', "'", '\n', '#', ' ', '$', '{', '}', '\\', 'export ', ':', '\r\n');
    fc.assert(fc.property(fc.array(part), (parts) => env(parts.join('')).issues.length >= 0));
  });

  it('reads back any value in single quotes that holds none, and any in double quotes when escaped', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        const single = value.replaceAll("'", '').replaceAll('\r\n', '\n');
        expect(env(`A='${single}'`).variables['A']).toBe(single);
        const plain = value.replaceAll('\r\n', '\n');
        const escaped = plain.replace(/[\\"$]/g, '\\$&');
        expect(env(`A="${escaped}"`).variables['A']).toBe(plain);
      }),
    );
  });
});
