import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EngineError, type EngineErrorCode } from '../../../../src-main/core/engine';
import { connect } from '../../../../src-main/engine/docker';
import { Client, imagePath, path, type Call } from '../../../../src-main/engine/docker/client';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

let folder = '';
let server: Server;
let handler: Handler = (_, response) => response.end();
let client: Client;
let seen: string[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pilothouse-client-'));
  seen = [];
  server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    handler(request, response);
  });
  await new Promise<void>((resolve) => server.listen(join(folder, 's'), resolve));
  client = new Client({ kind: 'socket', path: join(folder, 's') }, '1.41');
});

afterEach(() => {
  client.dispose();
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

const answer =
  (status: number, body: unknown): Handler =>
  (_, response) => {
    response.writeHead(status, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(body));
  };

const read = (change: Partial<Call> = {}): Call => ({ method: 'GET', path: '/x', deadline: 5_000, ...change });

async function failure(promise: Promise<unknown>): Promise<{ code: EngineErrorCode; detail: string }> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(EngineError);
  return error as EngineError;
}

describe('requests', () => {
  it('carry version, path, query and body', async () => {
    let body = '';
    let type: string | undefined;
    handler = (request, response) => {
      type = request.headers['content-type'];
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => answer(201, { Id: 'a' })(request, response));
    };
    const call = {
      path: path`/containers/${'../a b'}/start`,
      query: { name: 'x&y', t: 0, none: undefined },
      body: { A: ['b'] },
    };
    expect(await client.ask(read({ method: 'POST', ...call }))).toEqual({ Id: 'a' });
    expect(seen).toEqual(['POST /v1.41/containers/..%2Fa%20b/start?name=x%26y&t=0']);
    expect([body, type]).toEqual(['{"A":["b"]}', 'application/json']);
    expect(imagePath('host:5/a/b:1', '/json')).toBe('/images/host%3A5/a/b%3A1/json');
  });

  it('without a body send none, and archives as they are', async () => {
    const sent: string[] = [];
    handler = (request, response) => {
      let size = 0;
      request.on('data', (chunk: Buffer) => (size += chunk.length));
      request.on('end', () => {
        sent.push(`${request.headers['content-type'] ?? 'none'} ${size}`);
        response.end();
      });
    };
    expect(await client.ask(read({ method: 'POST' }))).toBeUndefined();
    await client.ask(read({ method: 'PUT', query: { path: '/' }, file: Buffer.alloc(1_000) }));
    expect(sent).toEqual(['none 0', 'application/tar 1000']);
  });

  it('pass a login in a header and nowhere else', async () => {
    let header = '';
    handler = (request, response) => {
      header = String(request.headers['x-registry-auth']);
      response.end();
    };
    const login = { username: 'me', password: 'ä?>~s3cret', serveraddress: 'r' };
    await client.ask(read({ method: 'POST', path: '/images/create', query: { fromImage: 'a' }, login }));
    expect(JSON.parse(Buffer.from(header, 'base64url').toString('utf8'))).toEqual(login);
    expect(seen).toEqual(['POST /v1.41/images/create?fromImage=a']);
  });

  it('go where they were told, whatever the environment says', async () => {
    const before = process.env['DOCKER_HOST'];
    for (const host of ['tcp://10.255.255.1:1', 'not a host at all', 'tcp://']) {
      process.env['DOCKER_HOST'] = host;
      const own = new Client({ kind: 'socket', path: join(folder, 's') });
      await own.ask(read());
      own.dispose();
      expect(process.env['DOCKER_HOST']).toBe(host);
    }
    if (before === undefined) delete process.env['DOCKER_HOST'];
    else process.env['DOCKER_HOST'] = before;
    expect(seen).toEqual(['GET /x', 'GET /x', 'GET /x']);
  });
});

describe('answers', () => {
  it('of an error status are engine errors', async () => {
    handler = answer(409, { message: 'remove v: volume is in use' });
    expect(await failure(client.ask(read()))).toMatchObject({ code: 'in-use', detail: 'remove v: volume is in use' });
    expect(await client.ask(read({ accept: [409] }))).toEqual({ message: 'remove v: volume is in use' });
    expect(await failure(client.open(read()))).toMatchObject({ code: 'in-use' });
  });

  it('that were cut are away, never shorter lists (M6)', async () => {
    handler = (_, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': 100 });
      response.write('[{"Id":"a"}');
      setTimeout(() => response.destroy(), 20);
    };
    expect(await failure(client.ask(read()))).toMatchObject({ code: 'away' });
    handler = (_, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.write('[{"Id":"a"}');
      setTimeout(() => response.destroy(), 20);
    };
    expect(await failure(client.ask(read()))).toMatchObject({ code: 'away' });
  });

  it('that are no JSON are refused', async () => {
    handler = (_, response) => {
      response.writeHead(200, { 'Content-Type': 'application/json' });
      response.end('[{"Id":');
    };
    expect(await failure(client.ask(read()))).toMatchObject({ code: 'refused' });
  });

  it('without end are refused', async () => {
    handler = (_, response) => {
      const chunk = Buffer.alloc(4 * 1024 * 1024, 32);
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
        if (!response.destroyed) response.once('drain', more);
      };
      more();
    };
    expect(await failure(client.ask(read({ deadline: 20_000 })))).toMatchObject({
      code: 'refused',
      detail: expect.stringMatching(/longer than/),
    });
  });

  it('that point elsewhere are not followed', async () => {
    handler = (request, response) => {
      if (request.url === '/v1.41/x') response.writeHead(302, { Location: `http://127.0.0.1:1/secret` });
      response.end();
    };
    expect(await failure(client.ask(read()))).toMatchObject({ code: 'refused', detail: 'HTTP 302' });
    await sleep(50);
    expect(seen).toEqual(['GET /v1.41/x']);
  });
});

describe('deadlines', () => {
  it('end calls that hang, before the head and in the middle of the body', async () => {
    handler = () => undefined;
    expect(await failure(client.ask(read({ deadline: 100 })))).toMatchObject({
      code: 'timeout',
      detail: 'no answer within 0.1 s',
    });
    handler = (_, response) => response.writeHead(200, { 'Content-Type': 'application/json' }).write('[');
    expect(await failure(client.ask(read({ deadline: 100 })))).toMatchObject({ code: 'timeout' });
    handler = () => undefined;
    expect(await failure(client.open(read({ deadline: 100 })))).toMatchObject({ code: 'timeout' });
  });

  it('of streams end with their beginning', async () => {
    handler = (_, response) => {
      response.write('a');
      setTimeout(() => response.end('b'), 300);
    };
    const response = await client.open(read({ deadline: 100 }));
    const chunks: string[] = [];
    for await (const chunk of response) chunks.push(String(chunk));
    expect(chunks).toEqual(['a', 'b']);
  });

  it('can be cut short by the caller, before and while', async () => {
    handler = () => undefined;
    const controller = new AbortController();
    const pending = failure(client.ask(read({ signal: controller.signal })));
    await expect.poll(() => seen.length, { timeout: 20_000 }).toBe(1);
    controller.abort();
    expect(await pending).toMatchObject({ code: 'timeout', detail: 'cancelled' });
    expect(await failure(client.ask(read({ signal: controller.signal })))).toMatchObject({ code: 'timeout' });
    expect(seen).toHaveLength(1);
  });
});

describe('connections', () => {
  it('are kept, and a read is sent again when the engine had closed one', async () => {
    const sockets = new Set<unknown>();
    handler = (request, response) => {
      sockets.add(request.socket);
      answer(200, [])(request, response);
    };
    for (let at = 0; at < 5; at += 1) await client.ask(read());
    expect(sockets.size).toBe(1);
    // The next request arrives on a connection that ends without an answer, as after a restart of the engine.
    handler = (request, response) => {
      if (sockets.has(request.socket)) request.socket.destroy();
      else answer(200, ['again'])(request, response);
    };
    expect(await client.ask(read())).toEqual(['again']);
    handler = (request) => request.socket.destroy();
    expect(await failure(client.ask(read()))).toMatchObject({ code: 'away' });
  });

  it('lost under an act are not sent a second time: it may have been done', async () => {
    handler = answer(200, {});
    await client.ask(read({ method: 'POST' }));
    handler = (request) => request.socket.destroy();
    expect(await failure(client.ask(read({ method: 'POST' })))).toMatchObject({ code: 'away' });
    expect(seen).toHaveLength(2);
  });

  it('of a hundred streams and fifty slow acts leave room for reads', async () => {
    handler = (request, response) => {
      if (request.url?.endsWith('/slow')) return;
      if (request.url?.endsWith('/stream')) response.write('x');
      else answer(200, ['here'])(request, response);
    };
    const streams = await Promise.all(Array.from({ length: 100 }, () => client.open(read({ path: '/stream' }))));
    for (const stream of streams) stream.on('error', () => undefined);
    const acts = Array.from({ length: 50 }, () =>
      failure(client.ask(read({ method: 'POST', path: '/slow', deadline: 1_000 }))),
    );
    let actsEnded = false;
    void Promise.race(acts).then(() => (actsEnded = true));
    expect(await client.ask(read())).toEqual(['here']);
    expect(actsEnded).toBe(false);
    for (const stream of streams) stream.destroy();
    for (const { code } of await Promise.all(acts)) expect(code).toBe('timeout');
  });

  it('that cannot be made say why', async () => {
    const gone = new Client({ kind: 'socket', path: join(folder, 'nothing') });
    expect(await failure(gone.ask(read()))).toMatchObject({ code: 'away' });
    gone.dispose();
    expect(await failure(gone.ask(read()))).toMatchObject({
      code: 'away',
      detail: expect.stringMatching(/was closed/),
    });
  });
});

describe('agreeing on a version', () => {
  const endpoint = (): { endpoint: string } => ({ endpoint: `unix://${join(folder, 's')}` });
  const speak = (version: object): void => {
    handler = (request, response) =>
      answer(200, request.url?.includes('version') ? version : { ID: 'ABC', KernelVersion: 'other' })(
        request,
        response,
      );
  };

  it.each([
    ['1.24', '1.12', 'v1.24'],
    ['1.41', '1.12', 'v1.41'],
    ['1.54', '1.44', 'v1.47'],
  ])('with one that speaks up to %s takes %s..%s', async (ApiVersion, MinAPIVersion, expected) => {
    speak({ ApiVersion, MinAPIVersion });
    const engine = await connect(endpoint());
    expect(engine.id).toBe('ABC');
    expect(engine.capabilities.localCgroups).toBe(false);
    expect(seen).toEqual(['GET /version', `GET /${expected}/info`]);
    engine.dispose();
  });

  it.each([
    [{ ApiVersion: '1.18' }, 'unsupported'],
    [{ ApiVersion: '2.0', MinAPIVersion: '1.99' }, 'unsupported'],
    [{ ApiVersion: '<script>' }, 'refused'],
    [{}, 'refused'],
  ])('fails with %o', async (version, code) => {
    speak(version);
    expect(await failure(connect(endpoint()))).toMatchObject({ code });
  });

  it('asks Podman what it lacks, and tells it by its version and settings', async () => {
    const lacksOf = async (Version: string, CgroupDriver: string, updates: boolean): Promise<unknown> => {
      handler = (request, response) => {
        if (request.url?.endsWith('/update'))
          answer(
            404,
            updates ? { message: 'no container with name or ID "f": no such container' } : { message: 'Not Found' },
          )(request, response);
        else
          answer(200, { ApiVersion: '1.41', Version, CgroupDriver, Components: [{ Name: 'Podman Engine' }] })(
            request,
            response,
          );
      };
      const engine = await connect(endpoint());
      engine.dispose();
      return engine.lacks;
    };
    expect(await lacksOf('4.3.1', 'cgroupfs', false)).toEqual([
      ...['boot', 'health-timers', 'update'],
      ...['domainname', 'mac_address', 'annotations', 'gpus'],
    ]);
    expect(await lacksOf('5.6.0', 'systemd', true)).toEqual(['boot']);
  });

  it('knows Podman, whose id changes with every answer, by its endpoint', async () => {
    speak({ ApiVersion: '1.41', Components: [{ Name: 'Podman Engine' }] });
    const [one, other] = [await connect(endpoint()), await connect(endpoint())];
    expect(one.id).toBe(other.id);
    expect(one.id).not.toBe('ABC');
    handler = (request, response) => {
      const { health } = JSON.parse(new URL(request.url ?? '', 'http://x').searchParams.get('filters') ?? '{}') as {
        health?: string[];
      };
      const row = (Id: string): object => ({ Id, State: 'running', Status: 'Up 1 second' });
      answer(200, health === undefined ? [row('a'), row('b')] : health[0] === 'healthy' ? [row('b')] : [])(
        request,
        response,
      );
    };
    expect((await one.list()).map(({ id, health }) => [id, health])).toEqual([
      ['a', 'none'],
      ['b', 'healthy'],
    ]);
    one.dispose();
    other.dispose();
  });
});
