/**
 * Adoption on a real engine: a project that the real Docker Compose started is taken over by the whole app without a window, keeps every
 * container and its process, heals and scales from then on, and is let go of again untouched.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { App } from '../../src-main/app';
import { systemClock } from '../../src-main/app/clock';
import { seeded } from '../../src-main/base/random';
import { connect, type DockerEngine } from '../../src-main/engine/docker';
import { ensureCompose } from '../machine/compose.mjs';
import { capture } from '../machine/processes.mjs';
import { testEngine } from '../support/engine';
import { engineKit, uniqueName } from './engine-kit';
import { appOver, caller } from '../support/app';
import { waitUntil } from './app-kit';

const compose: string[] | undefined = ensureCompose();
const project = `adopt${process.pid}`;
const folder = mkdtempSync(join(tmpdir(), 'pilothouse-adopt-'));
const kit = engineKit();
let app: App;
let engine: DockerEngine;

function runCompose(...words: string[]): void {
  const [program = '', ...first] = compose ?? [];
  const { code, stderr } = capture(program, [...first, '-p', project, ...words], {
    cwd: join(folder, 'project'),
    env: { PATH: process.env['PATH'], HOME: folder, DOCKER_HOST: testEngine().dockerHost },
    timeoutMs: 120_000,
  });
  if (code !== 0) throw new Error(`compose ${words.join(' ')}: ${stderr}`);
}

beforeAll(async () => {
  engine = await connect({ endpoint: testEngine().dockerHost });
  app = await appOver(engine, {
    home: join(folder, 'home'),
    clock: systemClock,
    random: seeded(process.pid),
  });
  await app.start();
  await waitUntil('the engine', async () => Array.isArray(await app.api.calls['containers.foreign']({}, caller)));
});

afterAll(async () => {
  await app.stop();
  if (compose) runCompose('down', '--volumes', '--timeout', '1');
  engine.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const idsOf = async (): Promise<Map<string, { id: string; pid: number | undefined }>> => {
  const rows = (await engine.list()).filter((row) => row.labels['com.docker.compose.project'] === project);
  const details = await Promise.all(rows.map((row) => engine.inspect(row.id)));
  return new Map(details.flatMap((one) => (one ? [[one.name, { id: one.id, pid: one.pid }]] : [])));
};

describe.runIf(compose !== undefined)('a project of the real Docker Compose', () => {
  it('is adopted as it runs, heals, scales, and can be let go of', async () => {
    mkdirSync(join(folder, 'project'));
    writeFileSync(
      join(folder, 'project', 'compose.yaml'),
      `
services:
  web:
    image: busybox:latest
    command: [sh, -c, 'trap "exit 0" TERM; sleep 600 & wait']
    environment: { GREETING: 'it costs $$5' }
    deploy: { replicas: 2, resources: { limits: { memory: 64M } } }
    depends_on: [db]
    volumes: ['data:/data']
    restart: always
  db:
    image: busybox:latest
    command: sh -c 'trap "exit 0" TERM; sleep 600 & wait'
    healthcheck: { test: [CMD, 'true'], interval: 1s }
volumes: { data: {} }
`,
    );
    runCompose('up', '-d');
    const before = await idsOf();
    expect(before.size).toBe(3);
    const containers = [...before.values()].map((one) => one.id);
    const plan = await app.api.calls['stacks.planAdopt']({ containers, name: project }, caller);
    expect(plan.leftOut).toEqual([]);
    expect(plan.yaml).toContain('$$5');
    await app.api.calls['stacks.adopt']({ containers, name: project }, caller);
    const web = `${project}/web`;
    const view = () => app.api.calls['services.get']({ service: web }, caller);
    await waitUntil('the adopted service', async () => (await view()).ready === 2);
    expect(await view()).toMatchObject({ health: 'ok', replicas: 2, dependsOn: ['db'] });
    // The very same processes.
    expect(await idsOf()).toEqual(before);
    expect((await app.api.calls['containers.foreign']({}, caller)).map((row) => row.name)).not.toContain(
      `${project}-web-1`,
    );

    // Let go of, they run on; and may be adopted again.
    await app.api.calls['stacks.release']({ stack: project }, caller);
    expect(await idsOf()).toEqual(before);
    await app.api.calls['stacks.adopt']({ containers, name: project }, caller);
    await waitUntil('the adopted service', async () => (await view()).ready === 2);

    // Healed: removed by hand, its slot is filled by one of ours, beside its untouched neighbour, on the same data and network.
    const victim = before.get(`${project}-web-1`)?.id ?? '';
    await engine.remove(victim, { force: true, anonymousVolumes: false });
    const ours = async () =>
      (await view()).replicaList.find((one) => one.container?.name.startsWith(`${project}.web.`) === true);
    await waitUntil('the new replica', async () => (await ours())?.state === 'ready');
    const replica = await ours();
    const made = await engine.inspect(replica?.container?.id ?? '');
    expect(made?.mounts).toMatchObject([{ name: `${project}_data`, target: '/data' }]);
    expect(Object.keys(made?.networks ?? {})).toEqual([`${project}_default`]);
    expect(made?.environment).toContain('GREETING=it costs $5');
    expect(made?.limits.memory).toBe(64 * 1024 * 1024);
    expect((await idsOf()).get(`${project}-web-2`)).toEqual(before.get(`${project}-web-2`));

    await app.api.calls['services.scale']({ service: web, replicas: 3 }, caller);
    await waitUntil('three replicas', async () => (await view()).ready === 3);
    await app.api.calls['stacks.remove']({ stack: project, volumes: true }, caller);
    await waitUntil('the end', async () => (await app.api.calls['stacks.list']({}, caller)).length === 0);
    expect((await idsOf()).size).toBe(0);
    // What Compose made besides containers is Compose's.
    expect((await engine.volumes()).map((volume) => volume.name)).toContain(`${project}_data`);
  }, 180_000);
});

describe('a recipe', () => {
  it('makes the same container again', async () => {
    const network = await kit.network();
    const volume = await kit.volume();
    const id = await kit.run({
      name: uniqueName('recipe'),
      command: ['sleep', '600'],
      environment: { A: 'b=c', EMPTY: '' },
      workingDir: '/tmp',
      user: '65534:65534',
      hostname: 'told',
      stopSignal: 'SIGINT',
      stopTimeout: 3_000,
      healthcheck: { test: ['CMD-SHELL', 'true'], interval: 2_000, retries: 2 },
      labels: { who: 'somebody' },
      networks: [{ name: network, aliases: ['other'] }],
      host: {
        readOnly: true,
        capDrop: ['ALL'],
        tmpfs: { '/run': 'size=1m' },
        limits: { cpus: 0.5, memory: 32 * 1024 * 1024, pids: 50 },
        restartPolicy: { name: 'on-failure', maxAttempts: 4 },
        ports: [{ target: 80, protocol: 'tcp' }],
        mounts: [{ type: 'volume', source: volume, target: '/data', readOnly: true }],
        extraHosts: ['db:10.0.0.1'],
        ulimits: { nofile: { soft: 100, hard: 200 } },
      },
    });
    const recipe = await engine.recipe(id);
    if (!recipe) throw new Error('no recipe');
    const again = await kit.create({ ...recipe, name: uniqueName('again') });
    const second = await engine.recipe(again);
    expect({ ...second, name: '' }).toEqual({ ...recipe, name: '' });
    expect(recipe).toMatchObject({
      image: 'busybox:latest',
      environment: { A: 'b=c', EMPTY: '' },
      user: '65534:65534',
      hostname: 'told',
      stopSignal: 'SIGINT',
      stopTimeout: 3_000,
      labels: { who: 'somebody' },
      networks: [{ name: network, aliases: ['other'] }],
      host: {
        readOnly: true,
        limits: { cpus: 0.5, memory: 32 * 1024 * 1024, pids: 50 },
        restartPolicy: { name: 'on-failure', maxAttempts: 4 },
        ports: [{ target: 80, protocol: 'tcp' }],
        mounts: [{ type: 'volume', source: volume, target: '/data', readOnly: true }],
      },
    });
  });

  it('of a container that is gone is undefined', async () => {
    expect(await engine.recipe('0000000000000000')).toBeUndefined();
  });
});
