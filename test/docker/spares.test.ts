/** Warm spares on a real engine: they sleep outside their networks, wake in place of a cold start, and are never routed to. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ContainerDetail } from '../../src-main/core/engine';
import { connect, type DockerEngine } from '../../src-main/engine/docker';
import { testEngine, testImages } from '../support/engine';
import { figure, load as steady, startApp, type Load, type TestApp } from './app-kit';

const stack = `warm${process.pid}`;
const port = 20_000 + ((process.pid + 4200) % 9000);
const spares = 4;

let home: string;
let engine: DockerEngine;
let test: TestApp;

const text = (count: number): string => `
name: ${stack}
services:
  web:
    image: ${testImages.demoApp}
    environment: { LOG_RATE: '0' }
    ports: ['${port}:8080']
    stop_grace_period: 1s
    x-pilothouse:
      warm_spares: ${count}
      traffic: { mode: http }
      probes: { readiness: { http: { port: 8080, path: /healthz }, period: 200ms } }
`;

const warm = async (replicas: number): Promise<boolean> =>
  (await test.settled('web', replicas)) && (await test.view('web')).spares?.warm === spares;
const all = async (): Promise<ContainerDetail[]> => {
  const rows = await engine.list({ labels: { 'io.pilothouse.stack': stack } });
  return (await Promise.all(rows.map(({ id }) => engine.inspect(id)))).flatMap((one) => one ?? []);
};
const load = (): Load => steady(50, { port, from: (_answer, body) => /"hostname":\s*"([^"]+)"/.exec(body)?.[1] });

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'pilothouse-spares-'));
  engine = await connect({ endpoint: testEngine().dockerHost });
  test = await startApp({ engine, stack, home });
  await test.apply(text(spares));
  await test.until('four asleep', () => warm(1));
}, 90_000);

afterAll(async () => {
  await test.end();
  engine.dispose();
  rmSync(home, { recursive: true, force: true });
}, 60_000);

it('spares sleep in no network, and are neither replicas nor routed', async () => {
  const asleep = (await all()).filter(({ state }) => state === 'paused');
  expect(asleep).toHaveLength(spares);
  for (const one of asleep) expect(Object.keys(one.networks)).toEqual([]);
  expect(await test.view('web')).toMatchObject({ ready: 1, health: 'ok', spares: { wanted: spares, warm: spares } });
  const flow = load();
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await flow.stop();
  expect([flow.failed, flow.answers.size]).toEqual([[], 1]);
});

it('they wake when the service grows, serve, and are made anew', async () => {
  const before = new Set((await all()).map(({ id }) => id));
  const flow = load();
  await test.scale('web', 1 + spares);
  const ready = await test.until('all ready', async () => (await test.view('web')).ready === 1 + spares);
  const serving = (await test.view('web')).replicaList;
  // Not one of them is a cold start.
  expect(serving.every(({ container }) => before.has(container?.id ?? ''))).toBe(true);
  const routed = await test.until('all answer', () => Promise.resolve(flow.answers.size === 1 + spares));
  await test.until('new ones asleep', () => warm(1 + spares));
  await flow.stop();
  expect(flow.failed).toEqual([]);
  // By the service's name the woken are found, and they alone.
  const [client] = serving;
  const network = `${stack}_default`;
  for (const one of (await all()).filter(({ state }) => state === 'running'))
    expect(Object.keys(one.networks)).toEqual([network]);
  const found = await engine.exec(client?.container?.id ?? '', ['nslookup', 'web'], { timeout: 5000 });
  if (found.exitCode === 0) expect(new Set(found.output.match(/\b10\.\d+\.\d+\.\d+\b/g)).size).toBe(1 + spares);
  figure(
    'warm spares',
    `1 → ${1 + spares}: ready after ${Math.round(ready)} ms, all answered ${Math.round(routed)} ms later`,
  );
});

it('one takes the place of a replica that was removed', async () => {
  await test.until('asleep', () => warm(1 + spares));
  const [victim] = (await test.view('web')).replicaList;
  const before = new Set((await all()).map(({ id }) => id));
  await engine.remove(victim?.container?.id ?? '', { force: true, anonymousVolumes: true });
  const healed = async (): Promise<boolean> => {
    const now = await test.view('web');
    return now.ready === 1 + spares && now.replicaList.every((one) => one.container?.id !== victim?.container?.id);
  };
  const took = await test.until('it is replaced', healed);
  expect((await test.view('web')).replicaList.every(({ container }) => before.has(container?.id ?? ''))).toBe(true);
  figure('warm spares', `removed replica replaced after ${Math.round(took)} ms`);
});

it('they survive the app, and go when they are not wanted', async () => {
  await test.until('asleep', () => warm(1 + spares));
  const before = (await all()).map(({ id, state }) => `${id} ${state}`).sort();
  await test.stop();
  test = await startApp({ engine, stack, home });
  await test.until('adopted', () => warm(1 + spares));
  expect((await all()).map(({ id, state }) => `${id} ${state}`).sort()).toEqual(before);
  await test.apply(text(0));
  await test.until('gone', async () => (await all()).length === 1 + spares);
  expect((await test.view('web')).spares).toBeUndefined();
});
