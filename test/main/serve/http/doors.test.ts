/** What must not get in: reliability S14 to S20 against the real server. */
import { createHmac } from 'node:crypto';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readListening } from '../../../../src-main/serve/http/nacos';
import { firstHost, sameNetwork } from '../../../../src-main/serve/http/server';
import { secretOf, serve, until, window, type Served } from './world';

let served: Served;
beforeEach(async () => {
  served = await serve({ mounts: [{ path: '/metrics', handle: () => Promise.resolve(new Response('up 1\n')) }] });
  served.publish('shop/default/application', 'a=1\n');
  served.publish('other/default/application', 'b=2\n');
});
afterEach(() => served.stop());

interface Answer {
  status: number;
  body: string;
  headers: Record<string, unknown>;
}

/** A request exactly as given; `fetch` would tidy it up. */
function raw(
  method: string,
  path: string,
  headers: Record<string, string | string[]> = {},
  body = '',
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const [host = '', port = ''] = served.address.split(':');
    const sent = request(
      { host, port: Number(port), method, path, headers: { host: served.address, ...headers }, agent: false },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => (text += part));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text, headers: response.headers }));
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Bytes as they are; resolves with what came back. */
function bytes(text: string): Promise<string> {
  return new Promise((resolve) => {
    const [host = '', port = ''] = served.address.split(':');
    const socket = connect(Number(port), host, () => socket.write(text));
    let answer = '';
    socket.on('data', (part) => (answer += part.toString()));
    socket.on('error', () => resolve(answer));
    socket.on('close', () => resolve(answer));
  });
}

const bearer = async (namespace: string, rights: 'read' | 'write' = 'read'): Promise<Record<string, string>> => ({
  authorization: `Bearer ${(await served.token(namespace, rights)).token}`,
});
const application = '/configs/shop/default/application';

describe('who may enter', () => {
  it('gives a token its own namespace and nothing else, and nothing any more once it is revoked', async () => {
    const { id, token } = await served.token('shop');
    const headers = { authorization: `Bearer ${token}` };
    expect((await raw('GET', application, headers)).status).toBe(200);
    expect((await raw('GET', '/configs/other/default/application', headers)).status).toBe(401);
    expect((await raw('GET', '/v1/config/other/default/application', headers)).status).toBe(403);
    expect((await raw('GET', '/nacos/v1/cs/configs?dataId=application&group=&tenant=other', headers)).status).toBe(403);
    expect((await raw('GET', '/nacos/v1/cs/configs?search=blur&dataId=*&group=*&tenant=other', headers)).status).toBe(
      403,
    );
    expect(
      (
        await raw(
          'GET',
          '/notifications/v2?appId=other&cluster=default&notifications=[{"namespaceName":"application","notificationId":-1}]'.replaceAll(
            '"',
            '%22',
          ),
          headers,
        )
      ).status,
    ).toBe(401);
    expect((await raw('GET', '/v1/config/watch?items=other/default/application', headers)).status).toBe(403);
    expect((await raw('GET', '/metrics', headers)).status).toBe(403);
    const write = JSON.stringify({ text: 'a=9' });
    const json = { ...headers, 'content-type': 'application/json' };
    expect((await raw('PUT', '/v1/config/shop/default/application', json, write)).status).toBe(403);
    await served.config.calls['config.revokeToken']({ id }, window);
    expect((await raw('GET', application, headers)).status).toBe(401);
  });

  it('opens mounts to a token for everything', async () => {
    expect(await raw('GET', '/metrics', await bearer('*'))).toMatchObject({ status: 200, body: 'up 1\n' });
    expect((await raw('GET', '/metrics')).status).toBe(401);
  });

  it('knows nobody by address, agent or forwarded header', async () => {
    for (const headers of [
      { 'user-agent': 'Nacos-Server' },
      { 'x-forwarded-for': '127.0.0.1' },
      { serverIdentity: 'security' },
      {},
    ])
      expect((await raw('GET', application, headers as Record<string, string>)).status).toBe(401);
  });

  it('checks Apollo signatures: path and query as sent, time within a minute, key of that app', async () => {
    const { token } = await served.token('shop');
    const sign = (path: string, time = Date.now(), secret = token, app = 'shop'): Record<string, string> => ({
      timestamp: String(time),
      authorization: `Apollo ${app}:${createHmac('sha1', secret).update(`${time}\n${path}`).digest('base64')}`,
    });
    const path = `${application}?ip=1.2.3.4&label=a%20b`;
    expect((await raw('GET', path, sign(path))).status).toBe(200);
    expect((await raw('GET', path, sign(application))).status).toBe(401);
    expect((await raw('GET', path, sign(path, Date.now() - 61_000))).status).toBe(401);
    expect((await raw('GET', path, sign(path, Date.now(), `${token}x`))).status).toBe(401);
    const { token: other } = await served.token('other');
    expect((await raw('GET', path, sign(path, Date.now(), other))).status).toBe(401);
    expect(
      (await raw('GET', '/configs/other/default/application', sign('/configs/other/default/application'))).status,
    ).toBe(401);
  });

  it('logs Nacos clients in for a while', async () => {
    const { id, token } = await served.token('shop');
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const login = async (password: string): Promise<Answer> =>
      raw('POST', '/nacos/v1/auth/login', form, `username=${id}&password=${encodeURIComponent(password)}`);
    expect((await login('wrong')).status).toBe(403);
    const { accessToken, tokenTtl } = JSON.parse((await login(token)).body) as {
      accessToken: string;
      tokenTtl: number;
    };
    expect(tokenTtl).toBe(18_000);
    const path = '/nacos/v1/cs/configs?dataId=application&group=DEFAULT_GROUP&tenant=shop&accessToken=';
    expect(await raw('GET', path + accessToken)).toMatchObject({ status: 200, body: 'a=1\n' });
    expect((await raw('GET', `${path}${accessToken.slice(0, -2)}xx`)).status).toBe(401);
    await served.config.calls['config.revokeToken']({ id }, window);
    expect((await raw('GET', path + accessToken)).status).toBe(401);
  });

  it('lets nobody write without a token, even where reading is open', async () => {
    await served.change({ open: true });
    expect((await raw('GET', application)).status).toBe(200);
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await raw(
      'POST',
      '/nacos/v1/cs/configs',
      form,
      'dataId=application&group=DEFAULT_GROUP&tenant=shop&content=x',
    );
    expect(answer.status).toBe(403);
    expect((await raw('DELETE', '/v1/config/shop/default/application')).status).toBe(403);
  });

  it('gives nothing to ten thousand strange requests without a token', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 20 });
    const [host = '', port = ''] = served.address.split(':');
    const ask = (method: string, path: string, headers: Record<string, string>): Promise<number> =>
      new Promise((resolve) => {
        const sent = request(
          { host, port: Number(port), method, path, headers: { host: served.address, ...headers }, agent },
          (response) => {
            response.resume();
            response.on('end', () => resolve(response.statusCode ?? 0));
          },
        );
        sent.on('error', () => resolve(0));
        sent.end();
      });
    const part = fc.constantFrom(
      'nacos',
      'v1',
      'cs',
      'configs',
      'configs?dataId=application&tenant=shop',
      'configfiles',
      'json',
      'shop',
      'default',
      'application',
      'config',
      'metrics',
      'ns',
      'instance',
      'list',
      '..',
      '.',
      '',
      '%2e%2e',
      '%2f',
      'watch',
      'auth',
      'users',
      ';x',
      'health',
    );
    const path = fc.array(part, { maxLength: 6 }).map((parts) => `/${parts.join('/')}`);
    const method = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH');
    const header = fc.constantFrom<Record<string, string>>(
      {},
      { 'user-agent': 'Nacos-Server' },
      { 'x-forwarded-for': '127.0.0.1' },
      { authorization: 'Bearer x.y' },
      { authorization: 'Apollo shop:x', timestamp: '1' },
      { accesstoken: 'a.b.c' },
      { 'x-http-method-override': 'GET' },
    );
    const asked = fc.sample(fc.tuple(method, path, header), { numRuns: 10_000, seed: 7 });
    const statuses: number[] = [];
    for (let from = 0; from < asked.length; from += 200)
      statuses.push(...(await Promise.all(asked.slice(from, from + 200).map((one) => ask(...one)))));
    agent.destroy();
    expect(statuses.filter((status) => status >= 200 && status < 400)).toEqual([]);
    expect(statuses.filter((status) => status === 500)).toEqual([]);
  }, 60_000);
});

describe('which requests are refused before they are looked at', () => {
  it.each(['evil.com', 'localhost.evil.com:PORT', '127.0.0.1.nip.io:PORT', '127.0.0.1', '[::1]:PORT'])(
    'Host %s',
    async (host) => {
      const headers = { ...(await bearer('shop')), host: host.replace('PORT', served.address.split(':')[1] ?? '') };
      expect([400, 421]).toContain((await raw('GET', application, headers)).status);
    },
  );

  it('no Host, and two of them', async () => {
    expect(await bytes(`GET ${application} HTTP/1.1\r\nConnection: close\r\n\r\n`)).toMatch(/^HTTP\/1.1 400/);
    const two = `GET ${application} HTTP/1.1\r\nHost: ${served.address}\r\nHost: ${served.address}\r\nConnection: close\r\n\r\n`;
    expect(await bytes(two)).toMatch(/^HTTP\/1.1 4(00|21)/);
  });

  it('what a page of a browser sends', async () => {
    const headers = await bearer('shop', 'write');
    expect((await raw('GET', application, { ...headers, origin: 'https://evil.example' })).status).toBe(403);
    expect((await raw('GET', application, { ...headers, origin: 'null' })).status).toBe(403);
    expect((await raw('GET', application, { ...headers, 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    const plain = { ...headers, 'content-type': 'text/plain' };
    expect((await raw('PUT', '/v1/config/shop/default/application', plain, '{"text": "x"}')).status).toBe(415);
    expect((await raw('OPTIONS', application, headers)).headers['access-control-allow-origin']).toBeUndefined();
  });

  it.each([
    '//configs/shop/default/application',
    '/v1/../configs/shop/default/application',
    '/configs/shop/default/application/',
    '/%2e/configs/shop/default/application',
    '/configs/shop%2fdefault/application',
  ])('the path %s', async (path) => {
    expect((await raw('GET', path, await bearer('shop'))).status).toBe(404);
  });

  it('a body over a megabyte, said or not', async () => {
    const headers = { ...(await bearer('shop', 'write')), 'content-type': 'application/json' };
    const path = '/v1/config/shop/default/application';
    const big = JSON.stringify({ text: 'x'.repeat(1024 * 1024) });
    expect((await raw('PUT', path, headers, big).catch(() => ({ status: 413 }))).status).toBe(413);
    const chunked = { ...headers, 'transfer-encoding': 'chunked' };
    expect((await raw('PUT', path, chunked, big).catch(() => ({ status: 413 }))).status).toBe(413);
  });

  it('ends sockets that say nothing, while others are answered', async () => {
    const [host = '', port = ''] = served.address.split(':');
    const slow = Array.from({ length: 500 }, () =>
      connect(Number(port), host, function (this: { write(text: string): void }) {
        this.write('GET / HTTP/1.1\r\nHo');
      }),
    );
    let ended = 0;
    for (const socket of slow) {
      socket.on('error', () => {});
      socket.on('close', () => (ended += 1));
      socket.resume();
    }
    const headers = await bearer('shop');
    for (let turn = 0; turn < 20; turn++) expect((await raw('GET', application, headers)).status).toBe(200);
    await until(() => ended === 500, 15_000);
  }, 20_000);
});

describe('long polls', () => {
  it('a thousand at once are one subscription each, answered by one release, and cost nothing in between', async () => {
    const headers = await bearer('shop');
    const id = served.config.notice('shop/default/application');
    const agent = new Agent({ keepAlive: false, maxSockets: 1000 });
    const notifications = encodeURIComponent(JSON.stringify([{ namespaceName: 'application', notificationId: id }]));
    const [host = '', port = ''] = served.address.split(':');
    const poll = (): Promise<string> =>
      new Promise((resolve, reject) => {
        const sent = request(
          {
            host,
            port: Number(port),
            path: `/notifications/v2?appId=shop&cluster=default&notifications=${notifications}`,
            headers: { host: served.address, ...headers },
            agent,
          },
          (response) => {
            let text = '';
            response.on('data', (part: Buffer) => (text += part.toString()));
            response.on('end', () => resolve(`${response.statusCode} ${text}`));
          },
        );
        sent.on('error', reject);
        sent.end();
      });
    const polls = Array.from({ length: 1000 }, poll);
    const waiting = async (): Promise<number> => (await served.config.calls['config.http']({}, window)).waiting;
    await until(async () => (await waiting()) === 1000, 20_000);
    let looks = 0;
    const notice = served.config.notice.bind(served.config);
    served.config.notice = (key) => {
      looks += 1;
      return notice(key);
    };
    served.publish('other/default/application', 'b=3\n');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(looks).toBe(0);
    served.publish('shop/default/application', 'a=2\n');
    const answers = await Promise.all(polls);
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toMatch(/^200 .*"notificationId":/);
    expect(looks).toBe(1000);
    agent.destroy();
  }, 40_000);

  it('of a client that went away are forgotten', async () => {
    const headers = await bearer('shop');
    const id = served.config.notice('shop/default/application');
    const notifications = encodeURIComponent(JSON.stringify([{ namespaceName: 'application', notificationId: id }]));
    const [host = '', port = ''] = served.address.split(':');
    const sent = request({
      host,
      port: Number(port),
      path: `/notifications/v2?appId=shop&cluster=default&notifications=${notifications}`,
      headers: { host: served.address, ...headers },
      agent: false,
    });
    sent.on('error', () => {});
    sent.end();
    const waiting = async (): Promise<number> => (await served.config.calls['config.http']({}, window)).waiting;
    await until(async () => (await waiting()) === 1);
    sent.destroy();
    await until(async () => (await waiting()) === 0);
  });

  it('with nothing readable to wait for are refused', async () => {
    const headers = await bearer('shop');
    for (const text of ['', '[]', '{', '[{"namespaceName":1}]'])
      expect(
        (
          await raw(
            'GET',
            `/notifications/v2?appId=shop&cluster=default&notifications=${encodeURIComponent(text)}`,
            headers,
          )
        ).status,
      ).toBe(400);
  });
});

describe('our own endpoints', () => {
  it('read, write with compare-and-set, list, stream and remove', async () => {
    const headers = { ...(await bearer('shop', 'write')), 'content-type': 'application/json' };
    const path = '/v1/config/shop/default/app.yaml';
    const put = (text: string, expected: number): Promise<Answer> =>
      raw('PUT', path, headers, JSON.stringify({ text, format: 'yaml', expected }));
    expect((await put('a: 1\n', 0)).status).toBe(200);
    expect((await put('a: 2\n', 0)).status).toBe(409);
    expect(JSON.parse((await put('a: [\n', 1)).body)).toMatchObject({
      problem: { code: 'bad-input', where: { line: 2 } },
    });
    const got = await raw('GET', path, headers);
    expect(JSON.parse(got.body)).toMatchObject({ release: 1, text: 'a: 1\n', format: 'yaml' });
    expect((await raw('GET', path, { ...headers, 'if-none-match': String(got.headers['etag']) })).status).toBe(304);
    expect(JSON.parse((await raw('GET', '/v1/config/shop', headers)).body)).toMatchObject({
      items: [{ name: 'application' }, { name: 'app.yaml' }],
    });

    const [host = '', port = ''] = served.address.split(':');
    let heard = '';
    const watch = request(
      {
        host,
        port: Number(port),
        path: '/v1/config/watch?items=shop/default/app.yaml',
        headers: { host: served.address, ...headers },
        agent: false,
      },
      (stream) => {
        stream.on('data', (part: Buffer) => (heard += part.toString()));
        stream.on('error', () => {});
      },
    );
    watch.on('error', () => {});
    watch.end();
    await until(() => heard.includes('"text":"a: 1\\n"'));
    await put('a: 2\n', 1);
    await until(() => heard.includes('"text":"a: 2\\n"'));
    expect((await raw('DELETE', path, headers)).status).toBe(200);
    await until(() => heard.includes('event: gone'));
    watch.destroy();
    await until(async () => (await served.config.calls['config.http']({}, window)).waiting === 0);
  });
});

describe('Nacos listening', () => {
  it.each([
    ['a\u0002g\u00020\u0001', [{ dataId: 'a', group: 'g', md5: '0' }]],
    [
      'a%02g%020%02t%01b%02g%02%01',
      [
        { dataId: 'a', tenant: 't' },
        { dataId: 'b', md5: '' },
      ],
    ],
    ['', undefined],
    ['a\u0002g\u00020\u0002t\u0002more\u0001', undefined],
    ['../x\u0002g\u00020\u0001', undefined],
    ['%', undefined],
  ])('%j', (text, expected) => {
    const list = readListening(text);
    if (expected === undefined) expect(list).toBeUndefined();
    else expect(list).toMatchObject(expected);
  });

  it('answers at once for what differs, and a client that knows nothing of a missing config waits', async () => {
    const { id, token } = await served.token('shop');
    const form = { 'content-type': 'application/x-www-form-urlencoded', 'long-pulling-timeout': '30000' };
    const ask = (records: string, more = {}): Promise<Answer> =>
      raw(
        'POST',
        '/nacos/v1/cs/configs/listener',
        { ...form, ...more },
        `username=${id}&password=${token}&Listening-Configs=${encodeURIComponent(records)}`,
      );
    const old = await ask('application\u0002DEFAULT_GROUP\u0002old\u0002shop\u0001');
    expect(old).toMatchObject({ status: 200, body: 'application%02DEFAULT_GROUP%02shop%01\n' });
    const missing = ask('nothing\u0002DEFAULT_GROUP\u0002\u0002shop\u0001');
    await until(async () => (await served.config.calls['config.http']({}, window)).waiting === 1);
    served.publish('shop/default/nothing', 'now there', 'text');
    expect((await missing).body).toBe('nothing%02DEFAULT_GROUP%02shop%01\n');
    const quick = await ask('nothing\u0002DEFAULT_GROUP\u0002x\u0002shop\u0001', {
      'long-pulling-timeout-no-hangup': 'true',
    });
    expect(quick.body).not.toBe('');
  });
});

describe('where it listens', () => {
  it('is loopback alone, and nowhere once it is turned off', async () => {
    const view = await served.config.calls['config.http']({}, window);
    expect(view).toMatchObject({ state: 'running', urls: [expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/)] });
    await served.change({ enabled: false });
    expect((await served.config.calls['config.http']({}, window)).state).toBe('off');
    await expect(raw('GET', application)).rejects.toThrow(/ECONNREFUSED/);
  });

  it('does not start without its key, and says so', async () => {
    const other = await serve({
      secretOf: () => {
        throw new Error('no key');
      },
    });
    expect(await other.config.calls['config.http']({}, window)).toMatchObject({ state: 'failed', urls: [] });
    await other.stop();
    expect(secretOf('a')).not.toBe(secretOf('b'));
  });

  it.each([
    ['172.17.0.0/16', '172.17.0.1/16', true],
    ['172.17.0.0/16', '172.18.0.1/16', false],
    ['0.0.0.0/0', '192.168.1.2/0', false],
    ['172.17.0.0/16', '172.17.0.1/24', false],
    ['fd00::/64', 'fd00::1/64', false],
  ])('%s and %s: %s', (subnet, address, expected) => {
    expect(sameNetwork(subnet, address)).toBe(expected);
  });

  it.each([
    ['172.17.0.0/16', '172.17.0.1'],
    ['192.168.64.0/20', '192.168.64.1'],
    ['10.255.255.128/25', '10.255.255.129'],
    ['172.17.5.9/16', '172.17.0.1'],
    ['172.17.0.0/31', undefined],
    ['999.0.0.0/8', undefined],
    ['fd00::/64', undefined],
  ])('the bridge of %s is %s', (subnet, expected) => {
    expect(firstHost(subnet)).toBe(expected);
  });
});
