/** The room put together: collector → intake → store and tails, and the handlers of the contract's logs calls. */
import type { Clock } from '../../base/clock';
import { coalesce } from '../../base/batch';
import { DisposableStore, never, type Disposable } from '../../base/lifecycle';
import type { Log } from '../../base/log';
import type { Random } from '../../base/random';
import type { CallHandlers, StreamHandlers } from '../../contract/api';
import type { observeCalls, observeStreams } from '../../contract/api/observe';
import { fail } from '../../contract/errors';
import type { LogLevel, LogScope, Settings } from '../../contract/nouns';
import type { Engine } from '../engine';
import type { Store, StoreChange } from '../store';
import { LogCollector } from './ingest/collector';
import { Intake } from './ingest/intake';
import { lastingStore, reopenDelay } from './lasting';
import type { LogSource } from './line';
import { Meter } from './meter';
import type { LogBudget } from './segment/retention';
import { foreignSources, ownSources } from './sources';
import type { LogSelection, LogStore } from './store';
import { TailHub } from './tail';

type LogCalls = Pick<typeof observeCalls, 'logs.page' | 'logs.histogram' | 'logs.facets' | 'logs.patterns'>;
type LogStreams = Pick<typeof observeStreams, 'logs.tail'>;

export interface LogsOptions {
  clock: Clock;
  random: Random;
  store: Store;
  log: Log;
  /** The user's limits as they hold now; read again whenever the settings change. */
  settings: () => Settings['logs'];
  /** Opens the log store, in this thread (`openLogStore`) or in another (`connectLogStore`). */
  open: (budget: LogBudget) => Promise<LogStore>;
}

export interface LogsFigures {
  linesPerSecond: number;
  skippedLinesLastHour: number;
  bytes: number;
  budget: number;
  /** Containers being read now. */
  following: number;
}

export interface Logs {
  calls: CallHandlers<LogCalls>;
  streams: StreamHandlers<LogStreams>;
  /** Opens the store and begins to follow. Rejects when the store cannot be opened; the calls then say so, too, and it is tried again. */
  start(): Promise<void>;
  /** The engine to read from, as `EngineLink.onEngine` gives it. */
  setEngine(engine: Engine | undefined): void;
  /** The container may have been started or has ended: look at once. Never necessary, only quicker. */
  touch(container: string): void;
  /** The computer was asleep: every container is read on over a new connection, from where it was left. */
  wake(): void;
  figures(): LogsFigures;
  /** Writes what was taken and stops. Containers are not touched. */
  stop(): Promise<void>;
}

const day = 24 * 60 * 60 * 1000;
const figuresDelay = 5000;
const foreignDelay = 15_000;
const followDelay = 50;

/** Makes the room. Nothing runs before `start`. */
export function createLogs(options: LogsOptions): Logs {
  return new LogRoom(options).door();
}

class LogRoom {
  private readonly owned = new DisposableStore();
  private readonly lines: Meter;
  private readonly skips: Meter;
  private readonly hub: TailHub;
  private opened: Promise<LogStore> | undefined;
  private openFailure: unknown;
  private openTimer: Disposable | undefined;
  private opens = 0;
  private logStore: LogStore | undefined;
  private intake: Intake | undefined;
  private collector: LogCollector | undefined;
  private engine: Engine | undefined;
  private foreign: LogSource[] = [];
  private foreignTimer: Disposable | undefined;
  private figuresTimer: Disposable | undefined;
  private readonly marks = new Map<string, string>();
  private known = { skipped: 0, bytes: 0 };
  private stopped = false;

  constructor(private readonly options: LogsOptions) {
    const { clock } = options;
    this.lines = new Meter(clock);
    this.skips = new Meter(clock);
    this.hub = new TailHub({
      clock,
      meter: this.lines,
      backlog: async (selection, limit) => {
        const store = await this.ready();
        await this.intake?.flush();
        return store.page({ ...selection, limit }, never);
      },
    });
  }

  door(): Logs {
    return {
      calls: {
        'logs.page': async (input, caller) => {
          const store = await this.ready();
          const { scope, levels, query, ...rest } = input;
          return store.page({ ...selectionOf({ scope, levels, query }), ...rest }, caller.signal);
        },
        'logs.histogram': async (input, caller) => {
          const store = await this.ready();
          const { from, to, buckets } = input;
          return store.histogram({ ...selectionOf(input), from, to, buckets }, caller.signal);
        },
        'logs.facets': async (input, caller) => {
          const store = await this.ready();
          const { from, to, fields } = input;
          return store.facets({ ...selectionOf(input), from, to, fields }, caller.signal);
        },
        'logs.patterns': async (input, caller) => {
          const store = await this.ready();
          const { from, to, compare, limit } = input;
          const times = compare ? { from, to, before: compare } : { from, to };
          return store.patterns({ ...selectionOf(input), ...times, limit }, caller.signal);
        },
      },
      streams: {
        'logs.tail': (input, sink) => this.hub.subscribe(selectionOf(input), input.backlog, sink),
      },
      start: () => this.start(),
      setEngine: (engine) => this.setEngine(engine),
      touch: (container) => this.collector?.touch(container),
      wake: () => this.collector?.wake(),
      figures: () => this.figures(),
      stop: () => this.stop(),
    };
  }

  private async ready(): Promise<LogStore> {
    if (!this.opened) throw fail('internal', 'The log store is not open.');
    try {
      return await this.opened;
    } catch {
      const reason = this.openFailure instanceof Error ? this.openFailure.message : 'unknown reason';
      throw fail(
        'internal',
        `The log store could not be opened: ${reason}`,
        'The containers are not affected. Look at the disk.',
      );
    }
  }

  private async start(): Promise<void> {
    const { clock, random, store, settings } = this.options;
    const opening = this.open();
    this.opened = opening;
    opening.catch((thrown: unknown) => {
      this.openFailure = thrown;
      this.options.log('error', 'the log store cannot be opened', { reason: String(thrown) });
      if (this.stopped) return;
      const delay = reopenDelay(this.opens++, random);
      this.openTimer = clock.timer(delay, () => void this.start().catch(() => undefined));
    });
    const logStore = await opening;
    const state = await logStore.state();
    if (this.stopped) return logStore.close();
    this.logStore = logStore;
    const intake = new Intake({
      clock,
      state,
      append: (batch) => logStore.append(batch),
      onLine: (record) => {
        this.lines.add(1);
        this.hub.offer(record);
      },
    });
    this.intake = intake;
    this.collector = new LogCollector({ clock, random, intake, linesPerSecond: settings().linesPerSecond });
    const follow = this.owned.add(coalesce(clock, { delay: followDelay, work: () => this.follow() }));
    this.owned.add(store.onCommit((changes) => this.changed(changes, () => follow.ask())));
    this.collector.setEngine(this.engine);
    this.follow();
    this.tick();
    this.listForeign();
  }

  /** Opens the store and keeps it open. */
  private async open(): Promise<LogStore> {
    const { clock, random, log, settings } = this.options;
    const open = (): Promise<LogStore> => this.options.open(budgetOf(settings()));
    const store = await open();
    // A store in a thread that cannot be opened says so only when it is asked.
    await store.state();
    return lastingStore(store, {
      clock,
      random,
      open,
      onLost: (reason) => log('error', 'the log store has stopped and is opened again', { reason: String(reason) }),
      onReopened: () => this.collector?.announce({ code: 'log.reopened' }),
    });
  }

  private setEngine(engine: Engine | undefined): void {
    if (this.engine === engine) return;
    this.engine = engine;
    this.foreign = [];
    this.follow();
    this.collector?.setEngine(engine);
    this.listForeign();
  }

  private changed(changes: readonly StoreChange[], follow: () => void): void {
    for (const change of changes) {
      if (change.table === 'attempts' || change.table === 'stacks') follow();
      else if (change.table === 'settings') this.applySettings();
      else if (change.table === 'serviceStatus') this.touchStarted(change as StoreChange<'serviceStatus'>);
    }
  }

  /** A container that was started again is read on at once. */
  private touchStarted(change: StoreChange<'serviceStatus'>): void {
    for (const replica of change.row?.replicaList ?? []) {
      const id = replica.container?.id;
      if (id === undefined) continue;
      const mark = `${replica.state} ${replica.startedAt ?? 0}`;
      if (this.marks.get(id) === mark) continue;
      this.marks.set(id, mark);
      this.collector?.touch(id);
    }
  }

  private applySettings(): void {
    const settings = this.options.settings();
    this.collector?.setLimit(settings.linesPerSecond);
    this.logStore?.setBudget(budgetOf(settings)).catch((thrown: unknown) => {
      this.options.log('warn', 'the log budget cannot be applied', { reason: String(thrown) });
    });
    this.listForeign();
  }

  private follow(): void {
    const { collector, engine } = this;
    // Without an engine nothing is told about the list: containers are not gone because their engine is.
    if (!collector || !engine) return;
    const own = ownSources(this.options.store, engine.id);
    const ids = new Set(own.map((source) => source.container));
    for (const id of this.marks.keys()) if (!ids.has(id)) this.marks.delete(id);
    collector.follow([...own, ...this.foreign.filter((source) => !ids.has(source.container))]);
  }

  private listForeign(): void {
    this.foreignTimer?.dispose();
    this.foreignTimer = undefined;
    const { engine } = this;
    if (this.stopped || !engine || !this.collector) return;
    if (!this.options.settings().foreign) {
      if (this.foreign.length > 0) {
        this.foreign = [];
        this.follow();
      }
      return;
    }
    const own = new Set(ownSources(this.options.store, engine.id).map((source) => source.container));
    foreignSources(engine, own)
      .then((found) => {
        if (this.engine !== engine) return;
        this.foreign = found;
        this.follow();
      })
      .catch(() => undefined) // the link notices an engine that is away; the next turn tries again
      .finally(() => {
        if (this.stopped || this.engine !== engine) return;
        this.foreignTimer?.dispose();
        this.foreignTimer = this.options.clock.timer(foreignDelay, () => this.listForeign());
      });
  }

  private tick(): void {
    this.measure();
    this.logStore?.figures().then(
      (figures) => {
        this.known.bytes = figures.bytes;
      },
      () => undefined,
    );
    this.figuresTimer = this.options.clock.timer(figuresDelay, () => this.tick());
  }

  private measure(): void {
    const skipped = this.collector?.skipped ?? 0;
    this.skips.add(skipped - this.known.skipped);
    this.known.skipped = skipped;
  }

  private figures(): LogsFigures {
    this.measure();
    return {
      linesPerSecond: this.lines.rate(),
      skippedLinesLastHour: this.skips.lastHour(),
      bytes: this.known.bytes,
      budget: this.options.settings().budgetBytes,
      following: this.collector?.following ?? 0,
    };
  }

  private async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    this.openTimer?.dispose();
    this.foreignTimer?.dispose();
    this.figuresTimer?.dispose();
    this.owned.dispose();
    this.hub.dispose();
    this.collector?.dispose();
    this.intake?.dispose();
    await this.intake?.flush();
    await this.logStore?.close();
  }
}

function selectionOf(input: { scope: LogScope; levels?: LogLevel[] | undefined; query: string }): LogSelection {
  const { scope, levels, query } = input;
  return levels ? { scope, levels, query } : { scope, query };
}

function budgetOf(settings: Settings['logs']): LogBudget {
  return { bytes: settings.budgetBytes, age: settings.maxAgeDays * day };
}
