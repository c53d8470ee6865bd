/** The whole core without a window: built on the tour engine, with a clock moved by hand and a real home on disk. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createApp, type App } from '../../../src-main/app';
import { silent } from '../../../src-main/base/log';
import { seeded } from '../../../src-main/base/random';
import type { CallName, Calls } from '../../../src-main/contract/api';
import type { ArgumentOf, OutputOf } from '../../../src-main/contract/api/define';
import { Client } from '../../../src-main/contract/client';
import { PilothouseError } from '../../../src-main/contract/errors';
import { Session } from '../../../src-main/contract/session';
import type { EngineFinder } from '../../../src-main/core/system';
import { MemoryEngine } from '../../../src-main/engine/memory';
import { FakeClock } from '../../support/clock';

const compose = `
name: shop
services:
  web:
    image: web:1
    deploy: { replicas: 3 }
  db:
    image: postgres:16
`;
const source = { files: [{ name: 'compose.yaml', text: compose }] };

let home = '';
let clock = new FakeClock();
let engine = new MemoryEngine({ clock, random: seeded(1) });
const running = new Set<App>();

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'app-'));
  clock = new FakeClock();
  engine = new MemoryEngine({ clock, random: seeded(1) });
});
afterEach(async () => {
  for (const app of [...running]) await stop(app);
  rmSync(home, { recursive: true, force: true });
});

/** The engine lives on while the app comes and goes. */
const finder = (): EngineFinder => ({
  find: () =>
    Promise.resolve([{ id: 'one', kind: 'docker', name: 'Docker', endpoint: 'unix:///one', source: 'DOCKER_HOST' }]),
  connect: () => Promise.resolve(engine),
  release: () => {},
});

async function start(): Promise<{ app: App; call: Call }> {
  const app = await createApp({
    home,
    version: '1.2.3',
    socket: join(home, 'socket'),
    clock,
    random: seeded(2),
    log: silent,
    engines: finder(),
  });
  running.add(app);
  await app.start();
  const client: Client = new Client((message) => session.receive(message));
  const session = new Session(app.api, 'app', (message) => client.receive(message));
  const call: Call = async (name, input) => {
    const work = client.call(name, input);
    work.catch(() => undefined);
    return finish(work);
  };
  await clock.advance(500);
  return { app, call };
}

type Call = <Name extends CallName>(name: Name, input: ArgumentOf<Calls[Name]>) => Promise<OutputOf<Calls[Name]>>;

async function stop(app: App): Promise<void> {
  running.delete(app);
  await finish(app.stop());
}

/** Waits for work that touches the real disk: real time passes, and a little of the clock's. */
async function finish<Result>(work: Promise<Result>): Promise<Result> {
  const state = { settled: false };
  const settle = (): void => {
    state.settled = true;
  };
  work.then(settle, settle);
  for (let round = 0; !state.settled && round < 2000; round++) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    await clock.advance(10);
  }
  return work;
}

const writes = (): number => engine.deeds.filter((deed) => /^(create|start|stop|kill|remove)/.test(deed.verb)).length;

describe('the app', () => {
  it('runs what is declared, and says how it is', async () => {
    const { call } = await start();
    expect(await call('app.status', {})).toMatchObject({ version: '1.2.3', home });
    expect(await call('stacks.apply', { source })).toMatchObject({ stack: 'shop', version: 1, changed: true });
    await clock.advance(20_000);
    const services = await call('services.list', {});
    expect(services.map((service) => [service.key, service.ready, service.health])).toEqual([
      ['shop/web', 3, 'ok'],
      ['shop/db', 1, 'ok'],
    ]);
    await call('services.scale', { service: 'shop/web', replicas: 5 });
    await clock.advance(20_000);
    expect((await call('services.get', { service: 'shop/web' })).ready).toBe(5);
    const kinds = (await call('events.list', {})).map((event) => event.kind);
    expect(kinds).toEqual(expect.arrayContaining(['app.started', 'engine.connected', 'service.scaled']));
    expect(await call('networks.list', {})).toEqual(
      expect.arrayContaining([expect.objectContaining({ name: 'shop_default', ours: true, stack: 'shop' })]),
    );
    expect(await call('containers.foreign', {})).toEqual([]);
    const [node] = await call('nodes.list', {});
    expect(node).toMatchObject({ containers: 6 });
  });

  it('leaves everything running when it stops, and adopts it with no write when it starts again', async () => {
    const first = await start();
    await first.call('stacks.apply', { source });
    await clock.advance(20_000);
    const before = writes();
    await stop(first.app);
    expect((await clock.finish(engine.list())).filter((row) => row.state === 'running')).toHaveLength(4);
    expect(clock.pending).toBeLessThanOrEqual(8);
    const second = await start();
    await clock.advance(60_000);
    expect(writes()).toBe(before);
    expect((await second.call('services.get', { service: 'shop/web' })).ready).toBe(3);
    expect(await second.call('settings.get', {})).toMatchObject({ theme: 'system' });
  });

  it('keeps its state private', async () => {
    const { call } = await start();
    await call('settings.set', { theme: 'dark' });
    expect(statSync(home).mode & 0o077).toBe(0);
    expect(statSync(join(home, 'pilothouse.db')).mode & 0o777).toBe(0o600);
  });

  it('refuses a second app on the same home', async () => {
    await start();
    await expect(start()).rejects.toThrow(PilothouseError);
  });

  it('starts in rescue mode over a damaged database: it shows, says why, and changes nothing', async () => {
    const first = await start();
    await first.call('stacks.apply', { source });
    await clock.advance(20_000);
    await stop(first.app);
    const file = join(home, 'pilothouse.db');
    const bytes = readFileSync(file);
    bytes.fill(0x5a, 0, 4096);
    writeFileSync(file, bytes);
    const before = writes();
    const { call } = await start();
    await clock.advance(60_000);
    const status = await call('app.status', {});
    expect(status.rescue).toMatchObject({ code: 'app.rescue' });
    await expect(call('stacks.apply', { source })).rejects.toMatchObject({ problem: { code: 'forbidden' } });
    await expect(call('settings.set', { theme: 'dark' })).rejects.toThrow('Only reading works');
    expect(await call('engines.list', {})).toMatchObject([{ state: 'connected' }]);
    expect(await call('images.list', {})).toBeInstanceOf(Array);
    expect(writes()).toBe(before);
    expect(readFileSync(file).equals(bytes)).toBe(true);
  });

  it('answers bad files with every mistake and its place', async () => {
    const { call } = await start();
    const text = 'services:\n  web:\n    image: web:1\n    imagee: x\n    depends_on: [api]\n';
    const checked = await call('stacks.check', { source: { files: [{ name: 'compose.yaml', text }] }, name: 'shop' });
    expect(checked.problems.length).toBeGreaterThanOrEqual(1);
    expect(checked.problems[0]).toMatchObject({ where: { file: 'compose.yaml', line: 4 } });
  });

  it('says that no engine answers, and does the work once one does', async () => {
    const { call } = await start();
    await call('stacks.apply', { source });
    await clock.advance(20_000);
    engine.hand.crashDaemon({ liveRestore: true });
    await clock.advance(12_000);
    const [view] = await call('engines.list', {});
    expect(view).toMatchObject({ state: 'away' });
    await expect(call('images.list', {})).rejects.toMatchObject({ problem: { code: 'engine-away' } });
    await call('services.scale', { service: 'shop/web', replicas: 4 });
    await engine.hand.startDaemon();
    await clock.advance(60_000);
    expect((await call('services.get', { service: 'shop/web' })).ready).toBe(4);
    const kinds = (await call('events.list', {})).map((event) => event.kind);
    expect(kinds.filter((kind) => kind === 'engine.away')).toHaveLength(1);
    expect(kinds.filter((kind) => kind === 'engine.connected')).toHaveLength(2);
  });
});
