/** Strategies, weights and routes behind a real HAProxy on a real engine, under a load that counts every failed request. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { App } from '../../src-main/app';
import { systemClock } from '../../src-main/app/clock';
import { seeded } from '../../src-main/base/random';
import type { TrafficView } from '../../src-main/contract/api/traffic';
import type { ServiceView } from '../../src-main/contract/nouns';
import { connect, type DockerEngine } from '../../src-main/engine/docker';
import { testEngine } from '../support/engine';
import { appOver, caller } from '../support/app';
import { gatewayGone, type Load, load as steady, waitUntil } from './app-kit';

const stack = `st${process.pid}`;
const port = 20_000 + ((process.pid + 5000) % 10_000);
const service = `${stack}/web`;

let home: string;
let app: App;
let engine: DockerEngine;

async function launch(): Promise<void> {
  app = await appOver(engine, {
    home,
    clock: systemClock,
    random: seeded(process.pid),
    log: (level, message, fields) => {
      if (level === 'error' || message.startsWith('gateway'))
        process.stdout.write(`${level} ${message} ${JSON.stringify(fields)}\n`);
    },
  });
  await app.start();
  const source = { files: [{ name: 'compose.yaml', text: compose({}) }] };
  await until(
    'the engine',
    async () => (await app.api.calls['stacks.plan']({ source, name: stack }, caller)).token !== '',
  );
}

/** Four replicas behind the gateway; what the cases change. */
function compose(options: { version?: number; rollout?: string; environment?: string; action?: string }): string {
  const { version = 1, rollout = 'strategy: rolling', environment = '', action = 'pause' } = options;
  return `
name: ${stack}
services:
  web:
    image: pilothouse/demo-app:${version}
    environment: { LOG_RATE: '0'${environment} }
    ports: ['${port}:8080']
    stop_grace_period: 3s
    deploy:
      replicas: 4
      update_config: { order: start-first, parallelism: 1, monitor: 1s, failure_action: ${action} }
    x-pilothouse:
      rollout: { ${rollout} }
      probes:
        readiness: { http: { port: 8080, path: /healthz }, period: 300ms }
        liveness: { http: { port: 8080, path: /healthz }, period: 300ms, failure_threshold: 3 }
      traffic: { mode: http, route: { port: 8080 } }
`;
}

async function apply(text: string): Promise<void> {
  await app.api.calls['stacks.apply']({ source: { files: [{ name: 'compose.yaml', text }] }, name: stack }, caller);
}
const view = (): Promise<ServiceView> => app.api.calls['services.get']({ service }, caller);
const traffic = (): Promise<TrafficView> => app.api.calls['traffic.get']({ service }, caller);

const until = (what: string, holds: () => Promise<boolean>, limit?: number): Promise<number> => {
  const tell = async (): Promise<unknown> => {
    const [now, flow] = [await view().catch(() => undefined), await traffic().catch(() => undefined)];
    return { now, flow };
  };
  return waitUntil(what, holds, { tell, ...(limit === undefined ? {} : { limit }) });
};

/** Told apart by the version that answered. */
const load = (rate: number, options: { path?: string } = {}): Load =>
  steady(rate, { port, keepAlive: true, ...options, from: (answer) => String(answer.headers['x-version']) });

const gatewayId = async (): Promise<string> => (await traffic()).gateway.container?.id ?? '';
const settled = async (replicas: number): Promise<boolean> => {
  const [now, flow] = [await view(), await traffic()];
  const good = flow.replicas.filter((one) => one.state === 'ready').length === replicas;
  return (
    now.health === 'ok' &&
    now.ready === replicas &&
    now.replicaList.length === replicas &&
    good &&
    !flow.ports[0]?.problem
  );
};

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'pilothouse-strategies-'));
  engine = await connect({ endpoint: testEngine().dockerHost });
  await launch();
}, 60_000);

afterAll(async () => {
  await app.api.calls['stacks.remove']({ stack, volumes: true }, caller).catch(() => {});
  await until(
    'the end of the stack',
    async () => (await engine.list({ labels: { 'io.pilothouse.stack': stack } })).length === 0,
  );
  await gatewayGone(engine);
  await app.stop();
  engine.dispose();
  rmSync(home, { recursive: true, force: true });
}, 120_000);

const rollout = async (): Promise<string | undefined> => (await view()).rollout?.state;
const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

describe('strategies behind the gateway', () => {
  it('a host route leads to the service', async () => {
    await apply(compose({}));
    await until('four replicas behind the gateway', () => settled(4));
    const [route] = (await traffic()).routes;
    expect(route?.url).toBe(`http://web.${stack}.localhost`);
    // The route listens on the loopback address of the engine's machine.
    const ask = (host: string): Promise<{ exitCode: number; output: string }> =>
      gatewayId().then((id) =>
        engine.exec(id, ['wget', '-qO-', '--header', `Host: ${host}`, 'http://127.0.0.1/'], { timeout: 5000 }),
      );
    expect((await ask(`web.${stack}.localhost`)).output).toContain('"hostname"');
    expect((await ask('nobody.localhost')).exitCode).not.toBe(0);
  });

  it('a canary gets its share, waits, and is promoted without a failed request', async () => {
    const steps = 'strategy: canary, steps: [{ weight: 20 }]';
    await apply(compose({ version: 2, rollout: steps }));
    await until('the canary', async () => (await view()).rollout?.waits === true);
    await pause(500);
    const flow = load(200);
    await pause(4000);
    const [one, two] = [flow.answers.get('1') ?? 0, flow.answers.get('2') ?? 0];
    process.stdout.write(`canary at 20 %: ${two} of ${one + two} requests\n`);
    expect(two / (one + two)).toBeGreaterThan(0.12);
    expect(two / (one + two)).toBeLessThan(0.28);
    await app.api.calls['rollouts.promote']({ service }, caller);
    await until('the end', async () => (await rollout()) === 'done' && (await settled(4)));
    await flow.stop();
    expect(flow.failed).toEqual([]);
  });

  it('blue-green switches all at once without a failed request', async () => {
    const flow = load(200);
    await apply(compose({ version: 1, rollout: 'strategy: blue-green' }));
    await until('the end', async () => (await rollout()) === 'done' && (await settled(4)));
    await flow.stop();
    process.stdout.write(`blue-green: ${flow.sent} requests, ${flow.failed.length} failed\n`);
    expect(flow.failed).toEqual([]);
  });

  it('a bad revision goes back by itself under load without a failed request', async () => {
    const revision = (await view()).revision;
    const flow = load(200);
    await apply(compose({ version: 2, environment: ", FAIL_AFTER: '0'", action: 'rollback' }));
    await until('the way back', async () => (await rollout()) === 'rolled-back' && (await settled(4)));
    await flow.stop();
    process.stdout.write(`bad revision: ${flow.sent} requests, ${flow.failed.length} failed\n`);
    expect(flow.failed).toEqual([]);
    expect((await view()).revision).toBe(revision);
  });

  it('weights and drains by hand outlive a restart of the app', async () => {
    const [first, second] = (await traffic()).replicas;
    await app.api.calls['traffic.drain']({ replica: first?.replica ?? '', drained: true }, caller);
    await app.api.calls['traffic.weight']({ replica: second?.replica ?? '', weight: 25 }, caller);
    await app.stop();
    await launch();
    await until('as it was', async () => {
      const [one, two] = (await traffic()).replicas;
      return one?.byHand === true && one.state === 'draining' && two?.weight === 25;
    });
  });
});
