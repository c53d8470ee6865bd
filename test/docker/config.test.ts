/** Releases in containers of the real engine: files replaced whole while they are read, signals, acknowledgement, a guard that lets go. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { App } from '../../src-main/app';
import { systemClock } from '../../src-main/app/clock';
import { seeded } from '../../src-main/base/random';
import type { ConfigItemDetail } from '../../src-main/contract/api/config';
import { connect, type DockerEngine } from '../../src-main/engine/docker';
import { testEngine, testImages } from '../support/engine';
import { appOver, caller } from '../support/app';
import { waitUntil } from './app-kit';

const stack = `cfg${process.pid}`;
const item = { namespace: stack, group: 'default', name: 'app' };
const replicas = 4;
const lines: string[] = [];
let home: string;
let app: App;
let engine: DockerEngine;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'config-home-'));
  engine = await connect({ endpoint: testEngine().dockerHost });
  app = await open();
});

afterAll(async () => {
  try {
    await app.api.calls['stacks.remove']({ stack, volumes: true }, caller);
    await waitUntil('the end', async () => (await app.api.calls['stacks.list']({}, caller)).length === 0);
  } finally {
    await app.stop();
    engine.dispose();
    rmSync(home, { recursive: true, force: true });
  }
});

async function open(): Promise<App> {
  const made = await appOver(engine, {
    home,
    clock: systemClock,
    random: seeded(process.pid),
    log: (level, message, fields) => lines.push(`${level} ${message} ${JSON.stringify(fields)}`),
  });
  await made.start();
  await waitUntil('the engine', async () =>
    (await made.api.calls['engines.list']({}, caller)).some((one) => one.state === 'connected'),
  );
  return made;
}

// Each signal is answered by what the file says then; a bad value ends the program.
const program = `
  trap 'cat /etc/app/app.conf >> /seen; ! grep -q bad /etc/app/app.conf || exit 1' HUP
  while :; do sleep 60 & wait $$!; done`;
const compose = `
name: ${stack}
services:
  web:
    image: ${testImages.busybox}
    command: ['sh', '-c', ${JSON.stringify(program)}]
    stop_grace_period: 0s
    deploy: { replicas: ${replicas} }
    configs: [{ source: app, target: /etc/app/app.conf, mode: 0440, uid: '7', gid: '8' }]
    x-pilothouse: { config: [{ source: app, signal: HUP }] }
configs:
  app: { external: true }
`;

const detail = (): Promise<ConfigItemDetail> => app.api.calls['config.get']({ item }, caller);
async function publish(text: string, how: object = {}): Promise<ConfigItemDetail> {
  const { release } = await detail();
  return app.api.calls['config.publish']({ item, text, note: '', expected: release, ...how }, caller);
}
async function containers(): Promise<string[]> {
  const { replicaList } = await app.api.calls['services.get']({ service: `${stack}/web` }, caller);
  return replicaList.flatMap(({ container }) => (container ? [container.id] : []));
}
const run = async (id: string, script: string): Promise<string> => (await engine.exec(id, ['sh', '-c', script])).output;
const acknowledged = (release: number): Promise<number> =>
  waitUntil(
    `release ${release} everywhere`,
    async () => {
      const { userList } = await detail();
      return userList.length === replicas && userList.every((user) => user.release === release && !user.problem);
    },
    { tell: async () => [(await detail()).userList, lines.slice(-8)] },
  );

describe('releases on the engine', () => {
  it('are there at the first instruction, with owner and mode', async () => {
    const made = { format: 'text' as const, text: '', schema: '', description: '' };
    await app.api.calls['config.create']({ item, ...made }, caller);
    await publish('one\n');
    await app.api.calls['stacks.apply'](
      { source: { files: [{ name: 'compose.yaml', text: compose }] }, name: stack },
      caller,
    );
    await acknowledged(1);
    await waitUntil('all replicas', async () => (await containers()).length === replicas);
    const found = await Promise.all(
      (await containers()).map((id) => run(id, 'cat /etc/app/app.conf; stat -c "%a %u %g" /etc/app/app.conf')),
    );
    expect(found).toEqual(Array(replicas).fill('one\n440 7 8\n'));
  });

  it('reach every running replica, whole at every moment, with a signal and an acknowledgement', async () => {
    const before = await containers();
    const [first = ''] = before;
    const size = 200_000;
    await publish(`${'a'.repeat(size - 1)}\n`);
    await acknowledged(2);
    const reader = run(
      first,
      `end=$(($(date +%s)+4)); n=0; while [ $(date +%s) -lt $end ]; do n=$((n+1));
       [ "$(wc -c < /etc/app/app.conf)" = ${size} ] || echo torn; done; [ $n -gt 20 ] && echo read`,
    );
    for (const [index, letter] of ['b', 'c', 'd'].entries()) {
      await publish(`${letter.repeat(size - 1)}\n`);
      await acknowledged(3 + index);
    }
    expect(await reader).toBe('read\n');
    expect(await containers()).toEqual(before);
    for (const id of before) {
      expect(await run(id, 'cut -c 1-3 /etc/app/app.conf; ls /etc/app')).toBe('ddd\napp.conf\n');
      await waitUntil('the signal', async () => (await run(id, 'tail -n 1 /seen | cut -c 1-3')) === 'ddd\n');
    }
    // The engine's own restart policy was not told that somebody sent a signal.
    expect((await engine.inspect(first))?.restartCount).toBe(0);
  });

  it('that are bad are withdrawn by their guard, and were in one replica only', async () => {
    const started = async (): Promise<(number | undefined)[]> =>
      Promise.all((await containers()).map(async (id) => (await engine.inspect(id))?.startedAt));
    const [firstStart, ...others] = await started();
    const { release } = await detail();
    await publish('bad\n', { guard: { watch: 60_000, errors: 1000, slower: 0, failed: 100 } });
    await waitUntil('the withdrawal', async () => (await detail()).guards[0]?.guard.state === 'withdrawn', {
      tell: async () => [await detail(), lines.slice(-8)],
    });
    expect((await detail()).guards[0]?.guard.watched).toEqual([`${stack}/web.1`]);
    await acknowledged(release);
    await waitUntil('all well', async () => {
      const found = await Promise.all((await containers()).map((id) => run(id, 'cut -c 1-3 /etc/app/app.conf')));
      return found.length === replicas && found.every((text) => text === 'ddd\n');
    });
    const [firstNow, ...othersNow] = await started();
    expect(othersNow).toEqual(others);
    expect(firstNow).not.toBe(firstStart);
    const [, ...rest] = await containers();
    for (const id of rest) expect(await run(id, 'grep -c bad /seen')).toBe('0\n');
  });

  it('missed while the app was closed are caught up, and nothing else is written', async () => {
    const [first = '', second = ''] = await containers();
    await publish('five\n', { gray: { ips: [], labels: [], replicas: [`${stack}/web.1`], share: 0 } });
    await waitUntil('the gray one', async () => (await run(first, 'cat /etc/app/app.conf')) === 'five\n');
    const inode = await run(second, 'ls -i /etc/app/app.conf');
    await app.stop();
    app = await open();
    await waitUntil('all replicas', async () => (await containers()).length === replicas);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(await run(second, 'ls -i /etc/app/app.conf')).toBe(inode);
    await publish('six\n');
    await app.stop();
    app = await open();
    await waitUntil('the missed one', async () => (await run(second, 'cat /etc/app/app.conf')) === 'six\n');
    await waitUntil('all of it', async () =>
      (await detail()).userList.every(({ release, wanted }) => release === wanted),
    );
  });

  it('reach images without a shell by the archive API, and never take the place of a folder', async () => {
    const file = { path: '/deep/down/file', content: Buffer.from('x'), mode: 0o400, uid: 0, gid: 0 };
    const [id = ''] = await containers();
    expect(await engine.replaceFile(id, file)).toEqual({ atomic: true });
    await engine.exec(id, ['rm', '/bin/sh']);
    expect(await engine.replaceFile(id, { ...file, content: Buffer.from('xy') }, { signal: 'SIGHUP' })).toEqual({
      atomic: false,
    });
    expect((await engine.exec(id, ['cat', '/deep/down/file'])).output).toBe('xy');
    await engine.exec(id, ['mkdir', '/deep/folder']);
    await expect(engine.replaceFile(id, { ...file, path: '/deep/folder' })).rejects.toThrow();
    await expect(engine.replaceFile('0'.repeat(64), file)).rejects.toMatchObject({ code: 'not-found' });
  });
});
