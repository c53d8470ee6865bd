/** How many more replicas of a service its node takes, and why no more: the scheduler's answer for the one node there is. */
import { sentence, type Sentence } from '../../contract/sentence';
import { Board, type Ask, type SchedulerNode } from '../schedule';
import type { AttemptRow, RevisionRow, ServiceRow, Store } from '../store';
import { revisionKey } from './rows';

export interface Room {
  /** Replicas that may be made now. */
  count: number;
  /** Why no more. */
  words: Sentence;
}

/** What the node of the selected engine has. */
export interface Capacity {
  name: string;
  cpus: number;
  memory: number;
}

interface RoomInput {
  store: Store;
  engine: string;
  capacity: Capacity | undefined;
  service: ServiceRow;
  revision: RevisionRow;
  /** The service's own. */
  attempts: readonly AttemptRow[];
}

/** Undefined where nothing limits it. Own replicas of other revisions are about to give up what they hold. */
export function roomFor({ store, engine, capacity, service, revision, attempts }: RoomInput): Room | undefined {
  const cordoned = store.get('nodes', engine)?.cordonedAt !== undefined;
  const ask = askOf(service.key, revision);
  if (!cordoned && ask.cpus === 0 && ask.memory === 0) return undefined;
  const current = attempts.filter(({ hash, state }) => hash === revision.hash && state !== 'removing');
  // Spares hold what they reserve, like replicas.
  const spares = current.filter(({ spare }) => spare === true).length;
  const { warmSpares = 0 } = revision.spec.pilothouse;
  const missing = Math.max(0, service.replicas - current.length + spares) + Math.max(0, warmSpares - spares);
  if (missing === 0 && !cordoned) return undefined;
  const name = capacity?.name ?? engine;
  if (cordoned) return { count: 0, words: sentence('replica.cordoned', { node: name }) };
  if (!capacity) return undefined;
  const node: SchedulerNode = { id: engine, name, cpus: capacity.cpus, memory: capacity.memory, labels: {} };
  const board = new Board([node], { strategy: 'balance', seed: 0 });
  for (const attempt of store.all('attempts')) {
    if (attempt.node !== engine || attempt.finished || attempt.state === 'removing') continue;
    if (attempt.service === service.key && attempt.hash !== revision.hash) continue;
    const its = store.get('revisions', revisionKey(attempt.service, attempt.revision));
    if (its) board.take({ id: attempt.name, ask: askOf(attempt.service, its) }, engine);
  }
  for (let count = 0; count < missing; count++) {
    const placement = board.place(ask);
    if (placement.node === undefined) {
      const [refusal] = placement.refused;
      return { count, words: wordsOf(ask, name, refusal?.filter === 'cpus' ? 'cpus' : 'memory', board.free(engine)) };
    }
    board.take({ id: `${service.key}/${count}`, ask }, engine);
  }
  return undefined;
}

function wordsOf(ask: Ask, node: string, what: 'cpus' | 'memory', free: { cpus: number; memory: number }): Sentence {
  if (what === 'cpus')
    return sentence('replica.noCpus', { node, need: short(ask.cpus), free: short(Math.max(0, free.cpus)) });
  const bytes = (value: number): string => {
    const size = Math.max(0, value) / 1024 ** 2;
    return size >= 1024 ? `${short(size / 1024)} GiB` : `${short(size)} MiB`;
  };
  return sentence('replica.noMemory', { node, need: bytes(ask.memory), free: bytes(free.memory) });
}

function short(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** What one replica reserves. Ports, constraints and the like are the engine's to refuse, and said where the file is read. */
function askOf(service: string, { spec }: RevisionRow): Ask {
  const { reservations } = spec.deploy;
  return {
    service,
    cpus: reservations.cpus ?? 0,
    memory: reservations.memory ?? 0,
    image: spec.image,
    constraints: [],
    spread: [],
    ports: [],
    volumes: [],
    tolerations: [],
    affinity: [],
    priority: spec.pilothouse.priority ?? 0,
  };
}
