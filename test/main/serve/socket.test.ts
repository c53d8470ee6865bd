import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Emitter } from '../../../src-main/base/emitter';
import type { Api } from '../../../src-main/contract/api';
import type { AppStatus } from '../../../src-main/contract/nouns';
import { clientOf, openWire, reachable } from '../../../src-main/serve/connect';
import { homeFolder, privateFolder, socketPath } from '../../../src-main/serve/home';
import { LineReader } from '../../../src-main/serve/lines';
import { serveSocket } from '../../../src-main/serve/server';

const status = { version: '1.2.3', startedAt: 1 } as AppStatus;
const beats = new Emitter<AppStatus>();

/** Just enough of an API to see that messages pass both ways. */
const api = {
  calls: { 'app.status': () => Promise.resolve(status) },
  streams: {
    'app.watch': (_input: unknown, sink: { send: (item: AppStatus) => void }) => {
      sink.send(status);
      return beats.event((item) => sink.send(item));
    },
  },
} as unknown as Api;

let home = '';
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'home-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

describe('the socket', () => {
  it('answers calls and feeds streams, and is private', async () => {
    const path = join(home, 'run', 'socket');
    const server = await serveSocket(api, path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(home, 'run')).mode & 0o777).toBe(0o700);
    const wire = await openWire(path);
    if (!wire) throw new Error('not connected');
    const client = clientOf(wire);
    expect(await client.call('app.status', {})).toEqual(status);
    await expect(client.call('stacks.get', { stack: '__proto__' })).rejects.toThrow();
    const items: AppStatus[] = [];
    const ended = new Promise<void>((resolve) => {
      client.open('app.watch', {}, { item: (item) => items.push(item), end: () => resolve() });
    });
    await expect.poll(() => items.length).toBe(1);
    beats.fire({ ...status, startedAt: 2 });
    await expect.poll(() => items.length).toBe(2);
    await server.close();
    await ended;
    await expect.poll(() => beats.size).toBe(0);
    await expect(client.call('app.status', {})).rejects.toThrow('closed');
  });

  it('takes over a socket file that nobody answers on, and refuses one that somebody does', async () => {
    const path = join(home, 'socket');
    const dead = createServer();
    await new Promise<void>((resolve) => dead.listen(path, resolve));
    await new Promise((resolve) => dead.close(resolve));
    writeFileSync(path, '');
    const server = await serveSocket(api, path);
    expect(await reachable(path)).toBe(true);
    await expect(serveSocket(api, path)).rejects.toThrow('already runs');
    await server.close();
    expect(await reachable(path)).toBe(false);
  });

  it.each([
    ['not JSON', 'hello\n'],
    ['an endless line', 'x'.repeat(9 * 1024 * 1024)],
  ])('closes on %s', async (_name, text) => {
    const path = join(home, 'socket');
    const server = await serveSocket(api, path);
    const socket = createConnection(path);
    const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
    socket.on('error', () => {});
    socket.write(text);
    await closed;
    expect(await reachable(path)).toBe(true);
    await server.close();
  });

  it('survives nonsense that is JSON', async () => {
    const path = join(home, 'socket');
    const server = await serveSocket(api, path);
    const socket = createConnection(path);
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    socket.write('{}\n[]\nnull\n42\n{"t":"call","id":5}\n{"t":"call","id":6,"name":"app.status","input":{"x":1}}\n');
    await expect.poll(() => answer.split('\n').length).toBe(3);
    expect(answer).toContain('"id":5');
    expect(answer).toContain('"id":6');
    expect(answer).not.toContain('1.2.3');
    socket.destroy();
    await server.close();
  });
});

describe('lines', () => {
  it('come out whole, however they are cut, also inside a character', () => {
    const bytes = Buffer.from('{"a":"日本語"}\n\n{"b":2}\n');
    for (let size = 1; size < 8; size++) {
      const values: unknown[] = [];
      const reader = new LineReader(
        (value) => values.push(value),
        () => values.push('broken'),
      );
      for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
      expect(values).toEqual([{ a: '日本語' }, { b: 2 }]);
    }
  });

  it('break off once and for all', () => {
    const values: unknown[] = [];
    const broken: string[] = [];
    const reader = new LineReader(
      (value) => values.push(value),
      (reason) => broken.push(reason),
      10,
    );
    reader.push(Buffer.from('1\n{\n2\n'));
    reader.push(Buffer.from('3\n'));
    expect(values).toEqual([1]);
    expect(broken).toEqual(['a line is not JSON']);
  });
});

describe('the home', () => {
  it.each([
    ['linux', { PILOTHOUSE_HOME: '/x/y' }, '/x/y'],
    ['linux', {}, '/home/me/.local/share/pilothouse'],
    ['linux', { XDG_DATA_HOME: '/data' }, '/data/pilothouse'],
    ['linux', { XDG_DATA_HOME: 'relative' }, '/home/me/.local/share/pilothouse'],
    ['darwin', {}, '/home/me/Library/Application Support/Pilothouse'],
  ])('on %s with %o is %s', (platform, environment, folder) => {
    expect(homeFolder({ platform, environment, userHome: '/home/me' })).toBe(folder);
  });

  it('has a socket whose path is short enough', () => {
    const around = { platform: 'linux', environment: {}, userHome: '/home/me' };
    expect(socketPath('/home/me/p', around)).toBe('/home/me/p/socket');
    const long = `/home/${'x'.repeat(120)}`;
    expect(Buffer.byteLength(socketPath(long, around))).toBeLessThan(100);
    expect(socketPath(long, around)).not.toBe(socketPath(`${long}y`, around));
    expect(socketPath(long, { ...around, environment: { XDG_RUNTIME_DIR: '/run/user/1000' } })).toMatch(
      /^\/run\/user\/1000\/pilothouse-[0-9a-f]{16}\/socket$/,
    );
    expect(socketPath('C:\\x', { ...around, platform: 'win32' })).toMatch(/^\\\\\.\\pipe\\pilothouse-[0-9a-f]{16}$/);
  });

  it('is made private, and a link is refused', () => {
    privateFolder(join(home, 'new', 'deep'));
    expect(statSync(join(home, 'new', 'deep')).mode & 0o777).toBe(0o700);
    mkdirSync(join(home, 'open'), { mode: 0o777 });
    privateFolder(join(home, 'open'));
    expect(statSync(join(home, 'open')).mode & 0o077).toBe(0);
    symlinkSync(join(home, 'open'), join(home, 'link'));
    expect(() => privateFolder(join(home, 'link'))).toThrow('not a plain folder');
    expect(existsSync(join(home, 'open'))).toBe(true);
  });
});
