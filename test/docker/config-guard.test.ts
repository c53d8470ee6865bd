/** Guarded releases on the real engine, behind the real gateway: errors in the log, failing and slow answers end them in one replica. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConfigItemDetail, GuardPlan } from '../../src-main/contract/api/config';
import { connect, type DockerEngine } from '../../src-main/engine/docker';
import { caller } from '../support/app';
import { testEngine, testImages } from '../support/engine';
import { figure, load, startApp, waitUntil, type Load, type TestApp } from './app-kit';

const stack = `guard${process.pid}`;
const port = 20_000 + (process.pid % 10_000);
const item = { namespace: stack, group: 'default', name: 'app' };
const replicas = 3;
/** Requests a second: few enough for a shell that answers each, enough for a percentile within a second or two. */
const rate = 45;
/** A guard that does not look at one thing, so that the other ends it. */
const blind: GuardPlan = { watch: 60_000, errors: 1_000_000, slower: 0, failed: 100 };

// What it answers with, how late, and what it writes to its log, the released text says.
const answer = `#!/bin/sh
settings=$$(cat /etc/app/app.conf)
case "$$settings" in
  wrong) echo "$$(date -Iseconds) ERROR no such level" >&2 ;;
  slow) sleep 1 ;;
  failing) printf 'Status: 500 Internal Server Error\\r\\n' ;;
esac
printf 'Content-Type: text/plain\\r\\n\\r\\n%s %s\\n' "$$(hostname)" "$$settings"`;
const program = `mkdir -p /www/cgi-bin && printf '%s\\n' "$$ANSWER" > /www/cgi-bin/answer && chmod 755 /www/cgi-bin/answer
  && exec httpd -f -p 8080 -h /www`;
const compose = `
services:
  web:
    image: ${testImages.busybox}
    command: ['sh', '-c', ${JSON.stringify(program.replace(/\s+/g, ' '))}]
    environment: { ANSWER: ${JSON.stringify(answer)} }
    ports: ['${port}:8080']
    stop_grace_period: 0s
    deploy: { replicas: ${replicas} }
    configs: [{ source: app, target: /etc/app/app.conf }]
    x-pilothouse: { traffic: { mode: http } }
configs:
  app: { external: true }
`;

let home: string;
let engine: DockerEngine;
let test: TestApp;
let flow: Load;

const detail = (): Promise<ConfigItemDetail> => test.app.api.calls['config.get']({ item }, caller);
async function publish(text: string, guard?: GuardPlan): Promise<void> {
  const { release } = await detail();
  await test.app.api.calls['config.publish'](
    { item, text, note: '', expected: release, ...(guard ? { guard } : {}) },
    caller,
  );
}

/** Which containers there are, and since when they run. */
const containers = async (): Promise<string[]> =>
  (await test.view('web')).replicaList.map(({ container, startedAt }) => `${container?.id} ${startedAt}`);

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'guard-home-'));
  engine = await connect({ endpoint: testEngine().dockerHost });
  test = await startApp({ engine, stack, home });
  await test.app.api.calls['config.create']({ item, format: 'text', text: '', schema: '', description: '' }, caller);
  await publish('well');
  await test.apply(compose);
  await test.until('all behind the gateway', async () => {
    const { replicas: seats } = await test.app.api.calls['traffic.get']({ service: `${stack}/web` }, caller);
    return (await test.settled('web', replicas)) && seats.filter(({ state }) => state === 'ready').length === replicas;
  });
  flow = load(rate, {
    port,
    path: '/cgi-bin/answer',
    from: (_answer, body) => {
      const [host = '', settings = ''] = body.trim().split(' ');
      return settings === 'well' ? 'well' : `${host} ${settings}`;
    },
  });
  // What was before is known after some seconds only: the log and the gateway's figures of all three.
  await waitUntil('some answers', () => Promise.resolve((flow.answers.get('well') ?? 0) > rate * 4));
}, 60_000);

afterAll(async () => {
  await flow.stop();
  await test.end();
  engine.dispose();
  rmSync(home, { recursive: true, force: true });
}, 60_000);

describe('a guarded release behind the gateway', () => {
  it.each([
    ['errors in the log', 'wrong', { ...blind, errors: 5 }, 'config.guardErrors'],
    ['answers that fail', 'failing', { ...blind, failed: 5 }, 'config.guardFailed'],
    ['slow answers', 'slow', { ...blind, slower: 3 }, 'config.guardSlow'],
  ])('is withdrawn by itself for %s, having touched one replica', async (what, text, plan, code) => {
    flow.answers.clear();
    flow.failed.length = 0;
    const before = await containers();
    const { guards } = await detail();
    await publish(text, plan);
    const took = await waitUntil('the withdrawal', async () => (await detail()).guards.length > guards.length, {
      limit: 40_000,
      tell: async () => [await detail(), [...flow.answers], flow.failed.slice(-3)],
    });
    const after = await detail();
    expect(after.released).toBe('well');
    expect(after.guards[0]?.guard).toMatchObject({ state: 'withdrawn', words: { code }, watched: [`${stack}/web.1`] });
    await test.until('the old text everywhere', async () => {
      const { userList } = await detail();
      return userList.length === replicas && userList.every(({ release, wanted }) => release === wanted);
    });
    // An answer names its replica, unless all is well; a late one may still be of the release before.
    const touched = [...flow.answers.keys(), ...flow.failed].filter((who) => who.includes(` ${text}`));
    expect(new Set(touched).size).toBe(1);
    if (text !== 'failing') expect(flow.failed).toEqual([]);
    expect(await containers()).toEqual(before);
    figure('guard', `${what} (${say(after)}): withdrawn in ${(took / 1000).toFixed(1)} s`);
  });

  it('is widened to all when the one stays well', async () => {
    await publish('well', { watch: 3000, errors: 5, slower: 3, failed: 5 });
    await waitUntil('its end', async () => (await detail()).gray === undefined);
    expect((await detail()).guards[0]?.guard.words).toMatchObject({ code: 'config.guardWidened' });
  });
});

function say(after: ConfigItemDetail): string {
  return JSON.stringify(after.guards[0]?.guard.words.args);
}
