/** kill -9 of the core while releases are published: what was acknowledged is there afterwards, in order and whole. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { seeded } from '../../../src-main/base/random';
import type { Client } from '../../../src-main/contract/client';
import { clientOf, openWire } from '../../../src-main/serve/connect';
import { socketPath } from '../../../src-main/serve/home';
import { ensureBuild } from '../../machine/build.mjs';

const kills = 12;
const program = join(__dirname, '..', '..', '..', 'out', 'main', 'cli.js');
const home = mkdtempSync(join(tmpdir(), 'pilothouse-publish-'));
const item = { namespace: 'shop', group: 'default', name: 'app' };
let core: ChildProcess | undefined;

async function open(): Promise<Client> {
  const env = { ...process.env, PILOTHOUSE_HOME: home, PILOTHOUSE_ENGINE: 'memory', PILOTHOUSE_ALLOW_ROOT: '1' };
  core = spawn(process.execPath, [program, 'serve'], { env, stdio: 'ignore' });
  for (let turn = 0; turn < 300; turn += 1) {
    const wire = await openWire(socketPath(home));
    if (wire) return clientOf(wire);
    await sleep(50);
  }
  throw new Error('the core does not answer');
}
async function kill(): Promise<void> {
  const child = core;
  core = undefined;
  if (!child || child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}

beforeAll(() => ensureBuild(), 120_000);
afterAll(async () => {
  await kill();
  rmSync(home, { recursive: true, force: true, maxRetries: 10 });
});

it('loses no acknowledged release, and keeps none by halves', async () => {
  const random = seeded(5);
  let client = await open();
  await client.call('config.create', { item, format: 'text', text: 'release 0' });
  /** The newest release that was acknowledged, and the newest that was asked for. */
  let [acknowledged, asked] = [0, 0];
  for (let turn = 0; turn < kills; turn += 1) {
    const death = sleep(20 + random() * 120).then(kill);
    try {
      for (;;) {
        asked += 1;
        await client.call('config.saveDraft', { item, text: `release ${asked}` });
        const { release } = await client.call('config.publish', { item, expected: acknowledged, note: '' });
        acknowledged = release;
      }
    } catch (thrown) {
      // Only for its death.
      if (core) throw thrown;
    }
    await death;
    client = await open();
    const detail = await client.call('config.get', { item });
    // The one that was under way may have been kept without its answer having come.
    expect([acknowledged, acknowledged + 1]).toContain(detail.release);
    acknowledged = detail.release;
    asked = acknowledged;
    const releases = await client.call('config.releases', { item });
    expect(releases[0]?.release ?? 0).toBe(acknowledged);
    if (acknowledged > 0) {
      const { text } = await client.call('config.release', { item, release: acknowledged });
      expect(text).toBe(`release ${acknowledged}`);
    }
  }
  expect(acknowledged).toBeGreaterThan(kills);
  client.close();
});
