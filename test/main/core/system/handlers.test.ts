import { describe, expect, it } from 'vitest';
import { silent } from '../../../../src-main/base/log';
import { seeded } from '../../../../src-main/base/random';
import type { Sink } from '../../../../src-main/contract/api';
import { Emitter } from '../../../../src-main/base/emitter';
import { PilothouseError } from '../../../../src-main/contract/errors';
import type { AppStatus, EventView } from '../../../../src-main/contract/nouns';
import { sentence } from '../../../../src-main/contract/sentence';
import { EngineError } from '../../../../src-main/core/engine';
import type { DiskRow } from '../../../../src-main/core/disk';
import { Store } from '../../../../src-main/core/store';
import {
  EngineLink,
  engineProblem,
  listEvents,
  noteEvent,
  Power,
  systemHandlers,
} from '../../../../src-main/core/system';
import { MemoryEngine } from '../../../../src-main/engine/memory';
import { FakeClock } from '../../../support/clock';

const caller = {
  kind: 'cli' as const,
  signal: { aborted: false, addEventListener: () => {}, removeEventListener: () => {} },
};

async function setUp() {
  const clock = new FakeClock();
  const rows: DiskRow[] = [];
  const store = new Store({ load: () => rows, commit: () => {}, close: () => {} });
  const engine = new MemoryEngine({ clock, random: seeded(3) });
  const found = { id: 'memory', kind: 'memory' as const, name: 'Tour engine', endpoint: 'memory:', source: 'built in' };
  const link = new EngineLink({
    clock,
    random: seeded(4),
    log: silent,
    chosen: () => 'memory',
    finder: { find: () => Promise.resolve([found]), connect: () => Promise.resolve(engine), release: () => {} },
  });
  link.start();
  await clock.settle();
  let loopDelay = 1;
  const power = new Power({ store, clock, log: silent });
  const status = (): AppStatus => ({
    version: '1',
    startedAt: 0,
    loopDelay,
    linesPerSecond: 0,
    pointsPerSecond: 0,
    skippedLinesLastHour: 0,
    historyBytes: 42,
    historyBudget: 0,
    power: power.state,
    home: '/h',
    socket: '/h/socket',
  });
  const handlers = systemHandlers({ store, clock, link, power, status, nodes: () => [] });
  return { clock, store, engine, link, ...handlers, delay: (value: number) => (loopDelay = value) };
}

/** A reader with so much credit. */
function reader<Item>(credit = 100) {
  const items: Item[] = [];
  const more = new Emitter<void>();
  const sink: Sink<Item> = {
    send: (item) => {
      credit -= 1;
      items.push(item);
    },
    credit: () => credit,
    onCredit: more.event,
    end: () => {},
    fail: () => {},
  };
  return {
    items,
    sink,
    grant: (count: number) => {
      credit += count;
      more.fire();
    },
  };
}

const event = (id: string, at: number, more: Partial<EventView> = {}): EventView => ({
  id,
  at,
  actor: 'user',
  kind: 'service.scaled',
  health: 'ok',
  words: sentence('event.serviceScaled', { service: 'shop/web', from: 1, to: 2 }),
  count: 1,
  ...more,
});

describe('settings', () => {
  it('have defaults, change in part, and are watched', async () => {
    const { calls, streams, clock } = await setUp();
    const watch = reader<{ theme: string }>();
    const stop = streams['settings.watch']({}, watch.sink as never, caller);
    expect(watch.items).toMatchObject([{ theme: 'system', closeToTray: true }]);
    await calls['settings.set']({ theme: 'dark' }, caller);
    await clock.advance(200);
    expect(watch.items.at(-1)).toMatchObject({ theme: 'dark', closeToTray: true });
    expect(await calls['settings.get']({}, caller)).toMatchObject({ theme: 'dark', language: 'system' });
    stop.dispose();
  });

  it("are audited where they are somebody else's business, and looks are not", async () => {
    const { calls, store } = await setUp();
    const http = { enabled: true, port: 9000, containers: false, open: true };
    await calls['settings.set']({ theme: 'dark', http, notifications: true }, caller);
    await calls['settings.set']({ theme: 'light' }, caller);
    const told = store.all('events').map(({ actor, kind, words }) => ({ actor, kind, words }));
    expect(told).toEqual([
      { actor: 'user', kind: 'settings.changed', words: sentence('event.settingsChanged', { what: 'http' }) },
    ]);
  });

  it('refuse an engine that does not exist and stay as they were', async () => {
    const { calls } = await setUp();
    expect(() => calls['settings.set']({ engine: 'nobody', theme: 'light' }, caller)).toThrow('no such engine');
    expect(await calls['settings.get']({}, caller)).toMatchObject({ theme: 'system' });
  });
});

describe('events', () => {
  it('are filtered and come newest first', () => {
    const events = [
      event('a', 1, { service: 'shop/web', stack: 'shop' }),
      event('b', 2, { kind: 'rollout.started', stack: 'shop' }),
      event('c', 3, { kind: 'rollout.done', words: sentence('event.rolloutDone', { service: 'blog/web', to: 3 }) }),
    ];
    const ids = (filter: Parameters<typeof listEvents>[1]): string =>
      listEvents(events, filter)
        .map((one) => one.id)
        .join('');
    expect(ids({ limit: 10 })).toBe('cba');
    expect(ids({ limit: 2 })).toBe('cb');
    expect(ids({ limit: 10, stack: 'shop' })).toBe('ba');
    events.push(event('d', 4, { affects: ['shop/web'], mark: 'release' }));
    expect(ids({ limit: 10, service: 'shop/web' })).toBe('da');
    expect(ids({ limit: 10, marked: true })).toBe('d');
    events.pop();
    expect(ids({ limit: 10, service: 'shop/web' })).toBe('a');
    expect(ids({ limit: 10, kinds: ['rollout.'] })).toBe('cb');
    expect(ids({ limit: 10, kinds: ['rollout.done'] })).toBe('c');
    expect(ids({ limit: 10, text: 'BLOG' })).toBe('c');
    expect(ids({ limit: 10, from: 2, to: 2 })).toBe('b');
  });

  it('are watched: the newest at first, then what is new, at the reader’s pace', async () => {
    const { streams, store, clock } = await setUp();
    for (let index = 0; index < 5; index++)
      store.transact((t) => t.put('events', `e${index}`, event(`e${index}`, index)));
    const watch = reader<{ reset: boolean; put: EventView[]; gone: string[] }>(1);
    const stop = streams['events.watch']({ limit: 3 }, watch.sink, caller);
    expect(watch.items[0]).toMatchObject({ reset: true, gone: [] });
    expect(watch.items[0]?.put.map((one) => one.id)).toEqual(['e4', 'e3', 'e2']);
    noteEvent(store, {
      at: 9,
      actor: 'system',
      kind: 'app.started',
      health: 'ok',
      words: sentence('event.appStarted', { version: '1' }),
    });
    noteEvent(store, {
      at: 10,
      actor: 'engine',
      kind: 'engine.away',
      health: 'critical',
      words: sentence('event.engineAway', { engine: 'x', reason: 'y' }),
    });
    await clock.advance(1_000);
    expect(watch.items).toHaveLength(1);
    watch.grant(5);
    await clock.advance(1_000);
    expect(watch.items).toHaveLength(2);
    expect(watch.items[1]?.put.map((one) => one.kind)).toEqual(['engine.away', 'app.started']);
    expect(watch.items[1]?.gone.sort()).toEqual(['e2', 'e3']);
    stop.dispose();
    const before = clock.pending;
    store.transact((t) => t.put('events', 'z', event('z', 99)));
    await clock.advance(1_000);
    expect(watch.items).toHaveLength(2);
    expect(clock.pending).toBeLessThanOrEqual(before);
  });
});

describe('the app', () => {
  it('sends its status when it changed', async () => {
    const { streams, clock, delay } = await setUp();
    const watch = reader<AppStatus>();
    const stop = streams['app.watch']({}, watch.sink, caller);
    await clock.advance(10_000);
    expect(watch.items).toHaveLength(1);
    delay(5);
    await clock.advance(2_500);
    expect(watch.items.map((status) => status.loopDelay)).toEqual([1, 5]);
    stop.dispose();
    const waiting = clock.pending;
    await clock.advance(60_000);
    expect(clock.pending).toBeLessThanOrEqual(waiting);
    expect(watch.items).toHaveLength(2);
  });

  it('shows the engine and its disk', async () => {
    const { calls } = await setUp();
    expect(await calls['engines.list']({}, caller)).toMatchObject([
      { id: 'memory', state: 'connected', selected: true },
    ]);
    expect(await calls['engines.disk']({}, caller)).toMatchObject({ history: 42 });
  });

  it('lists what lies on the engine, with who uses it', async () => {
    const { calls, engine } = await setUp();
    await engine.createVolume({ name: 'data', driverOpts: {}, labels: { 'com.docker.compose.project': 'old' } });
    await engine.createNetwork({
      name: 'back',
      driverOpts: {},
      internal: false,
      attachable: true,
      enableIpv6: false,
      labels: {},
    });
    expect(await calls['volumes.list']({}, caller)).toMatchObject([
      { name: 'data', stack: 'old', ours: false, users: [] },
    ]);
    const networks = await calls['networks.list']({}, caller);
    expect(networks.find((network) => network.name === 'back')).toMatchObject({ ours: false, users: [] });
    expect(await calls['images.list']({}, caller)).toBeInstanceOf(Array);
    expect(await calls['containers.foreign']({}, caller)).toEqual([]);
  });

  it.each([
    [new EngineError('away', 'x'), 'engine-away'],
    [new EngineError('timeout', 'x'), 'engine-away'],
    [new EngineError('no-space', 'x'), 'no-space'],
    [new EngineError('not-found', 'x'), 'not-found'],
    [new EngineError('unsupported', 'x'), 'unsupported'],
    [new EngineError('refused', 'x'), 'engine-refused'],
  ])('tells %s as %s', (error, code) => {
    expect(engineProblem(error)).toBeInstanceOf(PilothouseError);
    expect(engineProblem(error).problem.code).toBe(code);
  });
});
