/** What the parts of the controller share. */
import type { Clock } from '../../base/clock';
import type { Log } from '../../base/log';
import type { WorkQueue } from '../../base/workqueue';
import type { Sentence } from '../../contract/sentence';
import type { Engine, EngineError } from '../engine';
import type { Prober } from '../probes';
import type { Store } from '../store';
import type { Acts } from './acts';
import type { Fleet } from './fleet';
import type { Images } from './images';
import type { NodeResources } from './nodeResources';
import type { Observer } from './observer';
import type { Pool } from './pool';
import type { Recorder } from './recorder';
import type { Capacity } from './room';
import type { Rows } from './rows';
import type { Statuses } from './statuses';
import type { ServiceMemory, TrafficSum } from './types';

/** What is there of a stack's networks and volumes, and what is wrong with the rest; keys as in `neededResources`. */
export interface StackResources {
  ready: ReadonlySet<string>;
  problems: ReadonlyMap<string, Sentence>;
}

export interface World {
  store: Store;
  engine: Engine;
  clock: Clock;
  log: Log;
  installId: string;
  rows: Rows;
  observer: Observer;
  images: Images;
  acts: Acts;
  recorder: Recorder;
  queue: WorkQueue;
  /** What the gateway has counted of these containers. */
  measure?: (containers: readonly string[]) => TrafficSum | undefined;
  /** What the node has; absent where nobody knows. */
  capacity?: () => Capacity | undefined;
  /** The nodes, when the engine is several joined ones, and what is made on each of them. */
  fleet?: Fleet;
  nodeResources?: NodeResources;
  /** Grows with each change of what the nodes are, have to say, or are used for. */
  nodesVersion: () => number;
  /** Makes the probes of `x-pilothouse`; absent where nothing can dial. */
  prober?: Prober;
  /** Creates and starts; stops and removals. */
  starts: Pool;
  stops: Pool;
  memory: Map<string, ServiceMemory>;
  statuses: Statuses;
  /** Resources of the engine that are there, and what is wrong with the others, per stack. */
  resources: Map<string, StackResources>;
  /** Attempts whose create has not been sent, or was refused: certainly without a container. */
  unsent: Set<string>;
  /** The event that explains what comes next for a replica, by its id. */
  causes: Map<string, string>;
  /** True for an end that the engine's own going down explains. */
  outage: (finishedAt: number, node: string) => boolean;
  /** An end that was explained so; counted into one event. */
  onOutageEnd: (service: string) => void;
  onAway: (error: EngineError) => void;
  isAway: () => boolean;
  /** The views of these stacks must be made anew. */
  onView: (stack: string) => void;
  disposed: () => boolean;
}

/** Keys of stacks in the queue; a service's key holds a slash instead. */
export function stackKey(stack: string): string {
  return `stack:${stack}`;
}
