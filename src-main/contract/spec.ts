/**
 * The typed form of a Compose project: what `core/stack` parses out of files and everything behind it trusts.
 * Field names follow the Compose Specification; times are milliseconds, sizes bytes, CPUs cores.
 */

/** One declared Compose project. */
export interface StackSpec {
  name: string;
  services: Record<string, ServiceSpec>;
  networks: Record<string, NetworkSpec>;
  volumes: Record<string, VolumeSpec>;
  configs: Record<string, FileSource>;
  secrets: Record<string, FileSource>;
}

/** How an image is made when the stack is applied. */
export interface BuildSpec {
  /** Absolute, inside the stack's folder. */
  context: string;
  /** Inside the context, `/` between parts. */
  dockerfile?: string;
  /** Its text, instead of a file. */
  inline?: string;
  target?: string;
  args: Record<string, string>;
  labels?: Record<string, string>;
  cacheFrom?: string[];
  extraHosts?: string[];
  /** More names of the image. */
  tags?: string[];
  network?: string;
  /** Bytes. */
  shmSize?: number;
  platform?: string;
  noCache?: boolean;
  /** Fetches its base images anew. */
  pull?: boolean;
  /** Builds at every apply, also when nothing has changed. */
  always?: boolean;
  /** The image that came of it, by id: containers are made of this one, whatever the name means later. */
  id?: string;
}

/** One container spec and how many equal replicas of it shall run. */
export interface ServiceSpec {
  image: string;
  pullPolicy: 'always' | 'missing' | 'never';
  build?: BuildSpec;
  command?: string[];
  entrypoint?: string[];
  environment: Record<string, string>;
  /** Variables with `${config:…}` in their value, as pieces of text and references; they are not in `environment`. */
  configEnvironment?: Record<string, (string | { item: string; key?: string })[]>;
  labels: Record<string, string>;
  workingDir?: string;
  user?: string;
  hostname?: string;
  domainname?: string;
  platform?: string;
  runtime?: string;
  tty: boolean;
  stdinOpen: boolean;
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
  tmpfs: string[];
  shmSize?: number;
  ipc?: string;
  pid?: string;
  uts?: string;
  cgroupParent?: string;
  oomScoreAdj?: number;
  /** `host`, `none` or absent (the networks below); `service:` and `container:` are refused at parse time. */
  networkMode?: string;
  logging?: { driver: string; options: Record<string, string> };
  stopSignal?: string;
  /** Milliseconds between the stop signal and the kill; Compose's default is 10 s. */
  stopGracePeriod: number;
  ports: PortSpec[];
  expose: number[];
  networks: NetworkAttachment[];
  mounts: MountSpec[];
  configs: FileMount[];
  secrets: FileMount[];
  healthcheck?: HealthcheckSpec;
  dependsOn: Dependency[];
  /** Compose's service-level `restart`; used when `deploy.restartPolicy` is absent. Absent means `no` in Compose, but see `reconcile`. */
  restart?: { condition: 'no' | 'always' | 'on-failure' | 'unless-stopped'; maxAttempts?: number };
  deploy: DeploySpec;
  /** Docker settings that few files use; absent means the engine's default. */
  extras?: HostExtras;
  pilothouse: PilothouseSpec;
}

/** Docker settings that few files use, handed to the engine as they are. Every field absent means the engine's default. */
export interface HostExtras {
  /** Compose's `container_name`. Replicas are named by Pilothouse; the name is reachable as an alias on every network. */
  containerName?: string;
  macAddress?: string;
  cpuShares?: number;
  /** Microseconds of CPU per `cpuPeriod` microseconds. */
  cpuQuota?: number;
  cpuPeriod?: number;
  cpuset?: string;
  /** Bytes of memory and swap together; -1 for unlimited swap. */
  memorySwap?: number;
  /** 0 to 100. */
  memorySwappiness?: number;
  oomKillDisable?: boolean;
  usernsMode?: string;
  /** The cgroup namespace. */
  cgroup?: 'host' | 'private';
  deviceCgroupRules?: string[];
  /** GPUs and other devices by capability; `count` -1 means all. */
  deviceRequests?: {
    driver?: string;
    count?: number;
    deviceIds?: string[];
    capabilities: string[];
    options?: Record<string, string>;
  }[];
  storageOpt?: Record<string, string>;
  annotations?: Record<string, string>;
  blkio?: {
    weight?: number;
    weightDevice?: { path: string; weight: number }[];
    deviceReadBps?: { path: string; rate: number }[];
    deviceReadIops?: { path: string; rate: number }[];
    deviceWriteBps?: { path: string; rate: number }[];
    deviceWriteIops?: { path: string; rate: number }[];
  };
}

/** A container port and where the host shows it. A published range serves one replica per port. */
export interface PortSpec {
  target: number;
  protocol: 'tcp' | 'udp' | 'sctp';
  /** First and last published port; absent means the engine picks one. */
  published?: { from: number; to: number };
  hostIp?: string;
  /** `ingress`: balanced by the gateway over all replicas; `host`: bound by the replica itself. */
  mode: 'ingress' | 'host';
  name?: string;
  appProtocol?: string;
}

/** A network of the stack that a service joins. */
export interface NetworkAttachment {
  network: string;
  aliases: string[];
  ipv4Address?: string;
  ipv6Address?: string;
  priority: number;
}

/** A volume, bind mount or memory file system inside the container. */
export interface MountSpec {
  type: 'volume' | 'bind' | 'tmpfs';
  /** Volume key of the stack, absolute host path, or absent for anonymous volumes and tmpfs. */
  source?: string;
  target: string;
  readOnly: boolean;
  propagation?: string;
  createHostPath?: boolean;
  noCopy?: boolean;
  subpath?: string;
  /** Bytes, for tmpfs. */
  size?: number;
  mode?: number;
}

/** A config or secret as a file inside the container. */
export interface FileMount {
  source: string;
  target: string;
  uid?: string;
  gid?: string;
  mode?: number;
}

/** Where a config's or secret's content comes from. */
export interface FileSource {
  name: string;
  external: boolean;
  /** The content, when a file, inline text or environment variable gave it. Secrets carry it only until sealed. */
  content?: string;
  /** Secrets: the version of the vault that is delivered; the vault knows it by `name`. Values of the config center: their release. */
  version?: number;
  /** The variable or file it came from, for messages. */
  from?: string;
  /** What `from` is; absent for inline text and external ones. */
  kind?: 'file' | 'environment' | 'inline';
  labels: Record<string, string>;
}

export interface NetworkSpec {
  /** The engine's name for it: `<stack>_<key>` unless the file names another. */
  name: string;
  external: boolean;
  driver?: string;
  driverOpts: Record<string, string>;
  internal: boolean;
  attachable: boolean;
  enableIpv6: boolean;
  ipam?: { driver?: string; config: { subnet?: string; gateway?: string; ipRange?: string }[] };
  labels: Record<string, string>;
}

export interface VolumeSpec {
  name: string;
  external: boolean;
  driver?: string;
  driverOpts: Record<string, string>;
  labels: Record<string, string>;
}

/** Docker's HEALTHCHECK; `test` is `['CMD', …]`, `['CMD-SHELL', text]` or `['NONE']`. */
export interface HealthcheckSpec {
  test: string[];
  interval?: number;
  timeout?: number;
  retries?: number;
  startPeriod?: number;
  startInterval?: number;
}

export interface Dependency {
  service: string;
  condition: 'service_started' | 'service_healthy' | 'service_completed_successfully';
  restart: boolean;
  required: boolean;
}

/** Cores, bytes and process counts; absent means unlimited or unreserved. */
export interface Resources {
  cpus?: number;
  memory?: number;
  pids?: number;
}

export interface DeploySpec {
  mode: 'replicated' | 'global' | 'replicated-job' | 'global-job';
  replicas: number;
  labels: Record<string, string>;
  limits: Resources;
  reservations: Resources;
  restartPolicy?: { condition: 'none' | 'on-failure' | 'any'; delay: number; maxAttempts?: number; window: number };
  placement: { constraints: string[]; preferences: { spread: string }[]; maxReplicasPerNode?: number };
  update: UpdateSpec;
  rollback: UpdateSpec;
  endpointMode?: 'vip' | 'dnsrr';
}

/** How replicas are replaced. `parallelism` 0 means all at once (Swarm's rule). */
export interface UpdateSpec {
  parallelism: number;
  delay: number;
  failureAction: 'continue' | 'pause' | 'rollback';
  /** How long a new replica is watched for failure after it is ready. */
  monitor: number;
  maxFailureRatio: number;
  order: 'stop-first' | 'start-first';
}

/** A probe in the manner of Kubernetes; times in milliseconds (D6: period 10 s, timeout 1 s, success 1, failure 3, delay 0). */
export interface ProbeSpec {
  http?: { port: number; path: string; scheme: 'http' | 'https'; headers: Record<string, string> };
  tcp?: { port: number };
  exec?: { command: string[] };
  initialDelay: number;
  period: number;
  timeout: number;
  successThreshold: number;
  failureThreshold: number;
}

/** What Compose cannot say: the service's `x-pilothouse` section. Its JSON schema is resources/schema/x-pilothouse.json. */
export interface PilothouseSpec {
  probes?: { startup?: ProbeSpec; readiness?: ProbeSpec; liveness?: ProbeSpec };
  rollout?: RolloutSpec;
  autoscale?: AutoscaleSpec;
  /** Cron expressions (local time) that set the replica count, or the autoscaler's bounds. */
  schedules?: { cron: string; replicas?: number; min?: number; max?: number; timezone?: string }[];
  traffic?: TrafficSpec;
  /** Higher is placed first and may preempt lower; default 0. */
  priority?: number;
  /** Paused, pre-started replicas kept ready for scaling and healing. */
  warmSpares?: number;
  /** One volume per replica (`<volume>-<slot>`), ordered start and stop. */
  stateful?: boolean;
  /** Its volumes are backed up before its replicas are replaced. */
  checkpoint?: CheckpointSpec;
  /** It may be on another node than the services it shares networks with: it does not reach them by name, nor they it. */
  spread?: boolean;
  tolerations?: {
    key: string;
    operator: 'Equal' | 'Exists';
    value?: string;
    effect?: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
  }[];
  affinity?: { with?: string[]; against?: string[]; weight?: number; required?: boolean }[];
  /** Items of the config center as files, and how the program hears of a new release; see contract/configFiles.ts. */
  config?: ConfigBinding[];
  /** Certificates as files in memory, and how the program hears of a renewed one; see contract/certificateFiles.ts. */
  certificates?: CertificateBinding[];
}

/** Names of files in the folder of secrets; without any of them `tls.crt`, `tls.key` and `ca.crt`. */
export interface CertificateBinding {
  /** Absent: one of the service's own is issued. */
  name?: string;
  cert?: string;
  key?: string;
  ca?: string;
  /** Chain and key in one file. */
  pem?: string;
  uid?: string;
  gid?: string;
  /** Of the files with a key. */
  mode?: number;
  /** With its `SIG`: `SIGHUP`. */
  signal?: string;
  exec?: string[];
}

/** Either a file of its own (`item` and `target`), or how a new release of a Compose config (`source`) is announced. */
export interface ConfigBinding {
  source?: string;
  item?: string;
  target?: string;
  uid?: string;
  gid?: string;
  mode?: number;
  /** With its `SIG`: `SIGHUP`. */
  signal?: string;
  exec?: string[];
}

/** A backup of a service's volumes before each rollout: with its replicas stopped, or while they run. The newest `keep` are kept. */
export interface CheckpointSpec {
  mode: 'stopped' | 'live';
  keep: number;
}

export interface RolloutSpec {
  strategy: 'rolling' | 'recreate' | 'canary' | 'blue-green';
  /** Replicas above the wanted count, as a count or a share such as `25%` (rounded up, as Kubernetes does). */
  surge?: number | string;
  /** Replicas that may be missing, as a count or a share (rounded down). */
  unavailable?: number | string;
  minReady?: number;
  progressDeadline?: number;
  /** Canary: shares of traffic in percent, each held for `pause` milliseconds; absent pause waits for promote. */
  steps?: { weight: number; pause?: number }[];
  analysis?: { maxErrorRatio?: number; maxP95?: number; minRequests?: number };
}

/** HPA v2 (protocols.md D6). */
export interface AutoscaleSpec {
  min: number;
  max: number;
  metrics: AutoscaleMetric[];
  behavior?: { scaleUp?: ScaleRules; scaleDown?: ScaleRules };
  /** To zero when idle this long, and back on the first request through the gateway; absent: never. */
  idleAfter?: number;
  /** How long the gateway holds a request while a replica starts; absent: a minute. */
  wakeTimeout?: number;
}

export interface AutoscaleMetric {
  /** `cpu`, `memory`, `requests`, `latency`, or any recorded metric's name. */
  metric: string;
  type: 'Utilization' | 'AverageValue' | 'Value';
  target: number;
}

export interface ScaleRules {
  stabilization?: number;
  tolerance?: number;
  selectPolicy?: 'Max' | 'Min' | 'Disabled';
  policies?: { type: 'Replicas' | 'Percent'; value: number; period: number }[];
}

export interface TrafficSpec {
  mode: 'tcp' | 'http';
  algorithm: 'roundrobin' | 'leastconn' | 'source' | 'consistent-hash' | 'static-rr';
  /** Answer `http://<service>.<stack>.localhost` through the gateway, to this container port. */
  route?: { host?: string; port: number; pathPrefix?: string };
  sticky?: boolean;
  slowStart?: number;
  drain?: number;
  hashOn?: string;
  check?: { path?: string; interval: number; rise: number; fall: number };
  tls?: {
    /** One that was issued or imported by that name; absent: one is made for the service, and renewed by itself. */
    certificate?: string;
    /** More names for the certificate that is made. */
    names?: string[];
    /** Published ports where the gateway ends TLS; absent: all that it publishes. */
    ports?: number[];
    /** The route's plain address leads to the encrypted one. */
    redirect?: boolean;
  };
}
