/** The gateway on a real engine with a real HAProxy: the whole app without a window, and a load that counts every failed request. */
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

const stack = `gw${process.pid}`;
const port = 20_000 + (process.pid % 10_000);
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
  const source = { files: [{ name: 'compose.yaml', text: compose() }] };
  await until(
    'the engine',
    async () => (await app.api.calls['stacks.plan']({ source, name: stack }, caller)).token !== '',
  );
}

/** One compose file; `version` of the demo app is what a rollout changes. */
function compose(options: { version?: number; replicas?: number; mode?: 'tcp' | 'http'; port?: number } = {}): string {
  const { version = 1, replicas = 3, mode } = options;
  return `
name: ${stack}
services:
  web:
    image: pilothouse/demo-app:${version}
    environment: { LOG_RATE: '0' }
    ports: ['${options.port ?? port}:8080']
    stop_grace_period: 3s
    deploy:
      replicas: ${replicas}
      update_config: { order: start-first, parallelism: 2, monitor: 1s, failure_action: pause }
${mode ? `    x-pilothouse: { traffic: { mode: ${mode} } }` : ''}
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

/** The demo app tells its host's name: which replica answered. */
const load = (rate: number, options: { keepAlive?: boolean; to?: number } = {}): Load => {
  const { keepAlive = false, to = port } = options;
  return steady(rate, { port: to, keepAlive, from: (_answer, body) => /"hostname":\s*"([^"]+)"/.exec(body)?.[1] });
};

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
  home = mkdtempSync(join(tmpdir(), 'pilothouse-gateway-'));
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

describe('gateway', () => {
  it('publishes one fixed port over all replicas, and follows 3 → 8 → 2 without a failed request', async () => {
    await apply(compose({ replicas: 3 }));
    await until('three replicas behind the gateway', () => settled(3));
    const flow = load(100);
    await app.api.calls['services.scale']({ service, replicas: 8 }, caller);
    await until('eight', () => settled(8));
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(flow.answers.size).toBe(8);
    await app.api.calls['services.scale']({ service, replicas: 2 }, caller);
    await until('two', () => settled(2));
    await flow.stop();
    process.stdout.write(`scale 3 → 8 → 2: ${flow.sent} requests, ${flow.failed.length} failed\n`);
    expect(flow.failed).toEqual([]);
    const shown = await traffic();
    expect(shown.behind).toBe('gateway');
    expect(shown.gateway.reloads).toBeLessThanOrEqual(2);
  });

  it('measures requests and times of each replica', async () => {
    const flow = load(100);
    await new Promise((resolve) => setTimeout(resolve, 4000));
    const shown = await traffic();
    await flow.stop();
    expect(shown.requests).toBeGreaterThan(40);
    expect(shown.replicas.every((one) => one.requests > 5 && one.p95 !== undefined)).toBe(true);
    expect(shown.replicas.reduce((sum, one) => sum + one.share, 0)).toBeCloseTo(1, 5);
  });

  it('weighs and drains by hand', async () => {
    const [first, second] = (await traffic()).replicas;
    await app.api.calls['traffic.drain']({ replica: first?.replica ?? '', drained: true }, caller);
    expect((await traffic()).replicas[0]).toMatchObject({ byHand: true, state: 'draining' });
    const flow = load(50);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await flow.stop();
    expect(flow.answers.size).toBe(1);
    expect(flow.failed).toEqual([]);
    await app.api.calls['traffic.drain']({ replica: first?.replica ?? '', drained: false }, caller);
    await app.api.calls['traffic.weight']({ replica: second?.replica ?? '', weight: 25 }, caller);
    await until('both again', async () => (await traffic()).replicas.every((one) => one.state === 'ready'));
    const weighed = load(100);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    await weighed.stop();
    expect(weighed.failed).toEqual([]);
    const counts = [...weighed.answers.values()].sort((one, other) => other - one);
    // 100 : 25
    expect((counts[0] ?? 0) / (counts[1] ?? 1)).toBeGreaterThan(3);
    expect((counts[0] ?? 0) / (counts[1] ?? 1)).toBeLessThan(5);
    await app.api.calls['traffic.weight']({ replica: second?.replica ?? '', weight: 100 }, caller);
  });

  it('rolls ten replicas under 200 requests a second without a failed one', async () => {
    await apply(compose({ replicas: 10, mode: 'http' }));
    await until('ten', () => settled(10), 120_000);
    const flow = load(200, { keepAlive: true });
    await apply(compose({ replicas: 10, mode: 'http', version: 2 }));
    await until(
      'the new revision',
      async () => (await view()).rollout?.state === 'done' && (await settled(10)),
      170_000,
    );
    await flow.stop();
    process.stdout.write(`rolling 10 replicas: ${flow.sent} requests, ${flow.failed.length} failed\n`);
    expect(flow.failed).toEqual([]);
    // How many there are says only how long it took; enough of them make the word of the line above.
    expect(flow.sent).toBeGreaterThan(300);
  }, 300_000);

  it('takes a killed replica out at once', async () => {
    const flow = load(100);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const victim = (await view()).replicaList[0];
    await engine.kill(victim?.container?.id ?? '', 'SIGKILL');
    const took = await until(
      'out',
      async () => (await traffic()).replicas.find((one) => one.replica === victim?.id)?.state !== 'ready',
    );
    await until('ten again', () => settled(10));
    await flow.stop();
    process.stdout.write(
      `replica killed: out after ${Math.round(took)} ms; ${flow.sent} requests, ${flow.failed.length} failed\n`,
    );
    expect(took).toBeLessThan(15_000);
    // Requests that were inside it when it died are lost whatever anybody does.
    expect(flow.failed.length).toBeLessThanOrEqual(2);
  });

  it('goes on while the app is closed, and is taken over by the next start without a reload', async () => {
    const id = await gatewayId();
    await app.stop();
    const flow = load(50);
    await new Promise((resolve) => setTimeout(resolve, 1000));
    await launch();
    await until('adopted', () => settled(10));
    await flow.stop();
    expect(flow.failed).toEqual([]);
    expect(await gatewayId()).toBe(id);
    expect((await traffic()).gateway.reloads).toBe(0);
  });
});
