/**
 * The port to whatever runs containers. Adapters in `engine/` translate it to Docker, memory, Swarm or Kubernetes; the core knows
 * nothing else of the world. Every call has a deadline of its own inside the adapter and never hangs for ever; every failure is an
 * `EngineError` from the closed list below.
 */
import type { Disposable, Signal } from '../base/lifecycle';
import type { Sentence } from '../contract/sentence';
import type { HealthcheckSpec, HostExtras, PortSpec, Resources } from '../contract/spec';

/** Why the engine did not do it. */
export type EngineErrorCode =
  | 'not-found'
  | 'name-taken' // 409 on create: adopt after checking owner and hash (F7)
  | 'in-use' // the network, volume or image still has users
  | 'port-taken' // start failed: host port busy (F8: the container stays created)
  | 'no-image'
  | 'no-space'
  | 'paused'
  | 'invalid' // the engine refused the request's content
  | 'denied' // permission or registry login
  | 'timeout' // no answer within the deadline: the effect may or may not have happened
  | 'away' // connection refused, socket gone, stream cut
  | 'unsupported'
  | 'refused'; // any other no

/**
 * A failure of an engine call. `detail` is the engine's own text, untrusted and cut to 2,000 characters; `words` says it in a
 * sentence of ours where the adapter knows what it means for the user.
 */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly words: Sentence | undefined;
  constructor(
    readonly code: EngineErrorCode,
    readonly detail: string,
    options?: { cause?: unknown; words?: Sentence },
  ) {
    super(`${code}: ${detail}`, options);
    this.words = options?.words;
  }
}

/** What this engine can do by itself or at all. */
export interface EngineCapabilities {
  /** It places, heals and rolls by itself; `reconcile` hands it whole objects and only watches. */
  orchestrates: boolean;
  networks: boolean;
  volumes: boolean;
  pause: boolean;
  exec: boolean;
  archive: boolean;
  /** The engine restarts crashed processes by itself under a restart policy. */
  restartPolicy: boolean;
  /** HEALTHCHECK is run by the engine. */
  healthcheck: boolean;
  /** Container cgroups of this engine can be read on this machine. */
  localCgroups: boolean;
  /** It can fill a memory-backed folder before the first instruction (`startFilled`). */
  secrets?: boolean;
  /** A gateway can run on it: ports that several replicas share are then published by the gateway, not by replicas. */
  gateway?: boolean;
}

/**
 * What Docker does and an engine that speaks its API does not: `update` limits of a running container; `health-timers` checks while
 * Pilothouse is closed; `log-stamps` finer than a second; `boot` containers that come back with the machine; settings that it takes and
 * forgets.
 */
export type EngineLack =
  'update' | 'health-timers' | 'log-stamps' | 'boot' | 'domainname' | 'mac_address' | 'annotations' | 'gpus';

/** Settings of a service, under Compose's names. */
export const forgettable: ReadonlySet<EngineLack> = new Set(['domainname', 'mac_address', 'annotations', 'gpus']);

export interface EngineFacts {
  kind: 'docker' | 'podman' | 'memory' | 'swarm' | 'kubernetes';
  name: string;
  version: string;
  apiVersion: string;
  operatingSystem: string;
  architecture: string;
  /** Cores and bytes of the machine under the engine. */
  cpus: number;
  memory: number;
  rootDirectory?: string;
  rootless: boolean;
  labels: Record<string, string>;
}

export type ContainerState = 'created' | 'running' | 'paused' | 'restarting' | 'removing' | 'exited' | 'dead';
export type ContainerHealth = 'none' | 'starting' | 'healthy' | 'unhealthy';

/** A row of the engine's list: cheap, sometimes stale or wrong (F5), so surprising rows are confirmed by `inspect`. */
export interface ContainerSummary {
  id: string;
  name: string;
  image: string;
  imageId: string;
  labels: Record<string, string>;
  state: ContainerState;
  health: ContainerHealth;
  /** Milliseconds since the epoch. */
  createdAt: number;
  /** Present for exited containers when the list shows it. */
  exitCode?: number;
}

/** The whole truth about one container. */
export interface ContainerDetail extends ContainerSummary {
  startedAt?: number;
  finishedAt?: number;
  exitCode?: number;
  oomKilled: boolean;
  /** The engine's words for a failed start; untrusted. */
  error: string;
  /** Automatic restarts by the engine's policy since creation. */
  restartCount: number;
  pid?: number;
  hostname: string;
  networks: Record<string, { networkId: string; address: string; aliases: string[] }>;
  ports: { target: number; protocol: 'tcp' | 'udp' | 'sctp'; hostIp: string; published: number }[];
  mounts: { type: string; name?: string; source: string; target: string; readOnly: boolean }[];
  limits: Resources;
  healthLog: { at: number; exitCode: number; output: string }[];
  command: string[];
  environment: string[];
  restartPolicy: { name: 'no' | 'always' | 'on-failure' | 'unless-stopped'; maxAttempts: number };
  /** The engine keeps only the newest part of the output. */
  logsRotate?: boolean;
}

/** Everything `create` needs, already decided: no defaults are left to the adapter. */
export interface CreateContainer {
  name: string;
  image: string;
  labels: Record<string, string>;
  command?: string[];
  entrypoint?: string[];
  environment: Record<string, string>;
  workingDir?: string;
  user?: string;
  hostname?: string;
  domainname?: string;
  platform?: string;
  tty: boolean;
  stdinOpen: boolean;
  stopSignal?: string;
  /** Milliseconds. */
  stopTimeout: number;
  healthcheck?: HealthcheckSpec;
  host: {
    readOnly: boolean;
    privileged: boolean;
    init?: boolean;
    capAdd: string[];
    capDrop: string[];
    securityOpt: string[];
    groupAdd: string[];
    devices: string[];
    extraHosts: string[];
    dns: string[];
    dnsSearch: string[];
    dnsOpt: string[];
    sysctls: Record<string, string>;
    ulimits: Record<string, { soft: number; hard: number }>;
    tmpfs: Record<string, string>;
    shmSize?: number;
    ipc?: string;
    pid?: string;
    uts?: string;
    runtime?: string;
    cgroupParent?: string;
    oomScoreAdj?: number;
    logging?: { driver: string; options: Record<string, string> };
    limits: Resources;
    reservations: Resources;
    restartPolicy: { name: 'no' | 'always' | 'on-failure' | 'unless-stopped'; maxAttempts: number };
    ports: (Pick<PortSpec, 'target' | 'protocol' | 'hostIp'> & { published?: number })[];
    mounts: {
      type: 'volume' | 'bind' | 'tmpfs';
      source?: string;
      target: string;
      readOnly: boolean;
      propagation?: string;
      /** For binds: a folder of the host that is not there is made, as Compose does. */
      createHostPath?: boolean;
      noCopy?: boolean;
      size?: number;
      mode?: number;
      labels?: Record<string, string>;
    }[];
    networkMode?: string;
    /** Rare Docker settings, as the service declares them; `containerName` is not for the engine. */
    extras?: Omit<HostExtras, 'containerName'>;
  };
  /** Networks by the engine's name; the first is joined at create, the others before start. */
  networks: { name: string; aliases: string[]; ipv4Address?: string; ipv6Address?: string }[];
}

export interface EngineNetwork {
  id: string;
  name: string;
  driver: string;
  internal: boolean;
  labels: Record<string, string>;
  subnets: string[];
  /** Names of attached containers by id, when inspected. */
  containers: Record<string, string>;
  createdAt: number;
}

export interface EngineVolume {
  name: string;
  driver: string;
  driverOpts: Record<string, string>;
  mountpoint: string;
  labels: Record<string, string>;
  createdAt: number;
  /** Bytes, when a disk-usage call measured it. */
  size?: number;
  /** Containers that use it, when measured. */
  users?: number;
}

export interface EngineImage {
  id: string;
  tags: string[];
  digests: string[];
  size: number;
  createdAt: number;
  labels: Record<string, string>;
  architecture?: string;
  /** From `inspect`: ports the image exposes, whether it brings a HEALTHCHECK, its declared volumes. */
  exposed?: number[];
  healthcheck?: boolean;
  volumes?: string[];
}

/** What a build is told besides its context. */
export interface BuildOptions {
  tag: string;
  /** More names. */
  tags?: readonly string[];
  /** Inside the context. */
  dockerfile?: string;
  target?: string;
  args: Record<string, string>;
  labels?: Record<string, string>;
  cacheFrom?: readonly string[];
  /** `name:address`. */
  extraHosts?: readonly string[];
  network?: string;
  /** Bytes. */
  shmSize?: number;
  platform?: string;
  noCache?: boolean;
  /** Fetches base images anew. */
  pull?: boolean;
}

/** A hint that something happened. The stream is lossy (F3): use it to mark keys dirty, never as the truth. */
export interface EngineEvent {
  type: 'container' | 'network' | 'volume' | 'image' | 'daemon';
  action: string;
  id: string;
  name: string;
  /** Labels and details the engine attached; untrusted. */
  attributes: Record<string, string>;
  /** Milliseconds since the epoch. */
  at: number;
}

/** A piece of a container's output: one log entry, possibly a part of a line longer than the engine's buffer (16 KiB). */
export interface LogEntry {
  stream: 'stdout' | 'stderr';
  /** The engine's stamp, nanoseconds since the epoch as a decimal text; texts of one length compare as numbers. */
  stamp: string;
  text: string;
  /** The line goes on in the next entry of the same stream. */
  partial: boolean;
}

/** Counters and gauges of one container at one moment; counters only ever grow while the container runs. */
export interface StatsSample {
  id: string;
  /** Milliseconds since the epoch. */
  at: number;
  cpuNanos: number;
  cpuThrottledNanos?: number;
  /** Working set: usage less inactive file cache, as cAdvisor counts it. Bytes. */
  memory: number;
  memoryLimit?: number;
  networkRx: number;
  networkTx: number;
  blockRead: number;
  blockWrite: number;
  pids: number;
}

/** Progress of a pull, already summed over layers. Bytes; `total` 0 while unknown. */
export interface PullProgress {
  done: number;
  total: number;
  status: string;
}

/** Bytes as they come; asking for the next piece lets the sender go on. Iterating throws an `EngineError` when the sender was cut. */
export type ByteStream = AsyncIterable<Uint8Array>;

export interface DiskUsage {
  images: number;
  containers: number;
  volumes: number;
  buildCache: number;
  /** Bytes a prune of unused images would free. */
  reclaimable: number;
}

export interface EngineStream<T> extends Disposable {
  /** Resolves when the stream has ended; `error` when it was cut rather than finished. */
  readonly ended: Promise<{ error?: EngineError }>;
  /** Stops reading until resumed, so that a slow consumer holds the engine back rather than memory. */
  pause(): void;
  resume(): void;
  readonly _item?: T;
}

/** A program that is written to and read from while it runs. */
export interface EngineSession extends Disposable {
  /** Resolves when the program or the connection has ended. */
  readonly ended: Promise<{ error?: EngineError }>;
  write(text: string): void;
}

export interface ListFilter {
  /** Labels that must be present with these values. */
  labels?: Record<string, string>;
}

/** Files for a memory-backed volume, and where it is mounted. */
export interface MemoryFiles {
  volume: string;
  target: string;
  /** `path` is a plain name in the volume. */
  files: { path: string; content: Uint8Array; mode: number; uid: number; gid: number }[];
}

/** What a container of our own is given by its host: no capability, no way to gain one, nothing shared. Change what it needs. */
export function bareHost(): CreateContainer['host'] {
  return {
    readOnly: false,
    privileged: false,
    capAdd: [],
    capDrop: ['ALL'],
    securityOpt: ['no-new-privileges'],
    groupAdd: [],
    devices: [],
    extraHosts: [],
    dns: [],
    dnsSearch: [],
    dnsOpt: [],
    sysctls: {},
    ulimits: {},
    tmpfs: {},
    limits: {},
    reservations: {},
    restartPolicy: { name: 'no', maxAttempts: 0 },
    ports: [],
    mounts: [],
  };
}

/** Makes a `local` volume of the engine a memory file system of this many bytes at most. */
export function memoryVolume(bytes: number): { driver: string; driverOpts: Record<string, string> } {
  return {
    driver: 'local',
    driverOpts: { type: 'tmpfs', device: 'tmpfs', o: `size=${bytes},mode=0755,nosuid,nodev,noexec` },
  };
}

/** The port itself. `signal` ends a call early with `cancelled` semantics: the promise rejects with `timeout`. */
export interface Engine {
  readonly id: string;
  /** Where it is, for display: `unix:///var/run/docker.sock`. */
  readonly endpoint: string;
  readonly capabilities: EngineCapabilities;
  /** What it lacks, as far as that is known by now. */
  readonly lacks?: readonly EngineLack[];

  facts(signal?: Signal): Promise<EngineFacts>;
  /** Milliseconds the cheapest honest round trip took. */
  ping(signal?: Signal): Promise<number>;
  diskUsage(signal?: Signal): Promise<DiskUsage>;

  list(filter?: ListFilter, signal?: Signal): Promise<ContainerSummary[]>;
  inspect(id: string, signal?: Signal): Promise<ContainerDetail | undefined>;
  /** The request that would make this container again, without what its image brings anyway; undefined when it is gone. */
  recipe(id: string, signal?: Signal): Promise<CreateContainer | undefined>;
  create(request: CreateContainer, signal?: Signal): Promise<{ id: string; warnings: string[] }>;
  /** Starting what runs, stopping what is stopped and removing what is gone succeed (304 and 404 are done). */
  start(id: string, signal?: Signal): Promise<void>;
  /**
   * Starts a container whose mounted volume `fill.volume` is memory-backed, with these files in it before its first instruction. They are
   * gone when it ends, so that every start needs them anew. Only where `capabilities.secrets` says so.
   */
  startFilled?(id: string, fill: MemoryFiles, signal?: Signal): Promise<void>;
  stop(id: string, timeout: number, signal?: Signal): Promise<void>;
  kill(id: string, signalName: string, signal?: Signal): Promise<void>;
  remove(id: string, options: { force: boolean; anonymousVolumes: boolean }, signal?: Signal): Promise<void>;
  pause(id: string, signal?: Signal): Promise<void>;
  unpause(id: string, signal?: Signal): Promise<void>;
  rename(id: string, name: string, signal?: Signal): Promise<void>;
  update(
    id: string,
    change: { limits?: Resources; restartPolicy?: CreateContainer['host']['restartPolicy'] },
    signal?: Signal,
  ): Promise<void>;
  /** Runs argv inside; resolves with the exit code and at most `limit` bytes (default 64 KiB) of merged output. */
  exec(
    id: string,
    argv: string[],
    options?: { timeout?: number; limit?: number; user?: string },
    signal?: Signal,
  ): Promise<{ exitCode: number; output: string }>;
  /** Runs argv inside with its input held open; hands over what it writes to its standard output. Disposing ends its input. */
  session(
    id: string,
    argv: string[],
    onOutput: (text: string) => void,
    options?: { user?: string },
  ): Promise<EngineSession>;
  /** Writes one file through the archive API, uncompressed tar only (CVE-2026-41567). Replaces atomically where the engine can. */
  putFile(
    id: string,
    file: { path: string; content: Uint8Array; mode: number; uid: number; gid: number },
    signal?: Signal,
  ): Promise<void>;
  /**
   * Replaces a file of a container, and with `signal` then tells its first process. In a running one a reader finds the old or the new
   * text and never a part of it, where the image has a shell; `atomic` tells. Memory-backed mounts are reached, too, where it is atomic.
   */
  replaceFile(
    id: string,
    file: { path: string; content: Uint8Array; mode: number; uid: number; gid: number },
    options?: { signal?: string },
    signal?: Signal,
  ): Promise<{ atomic: boolean }>;
  /**
   * The tar of a path in a container, running or not, uncompressed: names begin with the last part of `path`. Modes, owners, links and
   * times in whole seconds are kept; sockets are left out. Leaving the iteration early ends the transfer.
   */
  readArchive(id: string, path: string, signal?: Signal): Promise<ByteStream>;
  /** Unpacks an uncompressed tar (CVE-2026-41567) into a folder that exists in a container, running or not. */
  writeArchive(id: string, folder: string, tar: ByteStream, signal?: Signal): Promise<void>;

  networks(filter?: ListFilter, signal?: Signal): Promise<EngineNetwork[]>;
  inspectNetwork(id: string, signal?: Signal): Promise<EngineNetwork | undefined>;
  createNetwork(
    request: {
      name: string;
      driver?: string;
      driverOpts: Record<string, string>;
      internal: boolean;
      attachable: boolean;
      enableIpv6: boolean;
      ipam?: { driver?: string; config: { subnet?: string; gateway?: string; ipRange?: string }[] };
      labels: Record<string, string>;
    },
    signal?: Signal,
  ): Promise<{ id: string }>;
  removeNetwork(id: string, signal?: Signal): Promise<void>;
  connect(
    networkId: string,
    containerId: string,
    options: { aliases: string[]; ipv4Address?: string },
    signal?: Signal,
  ): Promise<void>;
  disconnect(networkId: string, containerId: string, force: boolean, signal?: Signal): Promise<void>;

  volumes(filter?: ListFilter, signal?: Signal): Promise<EngineVolume[]>;
  createVolume(
    request: { name: string; driver?: string; driverOpts: Record<string, string>; labels: Record<string, string> },
    signal?: Signal,
  ): Promise<void>;
  removeVolume(name: string, signal?: Signal): Promise<void>;

  images(signal?: Signal): Promise<EngineImage[]>;
  inspectImage(reference: string, signal?: Signal): Promise<EngineImage | undefined>;
  pull(
    reference: string,
    options: { platform?: string; progress?: (progress: PullProgress) => void },
    signal?: Signal,
  ): Promise<void>;
  removeImage(reference: string, force: boolean, signal?: Signal): Promise<void>;
  /** Gives an image (by reference or id) one more name. */
  tagImage(reference: string, tag: string, signal?: Signal): Promise<void>;
  /** Sends an image to the registry that its name says, with the user's login there. Absent: this engine cannot. */
  push?(reference: string, options: { progress?: (progress: PullProgress) => void }, signal?: Signal): Promise<void>;
  /** The digest that the registry has for this name now, by one small question; `no-image` when it has none. Absent: cannot ask. */
  registryDigest?(reference: string, signal?: Signal): Promise<string>;
  /** Builds an image from a tar of its context; `progress` gets the builder's own words, line by line, untrusted. */
  build(
    context: ByteStream,
    options: BuildOptions & { progress?: (line: string) => void },
    signal?: Signal,
  ): Promise<void>;

  /** Follows the event stream from now on; reconnects are the caller's business, on `ended`. */
  watch(onEvent: (event: EngineEvent) => void): EngineStream<EngineEvent>;
  /**
   * Reads a container's output. With `since` (a stamp, inclusive as the engine has it, F12) it resumes; with `follow` it goes on until
   * the container ends. Entries arrive in the engine's order, batched.
   */
  logs(
    id: string,
    options: { follow: boolean; since?: string; tail?: number },
    onEntries: (entries: LogEntry[]) => void,
  ): EngineStream<LogEntry>;
  /** Samples these containers about once a second, from the cheapest honest source; the set can be changed while it runs. */
  stats(onSamples: (samples: StatsSample[]) => void): StatsFeed;
}

/** Samples of the containers that it is told to follow. */
export interface StatsFeed extends EngineStream<StatsSample> {
  follow(ids: readonly string[]): void;
  /** Milliseconds between two samples from now on; 1,000 at first. What the engine sends by itself may come more often. */
  pace(period: number): void;
}

/** An engine as one of several: the one that is worked on, and those joined to it. */
export interface NodeEngine {
  /** Its engine's id, which names the node. */
  id: string;
  name: string;
  /** The engine that is worked on itself. */
  home: boolean;
  /** Absent while it does not answer. */
  engine: Engine | undefined;
}
