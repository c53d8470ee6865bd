/** A real service that dies again and again on a real engine: the default rule fires, and a real receiver and a real mail server hear of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { App } from '../../src-main/app';
import { systemClock } from '../../src-main/app/clock';
import { seeded } from '../../src-main/base/random';
import { channelInput, routing, type AlertView } from '../../src-main/contract/api/alerts';
import { connect, type DockerEngine } from '../../src-main/engine/docker';
import { testEngine, testImages } from '../support/engine';
import { smtpSink, type SmtpSink } from '../support/smtp';
import { appOver, caller } from '../support/app';

const stack = `al${process.pid}`;
const service = `${stack}/crash`;

let home: string;
let app: App;
let engine: DockerEngine;
let receiver: Server;
let sink: SmtpSink;
let accepting = false;
const heard: { key: unknown; accepted: boolean; body: WebhookBody }[] = [];

/** What Alertmanager's receivers rely on. */
interface WebhookBody {
  version: string;
  groupKey: string;
  status: string;
  receiver: string;
  alerts: {
    status: string;
    labels: Record<string, string>;
    annotations: Record<string, string>;
    startsAt: string;
    endsAt: string;
    fingerprint: string;
  }[];
}

async function launch(): Promise<void> {
  app = await appOver(engine, {
    home,
    clock: systemClock,
    random: seeded(process.pid),
  });
  await app.start();
}

async function until(what: string, holds: () => Promise<boolean> | boolean, limit = 150_000): Promise<void> {
  const start = performance.now();
  while (!(await Promise.resolve(holds()).catch(() => false))) {
    if (performance.now() - start > limit) {
      const [views, notices] = await Promise.all([alerts(), app.api.calls['notices.history']({ limit: 20 }, caller)]);
      throw new Error(`${what} did not come: ${JSON.stringify({ views, notices }).slice(0, 6000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const alerts = (): Promise<AlertView[]> => app.api.calls['alerts.list']({ limit: 100 }, caller);

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'pilothouse-alerts-'));
  engine = await connect({ endpoint: testEngine().dockerHost });
  sink = await smtpSink();
  receiver = createServer((request, response) => {
    let text = '';
    request.on('data', (part: Buffer) => (text += part.toString()));
    request.on('end', () => {
      const body = JSON.parse(text) as WebhookBody;
      heard.push({ key: request.headers['idempotency-key'], accepted: accepting, body });
      response.writeHead(accepting ? 200 : 503).end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  await launch();
}, 60_000);

afterAll(async () => {
  await app.api.calls['stacks.remove']({ stack, volumes: true }, caller).catch(() => {});
  await until(
    'the end of the stack',
    async () => (await engine.list({ labels: { 'io.pilothouse.stack': stack } })).length === 0,
  );
  await app.stop();
  engine.dispose();
  receiver.closeAllConnections();
  receiver.close();
  await sink.close();
  rmSync(home, { recursive: true, force: true });
}, 120_000);

it('a crash loop is told by webhook and mail, once, though the receiver was away and the app ended meanwhile', async () => {
  const { calls } = app.api;
  const { port } = receiver.address() as AddressInfo;
  const hook = { kind: 'webhook', url: `http://127.0.0.1:${port}/alerts`, local: true };
  const mail = {
    kind: 'mail',
    host: '127.0.0.1',
    port: sink.port,
    security: 'none',
    from: 'app@here.example',
    to: ['ops@there.example'],
    local: true,
  };
  for (const [id, target] of Object.entries({ hook, mail })) {
    const channel = channelInput.parse({ name: id, target });
    // The test button of the window: the mail server is there, the receiver is not yet.
    expect(await calls['channels.test']({ channel }, caller)).toMatchObject({ delivered: id === 'mail' });
    await calls['channels.put']({ id, channel }, caller);
  }
  expect(sink.mails.splice(0)).toHaveLength(1);
  expect(heard.splice(0)).toHaveLength(1);
  await calls['routing.set']({ routing: routing.parse({ groupWait: 1000, channels: ['hook', 'mail'] }) }, caller);
  const text = `name: ${stack}\nservices:\n  crash:\n    image: ${testImages.busybox}\n    command: [sh, -c, 'echo cannot start >&2; exit 3']\n`;
  await until('the engine', async () => {
    await calls['stacks.apply']({ source: { files: [{ name: 'compose.yaml', text }] }, name: stack }, caller);
    return true;
  });

  await until('the alert', async () =>
    (await alerts()).some((one) => one.rule === 'CrashLoop' && one.state === 'firing'),
  );
  await until('the mail', () => sink.mails.length > 0);
  await until('a try', () => heard.length > 0);
  await app.stop();
  accepting = true;
  await launch();
  await until('the notice', () => heard.some(({ accepted }) => accepted));

  const told = heard.filter(({ accepted }) => accepted);
  expect(told).toHaveLength(1);
  expect(new Set(heard.map(({ key }) => key)).size).toBe(1);
  const body = told[0]?.body;
  expect(body).toMatchObject({ version: '4', status: 'firing', receiver: 'hook' });
  expect(body?.alerts).toHaveLength(1);
  expect(body?.alerts[0]).toMatchObject({
    status: 'firing',
    labels: { alertname: 'Restart loop', severity: 'critical', stack, service, replica: `${service}.1` },
    annotations: { summary: `${service}.1 restarts again and again` },
    endsAt: '0001-01-01T00:00:00Z',
  });
  expect(Date.parse(body?.alerts[0]?.startsAt ?? '')).toBeLessThanOrEqual(Date.now());

  expect(sink.mails).toHaveLength(1);
  expect(sink.mails[0]).toMatchObject({ from: 'app@here.example', to: ['ops@there.example'] });
  expect(sink.mails[0]?.data).toContain('Restart loop');
  const events = await app.api.calls['events.list']({ limit: 500 }, caller);
  expect(events.filter(({ kind, service: of }) => kind === 'alert.firing' && of === service)).toHaveLength(1);
}, 300_000);
