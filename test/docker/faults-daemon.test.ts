/** Rows of the fault table (M8 to M14, M24) on the whole app: its engine's daemon crashes, hangs, loses its socket, its runtime or its disk. */
import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seeded } from '../../src-main/base/random';
import type { ContainerSummary } from '../../src-main/core/engine';
import type { EngineView } from '../../src-main/contract/nouns';
import { connect, type DockerEngine } from '../../src-main/engine/docker';
import { startPrivateEngine, type PrivateEngine } from '../support/engine';
import { startFaultProxy, type FaultProxy } from '../support/faultproxy';
import { freeze, thaw } from '../support/freeze';
import { caller } from '../support/app';
import { figure, startApp, type TestApp } from './app-kit';

const stack = `daemon${process.pid}`;
const home = mkdtempSync(join(tmpdir(), 'pilothouse-daemon-'));
/** The engine's own small disk, where this machine lends us one. */
const disk = join(home, 'disk');
let ownDisk = false;
let own: PrivateEngine;
let proxy: FaultProxy;
let through: DockerEngine;
let test: TestApp;

beforeAll(async () => {
  mkdirSync(disk);
  const image = join(home, 'disk.img');
  ownDisk = [
    ['truncate', '-s', '400M', image],
    ['mkfs.ext4', '-q', '-m', '0', image],
    ['mount', '-o', 'loop', image, disk],
  ].every(([program = '', ...words]) => spawnSync(program, words).status === 0);
  own = await startPrivateEngine({ name: `daemon-${process.pid}`, hostNetwork: false, dataRoot: join(disk, 'engine') });
  proxy = await startFaultProxy({ upstream: own.socket });
  through = await connect({ endpoint: proxy.dockerHost });
  test = await startApp({ engine: through, stack, home: join(home, 'state') });
  await test.apply(
    `name: ${stack}\nservices:\n  web: { image: 'busybox:latest', init: true, stop_grace_period: 0s, command: [sleep, '100000'], deploy: { replicas: 3 } }\n`,
  );
  await test.until('three', () => test.settled('web', 3));
}, 180_000);

afterAll(async () => {
  await test.stop();
  through.dispose();
  await proxy.stop();
  await own.stop();
  if (ownDisk) spawnSync('umount', [disk]);
  rmSync(home, { recursive: true, force: true });
}, 120_000);

const ours = (): Promise<ContainerSummary[]> => through.list({ labels: { 'io.pilothouse.stack': stack } });
/** Who runs since when: equal before and after means that nothing was started again. */
const lives = async (): Promise<string[]> => {
  const details = await Promise.all((await ours()).map(({ id }) => through.inspect(id)));
  return details.map((one) => `${one?.name} ${one?.id} ${one?.startedAt}`).sort();
};
const link = async (): Promise<EngineView | undefined> => (await test.app.api.calls['engines.list']({}, caller))[0];
const isAway = async (): Promise<boolean> => (await link())?.state === 'away';
const isBack = async (): Promise<boolean> => (await link())?.state === 'connected';
const failures = async (): Promise<number> =>
  (await test.events('replica.exited')).length + (await test.events('replica.failed')).length;

describe('an engine in trouble, with the whole app on it', () => {
  it('M8: a crash without live-restore: all runs again, and counts as nobody’s crash', async () => {
    const before = await failures();
    const restarts = (await test.view('web')).restarts;
    await own.kill();
    await sleep(500);
    const began = performance.now();
    await own.start();
    const engineBack = performance.now() - began;
    await test.until('away is over', isBack);
    await test.until('three', () => test.settled('web', 3));
    const took = performance.now() - began;
    expect((await ours()).map(({ state }) => state)).toEqual(['running', 'running', 'running']);
    expect([await failures(), (await test.view('web')).restarts]).toEqual([before, restarts]);
    figure(
      'M8',
      `daemon back after ${Math.round(engineBack)} ms, all replicas after ${Math.round(took)} ms; 0 counted as crashes`,
    );
  });

  it('M9: a crash with live-restore: adopted, not one restart', async () => {
    writeFileSync(join(dirname(own.socket), 'daemon.json'), '{ "live-restore": true }');
    process.kill(own.pid(), 'SIGHUP');
    await sleep(300);
    const before = await lives();
    proxy.forget();
    await own.kill();
    const began = performance.now();
    await test.until('away', isAway);
    const noticed = performance.now() - began;
    await own.start();
    await test.until('back', isBack);
    await test.until('three', () => test.settled('web', 3));
    const took = performance.now() - began;
    expect(await lives()).toEqual(before);
    expect(proxy.calls.filter(({ method, path }) => method !== 'GET' && path.startsWith('/containers/'))).toEqual([]);
    figure(
      'M9',
      `away said after ${Math.round(noticed)} ms, adopted after ${Math.round(took)} ms; 0 restarts, 0 writes`,
    );
  });

  it('M10: a daemon that hangs is said to be away, nothing waits, and no burst follows', async () => {
    const before = await lives();
    const delay = monitorEventLoopDelay({ resolution: 5 });
    proxy.forget();
    delay.enable();
    await freeze(own.pid());
    let noticed: number;
    let open: number;
    try {
      noticed = await test.until('away', isAway, 30_000);
      await sleep(3000);
      open = proxy.calls.filter(({ status, path }) => status === 0 && !/events|logs|stats/.test(path)).length;
    } finally {
      thaw(own.pid());
      proxy.forget();
    }
    const took = await test.until('back', isBack, 30_000);
    await test.until('three', () => test.settled('web', 3));
    await sleep(1000);
    delay.disable();
    const lists = proxy.count({ path: /^\/containers\/json/ });
    expect(await lives()).toEqual(before);
    // Each room that lists does so once or twice; a burst would be one for each moment of the hang.
    expect(lists).toBeLessThan(20);
    expect(open).toBeLessThan(100);
    figure(
      'M10',
      `away said after ${Math.round(noticed)} ms, ${open} calls open; back after ${Math.round(took)} ms with ${lists} lists; longest pause of our loop ${Math.round(delay.max / 1e6)} ms`,
    );
  });

  it('M11: a runtime that hangs does not pass for well, though the daemon answers', async () => {
    await freeze(containerd());
    let noticed: number;
    try {
      noticed = await test.until('it is said', async () => (await link())?.words !== undefined, 40_000);
    } finally {
      thaw(containerd());
    }
    const took = await test.until(
      'well again',
      async () => (await isBack()) && (await link())?.words === undefined,
      60_000,
    );
    await test.until('three', () => test.settled('web', 3));
    figure('M11', `said after ${Math.round(noticed)} ms, taken back ${Math.round(took)} ms after it went on`);
  });

  it('M12: a runtime that crashes is waited for, and then all goes on', async () => {
    const before = await lives();
    const old = containerd();
    process.kill(old, 'SIGKILL');
    const began = performance.now();
    await test.scale('web', 4);
    await test.until('four', () => test.settled('web', 4));
    const took = performance.now() - began;
    expect(containerd()).not.toBe(old);
    const after = await lives();
    expect(before.filter((one) => !after.includes(one))).toEqual([]);
    figure('M12', `a fourth replica runs ${Math.round(took)} ms after the crash, the other three never ended`);
  });

  it('M13: crashes in the middle of traffic leave nothing behind that the engine knows of', async () => {
    const random = seeded(13);
    const crashes = 4;
    for (let round = 0; round < crashes; round++) {
      await test.scale('web', round % 2 === 0 ? 7 : 2);
      await sleep(200 + random() * 1200);
      await own.kill();
      await own.start();
    }
    const began = performance.now();
    await test.scale('web', 3);
    await test.until('back', isBack);
    await test.until('three', () => test.settled('web', 3));
    await expect.poll(async () => (await ours()).length, { timeout: 60_000 }).toBe(3);
    const took = performance.now() - began;
    const shown = (await test.view('web')).replicaList.map(({ container }) => container?.id).sort();
    expect((await ours()).map(({ id }) => id).sort()).toEqual(shown);
    const known = new Set((await through.list({})).map(({ id }) => id));
    const processes = groups().filter((id) => !known.has(id)).length;
    figure(
      'M13',
      `${crashes} crashes in traffic: 0 containers left over after ${Math.round(took)} ms; ${processes} process groups that the engine does not know`,
    );
  });

  it('M14: a socket that is gone is said, and all is as before when it is back', async () => {
    const before = await lives();
    renameSync(own.socket, `${own.socket}.away`);
    let noticed: number;
    try {
      proxy.cut();
      noticed = await test.until('away', isAway);
      expect((await link())?.words?.code).toMatch(/^engine\./);
    } finally {
      renameSync(`${own.socket}.away`, own.socket);
    }
    const took = await test.until('back', isBack);
    await test.until('three', () => test.settled('web', 3));
    expect(await lives()).toEqual(before);
    figure('M14', `away said after ${Math.round(noticed)} ms, back after ${Math.round(took)} ms`);
  });

  it('M24: on a full disk what runs goes on and is removed when asked, and it recovers', async (context) => {
    if (!ownDisk) context.skip('this machine lends no loop device');
    const before = await lives();
    const filler = join(disk, 'filler');
    const { bavail, bsize } = statfsSync(disk);
    spawnSync('fallocate', ['-l', String(bavail * bsize - 8192), filler]);
    spawnSync('dd', ['if=/dev/zero', `of=${filler}.rest`, 'bs=4k']);
    await test.scale('web', 5);
    const said = await test.until('it is said', async () =>
      (await test.view('web')).replicaList.some((one) => one.words.code === 'replica.noSpace'),
    );
    expect((await test.view('web')).ready).toBe(3);
    const during = await lives();
    expect(before.filter((one) => !during.includes(one))).toEqual([]);
    await test.scale('web', 2);
    const removed = await test.until('two', async () => (await ours()).length === 2 && (await test.settled('web', 2)));
    rmSync(filler);
    rmSync(`${filler}.rest`, { force: true });
    await test.scale('web', 4);
    const took = await test.until('four', () => test.settled('web', 4));
    figure(
      'M24',
      `full disk said after ${Math.round(said)} ms, 3 of 3 kept; removing took ${Math.round(removed)} ms, growing again ${Math.round(took)} ms`,
    );
  });
});

const containerd = (): number => Number(readFileSync(join(own.execRoot, 'containerd', 'containerd.pid'), 'utf8'));

/** Containers that have a control group with processes in it, whether or not the engine knows them. */
function groups(): string[] {
  for (const root of [`/sys/fs/cgroup/memory${own.cgroupParent}`, `/sys/fs/cgroup${own.cgroupParent}`]) {
    try {
      return readdirSync(root).filter(
        (name) => /^[0-9a-f]{64}$/.test(name) && readFileSync(join(root, name, 'cgroup.procs'), 'utf8') !== '',
      );
    } catch {
      continue;
    }
  }
  return [];
}
