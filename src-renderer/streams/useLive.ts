/** The newest figures of every replica, and the last minute of them for sparklines. High-rate, so never in Pinia. */
import { onScopeDispose, shallowRef, triggerRef, type ShallowRef } from 'vue';
import type { OpenedStream } from '../../src-main/contract/client';
import type { LiveFigures } from '../../src-main/contract/nouns';
import { call, open } from '../bridge';

/** How many seconds of history a sparkline shows. */
export const liveSeconds = 60;

export interface LiveHistory {
  /** Cores and bytes, oldest first, at most `liveSeconds` values. */
  cpu: number[];
  memory: number[];
  memoryLimit?: number;
}

interface Shared {
  figures: ShallowRef<LiveFigures | undefined>;
  /** By replica id, service key, and `total`. */
  history: ShallowRef<Map<string, LiveHistory>>;
  users: number;
  stop: () => void;
}

let shared: Shared | undefined;

function push(
  history: Map<string, LiveHistory>,
  key: string,
  value: { cpu: number; memory: number; memoryLimit?: number },
): void {
  const entry = history.get(key) ?? { cpu: [], memory: [] };
  entry.cpu.push(value.cpu);
  entry.memory.push(value.memory);
  if (entry.cpu.length > liveSeconds) entry.cpu.shift();
  if (entry.memory.length > liveSeconds) entry.memory.shift();
  if (value.memoryLimit !== undefined) entry.memoryLimit = value.memoryLimit;
  else delete entry.memoryLimit;
  // A new object, or a tile that is handed the same one is not drawn again.
  history.set(key, { ...entry });
}

/** `shop/web.2` → `shop/web`. */
export function serviceOfReplica(replica: string): string {
  return replica.slice(0, replica.lastIndexOf('.'));
}

function begin(): Shared {
  const figures = shallowRef<LiveFigures>();
  const history = shallowRef(new Map<string, LiveHistory>());
  /** Items since the window was last shown: what recall puts in front of. */
  let arrived = 0;
  const take = (item: LiveFigures): void => {
    figures.value = item;
    arrived += 1;
    const sums = new Map<string, { cpu: number; memory: number; memoryLimit?: number }>();
    for (const replica of item.replicas) {
      push(history.value, replica.id, replica);
      const service = serviceOfReplica(replica.id);
      const sum = sums.get(service) ?? { cpu: 0, memory: 0 };
      sum.cpu += replica.cpu;
      sum.memory += replica.memory;
      if (replica.memoryLimit !== undefined) sum.memoryLimit = (sum.memoryLimit ?? 0) + replica.memoryLimit;
      sums.set(service, sum);
    }
    for (const [service, sum] of sums) push(history.value, service, sum);
    push(history.value, 'total', item.total);
    const present = new Set(item.replicas.map((replica) => replica.id));
    for (const key of history.value.keys()) {
      if (key !== 'total' && !present.has(key) && !sums.has(key)) history.value.delete(key);
    }
    triggerRef(history);
  };
  let stream: OpenedStream | undefined;
  // Nobody sees a hidden window, and drawing for it is most of what an idle app would cost; what passed meanwhile is recalled.
  const follow = (): void => {
    stream?.dispose();
    stream = undefined;
    if (document.hidden) return;
    arrived = 0;
    stream = open('metrics.live', {}, { item: take });
    void recall(history, () => arrived);
  };
  document.addEventListener('visibilitychange', follow);
  follow();
  const stop = (): void => {
    document.removeEventListener('visibilitychange', follow);
    stream?.dispose();
  };
  return { figures, history, users: 0, stop };
}

/** Fills the minute before the window was shown from what the core has kept, in front of the `arrived` items that came since. */
async function recall(history: ShallowRef<Map<string, LiveHistory>>, arrived: () => number): Promise<void> {
  const to = Date.now();
  const ask = (metric: 'cpu' | 'memory', by: 'replica' | 'service'): ReturnType<typeof call<'metrics.range'>> =>
    call('metrics.range', { metric, by, from: to - liveSeconds * 1000, to, points: liveSeconds });
  for (const metric of ['cpu', 'memory'] as const) {
    for (const by of ['replica', 'service'] as const) {
      const series = await ask(metric, by).catch(() => []);
      for (const one of series) {
        const key = one.labels[by];
        if (key === undefined) continue;
        const older = one.v.filter((value): value is number => value !== null);
        const entry = history.value.get(key) ?? { cpu: [], memory: [] };
        const since = arrived() > 0 ? entry[metric].slice(-arrived()) : [];
        entry[metric] = [...older, ...since].slice(-liveSeconds);
        history.value.set(key, { ...entry });
      }
    }
  }
  triggerRef(history);
}

/** Shares one subscription between all users of the window; the last one out closes it. */
export function useLive(): Pick<Shared, 'figures' | 'history'> {
  shared ??= begin();
  const own = shared;
  own.users += 1;
  onScopeDispose(() => {
    own.users -= 1;
    if (own.users > 0) return;
    own.stop();
    if (shared === own) shared = undefined;
  });
  return { figures: own.figures, history: own.history };
}
