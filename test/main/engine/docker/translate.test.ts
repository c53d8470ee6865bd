import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EngineError } from '../../../../src-main/core/engine';
import { toEvent } from '../../../../src-main/engine/docker/events';
import { MOST_LABELS, fields, pairs, textMap, time } from '../../../../src-main/engine/docker/parse';
import { toSample } from '../../../../src-main/engine/docker/stats';
import {
  rows,
  toDetail,
  toDiskUsage,
  toFacts,
  toImage,
  toImageDetail,
  toNetwork,
  toSummary,
  toVolume,
} from '../../../../src-main/engine/docker/translate';
import { recorded, recordedText } from './fixtures';

describe('a list of containers', () => {
  it('is translated row by row', () => {
    const list = rows(recorded('list'), toSummary);
    expect(list.map(({ name, state, health, exitCode }) => ({ name, state, health, exitCode }))).toEqual([
      { name: 'rec-pause', state: 'running', health: 'none', exitCode: undefined },
      { name: 'rec-exit', state: 'exited', health: 'none', exitCode: 7 },
      { name: 'rec-port', state: 'created', health: 'none', exitCode: undefined },
      { name: 'rec-web', state: 'running', health: 'healthy', exitCode: undefined },
    ]);
    expect(list[3]).toMatchObject({
      image: 'pilothouse/demo-app:1',
      labels: { 'io.pilothouse.stack': 'shop' },
      createdAt: 1_795_438_198_000,
    });
    expect(list[3]?.id).toHaveLength(64);
  });

  it.each([
    ['Up 2 seconds (health: starting)', 'running', 'starting', undefined],
    ['Up 3 hours (unhealthy)', 'running', 'unhealthy', undefined],
    ['Up 3 hours (healthy) (Paused)', 'paused', 'healthy', undefined],
    ['Up 3 hours (Paused)', 'paused', 'none', undefined],
    ['Exited (137) 2 days ago', 'exited', 'none', 137],
    ['Restarting (1) 4 seconds ago', 'restarting', 'none', 1],
    ['Removal In Progress', 'removing', 'none', undefined],
    ['Dead', 'dead', 'none', undefined],
    ['Created', 'created', 'none', undefined],
  ] as const)('reads health and exit code out of "%s"', (Status, State, health, exitCode) => {
    const row = toSummary({ Id: 'c', Names: ['/c'], Status, State });
    expect({ state: row.state, health: row.health, exitCode: row.exitCode }).toEqual({
      state: State,
      health,
      exitCode,
    });
  });

  it.each([
    ['configured', 'Created', 'created'],
    ['stopped', 'Exited (0) now', 'exited'],
    ['stopping', 'Up 1 second', 'running'],
    ['a word of tomorrow', 'Up 1 second', 'running'],
    ['a word of tomorrow', '', 'exited'],
  ])('knows the state %s', (State, Status, state) => {
    expect(toSummary({ Id: 'c', State, Status }).state).toBe(state);
  });

  it('prefers its own name to those of links', () => {
    expect(toSummary({ Id: 'c', Names: ['/web/db', '/db'] }).name).toBe('db');
  });

  it('is refused whole when a row has no id, or it is no list', () => {
    expect(() => rows([{ Id: 'a' }, { Names: ['/b'] }], toSummary)).toThrow(EngineError);
    expect(() => rows({ message: 'no' }, toSummary)).toThrow(EngineError);
    expect(() => rows(undefined, toSummary)).toThrow(EngineError);
    expect(rows(null, toSummary)).toEqual([]);
  });
});

describe('an inspected container', () => {
  it('tells everything about a running one', () => {
    const detail = toDetail(recorded('inspect-web'));
    expect(detail).toMatchObject({
      name: 'rec-web',
      state: 'running',
      health: 'healthy',
      oomKilled: false,
      error: '',
      restartCount: 0,
      networks: { rec_net: { aliases: expect.arrayContaining(['web']) } },
      ports: [{ target: 8080, protocol: 'tcp', hostIp: '127.0.0.1', published: 18_080 }],
      mounts: [{ type: 'volume', name: 'rec_vol', target: '/data', readOnly: false }],
      limits: { cpus: 0.5, memory: 67_108_864, pids: 50 },
      command: ['/demo-app'],
      restartPolicy: { name: 'on-failure', maxAttempts: 3 },
    });
    expect(detail.environment).toContain('A=b');
    expect(detail.networks['rec_net']?.address).toMatch(/^10\./);
    expect(detail.startedAt).toBeGreaterThan(detail.createdAt);
    expect(detail.pid).toBeGreaterThan(0);
    expect(detail).not.toHaveProperty('finishedAt');
    expect(detail).not.toHaveProperty('exitCode');
    expect(detail.healthLog[0]).toMatchObject({ exitCode: 0, output: 'fine\n' });
  });

  it('tells a failed start from a container that was never started (F8)', () => {
    const detail = toDetail(recorded('inspect-port'));
    expect(detail).toMatchObject({
      state: 'created',
      exitCode: 128,
      error: expect.stringContaining('already allocated'),
    });
    expect(detail).not.toHaveProperty('startedAt');
    expect(detail).not.toHaveProperty('pid');
    expect(toDetail({ Id: 'c', State: { Status: 'created', ExitCode: 0 } })).not.toHaveProperty('exitCode');
  });

  it('tells the exit code of an exited one', () => {
    expect(toDetail(recorded('inspect-exited'))).toMatchObject({ state: 'exited', exitCode: 7 });
  });

  it('keeps only the last of a long health output (S35)', () => {
    const Log = Array.from({ length: 40 }, (_, at) => ({ ExitCode: at, Output: 'x'.repeat(100_000) }));
    const { healthLog } = toDetail({ Id: 'c', State: { Health: { Status: 'unhealthy', Log } } });
    expect(healthLog.map(({ exitCode }) => exitCode)).toEqual([35, 36, 37, 38, 39]);
    expect(healthLog[0]?.output).toHaveLength(2_000);
  });

  it('reads a quota as cores and no limit as none', () => {
    const limits = (HostConfig: object): object => toDetail({ Id: 'c', HostConfig }).limits;
    expect(limits({ CpuQuota: 150_000, CpuPeriod: 100_000 })).toEqual({ cpus: 1.5 });
    expect(limits({ NanoCpus: 0, Memory: 0, PidsLimit: null, CpuQuota: -1 })).toEqual({});
  });
});

describe('the other reads', () => {
  it('translates networks, with containers only when inspected', () => {
    const networks = rows(recorded('networks'), toNetwork);
    expect(networks.find(({ name }) => name === 'rec_net')).toMatchObject({
      driver: 'bridge',
      internal: false,
      labels: { x: '1' },
      containers: {},
    });
    const inspected = toNetwork(fields(recorded('network')));
    expect(Object.values(inspected.containers)).toEqual(['rec-web']);
    expect(inspected.subnets[0]).toMatch(/^10\..*\/24$/);
    expect(inspected.createdAt).toBeGreaterThan(1.7e12);
  });

  it('translates volumes, with sizes when the disk was measured', () => {
    expect(rows(fields(recorded('volumes'))['Volumes'], toVolume)).toEqual([
      {
        name: 'rec_vol',
        driver: 'local',
        driverOpts: {},
        mountpoint: '/var/lib/docker/volumes/rec_vol/_data',
        labels: { x: '1' },
        createdAt: expect.any(Number),
      },
    ]);
    const { usage, volumes } = toDiskUsage(recorded('df'));
    expect(volumes[0]).toMatchObject({ name: 'rec_vol', size: 0, users: 1 });
    expect(usage.images).toBeGreaterThan(20_000_000);
    expect(usage.reclaimable).toBeGreaterThan(0);
    expect(usage.reclaimable).toBeLessThan(usage.images);
  });

  it('translates images', () => {
    const demo = rows(recorded('images'), toImage).find(({ tags }) => tags.includes('pilothouse/demo-app:1'));
    expect(demo).toMatchObject({ digests: [], labels: {}, size: 2_992_628 });
    expect(toImage({ Id: 'sha256:a', RepoTags: ['<none>:<none>'], RepoDigests: null }).tags).toEqual([]);
    // Podman names the registry always.
    const long = ['docker.io/library/busybox:1', 'docker.io/pilothouse/demo-app:1', 'quay.io/docker.io/x:1'];
    const short = ['busybox:1', 'pilothouse/demo-app:1', 'quay.io/docker.io/x:1'];
    expect(toImage({ Id: 'i', RepoTags: long, RepoDigests: ['docker.io/library/b@sha256:1'] })).toMatchObject({
      tags: short,
      digests: ['b@sha256:1'],
    });
    expect(toSummary({ Id: 'c', Image: long[0] }).image).toBe(short[0]);
    expect(toImageDetail(recorded('image'))).toMatchObject({ id: demo?.id, architecture: 'amd64', healthcheck: false });
    expect(
      toImageDetail({
        Id: 'i',
        Config: {
          ExposedPorts: { '80/tcp': {}, 'x/udp': {} },
          Healthcheck: { Test: ['CMD', 'true'] },
          Volumes: { '/data': {} },
        },
      }),
    ).toMatchObject({ exposed: [80], healthcheck: true, volumes: ['/data'] });
  });

  it('translates the facts of Docker, and knows Podman by its components', () => {
    expect(toFacts(recorded('info'), recorded('version'))).toEqual({
      kind: 'docker',
      name: 'harbour',
      version: '20.10.24+dfsg1',
      apiVersion: '1.41',
      operatingSystem: 'Debian GNU/Linux 12 (bookworm)',
      architecture: 'x86_64',
      cpus: 2,
      memory: 25_276_514_304,
      rootDirectory: '/var/lib/docker',
      rootless: false,
      labels: {},
    });
    const podman = toFacts(
      { Labels: ['zone=a', 'ssd'], SecurityOptions: ['name=seccomp,profile=default', 'name=rootless'] },
      { Components: [{ Name: 'Podman Engine' }] },
    );
    expect(podman).toMatchObject({ kind: 'podman', rootless: true, labels: { zone: 'a', ssd: '' } });
  });

  it('translates events and leaves noise out', () => {
    const events = recordedText('events.ndjson')
      .trim()
      .split('\n')
      .map((line) => toEvent(fields(JSON.parse(line))));
    const seen = events.flatMap((event) => (event ? [`${event.type} ${event.action} ${event.name}`] : []));
    expect(seen).toContain('container start rec-web');
    expect(seen).toContain('container health_status: healthy rec-web');
    expect(seen).toContain('network connect rec_net');
    expect(seen).toContain('container die rec-exit');
    expect(seen.join()).not.toMatch(/exec_/);
    expect(events.length).toBeGreaterThan(seen.length);
    expect(events[0]).toMatchObject({ at: 1_795_438_198_606, attributes: { type: 'bridge' } });
    expect(toEvent({ Type: 'plugin', Action: 'enable' })).toBeUndefined();
    // Podman's words for a container's way.
    expect(toEvent({ Type: 'container', Action: 'remove', id: 'c' })).toMatchObject({ action: 'destroy' });
    expect(toEvent({ Type: 'container', Action: 'init', id: 'c' })).toBeUndefined();
    expect(toEvent({ Type: 'volume', Action: 'mount', id: 'v' })).toMatchObject({ action: 'mount' });
    expect(toEvent({ Type: 'image', Action: 'remove', id: 'i' })).toMatchObject({ action: 'delete' });
    expect(toEvent({ status: 'die', id: 'c', Type: 'container', time: 5 })).toMatchObject({
      action: 'die',
      id: 'c',
      at: 5_000,
    });
  });

  it('translates a frame of statistics, and knows that of a stopped container', () => {
    expect(toSample(fields(recorded('stats')), 'c')).toMatchObject({
      id: 'c',
      cpuNanos: expect.any(Number),
      memoryLimit: expect.any(Number),
      networkRx: expect.any(Number),
      pids: 1,
    });
    expect(toSample({ read: '0001-01-01T00:00:00Z', cpu_stats: {} }, 'c')).toBeUndefined();
    const generationTwo = toSample(
      {
        read: '2026-01-01T00:00:00.5Z',
        cpu_stats: { cpu_usage: { total_usage: 7 }, throttling_data: { throttled_time: 3 } },
        memory_stats: { usage: 100, stats: { inactive_file: 40 }, limit: 1_000 },
        networks: { eth0: { rx_bytes: 1, tx_bytes: 2 }, eth1: { rx_bytes: 10, tx_bytes: 20 } },
        blkio_stats: {
          io_service_bytes_recursive: [
            { op: 'read', value: 5 },
            { op: 'Write', value: 6 },
          ],
        },
        pids_stats: { current: 4 },
      },
      'c',
    );
    expect(generationTwo).toEqual({
      id: 'c',
      at: Date.UTC(2026, 0, 1) + 500,
      cpuNanos: 7,
      cpuThrottledNanos: 3,
      memory: 60,
      memoryLimit: 1_000,
      networkRx: 11,
      networkTx: 22,
      blockRead: 5,
      blockWrite: 6,
      pids: 4,
    });
  });
});

describe('hostile answers', () => {
  const readers = [toSummary, toDetail, toNetwork, toVolume, toImage, toImageDetail, toEvent, toDiskUsage] as const;
  const names = [
    'Id',
    'ID',
    'Name',
    'Names',
    'Labels',
    'State',
    'Status',
    'Config',
    'HostConfig',
    'NetworkSettings',
    'Mounts',
  ];
  const more = [
    'Networks',
    'Ports',
    'Health',
    'Log',
    'Created',
    'RepoTags',
    'IPAM',
    'Containers',
    'Actor',
    'Type',
    'Action',
    '__proto__',
  ];
  const key = fc.constantFrom(...names, ...more);
  const { body } = fc.letrec((tie) => ({
    body: fc.oneof(
      { maxDepth: 5 },
      fc.jsonValue({ maxDepth: 2 }),
      fc.array(tie('body')),
      fc.dictionary(key, tie('body')),
    ),
  }));

  it('either translate or fail as an engine error', () => {
    fc.assert(
      fc.property(body, (value) => {
        for (const read of readers) {
          try {
            read(fields(value));
          } catch (error) {
            expect(error).toBeInstanceOf(EngineError);
          }
        }
        expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  it('cannot flood us with labels, and ours are the last to be dropped (S35)', () => {
    const labels = Object.fromEntries(Array.from({ length: 50_000 }, (_, at) => [`a${at}`, 'x'.repeat(10)]));
    const kept = textMap({ ...labels, 'io.pilothouse.stack': 'shop', 'com.docker.compose.project': 'shop' });
    expect(Object.keys(kept)).toHaveLength(MOST_LABELS);
    expect(kept).toMatchObject({ 'io.pilothouse.stack': 'shop', 'com.docker.compose.project': 'shop' });
    expect(textMap({ long: 'x'.repeat(1e6) })['long']).toHaveLength(4_096);
  });

  it('cannot reach prototypes', () => {
    const value = JSON.parse('{"__proto__":{"polluted":1},"a":"b"}') as unknown;
    expect(textMap(value)).toEqual({ a: 'b' });
    expect(Object.getPrototypeOf(textMap(value))).toBe(Object.prototype);
    expect(pairs(['__proto__=x', 'a=b'])).toEqual({ a: 'b' });
  });

  it('have no times before the year 1 is over', () => {
    expect(time('0001-01-01T00:00:00Z')).toBeUndefined();
    expect(time('never')).toBeUndefined();
    expect(time('2026-11-23T12:50:02.300819632Z')).toBe(Date.UTC(2026, 10, 23, 12, 50, 2, 300));
  });
});
