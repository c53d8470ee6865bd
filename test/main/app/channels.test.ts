/** Secrets of alert channels in a whole core on a real disk: nowhere in its folder, yet whole when a notice is sent, also after a new start. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { createApp, type App } from '../../../src-main/app';
import { systemClock, systemRandom } from '../../../src-main/app/clock';
import { never } from '../../../src-main/base/lifecycle';
import { silent } from '../../../src-main/base/log';
import type { Caller } from '../../../src-main/contract/api';
import { channelInput } from '../../../src-main/contract/api/alerts';
import type { Outgoing } from '../../../src-main/core/alerts';

const caller: Caller = { kind: 'window', signal: never };
const home = mkdtempSync(join(tmpdir(), 'app-channels-'));
const canary = `canary-${process.pid}-of-a-channel`;
const sent: Outgoing[] = [];
let app: App | undefined;

async function start(): Promise<App> {
  app = await createApp({
    home,
    version: '1',
    socket: '',
    clock: systemClock,
    random: systemRandom(),
    log: silent,
    deliver: (outgoing) => {
      sent.push(outgoing);
      return Promise.resolve({ delivered: true });
    },
    engines: { find: () => Promise.resolve([]), connect: () => Promise.reject(new Error('none')), release: () => {} },
  });
  await app.start();
  return app;
}

afterEach(async () => {
  await app?.stop();
  rmSync(home, { recursive: true, force: true });
});

it('seals what a channel must know, and opens it for the sender alone', async () => {
  const channel = channelInput.parse({
    name: 'hook',
    target: { kind: 'webhook', url: 'https://example.org/', headers: { Authorization: canary } },
  });
  const first = await start();
  const { id } = await first.api.calls['channels.put']({ channel }, caller);
  expect(JSON.stringify(await first.api.calls['channels.list']({}, caller))).not.toContain(canary);
  await first.stop();
  const second = await start();
  const shown = (await second.api.calls['channels.list']({}, caller)).find((one) => one.id === id);
  if (!shown) throw new Error('the channel is gone');
  const { name, enabled, target, sendResolved, least } = shown;
  await second.api.calls['channels.test']({ id, channel: { name, enabled, target, sendResolved, least } }, caller);
  expect(JSON.stringify(sent)).toContain(canary);
  await second.stop();
  app = undefined;
  const files = readdirSync(home, { recursive: true, encoding: 'utf8' }).map((file) => join(home, file));
  const holding = files.filter((file) => statSync(file).isFile() && readFileSync(file).includes(canary));
  expect(holding).toEqual([]);
});
