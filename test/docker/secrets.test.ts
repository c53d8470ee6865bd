/** Secrets on the real engine: there at the first instruction, in memory only, rolled where they are used, and found nowhere else. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { App } from '../../src-main/app';
import { systemClock } from '../../src-main/app/clock';
import { seeded } from '../../src-main/base/random';
import type { ServiceView } from '../../src-main/contract/nouns';
import { connect, type DockerEngine } from '../../src-main/engine/docker';
import { testEngine, testImages } from '../support/engine';
import { appOver, caller } from '../support/app';

const stack = `sec${process.pid}`;
const external = `ext-${process.pid}`;
/** Values that must be found nowhere. */
const canary = { file: 'canary-f1le-9d2c', env: 'canary-3nv-77aa', vault: 'canary-v4ult-01', next: 'canary-v4ult-02' };

let home: string;
let project: string;
let app: App;
let engine: DockerEngine;
const lines: string[] = [];

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'secrets-home-'));
  project = mkdtempSync(join(tmpdir(), 'secrets-project-'));
  writeFileSync(join(project, 'password.txt'), canary.file);
  engine = await connect({ endpoint: testEngine().dockerHost });
  app = await appOver(engine, {
    home,
    clock: systemClock,
    random: seeded(process.pid),
    log: (level, message, fields) => lines.push(`${level} ${message} ${JSON.stringify(fields)}`),
  });
  await app.start();
  await until('the engine', async () =>
    (await app.api.calls['engines.list']({}, caller)).some((one) => one.state === 'connected'),
  );
});

afterAll(async () => {
  try {
    await app.api.calls['stacks.remove']({ stack, volumes: true }, caller);
    await until('the end', async () => (await app.api.calls['stacks.list']({}, caller)).length === 0);
  } finally {
    await app.stop();
    engine.dispose();
    for (const folder of [home, project]) rmSync(folder, { recursive: true, force: true });
  }
});

// The first instruction reads; what it saw stays in the container's own memory until it is asked.
const read =
  'cat /run/secrets/* > /dev/shm/seen; stat -c "%n %a %u %g" /run/secrets/* >> /dev/shm/seen; exec sleep 600';
const compose = `
name: ${stack}
services:
  db:
    image: ${testImages.busybox}
    command: ['sh', '-c', '${read}']
    read_only: true
    stop_grace_period: 1s
    secrets:
      - password
      - { source: token, target: token.txt, uid: '12', gid: '34', mode: 0400 }
      - shared
  plain:
    image: ${testImages.busybox}
    command: ['sleep', '600']
    stop_grace_period: 1s
    secrets: [password]
secrets:
  password: { file: ./password.txt }
  token: { environment: TOKEN }
  shared: { external: true, name: ${external} }
`;
const source = (): {
  files: { name: string; text: string }[];
  directory: string;
  environment: Record<string, string>;
} => ({
  files: [{ name: 'compose.yaml', text: compose }],
  directory: project,
  environment: { TOKEN: canary.env },
});

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 900; tries += 1) {
    if (await holds().catch(() => false)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${what} did not come: ${lines.slice(-8).join('\n')}`);
}
const view = (name: string): Promise<ServiceView> =>
  app.api.calls['services.get']({ service: `${stack}/${name}` }, caller);
async function container(name: string): Promise<string> {
  await until(name, async () => {
    const { health, ready, replicaList } = await view(name);
    return health === 'ok' && ready === 1 && replicaList.length === 1;
  });
  return (await view(name)).replicaList[0]?.container?.id ?? '';
}
const run = async (id: string, script: string): Promise<string> => (await engine.exec(id, ['sh', '-c', script])).output;

describe('secrets on the engine', () => {
  it('refuses what is not in the vault, and says what to do', async () => {
    await expect(app.api.calls['stacks.plan']({ source: source(), name: stack }, caller)).rejects.toThrow(
      `There is no secret ${external} in the vault`,
    );
  });

  it('are there at the first instruction, in memory, with owner and mode, read only', async () => {
    await app.api.calls['secrets.set']({ name: external, value: canary.vault }, caller);
    await app.api.calls['stacks.apply']({ source: source(), name: stack }, caller);
    const id = await container('db');
    expect(await run(id, 'cat /dev/shm/seen')).toBe(
      `${canary.file}${canary.vault}${canary.env}` +
        '/run/secrets/password 444 0 0\n/run/secrets/shared 444 0 0\n/run/secrets/token.txt 400 12 34\n',
    );
    expect(await run(id, 'grep /run/secrets /proc/mounts')).toMatch(/^tmpfs \/run\/secrets tmpfs ro/);
  });

  it('come back after a crash, which empties the memory', async () => {
    const id = await container('db');
    const before = (await engine.inspect(id))?.startedAt;
    await engine.kill(id, 'SIGKILL');
    await until('another run that has seen them', async () => {
      const detail = await engine.inspect(await container('db'));
      const another = detail?.state === 'running' && (detail.id !== id || detail.startedAt !== before);
      return another && (await run(detail.id, 'cat /dev/shm/seen')).includes(canary.vault);
    });
  });

  it('rotate by rolling only their users', async () => {
    const [db, plain] = [await container('db'), await container('plain')];
    const answer = await app.api.calls['secrets.set']({ name: external, value: canary.next }, caller);
    expect(answer).toMatchObject({ version: 2, changed: true, users: [`${stack}/db`] });
    await until('the new version', async () => {
      const id = await container('db');
      return id !== db && (await run(id, 'cat /run/secrets/shared')) === canary.next;
    });
    expect(await container('plain')).toBe(plain);
    await expect(app.api.calls['secrets.remove']({ name: external }, caller)).rejects.toThrow(/used by/);
  });

  it('are found nowhere else', async () => {
    await container('db');
    const answers: string[] = [lines.join('\n')];
    for (const { id } of await engine.list())
      answers.push(execFileSync('docker', ['-H', testEngine().dockerHost, 'inspect', id], { encoding: 'utf8' }));
    const volumes = (await engine.volumes()).map(({ name }) => name);
    answers.push(
      execFileSync('docker', ['-H', testEngine().dockerHost, 'volume', 'inspect', ...volumes], { encoding: 'utf8' }),
    );
    const { calls } = app.api;
    answers.push(
      JSON.stringify(await calls['stacks.get']({ stack }, caller)),
      JSON.stringify(await calls['stacks.plan']({ source: source(), name: stack }, caller)),
      JSON.stringify(await calls['services.yaml']({ service: `${stack}/db` }, caller)),
      JSON.stringify(await calls['services.revisions']({ service: `${stack}/db` }, caller)),
      JSON.stringify(await calls['secrets.list']({}, caller)),
      JSON.stringify(await calls['events.list']({ limit: 500 }, caller)),
    );
    for (const value of Object.values(canary)) {
      for (const answer of answers) expect(answer.includes(value)).toBe(false);
      const hits = filesOf(home).filter((file) => readFileSync(file).includes(value));
      expect(hits).toEqual([]);
    }
    // One volume per container, and nothing left of those that filled them.
    expect(volumes.filter((name) => name.startsWith(stack)).length).toBe(2);
    expect((await engine.list()).filter(({ name }) => name.includes('holder'))).toEqual([]);
  });

  it('are revealed only with a purpose, which is noted', async () => {
    const shown = await app.api.calls['secrets.reveal']({ name: external, purpose: 'look at it' }, caller);
    expect(shown).toEqual({ value: canary.next, version: 2 });
    const events = await app.api.calls['events.list']({ limit: 50 }, caller);
    expect(events.find(({ kind }) => kind === 'secret.revealed')?.words.args).toMatchObject({ purpose: 'look at it' });
  });
});

function filesOf(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
