/** Certificates in a service's own containers on the real engine: served by its HAProxy, renewed without a restart, keys in memory only. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as secureConnect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CertificateView } from '../../src-main/contract/api/certificates';
import { connect, type DockerEngine } from '../../src-main/engine/docker';
import { caller } from '../support/app';
import { testEngine, testImages } from '../support/engine';
import { figure, startApp, type TestApp } from './app-kit';

const stack = `crt${process.pid}`;
const port = 24_000 + (process.pid % 4_000);
const compose = `
services:
  web:
    image: ${testImages.haproxy}
    stop_grace_period: 0s
    ports: [{ target: 8443, published: ${port}, mode: host }]
    configs: [{ source: cfg, target: /usr/local/etc/haproxy/haproxy.cfg }]
    x-pilothouse:
      certificates:
        - { name: site, pem: site.pem, uid: '99', signal: USR2 }
        - { key: own.key, ca: ca.crt }
configs:
  cfg:
    content: |
      defaults
        mode http
        timeout connect 1s
        timeout client 5s
        timeout server 5s
      frontend tls
        bind :8443 ssl crt /run/secrets/site.pem
        http-request return status 200
`;

let home: string;
let engine: DockerEngine;
let test: TestApp;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'certificate-files-'));
  engine = await connect({ endpoint: testEngine().dockerHost });
  test = await startApp({ engine, stack, home });
  await test.app.api.calls['certificates.issue']({ name: 'site', names: ['site.localhost'] }, caller);
  await test.apply(compose);
  await test.until('the service', () => test.settled('web', 1), 30_000);
}, 60_000);

afterAll(async () => {
  await test.end();
  engine.dispose();
  rmSync(home, { recursive: true, force: true });
}, 60_000);

const site = async (): Promise<CertificateView | undefined> =>
  (await test.app.api.calls['certificates.list']({}, caller)).certificates.find(({ name }) => name === 'site');
const container = async (): Promise<string> => (await test.view('web')).replicaList[0]?.container?.id ?? '';
const inside = async (script: string): Promise<string> =>
  (await engine.exec(await container(), ['sh', '-c', script], { user: '0' })).output;

/** The serial number of what a client is shown that trusts our authority alone. */
async function shown(): Promise<string> {
  const { authority } = await test.app.api.calls['certificates.list']({}, caller);
  return new Promise((resolve, reject) => {
    const socket = secureConnect(
      { host: testEngine().address, port, ca: [authority?.certificate ?? ''], servername: 'site.localhost' },
      () => {
        resolve(socket.getPeerCertificate().serialNumber);
        socket.destroy();
      },
    );
    socket.on('error', reject);
    socket.setTimeout(5000, () => socket.destroy(new Error('no answer')));
  });
}

describe('certificates in containers', () => {
  it('are served by the program itself, from memory, with owner and mode', async () => {
    await test.until('an answer', async () => (await shown()) === (await site())?.serial);
    expect(
      await inside('cd /run/secrets; stat -c "%n %a %u" *; grep /run/secrets /proc/mounts | cut -d" " -f1,2,3'),
    ).toBe('ca.crt 444 0\nown.key 400 0\nsite.pem 400 99\ntmpfs /run/secrets tmpfs\n');
    // The program's own user changes nothing there.
    const touched = await engine.exec(await container(), [
      'sh',
      '-c',
      'touch /run/secrets/x || mv /run/secrets/site.pem /run/secrets/y',
    ]);
    expect(touched.exitCode).not.toBe(0);
  });

  it('are renewed in place: the program serves the next one, and was not restarted', async () => {
    const before = {
      view: await site(),
      id: await container(),
      started: (await engine.inspect(await container()))?.startedAt,
    };
    const start = performance.now();
    await test.app.api.calls['certificates.renew']({ name: 'site' }, caller);
    const next = (await site())?.serial ?? '';
    expect(next).not.toBe(before.view?.serial);
    await test.until('the next one', async () => (await shown()) === next);
    figure('certificate', `renewed, in the container and served after ${Math.round(performance.now() - start)} ms`);
    await test.until('its word', async () => (await site())?.holders[0]?.current === 1);
    expect(await container()).toBe(before.id);
    expect((await engine.inspect(before.id))?.startedAt).toBe(before.started);
    expect(await inside('ls /run/secrets')).toBe('ca.crt\nown.key\nsite.pem\n');
  });

  it('come back after a crash, and nothing of a key is anywhere else', async () => {
    const before = (await engine.inspect(await container()))?.startedAt;
    await engine.kill(await container(), 'SIGKILL');
    await test.until('another run', async () => {
      const detail = await engine.inspect(await container());
      return detail?.startedAt !== before && (await shown()) === (await site())?.serial;
    });
    const id = await container();
    const keys = (await inside('cat /run/secrets/own.key /run/secrets/site.pem'))
      .split(/-----BEGIN [A-Z ]*PRIVATE KEY-----\n/)
      .slice(1)
      .map((text) => text.split('\n')[1] ?? '');
    expect(keys.map((line) => line.length > 20)).toEqual([true, true]);
    const docker = (...argv: string[]): string => {
      const { stdout, stderr } = spawnSync('docker', ['-H', testEngine().dockerHost, ...argv], { maxBuffer: 1e9 });
      return stdout.toString('latin1') + stderr.toString('latin1');
    };
    const told = [docker('inspect', id), docker('logs', id), docker('volume', 'inspect', `${await name(id)}.secrets`)];
    const kept = readdirSync(home, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));
    for (const key of keys) expect([...told, ...kept].filter((text) => text.includes(key))).toEqual([]);
  });
});

async function name(id: string): Promise<string> {
  return (await engine.inspect(id))?.name ?? '';
}
