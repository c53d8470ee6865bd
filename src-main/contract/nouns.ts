/** The nouns that cross the wire, as the window and the command line see them. Plain data; times are epoch milliseconds. */
import type { Problem } from './errors';
import type { Sentence } from './sentence';

/** How well something is. Drawn as circle, half circle, triangle, diamond and ring. */
export type Health = 'ok' | 'progress' | 'warning' | 'critical' | 'off';

/** Worst first, the order lists are sorted in. */
export const healthOrder: readonly Health[] = ['critical', 'warning', 'progress', 'ok', 'off'];

export interface EngineView {
  id: string;
  kind: 'docker' | 'podman' | 'memory' | 'swarm' | 'kubernetes';
  /** What to call it: `Docker Engine 27.3`. */
  name: string;
  endpoint: string;
  /** Where the endpoint was found: DOCKER_HOST, a context's name, a well-known socket. */
  source: string;
  state: 'connected' | 'connecting' | 'away';
  /** Since when it is in that state. */
  since: number;
  /** Round trip of the last ping, milliseconds. */
  latency?: number;
  /** Why it is away, in words. */
  words?: Sentence;
  nextTryAt?: number;
  version?: string;
  apiVersion?: string;
  operatingSystem?: string;
  architecture?: string;
  /** What it does otherwise than Docker, as far as it is known. */
  limits?: Sentence[];
  selected: boolean;
}

export interface NodeView {
  id: string;
  name: string;
  engine: string;
  state: 'ready' | 'away' | 'cordoned' | 'draining';
  cpus: number;
  memory: number;
  /** Used now by every container of the engine. */
  usedCpus: number;
  usedMemory: number;
  reservedCpus: number;
  reservedMemory: number;
  labels: Record<string, string>;
  containers: number;
  /** Those of them that were set here. */
  ownLabels: Record<string, string>;
  /** Replicas of ours on it. */
  replicas: number;
  /** The engine that is worked on itself, which is a node too. */
  home: boolean;
  endpoint: string;
  /** Why it does not answer. */
  words?: Sentence;
  /** It has been in that state since, wall clock. */
  since?: number;
  version?: string;
  architecture?: string;
  /** Round trip of the last ping, milliseconds. */
  latency?: number;
  /** Where the gateway reaches its replicas; absent for a joined one whose host is not known by that name here. */
  address?: string;
  /** Its replicas come back elsewhere once it has been away so long, milliseconds. */
  grace: number;
}

/** What draining a node does to one service. */
export interface DrainStep {
  service: string;
  replicas: number;
  /** It leaves the node; else it stays, and `words` says why. */
  moves: boolean;
  /** Names of the nodes that take it. */
  to: string[];
  words: Sentence;
}

/** The key of a machine behind SSH. */
export interface HostKeyView {
  host: string;
  /** `changed`: another one is known for this host. */
  state: 'known' | 'unknown' | 'changed';
  /** `ssh-ed25519` and the like. */
  type: string;
  /** `SHA256:` and 43 characters. */
  fingerprint: string;
}

/** An engine that was asked whether it could be a node. */
export interface NodeTest {
  id: string;
  /** As it was given, or what the Docker context leads to. */
  endpoint: string;
  name: string;
  kind: 'docker' | 'podman' | 'memory' | 'swarm' | 'kubernetes';
  version: string;
  operatingSystem: string;
  architecture: string;
  cpus: number;
  memory: number;
  /** Milliseconds of a round trip. */
  latency: number;
  /** Containers on it that are not of this installation. */
  containers: number;
}

export interface StackView {
  name: string;
  /** Grows by one with each apply; compare-and-set on it. */
  version: number;
  health: Health;
  words: Sentence;
  services: number;
  ready: number;
  networks: string[];
  volumes: string[];
  /** File names the stack was applied from, for display. */
  from: string[];
  /** Taken over from somebody else as it was, and not applied since: it can be let go of. */
  adopted?: boolean;
  removing: boolean;
  createdAt: number;
  updatedAt: number;
}

/** A Compose project as text: the files in merge order, and what interpolates them. */
export interface StackSource {
  files: { name: string; text: string }[];
  /** The text of `.env` files, merged in order, lower precedence than `environment`. */
  envFiles?: { name: string; text: string }[];
  environment?: Record<string, string>;
  profiles?: string[];
  /** Absolute folder that relative paths of the files start from. */
  directory?: string;
}

export type ReplicaState =
  | 'pending' // wanted, nothing done yet; `words` says what it waits for
  | 'creating' // pulling or creating
  | 'starting' // runs, but is not ready yet
  | 'ready'
  | 'unhealthy'
  | 'paused'
  | 'backoff' // crashed; next try at `nextTryAt`
  | 'stopping'
  | 'done' // a one-shot that ended with 0, or stopped by the user
  | 'failed'; // will not be tried again

export interface ReplicaView {
  /** `<stack>/<service>.<slot>`. */
  id: string;
  stack: string;
  service: string;
  slot: number;
  generation: number;
  revision: number;
  state: ReplicaState;
  health: Health;
  words: Sentence;
  container?: { id: string; name: string };
  node: string;
  image: string;
  restarts: number;
  exitCode?: number;
  oomKilled?: boolean;
  createdAt?: number;
  startedAt?: number;
  nextTryAt?: number;
  addresses: Record<string, string>;
  ports: { target: number; protocol: string; hostIp: string; published: number }[];
  /** The machine where its ports are published, when that is another node than the engine that is worked on. */
  machine?: string;
}

export interface ServiceView {
  /** `<stack>/<service>`. */
  key: string;
  stack: string;
  name: string;
  image: string;
  mode: 'replicated' | 'global' | 'job';
  /** Wanted replicas; 0 when stopped. */
  replicas: number;
  /** What the file says. */
  declared: number;
  ready: number;
  stopped: boolean;
  paused: boolean;
  health: Health;
  words: Sentence;
  /** Since when it is in this health. */
  since: number;
  revision: number;
  rollout?: RolloutView;
  replicaList: ReplicaView[];
  /** `8080→80/tcp` as data; `url` when it speaks HTTP as far as we know. */
  ports: { published?: number; target: number; protocol: string; url?: string }[];
  urls: string[];
  limits: { cpus?: number; memory?: number };
  restarts: number;
  /** Warm spares: made in advance and asleep; no replicas, and none of them gets requests. */
  spares?: { wanted: number; warm: number };
  /** What runs differs from what is declared, in words. */
  drift?: Sentence;
  dependsOn: string[];
  createdAt: number;
  updatedAt: number;
}

export interface RolloutView {
  from: number;
  to: number;
  state: 'running' | 'paused' | 'rolling-back' | 'failed' | 'done' | 'rolled-back';
  strategy: 'rolling' | 'recreate' | 'canary' | 'blue-green';
  replaced: number;
  total: number;
  words: Sentence;
  startedAt: number;
  deadlineAt?: number;
  steps: { words: Sentence; state: 'done' | 'active' | 'failed' | 'waiting'; at?: number }[];
  /** Share of traffic the new revision gets, percent, for canaries. */
  weight?: number;
  /** The present step of a canary, from 0; as many as there are steps once it has been through all. */
  step?: number;
  /** It stands at a step until somebody promotes it. */
  waits?: boolean;
  /** It is paused until the service's volumes are backed up. */
  checkpoint?: boolean;
}

export interface RevisionView {
  service: string;
  revision: number;
  image: string;
  createdAt: number;
  /** Was once fully ready. */
  stable: boolean;
  active: boolean;
  cause: Sentence;
  /** The service's section of the resolved Compose file. */
  yaml: string;
}

export interface EventView {
  id: string;
  at: number;
  actor: 'user' | 'controller' | 'engine' | 'alert' | 'system';
  /** A dotted kind: `service.scaled`, `replica.exited`, `rollout.started`, `alert.firing`. */
  kind: string;
  health: Health;
  words: Sentence;
  stack?: string;
  service?: string;
  replica?: string;
  container?: string;
  /** Keys of other services that it concerns: those that read a released config. */
  affects?: string[];
  /** The event that caused this one. */
  cause?: string;
  /** Equal events that followed within a minute are counted, not stored. */
  count: number;
  /** Drawn as a mark on the time line. */
  mark?: 'rollout' | 'release' | 'alert' | 'event';
}

export interface PlanAction {
  verb:
    | 'create'
    | 'replace'
    | 'update'
    | 'scale'
    | 'start'
    | 'stop'
    | 'remove'
    | 'keep'
    | 'pull'
    | 'build'
    | 'publish'
    | 'checkpoint';
  noun:
    'service' | 'replica' | 'network' | 'volume' | 'image' | 'config' | 'secret' | 'container' | 'stack' | 'gateway';
  name: string;
  words: Sentence;
  /** Where it would be placed. */
  node?: string;
  /** Field paths that differ, old and new text cut to 200 characters. Secrets are shown as `••••`. */
  changes?: { path: string; from?: string; to?: string }[];
  destructive: boolean;
}

/** What would happen; what is executed is what was shown (I22). */
export interface PlanView {
  stack: string;
  /** Hash of the observation and the wish; `apply` with it refuses when either changed meanwhile. */
  token: string;
  actions: PlanAction[];
  /** What this engine cannot honour, and other things worth knowing; never dropped in silence. */
  warnings: Problem[];
}

/** What adopting running containers would declare. Nothing is created, changed or restarted by it. */
export interface AdoptPlan {
  stack: string;
  /** The Compose project that the containers make. */
  yaml: string;
  containers: { id: string; name: string; service: string; slot: number }[];
  /** What was chosen and cannot be adopted, and why. */
  leftOut: { id: string; name: string; words: Sentence }[];
  warnings: Problem[];
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'unknown';

export interface LogLine {
  /** Ordered and unique: the position in the store. */
  id: string;
  /** Epoch milliseconds, with the fraction the engine gave. */
  at: number;
  stack: string;
  service: string;
  slot: number;
  generation: number;
  container: string;
  stream: 'stdout' | 'stderr';
  level: LogLevel;
  /** The text with SGR colours kept and every other escape removed. Multi-line groups are joined with line feeds. */
  text: string;
  fields?: Record<string, string | number | boolean | null>;
  /** Not a line of output: a marker such as a gap, skipped lines or a new generation. */
  marker?: Sentence;
}

/** What a list of logs is about; empty means everything. */
export interface LogScope {
  stacks?: string[];
  services?: string[];
  replicas?: string[];
  containers?: string[];
}

/** A metric over time. `v[i]` is null where nothing was measured: a gap is a gap. */
export interface SeriesView {
  metric: string;
  labels: Record<string, string>;
  unit: 'cores' | 'bytes' | 'bytes/s' | 'count' | 'count/s' | 'ratio' | 'ms' | 'none';
  t: number[];
  v: (number | null)[];
}

/** The newest figures of every container, once a second. */
export interface LiveFigures {
  at: number;
  replicas: {
    id: string;
    /** Cores. */
    cpu: number;
    /** Bytes of working set. */
    memory: number;
    memoryLimit?: number;
    networkRx: number;
    networkTx: number;
    blockRead: number;
    blockWrite: number;
    pids: number;
  }[];
  /** Every container of the engine together, ours or not. */
  total: { cpu: number; memory: number; containers: number };
}

/** The app's own state, for the status bar. */
export interface AppStatus {
  version: string;
  startedAt: number;
  /** p99 of the event loop's delay over the last minute, milliseconds. */
  loopDelay: number;
  linesPerSecond: number;
  pointsPerSecond: number;
  skippedLinesLastHour: number;
  historyBytes: number;
  historyBudget: number;
  power: PowerState;
  /** The database could not be opened normally; only reading works. */
  rescue?: Sentence;
  home: string;
  /** Endpoint of the local socket the command line talks to. */
  socket: string;
}

/** The computer this runs on. */
export interface PowerState {
  asleep: boolean;
  battery: boolean;
  locked: boolean;
  /** Milliseconds between two samples of a container. */
  pace: number;
  /** The last sleep: nothing was watched in it. Epoch milliseconds. */
  slept?: { from: number; to: number };
}

export interface Settings {
  theme: 'dark' | 'light' | 'system';
  language: 'en' | 'zh-CN' | 'system';
  engine?: string;
  density: 'dense' | 'normal';
  closeToTray: boolean;
  notifications: boolean;
  /** On battery containers are sampled every 5 s instead of every second. */
  saveBattery: boolean;
  logs: { budgetBytes: number; maxAgeDays: number; linesPerSecond: number; foreign: boolean };
  /** `port` of this machine where `GET /metrics` is answered; 0 is off. */
  metrics: { retentionDays: number; port: number };
  /**
   * The HTTP endpoints: configs, and what other rooms add. They listen on this machine's loopback, and with `containers` on the bridge
   * gateway of a local engine, never anywhere else. With `open`, whoever reaches them may read without a token; writing always needs one.
   */
  http: { enabled: boolean; port: number; containers: boolean; open: boolean };
  /** Charts kept on boards, in their order. */
  charts: PinnedChart[];
  /** Selections of logs by name. */
  logViews: LogView[];
  firstRunDone: boolean;
  closeHintShown: boolean;
}

/** A selection of logs that was kept. Empty lists are everything. */
export interface LogView {
  name: string;
  query: string;
  services: string[];
  levels: LogLevel[];
}

/** A query that was pinned to a board. */
export interface PinnedChart {
  board: string;
  title: string;
  query: string;
  unit: SeriesView['unit'];
}

/** A container that is not ours, as it is. */
export interface ForeignContainer {
  id: string;
  name: string;
  image: string;
  state: string;
  composeProject?: string;
  composeService?: string;
  createdAt: number;
}

/** Where something lies, when there are several nodes. */
export interface NodeRef {
  id: string;
  name: string;
}

export interface VolumeView {
  name: string;
  node?: NodeRef;
  stack?: string;
  driver: string;
  size?: number;
  users: string[];
  createdAt: number;
  ours: boolean;
}

export interface NetworkView {
  id: string;
  node?: NodeRef;
  name: string;
  stack?: string;
  driver: string;
  internal: boolean;
  subnets: string[];
  users: string[];
  ours: boolean;
  createdAt: number;
}

export interface ImageView {
  id: string;
  node?: NodeRef;
  tags: string[];
  size: number;
  createdAt: number;
  users: string[];
}

/** Why a replica is on its node, or why no node takes it. */
export interface PlacementView {
  /** The node's name; absent while none takes it. */
  node?: string;
  /** When it was decided; absent: it is asked now. */
  at?: number;
  /** At which revision. */
  revision?: number;
  words: Sentence;
  /** The best of the nodes that could take it, best first; the first was chosen. */
  rated: { node: string; score: number; parts: { words: Sentence; value: number }[] }[];
  /** How many nodes could take it. */
  fit: number;
  /** Reasons of the nodes that could not, counted; the names of some of them. */
  refused: { words: Sentence; nodes: string[] }[];
}

/** Why something is as it is: the cause, the evidence, what was ruled out, and what would fix it. */
export interface Explanation {
  subject: string;
  health: Health;
  question: Sentence;
  cause: Sentence[];
  evidence: { at?: number; label: Sentence; text: string; bad?: boolean }[];
  ruledOut: Sentence[];
  /** Of a replica: why it is where it is. */
  placement?: PlacementView;
  fixes: {
    words: Sentence;
    detail?: Sentence;
    call?: { name: string; input: unknown };
    route?: string;
    primary: boolean;
  }[];
}

/** Bytes on the engine's disk. */
export interface DiskFigures {
  images: number;
  containers: number;
  volumes: number;
  buildCache: number;
  history: number;
  reclaimable: number;
}
