/** The cert verbs against the real room: what goes in and comes out, and that no key does. */
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { silent } from '../../../src-main/base/log';
import { seeded } from '../../../src-main/base/random';
import type { World } from '../../../src-main/cli/command';
import { runCommandLine } from '../../../src-main/cli/run';
import type { Api } from '../../../src-main/contract/api';
import type { CertificatesView } from '../../../src-main/contract/api/certificates';
import { Client } from '../../../src-main/contract/client';
import { Session } from '../../../src-main/contract/session';
import { Authority, certificateHandlers } from '../../../src-main/core/authority';
import { Store } from '../../../src-main/core/store';
import { openSealer } from '../../../src-main/seal';
import { openIssuer } from '../../../src-main/x509';
import { FakeClock } from '../../support/clock';
import { memoryRows } from '../../support/disks';

const folder = mkdtempSync(join(tmpdir(), 'pilothouse-cert-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let run: (words: string) => Promise<{ code: number; out: string; errors: string }>;
let authority: Authority;
const clock = new FakeClock();

beforeEach(() => {
  const store = new Store(memoryRows());
  const sealer = openSealer({ file: join(folder, 'vault.key') });
  const quiet = { record: () => undefined, note: () => undefined };
  authority = new Authority({ store, clock, random: seeded(3), log: silent, sealer, issuer: openIssuer(), ...quiet });
  const api = certificateHandlers({ store, clock, authority }) as unknown as Api;
  run = async (words) => {
    const said = { out: '', errors: '' };
    const client: Client = new Client((message) => session.receive(message));
    const session = new Session(api, 'cli', (message) => client.receive(message));
    const surroundings: World = {
      ...{ connect: () => Promise.resolve(client), environment: {}, folder, now: () => clock.now() },
      ...{ standardInput: () => '', version: '1', programs: folder, interrupted: new Promise(() => {}) },
    };
    const screen = (key: 'out' | 'errors') => ({
      ...{ write: (text: string) => void (said[key] += text), coloured: false, interactive: false },
    });
    const screens = { out: screen('out'), errors: screen('errors') };
    const code = await runCommandLine(words.split(' '), screens, surroundings);
    session.dispose();
    return { code, ...said };
  };
});

describe('cert', () => {
  it('issues, lists, renews, exports and removes', async () => {
    expect((await run('cert ls')).out).toContain('There are no certificates');
    const issued = await run('cert issue web web.localhost 127.0.0.1 --days 60');
    expect(issued).toMatchObject({
      code: 0,
      out: 'web is issued for web.localhost, 127.0.0.1, good until 2026-03-06\n',
    });
    const listed = await run('cert ls');
    expect(listed.out).toMatch(/web\s+● Good for 60 more days\s+web\.localhost, 127\.0\.0\.1\s+local authority/);
    const view = JSON.parse((await run('cert ls --json')).out) as CertificatesView;
    expect((await run('cert renew web')).code).toBe(0);
    const after = JSON.parse((await run('cert ls --json')).out) as CertificatesView;
    expect(after.certificates[0]?.serial).not.toBe(view.certificates[0]?.serial);
    await run('cert export --authority --output ca.crt');
    const ca = new X509Certificate(readFileSync(join(folder, 'ca.crt')));
    const leaf = new X509Certificate((await run('cert export web')).out);
    expect(leaf.verify(ca.publicKey)).toBe(true);
    expect(await run('cert rm web')).toMatchObject({ code: 0, out: 'web is gone\n' });
    expect((await run('cert rm web')).code).toBe(1);
  });

  it('imports from files, says what is wrong with them, and gives out no key', async () => {
    const validity = { notBefore: clock.now(), notAfter: clock.now() + 1e10 };
    const issuer = openIssuer();
    const other = await issuer.authority({
      name: 'Other',
      permitted: { domains: ['test'], networks: [] },
      ...validity,
    });
    const leaf = await issuer.issue(other, { names: ['a.test'], ...validity });
    writeFileSync(join(folder, 'chain.pem'), other.certificate + leaf.certificate);
    writeFileSync(join(folder, 'key.pem'), leaf.key);
    writeFileSync(join(folder, 'wrong.pem'), other.key);
    expect((await run('cert import theirs --chain chain.pem')).code).toBe(2);
    expect((await run('cert import theirs --chain nowhere.pem --key key.pem')).errors).toContain('cannot be read');
    expect(await run('cert import theirs --chain chain.pem --key key.pem')).toMatchObject({ code: 0 });
    const lines = leaf.key.split('\n').filter((line) => line.length > 30);
    expect(lines.length).toBeGreaterThan(1);
    for (const words of ['cert ls --json', 'cert export theirs', 'cert trust --json', 'cert renew theirs']) {
      const { out, errors } = await run(words);
      for (const line of lines) expect(out + errors).not.toContain(line);
    }
    expect((await run('cert renew theirs')).errors).toContain('was imported');
  });

  it('refuses public names, and shows how to trust without doing it', async () => {
    expect((await run('cert trust')).errors).toContain('There is no local authority yet');
    expect((await run('cert issue web example.com')).errors).toContain('cannot vouch for example.com');
    await authority.makeAuthority(false);
    const { out } = await run('cert trust');
    for (const words of [
      'certutil -user -addstore',
      'security add-trusted-cert',
      'update-ca-certificates',
      'trust anchor',
    ])
      expect(out).toContain(words);
  });
});
