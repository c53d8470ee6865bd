/**
 * Back from what the engine says of a container to the request that would make it again: the inverse of `requests.ts`. What the image
 * brings anyway is left out, so that the next version of the image may bring something else. Everything is untrusted JSON.
 */
import type { HealthcheckSpec, HostExtras } from '../../contract/spec';
import type { CreateContainer } from '../../core/engine';
import { count, fields, items, limit, text, textMap, texts, type Fields } from './parse';
import { toDetail } from './translate';

/** Of an environment, a command or a label: engines take far longer ones than anybody writes. */
const LONGEST = 32_768;
/** What Docker gives a container whose `--shm-size` nobody set, bytes. */
const USUAL_SHM = 64 * 1024 * 1024;
/** Docker's grace before it kills, milliseconds. */
const USUAL_GRACE = 10_000;

/** From the bodies of `GET /containers/{id}/json` and of its image. */
export function toRecipe(container: unknown, image: unknown): CreateContainer {
  const whole = fields(container);
  const config = fields(whole['Config']);
  const host = fields(whole['HostConfig']);
  const base = fields(fields(image)['Config']);
  const detail = toDetail(container);
  const entrypoint = texts(config['Entrypoint'], LONGEST);
  const command = texts(config['Cmd'], LONGEST);
  const ownEntrypoint = differs(entrypoint, texts(base['Entrypoint'], LONGEST));
  const hostname = text(config['Hostname'], 256);
  const grace = typeof config['StopTimeout'] === 'number' ? count(config['StopTimeout']) * 1_000 : USUAL_GRACE;
  const networkMode = modeOf(text(host['NetworkMode'], 256));
  return {
    name: detail.name,
    image: nameOf(text(config['Image'], 512), fields(image)),
    labels: less(textMap(config['Labels']), textMap(base['Labels'])),
    ...(ownEntrypoint ? { entrypoint } : {}),
    // A new entrypoint drops the image's command, so whatever stands here then was asked for.
    ...(ownEntrypoint || differs(command, texts(base['Cmd'], LONGEST)) ? { command } : {}),
    environment: less(environmentOf(config['Env']), environmentOf(base['Env'])),
    ...unlessSame('workingDir', text(config['WorkingDir'], 4_096), text(base['WorkingDir'], 4_096)),
    ...unlessSame('user', text(config['User'], 256), text(base['User'], 256)),
    ...(hostname && !detail.id.startsWith(hostname) && networkMode === undefined ? { hostname } : {}),
    ...unlessSame('domainname', text(config['Domainname'], 256), ''),
    tty: config['Tty'] === true,
    stdinOpen: config['OpenStdin'] === true,
    ...unlessSame('stopSignal', text(config['StopSignal'], 32), text(base['StopSignal'], 32)),
    stopTimeout: grace,
    ...healthOf(fields(config['Healthcheck']), fields(base['Healthcheck'])),
    host: {
      ...hostOf(host),
      limits: detail.limits,
      reservations: memoryOf(host['MemoryReservation']),
      restartPolicy: detail.restartPolicy,
      ports: portsOf(host['PortBindings']),
      mounts: mountsOf(whole, host),
      ...(networkMode === undefined ? {} : { networkMode }),
      ...extrasOf(host),
    },
    networks: networkMode === undefined ? networksOf(fields(whole['NetworkSettings'])['Networks'], detail) : [],
  };
}

/** `default` is what Docker writes when nobody said anything; a network's own name says that the container is in that network. */
function modeOf(mode: string): string | undefined {
  if (mode === 'default' || mode === 'bridge' || mode === '') return 'bridge';
  return mode === 'host' || mode === 'none' || mode.startsWith('container:') ? mode : undefined;
}

/** The name the image was asked for by; an id that has a tag becomes that tag. */
function nameOf(asked: string, image: Fields): string {
  if (!/^(?:sha256:)?[0-9a-f]{12,64}$/.test(asked)) return asked;
  return texts(image['RepoTags'], 512).find((tag) => !tag.startsWith('<none>')) ?? asked;
}

function differs(one: readonly string[], other: readonly string[]): boolean {
  return one.length !== other.length || one.some((item, index) => item !== other[index]);
}

function less(all: Record<string, string>, base: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(all).filter(([key, value]) => base[key] !== value));
}

function environmentOf(value: unknown): Record<string, string> {
  return Object.fromEntries(
    texts(value, LONGEST).flatMap((pair) => {
      const at = pair.indexOf('=');
      const key = at < 0 ? pair : pair.slice(0, at);
      return key === '' || key === '__proto__' ? [] : [[key, at < 0 ? '' : pair.slice(at + 1)]];
    }),
  );
}

function unlessSame<Key extends string>(key: Key, value: string, base: string): { [K in Key]?: string } {
  return value === '' || value === base ? {} : ({ [key]: value } as { [K in Key]?: string });
}

function healthOf(check: Fields, base: Fields): { healthcheck?: HealthcheckSpec } {
  const test = texts(check['Test'], LONGEST);
  if (test.length === 0 || JSON.stringify(check) === JSON.stringify(base)) return {};
  const healthcheck: HealthcheckSpec = { test };
  const milliseconds = (name: string): number | undefined => {
    const nanos = limit(check[name]);
    return nanos === undefined ? undefined : nanos / 1e6;
  };
  const [interval, timeout, startPeriod, startInterval, retries] = [
    milliseconds('Interval'),
    milliseconds('Timeout'),
    milliseconds('StartPeriod'),
    milliseconds('StartInterval'),
    limit(check['Retries']),
  ];
  if (interval !== undefined) healthcheck.interval = interval;
  if (timeout !== undefined) healthcheck.timeout = timeout;
  if (startPeriod !== undefined) healthcheck.startPeriod = startPeriod;
  if (startInterval !== undefined) healthcheck.startInterval = startInterval;
  if (retries !== undefined) healthcheck.retries = retries;
  return { healthcheck };
}

function memoryOf(value: unknown): { memory?: number } {
  const memory = limit(value);
  return memory === undefined ? {} : { memory };
}

type Host = CreateContainer['host'];

/** The plain settings of the host part. */
function hostOf(host: Fields): Omit<Host, 'limits' | 'reservations' | 'restartPolicy' | 'ports' | 'mounts'> {
  const shmSize = count(host['ShmSize']);
  const logging = fields(host['LogConfig']);
  const driver = text(logging['Type'], 64);
  const options = textMap(logging['Config']);
  const score = count(host['OomScoreAdj']);
  return {
    readOnly: host['ReadonlyRootfs'] === true,
    privileged: host['Privileged'] === true,
    ...(typeof host['Init'] === 'boolean' ? { init: host['Init'] } : {}),
    capAdd: texts(host['CapAdd'], 64),
    capDrop: texts(host['CapDrop'], 64),
    securityOpt: texts(host['SecurityOpt']),
    groupAdd: texts(host['GroupAdd'], 64),
    devices: items(host['Devices'], 256).map((device) => deviceOf(fields(device))),
    extraHosts: texts(host['ExtraHosts'], 512),
    dns: texts(host['Dns'], 64),
    dnsSearch: texts(host['DnsSearch'], 256),
    dnsOpt: texts(host['DnsOptions'], 256),
    sysctls: textMap(host['Sysctls']),
    ulimits: Object.fromEntries(
      items(host['Ulimits'], 64)
        .map(fields)
        .map((one) => [text(one['Name'], 64), { soft: count(one['Soft']), hard: count(one['Hard']) }]),
    ),
    tmpfs: textMap(host['Tmpfs']),
    ...(shmSize > 0 && shmSize !== USUAL_SHM ? { shmSize } : {}),
    // The engine fills these in: only what somebody chose is kept.
    ...chosen('ipc', text(host['IpcMode'], 256), ['private', 'shareable']),
    ...chosen('pid', text(host['PidMode'], 256), []),
    ...chosen('uts', text(host['UTSMode'], 256), []),
    ...chosen('runtime', text(host['Runtime'], 64), ['runc', 'io.containerd.runc.v2', 'crun']),
    ...chosen('cgroupParent', text(host['CgroupParent'], 512), []),
    ...(score === 0 ? {} : { oomScoreAdj: score }),
    ...(driver === '' || (driver === 'json-file' && Object.keys(options).length === 0)
      ? {}
      : { logging: { driver, options } }),
  };
}

function chosen<Key extends string>(key: Key, value: string, usual: readonly string[]): { [K in Key]?: string } {
  return unlessSame(key, usual.includes(value) ? '' : value, '');
}

function deviceOf(device: Fields): string {
  const source = text(device['PathOnHost'], 4_096);
  return [source, text(device['PathInContainer'], 4_096) || source, text(device['CgroupPermissions'], 8) || 'rwm'].join(
    ':',
  );
}

/** What was asked for, not what is bound now: a port the engine picked stays its choice. */
function portsOf(value: unknown): Host['ports'] {
  return Object.entries(fields(value)).flatMap(([key, bindings]) => {
    const [, target, protocol] = /^(\d+)\/(tcp|udp|sctp)$/.exec(key) ?? [];
    if (target === undefined || protocol === undefined) return [];
    return items(bindings, 256).map((entry) => {
      const hostIp = text(fields(entry)['HostIp'], 64);
      const published = Number(text(fields(entry)['HostPort'], 8)) || 0;
      return {
        target: Number(target),
        protocol: protocol as 'tcp' | 'udp' | 'sctp',
        ...(hostIp === '' || hostIp === '0.0.0.0' ? {} : { hostIp }),
        ...(published > 0 ? { published } : {}),
      };
    });
  });
}

/** Every mount as it is; an anonymous volume under its generated name, so that its data goes on to the next container. */
function mountsOf(whole: Fields, host: Fields): Host['mounts'] {
  const memory = new Map(
    items(host['Mounts'], 256)
      .map(fields)
      .filter((mount) => text(mount['Type'], 32) === 'tmpfs')
      .map((mount) => [text(mount['Target'], 4_096), fields(mount['TmpfsOptions'])]),
  );
  return items(whole['Mounts'], 256)
    .map(fields)
    .flatMap((mount): Host['mounts'] => {
      const type = text(mount['Type'], 32);
      const target = text(mount['Destination'], 4_096);
      const readOnly = mount['RW'] === false;
      const propagation = text(mount['Propagation'], 32);
      if (type === 'volume') return [{ type, source: text(mount['Name'], 256), target, readOnly }];
      if (type === 'bind') {
        const shared = propagation !== '' && propagation !== 'rprivate' ? { propagation } : {};
        return [{ type, source: text(mount['Source'], 4_096), target, readOnly, ...shared }];
      }
      if (type !== 'tmpfs' || !memory.has(target)) return [];
      const size = limit(memory.get(target)?.['SizeBytes']);
      const mode = limit(memory.get(target)?.['Mode']);
      const sized = { ...(size === undefined ? {} : { size }), ...(mode === undefined ? {} : { mode }) };
      return [{ type, target, readOnly, ...sized }];
    });
}

/** The networks with the aliases somebody gave: the engine adds the id and the host name, Compose the container's and the service's names. */
function networksOf(value: unknown, detail: { id: string; hostname: string }): CreateContainer['networks'] {
  return Object.entries(fields(value))
    .filter(([name]) => name !== '__proto__')
    .map(([name, entry]) => {
      const endpoint = fields(entry);
      const ipam = fields(endpoint['IPAMConfig']);
      const ipv4Address = text(ipam['IPv4Address'], 64);
      const ipv6Address = text(ipam['IPv6Address'], 64);
      return {
        name: text(name, 256),
        aliases: texts(endpoint['Aliases'], 256).filter(
          (alias) => !detail.id.startsWith(alias) && alias !== detail.hostname,
        ),
        ...(ipv4Address === '' ? {} : { ipv4Address }),
        ...(ipv6Address === '' ? {} : { ipv6Address }),
      };
    });
}

function extrasOf(host: Fields): { extras?: Host['extras'] } {
  const extras: NonNullable<Host['extras']> = {};
  const numbers: [keyof HostExtras & ('cpuShares' | 'cpuQuota' | 'cpuPeriod'), string][] = [
    ['cpuShares', 'CpuShares'],
    ['cpuQuota', 'CpuQuota'],
    ['cpuPeriod', 'CpuPeriod'],
  ];
  for (const [key, name] of numbers) {
    const value = limit(host[name]);
    // A quota of nano CPUs is the limit's own and was read there.
    if (value !== undefined && (key === 'cpuShares' || limit(host['NanoCpus']) === undefined)) extras[key] = value;
  }
  const cpuset = text(host['CpusetCpus'], 256);
  if (cpuset !== '') extras.cpuset = cpuset;
  const userns = text(host['UsernsMode'], 64);
  if (userns !== '') extras.usernsMode = userns;
  if (host['OomKillDisable'] === true) extras.oomKillDisable = true;
  const requests = items(host['DeviceRequests'], 16).map(fields);
  if (requests.length > 0) {
    extras.deviceRequests = requests.map((request) => ({
      ...(text(request['Driver'], 64) ? { driver: text(request['Driver'], 64) } : {}),
      ...(count(request['Count']) === 0 ? {} : { count: count(request['Count']) }),
      ...(texts(request['DeviceIDs'], 256).length > 0 ? { deviceIds: texts(request['DeviceIDs'], 256) } : {}),
      capabilities: texts(items(request['Capabilities'], 8)[0], 64),
    }));
  }
  return Object.keys(extras).length > 0 ? { extras } : {};
}
