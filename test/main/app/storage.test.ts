/** Volumes through the whole core: looked into, backed up, restored and swapped, cloned, recycled and pruned, on the tour engine. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { App } from '../../../src-main/app';
import { seeded } from '../../../src-main/base/random';
import type { CallName, Calls, Caller } from '../../../src-main/contract/api';
import type { ArgumentOf, OutputOf } from '../../../src-main/contract/api/define';
import type { JobView } from '../../../src-main/contract/api/storage';
import { calls } from '../../../src-main/contract/api';
import type { ServiceView } from '../../../src-main/contract/nouns';
import { MemoryEngine } from '../../../src-main/engine/memory';
import { appOver } from '../../support/app';
import { FakeClock } from '../../support/clock';

const compose = `
name: shop
services:
  db:
    image: busybox
    command: ['sh', '-c', 'while true; do sleep 1; done']
    volumes: ['data:/data']
volumes: { data: {} }
`;
const source = { files: [{ name: 'compose.yaml', text: compose }] };

let home = '';
let clock: FakeClock;
let engine: MemoryEngine;
let app: App | undefined;
const jobs = new Map<string, JobView>();

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'app-storage-'));
  clock = new FakeClock();
  engine = new MemoryEngine({ clock, random: seeded(1) });
});
afterEach(async () => {
  await stop();
  rmSync(home, { recursive: true, force: true });
});

async function start(): Promise<void> {
  app = await appOver(engine, {
    home,
    clock,
    random: seeded(clock.now()),
  });
  await app.start();
  jobs.clear();
  const caller: Caller = { kind: 'app', signal: { aborted: false, addEventListener() {}, removeEventListener() {} } };
  app.api.streams['storage.watch'](
    {},
    {
      send: ({ put }) => put.forEach((job) => jobs.set(job.id, job)),
      credit: () => 10,
      onCredit: () => ({ dispose() {} }),
      end() {},
      fail() {},
    },
    caller,
  );
  await clock.advance(500);
}

async function stop(): Promise<void> {
  const last = app;
  app = undefined;
  if (last) await pass(last.stop());
}

async function call<Name extends CallName>(name: Name, input: ArgumentOf<Calls[Name]>): Promise<OutputOf<Calls[Name]>> {
  const handler = app?.api.calls[name] as (input: unknown, caller: unknown) => Promise<OutputOf<Calls[Name]>>;
  return pass(handler(calls[name].input.parse(input), { kind: 'app', signal: { aborted: false } }));
}

/** Real time for the real disk, and a little of the clock's. */
async function pass<T>(work: Promise<T>): Promise<T> {
  const state = { settled: false };
  const settle = (): void => {
    state.settled = true;
  };
  work.then(settle, settle);
  for (let round = 0; !state.settled && round < 5_000; round++) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    await clock.advance(20);
  }
  return work;
}

/** Waits for a job; the work of the engine and the disk goes on meanwhile. */
async function over(started: Promise<{ job: string }>): Promise<JobView> {
  const { job } = await started;
  for (let round = 0; round < 5_000; round++) {
    const view = jobs.get(job);
    if (view && view.state !== 'running') return view;
    await new Promise((resolve) => setTimeout(resolve, 2));
    await clock.advance(50);
  }
  throw new Error(`The job did not end: ${JSON.stringify(jobs.get(job))}`);
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const upload = (name: string, path: string, text: string): Promise<null> =>
  call('volumes.upload', { name, path, content: base64(text) });
const read = async (name: string, path: string): Promise<string | undefined> =>
  (await call('volumes.preview', { name, path })).text;
const names = async (): Promise<string[]> => (await call('volumes.list', {})).map((volume) => volume.name);
const helpers = async (): Promise<string[]> =>
  (await clock.finish(engine.list())).map((row) => row.name).filter((name) => name.includes('helper'));

async function ready(): Promise<void> {
  await start();
  await call('stacks.apply', { source });
  await clock.advance(20_000);
  await upload('shop_data', 'hello.txt', 'first');
}

it('a volume is looked into; what leads out, and what is no file, is refused', async () => {
  await ready();
  const { entries } = await call('volumes.browse', { name: 'shop_data' });
  expect(entries).toMatchObject([{ name: 'hello.txt', type: 'file', size: 5 }]);
  expect(await read('shop_data', '/hello.txt')).toBe('first');
  for (const path of ['../etc/shadow', '/../x', 'a/../../b', 'a\0b'])
    await expect(call('volumes.preview', { name: 'shop_data', path })).rejects.toMatchObject({
      problem: { code: 'bad-input' },
    });
  await expect(call('volumes.preview', { name: 'shop_data', path: '' })).rejects.toThrow('no file');
  await expect(call('volumes.browse', { name: 'nothing' })).rejects.toMatchObject({ problem: { code: 'not-found' } });
  const saved = await call('volumes.download', { name: 'shop_data', path: 'hello.txt', to: home });
  expect(readFileSync(saved.file, 'utf8')).toBe('first');
  const detail = await call('volumes.inspect', { name: 'shop_data' });
  expect(detail).toMatchObject({ services: ['shop/db'], containers: [{ running: true, target: '/data' }] });
  expect(await helpers()).toEqual([]);
});

it('a backup is restored beside the old volume and takes its place; the old data stays as it was', async () => {
  await ready();
  const made = await over(call('volumes.backup', { name: 'shop_data', mode: 'stopped' }));
  expect(made).toMatchObject({ state: 'done' });
  await clock.advance(20_000);
  expect((await call('services.get', { service: 'shop/db' })).ready).toBe(1);
  await upload('shop_data', 'hello.txt', 'second');
  const restored = await over(call('volumes.restore', { backup: made.result ?? '', swap: true }));
  expect(restored).toMatchObject({ state: 'done' });
  await clock.advance(30_000);
  const current = restored.result ?? '';
  expect(await read(current, 'hello.txt')).toBe('first');
  expect(await read('shop_data', 'hello.txt')).toBe('second');
  expect(await call('volumes.inspect', { name: current })).toMatchObject({
    services: ['shop/db'],
    standsFor: 'shop_data',
  });
  expect((await call('services.get', { service: 'shop/db' })).ready).toBe(1);
  // The same file again does not bring the old data back.
  await call('stacks.apply', { source });
  await clock.advance(30_000);
  expect((await call('volumes.inspect', { name: current })).services).toEqual(['shop/db']);
  const plan = await call('volumes.prunePlan', {});
  expect(plan.items).toMatchObject([{ name: 'shop_data', why: 'replaced' }]);
  expect(await over(call('volumes.prune', { names: ['shop_data'] }))).toMatchObject({ state: 'done' });
  expect(await names()).toEqual([current]);
  // The recycle bin gives it back.
  const [bin] = (await call('volumes.backups', {})).filter((backup) => backup.reason === 'recycled');
  await over(call('volumes.restore', { backup: bin?.id ?? '', to: 'again' }));
  expect(await read('again', 'hello.txt')).toBe('second');
});

it('what is damaged is not restored, and nothing is left of it', async () => {
  await ready();
  const made = await over(call('volumes.backup', { name: 'shop_data' }));
  const file = join(home, 'backups', `${made.result}.tar.br`);
  const bytes = readFileSync(file);
  bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 0xff;
  writeFileSync(file, bytes);
  const before = await names();
  expect(await over(call('volumes.restore', { backup: made.result ?? '' }))).toMatchObject({
    state: 'failed',
    problem: { words: { code: 'archive.broken' } },
  });
  expect(await names()).toEqual(before);
});

it.each(['createVolume', 'create', 'writeArchive', 'readArchive', 'remove'] as const)(
  'a restore that breaks at %s leaves the old volume, and clears away the new one',
  async (verb) => {
    await ready();
    const made = await over(call('volumes.backup', { name: 'shop_data' }));
    const fault = engine.faults.add({
      verbs: [verb],
      does: 'fail',
      error: 'refused',
      name: verb === 'createVolume' ? /.*/ : /helper/,
      times: 1,
    });
    const failed = await over(call('volumes.restore', { backup: made.result ?? '', swap: true }));
    expect(fault.struck).toBe(1);
    fault.dispose();
    expect(await read('shop_data', 'hello.txt')).toBe('first');
    // A helper that could not be removed is no reason to fail; it goes at the next start.
    expect(failed.state).toBe(verb === 'remove' ? 'done' : 'failed');
    if (verb !== 'remove') expect(await names()).toEqual(['shop_data']);
    await clock.advance(20_000);
    expect((await call('services.get', { service: 'shop/db' })).ready).toBe(1);
    await stop();
    await start();
    await clock.advance(5_000);
    expect(await helpers()).toEqual([]);
  },
);

it('the app is killed in the middle of a restore: the next one clears it away', async () => {
  await ready();
  const made = await over(call('volumes.backup', { name: 'shop_data' }));
  engine.hooks = {
    afterEffect: ({ verb }) => {
      if (verb === 'createVolume') engine.detach();
    },
  };
  await call('volumes.restore', { backup: made.result ?? '' });
  for (let round = 0; round < 100; round++) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    await clock.advance(20);
  }
  const killed = engine;
  engine = engine.attach();
  expect((await clock.finish(engine.volumes())).length).toBe(2);
  // The old process is gone with all it waited for; only its database stays behind.
  const copy = mkdtempSync(join(tmpdir(), 'app-storage-'));
  for (const name of readdirSync(home).filter((name) => name.startsWith('pilothouse.db') && !name.endsWith('.lock')))
    writeFileSync(join(copy, name), readFileSync(join(home, name)));
  app = undefined;
  const old = home;
  home = copy;
  await start();
  await clock.advance(10_000);
  expect(await names()).toEqual(['shop_data']);
  expect(await read('shop_data', 'hello.txt')).toBe('first');
  expect((await call('events.list', { kinds: ['storage.mended'] })).length).toBe(1);
  killed.detach();
  rmSync(old, { recursive: true, force: true });
});

const careful = (version: number): { files: { name: string; text: string }[] } => ({
  files: [
    {
      name: 'compose.yaml',
      text: compose.replace(
        '    volumes:',
        `    environment: { VERSION: '${version}' }\n    x-pilothouse: { checkpoint: live }\n    volumes:`,
      ),
    },
  ],
});

/** Waits until the rollout stands so; the engine and the disk work meanwhile. */
async function rollout(to: number, code: string): Promise<ServiceView> {
  let view: ServiceView | undefined;
  for (let round = 0; round < 3_000; round++) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    await clock.advance(100);
    view = await call('services.get', { service: 'shop/db' });
    if (view.rollout?.to === to && view.rollout.words.code === code) return view;
  }
  throw new Error(`It did not come: ${JSON.stringify(view?.rollout)}`);
}

it('an update waits for its checkpoint; when that fails the user decides, and nothing was replaced', async () => {
  await ready();
  await call('stacks.apply', { source: careful(1) });
  const before = await rollout(2, 'event.rolloutDone');
  const made = await call('checkpoints.list', { service: 'shop/db' });
  expect(made.map((one) => [one.before, one.revision])).toEqual([[1, 2]]);
  const fault = engine.faults.add({ verbs: ['create'], does: 'fail', error: 'refused', name: /helper/, times: 1 });
  await call('stacks.apply', { source: careful(2) });
  const held = await rollout(3, 'rollout.checkpointFailed');
  fault.dispose();
  expect(held.rollout?.state).toBe('paused');
  expect(held.replicaList.map((one) => one.container?.id)).toEqual(before.replicaList.map((one) => one.container?.id));
  await call('rollouts.resume', { service: 'shop/db' });
  const after = await rollout(3, 'event.rolloutDone');
  expect(after.replicaList[0]?.container?.id).not.toBe(before.replicaList[0]?.container?.id);
  expect(await call('checkpoints.list', { service: 'shop/db' })).toEqual(made);
});

it('the app ends while an update waits for its checkpoint: the next one makes it, and goes on', async () => {
  await ready();
  await call('stacks.apply', { source: careful(1) });
  await stop();
  await start();
  await rollout(2, 'event.rolloutDone');
  expect(await call('checkpoints.list', { service: 'shop/db' })).toHaveLength(1);
});

it('a plan backs up by itself and lets old ones go; what somebody made stays', async () => {
  await ready();
  await over(call('volumes.backup', { name: 'shop_data' }));
  await call('volumes.plan', { volume: 'shop_data', cron: '*/5 * * * *', keep: { last: 2, daily: 0, weekly: 0 } });
  for (let round = 0; round < 25; round++) {
    await clock.advance(60_000);
    for (let wait = 0; wait < 20; wait++) {
      await new Promise((resolve) => setTimeout(resolve, 2));
      await clock.advance(20);
    }
  }
  const reasons = (await call('volumes.backups', {})).map((backup) => backup.reason).sort();
  expect(reasons).toEqual(['manual', 'schedule', 'schedule']);
  expect((await call('volumes.inspect', { name: 'shop_data' })).plan?.lastProblem).toBeUndefined();
});

it('clones, cancels, tags, pulls and tells of conflicts', async () => {
  await ready();
  expect(await over(call('volumes.clone', { name: 'shop_data', to: 'copy' }))).toMatchObject({ state: 'done' });
  expect(await read('copy', 'hello.txt')).toBe('first');
  expect(await over(call('volumes.clone', { name: 'shop_data', to: 'copy' }))).toMatchObject({ state: 'failed' });
  expect(await read('copy', 'hello.txt')).toBe('first');
  expect(await over(call('volumes.remove', { name: 'shop_data' }))).toMatchObject({ problem: { code: 'conflict' } });
  expect(await over(call('images.pull', { reference: 'memcached:1' }))).toMatchObject({ state: 'done' });
  await call('images.tag', { reference: 'memcached:1', tag: 'mine:1' });
  expect((await call('images.list', {})).map((image) => image.tags[0])).toContain('mine:1');
  const unused = await call('images.prunePlan', { unused: true });
  expect(unused.items.map((item) => item.name)).not.toContain('busybox:latest');
  await expect(call('images.prune', { names: ['busybox:latest'] })).rejects.toMatchObject({
    problem: { code: 'conflict' },
  });
  const network = (await call('networks.list', {})).find((one) => one.name === 'shop_default');
  const detail = await call('networks.inspect', { id: network?.id ?? '' });
  expect(detail).toMatchObject({ containers: [{ name: 'shop.db.1.g1' }], conflicts: [] });
});
