/** Engines on other machines: TLS with certificates, and SSH through the system's own program. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createPlainServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import {
  BasicConstraintsExtension,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
  cryptoProvider,
  type X509Certificate,
} from '@peculiar/x509';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../../../src-main/engine/docker';

cryptoProvider.set(webcrypto as Crypto);

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

interface Identity {
  certificate: X509Certificate;
  keys: CryptoKeyPair;
}

async function makeIdentity(name: string, options: { issuer?: Identity; address?: string } = {}): Promise<Identity> {
  const keys = (await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as CryptoKeyPair;
  const { issuer, address } = options;
  const certificate = await X509CertificateGenerator.create({
    serialNumber: String(Math.floor(Math.random() * 1e9) + 1),
    subject: `CN=${name}`,
    issuer: issuer ? issuer.certificate.subject : `CN=${name}`,
    notBefore: new Date(Date.now() - 3_600_000),
    notAfter: new Date(Date.now() + 3_600_000),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: issuer ? issuer.keys.privateKey : keys.privateKey,
    extensions: [
      new BasicConstraintsExtension(!issuer, undefined, true),
      ...(address ? [new SubjectAlternativeNameExtension([{ type: 'ip', value: address }])] : []),
    ],
  });
  return { certificate, keys };
}

async function keyOf(identity: Identity): Promise<string> {
  const bytes = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', identity.keys.privateKey));
  return `-----BEGIN PRIVATE KEY-----\n${bytes.toString('base64')}\n-----END PRIVATE KEY-----\n`;
}

const answer: RequestListener = (request, response) => {
  response.writeHead(200, { 'Content-Type': 'application/json' });
  const isVersion = request.url?.endsWith('/version');
  response.end(JSON.stringify(isVersion ? { ApiVersion: '1.41', MinAPIVersion: '1.12' } : { ID: 'FAR', NCPU: 4 }));
};

let folder = '';
const servers: Server[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pilothouse-reach-'));
});

afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(folder, { recursive: true, force: true });
});

describe('an engine behind TLS', () => {
  let endpoint = '';

  async function writeClient(name: string, ca: Identity, client: Identity): Promise<string> {
    const place = join(folder, name);
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'ca.pem'), ca.certificate.toString('pem'));
    writeFileSync(join(place, 'cert.pem'), client.certificate.toString('pem'));
    writeFileSync(join(place, 'key.pem'), await keyOf(client));
    return place;
  }

  beforeAll(async () => {
    const [ca, stranger] = [await makeIdentity('ours'), await makeIdentity('theirs')];
    const host = await makeIdentity('host', { issuer: ca, address: '127.0.0.1' });
    const server = createSecureServer(
      {
        ca: ca.certificate.toString('pem'),
        cert: host.certificate.toString('pem'),
        key: await keyOf(host),
        requestCert: true,
        rejectUnauthorized: true,
      },
      answer,
    );
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    endpoint = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await writeClient('right', ca, await makeIdentity('me', { issuer: ca }));
    await writeClient('wrong-client', ca, await makeIdentity('me', { issuer: stranger }));
    await writeClient('wrong-server', stranger, await makeIdentity('me', { issuer: ca }));
  });

  const tls = (name: string, skipVerify = false): { folder: string; skipVerify: boolean } => ({
    folder: join(folder, name),
    skipVerify,
  });

  it('is reached with the right certificates', async () => {
    const engine = await connect({ endpoint, tls: tls('right') });
    expect(engine.id).toBe('FAR');
    expect(engine.capabilities.localCgroups).toBe(false);
    expect((await engine.facts()).cpus).toBe(4);
    engine.dispose();
  });

  it('that is not who it should be is not talked to, unless the user’s context says so', async () => {
    await expect(connect({ endpoint, tls: tls('wrong-server') })).rejects.toMatchObject({ code: 'denied' });
    const engine = await connect({ endpoint, tls: tls('wrong-server', true) });
    engine.dispose();
  });

  it('turns strangers away', async () => {
    await expect(connect({ endpoint, tls: tls('wrong-client') })).rejects.toMatchObject({
      code: expect.stringMatching(/denied|away/),
    });
    await expect(connect({ endpoint })).rejects.toMatchObject({ code: expect.stringMatching(/denied|away|refused/) });
  });
});

describe.skipIf(process.platform === 'win32')('an engine behind SSH', () => {
  const path = process.env['PATH'] ?? '';

  beforeAll(async () => {
    const server = createPlainServer(answer);
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(join(folder, 'far.sock'), resolve));
    // What the far machine's `docker system dial-stdio` does: its input and output are the engine's socket.
    const relay = `const s = require('net').connect(${JSON.stringify(join(folder, 'far.sock'))});
process.stdin.pipe(s).pipe(process.stdout); s.on('close', () => process.exit(0));`;
    const script = `#!/bin/sh
echo "$@" >> ${join(folder, 'argv')}
case "$*" in *unknown*) echo 'Host key verification failed.' >&2; exit 255;; esac
exec ${process.execPath} -e ${JSON.stringify(relay).replaceAll('$', '\\$').replaceAll('\\n', ' ')}
`;
    mkdirSync(join(folder, 'bin'));
    writeFileSync(join(folder, 'bin', 'ssh'), script);
    chmodSync(join(folder, 'bin', 'ssh'), 0o755);
    process.env['PATH'] = join(folder, 'bin') + delimiter + path;
  });

  afterAll(() => {
    process.env['PATH'] = path;
  });

  it('is reached through one connection that is used again', async () => {
    const engine = await connect({ endpoint: 'ssh://me@far:2222' });
    expect(engine.id).toBe('FAR');
    for (let at = 0; at < 3; at += 1) await engine.facts();
    engine.dispose();
    const calls = readFileSync(join(folder, 'argv'), 'utf8').trim().split('\n');
    expect(calls[0]).toMatch(/-l me -p 2222 -- far docker system dial-stdio$/);
    // One to agree on a version, then two side by side for the facts.
    expect(calls.length).toBeLessThanOrEqual(4);
  });

  it('that SSH does not trust is refused, with its reason', async () => {
    await expect(connect({ endpoint: 'ssh://unknown' })).rejects.toMatchObject({
      code: 'denied',
      words: { code: 'reach.sshUnknown', args: { host: 'unknown' } },
    });
  });

  it('without the program is away', async () => {
    const before = process.env['PATH'];
    process.env['PATH'] = join(folder, 'nothing');
    await expect(connect({ endpoint: 'ssh://far' })).rejects.toMatchObject({
      code: 'away',
      words: { code: 'reach.sshMissing' },
    });
    process.env['PATH'] = before;
  });
});
