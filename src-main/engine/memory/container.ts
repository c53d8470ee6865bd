/** One container of the memory engine: its record, and the two views of it that the port knows. */
import type { Disposable } from '../../base/lifecycle';
import type { HealthcheckSpec, Resources } from '../../contract/spec';
import type {
  ContainerDetail,
  ContainerHealth,
  ContainerState,
  ContainerSummary,
  CreateContainer,
} from '../../core/engine';
import type { MemoryImage } from './images';
import type { Output } from './logs';
import type { Program } from './programs';

/** An attachment to a network; the address exists while the container runs. */
export interface Attachment {
  networkId: string;
  name: string;
  address: string;
  aliases: string[];
  /** The address the user asked for. */
  fixed?: string;
}

/** The process inside, while there is one. */
export interface Process {
  program: Program;
  /** Monotonic milliseconds of its start. */
  startedAt: number;
  pid: number;
  timers: Disposable[];
  /** Monotonic milliseconds of the pause it is in. */
  pausedAt?: number;
  /** It ended while the daemon could not see it. */
  unseenExit?: { code: number; oom: boolean };
  /** It was killed while it was frozen. */
  frozenExit?: { code: number; oom: boolean };
  /** Nanoseconds of CPU so far, and when they were counted. */
  cpuNanos: number;
  throttledNanos: number;
  networkBytes: number;
  countedAt: number;
}

/** Docker's own restart manager, one per container. */
export interface Restarts {
  policy: CreateContainer['host']['restartPolicy'];
  /** Milliseconds; doubles from 100 to 60,000. */
  delay: number;
  /** A `docker kill` or `docker stop` was seen: no restart after the next end. */
  cancelled: boolean;
  /** Restarts since the last start by hand. */
  count: number;
  waiting?: Disposable;
}

export interface Container {
  id: string;
  name: string;
  request: CreateContainer;
  image: MemoryImage;
  labels: Record<string, string>;
  environment: Record<string, string>;
  command: string[];
  healthcheck?: HealthcheckSpec;
  state: ContainerState;
  createdAt: number;
  startedAt?: number;
  finishedAt?: number;
  exitCode: number;
  oomKilled: boolean;
  error: string;
  limits: Resources;
  restarts: Restarts;
  /** As `HasBeenManuallyStopped`: what `unless-stopped` looks at. */
  manuallyStopped: boolean;
  /** Starts ever, automatic ones too. */
  starts: number;
  process?: Process;
  attachments: Map<string, Attachment>;
  ports: ContainerDetail['ports'];
  mounts: ContainerDetail['mounts'];
  anonymousVolumes: string[];
  health: ContainerHealth;
  failingStreak: number;
  healthLog: ContainerDetail['healthLog'];
  healthTimer?: Disposable;
  files: Map<string, { content: Uint8Array; mode: number; uid: number; gid: number }>;
  /** Signals that were given with a replaced file. */
  told: string[];
  output: Output;
  /** Called when the process has ended. */
  onEnd: Set<() => void>;
}

/** A process exists, even if it stands still. */
export function isAlive(container: Container): boolean {
  return container.state === 'running' || container.state === 'paused';
}

/** The row of the list. Health is part of the list's status text only while the container runs. */
export function summarize(container: Container): ContainerSummary {
  const summary: ContainerSummary = {
    id: container.id,
    name: container.name,
    image: container.request.image,
    imageId: container.image.id,
    labels: { ...container.labels },
    state: container.state,
    health: container.state === 'running' ? container.health : 'none',
    createdAt: container.createdAt,
  };
  if (container.state === 'exited' || container.state === 'restarting') summary.exitCode = container.exitCode;
  return summary;
}

/** The whole truth, as `inspect` tells it. */
export function describe(container: Container): ContainerDetail {
  const detail: ContainerDetail = {
    ...summarize(container),
    health: container.health,
    oomKilled: container.oomKilled,
    error: container.error,
    restartCount: container.restarts.count,
    hostname: container.request.hostname ?? container.id.slice(0, 12),
    networks: Object.fromEntries(
      [...container.attachments.values()].map(({ name, networkId, address, aliases }) => [
        name,
        { networkId, address, aliases: [...aliases, container.id.slice(0, 12)] },
      ]),
    ),
    ports: isAlive(container) ? container.ports.map((port) => ({ ...port })) : [],
    mounts: container.mounts.map((mount) => ({ ...mount })),
    limits: { ...container.limits },
    healthLog: container.healthLog.map((entry) => ({ ...entry })),
    command: [...container.command],
    environment: Object.entries(container.environment).map(([name, value]) => `${name}=${value}`),
    restartPolicy: { ...container.restarts.policy },
  };
  // A container whose start failed is `created` with an exit code (F8); one that runs has none.
  const hasExited = ['exited', 'dead', 'restarting'].includes(container.state);
  if (hasExited || (container.state === 'created' && container.exitCode !== 0)) detail.exitCode = container.exitCode;
  if (container.startedAt !== undefined) detail.startedAt = container.startedAt;
  if (container.finishedAt !== undefined) detail.finishedAt = container.finishedAt;
  if (container.process && isAlive(container)) detail.pid = container.process.pid;
  return detail;
}
