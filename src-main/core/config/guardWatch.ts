/** Looks at those who have guarded releases once a second, and says when one is over. */
import type { Clock } from '../../base/clock';
import type { Disposable } from '../../base/lifecycle';
import type { Log } from '../../base/log';
import type { ConfigUserView, GuardView } from '../../contract/api/config';
import type { ReplicaView } from '../../contract/nouns';
import { say } from '../../contract/sentence';
import type { ConfigItemRow, Store } from '../store';
import { changes, step, type GuardSight, type Measured, type Rates, type Seen } from './guard';

/** Between two times; answer times count from `late` on. Epoch milliseconds. */
export interface RateSpan {
  from: number;
  late: number;
  to: number;
}

export interface GuardWatchOptions {
  store: Store;
  clock: Clock;
  log: Log;
  rates?: (replicas: readonly string[], span: RateSpan) => Promise<Rates>;
  readers: (item: ConfigItemRow) => ConfigUserView[];
  /** Is it one of those that the item's gray release is for? */
  isGray: (item: ConfigItemRow, user: ConfigUserView) => boolean;
  /** The guard has changed: watched others, stalled, or decided. */
  end: (item: ConfigItemRow, guard: GuardView) => void;
}

const every = 1000;
/** A gap this long between two looks means that the machine slept or the app was held: nothing is decided on it. */
const longestGap = 10_000;
/** What counts as before: so long before the release, and besides it as long as what counts as now. Milliseconds. */
const before = 600_000;
/** What counts as now: errors and failed answers of the last minute, and the times of the last moments. Milliseconds. */
const lately = 60_000;
const justNow = 15_000;

interface Watched {
  /** Starts of replicas that came after the guard began, when each was seen first. */
  starts: Map<string, number>;
  earlier?: Measured[];
}

export class GuardWatch implements Disposable {
  private readonly watched = new Map<string, Watched>();
  private timer: Disposable | undefined;
  private last: number;
  private stopped = false;

  constructor(private readonly options: GuardWatchOptions) {
    this.last = options.clock.now();
    this.next();
  }

  dispose(): void {
    this.stopped = true;
    this.timer?.dispose();
  }

  private next(): void {
    this.timer = this.options.clock.timer(every, () => {
      void this.look().finally(() => {
        if (!this.stopped) this.next();
      });
    });
  }

  private async look(): Promise<void> {
    const { store, clock, log } = this.options;
    const since = this.last;
    this.last = clock.now();
    const guarded = store.all('configItems').filter((item) => item.gray?.guard?.state === 'watching');
    for (const key of this.watched.keys()) {
      if (!guarded.some((item) => keyOf(item) === key)) this.watched.delete(key);
    }
    for (const item of guarded) {
      try {
        await this.lookAt(item, since);
      } catch (thrown) {
        log('warn', 'A guarded release could not be looked at', { item: item.key, thrown });
      }
    }
  }

  private async lookAt(item: ConfigItemRow, since: number): Promise<void> {
    const { store, clock, rates } = this.options;
    const gray = item.gray;
    if (!gray?.guard) return;
    const memory = this.watched.get(keyOf(item)) ?? { starts: new Map<string, number>() };
    this.watched.set(keyOf(item), memory);
    const readers = this.options.readers(item).filter((user) => this.options.isGray(item, user));
    const ids = [...new Set([...gray.rule.replicas, ...readers.flatMap((user) => user.replica ?? [])])].sort();
    const now = clock.now();
    const away = now - since > longestGap || now < since || this.engineAway(ids);
    const seen = [
      ...ids.map((id) => this.seeReplica(id, readers, gray, memory)),
      // Of a client outside our replicas nothing is known but that it took the release.
      ...readers
        .filter((user) => user.replica === undefined)
        .map((user): Seen => ({
          replica: user.who,
          ready: true,
          broken: false,
          restarts: 0,
          has: user.release === gray.release,
        })),
    ];
    const { startedAt } = gray.guard;
    const sight: GuardSight = { now, measured: !away, seen };
    if (rates && ids.length > 0) {
      const measured = async (from: number, to: number): Promise<Measured> => ({
        rates: await rates(ids, { from, late: to - from > lately ? from : Math.max(from, to - justNow), to }),
        length: to - from,
      });
      memory.earlier ??= await Promise.all(
        [before, lately].map((length) => {
          const from = Math.max(startedAt - length, Math.min(startedAt, this.oldestStart(ids)));
          return measured(from, startedAt);
        }),
      );
      Object.assign(sight, changes(memory.earlier, await measured(Math.max(startedAt, now - lately), now)));
    }
    // The row may have changed while the rates were asked for.
    const current = store.get('configItems', item.key);
    if (this.stopped || current?.gray?.guard !== gray.guard) return;
    const stepped = step(gray.guard, sight, since);
    const watched = seen.map((one) => one.replica);
    const same = watched.join() === stepped.watched.join();
    const guard = same ? stepped : { ...stepped, watched };
    if (guard !== gray.guard) this.options.end(current, guard);
  }

  /**
   * How often each of these replicas has been started. Taken before a guarded release is given to any: one that takes it, ends and is
   * started again is ready at the first look.
   */
  starts(users: readonly ConfigUserView[]): Record<string, number> {
    const found = users.flatMap(({ replica: id }) => {
      const replica = id === undefined ? undefined : this.replica(id);
      return replica ? [[replica.id, startsOf(replica)] as const] : [];
    });
    return Object.fromEntries(found);
  }

  private seeReplica(
    id: string,
    readers: readonly ConfigUserView[],
    { release, starts }: NonNullable<ConfigItemRow['gray']>,
    memory: Watched,
  ): Seen {
    const replica = this.replica(id);
    const now = replica ? startsOf(replica) : 0;
    const first = starts?.[id] ?? memory.starts.get(id) ?? now;
    if (replica) memory.starts.set(id, first);
    const own = readers.filter((user) => user.replica === id);
    const problem = own.find((user) => user.problem && user.wanted === release)?.problem;
    return {
      replica: id,
      ready: replica?.state === 'ready',
      broken: replica !== undefined && ['unhealthy', 'backoff', 'failed'].includes(replica.state),
      restarts: replica ? Math.max(0, now - first) : 0,
      has: own.some((user) => user.release === release && !user.problem),
      ...(problem ? { refused: say(problem) } : {}),
    };
  }

  /** Since when at least one of them has been running, as far as that is known. */
  private oldestStart(ids: readonly string[]): number {
    return Math.min(...ids.map((id) => this.replica(id)?.startedAt ?? 0));
  }

  /** Of at least one watched replica only the last known state is told. */
  private engineAway(ids: readonly string[]): boolean {
    return ids.some((id) => {
      const status = this.options.store.get('serviceStatus', id.slice(0, id.lastIndexOf('.')));
      return status?.words.code === 'service.engineAway';
    });
  }

  private replica(id: string): ReplicaView | undefined {
    const service = this.options.store.get('serviceStatus', id.slice(0, id.lastIndexOf('.')));
    return service?.replicaList.find((one) => one.id === id);
  }
}

/** Of its container, and containers in its slot before that. */
function startsOf({ restarts, generation }: ReplicaView): number {
  return restarts + generation;
}

function keyOf(item: ConfigItemRow): string {
  return `${item.key}@${item.gray?.release ?? 0}`;
}
