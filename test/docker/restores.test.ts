/**
 * Restores that are interrupted anywhere: cancelled, their helper taken away, or the core killed with SIGKILL. The old volume stays
 * byte for byte what it was, and the new one is wholly there or not at all. PILOTHOUSE_RESTORES=100 interrupts as many.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import type { Client } from '../../src-main/contract/client';
import { clientOf, openWire, type Wire } from '../../src-main/serve/connect';
import { socketPath } from '../../src-main/serve/home';
import { ensureBuild } from '../machine/build.mjs';
import { testEngine } from '../support/engine';
import { caller } from '../support/app';
import { waitUntil } from './app-kit';
import { uniqueName } from './engine-kit';
import { random, seed, storageKit, trees } from './storage-kit';

const { engine, volume, call, made, over, jobs, seen, fill, helpers } = storageKit();
const rounds = Number(process.env['PILOTHOUSE_RESTORES'] ?? 8);
const stack = `ir${process.pid}`;
made.push(stack);
const outcomes = new Map<string, number>();
const count = (what: string): void => void outcomes.set(what, (outcomes.get(what) ?? 0) + 1);

/** A core of its own, to be killed. */
const home = mkdtempSync(join(tmpdir(), 'restores-'));
const environment = {
  ...process.env,
  PILOTHOUSE_HOME: home,
  PILOTHOUSE_ALLOW_ROOT: '1',
  DOCKER_HOST: testEngine().dockerHost,
};
let core: { child: ChildProcess; wire: Wire; client: Client } | undefined;

async function serve(): Promise<Client> {
  const program = join(__dirname, '..', '..', 'out', 'main', 'cli.js');
  const child = spawn(process.execPath, [program, 'serve'], { env: environment, stdio: 'ignore' });
  let wire: Wire | undefined;
  await waitUntil('the core', async () => (wire = await openWire(socketPath(home))) !== undefined);
  const client = clientOf(wire as Wire);
  core = { child, wire: wire as Wire, client };
  await waitUntil('its engine', () => client.call('volumes.list', {}).then(() => true));
  return client;
}

async function kill(): Promise<void> {
  const now = core;
  core = undefined;
  if (!now || now.child.exitCode !== null) return;
  const ended = new Promise((resolve) => now.child.once('exit', resolve));
  now.child.kill('SIGKILL');
  await ended;
  now.wire.dispose();
}

async function overThere(client: Client, job: string): Promise<{ state: string; result?: string }> {
  return new Promise((resolve) => {
    const stream = client.open(
      'storage.watch',
      {},
      {
        item: ({ put }) => {
          const view = put.find((one) => one.id === job && one.state !== 'running');
          if (!view) return;
          stream.dispose();
          resolve(view);
        },
      },
    );
  });
}

const exists = async (name: string): Promise<boolean> => (await engine().volumes()).some((one) => one.name === name);

afterAll(async () => {
  const client = core?.client ?? (await serve());
  await client.call('stacks.remove', { stack, volumes: true }).catch(() => undefined);
  const gone = async (): Promise<boolean> => !(await engine().list()).some((row) => row.name.startsWith(`${stack}.`));
  await waitUntil('the end of the stack', gone);
  await kill();
  rmSync(home, { recursive: true, force: true });
});

it('cancelled, or robbed of their helper', { timeout: 900_000 }, async () => {
  const name = await volume();
  await fill(name, trees(150).tar);
  const before = await seen(name);
  const backup = await over(call['volumes.backup']({ name, mode: 'live' }, caller));
  const restore = (to: string): Promise<{ job: string }> => {
    made.push(to);
    return call['volumes.restore']({ backup: backup.result ?? '', to, swap: false }, caller);
  };
  const take = (id: string): Promise<void> =>
    engine()
      .remove(id, { force: true, anonymousVolumes: true })
      .catch(() => undefined);
  let born: ((id: string) => void) | undefined;
  const watch = engine().watch(({ type, action, id, name: who }) => {
    if (type === 'container' && action === 'create' && who.startsWith('pilothouse-helper-')) born?.(id);
  });
  const began = performance.now();
  expect(await over(restore(uniqueName('whole')))).toMatchObject({ state: 'done' });
  const lasts = performance.now() - began;
  for (let round = 0; round < Math.ceil(rounds / 2); round++) {
    const to = uniqueName('broken');
    const how = round % 2 === 0 ? 'cancel' : round % 4 === 1 ? 'newborn helper' : 'helper';
    let births = Math.ceil(random() * 2);
    if (how === 'newborn helper') born = (id) => void (--births === 0 && take(id));
    const { job } = await restore(to);
    await sleep(random() * lasts * 0.95);
    if (how === 'cancel') await call['storage.cancel']({ job }, caller);
    else if (how === 'newborn helper') await over(Promise.resolve({ job }));
    else {
      // The engine lets a transfer end before it removes the container under it, so the moment right after its birth counts.
      for (let struck = false; !struck && jobs.get(job)?.state === 'running';) {
        for (const id of await helpers()) {
          struck = true;
          await take(id);
        }
      }
    }
    born = undefined;
    const end = await over(Promise.resolve({ job }));
    count(`${how} ${end.state}`);
    const there = await exists(to);
    // What was whole before the blow fell is kept; what was not is gone.
    expect(there, `${JSON.stringify(end)}, seed ${seed}`).toBe(end.state === 'done');
    if (there) {
      expect(await seen(to), `seed ${seed}`).toBe(before);
      await engine().removeVolume(to);
    }
  }
  watch.dispose();
  expect(await seen(name), `seed ${seed}`).toBe(before);
});

it("the core is killed: to a new volume, and in the place of a running service's", { timeout: 1_800_000 }, async () => {
  await ensureBuild();
  const text = `
name: ${stack}
services:
  db:
    image: busybox
    command: ['sleep', '100000']
    init: true
    stop_grace_period: 0s
    volumes: ['data:/data']
volumes: { data: {} }
`;
  let client = await serve();
  await client.call('stacks.apply', { source: { files: [{ name: 'compose.yaml', text }] } });
  const ready = async (): Promise<boolean> =>
    (await client.call('services.get', { service: `${stack}/db` })).ready === 1;
  await waitUntil('the service', ready);
  const name = `${stack}_data`;
  await fill(name, trees(150).tar);
  const { job: backing } = await client.call('volumes.backup', { name });
  const { result: backup = '' } = await overThere(client, backing);
  const saved = await seen(name);
  /** The volume that the service keeps its data in. */
  const current = async (): Promise<string> => {
    const rows = (await engine().list()).filter(
      (row) => row.name.startsWith(`${stack}.db.`) && row.state === 'running',
    );
    const details = await Promise.all(rows.map((row) => engine().inspect(row.id)));
    return details[0]?.mounts.find((mount) => mount.target === '/data')?.name ?? '';
  };
  let lasts = 0;
  for (let round = -1; round < Math.floor(rounds / 2); round++) {
    const swap = round % 2 === 0;
    const old = await current();
    // So that old and new differ.
    await client.call('volumes.upload', { name: old, path: 'mark', content: btoa(`round ${round}`) });
    const before = await seen(old);
    const to = uniqueName(swap ? 'swapped' : 'killed');
    made.push(to);
    const began = performance.now();
    const { job } = await client.call('volumes.restore', { backup, to, swap });
    if (round < 0) {
      await overThere(client, job);
      lasts = performance.now() - began;
      continue;
    }
    // A swap stops and starts the service, too.
    await sleep(random() * lasts * (swap ? 1.6 : 0.95));
    await kill();
    client = await serve();
    await waitUntil('the service', async () => (await ready()) && (await current()) !== '', {
      tell: () => client.call('services.get', { service: `${stack}/db` }),
    });
    const now = await current();
    const what = `${swap ? 'swap' : 'plain'}, seed ${seed}`;
    expect(await seen(old), what).toBe(before);
    if (now === old) {
      // Nothing half is left, or all of it is there.
      await waitUntil('the end of what was half done', async () => (await helpers()).length === 0);
      await sleep(500);
      if (await exists(to)) expect(await seen(to), what).toBe(saved);
      count(`core ${swap ? 'swap' : 'plain'} ${(await exists(to)) ? 'whole beside' : 'old'}`);
    } else {
      expect([now, await seen(to)], what).toEqual([to, saved]);
      count('core swap new');
      await engine().removeVolume(old);
    }
  }
  process.stdout.write(
    `interrupted restores: ${JSON.stringify(Object.fromEntries([...outcomes].sort()))}, seed ${seed}\n`,
  );
});
