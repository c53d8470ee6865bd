/** kill -9 of the core at twenty random moments of a life on the real engine: what is declared runs in the end, once, and nothing else. */
import { spawn, execFile, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { seeded } from '../../src-main/base/random';
import { ensureBuild } from '../machine/build.mjs';
import { call } from '../machine/api.mjs';
import { testEngine } from '../support/engine';
import { startFaultProxy, type FaultProxy } from '../support/faultproxy';
import { figure } from './app-kit';

const kills = 20;
const program = join(__dirname, '..', '..', 'out', 'main', 'cli.js');
const home = mkdtempSync(join(tmpdir(), 'pilothouse-crash-'));
const file = join(home, 'compose.yaml');
const place = testEngine();
/** Sees every call of the core; it breaks nothing here. */
let proxy: FaultProxy;
const environment: NodeJS.ProcessEnv = {
  ...process.env,
  PILOTHOUSE_HOME: join(home, 'state'),
  PILOTHOUSE_ALLOW_ROOT: '1',
};
let serving: ChildProcess | undefined;

function cli(...words: string[]): Promise<{ code: number; text: string }> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [program, ...words],
      { env: environment, timeout: 120_000 },
      (_error, out, err) => resolve({ code: child.exitCode ?? 1, text: out + err }),
    );
  });
}

/** Starts the core and waits until it answers. */
async function serve(): Promise<void> {
  serving = spawn(process.execPath, [program, 'serve'], { env: environment, stdio: 'ignore' });
  for (let turn = 0; turn < 100; turn += 1) {
    if ((await cli('status', '--json')).code === 0) return;
    await sleep(100);
  }
  throw new Error('the core did not come up');
}
async function kill(): Promise<void> {
  const child = serving;
  serving = undefined;
  if (!child || child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

interface Row {
  Names: string[];
  State: string;
  Labels: Record<string, string>;
}
async function ours(): Promise<Row[]> {
  const answer = await call(place.socket, 'GET', '/containers/json?all=1');
  return (JSON.parse(answer.text) as Row[]).filter((row) => row.Labels['io.pilothouse.stack'] === 'crash');
}
function compose(version: number, replicas: number): string {
  const run = `{image: 'busybox:latest', stop_grace_period: 0s, init: true, command: [sleep, '100000'], environment: {VERSION: '${version}'}, deploy: {replicas: ${replicas}}}`;
  return `name: crash\nservices:\n  web: ${run}\n  worker: ${run}\n`;
}

beforeAll(async () => {
  await ensureBuild();
  proxy = await startFaultProxy({ upstream: place.socket });
  environment['DOCKER_HOST'] = proxy.dockerHost;
});
afterAll(async () => {
  if (!serving) await serve();
  await cli('down', 'crash', '--volumes');
  await kill();
  await proxy.stop();
  rmSync(home, { recursive: true, force: true });
});

it(`M2: converges after ${kills} kills of the core in the middle of its work`, async () => {
  const random = seeded(20);
  let version = 1;
  for (let round = 0; round < kills; round += 1) {
    await serve();
    version += random() < 0.4 ? 1 : 0;
    writeFileSync(file, compose(version, 1 + Math.floor(random() * 4)));
    const act = cli('up', '-f', file);
    await sleep(Math.floor(random() * 2500));
    await kill();
    await act;
  }
  writeFileSync(file, compose(version + 1, 3));
  await serve();
  const last = await cli('up', '-f', file, '--wait', '--timeout', '90s');
  expect(last.code, last.text).toBe(0);
  // The last replaced containers may still be on their way out.
  await expect.poll(async () => (await ours()).length, { timeout: 60_000 }).toBe(6);
  const rows = await ours();
  expect(rows.every((row) => row.State === 'running')).toBe(true);
  const slots = rows.map((row) => `${row.Labels['io.pilothouse.service']}.${row.Labels['io.pilothouse.slot']}`);
  expect(slots.sort()).toEqual(['web.1', 'web.2', 'web.3', 'worker.1', 'worker.2', 'worker.3']);
  expect(new Set(rows.map((row) => row.Labels['io.pilothouse.revision'])).size).toBe(1);
}, 600_000);

it('M1: killed while idle, it adopts all that runs without one write', async () => {
  const before = (await ours()).map((row) => row.Names[0]).sort();
  await kill();
  proxy.forget();
  const began = performance.now();
  await serve();
  await expect
    .poll(async () => (await cli('ps', 'crash', '--json')).text.match(/"ready":\s*3/g)?.length, { timeout: 30_000 })
    .toBe(2);
  const took = performance.now() - began;
  await sleep(2000);
  const writes = proxy.calls.filter(({ method, path }) => method !== 'GET' && !path.includes('/exec'));
  expect(writes).toEqual([]);
  expect((await ours()).map((row) => row.Names[0]).sort()).toEqual(before);
  figure('M1', `all adopted ${Math.round(took)} ms after the start of the core, 0 writes`);
}, 120_000);
