/** Serves the calls and streams of contract/api/system.ts. */
import type { Clock } from '../../base/clock';
import { Emitter, type Event } from '../../base/emitter';
import { toDisposable, type Disposable } from '../../base/lifecycle';
import type { CallHandlers, StreamHandlers } from '../../contract/api';
import type { systemCalls, systemStreams } from '../../contract/api/system';
import { fail, PilothouseError } from '../../contract/errors';
import { feed, ListDiff } from '../../contract/feed';
import type { AppStatus, EngineView, EventView, NodeRef, Settings } from '../../contract/nouns';
import { say, sentence, type Sentence } from '../../contract/sentence';
import { EngineError, type Engine, type NodeEngine } from '../engine';
import type { Store, TableName } from '../store';
import { listEvents, newestEvents, noteEvent } from './events';
import { byName, Inventory } from './inventory';
import type { EngineLink } from './link';
import type { Power } from './power';
import { changeSettings, readSettings } from './settings';

export interface SystemWorld {
  store: Store;
  clock: Clock;
  link: EngineLink;
  power: Power;
  /** The engine that is worked on, and those joined to it. */
  nodes: () => readonly NodeEngine[];
  /** The app's state now; measured outside, since it needs the platform. */
  status: () => AppStatus;
}

export interface SystemHandlers {
  calls: CallHandlers<typeof systemCalls>;
  streams: StreamHandlers<typeof systemStreams>;
}

const statusEvery = 2_000;
/** Settings whose change is told on the time line: what is kept, who is told, and who may read. Looks are nobody's business. */
const audited = ['logs', 'metrics', 'http', 'notifications', 'saveBattery'] as const;

/** Makes the handlers. */
export function systemHandlers(world: SystemWorld): SystemHandlers {
  const { store, clock, link } = world;
  const inventories = new Map<string, Inventory>();
  const inventory = (node: string): Inventory => {
    const known = inventories.get(node) ?? new Inventory(store);
    inventories.set(node, known);
    return known;
  };

  /** Asks the engine; its refusals become problems that the reader understands. */
  const ask = async <T>(work: (engine: Engine) => Promise<T>): Promise<T> => {
    try {
      return await work(link.need());
    } catch (thrown) {
      throw thrown instanceof EngineError ? engineProblem(thrown) : thrown;
    }
  };

  /** Lists of all nodes that answer. The home engine's failure is the list's; another's is a gap, which the nodes screen tells of. */
  const everywhere = async <Row extends { node?: NodeRef }>(
    work: (inventory: Inventory, engine: Engine) => Promise<Row[]>,
  ): Promise<Row[]> => {
    const [, ...joined] = world.nodes();
    const home = ask((engine) => work(inventory(''), engine));
    const others = joined.map(async ({ id, name, engine }): Promise<Row[]> => {
      try {
        const rows = engine ? await work(inventory(id), engine) : [];
        return rows.map((row) => ({ ...row, node: { id, name } }));
      } catch (thrown) {
        if (thrown instanceof EngineError) return [];
        throw thrown;
      }
    });
    const [first, ...rest] = await Promise.all([home, ...others]);
    const [own] = world.nodes();
    if (!own || joined.length === 0) return first;
    return [first.map((row) => ({ ...row, node: { id: own.id, name: own.name } })), ...rest].flat();
  };

  const tellUser = (kind: string, words: Sentence): void => {
    noteEvent(store, { at: clock.now(), actor: 'user', kind, health: 'ok', words });
  };

  /** Whether a volume that is ours lies on this engine; one without a place lies on the engine that is worked on. */
  const isAt =
    (engine: Engine) =>
    (node: string | undefined): boolean =>
      node === undefined ? engine.id === world.link.engine?.id : node === engine.id;

  return {
    calls: {
      'app.status': () => Promise.resolve(world.status()),
      'power.report': (input) => {
        world.power.report(input);
        return Promise.resolve(world.power.state);
      },
      'engines.list': () => Promise.resolve(link.views()),
      'engines.find': () => link.find(),
      'engines.select': (input) => {
        const view = link.select(input.engine);
        changeSettings(store, { engine: input.engine });
        tellUser('engine.chosen', sentence('event.engineChosen', { engine: view.name }));
        return Promise.resolve(view);
      },
      'engines.retry': () => {
        link.retry();
        return Promise.resolve(null);
      },
      'engines.disk': async () => ({
        ...(await ask((engine) => engine.diskUsage())),
        history: world.status().historyBytes,
      }),
      'settings.get': () => Promise.resolve(readSettings(store)),
      'settings.set': (input) => {
        const { engine, ...rest } = input;
        if (engine !== undefined && engine !== readSettings(store).engine) link.select(engine);
        const before = readSettings(store);
        const after = changeSettings(store, engine === undefined ? rest : input);
        const changed = audited.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
        if (changed.length > 0)
          tellUser('settings.changed', sentence('event.settingsChanged', { what: changed.join(', ') }));
        return Promise.resolve(after);
      },
      'events.list': (input) => Promise.resolve(listEvents(store.all('events'), input)),
      'containers.foreign': () => ask((engine) => inventory('').foreign(engine)),
      'volumes.list': async () => (await everywhere((own, engine) => own.volumes(engine, isAt(engine)))).sort(byName),
      'networks.list': async () => (await everywhere((own, engine) => own.networks(engine))).sort(byName),
      'images.list': () => everywhere((own, engine) => own.images(engine)),
    },
    streams: {
      'app.watch': (_input, sink) => {
        let last = '';
        const tick = ticker(clock, statusEvery);
        const next = (): AppStatus | undefined => {
          const status = world.status();
          const text = JSON.stringify(status);
          if (text === last) return undefined;
          last = text;
          return status;
        };
        const feeding = feed<AppStatus>(sink, { clock, changed: tick.event, next });
        return toDisposable(() => {
          feeding.dispose();
          tick.dispose();
        });
      },
      'engines.watch': (_input, sink) => {
        const diff = new ListDiff<EngineView>();
        return feed(sink, {
          clock,
          changed: link.onChange,
          next: () => diff.next(new Map(link.views().map((view) => [view.id, view]))),
        });
      },
      'events.watch': (input, sink) => {
        const diff = new ListDiff<EventView>();
        return feed(sink, {
          clock,
          changed: onTable(store, 'events'),
          next: () => diff.next(newestEvents(store.all('events'), input.limit)),
        });
      },
      'settings.watch': (_input, sink) =>
        feed<Settings>(sink, { clock, changed: onTable(store, 'settings'), next: () => readSettings(store) }),
    },
  };
}

/** An engine's refusal as a problem for the caller. */
export function engineProblem(error: EngineError): PilothouseError {
  if (error.words)
    return new PilothouseError({
      code: error.code === 'away' || error.code === 'timeout' ? 'engine-away' : 'engine-refused',
      message: say(error.words),
      words: error.words,
    });
  switch (error.code) {
    case 'away':
    case 'timeout':
      return fail('engine-away', `The engine does not answer: ${error.detail}`, 'See pilothouse status.');
    case 'not-found':
      return fail('not-found', error.detail);
    case 'no-space':
      return fail('no-space', `The engine's disk is full: ${error.detail}`, 'Free space there, then try again.');
    case 'unsupported':
      return fail('unsupported', error.detail);
    default:
      return fail('engine-refused', error.detail);
  }
}

/** Fires when a row of the table changed. */
function onTable(store: Store, table: TableName): Event<unknown> {
  return (listener) =>
    store.onCommit((changes) => {
      if (changes.some((change) => change.table === table)) listener(undefined);
    });
}

function ticker(clock: Clock, every: number): Disposable & { event: Event<unknown> } {
  const beats = new Emitter<unknown>();
  let timer = clock.timer(every, beat);
  function beat(): void {
    timer = clock.timer(every, beat);
    beats.fire(undefined);
  }
  return { event: beats.event, dispose: () => timer.dispose() };
}
