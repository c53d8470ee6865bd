/** What the engine answers, in our words: pure functions over untrusted JSON, shared by list, inspect and the other reads. */
import { EngineError } from '../../core/engine';
import type {
  ContainerDetail,
  ContainerHealth,
  ContainerState,
  ContainerSummary,
  DiskUsage,
  EngineFacts,
  EngineImage,
  EngineNetwork,
  EngineVolume,
} from '../../core/engine';
import { count, fields, items, limit, pairs, text, textMap, texts, time, type Fields } from './parse';

/** Health output and start errors are shown, not stored whole (S35). */
const LONGEST_OUTPUT = 2_000;
const MOST_HEALTH_CHECKS = 5;

/** The engine's words for a state; Podman has some of its own. */
const states: Record<string, ContainerState> = {
  created: 'created',
  configured: 'created',
  initialized: 'created',
  running: 'running',
  stopping: 'running',
  paused: 'paused',
  restarting: 'restarting',
  removing: 'removing',
  exited: 'exited',
  stopped: 'exited',
  dead: 'dead',
};

function stateOf(word: unknown, running: boolean): ContainerState {
  return states[text(word, 32).toLowerCase()] ?? (running ? 'running' : 'exited');
}

function healthOf(word: string): ContainerHealth {
  return word === 'healthy' || word === 'unhealthy' || word === 'starting' ? word : 'none';
}

/** A list whose rows are not all understood is no list: nothing may be concluded from what it lacks (I5, M6). */
export function rows<T>(value: unknown, toRow: (row: Fields) => T): T[] {
  if (value === null) return [];
  if (!Array.isArray(value)) throw new EngineError('refused', 'The engine answered with something other than a list');
  return value.map((row) => toRow(fields(row)));
}

function idOf(value: unknown, what: string): string {
  const id = text(value, 256);
  if (!id) throw new EngineError('refused', `The engine named a ${what} without an id`);
  return id;
}

/** A row of `GET /containers/json`. Health and exit code are only in its human sentence: `Exited (137) 2 hours ago`. */
export function toSummary(row: Fields): ContainerSummary {
  const status = text(row['Status'], 256);
  const names = texts(row['Names'], 256).map((name) => name.replace(/^\//, ''));
  const exit = /^(?:Exited|Dead|Restarting) \((-?\d+)\)/.exec(status)?.[1];
  const health = /\((?:health: )?(healthy|unhealthy|starting)\)/.exec(status)?.[1] ?? '';
  return {
    id: idOf(row['Id'], 'container'),
    // Links of other containers appear as further names with a slash in them.
    name: names.find((name) => !name.includes('/')) ?? names[0] ?? '',
    image: familiar(text(row['Image'])),
    imageId: text(row['ImageID'], 256),
    labels: textMap(row['Labels']),
    state: stateOf(row['State'], status.startsWith('Up')),
    health: healthOf(health),
    createdAt: count(row['Created']) * 1_000,
    ...(exit === undefined ? {} : { exitCode: Number(exit) }),
  };
}

/** The answer of `GET /containers/{id}/json`. */
export function toDetail(body: unknown): ContainerDetail {
  const whole = fields(body);
  const config = fields(whole['Config']);
  const host = fields(whole['HostConfig']);
  const state = fields(whole['State']);
  const health = fields(state['Health'] ?? state['Healthcheck']);
  const startedAt = time(state['StartedAt']);
  const finishedAt = time(state['FinishedAt']);
  const phase = stateOf(state['Status'], state['Running'] === true);
  const exitCode = count(state['ExitCode']);
  // A container whose start failed is `created` with an exit code (F8).
  const hasExited =
    phase === 'exited' || phase === 'dead' || phase === 'restarting' || (phase === 'created' && exitCode !== 0);
  const pid = limit(state['Pid']);
  return {
    id: idOf(whole['Id'], 'container'),
    name: text(whole['Name'], 256).replace(/^\//, ''),
    image: familiar(text(config['Image'])),
    imageId: text(whole['Image'], 256),
    labels: textMap(config['Labels']),
    state: phase,
    health: healthOf(text(health['Status'], 32)),
    createdAt: time(whole['Created']) ?? 0,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(finishedAt === undefined ? {} : { finishedAt }),
    ...(hasExited ? { exitCode } : {}),
    oomKilled: state['OOMKilled'] === true,
    error: text(state['Error'], LONGEST_OUTPUT),
    restartCount: count(whole['RestartCount']),
    ...(pid === undefined ? {} : { pid }),
    hostname: text(config['Hostname'], 256),
    networks: toAttachments(fields(whole['NetworkSettings'])['Networks']),
    ports: toPorts(fields(whole['NetworkSettings'])['Ports']),
    mounts: items(whole['Mounts']).map((mount) => toMount(fields(mount))),
    limits: toLimits(host),
    healthLog: items(health['Log'])
      .slice(-MOST_HEALTH_CHECKS)
      .map((check) => toHealthCheck(fields(check))),
    command: texts(config['Cmd']),
    environment: texts(config['Env'], 32_768),
    restartPolicy: toRestartPolicy(fields(host['RestartPolicy'])),
    logsRotate: rotates(fields(host['LogConfig'])),
  };
}

function toAttachments(value: unknown): ContainerDetail['networks'] {
  return Object.fromEntries(
    Object.entries(fields(value))
      .filter(([name]) => name !== '__proto__')
      .map(([name, entry]) => {
        const endpoint = fields(entry);
        const address = text(endpoint['IPAddress'], 64) || text(endpoint['GlobalIPv6Address'], 64);
        return [
          text(name, 256),
          { networkId: text(endpoint['NetworkID'], 256), address, aliases: texts(endpoint['Aliases'], 256) },
        ];
      }),
  );
}

function toPorts(value: unknown): ContainerDetail['ports'] {
  return Object.entries(fields(value)).flatMap(([key, bindings]) => {
    const [, target, protocol] = /^(\d+)\/(tcp|udp|sctp)$/.exec(key) ?? [];
    if (target === undefined || protocol === undefined) return [];
    return items(bindings, 256).map((binding) => ({
      target: Number(target),
      protocol: protocol as 'tcp' | 'udp' | 'sctp',
      hostIp: text(fields(binding)['HostIp'], 64),
      published: Number(text(fields(binding)['HostPort'], 8)) || 0,
    }));
  });
}

function toMount(mount: Fields): ContainerDetail['mounts'][number] {
  const name = text(mount['Name'], 256);
  return {
    type: text(mount['Type'], 32),
    ...(name ? { name } : {}),
    source: text(mount['Source'], 4_096),
    target: text(mount['Destination'], 4_096),
    readOnly: mount['RW'] === false,
  };
}

function toLimits(host: Fields): ContainerDetail['limits'] {
  const period = limit(host['CpuPeriod']) ?? 100_000;
  const quota = limit(host['CpuQuota']);
  const nanos = limit(host['NanoCpus']);
  const cpus = nanos !== undefined ? nanos / 1e9 : quota !== undefined ? quota / period : undefined;
  const memory = limit(host['Memory']);
  const pids = limit(host['PidsLimit']);
  return {
    ...(cpus === undefined ? {} : { cpus }),
    ...(memory === undefined ? {} : { memory }),
    ...(pids === undefined ? {} : { pids }),
  };
}

function toHealthCheck(check: Fields): ContainerDetail['healthLog'][number] {
  const at = time(check['End']) ?? time(check['Start']) ?? 0;
  return { at, exitCode: count(check['ExitCode']), output: text(check['Output'], LONGEST_OUTPUT) };
}

/** Docker's `local` always rotates, its json-file when it has a size; Podman says the size beside. */
function rotates(log: Fields): boolean {
  if (text(log['Type'], 64) === 'local' || fields(log['Config'])['max-size'] !== undefined) return true;
  return /^[1-9]/.test(text(log['Size'], 64));
}

function toRestartPolicy(policy: Fields): ContainerDetail['restartPolicy'] {
  const name = text(policy['Name'], 32);
  const known = name === 'always' || name === 'on-failure' || name === 'unless-stopped';
  return { name: known ? name : 'no', maxAttempts: count(policy['MaximumRetryCount']) };
}

/** A network of `GET /networks` or `GET /networks/{id}`; only the latter knows the containers. */
export function toNetwork(row: Fields): EngineNetwork {
  const attached = Object.entries(fields(row['Containers'])).filter(([id]) => id !== '__proto__');
  return {
    id: idOf(row['Id'], 'network'),
    name: text(row['Name'], 256),
    driver: text(row['Driver'], 64),
    internal: row['Internal'] === true,
    labels: textMap(row['Labels']),
    subnets: items(fields(row['IPAM'])['Config'], 64)
      .map((config) => text(fields(config)['Subnet'], 64))
      .filter(Boolean),
    containers: Object.fromEntries(attached.map(([id, entry]) => [text(id, 256), text(fields(entry)['Name'], 256)])),
    createdAt: time(row['Created']) ?? 0,
  };
}

/** A volume of `GET /volumes` or of the disk usage, which also knows its size and users. */
export function toVolume(row: Fields): EngineVolume {
  const usage = fields(row['UsageData']);
  const size = count(usage['Size'] ?? -1);
  const users = count(usage['RefCount'] ?? -1);
  return {
    name: idOf(row['Name'], 'volume'),
    driver: text(row['Driver'], 64),
    driverOpts: textMap(row['Options']),
    mountpoint: text(row['Mountpoint'], 4_096),
    labels: textMap(row['Labels']),
    createdAt: time(row['CreatedAt']) ?? 0,
    ...(size < 0 ? {} : { size }),
    ...(users < 0 ? {} : { users }),
  };
}

/** Podman's name of an image says its registry always; Docker never says its own. */
const familiar = (reference: string): string => reference.replace(/^docker\.io\/(?:library\/)?/, '');

const names = (value: unknown): string[] =>
  texts(value, 512)
    .filter((name) => !name.startsWith('<none>'))
    .map(familiar);

/** A row of `GET /images/json`. */
export function toImage(row: Fields): EngineImage {
  return {
    id: idOf(row['Id'], 'image'),
    tags: names(row['RepoTags']),
    digests: names(row['RepoDigests']),
    size: count(row['Size']),
    createdAt: count(row['Created']) * 1_000,
    labels: textMap(row['Labels']),
  };
}

/** The answer of `GET /images/{name}/json`. */
export function toImageDetail(body: unknown): EngineImage {
  const whole = fields(body);
  const config = fields(whole['Config']);
  const test = texts(fields(config['Healthcheck'])['Test']);
  const ports = Object.keys(fields(config['ExposedPorts'])).map((port) => parseInt(port, 10));
  return {
    ...toImage({ ...whole, Created: (time(whole['Created']) ?? 0) / 1_000, Labels: config['Labels'] }),
    architecture: text(whole['Architecture'], 64),
    exposed: ports.filter((port) => port > 0).slice(0, 256),
    healthcheck: test.length > 0 && test[0] !== 'NONE',
    volumes: Object.keys(fields(config['Volumes'])).slice(0, 256),
  };
}

/** `GET /system/df`; `reclaimable` is computed as `docker system df` does: layers that no container's image needs. */
export function toDiskUsage(body: unknown): { usage: DiskUsage; volumes: EngineVolume[] } {
  const whole = fields(body);
  const images = items(whole['Images']).map(fields);
  // Podman does not count layers.
  const layers =
    count(whole['LayersSize']) || images.reduce((total, image) => total + Math.max(0, count(image['Size'])), 0);
  const used = images
    .filter((image) => count(image['Containers']) !== 0 && count(image['Size']) >= 0 && count(image['SharedSize']) >= 0)
    .reduce((sum, image) => sum + count(image['Size']) - count(image['SharedSize']), 0);
  const volumes = items(whole['Volumes']).map((row) => toVolume(fields(row)));
  const sum = (list: unknown, field: string): number =>
    items(list).reduce<number>((total, row) => total + Math.max(0, count(fields(row)[field])), 0);
  const usage: DiskUsage = {
    images: layers,
    containers: sum(whole['Containers'], 'SizeRw'),
    volumes: volumes.reduce((total, volume) => total + (volume.size ?? 0), 0),
    buildCache: sum(whole['BuildCache'], 'Size'),
    reclaimable: Math.max(0, layers - used),
  };
  return { usage, volumes };
}

/** `GET /info` and `GET /version` together. */
export function toFacts(info: unknown, version: unknown): EngineFacts {
  const machine = fields(info);
  const build = fields(version);
  const components = items(build['Components'], 32).map((component) => text(fields(component)['Name'], 64));
  const rootDirectory = text(machine['DockerRootDir'], 4_096);
  return {
    kind: components.some((name) => name.startsWith('Podman')) ? 'podman' : 'docker',
    name: text(machine['Name'], 256),
    version: text(build['Version'], 64),
    apiVersion: text(build['ApiVersion'], 16),
    operatingSystem: text(machine['OperatingSystem'], 256),
    architecture: text(machine['Architecture'], 64),
    cpus: count(machine['NCPU']),
    memory: count(machine['MemTotal']),
    ...(rootDirectory ? { rootDirectory } : {}),
    rootless: texts(machine['SecurityOptions']).some((option) => option.split(',').includes('name=rootless')),
    labels: pairs(machine['Labels']),
  };
}
