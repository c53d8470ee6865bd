import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, hashContainer, hashValue, parseProject } from '../../../../src-main/core/stack';
import type { StackSpec } from '../../../../src-main/contract/spec';
import { folder } from './corpus/parse';

function spec(service: string, rest = '', environment: Record<string, string> = {}): StackSpec {
  const text = `name: shop\nservices:\n  web: { image: "nginx:1", ${service} }\n  other: { image: o }\n${rest}`;
  const parsed = parseProject({ files: [{ name: 'c.yaml', text }], directory: folder, environment });
  expect(parsed.problems).toEqual([]);
  return parsed.spec!;
}

function hash(service: string, rest = '', environment: Record<string, string> = {}): string {
  const parsed = spec(service, rest, environment);
  return hashContainer(parsed.services['web']!, parsed);
}

const parts =
  'networks: { n: { name: net } }\nvolumes: { v: { name: vol } }\nconfigs: { c: { content: one } }\nsecrets: { s: { environment: S } }\n';

describe('the hash of a container', () => {
  it('is 32 hex digits and never changes between versions for the same service', () => {
    expect(hash('ports: ["80:80"]')).toMatch(/^[0-9a-f]{32}$/);
    // A change here replaces every container of every user: think twice.
    expect(hash('environment: { A: 1 }, ports: ["8080:80"], volumes: ["v:/v"]', parts)).toBe(
      '3f2994c4ecf331f86577618b67793817',
    );
  });

  it.each([
    ['labels: { a: b, c: d }', 'labels: [c=d, a=b]'],
    ['environment: { A: 1, B: 2 }', 'environment: [B=2, A=1]'],
    ['cap_add: [A, B]', 'cap_add: [B, A]'],
    ['ports: ["80:80", "81:81"]', 'ports: [{ target: 81, published: 81 }, { target: 80, published: "80" }]'],
    ['scale: 3', 'scale: 5'],
    ['deploy: { labels: { a: b } }', 'deploy: { update_config: { parallelism: 5 } }'],
    ['deploy: { placement: { constraints: ["node.role==worker"] } }', 'depends_on: [other]'],
    ['pull_policy: always', 'x-pilothouse: { autoscale: { max: 5 }, rollout: { surge: 2 }, warm_spares: 1 }'],
    ['stop_grace_period: 60s', 'stop_grace_period: 1m'],
    ['mem_limit: 1g', 'deploy: { resources: { limits: { memory: 1024m } } }'],
    ['x-note: a', ''],
    ['privileged: false', 'tty: false'],
  ])('is the same for %s and %s', (left, right) => expect(hash(left)).toBe(hash(right)));

  it('differs for everything that the container is made of', () => {
    const services = [
      '',
      'command: [a]',
      'command: [a, b]',
      'command: [b, a]',
      'entrypoint: [a]',
      'environment: { A: 1 }',
      'environment: { A: 2 }',
      'labels: { a: b }',
      'user: "1"',
      'working_dir: /x',
      'hostname: h',
      'tty: true',
      'read_only: true',
      'privileged: true',
      'init: true',
      'cap_add: [A]',
      'cap_drop: [A]',
      'devices: ["/dev/a:/dev/a"]',
      'dns: 1.1.1.1',
      'sysctls: { a: 1 }',
      'ulimits: { nofile: 5 }',
      'tmpfs: /x',
      'shm_size: 1m',
      'pid: host',
      'network_mode: host',
      'networks: [n]',
      'networks: { n: { aliases: [a] } }',
      'logging: { driver: none }',
      'stop_signal: SIGINT',
      'stop_grace_period: 1s',
      'ports: ["80:80"]',
      'ports: ["81:80"]',
      'expose: [80]',
      'volumes: ["v:/v"]',
      'volumes: ["v:/v:ro"]',
      'volumes: ["/x:/v"]',
      'configs: [c]',
      'secrets: [s]',
      'healthcheck: { test: a }',
      'healthcheck: { test: a, interval: 1s }',
      'healthcheck: { disable: true }',
      'restart: always',
      'restart: on-failure',
      'deploy: { restart_policy: { condition: any } }',
      'mem_limit: 1g',
      'cpus: 1',
      'pids_limit: 5',
      'deploy: { resources: { reservations: { memory: 1g } } }',
      'mac_address: "02:42:ac:11:65:43"',
      'cpu_shares: 5',
      'container_name: xy',
      'platform: linux/arm64',
      'x-pilothouse: { stateful: true }',
      'extra_hosts: ["a:1.1.1.1"]',
    ];
    const hashes = services.map((service) => hash(service, parts, { S: 'secret' }));
    expect(new Set(hashes).size).toBe(services.length);
  });

  it("changes with the engine's names and with the content of configs and secrets", () => {
    const service = 'networks: [n], volumes: ["v:/v"], configs: [c], secrets: [s]';
    const first = hash(service, parts, { S: 'secret' });
    expect(hash(service, parts, { S: 'secret' })).toBe(first);
    for (const [rest, secret] of [
      [parts.replace('name: net', 'name: other'), 'secret'],
      [parts.replace('name: vol', 'name: other'), 'secret'],
      [parts.replace('content: one', 'content: two'), 'secret'],
      [parts, 'another'],
    ] as const) {
      expect(hash(service, rest, { S: secret })).not.toBe(first);
    }
    // What the service does not use does not matter.
    expect(hash('', parts.replace('content: one', 'content: two'), { S: 'x' })).toBe(hash('', parts, { S: 'y' }));
  });
});

describe('canonical JSON', () => {
  it('does not depend on the order of keys, nor on what is empty', () => {
    expect(canonicalJson({ b: 1, a: { d: undefined, c: [] }, e: '', f: false, g: null, h: {}, i: 0 })).toBe(
      '{"b":1,"i":0}',
    );
    expect(canonicalJson(['', null, [], {}])).toBe('["",null,[],{}]');
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const shuffled = Object.fromEntries(Object.entries(value).reverse());
        expect(canonicalJson(shuffled)).toBe(canonicalJson(value));
        expect(hashValue(shuffled)).toBe(hashValue(value));
      }),
    );
  });

  it('differs when a value differs', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (left, right) => {
        fc.pre(left !== right);
        expect(hashValue({ a: left })).not.toBe(hashValue({ a: right }));
      }),
    );
  });
});
