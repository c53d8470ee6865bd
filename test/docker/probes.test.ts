/** Probes on a real engine: the whole app without a window, containers dialled at their own addresses. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { App } from '../../src-main/app';
import { systemClock } from '../../src-main/app/clock';
import { seeded } from '../../src-main/base/random';
import type { ServiceView } from '../../src-main/contract/nouns';
import { connect, type DockerEngine } from '../../src-main/engine/docker';
import { testEngine } from '../support/engine';
import { appOver, caller } from '../support/app';

const stack = `probe${process.pid}`;
let home: string;
let app: App;
let engine: DockerEngine;

const compose = `
name: ${stack}
services:
  web:
    image: pilothouse/demo-app:1
    environment: { LOG_RATE: '0', START_DELAY: '2' }
    stop_grace_period: 1s
    x-pilothouse:
      probes:
        startup: { tcp: { port: 8080 }, period: 500ms, failure_threshold: 40 }
        readiness: { http: { port: 8080, path: /healthz }, period: 500ms, failure_threshold: 1 }
  box:
    image: busybox:latest
    command: ['sh', '-c', 'touch /tmp/well; exec sleep 600']
    init: true
    stop_grace_period: 1s
    x-pilothouse:
      probes:
        liveness: { exec: { command: ['test', '-e', '/tmp/well'] }, period: 500ms, failure_threshold: 2 }
`;

const view = (name: string): Promise<ServiceView> =>
  app.api.calls['services.get']({ service: `${stack}/${name}` }, caller);

async function until(what: string, holds: () => Promise<boolean>, limit = 60_000): Promise<void> {
  const start = performance.now();
  while (!(await holds().catch(() => false))) {
    if (performance.now() - start > limit)
      throw new Error(`${what} did not come: ${JSON.stringify([await view('web'), await view('box')]).slice(0, 4000)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'pilothouse-probes-'));
  engine = await connect({ endpoint: testEngine().dockerHost });
  app = await appOver(engine, {
    home,
    clock: systemClock,
    random: seeded(process.pid),
  });
  await app.start();
  const source = { files: [{ name: 'compose.yaml', text: compose }] };
  await until('the engine', async () => {
    await app.api.calls['stacks.apply']({ source }, caller);
    return true;
  });
}, 60_000);

afterAll(async () => {
  await app.api.calls['stacks.remove']({ stack, volumes: true }, caller).catch(() => {});
  await until(
    'the end of the stack',
    async () => (await engine.list({ labels: { 'io.pilothouse.stack': stack } })).length === 0,
  ).catch(() => {});
  await app.stop();
  engine.dispose();
  rmSync(home, { recursive: true, force: true });
}, 90_000);

it('starting, ready, not ready and ready again, as the container answers', async () => {
  await until('a failing startup probe', async () => {
    const replica = (await view('web')).replicaList[0];
    return replica?.state === 'starting' && replica.words.code === 'replica.startupFails';
  });
  await until('ready', async () => (await view('web')).health === 'ok');
  const first = (await view('web')).replicaList[0];
  const address = Object.values(first?.addresses ?? {})[0] ?? '';
  await fetch(`http://${address}:8080/fail?on=1`);
  await until('not ready', async () => (await view('web')).replicaList[0]?.words.code === 'replica.readinessFails');
  const why = await app.api.calls['services.explain']({ service: `${stack}/web` }, caller);
  expect(why.evidence.some((one) => one.text === 'status 503')).toBe(true);
  await fetch(`http://${address}:8080/fail?on=0`);
  await until('ready again', async () => (await view('web')).health === 'ok');
  // Readiness restarts nothing.
  expect((await view('web')).replicaList[0]?.container?.id).toBe(first?.container?.id);
});

it('a failing liveness probe replaces the container', async () => {
  await until('ready', async () => (await view('box')).health === 'ok');
  const before = (await view('box')).replicaList[0]?.container?.id ?? '';
  await engine.exec(before, ['rm', '/tmp/well']);
  await until('another container', async () => {
    const now = (await view('box')).replicaList[0];
    return now?.state === 'ready' && now.container?.id !== before;
  });
  const events = await app.api.calls['events.list']({ limit: 200 }, caller);
  expect(events.some((event) => event.kind === 'replica.unhealthy' && event.service === `${stack}/box`)).toBe(true);
});
