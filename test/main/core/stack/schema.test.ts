/** Our walker against Ajv: the two agree on what the schemas allow, over the corpus and over random damage to it. */
import { Ajv } from 'ajv';
import type { ValidateFunction } from 'ajv';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import compose from '../../../../resources/schema/compose-spec.json';
import pilothouse from '../../../../resources/schema/x-pilothouse.json';
import type { Node } from '../../../../src-main/core/stack/node';
import { Report } from '../../../../src-main/core/stack/report';
import type { Schema } from '../../../../src-main/core/stack/schema';
import { validate } from '../../../../src-main/core/stack/schema';
import { limits } from '../../../../src-main/core/stack/limits';
import { readYaml, sourceFile } from '../../../../src-main/core/stack/yaml';
import { corpus } from './corpus';
import { wrong } from './corpus/wrong';

const known = new Set([
  '$id',
  '$ref',
  '$schema',
  'additionalProperties',
  'default',
  'definitions',
  'deprecated',
  'description',
  'enum',
  'items',
  'maximum',
  'minItems',
  'minimum',
  'oneOf',
  'pattern',
  'patternProperties',
  'properties',
  'required',
  'title',
  'type',
  'uniqueItems',
]);

function keywords(schema: unknown, names = false): string[] {
  if (Array.isArray(schema)) return schema.flatMap((each) => keywords(each));
  if (schema === null || typeof schema !== 'object') return [];
  return Object.entries(schema).flatMap(([key, value]) => [
    ...(names ? [] : [key]),
    ...keywords(value, !names && ['properties', 'patternProperties', 'definitions'].includes(key)),
  ]);
}

function compiled(schema: object): ValidateFunction {
  const { $schema: _draft, ...rest } = schema as { $schema: string };
  return new Ajv({ strict: false, allErrors: true }).compile(rest);
}

function read(text: string): Node[] {
  const source = sourceFile('x.yaml', () => undefined);
  const report = new Report();
  const nodes = readYaml(source, text, { report, budget: { nodes: limits.nodes } });
  // What could not be read is not compared: the walker passes over it, since it has been told.
  return report.failed ? [] : nodes;
}

/** The tree as plain data. Quoted text stays text, so the walker's leniency about it must be switched off to compare. */
function plain(node: Node): unknown {
  if (node.kind === 'scalar') {
    delete node.loose;
    return node.value;
  }
  if (node.kind === 'list') return node.items.map(plain);
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, plain(entry.node)]));
}

describe('the schema walker', () => {
  it('knows every keyword that the schemas use', () => {
    for (const schema of [compose, pilothouse]) {
      expect(keywords(schema).filter((keyword) => !known.has(keyword))).toEqual([]);
    }
  });

  it('agrees with Ajv on every file of the corpus', () => {
    const judge = compiled(compose);
    const texts = [...corpus, ...wrong].flatMap((each) => [
      ...Object.values(each.files),
      ...Object.values(each.beside ?? {}),
    ]);
    let good = 0;
    let bad = 0;
    for (const text of texts) {
      for (const node of read(text)) {
        const data = plain(node);
        const verdict = judge(data);
        if (verdict) good += 1;
        else bad += 1;
        expect({ text, ok: validate(node, compose as Schema).length === 0 }).toEqual({ text, ok: verdict });
      }
    }
    expect(good).toBeGreaterThan(100);
    expect(bad).toBeGreaterThan(20);
  });

  it('agrees with Ajv when something anywhere in a file is replaced', () => {
    const judge = compiled(compose);
    const documents = corpus
      .flatMap((each) => Object.values(each.files))
      .flatMap((text) => read(text))
      .map((node) => plain(node));
    const junk = fc.constantFrom<unknown>(
      null,
      true,
      3,
      -1,
      1.5,
      '',
      'text',
      '3',
      [],
      ['a', 'a'],
      [1],
      {},
      { a: 1 },
      { 'x-a': 1 },
      [[]],
      [{}],
    );
    const verdicts = { good: 0, bad: 0 };
    fc.assert(
      fc.property(fc.constantFrom(...documents), fc.nat(), junk, (document, at, value) => {
        const copy = structuredClone(document) as Record<string, unknown>;
        const places: [Record<string, unknown>, string][] = [];
        const walk = (holder: unknown): void => {
          if (holder === null || typeof holder !== 'object') return;
          for (const key of Object.keys(holder)) {
            places.push([holder as Record<string, unknown>, key]);
            walk((holder as Record<string, unknown>)[key]);
          }
        };
        walk(copy);
        const [holder, key] = places[at % places.length]!;
        holder[key] = value;
        const [node] = read(JSON.stringify(copy));
        if (node === undefined) return;
        plain(node);
        const verdict = judge(copy);
        verdicts[verdict ? 'good' : 'bad'] += 1;
        expect(validate(node, compose as Schema).length === 0).toBe(verdict);
      }),
      { numRuns: 250 },
    );
    expect(verdicts.good).toBeGreaterThan(40);
    expect(verdicts.bad).toBeGreaterThan(40);
  });

  it('agrees with Ajv on x-pilothouse', () => {
    const judge = compiled({ ...pilothouse, oneOf: undefined, $ref: '#/definitions/service' });
    const schema: Schema = { ...(pilothouse as Schema), oneOf: undefined, $ref: '#/definitions/service' };
    for (const text of [
      '{}',
      'probes: { liveness: { tcp: { port: 1 } } }',
      'probes: { liveness: { tcp: { port: 0 } } }',
      'probes: { liveness: { tcp: {} } }',
      'rollout: { surge: 25%, unavailable: 1 }',
      'rollout: { surge: lots }',
      'rollout: { steps: [] }',
      'autoscale: { max: 3, metrics: [{ metric: cpu, target: 70% }] }',
      'autoscale: { max: 3, metrics: [] }',
      'autoscale: { min: 3 }',
      'traffic: { route: { port: 80, path_prefix: app } }',
      'schedules: [{ cron: "0 8 * * 1-5" }]',
      'schedules: [{ cron: "often" }]',
      'x-own: 1',
      'other: 1',
      'priority: 1.5',
    ]) {
      const [node] = read(text);
      const data = plain(node!);
      expect({ text, ok: validate(node!, schema).length === 0 }).toEqual({ text, ok: judge(data) });
    }
  });
});
