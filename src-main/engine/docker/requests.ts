/** What we ask for, in the engine's words: pure functions from the port's requests to bodies of the API. */
import type { CreateContainer, Engine, ListFilter } from '../../core/engine';
import type { HealthcheckSpec, HostExtras, Resources } from '../../contract/spec';

/** Whether API version `has` is at least `wanted`; both as `1.41`. */
export function isAtLeast(has: string, wanted: string): boolean {
  const [hasMajor = 0, hasMinor = 0] = has.split('.').map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = wanted.split('.').map(Number);
  return hasMajor > wantedMajor || (hasMajor === wantedMajor && hasMinor >= wantedMinor);
}

const nanos = (milliseconds: number): number => Math.round(milliseconds * 1e6);
/** JSON leaves undefined fields out; an empty list or map would override what the image declares. */
const unlessEmpty = <T extends object>(value: T | undefined): T | undefined =>
  value !== undefined && Object.keys(value).length > 0 ? value : undefined;

/** The `filters` parameter of lists: labels, and what else the engine can filter by. */
export function toFilters(filter: ListFilter | undefined, more: Record<string, string[]> = {}): string | undefined {
  const label = Object.entries(filter?.labels ?? {}).map(([key, value]) => `${key}=${value}`);
  const filters = label.length > 0 ? { label, ...more } : more;
  return Object.keys(filters).length > 0 ? JSON.stringify(filters) : undefined;
}

/** The body of `POST /containers/create` for an engine that speaks API version `api`. */
export function toCreateBody(request: CreateContainer, api: string): object {
  return {
    Image: request.image,
    Labels: request.labels,
    Cmd: request.command,
    Entrypoint: request.entrypoint,
    Env: Object.entries(request.environment).map(([key, value]) => `${key}=${value}`),
    WorkingDir: request.workingDir,
    User: request.user,
    Hostname: request.hostname,
    Domainname: request.domainname,
    // The container's own field until API 1.44, the first network's endpoint since.
    MacAddress: isAtLeast(api, '1.44') ? undefined : request.host.extras?.macAddress,
    Tty: request.tty,
    OpenStdin: request.stdinOpen,
    StopSignal: request.stopSignal,
    StopTimeout: Math.ceil(request.stopTimeout / 1_000),
    Healthcheck: request.healthcheck && toHealthcheck(request.healthcheck, api),
    ExposedPorts: unlessEmpty(
      Object.fromEntries(request.host.ports.map((port) => [`${port.target}/${port.protocol}`, {}])),
    ),
    HostConfig: toHostConfig(request),
    NetworkingConfig: toNetworking(request, api),
  };
}

/** Networks that `create` itself cannot join and that are connected before start: engines before API 1.44 take only one. */
export function networksToConnect(request: CreateContainer, api: string): CreateContainer['networks'] {
  return isAtLeast(api, '1.44') ? [] : request.networks.slice(1);
}

function toHealthcheck(check: HealthcheckSpec, api: string): object {
  const optional = (value: number | undefined): number | undefined => (value === undefined ? undefined : nanos(value));
  return {
    Test: check.test,
    Interval: optional(check.interval),
    Timeout: optional(check.timeout),
    Retries: check.retries,
    StartPeriod: optional(check.startPeriod),
    StartInterval: isAtLeast(api, '1.44') ? optional(check.startInterval) : undefined,
  };
}

function toHostConfig({ host, networks }: CreateContainer): object {
  return {
    ReadonlyRootfs: host.readOnly,
    Privileged: host.privileged,
    Init: host.init,
    CapAdd: unlessEmpty(host.capAdd),
    CapDrop: unlessEmpty(host.capDrop),
    SecurityOpt: unlessEmpty(host.securityOpt),
    GroupAdd: unlessEmpty(host.groupAdd),
    Devices: unlessEmpty(host.devices.map(toDevice)),
    ExtraHosts: unlessEmpty(host.extraHosts),
    Dns: unlessEmpty(host.dns),
    DnsSearch: unlessEmpty(host.dnsSearch),
    DnsOptions: unlessEmpty(host.dnsOpt),
    Sysctls: unlessEmpty(host.sysctls),
    Ulimits: unlessEmpty(
      Object.entries(host.ulimits).map(([Name, { soft, hard }]) => ({ Name, Soft: soft, Hard: hard })),
    ),
    Tmpfs: unlessEmpty(host.tmpfs),
    ShmSize: host.shmSize,
    IpcMode: host.ipc,
    PidMode: host.pid,
    UTSMode: host.uts,
    Runtime: host.runtime,
    CgroupParent: host.cgroupParent,
    OomScoreAdj: host.oomScoreAdj,
    LogConfig: host.logging && { Type: host.logging.driver, Config: host.logging.options },
    ...toLimits(host.limits),
    ...(host.extras ? toExtras(host.extras) : {}),
    // A reservation of cores is for placement; as a share it would rank its container below those that reserve nothing.
    MemoryReservation: host.reservations.memory,
    RestartPolicy: toRestartPolicy(host.restartPolicy),
    PortBindings: unlessEmpty(toPortBindings(host.ports)),
    Binds: unlessEmpty(host.mounts.filter(makesHostPath).map(toBind)),
    Mounts: unlessEmpty(host.mounts.filter((mount) => !makesHostPath(mount)).map(toMount)),
    NetworkMode: host.networkMode ?? networks[0]?.name,
  };
}

function toLimits(limits: Resources): object {
  return {
    NanoCpus: limits.cpus === undefined ? undefined : Math.round(limits.cpus * 1e9),
    Memory: limits.memory,
    PidsLimit: limits.pids,
  };
}

/** Rare settings, each under the engine's own name. `macAddress` is the endpoint's, see `toNetworking`. */
function toExtras(extras: Omit<HostExtras, 'containerName'>): object {
  const { blkio } = extras;
  const rates = (list: { path: string; rate: number }[] | undefined): object[] | undefined =>
    list?.map(({ path, rate }) => ({ Path: path, Rate: rate }));
  return {
    CpuShares: extras.cpuShares,
    CpuQuota: extras.cpuQuota,
    CpuPeriod: extras.cpuPeriod,
    CpusetCpus: extras.cpuset,
    MemorySwap: extras.memorySwap,
    MemorySwappiness: extras.memorySwappiness,
    OomKillDisable: extras.oomKillDisable,
    UsernsMode: extras.usernsMode,
    CgroupnsMode: extras.cgroup,
    DeviceCgroupRules: extras.deviceCgroupRules,
    DeviceRequests: extras.deviceRequests?.map((request) => ({
      Driver: request.driver,
      Count: request.count,
      DeviceIDs: request.deviceIds,
      Capabilities: [request.capabilities],
      Options: request.options,
    })),
    StorageOpt: extras.storageOpt,
    Annotations: extras.annotations,
    BlkioWeight: blkio?.weight,
    BlkioWeightDevice: blkio?.weightDevice?.map(({ path, weight }) => ({ Path: path, Weight: weight })),
    BlkioDeviceReadBps: rates(blkio?.deviceReadBps),
    BlkioDeviceReadIOps: rates(blkio?.deviceReadIops),
    BlkioDeviceWriteBps: rates(blkio?.deviceWriteBps),
    BlkioDeviceWriteIOps: rates(blkio?.deviceWriteIops),
  };
}

function toRestartPolicy(policy: CreateContainer['host']['restartPolicy']): object {
  // The engine refuses a count with any other policy.
  return { Name: policy.name, MaximumRetryCount: policy.name === 'on-failure' ? policy.maxAttempts : 0 };
}

/** `/dev/snd:/dev/sound:rw` as the engine's device. */
function toDevice(device: string): object {
  const [source = '', target = source, permissions = 'rwm'] = device.split(':');
  return { PathOnHost: source, PathInContainer: target, CgroupPermissions: permissions };
}

function toPortBindings(ports: CreateContainer['host']['ports']): Record<string, object[]> {
  const bindings: Record<string, object[]> = {};
  for (const port of ports) {
    const key = `${port.target}/${port.protocol}`;
    // Without a port the engine picks one.
    (bindings[key] ??= []).push({ HostIp: port.hostIp ?? '', HostPort: port.published ? String(port.published) : '' });
  }
  return bindings;
}

/**
 * True for a bind whose folder shall be made. Only the engine's older way of binding does that on every version; it parts its fields
 * by colons, so a path with one goes the newer way and must exist.
 */
function makesHostPath(mount: CreateContainer['host']['mounts'][number]): boolean {
  if (mount.type !== 'bind' || mount.createHostPath !== true || mount.source === undefined) return false;
  return !mount.source.replace(/^[A-Za-z]:/, '').includes(':') && !mount.target.includes(':');
}

function toBind({ source, target, readOnly, propagation }: CreateContainer['host']['mounts'][number]): string {
  const options = [...(readOnly ? ['ro'] : []), ...(propagation ? [propagation] : [])];
  return [source, target, ...(options.length > 0 ? [options.join(',')] : [])].join(':');
}

function toMount(mount: CreateContainer['host']['mounts'][number]): object {
  const volume = { NoCopy: mount.noCopy, Labels: mount.labels };
  return {
    Type: mount.type,
    Source: mount.type === 'tmpfs' ? undefined : (mount.source ?? ''),
    Target: mount.target,
    ReadOnly: mount.readOnly,
    BindOptions: mount.type === 'bind' && mount.propagation ? { Propagation: mount.propagation } : undefined,
    VolumeOptions: mount.type === 'volume' && (mount.noCopy !== undefined || mount.labels) ? volume : undefined,
    TmpfsOptions: mount.type === 'tmpfs' ? { SizeBytes: mount.size, Mode: mount.mode } : undefined,
  };
}

function toNetworking(request: CreateContainer, api: string): object | undefined {
  if (request.host.networkMode !== undefined) return undefined;
  const joined = isAtLeast(api, '1.44') ? request.networks : request.networks.slice(0, 1);
  if (joined.length === 0) return undefined;
  const endpoints = joined.map((network) => [network.name, toEndpoint(network)] as const);
  const macAddress = isAtLeast(api, '1.44') ? request.host.extras?.macAddress : undefined;
  if (macAddress && endpoints[0]) Object.assign(endpoints[0][1], { MacAddress: macAddress });
  return { EndpointsConfig: Object.fromEntries(endpoints) };
}

/** How a container sits in a network. The engine's default bridge has no names to look up, and refuses aliases. */
export function toEndpoint(network: CreateContainer['networks'][number]): object {
  const { ipv4Address, ipv6Address } = network;
  return {
    Aliases: network.name === 'bridge' ? undefined : unlessEmpty(network.aliases),
    IPAMConfig: ipv4Address || ipv6Address ? { IPv4Address: ipv4Address, IPv6Address: ipv6Address } : undefined,
  };
}

/** The body of `POST /containers/{id}/update`. What is absent stays as it is: the engine cannot take a limit away. */
export function toUpdateBody(change: Parameters<Engine['update']>[1]): object {
  const memory = change.limits?.memory;
  return {
    ...(change.limits ? toLimits(change.limits) : {}),
    // Memory cannot be raised above the swap limit that create set beside it, which is twice the memory.
    MemorySwap: memory === undefined ? undefined : memory * 2,
    RestartPolicy: change.restartPolicy && toRestartPolicy(change.restartPolicy),
  };
}

/** The body of `POST /networks/create`. */
export function toNetworkBody(request: Parameters<Engine['createNetwork']>[0]): object {
  return {
    Name: request.name,
    // Engines before API 1.44 would make a second network of the same name.
    CheckDuplicate: true,
    Driver: request.driver ?? 'bridge',
    Options: request.driverOpts,
    Internal: request.internal,
    Attachable: request.attachable,
    EnableIPv6: request.enableIpv6,
    IPAM: request.ipam && {
      Driver: request.ipam.driver ?? 'default',
      Config: request.ipam.config.map(({ subnet, gateway, ipRange }) => ({
        Subnet: subnet,
        Gateway: gateway,
        IPRange: ipRange,
      })),
    },
    Labels: request.labels,
  };
}

/** The body of `POST /volumes/create`. */
export function toVolumeBody(request: Parameters<Engine['createVolume']>[0]): object {
  return {
    Name: request.name,
    Driver: request.driver ?? 'local',
    DriverOpts: request.driverOpts,
    Labels: request.labels,
  };
}
