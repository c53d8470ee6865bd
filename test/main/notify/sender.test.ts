/** The sender against real servers on loopback. */
import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { HttpOutgoing, MailOutgoing } from '../../../src-main/core/alerts';
import { createSender } from '../../../src-main/notify';
import { smtpSink, type SmtpSink } from '../../support/smtp';

const now = 1_800_000_000_123;
const send = createSender({ now: () => now });
const servers: Server[] = [];
let sink: SmtpSink | undefined;

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  await sink?.close();
  sink = undefined;
});

interface Heard {
  method: string | undefined;
  url: string | undefined;
  headers: IncomingMessage['headers'];
  body: string;
}

/** A server that notes what it hears before it answers. */
async function listen(answer: RequestListener): Promise<{ port: number; heard: Heard[] }> {
  const heard: Heard[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (part: Buffer) => (body += part.toString()));
    request.on('end', () => {
      heard.push({ method: request.method, url: request.url, headers: request.headers, body });
      answer(request, response);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, heard };
}

const ok: RequestListener = (_request, response) => void response.end('{"errcode":0,"code":0}');

function hook(port: number, over: Partial<HttpOutgoing> = {}): HttpOutgoing {
  return {
    kind: 'http',
    url: `http://127.0.0.1:${port}/in?a=1`,
    headers: { 'content-type': 'application/json' },
    body: '{"x":"ä"}',
    local: true,
    ...over,
  };
}

function mail(port: number, over: Partial<MailOutgoing> = {}): MailOutgoing {
  return {
    kind: 'mail',
    host: '127.0.0.1',
    port,
    security: 'none',
    user: '',
    password: '',
    from: 'Pilothouse <app@here.example>',
    to: ['ops@there.example', 'other@there.example'],
    subject: '[FIRING:1] Ärger\r\nBcc: evil@there.example',
    text: 'line\n.\nend',
    html: '<p>line</p>',
    local: true,
    ...over,
  };
}

describe('over HTTP', () => {
  it('posts the body with the key by which repetitions are told', async () => {
    const { port, heard } = await listen(ok);
    const headers = { 'x-token': 't', Host: 'elsewhere.example', 'Content-Length': '1', Connection: 'upgrade' };
    expect(await send(hook(port, { headers }), 'n1')).toEqual({ delivered: true });
    expect(heard).toMatchObject([
      { method: 'POST', url: '/in?a=1', body: '{"x":"ä"}', headers: { 'idempotency-key': 'n1', 'x-token': 't' } },
    ]);
    expect(heard[0]?.headers.host).toBe(`127.0.0.1:${port}`);
  });

  it('asks the resolver once and goes where it was told', async () => {
    const { port, heard } = await listen(ok);
    const answers = ['127.0.0.1', '169.254.169.254'];
    let asked = 0;
    const flipping = createSender({
      now: () => now,
      lookup: () => Promise.resolve([{ address: answers[asked++] ?? '', family: 4 }]),
    });
    expect(await flipping(hook(port, { url: `http://flips.example:${port}/` }), 'n')).toEqual({ delivered: true });
    expect(asked).toBe(1);
    expect(heard[0]?.headers.host).toBe(`flips.example:${port}`);
  });

  it.each(['http://169.254.169.254/latest', 'http://[64:ff9b::7f00:1]/', 'http://0.0.0.0/', 'http://2852039166/'])(
    '%s is never reached, even when local ones may be',
    async (url) => {
      expect(await send(hook(0, { url }), 'n')).toMatchObject({
        delivered: false,
        retry: false,
        words: { code: 'notice.forbiddenAddress' },
      });
    },
  );

  it('loopback is not reached unless it is meant', async () => {
    const { port, heard } = await listen(ok);
    for (const host of ['127.0.0.1', '[::ffff:127.0.0.1]', '0x7f.1', 'localhost'])
      expect(await send(hook(port, { url: `http://${host}:${port}/`, local: false }), 'n')).toMatchObject({
        delivered: false,
        words: { code: 'notice.localAddress' },
      });
    expect(heard).toEqual([]);
  });

  it('follows nothing', async () => {
    const inner = await listen(ok);
    const { port } = await listen((_request, response) =>
      response.writeHead(302, { location: `http://127.0.0.1:${inner.port}/` }).end(),
    );
    expect(await send(hook(port), 'n')).toMatchObject({
      delivered: false,
      retry: false,
      words: { args: { status: 302 } },
    });
    expect(inner.heard).toEqual([]);
  });

  it.each([
    [500, true],
    [429, true],
    [404, false],
  ])('%i: again %s; nothing of the answer is told', async (status, retry) => {
    const { port } = await listen((_request, response) => response.writeHead(status).end('inner secret'));
    const delivery = await send(hook(port), 'n');
    expect(delivery).toMatchObject({ delivered: false, retry });
    expect(JSON.stringify(delivery)).not.toContain('inner secret');
  });

  it('an endless answer, none at all, and nobody there', async () => {
    const endless = await listen((_request, response) => {
      const more = (): void => {
        if (!response.destroyed) response.write('x'.repeat(65_536), () => setImmediate(more));
      };
      more();
    });
    expect(await send(hook(endless.port, { answerCode: 'errcode' }), 'n')).toMatchObject({ delivered: false });
    const silent = await listen(() => {});
    const hasty = createSender({ now: () => now, deadline: 200 });
    expect(await hasty(hook(silent.port), 'n')).toMatchObject({ retry: true, words: { code: 'notice.timeout' } });
    const gone = await listen(ok);
    await new Promise((resolve) => servers.pop()?.close(resolve));
    expect(await send(hook(gone.port), 'n')).toMatchObject({
      retry: true,
      words: { code: 'notice.unreachable', args: { reason: 'ECONNREFUSED' } },
    });
  });

  it('what is no address is said without its secret path', async () => {
    const delivery = await send(hook(0, { url: 'ftp://host/secret-token' }), 'n');
    expect(delivery).toMatchObject({ retry: false, words: { code: 'notice.badAddress' } });
    expect(JSON.stringify(delivery)).not.toContain('secret-token');
  });

  it('signs for DingTalk and Feishu as they demand, and hears their codes', async () => {
    const { port, heard } = await listen(ok);
    const both = { secret: 'SEC', kind: 'dingtalk' as const };
    expect(await send(hook(port, { sign: both, answerCode: 'errcode' }), 'n')).toEqual({ delivered: true });
    const asked = new URL(heard[0]?.url ?? '', 'http://x');
    expect(asked.searchParams.get('timestamp')).toBe(String(now));
    expect(asked.searchParams.get('sign')).toBe(createHmac('sha256', 'SEC').update(`${now}\nSEC`).digest('base64'));
    await send(hook(port, { sign: { secret: 'SEC', kind: 'feishu' }, answerCode: 'code' }), 'n');
    const at = String(Math.floor(now / 1000));
    expect(JSON.parse(heard[1]?.body ?? '')).toEqual({
      x: 'ä',
      timestamp: at,
      sign: createHmac('sha256', `${at}\nSEC`).update('').digest('base64'),
    });
    const refusing = await listen((_request, response) => void response.end('{"errcode":310000,"errmsg":"keywords"}'));
    expect(await send(hook(refusing.port, { answerCode: 'errcode' }), 'n')).toMatchObject({
      delivered: false,
      retry: false,
      words: { code: 'notice.refusedByService', args: { code: 310000 } },
    });
  });
});

describe('by mail', () => {
  it('reaches a mail server, whole, and to nobody else', async () => {
    sink = await smtpSink();
    expect(await send(mail(sink.port, { user: 'me', password: 'pw' }), 'n7')).toEqual({ delivered: true });
    const [taken] = sink.mails;
    expect(taken).toMatchObject({
      from: 'app@here.example',
      to: ['ops@there.example', 'other@there.example'],
      login: '\0me\0pw',
    });
    expect(taken?.data).toContain('Message-ID: <n7@pilothouse>');
    expect(taken?.data).toContain('line\n.\nend');
    expect(taken?.data).not.toMatch(/^Bcc:/m);
  });

  it.each([
    ['451 later', true],
    ['554 never', false],
  ])('%s: again %s', async (answer, retry) => {
    sink = await smtpSink();
    sink.answer = answer;
    expect(await send(mail(sink.port), 'n')).toMatchObject({
      delivered: false,
      retry,
      words: { code: 'notice.mailRefused' },
    });
  });

  it('asks for encryption unless told otherwise, and keeps out of private networks', async () => {
    sink = await smtpSink();
    expect(await send(mail(sink.port, { security: 'starttls', user: 'me', password: 'pw' }), 'n')).toMatchObject({
      delivered: false,
    });
    expect(await send(mail(sink.port, { local: false }), 'n')).toMatchObject({
      words: { code: 'notice.localAddress' },
    });
    expect(sink.mails).toEqual([]);
  });
});
