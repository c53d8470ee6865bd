/** Follows the counters of every running container of the engine; holds the newest figures of each. */
import type { Clock } from '../../base/clock';
import { coalesce } from '../../base/batch';
import { DisposableStore, type Disposable } from '../../base/lifecycle';
import type { Log } from '../../base/log';
import type { ContainerSummary, Engine, StatsFeed, StatsSample } from '../engine';
import type { Store } from '../store';
import { CounterTrack, type Usage } from './rates';

/** Milliseconds: between two lists of the engine's containers; before a broken stream is opened anew. */
const listDelay = 10_000;
const retryDelay = 5_000;
const followDelay = 50;
/** Figures older than their period and this are not shown as if they were new. */
const freshFor = 2_000;
/** Containers that are not ours, at most: they count for the totals only. */
const mostForeign = 500;

interface Followed {
  track: CounterTrack;
  /** `<stack>/<service>.<slot>` when it is ours. */
  replica: string | undefined;
  newest: { usage: Usage; wall: number; monotonic: number } | undefined;
  /** The counters as they came last. */
  sample: StatsSample | undefined;
}

/** A container's counters with what it is called. */
export interface Counted {
  sample: StatsSample;
  name: string;
  image: string;
  replica: string | undefined;
}

export interface CollectorOptions {
  clock: Clock;
  store: Store;
  log: Log;
}

export class Collector implements Disposable {
  private readonly owned = new DisposableStore();
  private readonly followed = new Map<string, Followed>();
  private engine: Engine | undefined;
  private stream: StatsFeed | undefined;
  private period = 1_000;
  private foreign: string[] = [];
  private listed = new Map<string, ContainerSummary>();
  private running = 0;
  private listTimer: Disposable | undefined;
  private retryTimer: Disposable | undefined;
  private readonly refollow: { ask(): void } & Disposable;

  constructor(private readonly options: CollectorOptions) {
    const { clock, store } = options;
    this.refollow = this.owned.add(coalesce(clock, { delay: followDelay, work: () => this.follow() }));
    this.owned.add(
      store.onCommit((changes) => {
        if (changes.some((change) => change.table === 'attempts' || change.table === 'stacks')) this.refollow.ask();
      }),
    );
    this.owned.add({ dispose: () => this.close() });
  }

  /** Running containers of the engine as listed last. */
  get containers(): number {
    return this.running;
  }

  get connected(): boolean {
    return this.engine !== undefined;
  }

  get engineId(): string | undefined {
    return this.engine?.id;
  }

  setEngine(engine: Engine | undefined): void {
    if (this.engine === engine) return;
    this.close();
    this.engine = engine;
    if (!engine) return;
    this.open();
    this.list();
  }

  /** Milliseconds between two samples from now on. */
  pace(period: number): void {
    this.period = period;
    this.stream?.pace(period);
  }

  /** The computer was asleep: what was open may be dead without a word. */
  wake(): void {
    const { stream } = this;
    if (!stream) return;
    this.stream = undefined;
    stream.dispose();
    this.open();
  }

  /** Calls `each` with every container's figures that are not older than one period by both clocks. */
  forEach(each: (usage: Usage, replica: string | undefined) => void): void {
    const { clock } = this.options;
    const [wall, monotonic] = [clock.now(), clock.monotonic()];
    for (const { newest, replica } of this.followed.values()) {
      if (!newest) continue;
      const age = Math.max(monotonic - newest.monotonic, Math.abs(wall - newest.wall));
      const fresh = age <= this.period + freshFor;
      if (fresh) each(newest.usage, replica);
    }
  }

  /** The counters of every container that is measured now. Names are the engine's: untrusted text. */
  counted(): Counted[] {
    const now = this.options.clock.monotonic();
    return [...this.followed].flatMap(([id, { sample, newest, replica }]) => {
      if (!sample || !newest || now - newest.monotonic > this.period + freshFor) return [];
      const row = this.listed.get(id);
      return [{ sample, name: row?.name ?? id.slice(0, 12), image: row?.image ?? '', replica }];
    });
  }

  dispose(): void {
    this.owned.dispose();
  }

  private open(): void {
    const { engine } = this;
    if (!engine) return;
    const stream = engine.stats((samples) => {
      if (this.stream === stream) this.take(samples);
    });
    this.stream = stream;
    stream.pace(this.period);
    this.follow();
    void stream.ended.then(({ error }) => {
      if (this.stream !== stream) return;
      this.stream = undefined;
      this.options.log('debug', 'the stream of figures ended', { reason: error?.message ?? 'no error' });
      // The link notices an engine that is away; this one is for a stream that alone was cut.
      this.retryTimer = this.options.clock.timer(retryDelay, () => this.open());
    });
  }

  private close(): void {
    this.listTimer?.dispose();
    this.retryTimer?.dispose();
    const { stream } = this;
    this.stream = undefined;
    stream?.dispose();
    this.engine = undefined;
    this.followed.clear();
    this.foreign = [];
    this.listed.clear();
    this.running = 0;
  }

  private take(samples: readonly StatsSample[]): void {
    const { clock } = this.options;
    const [wall, monotonic] = [clock.now(), clock.monotonic()];
    for (const sample of samples) {
      const entry = this.followed.get(sample.id);
      if (!entry) continue;
      const usage = entry.track.step(sample, monotonic);
      entry.sample = sample;
      if (usage) entry.newest = { usage, wall, monotonic };
    }
  }

  /** Tells the stream whom to follow: our attempts' containers on this engine, and what the last list found beside them. */
  private follow(): void {
    const { engine, stream } = this;
    if (!engine || !stream) return;
    const own = this.ownContainers(engine.id);
    const foreign = this.foreign.filter((id) => !own.has(id)).slice(0, mostForeign);
    const ids = [...own.keys(), ...foreign];
    const wanted = new Set(ids);
    for (const id of this.followed.keys()) if (!wanted.has(id)) this.followed.delete(id);
    for (const id of ids) {
      const known = this.followed.get(id);
      if (known) known.replica = own.get(id);
      else
        this.followed.set(id, {
          track: new CounterTrack(),
          replica: own.get(id),
          newest: undefined,
          sample: undefined,
        });
    }
    stream.follow(ids);
  }

  private ownContainers(engine: string): Map<string, string> {
    const { store } = this.options;
    const stacks = new Set<string>();
    for (const stack of store.all('stacks')) if (stack.engine === engine) stacks.add(stack.name);
    const own = new Map<string, string>();
    for (const attempt of store.all('attempts')) {
      if (attempt.containerId === undefined) continue;
      if (!stacks.has(attempt.service.slice(0, attempt.service.indexOf('/')))) continue;
      own.set(attempt.containerId, `${attempt.service}.${attempt.slot}`);
    }
    return own;
  }

  private list(): void {
    const { engine } = this;
    if (!engine) return;
    engine
      .list()
      .then((rows) => {
        if (this.engine !== engine) return;
        const alive = rows.filter((row) => row.state === 'running' || row.state === 'paused');
        this.running = alive.length;
        this.foreign = alive.map((row) => row.id);
        this.listed = new Map(alive.map((row) => [row.id, row]));
        this.follow();
      })
      .catch(() => undefined) // an engine that is away is the link's business; the next turn tries again
      .finally(() => {
        if (this.engine !== engine) return;
        this.listTimer = this.options.clock.timer(listDelay, () => this.list());
      });
  }
}
