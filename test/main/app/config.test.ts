/** The config center in a whole core on a real disk: its socket, its endpoints, and what is left of them after an end and a new start. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createApp, type App } from '../../../src-main/app';
import { systemClock, systemRandom } from '../../../src-main/app/clock';
import { never } from '../../../src-main/base/lifecycle';
import { silent } from '../../../src-main/base/log';
import type { Caller } from '../../../src-main/contract/api';
import { serveHttp, type HttpServer } from '../../../src-main/serve/http';
import { plainGet } from '../serve/http/plain';

const caller: Caller = { kind: 'window', signal: never };
const item = { namespace: 'shop', group: 'default', name: 'application' };
let home = '';
let running: { app: App; server: HttpServer } | undefined;

async function start(): Promise<App> {
  const app = await createApp({
    home,
    version: '1',
    socket: '',
    clock: systemClock,
    random: systemRandom(),
    log: silent,
    engines: { find: () => Promise.resolve([]), connect: () => Promise.reject(new Error('none')), release: () => {} },
  });
  if (!app.http) throw new Error('rescue');
  const server = serveHttp(app.http);
  await server.settled();
  running = { app, server };
  return app;
}

async function stop(): Promise<void> {
  await running?.server.close();
  await running?.app.stop();
  running = undefined;
}

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'app-config-'));
});
afterEach(async () => {
  await stop();
  rmSync(home, { recursive: true, force: true });
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

it('serves what was published before it ended, under the same token, and keeps no token anywhere', async () => {
  const port = await freePort();
  let app = await start();
  expect((await app.api.calls['config.http']({}, caller)).state).toBe('off');
  await app.api.calls['settings.set']({ http: { enabled: true, port, containers: false, open: false } }, caller);
  await running?.server.settled();
  expect(await app.api.calls['config.http']({}, caller)).toMatchObject({
    state: 'running',
    urls: [`http://127.0.0.1:${port}`],
  });
  await app.api.calls['config.create'](
    { item, format: 'properties', text: 'a=1\n', schema: '', description: '' },
    caller,
  );
  await app.api.calls['config.publish']({ item, expected: 0, note: '' }, caller);
  const { token } = await app.api.calls['config.createToken'](
    { name: 'shop', namespace: 'shop', rights: 'read' },
    caller,
  );
  const read = (): ReturnType<typeof plainGet> =>
    plainGet(`127.0.0.1:${port}`, '/v1/config/shop/default/application', { authorization: `Bearer ${token}` });
  const first = JSON.parse((await read()).body) as { id: number; text: string };
  expect(first.text).toBe('a=1\n');

  await stop();
  app = await start();
  expect(JSON.parse((await read()).body)).toEqual(first);
  await app.api.calls['config.publish']({ item, text: 'a=2\n', expected: 1, note: '' }, caller);
  expect((JSON.parse((await read()).body) as { id: number }).id).toBeGreaterThan(first.id);
  expect(await plainGet(`127.0.0.1:${port}`, '/metrics', {})).toMatchObject({ status: 401 });

  await stop();
  const [, secret = ''] = token.split('.');
  if (process.platform !== 'win32') expect(statSync(join(home, 'http.key')).mode & 0o777).toBe(0o600);
  const files = readdirSync(home, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const file of files) expect(readFileSync(join(file.parentPath, file.name)).includes(secret)).toBe(false);
});
