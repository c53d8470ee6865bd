/** Certificates of ours against two verifiers that know nothing of us: Node's TLS (OpenSSL) and Node's X.509. */
import { X509Certificate } from 'node:crypto';
import { connect, createServer } from 'node:tls';
import type { AddressInfo } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Issued } from '../../../src-main/core/issuer';
import { openIssuer } from '../../../src-main/x509';

const issuer = openIssuer();
const hour = 3_600_000;
const validity = { notBefore: Date.now() - hour, notAfter: Date.now() + 1000 * hour };
const permitted = { domains: ['localhost', 'test'], networks: ['127.0.0.0/8', '::1/128', 'fc00::/7'] };
let authority: Issued;
beforeAll(async () => {
  authority = await issuer.authority({ name: 'Ours', permitted, ...validity });
});

/** What a client that trusts only our authority says of a server with this certificate: undefined when it is content. */
async function verdict(issued: Issued, host: string): Promise<string | undefined> {
  const server = createServer({ cert: issued.certificate, key: issued.key }, (socket) => socket.end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    return await new Promise((resolve) => {
      const { port } = server.address() as AddressInfo;
      const socket = connect({ host: '127.0.0.1', port, servername: host, ca: [authority.certificate] }, () => {
        socket.destroy();
        resolve(undefined);
      });
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(`${error.code} ${error.message}`));
    });
  } finally {
    server.close();
  }
}
const issue = (...names: string[]): Promise<Issued> => issuer.issue(authority, { names, ...validity });

describe('the issuer', () => {
  it('issues what a client takes that trusts the authority, for these names and no others', async () => {
    const issued = await issue('web.shop.localhost', 'localhost', '127.0.0.1', '::1');
    expect(issued.facts).toMatchObject({
      names: ['web.shop.localhost', 'localhost', '127.0.0.1', '0:0:0:0:0:0:0:1'],
      keyType: 'EC P-256',
      issuer: authority.facts.subject,
    });
    expect(await verdict(issued, 'web.shop.localhost')).toBeUndefined();
    expect(await verdict(issued, 'localhost')).toBeUndefined();
    expect(await verdict(issued, 'api.shop.localhost')).toMatch(/ERR_TLS_CERT_ALTNAME_INVALID/);
  });

  it('cannot vouch for names outside of what the authority is permitted', async () => {
    for (const name of ['example.com', '8.8.8.8', 'localhost.example.com']) {
      expect(await verdict(await issue(name), 'localhost'), name).toMatch(/permitted subtree violation/);
    }
    expect(await verdict(await issue('deep.below.test'), 'deep.below.test')).toBeUndefined();
  });

  it('says of itself what it is for: the authority signs and serves not, the others serve and sign not', async () => {
    const top = new X509Certificate(authority.certificate);
    const leaf = new X509Certificate((await issue('localhost')).certificate);
    expect([top.ca, leaf.ca]).toEqual([true, false]);
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(leaf.verify(top.publicKey)).toBe(true);
    const serials = await Promise.all([1, 2, 3].map(async () => (await issue('localhost')).facts.serial));
    expect(new Set(serials).size).toBe(3);
    expect(serials.every((serial) => /^[4-7][0-9A-F]{31}$/.test(serial))).toBe(true);
  });

  it('reads chains in any order, with who signed whom and whose the key is', async () => {
    const issued = await issue('localhost');
    const stranger = await issue('localhost');
    const mixed = `bag attributes\n${authority.certificate}\n${issued.certificate}`;
    const { list, key } = await issuer.read(mixed, issued.key);
    expect(list.map(({ authority: signs, signedBy, ownsKey }) => ({ signs, signedBy, ownsKey }))).toEqual([
      { signs: true, signedBy: [0], ownsKey: false },
      { signs: false, signedBy: [0], ownsKey: true },
    ]);
    expect(key).toBe(issued.key);
    expect((await issuer.read(issued.certificate, stranger.key)).list[0]?.ownsKey).toBe(false);
  });

  it('refuses what is no certificate, no key, or a key with a passphrase, and never repeats a key', async () => {
    const { certificate, key } = await issue('localhost');
    const broken = key.replace(/\n[A-Za-z]/, '\n!');
    const cases: [string, string, RegExp][] = [
      ['nothing', key, /no certificate/],
      ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', key, /damaged/],
      [certificate, 'nothing', /no private key/],
      [certificate, broken, /no private key/],
      [certificate, '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----', /passphrase/],
      [certificate.repeat(11), key, /at most 10/],
    ];
    for (const [chain, secret, words] of cases) {
      const thrown: unknown = await issuer.read(chain, secret).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(String(thrown)).toMatch(words);
      expect(JSON.stringify(thrown)).not.toContain(key.slice(40, 80));
    }
  });
});
