/** To zero when nobody asks and back on the first request, on a real engine with a real HAProxy. */
import { mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { connect as dial } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { AutoscaleView } from '../../src-main/contract/api/autoscale';
import { connect, type DockerEngine } from '../../src-main/engine/docker';
import { caller } from '../support/app';
import { testEngine, testImages } from '../support/engine';
import { figure, startApp, type TestApp } from './app-kit';

const stack = `zero${process.pid}`;
const base = 20_000 + ((process.pid + 6100) % 9000);
/** A cold start behind HTTP, a warm spare behind TCP, a slow start, one that does not let wait for long, one that comes later. */
const ports = { cold: base, warm: base + 1, slow: base + 2, short: base + 3, late: base + 4 };
type Name = keyof typeof ports;

let home: string;
let engine: DockerEngine;
let test: TestApp;

const service = (name: Name, more: { mode?: string; wait?: string; delay?: number; spares?: number } = {}): string => `
  ${name}:
    image: ${testImages.demoApp}
    environment: { LOG_RATE: '0', START_DELAY: '${more.delay ?? 0}' }
    ports: ['${ports[name]}:8080']
    stop_grace_period: 1s
    x-pilothouse:
      autoscale: { max: 3, metrics: [{ metric: requests, target: 10000 }], idle_after: 1500ms, wake_timeout: ${more.wait ?? '20s'} }
      traffic: { mode: ${more.mode ?? 'http'} }
      probes: { readiness: { http: { port: 8080, path: /healthz }, period: 200ms } }
      warm_spares: ${more.spares ?? 0}
`;
const text = [
  `name: ${stack}\nservices:`,
  service('cold'),
  service('warm', { mode: 'tcp', spares: 1 }),
  service('slow', { delay: 2 }),
  service('short', { wait: '1s' }),
].join('');

interface Answer {
  status: number | string;
  retryAfter?: string | undefined;
  took: number;
}

/** One request of its own connection, however long it takes. */
const ask = (name: Name): Promise<Answer> => {
  const start = performance.now();
  const took = (): number => performance.now() - start;
  return new Promise((resolve) => {
    const request = get({ host: testEngine().address, port: ports[name], agent: false, timeout: 30_000 }, (answer) => {
      answer.resume();
      answer.on('close', () =>
        resolve({ status: answer.statusCode ?? 0, retryAfter: answer.headers['retry-after'], took: took() }),
      );
    });
    request.on('timeout', () => request.destroy(new Error('no answer in 30 s')));
    request.on('error', (error) => resolve({ status: error.message, took: took() }));
  });
};
const reloads = async (): Promise<number> =>
  (await test.app.api.calls['traffic.get']({ service: `${stack}/cold` }, caller)).gateway.reloads;
const many = (name: Name): Promise<Answer[]> => Promise.all(Array.from({ length: 20 }, () => ask(name)));
const scaling = (name: Name): Promise<AutoscaleView> =>
  test.app.api.calls['autoscale.get']({ service: `${stack}/${name}` }, caller);
const atRest = async (name: Name): Promise<boolean> => {
  const now = await test.view(name);
  return now.words.code === 'service.resting' && now.replicaList.length === 0;
};
const allRest = async (): Promise<boolean> =>
  (await atRest('cold')) &&
  (await atRest('warm')) &&
  (await atRest('slow')) &&
  (await atRest('short')) &&
  (await test.view('warm')).spares?.warm === 1;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'pilothouse-zero-'));
  engine = await connect({ endpoint: testEngine().dockerHost });
  test = await startApp({ engine, stack, home });
  await test.apply(text);
}, 60_000);

afterAll(async () => {
  await test.end();
  engine.dispose();
  rmSync(home, { recursive: true, force: true });
}, 60_000);

it('goes to zero when nobody asks, as nothing to worry about, and says why', async () => {
  const took = await test.until('all at rest', allRest);
  figure('rest', `four services of idle_after 1.5 s at rest ${Math.round(took)} ms after they were applied`);
  expect(await test.view('cold')).toMatchObject({ health: 'off', replicas: 0, stopped: false });
  const { decisions, words, rest } = await scaling('cold');
  expect(decisions[0]).toMatchObject({ from: 1, to: 0, words: { code: 'autoscale.idle' } });
  expect([words.code, rest]).toEqual(['autoscale.atRest', { idleAfter: 1500, hold: 20_000 }]);
});

it.each(['cold', 'warm'] as const)('%s: the first twenty requests wait and are all answered', async (name) => {
  const answers = await many(name);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  const [first = 0, last = 0] = [Math.min, Math.max].map((pick) => pick(...answers.map(({ took }) => took)));
  figure(
    'wake',
    `${name}: 20 first requests, the first answered after ${Math.round(first)} ms, the last ${Math.round(last)} ms`,
  );
  expect((await scaling(name)).decisions[0]).toMatchObject({ from: 0, to: 1, words: { code: 'autoscale.woken' } });
});

it('does not rest while a connection is open', async () => {
  const socket = dial({ host: testEngine().address, port: ports.warm });
  const closed = new Promise((resolve) => socket.once('close', resolve));
  await new Promise((resolve) => socket.once('connect', resolve));
  await test.until('the others at rest', () => atRest('cold'));
  await new Promise((resolve) => setTimeout(resolve, 2500));
  expect(await test.view('warm')).toMatchObject({ replicas: 1, ready: 1 });
  socket.destroy();
  await closed;
  await test.until('at rest again', allRest);
});

it('a new port, for which the gateway is reloaded, waits until those who wait are answered', async () => {
  const before = await reloads();
  const waiting = many('slow');
  await new Promise((resolve) => setTimeout(resolve, 300));
  await test.apply(text + service('late'));
  expect(new Set((await waiting).map(({ status }) => status))).toEqual(new Set([200]));
  await test.until('the new port', async () => (await reloads()) > before && (await ask('late')).status === 200);
});

it('nobody wakes it while the app is closed: who waits is turned away in time, or woken for when it is back', async () => {
  await test.stop();
  const refused = await ask('short');
  expect(refused).toMatchObject({ status: 503, retryAfter: '5' });
  const waiting = [ask('cold'), ask('warm')];
  await new Promise((resolve) => setTimeout(resolve, 500));
  test = await startApp({ engine, stack, home });
  const answers = await Promise.all(waiting);
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  figure(
    'wake',
    `503 after ${Math.round(refused.took)} ms; app back: answered after ${answers.map(({ took }) => Math.round(took)).join(' and ')} ms`,
  );
});
