/** Two real engines as the nodes of one app: replicas shared, a drain, data that stays where it is, an engine that dies and comes back. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp, type App } from '../../src-main/app';
import { systemClock } from '../../src-main/app/clock';
import { seeded } from '../../src-main/base/random';
import type { ServiceView } from '../../src-main/contract/nouns';
import { connect, type DockerEngine } from '../../src-main/engine/docker';
import { startPrivateEngine, testEngine, type PrivateEngine } from '../support/engine';
import { caller, onlyEngine } from '../support/app';
import { gatewayGone, load, waitUntil } from './app-kit';

const stack = `no${process.pid}`;
const web = `${stack}/web`;
const db = `${stack}/db`;

let home: string;
let app: App;
let engine: DockerEngine;
let second: PrivateEngine;
let other: DockerEngine;

/** Two services that need no names of each other; the data is first made on the second node. */
const compose = (constraint = ''): string => `
name: ${stack}
services:
  web:
    image: busybox:latest
    command: [sh, -c, 'trap exit TERM; echo here $$HOSTNAME; while true; do sleep 1 & wait $$!; done']
    networks: [front]
    deploy: { replicas: 4 }
  db:
    image: busybox:latest
    command: [sh, -c, 'trap exit TERM; test -e /data/kept || hostname > /data/kept; while true; do sleep 1 & wait $$!; done']
    networks: [back]
    volumes: ['data:/data']
    ${constraint}
networks: { front: {}, back: {} }
volumes: { data: {} }
`;

const calls = (): App['api']['calls'] => app.api.calls;
const view = (service: string): Promise<ServiceView> => calls()['services.get']({ service }, caller);
const apply = (text: string): Promise<unknown> =>
  calls()['stacks.apply']({ source: { files: [{ name: 'compose.yaml', text }] }, name: stack }, caller);

/** Names of a service's running containers on an engine, asked of the engine itself. */
async function running(on: DockerEngine, service: string): Promise<string[]> {
  const [project, name] = service.split('/');
  const rows = await on.list({ labels: { 'io.pilothouse.stack': project ?? '', 'io.pilothouse.service': name ?? '' } });
  return rows.filter(({ state }) => state === 'running').map((row) => row.name);
}
const both = async (service: string): Promise<string[]> => [
  ...(await running(engine, service)),
  ...(await running(other, service)),
];
const until = (what: string, holds: () => Promise<boolean>): Promise<number> =>
  waitUntil(what, holds, {
    tell: async () => ({
      web: (await view(web)).replicaList.map(({ id, node, state, words }) => ({ id, node, state, words })),
      db: (await view(db)).replicaList.map(({ id, node, state, words }) => ({ id, node, state, words })),
      nodes: await calls()['nodes.list']({}, caller),
    }),
  });

beforeAll(async () => {
  // Before Docker 24 the id of a daemon is its machine's; two on one machine need a key each.
  const old = Number(/version (\d+)/.exec(execFileSync('dockerd', ['--version']).toString())?.[1]) < 24;
  home = mkdtempSync(join(tmpdir(), 'pilothouse-nodes-'));
  const settings = join(home, 'daemon.json');
  writeFileSync(settings, JSON.stringify(old ? { 'deprecated-key-path': join(home, 'second-key.json') } : {}));
  second = await startPrivateEngine({
    name: `nodes-${process.pid}`,
    hostNetwork: false,
    daemonArguments: ['--config-file', settings],
  });
  engine = await connect({ endpoint: testEngine().dockerHost });
  other = await connect({ endpoint: second.dockerHost });
  app = await createApp({
    home: join(home, 'app'),
    version: 'test',
    socket: '',
    clock: systemClock,
    random: seeded(process.pid),
    log: (level, message, fields) => {
      if (level === 'error') process.stdout.write(`${level} ${message} ${JSON.stringify(fields)}\n`);
    },
    engines: onlyEngine(engine),
  });
  await app.start();
  await waitUntil('the engine', async () => (await calls()['nodes.list']({}, caller)).length === 1);
}, 120_000);

afterAll(async () => {
  if (app) {
    await calls()
      ['stacks.remove']({ stack, volumes: true }, caller)
      .catch(() => undefined);
    const gone = async (): Promise<boolean> => (await calls()['stacks.list']({}, caller)).length === 0;
    await waitUntil('the stack to go', gone, { limit: 60_000 }).catch(() => undefined);
    if (engine) await gatewayGone(engine).catch(() => undefined);
    await app.stop();
  }
  other?.dispose();
  engine?.dispose();
  await second?.stop();
  if (home) rmSync(home, { recursive: true, force: true });
}, 120_000);

describe('two engines', () => {
  it('are joined after a test that says what is wrong', async () => {
    const missing = calls()['nodes.test']({ endpoint: 'unix:///nowhere/docker.sock' }, caller);
    await expect(missing).rejects.toMatchObject({ problem: { code: 'engine-away' } });
    const plain = calls()['nodes.test']({ endpoint: 'tcp://192.0.2.1:2375' }, caller);
    await expect(plain).rejects.toThrow(/not encrypted/);
    const itself = calls()['nodes.add']({ endpoint: testEngine().dockerHost }, caller);
    await expect(itself).rejects.toMatchObject({ problem: { code: 'conflict' } });
    expect(await calls()['nodes.test']({ endpoint: second.dockerHost }, caller)).toMatchObject({ kind: 'docker' });
    await calls()['nodes.add'](
      { endpoint: second.dockerHost, name: 'second', labels: { disk: 'ssd' }, address: second.address },
      caller,
    );
    await waitUntil('the second node', async () => {
      const nodes = await calls()['nodes.list']({}, caller);
      return nodes.length === 2 && nodes.every(({ state }) => state === 'ready');
    });
    await calls()['nodes.update']({ node: 'second', grace: 5000 }, caller);
  });

  it('share the replicas, and tell their lines and figures', async () => {
    await apply(compose('deploy: { placement: { constraints: ["node.labels.disk == ssd"] } }'));
    await until('four replicas', async () => (await view(web)).ready === 4 && (await view(db)).ready === 1);
    expect((await running(engine, web)).length).toBeGreaterThan(0);
    expect((await running(other, web)).length).toBeGreaterThan(0);
    expect(await both(web)).toHaveLength(4);
    expect(await running(other, db)).toHaveLength(1);
    expect((await engine.volumes()).map(({ name }) => name)).not.toContain(`${stack}_data`);
    const query = { scope: { services: [web] }, query: '', limit: 50 };
    await until('a line of every replica', async () => {
      const { lines } = await calls()['logs.page'](query, caller);
      return new Set(lines.map(({ text }) => text)).size === 4;
    });
  });

  it('are both reached through one port: the gateway leads to what the second publishes', async () => {
    const front = 21_000 + (process.pid % 9000);
    const name = `${stack}g`;
    const text = `
name: ${name}
services:
  app:
    image: pilothouse/demo-app:1
    environment: { LOG_RATE: '0' }
    ports: ['${front}:8080']
    deploy: { replicas: 4, placement: { max_replicas_per_node: 2 } }
    x-pilothouse:
      probes: { readiness: { http: { port: 8080, path: /healthz }, period: 300ms } }
      traffic: { mode: http }
`;
    await calls()['stacks.apply']({ source: { files: [{ name: 'compose.yaml', text }] }, name }, caller);
    const app = `${name}/app`;
    await waitUntil('four ready ones', async () => (await view(app)).ready === 4, { tell: () => view(app) });
    const nodes = (await view(app)).replicaList.map(({ node }) => node);
    expect(new Set(nodes).size).toBe(2);
    const from = (_: unknown, body: string): string | undefined => /"hostname":\s*"([^"]+)"/.exec(body)?.[1];
    const lead = load(50, { port: front, from });
    await waitUntil('answers of every replica', () => Promise.resolve(lead.answers.size === 4), {
      limit: 30_000,
      tell: async () => ({
        failed: lead.failed.slice(-3),
        flow: await calls()['traffic.get']({ service: app }, caller),
      }),
    }).finally(() => lead.stop());
    await calls()['stacks.remove']({ stack: name, volumes: true }, caller);
    const gone = async (): Promise<boolean> =>
      !(await calls()['stacks.list']({}, caller)).some((one) => one.name === name);
    await waitUntil('its end', gone, { limit: 60_000 });
  });

  it('a drained one gives its replicas away, never fewer than all of them serving; data stays', async () => {
    await apply(compose());
    const plan = await calls()['nodes.planDrain']({ node: 'second' }, caller);
    expect(plan.map(({ service, moves, words }) => [service, moves, words.code])).toEqual([
      [db, false, 'replica.dataKept'],
      [web, true, 'drain.moves'],
    ]);
    await calls()['nodes.update']({ node: 'second', availability: 'drain' }, caller);
    let least = 9;
    await until('the drain', async () => {
      least = Math.min(least, (await both(web)).length);
      return (await running(other, web)).length === 0 && (await view(web)).ready === 4;
    });
    expect(least).toBeGreaterThanOrEqual(4);
    expect(await running(engine, web)).toHaveLength(4);
    expect(await running(other, db)).toHaveLength(1);
    await calls()['nodes.update']({ node: 'second', availability: 'active' }, caller);
  });

  it('one that dies is replaced, data is waited for, and nothing is doubled when it is back', async () => {
    await calls()['services.scale']({ service: web, replicas: 6 }, caller);
    await until('replicas on both again', async () => (await both(web)).length === 6 && (await view(web)).ready === 6);
    expect((await running(other, web)).length).toBeGreaterThan(0);
    await second.kill();
    await until('its replicas elsewhere', async () => (await running(engine, web)).length === 6);
    await until('the reason of the data', async () => {
      const [replica] = (await view(db)).replicaList;
      return replica?.words.code === 'replica.dataAway';
    });
    expect(await running(engine, db)).toEqual([]);
    expect((await engine.volumes()).map(({ name }) => name)).not.toContain(`${stack}_data`);
    await second.start();
    await until('one of each', async () => {
      const names = await both(web);
      return (await running(other, db)).length === 1 && names.length === 6 && (await view(db)).ready === 1;
    });
    expect(await running(other, web)).toEqual([]);
    const slots = (await both(web)).map((name) => name.split('.')[2]);
    expect(new Set(slots).size).toBe(6);
    const [id] = (await other.list({ labels: { 'io.pilothouse.service': 'db' } })).map((row) => row.id);
    const kept = await other.exec(id ?? '', ['cat', '/data/kept']);
    expect(kept.exitCode).toBe(0);
    const kinds = (await calls()['events.list']({ kinds: ['node.'], limit: 50 }, caller)).map(({ kind }) => kind);
    expect(kinds).toEqual(expect.arrayContaining(['node.joined', 'node.drained', 'node.away', 'node.back']));
  });
});
