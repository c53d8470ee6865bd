/**
 * Rows of the fault table (M1 to M36; README.md of this folder says where each is) on the whole app over a real engine: a bad connection,
 * people who act behind our back, and services that do themselves harm. What an engine in trouble does is in faults-daemon.test.ts.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ContainerSummary } from '../../src-main/core/engine';
import { connect, type DockerEngine } from '../../src-main/engine/docker';
import { containerRequest } from '../main/engine/docker/request';
import { testEngine, testImages } from '../support/engine';
import { startFaultProxy, type FaultProxy } from '../support/faultproxy';
import { caller } from '../support/app';
import { figure, startApp, type TestApp } from './app-kit';
import { uniqueName } from './engine-kit';

const stack = `fault${process.pid}`;
const force = { force: true, anonymousVolumes: true };

let home: string;
let proxy: FaultProxy;
/** The app's own connection, through the proxy. */
let through: DockerEngine;
/** Everybody else's. */
let engine: DockerEngine;
let test: TestApp;
const foreign: string[] = [];

const quick = "image: 'busybox:latest', init: true, stop_grace_period: 0s";
const web = `{ ${quick}, command: [sleep, '100000'], deploy: { replicas: 2, resources: { limits: { memory: 64M } } } }`;
const base = `name: ${stack}\nservices:\n  web: ${web}\n`;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'pilothouse-faults-app-'));
  proxy = await startFaultProxy({ upstream: testEngine().socket });
  engine = await connect({ endpoint: testEngine().dockerHost });
  through = await connect({ endpoint: proxy.dockerHost });
  test = await startApp({ engine: through, stack, home });
  await test.apply(base);
  await test.until('two', () => test.settled('web', 2));
}, 90_000);

afterAll(async () => {
  proxy.clear();
  for (const name of foreign) await engine.remove(name, force).catch(() => {});
  await test.end();
  through.dispose();
  engine.dispose();
  await proxy.stop();
  rmSync(home, { recursive: true, force: true });
}, 120_000);

const ours = (service = 'web'): Promise<ContainerSummary[]> =>
  engine.list({ labels: { 'io.pilothouse.stack': stack, 'io.pilothouse.service': service } });
const ids = async (service?: string): Promise<string[]> => (await ours(service)).map(({ id }) => id).sort();
/** Calls that change containers, as they came through the proxy. */
const writes = (): string[] =>
  proxy.calls
    .filter(({ method, path }) => method !== 'GET' && path.startsWith('/containers/'))
    .map(({ method, path }) => `${method} ${path}`);
/** The engine holds exactly the replicas that the app shows, each slot once. */
async function noDoubles(replicas: number): Promise<void> {
  await test.until('the count', () => test.settled('web', replicas));
  await expect.poll(async () => (await ours()).length, { timeout: 20_000 }).toBe(replicas);
  const slots = (await ours()).map(({ labels }) => labels['io.pilothouse.slot']);
  expect(new Set(slots).size).toBe(replicas);
}

describe('a bad connection', () => {
  it('M3: a create whose answer is lost is adopted by its name, and there is no second one', async () => {
    const fault = proxy.inject({ kind: 'drop-response', method: 'POST', path: /^\/containers\/create/, times: 2 });
    await test.scale('web', 4);
    const took = await test.until('four', () => test.settled('web', 4));
    expect(fault.hits).toBe(2);
    proxy.clear();
    await noDoubles(4);
    figure('M3', `2 answers of create lost: four replicas after ${Math.round(took)} ms, 0 doubled`);
  });

  it('M4: lost answers of start, stop and remove are no failures', async () => {
    const start = proxy.inject({ kind: 'drop-response', method: 'POST', path: /\/start/, times: 1 });
    await test.scale('web', 5);
    await test.until('five', () => test.settled('web', 5));
    const stop = proxy.inject({ kind: 'drop-response', method: 'POST', path: /\/stop/, times: 1 });
    const remove = proxy.inject({ kind: 'drop-response', method: 'DELETE', path: /^\/containers/, times: 1 });
    await test.scale('web', 2);
    const took = await test.until('two', () => test.settled('web', 2));
    expect([start.hits, stop.hits, remove.hits]).toEqual([1, 1, 1]);
    proxy.clear();
    await noDoubles(2);
    const errors = await test.events('replica.failed', 'web');
    expect(errors).toEqual([]);
    figure('M4', `answers of start, stop and remove lost: done after ${Math.round(took)} ms, 0 errors shown`);
  });

  it('M5: one answer in three is an error: no hot loop, nothing doubled, and it gets there', async () => {
    const path = /^\/(containers|networks|volumes|images)/;
    for (const status of [500, 409, 404])
      proxy.inject({ kind: 'status', status, probability: 0.12, message: 'a passing fault', path });
    proxy.forget();
    const began = performance.now();
    for (const replicas of [7, 2, 5]) {
      await test.scale('web', replicas);
      await sleep(2500);
    }
    const [calls, struck] = [proxy.calls.length, proxy.count({ fault: 'status' })];
    const perMinute = (calls / (performance.now() - began)) * 60_000;
    proxy.clear();
    await test.scale('web', 3);
    const took = await test.until('three', () => test.settled('web', 3));
    await noDoubles(3);
    // A loop without back-off makes thousands a second; this is three scalings, their looks and the app's own sampling.
    expect(calls).toBeLessThan(1500);
    figure(
      'M5',
      `${struck} of ${calls} calls failed, ${Math.round(perMinute)} a minute; well ${Math.round(took)} ms after`,
    );
  });

  it('M6: a cut list decides nothing', async () => {
    const before = await ids();
    const fault = proxy.inject({ kind: 'truncate', path: /^\/containers\/json/ });
    proxy.forget();
    proxy.cut(/\/events/);
    await test.until('three cut lists', () => Promise.resolve(fault.hits >= 3));
    expect(writes()).toEqual([]);
    proxy.clear();
    const took = await test.until('a whole list', () => test.settled('web', 3));
    expect(await ids()).toEqual(before);
    figure('M6', `${fault.hits} cut lists: 0 writes; well ${Math.round(took)} ms after the last`);
  });

  it('M7: a list without our containers is not believed', async () => {
    const before = await ids();
    const fault = proxy.inject({ kind: 'answer', message: '[]', path: /^\/containers\/json/ });
    proxy.forget();
    proxy.cut(/\/events/);
    await test.until('empty lists', () => Promise.resolve(fault.hits >= 2));
    await sleep(2000);
    expect(writes()).toEqual([]);
    expect((await test.view('web')).ready).toBe(3);
    proxy.clear();
    expect(await ids()).toEqual(before);
    figure('M7', `${fault.hits} empty lists: 0 writes, 3 of 3 still shown as ready`);
  });

  it('M15: a stream of events that has gone silent is made good by the timer', async () => {
    proxy.inject({ kind: 'hold', path: /^\/events/ });
    const [victim = ''] = await ids();
    await engine.kill(victim, 'SIGKILL');
    const running = async (): Promise<boolean> =>
      (await ours()).filter(({ state }) => state === 'running').length === 3;
    const took = await test.until('it runs again', running);
    proxy.clear();
    proxy.cut(/\/events/);
    figure('M15', `events silent: a killed replica runs again after ${Math.round(took)} ms (lists are 30 s apart)`);
  });

  it('M16: a storm of events is a few looks', async () => {
    await test.until('three', () => test.settled('web', 3));
    const [target = '', victim = ''] = await ids();
    let told = 0;
    const watch = engine.watch(() => (told += 1));
    proxy.forget();
    const began = performance.now();
    const storm = async (): Promise<void> => {
      while (performance.now() - began < 4000) await engine.update(target, { limits: { memory: 64 * 1024 * 1024 } });
    };
    await Promise.all(Array.from({ length: 8 }, storm));
    const seconds = (performance.now() - began) / 1000;
    const looks = proxy.count({ method: 'GET', path: new RegExp(`^/containers/${target}/json`) });
    watch.dispose();
    expect(told).toBeGreaterThan(100);
    // Passes that hints ask for are half a second apart, and each looks again at most twice when more hints come meanwhile.
    expect(looks).toBeLessThanOrEqual(Math.ceil(seconds + 1) * 2 * 3);
    await engine.kill(victim, 'SIGKILL');
    const took = await test.until('it runs again', async () => (await engine.inspect(victim))?.state === 'running');
    figure(
      'M16',
      `${told} events in ${seconds.toFixed(1)} s: ${looks} looks; a kill after it healed in ${Math.round(took)} ms`,
    );
  });
});

describe('people behind our back', () => {
  it('M17: removed, stopped, killed, renamed, changed and cut off is healed; paused stays paused', async () => {
    const network = Object.keys((await engine.inspect((await ids())[0] ?? ''))?.networks ?? {})[0] ?? '';
    const running = async (id: string): Promise<boolean> => (await engine.inspect(id))?.state === 'running';
    const acts: Record<string, { act: (id: string) => Promise<void>; healed: (id: string) => Promise<boolean> }> = {
      'rm -f': {
        act: (id) => engine.remove(id, force),
        healed: async (id) => {
          const now = await ours();
          return now.every((one) => one.id !== id) && now.filter(({ state }) => state === 'running').length === 3;
        },
      },
      stop: { act: (id) => engine.stop(id, 0), healed: running },
      kill: { act: (id) => engine.kill(id, 'SIGKILL'), healed: running },
      rename: {
        act: (id) => engine.rename(id, uniqueName('renamed')),
        healed: async (id) => (await engine.inspect(id))?.name.startsWith(`${stack}.web.`) === true,
      },
      update: {
        act: (id) => engine.update(id, { limits: { memory: 128 * 1024 * 1024 } }),
        healed: async (id) => (await engine.inspect(id))?.limits.memory === 64 * 1024 * 1024,
      },
      'network disconnect': {
        act: (id) => engine.disconnect(network, id, true),
        healed: async (id) => (await engine.inspect(id))?.networks[network] !== undefined,
      },
    };
    const times: string[] = [];
    for (const [name, { act, healed }] of Object.entries(acts)) {
      await test.until('three', () => test.settled('web', 3));
      const [victim = ''] = await ids();
      await act(victim);
      const took = await test.until(
        `healed after ${name}`,
        async () => (await healed(victim)) && (await test.settled('web', 3)),
      );
      times.push(`${name} ${Math.round(took)}`);
    }
    const [frozen = ''] = await ids();
    await engine.pause(frozen);
    await test.until('the pause is shown', async () =>
      (await test.view('web')).replicaList.some((one) => one.state === 'paused'),
    );
    await sleep(2000);
    expect((await engine.inspect(frozen))?.state).toBe('paused');
    await engine.unpause(frozen);
    await test.until('three', () => test.settled('web', 3));
    figure('M17', `ms until healed: ${times.join(', ')}; pause left alone`);
  });

  it('M18: a foreign container with our name or our labels is not touched', async () => {
    const [sample] = await ours();
    const generation = 1 + Math.max(0, ...(await test.view('web')).replicaList.map((one) => one.generation));
    // Slot 6 was never used, so its first name is known.
    const names = [`${stack}.web.6.g1`, `${stack}.web.1.g${generation + 50}`];
    for (const [index, name] of names.entries()) {
      const labels = index === 1 ? { ...sample?.labels, 'io.pilothouse.generation': String(generation + 50) } : {};
      const { id } = await engine.create(containerRequest({ name, labels, command: ['sleep', '600'] }));
      foreign.push(id);
      await engine.start(id);
    }
    const before = await Promise.all(foreign.map((id) => engine.inspect(id)));
    await test.scale('web', 6);
    const took = await test.until('six of ours', async () => {
      const now = await test.view('web');
      return now.ready === 6 && now.replicaList.every(({ container }) => !foreign.includes(container?.id ?? ''));
    });
    expect(await test.events('replica.nameTaken', 'web')).not.toEqual([]);
    await test.scale('web', 2);
    await test.until('two', () => test.settled('web', 2));
    const after = await Promise.all(foreign.map((id) => engine.inspect(id)));
    for (const [index, one] of after.entries()) {
      expect(one?.state).toBe('running');
      expect([one?.id, one?.startedAt]).toEqual([before[index]?.id, before[index]?.startedAt]);
    }
    for (const id of foreign.splice(0)) await engine.remove(id, force);
    figure('M18', `one foreign name and one set of copied labels: 0 touched, six of ours after ${Math.round(took)} ms`);
  });
});

describe('services that do themselves harm', () => {
  const port = 21_000 + (process.pid % 9000);
  const roll = `deploy: { replicas: 2, update_config: { order: start-first, parallelism: 1, monitor: 3s, failure_action: rollback } }, x-pilothouse: { rollout: { min_ready: 500ms, progress_deadline: 8s } }`;
  const good = `command: [sleep, '100000']`;
  const check = (test: string): string => `healthcheck: { test: ${test}, interval: 500ms, timeout: 2s, retries: 2 }`;
  /** Least ready replicas of each service that rolls, while the tests below look on. */
  const least = new Map<string, number>();
  const rolling = ['missing', 'exits', 'never', 'dies'] as const;
  let began = 0;
  let watcher: NodeJS.Timeout;

  beforeAll(async () => {
    const services = rolling.map((name) => `  ${name}: { ${quick}, ${good}, ${roll} }\n`).join('');
    await test.apply(`${base}${services}`);
    for (const name of rolling)
      await test.until(
        name,
        async () =>
          (await test.settled(name, 2)) &&
          (await test.app.api.calls['services.revisions']({ service: `${stack}/${name}` }, caller)).some(
            (one) => one.stable,
          ),
      );
    const { id } = await engine.create(
      containerRequest({
        name: uniqueName('thief'),
        image: testImages.demoApp,
        environment: { PORT: String(port), LOG_RATE: '0' },
        host: { networkMode: 'host' },
      }),
    );
    foreign.push(id);
    await engine.start(id);
    began = performance.now();
    watcher = setInterval(() => {
      for (const name of rolling)
        void test.view(name).then(
          (now) => least.set(name, Math.min(least.get(name) ?? Infinity, now.ready)),
          () => {},
        );
    }, 100);
    await test.apply(`${base}
  missing: { image: 'nowhere.invalid/missing:1', init: true, stop_grace_period: 0s, ${good}, ${roll} }
  exits: { ${quick}, command: [sh, -c, 'exit 1'], ${roll} }
  never: { ${quick}, ${good}, ${check('[CMD, "false"]')}, ${roll} }
  dies: { ${quick}, command: [sh, -c, 'sleep 2; exit 1'], ${roll} }
  port: { ${quick}, ${good}, ports: ['${port}:80'] }
  beside: { ${quick}, ${good}, deploy: { replicas: 2 } }
  flaps: { ${quick}, ${good}, ${check('[CMD-SHELL, "if [ -e /tmp/x ]; then rm /tmp/x; else touch /tmp/x; exit 1; fi"]').replace('retries: 2', 'retries: 1')} }
  eats: { image: 'busybox:latest', stop_grace_period: 0s, command: [sh, -c, 'sleep 1; exec tail /dev/zero'], deploy: { resources: { limits: { memory: 32M } } } }
`);
  }, 90_000);

  afterAll(() => clearInterval(watcher));

  it('M19: a port that somebody else has stops only its own replica, and is taken when it is free', async () => {
    await test.until(
      'it is said',
      async () => (await test.view('port')).replicaList[0]?.words.code === 'replica.portTaken',
    );
    await test.until('its neighbour', () => test.settled('beside', 2));
    const shown = performance.now() - began;
    expect(await ids('port')).toHaveLength(1);
    for (const id of foreign.splice(0)) await engine.remove(id, force);
    const took = await test.until('its port', () => test.settled('port', 1));
    expect((await ours('port')).map(({ state }) => state)).toEqual(['running']);
    figure(
      'M19',
      `taken port said after ${Math.round(shown)} ms; runs ${Math.round(took)} ms after it was free, 0 left in created`,
    );
  });

  it('M20: a rollout whose image cannot be had stops, and the old revision serves', async () => {
    await test.until(
      'it is given up',
      async () => !['running', undefined].includes((await test.view('missing')).rollout?.state),
    );
    const took = performance.now() - began;
    const now = await test.view('missing');
    expect(now.replicaList.every((one) => one.image === 'busybox:latest' && one.state === 'ready')).toBe(true);
    expect(least.get('missing')).toBe(2);
    figure(
      'M20',
      `image missing: ${now.rollout?.state} after ${Math.round(took)} ms, at least ${least.get('missing')} of 2 ready`,
    );
  });

  it.each(['exits', 'never', 'dies'] as const)('M21: a revision that %s goes back by itself', async (name) => {
    await test.until('the way back', async () => (await test.view(name)).rollout?.state === 'rolled-back');
    await test.until('as before', () => test.settled(name, 2));
    const took = performance.now() - began;
    // One that passes for ready and then ends takes its share with it: only what we do ourselves may take nothing.
    if (name !== 'dies') expect(least.get(name)).toBe(2);
    figure('M21', `${name}: back after ${Math.round(took)} ms, at least ${least.get(name)} of 2 ready`);
  });

  it('M23: memory that runs out again and again: back-off, the reason, one alert', async () => {
    const alerts = async (): Promise<number> =>
      (await test.app.api.calls['alerts.list']({ limit: 100 }, caller)).filter(
        (one) => one.rule === 'OutOfMemory' && one.labels['service'] === `${stack}/eats`,
      ).length;
    await test.until('it is said', async () => (await test.events('replica.oom', 'eats')).length > 0);
    const said = performance.now() - began;
    await test.until('the alert', async () => (await alerts()) > 0);
    const alerted = performance.now() - began;
    await test.until('it was killed three times', async () => (await test.view('eats')).restarts >= 3);
    const { restarts } = await test.view('eats');
    const seconds = (performance.now() - began) / 1000;
    expect(await alerts()).toBe(1);
    // Each run lasts a second, and the pause doubles: without it there would be one a second.
    expect(restarts).toBeLessThan(seconds);
    figure(
      'M23',
      `out of memory said after ${Math.round(said)} ms, alert after ${Math.round(alerted)} ms; ${restarts} restarts in ${Math.round(seconds)} s, 1 alert`,
    );
  });

  it('M22: health that flaps does not make replacements flap', async () => {
    await test.until(
      'a first replacement',
      async () => ((await test.view('flaps')).replicaList[0]?.generation ?? 1) > 1,
    );
    await sleep(Math.max(0, 15_000 - (performance.now() - began)));
    const seconds = (performance.now() - began) / 1000;
    const replaced = ((await test.view('flaps')).replicaList[0]?.generation ?? 1) - 1;
    // At once, then after 10 s, 20 s, 40 s … up to five minutes.
    expect(replaced).toBeLessThanOrEqual(1 + Math.ceil(Math.log2(1 + seconds / 9)));
    figure('M22', `${replaced} replacements in ${Math.round(seconds)} s of health that flaps each half second`);
  });
});
