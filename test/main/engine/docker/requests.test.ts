import { describe, expect, it } from 'vitest';
import type { CreateContainer } from '../../../../src-main/core/engine';
import {
  isAtLeast,
  networksToConnect,
  toCreateBody,
  toFilters,
  toNetworkBody,
  toUpdateBody,
  toVolumeBody,
} from '../../../../src-main/engine/docker/requests';
import { containerRequest } from './request';

/** As it goes over the wire: undefined fields are gone. */
const sent = (request: CreateContainer, api = '1.41'): unknown =>
  JSON.parse(JSON.stringify(toCreateBody(request, api)));

describe('create', () => {
  it('sends nothing that was not asked for', () => {
    expect(sent(containerRequest())).toEqual({
      Image: 'busybox:latest',
      Labels: {},
      Env: [],
      Tty: false,
      OpenStdin: false,
      StopTimeout: 1,
      HostConfig: {
        ReadonlyRootfs: false,
        Privileged: false,
        RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
      },
    });
  });

  it('sends everything that can be asked for', () => {
    const body = sent(
      containerRequest({
        command: ['serve'],
        entrypoint: ['/app'],
        environment: { A: 'b=c', EMPTY: '' },
        workingDir: '/srv',
        user: '1000:1000',
        hostname: 'h',
        domainname: 'd',
        tty: true,
        stdinOpen: true,
        stopSignal: 'SIGINT',
        stopTimeout: 1_500,
        healthcheck: {
          test: ['CMD', 'true'],
          interval: 1_000,
          timeout: 500,
          retries: 2,
          startPeriod: 3_000,
          startInterval: 250,
        },
        host: {
          init: true,
          capAdd: ['NET_ADMIN'],
          capDrop: ['ALL'],
          securityOpt: ['no-new-privileges'],
          groupAdd: ['audio'],
          devices: ['/dev/snd', '/dev/a:/dev/b', '/dev/c:/dev/d:r'],
          extraHosts: ['db:10.0.0.1'],
          dns: ['1.1.1.1'],
          dnsSearch: ['lan'],
          dnsOpt: ['ndots:1'],
          sysctls: { 'net.core.somaxconn': '1024' },
          ulimits: { nofile: { soft: 10, hard: 20 } },
          tmpfs: { '/run': 'size=1m' },
          shmSize: 1_024,
          ipc: 'private',
          pid: 'host',
          uts: 'host',
          runtime: 'runc',
          cgroupParent: '/parent',
          oomScoreAdj: 5,
          logging: { driver: 'json-file', options: { 'max-size': '1m' } },
          limits: { cpus: 0.25, memory: 64, pids: 9 },
          reservations: { cpus: 0.1, memory: 32 },
          restartPolicy: { name: 'on-failure', maxAttempts: 4 },
          ports: [
            { target: 80, protocol: 'tcp', published: 8_080, hostIp: '127.0.0.1' },
            { target: 80, protocol: 'tcp' },
            { target: 53, protocol: 'udp', published: 53 },
          ],
          mounts: [
            { type: 'volume', source: 'data', target: '/data', readOnly: false, noCopy: true, labels: { a: 'b' } },
            { type: 'volume', target: '/anonymous', readOnly: false },
            { type: 'bind', source: '/etc/x', target: '/x', readOnly: true, propagation: 'rslave' },
            { type: 'bind', source: '/srv/new', target: '/new', readOnly: true, createHostPath: true },
            { type: 'bind', source: '/srv/a:b', target: '/ab', readOnly: false, createHostPath: true },
            { type: 'tmpfs', target: '/tmp', readOnly: false, size: 4_096, mode: 0o1777 },
          ],
        },
        networks: [
          { name: 'front', aliases: ['web'], ipv4Address: '10.0.0.5' },
          { name: 'back', aliases: [] },
        ],
      }),
    );
    expect(body).toMatchObject({
      Cmd: ['serve'],
      Entrypoint: ['/app'],
      Env: ['A=b=c', 'EMPTY='],
      StopSignal: 'SIGINT',
      StopTimeout: 2,
      Healthcheck: { Test: ['CMD', 'true'], Interval: 1e9, Timeout: 5e8, Retries: 2, StartPeriod: 3e9 },
      ExposedPorts: { '80/tcp': {}, '53/udp': {} },
      HostConfig: {
        Init: true,
        Devices: [
          { PathOnHost: '/dev/snd', PathInContainer: '/dev/snd', CgroupPermissions: 'rwm' },
          { PathOnHost: '/dev/a', PathInContainer: '/dev/b', CgroupPermissions: 'rwm' },
          { PathOnHost: '/dev/c', PathInContainer: '/dev/d', CgroupPermissions: 'r' },
        ],
        Ulimits: [{ Name: 'nofile', Soft: 10, Hard: 20 }],
        Tmpfs: { '/run': 'size=1m' },
        UTSMode: 'host',
        LogConfig: { Type: 'json-file', Config: { 'max-size': '1m' } },
        NanoCpus: 250_000_000,
        Memory: 64,
        PidsLimit: 9,
        MemoryReservation: 32,
        RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 4 },
        PortBindings: {
          '80/tcp': [
            { HostIp: '127.0.0.1', HostPort: '8080' },
            { HostIp: '', HostPort: '' },
          ],
          '53/udp': [{ HostIp: '', HostPort: '53' }],
        },
        // Only this way does every engine make a folder that is not there; it cannot say a path with a colon.
        Binds: ['/srv/new:/new:ro'],
        Mounts: [
          { Type: 'volume', Source: 'data', Target: '/data', VolumeOptions: { NoCopy: true, Labels: { a: 'b' } } },
          { Type: 'volume', Source: '', Target: '/anonymous' },
          { Type: 'bind', Source: '/etc/x', ReadOnly: true, BindOptions: { Propagation: 'rslave' } },
          { Type: 'bind', Source: '/srv/a:b', Target: '/ab' },
          { Type: 'tmpfs', Target: '/tmp', TmpfsOptions: { SizeBytes: 4_096, Mode: 0o1777 } },
        ],
        NetworkMode: 'front',
      },
      NetworkingConfig: { EndpointsConfig: { front: { Aliases: ['web'], IPAMConfig: { IPv4Address: '10.0.0.5' } } } },
    });
    expect(body).not.toHaveProperty('Healthcheck.StartInterval');
    expect(body).not.toHaveProperty('NetworkingConfig.EndpointsConfig.back');
    expect(body).not.toHaveProperty('HostConfig.CpuShares');
  });

  it('joins all networks at once where the engine can, else the first', () => {
    const request = containerRequest({
      networks: [
        { name: 'a', aliases: ['x'] },
        { name: 'b', aliases: ['y'] },
      ],
    });
    expect(networksToConnect(request, '1.41').map(({ name }) => name)).toEqual(['b']);
    expect(networksToConnect(request, '1.44')).toEqual([]);
    expect(sent(request, '1.44')).toMatchObject({
      NetworkingConfig: { EndpointsConfig: { a: { Aliases: ['x'] }, b: { Aliases: ['y'] } } },
    });
  });

  it('gives no aliases to the default bridge and no endpoints to the host network', () => {
    const onBridge = sent(containerRequest({ networks: [{ name: 'bridge', aliases: ['x'] }] }));
    expect(onBridge).toMatchObject({
      HostConfig: { NetworkMode: 'bridge' },
      NetworkingConfig: { EndpointsConfig: { bridge: {} } },
    });
    expect(onBridge).not.toHaveProperty('NetworkingConfig.EndpointsConfig.bridge.Aliases');
    const onHost = sent(containerRequest({ host: { networkMode: 'host' } }));
    expect(onHost).toMatchObject({ HostConfig: { NetworkMode: 'host' } });
    expect(onHost).not.toHaveProperty('NetworkingConfig');
  });

  it('puts the MAC address where this version of the engine looks for it', () => {
    const request = containerRequest({
      host: { extras: { macAddress: '02:00:00:00:00:01', cpuShares: 512 } },
      networks: [{ name: 'a', aliases: [] }],
    });
    expect(sent(request, '1.41')).toMatchObject({ MacAddress: '02:00:00:00:00:01', HostConfig: { CpuShares: 512 } });
    expect(sent(request, '1.44')).toMatchObject({
      NetworkingConfig: { EndpointsConfig: { a: { MacAddress: '02:00:00:00:00:01' } } },
    });
    expect(sent(request, '1.44')).not.toHaveProperty('MacAddress');
  });

  it('asks for start intervals only where they exist', () => {
    const request = containerRequest({ healthcheck: { test: ['CMD', 'true'], startInterval: 250 } });
    expect(sent(request, '1.43')).not.toHaveProperty('Healthcheck.StartInterval');
    expect(sent(request, '1.44')).toHaveProperty('Healthcheck.StartInterval', 250_000_000);
  });
});

describe('the other requests', () => {
  const plain = (value: object): unknown => JSON.parse(JSON.stringify(value));

  it('update only what is named, and memory with its swap', () => {
    expect(plain(toUpdateBody({}))).toEqual({});
    expect(plain(toUpdateBody({ limits: { memory: 100 } }))).toEqual({ Memory: 100, MemorySwap: 200 });
    expect(
      plain(toUpdateBody({ limits: { cpus: 1.5, pids: 7 }, restartPolicy: { name: 'always', maxAttempts: 3 } })),
    ).toEqual({
      NanoCpus: 1_500_000_000,
      PidsLimit: 7,
      RestartPolicy: { Name: 'always', MaximumRetryCount: 0 },
    });
  });

  it('create networks without twins, and volumes', () => {
    const network = {
      name: 'n',
      driverOpts: {},
      internal: true,
      attachable: false,
      enableIpv6: false,
      labels: { a: 'b' },
    };
    const ipam = { config: [{ subnet: '10.9.0.0/24', ipRange: '10.9.0.0/25' }] };
    expect(plain(toNetworkBody({ ...network, ipam }))).toEqual({
      Name: 'n',
      CheckDuplicate: true,
      Driver: 'bridge',
      Options: {},
      Internal: true,
      Attachable: false,
      EnableIPv6: false,
      IPAM: { Driver: 'default', Config: [{ Subnet: '10.9.0.0/24', IPRange: '10.9.0.0/25' }] },
      Labels: { a: 'b' },
    });
    expect(plain(toVolumeBody({ name: 'v', driverOpts: { o: 'bind' }, labels: {} }))).toEqual({
      Name: 'v',
      Driver: 'local',
      DriverOpts: { o: 'bind' },
      Labels: {},
    });
  });

  it('filter by labels', () => {
    expect(toFilters(undefined)).toBeUndefined();
    expect(toFilters({ labels: { a: 'b', c: '' } })).toBe('{"label":["a=b","c="]}');
    expect(toFilters({ labels: { a: 'b' } }, { health: ['healthy'] })).toBe('{"label":["a=b"],"health":["healthy"]}');
    expect(toFilters(undefined, { health: ['healthy'] })).toBe('{"health":["healthy"]}');
  });

  it.each([
    ['1.41', '1.41', true],
    ['1.41', '1.44', false],
    ['1.100', '1.44', true],
    ['2.0', '1.44', true],
    ['1.9', '1.24', false],
  ])('%s is at least %s: %s', (has, wanted, expected) => {
    expect(isAtLeast(has, wanted)).toBe(expected);
  });
});
