/** Files that want to hurt (reliability.md S29, S30): each ends quickly, with a problem, and leaves the program's own objects alone. */
import { describe, expect, it } from 'vitest';
import { parseProject } from '../../../../src-main/core/stack';
import { folder } from './corpus/parse';

/**
 * Longest time one file may take, milliseconds of the processor; most take a tenth. Not of the clock, because tests share their
 * machine.
 */
const longest = 2000;

interface Hostile {
  name: string;
  text: () => string;
  code?: string;
  environment?: Record<string, string>;
  beside?: Record<string, string>;
}

const web = 'services:\n  web:\n    image: nginx\n';
const many = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join('');

function bomb(levels: number, width: number): string {
  const lines = [`x-a0: &a0 [${Array(width).fill('lol').join(', ')}]\n`];
  for (let level = 1; level < levels; level++) {
    lines.push(
      `x-a${level}: &a${level} [${Array(width)
        .fill(`*a${level - 1}`)
        .join(', ')}]\n`,
    );
  }
  return lines.join('') + web;
}

function mapBomb(levels: number): string {
  const lines = ['x-a0: &a0 { a: lol, b: lol }\n'];
  for (let level = 1; level < levels; level++) {
    lines.push(`x-a${level}: &a${level} { a: *a${level - 1}, b: *a${level - 1}, c: *a${level - 1} }\n`);
  }
  return lines.join('') + web;
}

const hostile: Hostile[] = [
  { name: 'a bomb of lists, 9 to the 9th', text: () => bomb(9, 9), code: 'compose.tooManyNodes' },
  { name: 'a bomb of maps', text: () => mapBomb(30), code: 'compose.tooManyNodes' },
  {
    name: 'a bomb of 1 MB',
    text: () => bomb(9, 9) + `x-pad: "${'x'.repeat(1_000_000)}"\n`,
    code: 'compose.tooManyNodes',
  },
  {
    name: 'a flood of merges',
    text: () =>
      `x-b: &b {${many(500, (index) => `k${index}: v, `)}}\n${many(3000, (index) => `x-m${index}: { <<: *b }\n`)}${web}`,
    code: 'compose.tooManyNodes',
  },
  {
    name: 'a chain of merges',
    text: () =>
      `x-0: &m0 { a: b }\n${many(4000, (index) => `x-${index + 1}: &m${index + 1} { <<: *m${index}, k${index}: v }\n`)}${web}`,
    code: 'compose.tooManyNodes',
  },
  {
    name: 'a merge list of one alias',
    text: () => `x-a: &a { k: v }\nx-b: { <<: [${many(20_000, () => '*a, ')}] }\n${web}`,
    code: 'compose.listTooLong',
  },
  {
    name: 'a deep list',
    text: () => `x-a: ${'['.repeat(20_000)}${']'.repeat(20_000)}\n${web}`,
    code: 'compose.tooDeep',
  },
  {
    name: 'a deep map',
    text: () => `x-a: ${'{a: '.repeat(20_000)}${'}'.repeat(20_000)}\n${web}`,
    code: 'compose.tooDeep',
  },
  { name: 'deep dashes', text: () => `x-a:\n  ${'- '.repeat(20_000)}x\n${web}`, code: 'compose.tooDeep' },
  { name: 'deep indentation', text: () => many(400, (index) => `${' '.repeat(index)}a:\n`), code: 'compose.tooDeep' },
  { name: 'deep questions', text: () => `${'? '.repeat(20_000)}x\n`, code: 'compose.tooDeep' },
  { name: 'never closed', text: () => '['.repeat(500_000), code: 'compose.tooDeep' },
  { name: '50 MB', text: () => `${web}#${'x'.repeat(50 * 1024 * 1024)}`, code: 'compose.tooLarge' },
  {
    name: 'a megabyte of keys',
    text: () => many(60_000, (index) => `x-${index}: 1\n`) + web,
    code: 'compose.tooManyTokens',
  },
  {
    name: 'a megabyte of the same key',
    text: () => many(100_000, () => 'x-a: 1\n') + web,
    code: 'compose.tooManyTokens',
  },
  { name: 'thousands of the same key', text: () => many(10_000, () => 'x-a: 1\n') + web, code: 'compose.duplicateKey' },
  {
    name: 'a megabyte of items',
    text: () => `x-a:\n${many(100_000, () => '  - 1\n')}${web}`,
    code: 'compose.tooManyTokens',
  },
  {
    name: 'thousands of items',
    text: () => `x-a:\n${many(10_000, () => '  - 1\n')}${web}`,
    code: 'compose.listTooLong',
  },
  { name: 'a megabyte of documents', text: () => many(100_000, () => '---\n'), code: 'compose.tooManyDocuments' },
  {
    name: 'a megabyte of anchors',
    text: () => `x-a:\n${many(30_000, (index) => `  k${index}: &n${index} ${index}\n`)}${web}`,
    code: 'compose.tooManyTokens',
  },
  { name: 'a megabyte of quotes', text: () => `x-a: "${'\\"'.repeat(400_000)}"\n${web}` },
  { name: 'a megabyte of comments', text: () => many(60_000, () => '# c\n') + web },
  { name: 'a megabyte of blank lines', text: () => '\n'.repeat(1_000_000) + web, code: 'compose.tooManyTokens' },
  { name: 'a megabyte of spaces', text: () => `x-a: a${' '.repeat(1_000_000)}b\n${web}` },
  { name: 'a plain text of many lines', text: () => `x-a: a\n${many(60_000, () => '  more words\n')}${web}` },
  { name: 'an anchor in itself', text: () => `x-a: &a [*a]\n${web}`, code: 'compose.aliasCycle' },
  { name: 'an anchor in its own merge', text: () => `x-a: &a { <<: *a }\n${web}`, code: 'compose.aliasCycle' },
  {
    name: 'the prototype as a service',
    text: () => 'services: { __proto__: { image: x, privileged: true } }\n',
    code: 'compose.forbiddenKey',
  },
  {
    name: 'the prototype as a variable',
    text: () => `${web}    environment: { __proto__: { polluted: true } }\n`,
    code: 'compose.forbiddenKey',
  },
  {
    name: 'the prototype in a merge',
    text: () => `x-a: &a { "__proto__": { privileged: true } }\nservices: { web: { <<: *a, image: x } }\n`,
    code: 'compose.forbiddenKey',
  },
  {
    name: 'the constructor',
    text: () => `${web}    labels: { constructor: { prototype: { polluted: true } } }\n`,
    code: 'compose.forbiddenKey',
  },
  {
    name: 'a function of Object',
    text: () => `${web}    labels: { hasOwnProperty: x, toString: y, valueOf: z }\n`,
    code: 'compose.forbiddenKey',
  },
  {
    name: 'the prototype by an alias',
    text: () => `x-a: &a __proto__\n${web}    labels: { *a : polluted }\n`,
    code: 'compose.forbiddenKey',
  },
  {
    name: 'a function of JavaScript',
    text: () => `${web}    user: !!js/function "function(){}"\n`,
    code: 'compose.unknownTag',
  },
  {
    name: 'an object of Python',
    text: () => `${web}    user: !!python/object/apply:os.system ["id"]\n`,
    code: 'compose.unknownTag',
  },
  {
    name: 'a tag of its own',
    text: () => `%TAG ! tag:evil,2000:\n---\n${web}    user: !x y\n`,
    code: 'compose.unknownTag',
  },
  { name: 'binary', text: () => `${web}    user: !!binary "aGVsbG8="\n`, code: 'compose.unknownTag' },
  { name: 'YAML 1.1', text: () => `%YAML 1.1\n---\n${web}    tty: yes\n`, code: 'compose.badBoolean' },
  { name: 'NULs', text: () => `${web}\0\0\0`, code: 'compose.zeroByte' },
  { name: 'a NUL by an escape', text: () => `${web}    user: "a\\0b"\n`, code: 'compose.zeroByte' },
  { name: 'a NUL in a key', text: () => `${web}    labels: { "a\\0b": c }\n`, code: 'compose.zeroByte' },
  { name: 'a byte order mark', text: () => `\uFEFF${web}` },
  { name: 'many byte order marks', text: () => '\uFEFF'.repeat(1000) + web, code: 'compose.unknownTop' },
  { name: 'lone surrogates', text: () => `${web}    labels: { a: "\uD800" }\n` },
  {
    name: 'text from right to left',
    text: () => 'services:\n  web:\n    imag\u202Ee: x\n',
    code: 'compose.unknownKeyDidYouMean',
  },
  { name: 'no for a boolean', text: () => `${web}    tty: no\n`, code: 'compose.badBoolean' },
  { name: 'a map for a key', text: () => `${web}    labels: { [a, b]: c }\n`, code: 'compose.keyKind' },
  { name: 'a key of nothing', text: () => `${web}    labels: { : c }\n`, code: 'compose.keyKind' },
  {
    name: 'variables that grow',
    text: () => `${web}    environment:\n${many(500, (index) => `      A${index}: "${'$BIG'.repeat(400)}"\n`)}`,
    environment: { BIG: 'x'.repeat(64 * 1024) },
    code: 'compose.valueTooLarge',
  },
  {
    name: 'nested variables',
    text: () => `${web}    user: "${'${A:-'.repeat(5000)}x${'}'.repeat(5000)}"\n`,
    code: 'compose.variableInvalid',
  },
  {
    name: 'open variables',
    text: () => `${web}    user: "${'${A:-'.repeat(50_000)}"\n`,
    code: 'compose.variableInvalid',
  },
  { name: 'a million dollars', text: () => `${web}    user: "${'$'.repeat(900_000)}"\n` },
  {
    name: 'thousands of unset variables',
    text: () => `${web}    environment:\n${many(8_000, (index) => `      A${index}: $U${index}\n`)}`,
  },
  {
    name: 'a long chain of extends',
    text: () =>
      `services:\n${many(900, (index) => `  s${index}: { image: x, extends: s${index + 1} }\n`)}  s900: { image: x }\n`,
    code: 'compose.extendsCycle',
  },
  {
    name: 'a wide chain of extends',
    text: () =>
      `services:\n  s0: { image: x, environment: [${many(1500, (index) => `K${index}=1, `)}] }\n${many(900, (index) => `  s${index + 1}: { extends: s${Math.max(0, index - (index % 30))}, environment: [Z${index}=1] }\n`)}`,
    code: 'compose.tooManyNodes',
  },
  {
    name: 'too many services',
    text: () => `services:\n${many(5000, (index) => `  s${index}: { image: x }\n`)}`,
    code: 'compose.tooManyServices',
  },
  {
    name: 'everybody depends on everybody',
    text: () =>
      `services:\n${many(150, (index) => `  s${index}: { image: x, depends_on: [${many(150, (other) => `s${other}, `)}] }\n`)}`,
    code: 'compose.dependsCycle',
  },
  {
    name: 'a chain of dependencies',
    text: () =>
      `services:\n${many(999, (index) => `  s${index}: { image: x, depends_on: [s${index + 1}] }\n`)}  s999: { image: x }\n`,
  },
  {
    name: 'ranges of ports',
    text: () =>
      `${web}    ports: [${many(1900, (index) => `"${index + 1}-${index + 19_000}:${index + 1}-${index + 19_000}", `)}]\n`,
    code: 'compose.tooManyPorts',
  },
  {
    name: 'ranges of exposed ports',
    text: () => `${web}    expose: [${many(1900, (index) => `"${index + 1}-${index + 19_000}", `)}]\n`,
    code: 'compose.tooManyPorts',
  },
  {
    name: 'overlapping ranges',
    text: () => `services:\n${many(900, (index) => `  s${index}: { image: x, ports: ["1-19000:80"] }\n`)}`,
    code: 'compose.tooManyPorts',
  },
  {
    name: 'a long name of a service that is meant',
    text: () => `services:\n  ${'a'.repeat(200_000)}: { image: x, depends_on: [${'b'.repeat(200_000)}] }\n`,
    code: 'compose.yamlSyntax',
  },
  {
    name: 'long unknown keys',
    text: () => `${web}${many(100, (index) => `    ${'k'.repeat(1000)}${index}: 1\n`)}`,
    code: 'compose.unknownKey',
  },
  { name: 'a file that includes itself', text: () => `include: [compose.yaml]\n${web}`, code: 'compose.includeCycle' },
  {
    name: 'a tree of includes',
    text: () => `include: [a.yaml, b.yaml]\n${web}`,
    beside: Object.fromEntries(
      ['a', 'b', 'c', 'd'].map((name) => [`${name}.yaml`, `include: [a.yaml, b.yaml, c.yaml, d.yaml]\nservices: {}\n`]),
    ),
    code: 'compose.includeCycle',
  },
  {
    name: 'a path out of the project',
    text: () => `${web}    env_file: ../../../../etc/shadow\n`,
    code: 'compose.fileMissing',
  },
  { name: 'commands in names', text: () => `services:\n  "$(touch /tmp/pwn)": { image: x }\n`, code: 'compose.badKey' },
  {
    name: 'a command for an image',
    text: () => 'services: { a: { image: "x; touch /tmp/pwn" } }\n',
    code: 'compose.badImage',
  },
  {
    name: 'an option for an image',
    text: () => 'services: { a: { image: "--privileged" } }\n',
    code: 'compose.badImage',
  },
];

describe('a hostile file', () => {
  it('comes in at least sixty kinds', () => expect(hostile.length).toBeGreaterThanOrEqual(60));

  it.each(hostile.map((each) => [each.name, each] as const))('%s', (_name, each) => {
    const text = each.text();
    const asked: string[] = [];
    const began = process.cpuUsage();
    const { problems, spec } = parseProject(
      { files: [{ name: 'compose.yaml', text }], directory: folder, environment: each.environment ?? {} },
      {
        readFile: (path) => {
          asked.push(path);
          return each.beside?.[path];
        },
      },
    );
    const { user, system } = process.cpuUsage(began);
    const took = (user + system) / 1000;
    if (each.code === undefined) expect(problems).toEqual([]);
    else {
      expect(problems.map(({ words }) => words?.code)).toContain(each.code);
      expect(spec).toBeUndefined();
    }
    expect(took).toBeLessThan(longest);
    // Nothing long or unprintable comes back in a message.
    for (const { message } of problems) expect(message.length).toBeLessThan(1500);
    // eslint-disable-next-line no-control-regex -- that is what is looked for
    for (const { message } of problems) expect(message).not.toMatch(/[\u0000-\u001f\u202a-\u202e]/);
    // Only relative or plainly foreign paths are asked for, never more than a handful.
    expect(asked.length).toBeLessThan(200);
    expect(({} as Record<string, unknown>)['privileged']).toBeUndefined();
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});
