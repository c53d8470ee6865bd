/** What a good project becomes: values, defaults, warnings, names, files. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseProject, renderService, renderStack } from '../../../../src-main/core/stack';
import type { ParsedProject } from '../../../../src-main/core/stack';
import type { StackSource } from '../../../../src-main/contract/nouns';
import { folder, readerOf } from './corpus/parse';

function parse(text: string, more: Partial<StackSource> = {}, beside: Record<string, string> = {}): ParsedProject {
  return parseProject(
    { files: [{ name: 'compose.yaml', text }], directory: folder, ...more },
    { readFile: readerOf(beside) },
  );
}

function service(section: string, rest = ''): NonNullable<ParsedProject['spec']>['services'][string] {
  const { spec, problems } = parse(`services:\n  web: { image: nginx, ${section} }\n${rest}`);
  expect(problems).toEqual([]);
  return spec!.services['web']!;
}

describe('a service without anything but an image', () => {
  it('gets every default', () => {
    expect(service('')).toEqual({
      image: 'nginx',
      pullPolicy: 'missing',
      environment: {},
      labels: {},
      tty: false,
      stdinOpen: false,
      readOnly: false,
      privileged: false,
      capAdd: [],
      capDrop: [],
      securityOpt: [],
      groupAdd: [],
      devices: [],
      extraHosts: [],
      dns: [],
      dnsSearch: [],
      dnsOpt: [],
      sysctls: {},
      ulimits: {},
      tmpfs: [],
      stopGracePeriod: 10_000,
      ports: [],
      expose: [],
      networks: [{ network: 'default', aliases: [], priority: 0 }],
      mounts: [],
      configs: [],
      secrets: [],
      dependsOn: [],
      deploy: {
        mode: 'replicated',
        replicas: 1,
        labels: {},
        limits: {},
        reservations: {},
        placement: { constraints: [], preferences: [] },
        update: {
          parallelism: 1,
          delay: 0,
          failureAction: 'pause',
          monitor: 5000,
          maxFailureRatio: 0,
          order: 'stop-first',
        },
        rollback: {
          parallelism: 1,
          delay: 0,
          failureAction: 'pause',
          monitor: 5000,
          maxFailureRatio: 0,
          order: 'stop-first',
        },
      },
      pilothouse: {},
    });
  });

  it('gives the stack a default network', () => {
    expect(parse('services: { web: { image: nginx } }').spec).toMatchObject({
      name: 'project',
      networks: { default: { name: 'project_default', external: false } },
      volumes: {},
    });
  });
});

describe('values', () => {
  it('of deploy follow the specification', () => {
    const { deploy } = service(
      'deploy: { replicas: 3, restart_policy: { condition: on-failure, max_attempts: 3, window: 2m }, update_config: { parallelism: 0, order: start-first } }',
    );
    expect(deploy.restartPolicy).toEqual({ condition: 'on-failure', delay: 0, maxAttempts: 3, window: 120_000 });
    expect(deploy.update).toMatchObject({ parallelism: 0, order: 'start-first', monitor: 5000 });
    expect(service('deploy: { restart_policy: {} }').deploy.restartPolicy).toEqual({
      condition: 'any',
      delay: 0,
      window: 0,
    });
    expect(service('scale: 4').deploy.replicas).toBe(4);
    expect(service('deploy: { mode: global }').deploy).toMatchObject({ mode: 'global', replicas: 1 });
  });

  it('of resources come from old and new fields', () => {
    expect(service('mem_limit: 1g, cpus: 0.5, pids_limit: 9, mem_reservation: 1m').deploy).toMatchObject({
      limits: { memory: 2 ** 30, cpus: 0.5, pids: 9 },
      reservations: { memory: 2 ** 20 },
    });
  });

  it('of x-pilothouse are times in milliseconds, with defaults', () => {
    const { pilothouse } = service(
      'x-pilothouse: { probes: { readiness: { http: { port: 8080 } } }, autoscale: { max: 5, metrics: [{ metric: cpu, target: 70% }, { metric: memory, type: AverageValue, target: 1m }, { metric: latency, target: 250ms }] }, traffic: { route: { port: 80 } } }',
    );
    expect(pilothouse).toEqual({
      probes: {
        readiness: {
          http: { port: 8080, path: '/', scheme: 'http', headers: {} },
          initialDelay: 0,
          period: 10_000,
          timeout: 1000,
          successThreshold: 1,
          failureThreshold: 3,
        },
      },
      autoscale: {
        min: 1,
        max: 5,
        metrics: [
          { metric: 'cpu', type: 'Utilization', target: 70 },
          { metric: 'memory', type: 'AverageValue', target: 2 ** 20 },
          { metric: 'latency', type: 'Value', target: 250 },
        ],
      },
      traffic: { mode: 'http', algorithm: 'roundrobin', route: { port: 80 } },
    });
  });

  it('of x-pilothouse at the top are defaults for every service', () => {
    const { spec, problems } = parse(
      'x-pilothouse: { defaults: { priority: 5, rollout: { surge: 1 } } }\nservices: { a: { image: x }, b: { image: x, x-pilothouse: { priority: 7 } } }',
    );
    expect(problems).toEqual([]);
    expect(spec!.services['a']!.pilothouse).toEqual({ priority: 5, rollout: { strategy: 'rolling', surge: 1 } });
    expect(spec!.services['b']!.pilothouse).toEqual({ priority: 7, rollout: { strategy: 'rolling', surge: 1 } });
  });

  it('of links and volumes_from are put in terms of today', () => {
    const { spec } = parse(
      'services: { web: { image: x, links: ["db:database"], volumes_from: ["db:ro"] }, db: { image: y, volumes: ["data:/data"] } }\nvolumes: { data: }',
    );
    expect(spec!.services['db']!.networks[0]!.aliases).toEqual(['database']);
    expect(spec!.services['web']!.mounts).toEqual([
      { type: 'volume', source: 'data', target: '/data', readOnly: true },
    ]);
    expect(spec!.services['web']!.dependsOn).toMatchObject([{ service: 'db', condition: 'service_started' }]);
  });

  it('of rare settings are kept for the engine', () => {
    expect(
      service(
        'container_name: me, mac_address: "02:42:ac:11:65:43", cpu_shares: 5, memswap_limit: -1, gpus: all, userns_mode: host, cpu_quota: 50ms, annotations: { a: b }',
      ).extras,
    ).toEqual({
      containerName: 'me',
      macAddress: '02:42:ac:11:65:43',
      cpuShares: 5,
      cpuQuota: 50_000,
      memorySwap: -1,
      usernsMode: 'host',
      deviceRequests: [{ count: -1, capabilities: ['gpu'] }],
      annotations: { a: 'b' },
    });
  });
});

describe('names', () => {
  it('come from the option, the environment, the file, the folder, in this order', () => {
    const text = 'name: file\nservices: { a: { image: x } }';
    const source: StackSource = { files: [{ name: 'c.yaml', text }], directory: '/srv/My Project.1' };
    expect(parseProject({ ...source, environment: { COMPOSE_PROJECT_NAME: 'env' } }, { name: 'option' }).name).toBe(
      'option',
    );
    expect(parseProject({ ...source, environment: { COMPOSE_PROJECT_NAME: 'env' } }).name).toBe('env');
    expect(parseProject(source).name).toBe('file');
    expect(parseProject({ ...source, files: [{ name: 'c.yaml', text: 'services: { a: { image: x } }' }] }).name).toBe(
      'myproject1',
    );
    const { name, problems } = parseProject({ files: [{ name: 'c.yaml', text: 'services: { a: { image: x } }' }] });
    expect(name).toBeUndefined();
    expect(problems.map(({ words }) => words?.code)).toEqual(['compose.noName']);
  });
});

describe('warnings', () => {
  it.each([
    ['deploy: { endpoint_mode: vip }', 'compose.noVip', 'endpoint_mode: vip'],
    ['credential_spec: { file: x }', 'compose.windowsOnly', 'credential_spec'],
    [
      'deploy: { resources: { reservations: { generic_resources: [{ discrete_resource_spec: { kind: gpu, value: 2 } }] } } }',
      'compose.noGenericResources',
      'generic_resources',
    ],
    ['external_links: [a]', 'compose.noExternalLinks', 'external_links'],
    ['develop: { watch: [] }', 'compose.noDevelop', 'develop'],
    ['post_start: [{ command: x }]', 'compose.noHooks', 'post_start'],
    ['attach: false', 'compose.cliOnly', 'attach'],
    ['build: ., pull_policy: always', 'compose.buildIgnored', 'always'],
    ['build: "https://example.org/a.git"', 'compose.buildRemote', 'a.git'],
    ['build: { context: ., ssh: [default] }', 'compose.buildPart', 'build.ssh'],
    ['build: { platforms: [linux/amd64, linux/arm64] }', 'compose.buildPlatforms', 'first'],
    ['pull_policy: daily', 'compose.pullPolicy', 'daily'],
    ['container_name: me', 'compose.containerName', 'me'],
    ['volumes: ["/srv/a:/a:z"]', 'compose.ignored', 'selinux'],
    ['networks: { default: { link_local_ips: ["169.254.1.1"] } }', 'compose.ignored', 'link_local_ips'],
    ['user: $UNSET', 'compose.variableUnset', 'UNSET'],
    ['command: a && b', 'compose.commandCut', '`a`'],
    ['network_mode: host, ports: ["80:80"]', 'compose.hostNetworkPorts', 'ports'],
    ['depends_on: { other: { condition: service_healthy } }', 'compose.healthyUnchecked', 'other'],
    ['depends_on: { forever: { condition: service_completed_successfully } }', 'compose.completedRestarts', 'forever'],
    ['scale: 2, ports: [{ target: 80, published: "80", mode: host }]', 'compose.hostPortReplicas', '2 replicas'],
  ])('%s: %s', (section, code, says) => {
    const { spec, warnings, problems } = parse(
      `services:\n  web: { image: x, ${section} }\n  other: { image: x }\n  forever: { image: x, restart: always }\n`,
    );
    expect(problems).toEqual([]);
    expect(spec).toBeDefined();
    const warning = warnings.find(({ words }) => words?.code === code);
    expect(warning?.message).toContain(says);
    expect(warning?.where).toMatchObject({ file: 'compose.yaml', line: 2 });
  });

  it('tell an unset variable once', () => {
    expect(parse('services: { web: { image: x, user: "$A", labels: { a: "$A", b: "$B" } } }').warnings).toHaveLength(2);
  });
});

describe('files', () => {
  it('that are referred to are asked for by their path in the project', () => {
    const asked: string[] = [];
    parseProject(
      {
        files: [
          {
            name: 'compose.yaml',
            text: 'services: { a: { image: x, env_file: [./a.env, sub/../b.env, ../up.env, /abs.env] } }',
          },
        ],
        directory: folder,
      },
      { readFile: (path) => void asked.push(path) },
    );
    expect(asked).toEqual(['a.env', 'b.env', '/srv/up.env', '/abs.env']);
  });

  it('of the source itself are found without a reader', () => {
    const { spec } = parseProject({
      files: [
        {
          name: 'compose.yaml',
          text: 'services: { a: { image: x, env_file: my.env, extends: { file: base.yaml, service: b } } }',
        },
        { name: 'base.yaml', text: 'services: { b: { image: y, user: u } }' },
      ],
      envFiles: [{ name: 'my.env', text: 'A=1' }],
      directory: folder,
    });
    expect(spec!.services['a']).toMatchObject({ environment: { A: '1' }, user: 'u', image: 'x' });
  });

  it('that the reader fails on count as missing', () => {
    const { problems } = parseProject(
      { files: [{ name: 'c.yaml', text: 'services: { a: { image: x, env_file: my.env } }' }], directory: folder },
      {
        readFile: () => {
          throw new Error('EACCES: secret path');
        },
      },
    );
    expect(problems.map(({ message }) => message)).toEqual(['my.env cannot be read']);
  });

  it('without a folder cannot be relative', () => {
    const { problems } = parseProject({
      files: [{ name: 'c.yaml', text: 'name: n\nservices: { a: { image: x, volumes: ["./a:/a"] } }' }],
    });
    expect(problems.map(({ words }) => words?.code)).toEqual(['compose.noDirectory']);
  });
});

describe('rendering', () => {
  const secretive =
    'services: { web: { image: x, secrets: [a, b], configs: [c] } }\nsecrets: { a: { environment: TOKEN }, b: { file: ./key } }\nconfigs: { c: { content: open } }\n';

  it('never holds the content of a secret, nor does any message', () => {
    const parsed = parse(secretive, { environment: { TOKEN: 'c4nary-1' } }, { key: 'c4nary-2' });
    expect(parsed.spec!.secrets['a']!.content).toBe('c4nary-1');
    expect(parsed.resolvedYaml).not.toContain('c4nary');
    expect(JSON.stringify([parsed.problems, parsed.warnings])).not.toContain('c4nary');
    expect(parsed.resolvedYaml).toContain('environment: TOKEN');
    expect(parsed.resolvedYaml).toContain('content: open');
  });

  it('of one service is its section', () => {
    expect(renderService(service('ports: ["8080:80"], environment: { A: "$$x" }'))).toBe(
      'image: nginx\nenvironment:\n  A: $$x\nnetworks:\n  default: null\nports:\n  - target: 80\n    published: "8080"\ndeploy:\n  replicas: 1\n',
    );
  });

  it('comes back the same, whatever the texts', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        'yes',
        '0755',
        '1e3',
        'a: b',
        '- x',
        '#',
        '$A',
        '${B',
        '\n',
        ' lead',
        'trail ',
        'a\n b\n',
        "it's",
        '{',
        '[',
        '&a',
        '*a',
        '!x',
        '%',
        '@',
        '`',
        '|',
        '>',
        '?',
        ':',
        '~',
        '2001-01-01',
        '\t',
        'a\r\nb',
      ),
    );
    fc.assert(
      fc.property(
        fc.array(text, { maxLength: 4 }),
        fc.dictionary(fc.stringMatching(/^[A-Z]{1,3}$/), text),
        fc.nat(20),
        (command, environment, replicas) => {
          const base = parse('services: { web: { image: x } }').spec!;
          const clean = (value: string): string => value.replaceAll('\0', '').replace(/[\ud800-\udfff]/gu, '');
          const web = {
            ...base.services['web']!,
            command: command.map(clean),
            environment: Object.fromEntries(Object.entries(environment).map(([key, value]) => [key, clean(value)])),
            labels: { note: clean(command[0] ?? '') },
            deploy: { ...base.services['web']!.deploy, replicas },
          };
          const spec = { ...base, services: { web } };
          const again = parse(renderStack(spec));
          expect(again.problems).toEqual([]);
          expect(again.spec).toEqual(spec);
        },
      ),
    );
  });
});
