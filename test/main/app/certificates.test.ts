/** Certificates inside containers, through the whole app on the memory engine: there from the start, renewed in place, caught up, refused. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { App } from '../../../src-main/app';
import { seeded } from '../../../src-main/base/random';
import type { CertificateView } from '../../../src-main/contract/api/certificates';
import { MemoryEngine } from '../../../src-main/engine/memory';
import { appOver, caller } from '../../support/app';
import { FakeClock } from '../../support/clock';

let home: string;
let clock: FakeClock;
let engine: MemoryEngine;
let app: App;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'app-certificates-'));
  clock = new FakeClock();
  engine = new MemoryEngine({ clock, random: seeded(1) });
  app = await open();
});
afterEach(async () => {
  await app.stop();
  rmSync(home, { recursive: true, force: true });
});

async function open(): Promise<App> {
  const made = await appOver(engine, { home, clock, random: seeded(2) });
  await made.start();
  await settle();
  return made;
}

const compose = (certificates: string): { files: { name: string; text: string }[] } => ({
  files: [
    {
      name: 'compose.yaml',
      text: `
name: shop
services:
  web:
    image: nginx:1
    deploy: { replicas: 2 }
    x-pilothouse: { certificates: ${certificates} }
`,
    },
  ],
});
const apply = (certificates: string): Promise<unknown> =>
  app.api.calls['stacks.apply']({ source: compose(certificates), name: 'shop' }, caller);
const issue = (): Promise<CertificateView> =>
  app.api.calls['certificates.issue']({ name: 'site', names: ['site.localhost'] }, caller);
/** Keys are made by real ciphers, which take real time. */
async function settle(): Promise<void> {
  for (let round = 0; round < 4; round++) {
    await new Promise((resolve) => setTimeout(resolve, 25));
    await clock.advance(15_000);
  }
}
const view = async (name: string): Promise<CertificateView | undefined> =>
  (await app.api.calls['certificates.list']({}, caller)).certificates.find((one) => one.name === name);
const containers = async (): Promise<string[]> => (await engine.list()).map(({ name }) => name).sort();
function file(container: string, name: string): string {
  return Buffer.from(engine.daemon.get(container).files.get(`/run/secrets/${name}`)?.content ?? []).toString();
}
const [first, second] = ['shop.web.1.g1', 'shop.web.2.g1'];

describe('certificates in containers', () => {
  it('are there from the start: a named one, and one of the service that nobody had to issue', async () => {
    await issue();
    await apply("[{ name: site, pem: site.pem, uid: '99' }, {}]");
    await settle();
    expect(await containers()).toEqual([first, second]);
    const { files } = engine.daemon.get(first);
    expect([...files].map(([path, { mode, uid }]) => [path, mode, uid])).toEqual([
      ['/run/secrets/site.pem', 0o400, 99],
      ['/run/secrets/tls.crt', 0o444, 0],
      ['/run/secrets/tls.key', 0o400, 0],
      ['/run/secrets/ca.crt', 0o444, 0],
    ]);
    expect(file(first, 'site.pem')).toMatch(/CERTIFICATE-----[^]*PRIVATE KEY-----/);
    expect(file(first, 'tls.crt')).not.toContain('PRIVATE');
    expect(file(first, 'ca.crt')).toBe((await app.api.calls['certificates.list']({}, caller)).authority?.certificate);
    expect((await view('shop/web'))?.names).toContain('web.shop.localhost');
    expect(await view('site')).toMatchObject({
      users: ['shop/web'],
      holders: [{ service: 'shop/web', files: ['site.pem'], containers: 2, current: 2 }],
    });
    await expect(app.api.calls['certificates.remove']({ name: 'site' }, caller)).rejects.toThrow(/shop\/web/);
  });

  it('are replaced in place when they are renewed, and the program is told once', async () => {
    await issue();
    await apply('[{ name: site, cert: a.crt, key: a.key, signal: HUP }]');
    await settle();
    const before = [file(first, 'a.crt'), file(first, 'a.key')];
    await app.api.calls['certificates.renew']({ name: 'site' }, caller);
    await settle();
    expect(await containers()).toEqual([first, second]);
    expect([file(first, 'a.crt'), file(first, 'a.key')].filter((text) => before.includes(text))).toEqual([]);
    expect(file(second, 'a.key')).toBe(file(first, 'a.key'));
    expect([first, second].map((name) => engine.daemon.get(name).told)).toEqual([['SIGHUP'], ['SIGHUP']]);
    expect((await view('site'))?.holders).toMatchObject([{ containers: 2, current: 2 }]);
  });

  it('that a container missed are caught up, also by the next run of the app', async () => {
    await issue();
    await apply('[{ name: site, exec: [reload] }]');
    await settle();
    const key = file(first, 'tls.key');
    engine.faults.add({ verbs: ['replaceFile'], name: first, does: 'fail', times: 1 });
    await app.api.calls['certificates.renew']({ name: 'site' }, caller);
    await app.stop();
    app = await open();
    expect(file(first, 'tls.key')).not.toBe(key);
    expect((await view('site'))?.holders).toMatchObject([{ containers: 2, current: 2 }]);
  });

  it.each([
    ['[{ name: nobody }]', /the certificate nobody, and there is none/],
    ['[{}, { cert: tls.crt }]', /two files at \/run\/secrets\/tls.crt/],
    ['[{ key: ../key }]', /pattern|match|does not/i],
    ['[{ signal: HUP, exec: [a] }]', /./],
  ])('are refused before anything happens: %s', async (certificates, words) => {
    await expect(apply(certificates)).rejects.toThrow(words);
    expect(await containers()).toEqual([]);
  });
});
