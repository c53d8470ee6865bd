/** The room as the app uses it: the memory store, a scripted engine, live tails with credit, settings that change. */
import { afterEach, describe, expect, it } from 'vitest';
import { Emitter } from '../../../../src-main/base/emitter';
import { silent } from '../../../../src-main/base/log';
import type { Sink } from '../../../../src-main/contract/api';
import type { TailBatch } from '../../../../src-main/contract/api/observe';
import { PilothouseError } from '../../../../src-main/contract/errors';
import type { Settings } from '../../../../src-main/contract/nouns';
import type { ContainerDetail, ContainerSummary, Engine, LogEntry } from '../../../../src-main/core/engine';
import {
  connectLogStore,
  createLogs,
  openLogStore,
  serveLogStore,
  type Logs,
  type StoreMessage,
  type StorePort,
} from '../../../../src-main/core/logs';
import { Store, type AttemptRow, type StackRow } from '../../../../src-main/core/store';
import { FakeClock } from '../../../support/clock';
import { codec, CrashingFiles, never, seeded, smallSizes, text } from './support';

class Reader implements Sink<TailBatch> {
  readonly batches: TailBatch[] = [];
  problem: unknown;
  private left: number;
  private readonly more = new Emitter<void>();
  readonly onCredit = this.more.event;

  constructor(credit: number) {
    this.left = credit;
  }

  send(batch: TailBatch): void {
    this.left -= 1;
    this.batches.push(batch);
  }
  credit(): number {
    return this.left;
  }
  grant(count: number): void {
    this.left += count;
    this.more.fire();
  }
  end(): void {
    this.left = 0;
  }
  fail(thrown: unknown): void {
    this.problem = thrown;
  }
  get lines(): string[] {
    return this.batches.flatMap((batch) => batch.lines.map((line) => line.marker?.code ?? line.text));
  }
  get skipped(): number {
    return this.batches.reduce((sum, batch) => sum + batch.skipped, 0);
  }
}

/** Containers whose lines a test says; nothing but what this room asks for. */
class ScriptedEngine {
  readonly id = 'scripted';
  readonly rows: ContainerSummary[] = [];
  private readonly listeners = new Map<string, (entries: LogEntry[]) => void>();
  private nanos: bigint;

  constructor(clock: FakeClock) {
    this.nanos = BigInt(clock.now()) * 1_000_000n;
  }

  say(container: string, ...lines: string[]): void {
    const entries = lines.map((line): LogEntry => {
      this.nanos += 1_000_000n;
      return { stream: 'stdout', stamp: String(this.nanos), text: line, partial: false };
    });
    this.listeners.get(container)?.(entries);
  }

  following(): string[] {
    return [...this.listeners.keys()].toSorted();
  }

  engine(): Engine {
    const parts: Pick<Engine, 'id' | 'logs' | 'inspect' | 'list'> = {
      id: this.id,
      logs: (id, _options, onEntries) => {
        this.listeners.set(id, onEntries);
        return {
          ended: new Promise(() => undefined),
          pause: () => undefined,
          resume: () => undefined,
          dispose: () => {
            this.listeners.delete(id);
          },
        };
      },
      inspect: (id) => Promise.resolve({ id, state: 'running' } as ContainerDetail),
      list: () => Promise.resolve(this.rows),
    };
    return parts as Engine;
  }
}

function attempt(slot: number, over: Partial<AttemptRow> = {}): AttemptRow {
  return {
    name: `shop.web.${slot}.g1`,
    service: 'shop/web',
    slot,
    generation: 1,
    revision: 1,
    hash: 'h',
    restartNonce: 0,
    state: 'started',
    containerId: `c${slot}`,
    node: 'local',
    createdAt: 0,
    cause: { code: 'reason.restart' },
    ...over,
  };
}

class World {
  readonly clock = new FakeClock();
  readonly engine = new ScriptedEngine(this.clock);
  readonly store = new Store({ load: () => [], commit: () => undefined, close: () => undefined });
  files = new CrashingFiles();
  /** Ends the thread of the store as a crash would; only for a remote one. */
  killThread: () => void = () => undefined;
  /** How often the store was opened, and whether opening fails now. */
  opened = 0;
  broken = false;
  settings: Settings['logs'] = { budgetBytes: 1e9, maxAgeDays: 14, linesPerSecond: 0, foreign: false };
  readonly logs: Logs;

  constructor(remote = false) {
    this.logs = createLogs({
      clock: this.clock,
      random: seeded(1),
      store: this.store,
      log: silent,
      settings: () => this.settings,
      open: (budget) => {
        this.opened += 1;
        if (this.broken) return Promise.reject(new Error('permission denied'));
        const opening = openLogStore({ files: this.files, codec, text, clock: this.clock, budget, sizes: smallSizes });
        if (!remote) return opening;
        const { near, far, cut } = channel();
        serveLogStore(far, opening);
        this.killThread = () => {
          // What the dead thread still does, it does to files that nobody reads.
          this.files = this.files.killed();
          cut(new Error('out of memory'));
          void opening.then((store) => store.close());
        };
        return Promise.resolve(connectLogStore(near));
      },
    });
  }

  async start(slots: number): Promise<void> {
    this.store.transact((transaction) => {
      transaction.put('stacks', 'shop', { name: 'shop', engine: this.engine.id } as StackRow);
      for (let slot = 1; slot <= slots; slot++) transaction.put('attempts', `shop.web.${slot}.g1`, attempt(slot));
    });
    this.logs.setEngine(this.engine.engine());
    await this.logs.start();
    await this.clock.advance(100);
  }

  tail(query: string, options: { credit?: number; backlog?: number } = {}): { reader: Reader; close: () => void } {
    const reader = new Reader(options.credit ?? 1000);
    const open = this.logs.streams['logs.tail']({ scope: {}, query, backlog: options.backlog ?? 200 }, reader, {
      kind: 'app',
      signal: never,
    });
    return { reader, close: () => open.dispose() };
  }
}

/** Two ends that hand copies to each other, as threads do, until the line is cut. */
function channel(): { near: StorePort; far: StorePort; cut: (reason: Error) => void } {
  const hear: ((message: StoreMessage) => void)[][] = [[], []];
  const closed: ((reason?: unknown) => void)[] = [];
  let open = true;
  const end = (own: 0 | 1): StorePort => ({
    post: (message) => {
      const copy = structuredClone(message);
      queueMicrotask(() => {
        if (open) hear[1 - own]?.forEach((listener) => listener(copy));
      });
    },
    onMessage: (listener) => hear[own]?.push(listener),
    onClose: (listener) => {
      if (own === 0) closed.push(listener);
    },
  });
  return {
    near: end(0),
    far: end(1),
    cut: (reason) => {
      open = false;
      for (const listener of closed) listener(reason);
    },
  };
}

let world: World | undefined;
afterEach(async () => {
  await world?.logs.stop();
  expect(world?.clock.pending ?? 0).toBe(0);
  world = undefined;
});

describe.each([false, true])('the logs room (store in another thread: %s)', (remote) => {
  it('shows the backlog, then what comes, filtered, once', async () => {
    world = new World(remote);
    await world.start(2);
    world.engine.say('c1', 'ERROR one', 'INFO two');
    await world.clock.advance(200);
    const { reader, close } = world.tail('level:error');
    // Comes while the backlog is being read.
    world.engine.say('c2', 'ERROR three');
    await world.clock.advance(200);
    world.engine.say('c1', 'ERROR four', 'INFO five');
    await world.clock.advance(200);
    expect(reader.lines).toEqual(['ERROR one', 'ERROR three', 'ERROR four']);
    const page = await world.logs.calls['logs.page'](
      { scope: {}, query: '', limit: 10 },
      { kind: 'app', signal: never },
    );
    expect(page.lines.map((line) => [line.text, line.level, line.slot])).toEqual([
      ['ERROR one', 'error', 1],
      ['INFO two', 'info', 1],
      ['ERROR three', 'error', 2],
      ['ERROR four', 'error', 1],
      ['INFO five', 'info', 1],
    ]);
    expect(reader.batches.flatMap((batch) => batch.lines.map((line) => line.id))).toEqual(
      page.lines.filter((line) => line.level === 'error').map((line) => line.id),
    );
    close();
  });

  it('holds a bounded number of the newest lines for a reader without credit and counts the rest', async () => {
    world = new World(remote);
    await world.start(1);
    const { reader, close } = world.tail('', { credit: 1, backlog: 0 });
    await world.clock.advance(100);
    expect(reader.batches).toHaveLength(1);
    for (let index = 0; index < 5000; index += 50)
      world.engine.say('c1', ...Array.from({ length: 50 }, (_, at) => `line ${index + at}`));
    await world.clock.advance(500);
    expect(reader.batches).toHaveLength(1);
    reader.grant(1);
    await world.clock.advance(100);
    expect(reader.skipped).toBe(4000);
    expect(reader.lines).toEqual(Array.from({ length: 1000 }, (_, index) => `line ${4000 + index}`));
    close();
    const histogram = await world.logs.calls['logs.histogram'](
      { scope: {}, query: '', from: world.clock.now() - 60_000, to: world.clock.now() + 60_000, buckets: 10 },
      { kind: 'app', signal: never },
    );
    expect(histogram.total).toBe(5000);
  });

  it('follows the attempts of this engine as they come and go, and applies the settings', async () => {
    world = new World(remote);
    await world.start(2);
    expect(world.engine.following()).toEqual(['c1', 'c2']);
    world.store.transact((transaction) => {
      transaction.remove('attempts', 'shop.web.1.g1');
      transaction.put(
        'attempts',
        'shop.web.1.g2',
        attempt(1, { name: 'shop.web.1.g2', generation: 2, revision: 2, containerId: 'c9' }),
      );
      transaction.put('stacks', 'other', { name: 'other', engine: 'elsewhere' } as StackRow);
      transaction.put(
        'attempts',
        'other.x.1.g1',
        attempt(1, { name: 'other.x.1.g1', service: 'other/x', containerId: 'far' }),
      );
    });
    world.engine.say('c1', 'last words');
    await world.clock.advance(1000);
    world.engine.say('c9', 'first words');
    await world.clock.advance(10_000);
    expect(world.engine.following()).toEqual(['c2', 'c9']);
    const page = await world.logs.calls['logs.page'](
      { scope: { replicas: ['shop/web.1'] }, query: '', limit: 10 },
      { kind: 'app', signal: never },
    );
    expect(page.lines.map((line) => line.marker?.code ?? line.text)).toEqual([
      'last words',
      'log.generation',
      'first words',
    ]);
    world.settings = { ...world.settings, linesPerSecond: 5, foreign: true };
    world.engine.rows.push(
      { id: 'foreign1', name: 'postgres', state: 'running' } as ContainerSummary,
      { id: 'c9', name: 'shop.web.1.g2', state: 'running' } as ContainerSummary,
    );
    world.store.transact((transaction) => transaction.put('settings', 'settings', {} as Settings));
    await world.clock.advance(1000);
    expect(world.engine.following()).toEqual(['c2', 'c9', 'foreign1']);
    world.engine.say('foreign1', ...Array.from({ length: 50 }, (_, index) => `row ${index}`));
    await world.clock.advance(5000);
    const foreign = await world.logs.calls['logs.page'](
      { scope: { containers: ['foreign1'] }, query: '', limit: 100 },
      { kind: 'app', signal: never },
    );
    expect(foreign.lines.map((line) => line.marker?.code ?? line.text)).toEqual([
      'row 0',
      'row 1',
      'row 2',
      'row 3',
      'row 4',
      'log.skipped',
    ]);
    expect(world.logs.figures().skippedLinesLastHour).toBe(45);
  });

  it('refuses a wrong query in the tail and in calls, with its place', async () => {
    world = new World(remote);
    await world.start(1);
    const { reader } = world.tail('"open');
    expect(reader.problem).toBeInstanceOf(PilothouseError);
    await expect(
      world.logs.calls['logs.page']({ scope: {}, query: 'a )', limit: 1 }, { kind: 'app', signal: never }),
    ).rejects.toMatchObject({
      problem: { code: 'bad-input', where: { column: 3 } },
    });
  });

  it('says its rate', async () => {
    world = new World(remote);
    await world.start(1);
    const { reader, close } = world.tail('', { backlog: 0 });
    for (let second = 0; second < 6; second++) {
      world.engine.say('c1', ...Array.from({ length: 100 }, () => 'x'));
      await world.clock.advance(1000);
    }
    expect(reader.batches.at(-1)?.rate).toBeGreaterThan(60);
    expect(reader.batches.at(-1)?.rate).toBeLessThanOrEqual(120);
    await world.clock.advance(10_000);
    expect(reader.batches.at(-1)?.rate).toBe(0);
    expect(world.logs.figures()).toMatchObject({ linesPerSecond: 0, following: 1, budget: 1e9 });
    close();
  });
});

describe('a log store whose thread ends', () => {
  const told = async (): Promise<string[]> => {
    const page = await world?.logs.calls['logs.page'](
      { scope: {}, query: '', limit: 1000 },
      { kind: 'app', signal: never },
    );
    return (page?.lines ?? []).map((line) => line.marker?.code ?? `${line.text} of ${line.service}.${line.slot}`);
  };
  const lines = (from: number, to: number): string[] =>
    Array.from({ length: to - from }, (_, index) => `line ${from + index}`);
  const stored = (from: number, to: number): string[] => lines(from, to).map((line) => `${line} of web.1`);

  it('is opened again, says so in the log, and loses nothing that was said meanwhile', async () => {
    world = new World(true);
    await world.start(1);
    // So many lines that the files no longer say whose they are: blocks are sealed and old logs removed.
    for (let at = 0; at < 400; at += 20) {
      world.engine.say('c1', ...lines(at, at + 20).map((line) => line.padEnd(120, '.')));
      await world.clock.advance(100);
    }
    world.killThread();
    await world.clock.advance(10);
    await expect(told()).rejects.toThrow('is being opened again');
    world.engine.say('c1', ...lines(400, 450));
    await world.clock.advance(5000);
    expect(world.opened).toBe(2);
    world.engine.say('c1', ...lines(450, 460));
    await world.clock.advance(1000);
    const found = (await told()).map((line) => line.replace(/\.{5,}/, ''));
    expect(found.filter((line) => line === 'log.reopened')).toHaveLength(1);
    expect(found.filter((line) => line !== 'log.reopened')).toEqual(stored(0, 460));
  });

  it('is tried again ever more rarely while its files cannot be opened', async () => {
    world = new World(true);
    await world.start(1);
    world.broken = true;
    world.killThread();
    await world.clock.advance(120_000);
    expect(world.opened).toBeGreaterThan(4);
    expect(world.opened).toBeLessThan(9);
    world.engine.say('c1', ...lines(0, 5));
    world.broken = false;
    await world.clock.advance(120_000);
    expect((await told()).filter((line) => line !== 'log.reopened')).toEqual(stored(0, 5));
  });

  it('writes a batch once whose answer never came', async () => {
    world = new World(true);
    await world.start(1);
    for (let kill = 0; kill < 12; kill++) {
      world.engine.say('c1', ...lines(kill * 10, kill * 10 + 10));
      await world.clock.advance(35 + kill);
      world.killThread();
      await world.clock.advance(2000);
    }
    await world.clock.advance(200_000);
    expect((await told()).filter((line) => line !== 'log.reopened')).toEqual(stored(0, 120));
  });
});

describe('a log store that cannot be opened', () => {
  it('is tried again, and then follows', async () => {
    world = new World();
    world.broken = true;
    await expect(world.start(1)).rejects.toThrow('permission denied');
    world.broken = false;
    await world.clock.advance(5000);
    world.engine.say('c1', 'at last');
    await world.clock.advance(200);
    const page = await world.logs.calls['logs.page'](
      { scope: {}, query: '', limit: 10 },
      { kind: 'app', signal: never },
    );
    expect(page.lines.map((line) => line.text)).toEqual(['at last']);
  });

  it('fails the calls with the reason and lets the app live', async () => {
    const broken = createLogs({
      clock: new FakeClock(),
      random: seeded(1),
      store: new Store({ load: () => [], commit: () => undefined, close: () => undefined }),
      log: silent,
      settings: () => ({ budgetBytes: 1e9, maxAgeDays: 14, linesPerSecond: 0, foreign: false }),
      open: () => Promise.reject(new Error('permission denied')),
    });
    await expect(broken.start()).rejects.toThrow('permission denied');
    await expect(
      broken.calls['logs.page']({ scope: {}, query: '', limit: 1 }, { kind: 'app', signal: never }),
    ).rejects.toThrow('permission denied');
    await broken.stop();
  });
});
