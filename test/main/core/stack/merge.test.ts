import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { merge, tidy } from '../../../../src-main/core/stack/merge';
import type { Node } from '../../../../src-main/core/stack/node';
import { Report } from '../../../../src-main/core/stack/report';
import { limits } from '../../../../src-main/core/stack/limits';
import { readYaml, sourceFile } from '../../../../src-main/core/stack/yaml';

function read(value: unknown): Node {
  const report = new Report();
  const source = sourceFile('x.yaml', () => undefined);
  const [node] = readYaml(source, JSON.stringify(value), { report, budget: { nodes: limits.nodes } });
  expect(report.problems).toEqual([]);
  return node!;
}

function plain(node: Node): unknown {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(plain);
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, plain(entry.node)]));
}

const service = (section: unknown): unknown => ({ services: { a: section } });
const merged = (...sections: unknown[]): unknown => {
  const nodes = sections.map((section) => read(service(section)));
  const result = nodes.slice(1).reduce((before, over) => merge(before, over), tidy(nodes[0]!));
  return (plain(result) as { services: { a: unknown } }).services.a;
};

const name = fc.stringMatching(/^[A-Z]{1,2}$/);
const variables = fc.oneof(
  fc.dictionary(name, fc.stringMatching(/^[a-z0-9]{0,3}$/)),
  fc.array(fc.tuple(name, fc.stringMatching(/^[a-z0-9]{0,3}$/)).map(([key, value]) => `${key}=${value}`)),
);
const texts = fc.array(fc.stringMatching(/^[a-c]{1,2}$/));

describe('merging', () => {
  it('is associative for variables, whether maps or lists', () => {
    fc.assert(
      fc.property(variables, variables, variables, (one, two, three) => {
        const [a, b, c] = [one, two, three].map((environment) => read(service({ environment })));
        const left = merge(merge(tidy(a!), b!), c!);
        const right = merge(tidy(a!), merge(b!, c!));
        expect(plain(left)).toEqual(plain(right));
      }),
    );
  });

  it('gives the last word on a variable to the last file', () => {
    fc.assert(
      fc.property(fc.dictionary(name, fc.string()), fc.dictionary(name, fc.string()), (one, two) => {
        expect(merged({ environment: one }, { environment: two })).toEqual({ environment: { ...one, ...two } });
      }),
    );
  });

  it('is associative for lists with unique items', () => {
    fc.assert(
      fc.property(texts, texts, texts, (one, two, three) => {
        const [a, b, c] = [one, two, three].map((cap_add) => read(service({ cap_add })));
        expect(plain(merge(merge(tidy(a!), b!), c!))).toEqual(plain(merge(tidy(a!), merge(tidy(b!), c!))));
      }),
    );
  });

  it('with itself changes nothing', () => {
    fc.assert(
      fc.property(variables, texts, (environment, cap_drop) => {
        const node = tidy(read(service({ environment, cap_drop, image: 'x', command: ['a'], labels: environment })));
        expect(plain(merge(node, node))).toEqual(plain(node));
      }),
    );
  });

  it.each<[string, unknown, unknown, unknown]>([
    ['replaces text', { image: 'a' }, { image: 'b' }, { image: 'b' }],
    ['keeps what null would replace', { image: 'a' }, { image: null }, { image: 'a' }],
    ['replaces commands', { command: ['a'] }, { command: 'b' }, { command: 'b' }],
    [
      'replaces a health check',
      { healthcheck: { test: ['a'], retries: 1 } },
      { healthcheck: { test: ['b'] } },
      { healthcheck: { test: ['b'], retries: 1 } },
    ],
    ['appends ports', { ports: ['80:80'] }, { ports: ['81:81'] }, { ports: ['80:80', '81:81'] }],
    [
      'knows a port in its long form',
      { ports: ['80:80'] },
      { ports: [{ target: 80, published: '80', protocol: 'tcp' }] },
      { ports: [{ target: 80, published: '80', protocol: 'tcp' }] },
    ],
    [
      'replaces a volume at its place',
      { volumes: ['a:/x', 'b:/y'] },
      { volumes: ['c:/x:ro'] },
      { volumes: ['c:/x:ro', 'b:/y'] },
    ],
    ['makes a list of dns', { dns: '1.1.1.1' }, { dns: ['8.8.8.8'] }, { dns: ['1.1.1.1', '8.8.8.8'] }],
    [
      'joins dependencies',
      { depends_on: ['a'] },
      { depends_on: { b: { condition: 'service_healthy' } } },
      { depends_on: { a: { condition: 'service_started' }, b: { condition: 'service_healthy' } } },
    ],
    [
      'joins networks',
      { networks: ['a'] },
      { networks: { b: { aliases: ['x'] } } },
      { networks: { a: {}, b: { aliases: ['x'] } } },
    ],
    [
      'replaces limits of two forms',
      { ulimits: { nofile: 1 } },
      { ulimits: { nofile: { soft: 1, hard: 2 } } },
      { ulimits: { nofile: { soft: 1, hard: 2 } } },
    ],
    [
      'merges a build of two forms',
      { build: '.' },
      { build: { target: 'x' } },
      { build: { context: '.', target: 'x' } },
    ],
    [
      'merges logging of one driver',
      { logging: { driver: 'a', options: { x: '1' } } },
      { logging: { options: { y: '2' } } },
      { logging: { driver: 'a', options: { x: '1', y: '2' } } },
    ],
    [
      'replaces logging of another',
      { logging: { driver: 'a', options: { x: '1' } } },
      { logging: { driver: 'b' } },
      { logging: { driver: 'b' } },
    ],
  ])('%s', (_name, base, over, expected) => expect(merged(base, over)).toEqual(expected));
});
