/** What the scheduler places, and where. Plain data; cores, bytes. */
import type { PilothouseSpec } from '../../contract/spec';

export interface Taint {
  key: string;
  value?: string;
  effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
}

/** A machine that takes replicas. */
export interface SchedulerNode {
  id: string;
  name: string;
  cpus: number;
  memory: number;
  /** Kept for the machine itself. */
  reserved?: { cpus: number; memory: number };
  labels: Readonly<Record<string, string>>;
  role?: 'manager' | 'worker';
  os?: string;
  architecture?: string;
  taints?: readonly Taint[];
  /** Takes nothing new. */
  cordoned?: boolean;
  /** It does not answer. */
  away?: boolean;
  images?: ReadonlySet<string>;
  /** Named volumes that lie there. */
  volumes?: ReadonlySet<string>;
}

/** What one replica of a service needs. Hand the same object again for the next replica: what was worked out for it is kept. */
export interface Ask {
  /** `<stack>/<service>`. */
  service: string;
  cpus: number;
  memory: number;
  image: string;
  /** `linux/arm64`; absent: any. */
  platform?: string;
  /** As Swarm writes them: `node.labels.zone == east`. */
  constraints: readonly string[];
  /** Labels to spread over, most important first: `node.labels.zone`. */
  spread: readonly string[];
  maxPerNode?: number;
  /** Host ports: `tcp/8080`. */
  ports: readonly string[];
  volumes: readonly string[];
  /** Nodes where its data lies: elsewhere it would start empty. Absent: it has none, or nowhere yet. */
  data?: readonly string[];
  /** Nodes where those run that it must reach by name. */
  together?: readonly string[];
  tolerations: NonNullable<PilothouseSpec['tolerations']>;
  affinity: NonNullable<PilothouseSpec['affinity']>;
  /** Higher comes first and may drive out lower. */
  priority: number;
}

/** A replica that holds a place. */
export interface Task {
  id: string;
  ask: Ask;
}

export const filterNames = [
  'away',
  'cordoned',
  'platform',
  'constraint',
  'data',
  'together',
  'taint',
  'perNode',
  'port',
  'affinity',
  'cpus',
  'memory',
] as const;
export type FilterName = (typeof filterNames)[number];

/** The parts of a score; each is at most its weight. */
export interface Scores {
  room: number;
  evenness: number;
  spread: number;
  image: number;
  volume: number;
  affinity: number;
  taint: number;
}

/** Why nodes were refused, most frequent first. */
export interface Refusal {
  filter: FilterName;
  nodes: number;
  /** Ids of the first of them, where they were asked for. */
  first?: readonly string[];
  /** Of cores or bytes: the most that any of these nodes has free. */
  most?: number;
}

export type Placement =
  | { node: string; score: number; scores: Scores; refused: readonly Refusal[] }
  | { node?: undefined; refused: readonly Refusal[] };

/** What every node says to an ask: the best of those that could take it, and who refuses. */
export interface Ranking {
  /** Best first; ties are as in `place`. */
  rated: readonly { node: string; scores: Scores }[];
  /** How many could take it. */
  fit: number;
  refused: readonly Refusal[];
}

export interface ScheduleOptions {
  /** Spread the load over nodes, or fill one after the other. */
  strategy: 'balance' | 'binpack';
  /** Capacity is multiplied by these; 1 promises no more than there is. */
  overcommit?: { cpus: number; memory: number };
  /** Equal seeds break ties equally. */
  seed: number;
}
