import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request, type Server } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startFaultProxy, type FaultProxy } from './faultproxy';

/** A stand-in for the engine that counts what reaches it. */
let folder: string;
let upstream: Server;
let proxy: FaultProxy;
let reached: string[];
let events: (line: string) => void;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pilothouse-upstream-'));
  reached = [];
  upstream = createServer((incoming, outgoing) => {
    let body = '';
    incoming.on('data', (chunk) => (body += String(chunk)));
    incoming.on('end', () => {
      reached.push(`${incoming.method} ${incoming.url} ${body}`.trim());
      if (incoming.url?.includes('/events')) {
        outgoing.writeHead(200);
        outgoing.flushHeaders();
        events = (line) => void outgoing.write(line);
      } else {
        outgoing.end(JSON.stringify({ Id: 'abc', Names: ['/one', '/two'] }));
      }
    });
  });
  upstream.on('upgrade', (_incoming, socket) => {
    socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
    socket.on('data', (chunk: Buffer) => socket.write(`echo ${chunk.toString()}`));
    socket.on('end', () => socket.end());
  });
  await new Promise<void>((resolve) => upstream.listen(join(folder, 'engine.sock'), resolve));
  proxy = await startFaultProxy({ upstream: join(folder, 'engine.sock'), seed: 7 });
});

afterEach(async () => {
  await proxy.stop();
  upstream.closeAllConnections();
  await new Promise((resolve) => upstream.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

interface Answer {
  status: number;
  body: string;
}

function ask(method: string, path: string, options: { body?: string; timeoutMs?: number } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath: proxy.socket, method, path, agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk) => (body += String(chunk)));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.on('error', reject);
    });
    outgoing.setTimeout(options.timeoutMs ?? 5_000, () => outgoing.destroy(new Error('no answer')));
    outgoing.on('error', reject);
    outgoing.end(options.body);
  });
}

const full = JSON.stringify({ Id: 'abc', Names: ['/one', '/two'] });

describe('startFaultProxy', () => {
  it('passes requests and answers unchanged and counts them', async () => {
    const answer = await ask('POST', '/v1.41/containers/create?name=a', { body: '{"Image":"busybox"}' });
    expect(answer).toEqual({ status: 200, body: full });
    expect(reached).toEqual(['POST /v1.41/containers/create?name=a {"Image":"busybox"}']);
    expect(proxy.calls).toMatchObject([{ method: 'POST', path: '/containers/create?name=a', status: 200 }]);
    expect(proxy.count({ method: 'POST', path: /^\/containers\/create/ })).toBe(1);
    expect(proxy.count({ method: 'GET' })).toBe(0);
    proxy.forget();
    expect(proxy.calls).toEqual([]);
  });

  it('answers with an error of its own without asking the engine', async () => {
    const active = proxy.inject({ kind: 'status', status: 409, message: 'name in use', path: /create/, times: 1 });
    const first = await ask('POST', '/containers/create');
    expect(first.status).toBe(409);
    expect(JSON.parse(first.body)).toEqual({ message: 'name in use' });
    expect((await ask('POST', '/containers/create')).status).toBe(200);
    expect(reached).toHaveLength(1);
    expect(active.hits).toBe(1);
    expect(proxy.count({ fault: 'status' })).toBe(1);
  });

  it('loses the answer of a request that the engine carried out', async () => {
    proxy.inject({ kind: 'drop-response', method: 'POST' });
    await expect(ask('POST', '/containers/create')).rejects.toThrow();
    expect(reached).toHaveLength(1);
    expect(proxy.calls).toMatchObject([{ status: 0, fault: 'drop-response' }]);
    expect((await ask('GET', '/containers/json')).status).toBe(200);
  });

  it('breaks the connection before the engine sees the request', async () => {
    const active = proxy.inject({ kind: 'close', after: 1 });
    expect((await ask('GET', '/info')).status).toBe(200);
    await expect(ask('GET', '/info')).rejects.toThrow();
    expect(reached).toHaveLength(1);
    active.remove();
    expect((await ask('GET', '/info')).status).toBe(200);
  });

  it('cuts a body in the middle', async () => {
    proxy.inject({ kind: 'truncate', bytes: 5 });
    await expect(ask('GET', '/containers/json')).rejects.toThrow(/aborted|hang up/);
  });

  it('hangs, and delays', async () => {
    proxy.inject({ kind: 'hang', path: /start$/ });
    await expect(ask('POST', '/containers/a/start', { timeoutMs: 150 })).rejects.toThrow('no answer');
    expect(reached).toEqual([]);
    proxy.clear();
    proxy.inject({ kind: 'delay', ms: 120 });
    const began = performance.now();
    await ask('POST', '/containers/a/start');
    expect(performance.now() - began).toBeGreaterThan(110);
  });

  it('freezes an event stream that is open already, loses what came meanwhile, and lets it go on', async () => {
    const received: string[] = [];
    const outgoing = request({ socketPath: proxy.socket, path: '/events', agent: false }, (response) => {
      response.on('data', (chunk) => received.push(String(chunk)));
      response.on('error', () => undefined);
    });
    outgoing.on('error', () => undefined);
    outgoing.end();
    await expect.poll(() => reached.length).toBe(1);
    events('one ');
    await expect.poll(() => received.join('')).toBe('one ');
    const hold = proxy.inject({ kind: 'hold', path: /^\/events/ });
    events('two ');
    await expect.poll(() => proxy.count({ fault: 'hold' })).toBe(1);
    hold.remove();
    events('three');
    await expect.poll(() => received.join('')).toBe('one three');
    outgoing.destroy();
  });

  it('strikes the same calls again with the same seed', async () => {
    const draw = async (): Promise<number[]> => {
      const other = await startFaultProxy({ upstream: join(folder, 'engine.sock'), seed: 42 });
      other.inject({ kind: 'status', probability: 0.3 });
      const statuses: number[] = [];
      for (let index = 0; index < 40; index += 1) {
        statuses.push(
          await new Promise<number>((resolve, reject) => {
            request({ socketPath: other.socket, path: `/info?${index}`, agent: false }, (response) => {
              response.resume();
              resolve(response.statusCode ?? 0);
            })
              .on('error', reject)
              .end();
          }),
        );
      }
      await other.stop();
      return statuses;
    };
    const first = await draw();
    expect(await draw()).toEqual(first);
    const struck = first.filter((status) => status === 500).length;
    expect(struck).toBeGreaterThan(3);
    expect(struck).toBeLessThan(25);
  });

  it('refuses connections, breaks the open ones, and accepts again', async () => {
    const outgoing = request({ socketPath: proxy.socket, path: '/events', agent: false });
    const broken = new Promise<void>((resolve) => {
      outgoing.on('error', () => resolve());
      outgoing.on('response', (response) => response.on('error', () => resolve()));
    });
    outgoing.end();
    await expect.poll(() => reached.length).toBe(1);
    await proxy.refuse();
    await broken;
    await expect(ask('GET', '/_ping')).rejects.toThrow(/ENOENT|ECONNREFUSED/);
    await proxy.accept();
    expect((await ask('GET', '/_ping')).status).toBe(200);
  });

  it('passes a taken-over connection through', async () => {
    const socket = connect(proxy.socket);
    let received = '';
    socket.on('data', (chunk) => (received += String(chunk)));
    socket.write(
      'POST /exec/a/start HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n',
    );
    await expect.poll(() => received).toContain('101 UPGRADED');
    socket.write('ls');
    await expect.poll(() => received).toContain('echo ls');
    expect(proxy.calls).toMatchObject([{ method: 'POST', path: '/exec/a/start', status: 101 }]);
    socket.destroy();
  });
});
