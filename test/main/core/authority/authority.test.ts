/** The room with the real issuer and the real sealer, on a clock that is moved by hand. */
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Disposable } from '../../../../src-main/base/lifecycle';
import { seeded } from '../../../../src-main/base/random';
import { silent } from '../../../../src-main/base/log';
import type { TrafficSpec } from '../../../../src-main/contract/spec';
import { Authority } from '../../../../src-main/core/authority';
import { day } from '../../../../src-main/core/authority/renewal';
import type { Sealer } from '../../../../src-main/core/sealer';
import { Store, type RevisionRow, type ServiceRow } from '../../../../src-main/core/store';
import { openSealer } from '../../../../src-main/seal';
import { openIssuer } from '../../../../src-main/x509';
import { serviceSpec } from '../../../support/builders';
import { FakeClock } from '../../../support/clock';
import { memoryRows, type MemoryRows } from '../../../support/disks';

const service = 'shop/web';
const folders: string[] = [];
let running: Disposable | undefined;
afterEach(() => {
  running?.dispose();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

interface World {
  clock: FakeClock;
  store: Store;
  rows: MemoryRows;
  room: Authority;
  events: string[];
  figures: Map<string, number>;
  locked: boolean;
  /** Declares the service with this TLS section; undefined takes the service away. */
  declare(tls: NonNullable<TrafficSpec['tls']> | undefined): Promise<void>;
  /** Moves the clock, and waits until the rounds of it are over. */
  pass(time: number): Promise<void>;
}

function world(): World {
  const folder = mkdtempSync(join(tmpdir(), 'authority-'));
  folders.push(folder);
  const clock = new FakeClock();
  const rows = memoryRows();
  const store = new Store(rows);
  const real = openSealer({ file: join(folder, 'vault.key') });
  const sealer: Sealer = {
    get kind() {
      return real.kind;
    },
    seal: (text, context) => real.seal(text, context),
    open: (sealed, context) => {
      if (here.locked) throw new Error('locked');
      return real.open(sealed, context);
    },
  };
  const events: string[] = [];
  const figures = new Map<string, number>();
  const here: World = {
    ...{ clock, store, rows, events, figures, locked: false },
    room: new Authority({
      ...{ store, clock, random: seeded(7), log: silent, sealer, issuer: openIssuer() },
      record: (metric, labels, { value }) => figures.set(`${metric} ${labels['name'] ?? ''}`, value),
      note: ({ kind, actor }) => events.push(`${actor} ${kind}`),
    }),
    declare: async (tls) => {
      store.transact((transaction) => {
        if (!tls) return transaction.remove('services', service);
        const spec = serviceSpec({
          pilothouse: { traffic: { mode: 'http', algorithm: 'roundrobin', route: { port: 80 }, tls } },
        });
        const number = (store.get('services', service)?.revision ?? 0) + 1;
        transaction.put('revisions', `${service}@${number}`, { service, revision: number, spec } as RevisionRow);
        transaction.put('services', service, {
          key: service,
          stack: 'shop',
          name: 'web',
          revision: number,
        } as ServiceRow);
      });
      await here.room.idle();
    },
    pass: async (time) => {
      // In steps: a round of a whole day would be one of many otherwise.
      clock.jump(time);
      await clock.advance(15_000);
      await here.room.idle();
    },
  };
  running = here.room.start();
  return here;
}

describe('the local authority', () => {
  it('is made with the first certificate, for a service by itself, and the certificate goes with the service', async () => {
    const here = world();
    await here.room.idle();
    expect(here.room.list()).toEqual({ certificates: [] });
    await here.declare({ names: ['extra.test', 'example.com'] });
    const { authority, certificates } = here.room.list();
    expect(certificates).toMatchObject([
      {
        ...{ name: service, source: 'issued', service, users: [service], version: 1, health: 'ok' },
        names: ['web.shop.localhost', 'localhost', '127.0.0.1', '::1', 'extra.test'],
      },
    ]);
    const leaf = new X509Certificate(here.room.exported(service));
    expect(leaf.verify(new X509Certificate(authority?.certificate ?? '').publicKey)).toBe(true);
    expect(here.room.open(service)).toContain('-----BEGIN PRIVATE KEY-----');
    expect(here.room.exported(service)).not.toContain('PRIVATE KEY');
    await here.declare(undefined);
    expect(here.room.list().certificates).toEqual([]);
    expect(here.events).toEqual(['system authority.made', 'system certificate.issued']);
  });

  it('is not asked by a service that names a certificate, and issues anew when names change', async () => {
    const here = world();
    await here.declare({ certificate: 'mine' });
    expect(here.room.list().certificates).toEqual([]);
    await here.declare({});
    await here.declare({ names: ['more.test'] });
    expect(here.room.view(service)).toMatchObject({
      version: 2,
      names: expect.arrayContaining(['more.test']) as string[],
    });
    const before = here.room.view(service).serial;
    await here.declare({ names: ['more.test'] });
    expect(here.room.view(service).serial).toBe(before);
  });

  it('renews by itself at two thirds of the life, with a new key and serial number, and tells how long is left', async () => {
    const here = world();
    await here.room.issue('api', { names: ['api.test'] });
    const first = { view: here.room.view('api'), pem: here.room.open('api') };
    await here.pass(50 * day);
    expect(here.room.view('api').serial).toBe(first.view.serial);
    expect(Math.round((here.figures.get('certificate_expires_seconds api') ?? 0) / 86_400)).toBe(40);
    await here.pass(11 * day);
    const second = here.room.view('api');
    expect(second).toMatchObject({ version: 2, health: 'ok' });
    expect(second.serial).not.toBe(first.view.serial);
    const keyOf = (pem: string): string => pem.slice(pem.indexOf('-----BEGIN PRIVATE KEY-----'));
    expect(keyOf(here.room.open('api'))).not.toBe(keyOf(first.pem));
    expect(here.figures.get('certificate_expires_seconds local authority')).toBeGreaterThan(3500 * 86_400);
    expect(here.events.at(-1)).toBe('system certificate.renewed');
  });

  it('keeps what it has while the vault is locked, says so once, and goes on when it opens', async () => {
    const here = world();
    await here.room.issue('api', { names: ['api.test'] });
    here.locked = true;
    await here.pass(65 * day);
    await here.pass(day);
    expect(here.room.view('api')).toMatchObject({
      version: 1,
      health: 'warning',
      words: { code: 'certificate.failing' },
    });
    expect(here.events.filter((event) => event.endsWith('failed'))).toHaveLength(1);
    here.locked = false;
    await here.pass(day);
    expect(here.room.view('api')).toMatchObject({ version: 2, health: 'ok' });
  });

  it('is replaced with everything it has issued, and with nothing else', async () => {
    const here = world();
    await here.room.issue('api', { names: ['api.test'] });
    const old = here.room.list().authority;
    const others = await openIssuer().authority({
      ...{ name: 'Others', permitted: { domains: ['test'], networks: [] } },
      ...{ notBefore: here.clock.now(), notAfter: here.clock.now() + 300 * day },
    });
    const theirs = await openIssuer().issue(
      { certificate: others.certificate, key: others.key },
      {
        ...{ names: ['x.test'], notBefore: here.clock.now(), notAfter: here.clock.now() + 300 * day },
      },
    );
    await here.room.import('theirs', { chain: others.certificate + theirs.certificate, key: theirs.key });
    await here.room.makeAuthority(true);
    await here.room.idle();
    const fresh = here.room.list();
    expect(fresh.authority?.sha256).not.toBe(old?.sha256);
    expect(new X509Certificate(here.room.exported('api')).issuer).toBe(
      new X509Certificate(fresh.authority?.certificate ?? '').subject,
    );
    expect(here.room.view('api').version).toBe(2);
    expect(here.room.view('theirs')).toMatchObject({ version: 1, source: 'imported', issuer: others.facts.subject });
    expect(here.room.exported('theirs')).toBe(theirs.certificate);
  });

  it('refuses what it cannot vouch for, names in use, and the removal of what is served with', async () => {
    const here = world();
    await here.declare({ certificate: 'api' });
    await here.room.issue('api', { names: ['api.test'] });
    await expect(here.room.remove('api')).rejects.toThrow(/serve with api/);
    await expect(here.room.issue('api', { names: ['api.test'] })).rejects.toThrow(/already/);
    expect(() => here.room.issue('b', { names: ['example.com'] })).toThrow(/cannot vouch/);
    expect(() => here.room.issue('b', { names: ['a b'] })).toThrow(/no name/);
    await expect(here.room.renew('nobodys')).rejects.toThrow(/no certificate/);
    await expect(here.room.import('api', { chain: 'x', key: 'y' })).rejects.toThrow(/issued here/);
    await here.declare({});
    await here.room.remove('api');
    expect(here.room.list().certificates.map(({ name }) => name)).toEqual([service]);
  });

  it('keeps no key in the clear', async () => {
    const here = world();
    await here.declare({});
    const pem = here.room.open(service);
    const secret = pem.slice(pem.indexOf('-----BEGIN PRIVATE KEY-----')).split('\n')[1] ?? '';
    expect(secret.length).toBeGreaterThan(40);
    expect(JSON.stringify(here.rows.load())).not.toContain(secret);
    expect(JSON.stringify(here.rows.load())).not.toContain('PRIVATE KEY');
    expect(JSON.stringify(here.room.list())).not.toContain('PRIVATE KEY');
  });
});
