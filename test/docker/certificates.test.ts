/**
 * Certificates on the real HAProxy: what the local authority issues is what a client gets that trusts nobody else; a renewal cuts no
 * connection; and the keys are found nowhere but in the memory of the gateway.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkServerIdentity, connect as secureConnect, type PeerCertificate } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { App } from '../../src-main/app';
import { systemClock } from '../../src-main/app/clock';
import { seeded } from '../../src-main/base/random';
import type { CertificateView } from '../../src-main/contract/api/certificates';
import type { TrafficView } from '../../src-main/contract/api/traffic';
import { connect, type DockerEngine } from '../../src-main/engine/docker';
import { testEngine, testImages } from '../support/engine';
import { appOver, caller } from '../support/app';
import { gatewayGone, load, waitUntil } from './app-kit';

const stack = `tls${process.pid}`;
const service = `${stack}/web`;
const host = `web.${stack}.localhost`;
const port = 21_000 + 2 * (process.pid % 4_000);
/** A port of the same service without TLS. */
const plain = port + 1;
const holder = `${stack}-holder`;
/** What Docker's own command says, on either stream. */
function docker(...argv: string[]): string {
  const { stdout, stderr } = spawnSync('docker', ['-H', testEngine().dockerHost, ...argv], { maxBuffer: 1e9 });
  return stdout.toString('latin1') + stderr.toString('latin1');
}

let home: string;
let app: App;
let engine: DockerEngine;
const lines: string[] = [];

async function launch(): Promise<void> {
  app = await appOver(engine, {
    home,
    clock: systemClock,
    random: seeded(process.pid),
    log: (level, message, fields) => lines.push(`${level} ${message} ${JSON.stringify(fields)}`),
  });
  await app.start();
  await until('the engine', async () => (await plan()).token !== '');
}

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'certificates-'));
  engine = await connect({ endpoint: testEngine().dockerHost });
  await launch();
}, 60_000);

afterAll(async () => {
  await app.api.calls['stacks.remove']({ stack, volumes: true }, caller).catch(() => {});
  await until('the end of the stack', async () =>
    (await engine.list({})).every((row) => !row.name.startsWith(`${stack}.`)),
  );
  await gatewayGone(engine);
  await app.stop();
  engine.dispose();
  rmSync(home, { recursive: true, force: true });
}, 120_000);

/** The service with TLS at one of its two ports, and more of that section. */
function source(more = ''): { files: { name: string; text: string }[] } {
  const text = `
name: ${stack}
services:
  web:
    image: pilothouse/demo-app:1
    environment: { LOG_RATE: '0' }
    ports: ['${port}:8080', '${plain}:8080']
    stop_grace_period: 2s
    deploy: { replicas: 2 }
    x-pilothouse:
      traffic: { mode: http, route: { port: 8080 }, tls: { ports: [${port}]${more} } }
`;
  return { files: [{ name: 'compose.yaml', text }] };
}
const plan = (): Promise<{ token: string }> => app.api.calls['stacks.plan']({ source: source(), name: stack }, caller);
const apply = (more = ''): Promise<unknown> =>
  app.api.calls['stacks.apply']({ source: source(more), name: stack }, caller);
const traffic = (): Promise<TrafficView> => app.api.calls['traffic.get']({ service }, caller);
const list = (): Promise<{ authority?: { certificate: string }; certificates: CertificateView[] }> =>
  app.api.calls['certificates.list']({}, caller);
const authority = async (): Promise<string> => (await list()).authority?.certificate ?? '';
const until = (what: string, holds: () => Promise<boolean>): Promise<number> =>
  waitUntil(what, holds, { limit: 60_000, tell: async () => [await traffic().catch(String), lines.slice(-6)] });
const inGateway = async (script: string): Promise<string> => {
  const id = (await traffic()).gateway.container?.id ?? '';
  return (await engine.exec(id, ['sh', '-c', script], { user: 'root' })).output;
};

/** One handshake with a client that trusts `ca` alone: the certificate it was shown. Rejects when the client is not content. */
function shake(name: string, ca: string): Promise<PeerCertificate> {
  return new Promise((resolve, reject) => {
    const { address } = testEngine();
    // A client that was given an address names nobody (RFC 6066, 3).
    const named = /^[\d.]+$/.test(name) ? {} : { servername: name };
    const options = { host: address, port, ca: [ca], timeout: 5000, ...named };
    const socket = secureConnect(
      { ...options, checkServerIdentity: (_, peer) => checkServerIdentity(name, peer) },
      () => {
        resolve(socket.getPeerCertificate());
        socket.destroy();
      },
    );
    socket.on('error', reject);
    socket.on('timeout', () => socket.destroy(new Error('no answer')));
  });
}
const serial = async (): Promise<string> => (await shake('localhost', await authority())).serialNumber;
const settled = async (): Promise<boolean> => {
  const now = await traffic();
  const ready = now.replicas.filter((one) => one.state === 'ready').length;
  return ready === 2 && now.ports[0]?.problem === undefined && now.gateway.state === 'running';
};

describe('certificates', () => {
  it('are issued for a service by itself, and serve it over TLS to those who trust the authority', async () => {
    expect((await list()).authority).toBeUndefined();
    await apply();
    await until('the service', settled);
    const shown = await until('a handshake', async () => (await shake(host, await authority())).subject.CN === host);
    process.stdout.write(`first handshake after ${Math.round(shown)} ms\n`);
    const ca = await authority();
    for (const name of [host, 'localhost', '127.0.0.1']) expect((await shake(name, ca)).subject.CN).toBe(host);
    await expect(shake('api.localhost', ca)).rejects.toThrow(/does not match/);
    // Nobody trusts it who was not told to.
    const { authority: stranger } = await other();
    await expect(shake(host, stranger)).rejects.toThrow(/certificate/);
    const [row] = (await list()).certificates;
    expect(row).toMatchObject({ name: service, source: 'issued', service, users: [service], health: 'ok' });
    expect((await traffic()).ports[0]).toMatchObject({ certificate: service, url: `https://localhost:${port}` });
  });

  it('serve host routes on the TLS port, and lead there from the plain one', async () => {
    await apply(', redirect: true');
    await until('the redirect', async () => (await route(host, await authority())).plain.status === 308);
    const answer = await route(host, await authority());
    expect(answer).toMatchObject({ status: 200, body: expect.stringContaining('hostname') as string });
    expect(answer.plain).toEqual({ status: 308, location: `${(await traffic()).routes[0]?.secureUrl}/a?b=c` });
    // No certificate for a name that nobody asked for.
    expect((await route(`other.${stack}.localhost`, await authority())).status).toBe(0);
  });

  it('are renewed under load without a failed request', async () => {
    const tls = { ca: await authority(), servername: 'localhost' };
    const from = (_: unknown, body: string): string | undefined => /"hostname":\s*"([^"]+)"/.exec(body)?.[1];
    const before = await serial();
    const flows = [load(60, { port, tls, from, keepAlive: true }), load(30, { port, tls, from })];
    await new Promise((resolve) => setTimeout(resolve, 500));
    const reloads = (await traffic()).gateway.reloads;
    const renewed = await app.api.calls['certificates.renew']({ name: service }, caller);
    const took = await until('the new serial', async () => (await serial()) === renewed.serial);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await Promise.all(flows.map((flow) => flow.stop()));
    const [sent, failed] = [flows.reduce((sum, flow) => sum + flow.sent, 0), flows.flatMap((flow) => flow.failed)];
    process.stdout.write(`renewed: seen after ${Math.round(took)} ms; ${sent} requests, ${failed.length} failed\n`);
    expect(failed).toEqual([]);
    expect(sent).toBeGreaterThan(20);
    expect(renewed.serial).not.toBe(before);
    expect((await traffic()).gateway.reloads).toBe(reloads);
  });

  it('are delivered by a reload when they are too long for the line', async () => {
    const names = Array.from({ length: 50 }, (_, index) => `${`${'x'.repeat(60)}.`.repeat(3)}n${index}.localhost`);
    await app.api.calls['certificates.issue'](
      { name: `big-${stack}`, names: ['localhost', ...names.slice(1)] },
      caller,
    );
    await apply(`, certificate: big-${stack}`);
    const current = async (): Promise<string | undefined> =>
      (await list()).certificates.find((one) => one.name === `big-${stack}`)?.serial;
    await until('the long one', async () => (await serial()) === (await current()));
    await app.api.calls['certificates.renew']({ name: `big-${stack}` }, caller);
    await until('the next long one', async () => (await serial()) === (await current()));
    await expect(app.api.calls['certificates.remove']({ name: `big-${stack}` }, caller)).rejects.toThrow(/serve with/);
    // What was made for the service went when the service took another.
    await until('one certificate', async () => (await list()).certificates.length === 1);
    await apply();
    await until('its own again', async () => (await shake(host, await authority())).subject.CN === host);
    await app.api.calls['certificates.remove']({ name: `big-${stack}` }, caller);
  });

  it('come back when the gateway is killed, into memory that only its owner reads', async () => {
    const before = await serial();
    await engine.kill((await traffic()).gateway.container?.id ?? '', 'SIGKILL');
    const took = await until('the same certificate', async () => (await serial()) === before);
    process.stdout.write(`gateway killed: the same certificate after ${Math.round(took)} ms\n`);
    expect(await inGateway('grep " /run/pilothouse " /proc/mounts')).toMatch(
      /^tmpfs \/run\/pilothouse tmpfs rw,nosuid,nodev,noexec/,
    );
    expect((await inGateway('stat -c %a:%U /run/pilothouse /run/pilothouse/certificates')).trim()).toBe(
      '700:root\n700:root',
    );
  });

  it('are served while the app is closed, and are the same for the next start; a gateway that starts alone serves none', async () => {
    const [before, ca] = [await serial(), await authority()];
    const gateway = (await traffic()).gateway.container?.id ?? '';
    await app.stop();
    expect((await shake('localhost', ca)).serialNumber).toBe(before);
    await launch();
    await until('the gateway', settled);
    expect(await serial()).toBe(before);
    expect((await traffic()).gateway.reloads).toBe(0);
    await app.stop();
    docker('restart', '--time', '1', gateway);
    const flow = load(20, { port: plain, from: () => 'somebody' });
    await waitUntil('a plain answer', () => Promise.resolve((flow.answers.get('somebody') ?? 0) > 3));
    await flow.stop();
    // Memory was emptied: better no certificate that anybody trusts than a key on a disk.
    await expect(shake('localhost', ca)).rejects.toThrow(/self.signed|certificate/i);
    await launch();
    await until('the certificate', async () => (await serial()) === before);
  });

  it('leave a port closed whose certificate is not there, and say so', async () => {
    const checked = await app.api.calls['stacks.plan'](
      { source: source(', certificate: nobodys'), name: stack },
      caller,
    );
    expect(checked.warnings.map(({ message }) => message).join()).toContain('There is no certificate nobodys yet');
    await apply(', certificate: nobodys');
    await until('the problem', async () => (await traffic()).ports[0]?.problem?.code === 'traffic.certificateMissing');
    const names = ['localhost', 'nobodys.test'];
    const issued = await app.api.calls['certificates.issue']({ name: 'nobodys', names }, caller);
    await until('the port', async () => (await serial()) === issued.serial);
    const again = await app.api.calls['stacks.plan']({ source: source(', certificate: nobodys'), name: stack }, caller);
    expect(again.warnings.map(({ message }) => message).join()).toContain(`nobodys is not good for ${host}`);
  });

  it('keep their keys to themselves', async () => {
    const kept = await inGateway('cat /run/pilothouse/certificates/*.pem');
    const keys = [...kept.matchAll(/-----BEGIN PRIVATE KEY-----\n([^\n]{20,})/g)].map((match) => match[1] ?? '');
    expect(keys).toHaveLength(1);
    const containers = (await engine.list()).map(({ id }) => id);
    const gateway = (await traffic()).gateway.container?.id ?? '';
    const places: Record<string, string> = {
      inspect: docker('inspect', ...containers),
      'logs of the gateway': docker('logs', gateway),
      'layers of the gateway': docker('export', gateway),
      'our log': lines.join('\n'),
      list: JSON.stringify(await list()),
      exported: (await app.api.calls['certificates.export']({ name: 'nobodys' }, caller)).pem,
      events: JSON.stringify(await app.api.calls['events.list']({ limit: 500 }, caller)),
      ...Object.fromEntries(filesOf(home).map((file) => [file, readFileSync(file, 'latin1')])),
    };
    for (const [place, text] of Object.entries(places))
      for (const key of keys) expect(text.includes(key), place).toBe(false);
  });

  it('serve routes at another port when somebody has theirs, and the address says which', async () => {
    await apply();
    await until('the usual port', async () => (await route(host, await authority())).status === 200);
    expect((await traffic()).routes[0]?.secureUrl).toBe(`https://${host}`);
    await apply(', redirect: true');
    await until('the redirect', async () => (await traffic()).routes[0]?.redirects === true);
    const gateway = (await traffic()).gateway.container?.id ?? '';
    await app.stop();
    docker('rm', '--force', gateway);
    const listen = ['httpd', '-f', '-p', '127.0.0.1:443'];
    docker('run', '--detach', '--name', holder, '--network', 'host', testImages.busybox, ...listen);
    try {
      expect(docker('inspect', '--format', '{{.State.Running}}', holder).trim()).toBe('true');
      await launch();
      const took = await until('the other port', async () => (await route(host, await authority())).status === 200);
      process.stdout.write(`port 443 taken: answered at another after ${Math.round(took)} ms\n`);
      expect((await traffic()).routes[0]?.secureUrl).toBe(`https://${host}:8443`);
      expect((await route(host, await authority())).plain.location).toBe(`https://${host}:8443/a?b=c`);
    } finally {
      docker('rm', '--force', holder);
    }
  });
});

/** An authority that has nothing to do with ours. */
async function other(): Promise<{ authority: string }> {
  const { openIssuer } = await import('../../src-main/x509');
  const validity = { notBefore: Date.now() - 1000, notAfter: Date.now() + 1e7 };
  const issued = await openIssuer().authority({
    name: 'Other',
    permitted: { domains: ['localhost'], networks: [] },
    ...validity,
  });
  return { authority: issued.certificate };
}

/** What the routes answer, asked from inside the gateway's network: the plain address and the encrypted one. */
async function route(
  name: string,
  ca: string,
): Promise<{ status: number; body: string; plain: { status: number; location?: string } }> {
  const pid = (await engine.inspect((await traffic()).gateway.container?.id ?? ''))?.pid ?? 0;
  const secure = new URL((await traffic()).routes[0]?.secureUrl ?? 'https://x').port || '443';
  const script = `
    const { name, ca, secure } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
    const headers = { host: name };
    const ask = (library, options) => new Promise((resolve) => {
      const request = library.get({ host: '127.0.0.1', headers, timeout: 4000, ...options }, (answer) => {
        let body = '';
        answer.on('data', (chunk) => (body += chunk));
        answer.on('end', () => resolve({ status: answer.statusCode, location: answer.headers.location, body }));
      });
      request.on('error', () => resolve({ status: 0, body: '' }));
    });
    (async () => {
      const { body: _, ...plain } = await ask(require('http'), { port: 80, path: '/a?b=c' });
      const answer = await ask(require('https'), { port: Number(secure), path: '/', servername: name, ca: [ca] });
      console.log(JSON.stringify({ ...answer, plain }));
    })();`;
  const argv = ['-t', String(pid), '-n', process.execPath, '-e', script];
  const input = JSON.stringify({ name, ca, secure });
  return JSON.parse(execFileSync('nsenter', argv, { input, encoding: 'utf8' })) as Awaited<ReturnType<typeof route>>;
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
