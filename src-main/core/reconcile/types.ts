/** What the planner takes and gives: plain data, so that a plan can be shown, compared and replayed. */
import type { Placer } from './placer';
import type { Room } from './room';
import type { ServiceView } from '../../contract/nouns';
import type { Sentence } from '../../contract/sentence';
import type { Resources } from '../../contract/spec';
import type { ContainerDetail, EngineCapabilities } from '../engine';
import type { ProbeVerdict } from '../probes';
import type { AttemptRow, RevisionRow, RolloutRow, ServiceRow } from '../store';
import type { StackParts } from '../stack';

/** What is known of an attempt's container: the whole truth, that the engine said there is none, or nothing certain now. */
export type Seen = ContainerDetail | 'gone' | 'unknown';

/** What is being done to a container right now. */
export type Verb = 'create' | 'start' | 'remove' | 'mend' | 'sleep' | 'wake';

/** One attempt with what is known of it. */
export interface ReplicaInput {
  attempt: AttemptRow;
  seen: Seen;
  /** The last detail ever seen, for display while `seen` is unknown. */
  last?: ContainerDetail;
  busy?: Verb;
  /** What probes say of its running container; absent when nothing probes it. */
  probes?: ProbeVerdict;
  /** Its create was never sent, or was refused: there is certainly no container, now or later. */
  unsent?: boolean;
}

/** What the controller remembers of an attempt; monotonic milliseconds. Lost at a restart of the app without harm. */
export interface AttemptMemory {
  /** The engine's start stamp that `runningSince` belongs to. */
  startedAt?: number;
  runningSince?: number;
  readySince?: number;
  unhealthySince?: number;
  paused?: boolean;
  /** It has been ready at least once since this app saw it. */
  wasReady?: boolean;
  /** The engine's restart count when this app first saw the container, or after the engine itself restarted. */
  restartsBase?: number;
  /** Not to be acted on before. */
  nextTryAt?: number;
  /** The end (engine's stamp) that `nextTryAt` was made for. */
  triedFor?: number;
  /** Why the last act on it failed. */
  problem?: Sentence;
  /** Its name is held by a container that is not ours. */
  taken?: boolean;
  /** Replacements in a row that led to it; its own failures are in its row. */
  carried?: number;
  /** The last end for want of memory (engine's stamp); forgotten after a minute of running. */
  oom?: number;
}

/** What outlives a slot's attempt: the back-off of its successor. */
export interface SlotMemory {
  failures: number;
  nextTryAt?: number;
  hash: string;
  problem?: Sentence;
  /** The name we had to leave to somebody else's container. */
  takenName?: string;
}

export interface ServiceMemory {
  attempts: Record<string, AttemptMemory>;
  slots: Record<number, SlotMemory>;
  /** Progress of the rollout with this key; monotonic milliseconds. */
  rollout?: {
    key: string;
    replaced: number;
    progressAt: number;
    /** The step it stands at, since when, and the traffic counted before. */
    stage?: { id: string; since: number; requests: number; errors: number };
  };
  /** Health and since when (wall clock), for the view. */
  health?: { health: ServiceView['health']; since: number };
}

/** What is known of an image on the engine; absent means nobody has looked yet. */
export type ImageState =
  | { state: 'ready' }
  | { state: 'pulling'; words: Sentence }
  | { state: 'failed'; words: Sentence; nextTryAt: number; definitive: boolean };

/** What the other services of the stack say about starting and stopping this one. */
export interface Gate {
  /** Why nothing may start; from the first dependency that is not where it must be. */
  start?: { words: Sentence; dependency: string };
  /** Somebody that depends on this one still runs and goes first. */
  stop: boolean;
}

/** What a gateway has counted of some containers; requests and errors since it was first looked at, the 95th percentile of late. */
export interface TrafficSum {
  requests: number;
  errors: number;
  /** Milliseconds. */
  p95?: number;
}

/** Everything a plan is made from. */
export interface PlanInput {
  installId: string;
  capabilities: EngineCapabilities;
  /** Names the node of a single-node engine. */
  node: string;
  service: ServiceRow;
  /** Every kept revision of the service, by number. */
  revisions: ReadonlyMap<number, RevisionRow>;
  parts: StackParts;
  job: boolean;
  replicas: ReplicaInput[];
  rollout?: RolloutRow;
  gate: Gate;
  /** Networks and volumes: there, being made, or why not. */
  resources: 'ready' | 'waiting' | Sentence;
  image: (key: string) => ImageState | undefined;
  /** How many new replicas the node takes; absent: as many as are wanted. */
  room?: Room;
  /** Where they go, when the engine is several nodes. */
  placer?: Placer;
  memory: ServiceMemory;
  /** True for an end (engine's stamp) that the engine's own going down explains. */
  outage: (finishedAt: number, node: string) => boolean;
  /** The gateway publishes its fixed ports, not its replicas. */
  fronted?: boolean;
  /** Traffic of the replicas of the wanted revision, while a rollout is judged by it. */
  traffic?: TrafficSum;
  /** The engine does not answer: what is known is old. */
  away?: boolean;
  now: number;
  monotonic: number;
  /** The view before, whose `since` goes on. */
  before?: ServiceView;
}

/** One thing to do. `forget` and `note` touch only the store; the rest is done to the engine. Each carries why. */
export type Action =
  | { do: 'create'; attempt: AttemptRow; fresh: boolean; reason: Sentence }
  | { do: 'start'; name: string; id: string; reason: Sentence }
  | { do: 'remove'; name: string; id: string; stop: boolean; timeout: number; reason: Sentence }
  | { do: 'forget'; name: string; reason: Sentence; gone: boolean }
  | { do: 'note'; name: string; change: Partial<AttemptRow>; event?: NoteEvent }
  | { do: 'connect'; name: string; id: string; network: string; aliases: string[]; ipv4Address?: string }
  | { do: 'update'; name: string; id: string; limits: Resources }
  | { do: 'rename'; name: string; id: string }
  /** A warm spare is paused and leaves its networks; it comes back to them and runs. */
  | { do: 'sleep' | 'wake'; name: string; id: string; reason: Sentence }
  | {
      do: 'image';
      key: string;
      image: string;
      policy: 'always' | 'missing' | 'never';
      platform?: string;
      node?: string;
    };

/** What the time line hears of a note. */
export type NoteEvent =
  { kind: 'exited'; exitCode: number; oomKilled: boolean; at: number } | { kind: 'adopted' } | { kind: 'woken' };

/** What the service's dependents may know of it. */
export interface ServiceStatus {
  /** Something of it runs or has run to its end. */
  started: boolean;
  healthy: boolean;
  completed: boolean;
  /** It ended badly for good. */
  failed: boolean;
  /** Anything of it may be running. */
  live: boolean;
}

/** The outcome of planning. Nothing in it has happened yet. */
export interface ServicePlan {
  actions: Action[];
  view: ServiceView;
  status: ServiceStatus;
  memory: ServiceMemory;
  /** The rollout's row when it changed. */
  rollout?: RolloutRow;
  /** Automatic rollback: the revision the service goes back to. */
  revert?: number;
  /** A revision that has now been fully ready. */
  stable?: number;
  /** Monotonic time at which the plan may be another without anything happening. */
  wakeAt?: number;
  /** Nothing of a service that is to go is left. */
  empty: boolean;
}
