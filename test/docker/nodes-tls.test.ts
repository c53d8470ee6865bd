/** A real daemon behind TLS as a node: joined with the right certificates, and every wrong one answered by a sentence of its own. */
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { caller } from '../support/app';
import { startNodes, type Nodes } from './nodes-kit';

const port = 2376;
let nodes: Nodes;
let endpoint = '';

const openssl = (...words: string[]): string =>
  execFileSync('openssl', words, { stdio: ['ignore', 'pipe', 'ignore'] }).toString();

/** An authority in a folder: `ca.pem` and `ca-key.pem`. */
function makeAuthority(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const [key, cert] = [join(folder, 'ca-key.pem'), join(folder, 'ca.pem')];
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...ec, '-keyout', key, '-out', cert, '-days', '2', '-subj', `/CN=${basename(folder)}`);
}

/** A certificate of that authority; `days` below 0 has run out. */
function makeCertificate(
  authority: string,
  where: { key: string; cert: string },
  about: { name: string; extension: string; days?: number },
): void {
  const request = `${where.cert}.csr`;
  const extensions = `${where.cert}.ext`;
  writeFileSync(extensions, about.extension);
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', ...ec, '-keyout', where.key, '-out', request, '-subj', `/CN=${about.name}`);
  const signed = ['-CA', join(authority, 'ca.pem'), '-CAkey', join(authority, 'ca-key.pem'), '-CAcreateserial'];
  const times = ['-days', String(about.days ?? 2)];
  openssl('x509', '-req', '-in', request, ...signed, '-out', where.cert, '-extfile', extensions, ...times);
}

/** A folder as DOCKER_CERT_PATH has it. */
function clientFolder(name: string, options: { trusts: string; signedBy?: string; days?: number }): string {
  const folder = join(nodes.folder, name);
  mkdirSync(folder, { recursive: true });
  copyFileSync(join(options.trusts, 'ca.pem'), join(folder, 'ca.pem'));
  const files = { key: join(folder, 'key.pem'), cert: join(folder, 'cert.pem') };
  const about = { name: 'me', extension: 'extendedKeyUsage = clientAuth' };
  if (options.signedBy !== undefined)
    makeCertificate(options.signedBy, files, { ...about, ...(options.days === undefined ? {} : options) });
  return folder;
}

/** The daemon's own certificate, renewed; it reads it when it starts. */
async function serverBecomes(names: string, days = 2): Promise<void> {
  const own = join(nodes.folder, 'ours');
  const files = { key: join(own, 'server-key.pem'), cert: join(own, 'server.pem') };
  makeCertificate(own, files, { name: 'server', extension: `subjectAltName = ${names}`, days });
  await nodes.second.restart();
}

beforeAll(async () => {
  nodes = await startNodes('tls', (folder) => {
    const own = join(folder, 'ours');
    makeAuthority(own);
    makeAuthority(join(folder, 'theirs'));
    const files = { key: join(own, 'server-key.pem'), cert: join(own, 'server.pem') };
    makeCertificate(own, files, { name: 'server', extension: 'subjectAltName = DNS:elsewhere' });
    const trust = ['--tlsverify', '--tlscacert', join(own, 'ca.pem')];
    return ['--host', `tcp://0.0.0.0:${port}`, ...trust, '--tlscert', files.cert, '--tlskey', files.key];
  });
  endpoint = `tcp://${nodes.second.address}:${port}`;
}, 120_000);

afterAll(() => nodes?.stop(), 60_000);

describe('a daemon behind TLS', () => {
  const [code, args] = [
    async (reach: { endpoint?: string; certificates?: string }) =>
      (await nodes.problemOf({ endpoint, ...reach })).words?.code,
    async (certificates: string) => (await nodes.problemOf({ endpoint, certificates })).words?.args,
  ];

  it('is never talked to without certificates (S22), nor with a folder that has none', async () => {
    const plain = await nodes.problemOf({ endpoint });
    expect(plain.words?.code).toBe('engine.plainTcp');
    expect(plain.message).toMatch(/not encrypted, so it is refused: use TLS or SSH/);
    expect(await code({ certificates: join(nodes.folder, 'nowhere') })).toBe('engine.noCertificates');
  });

  it('that is made out to another name, signed by strangers or run out is named so', async () => {
    const [ours, theirs] = [join(nodes.folder, 'ours'), join(nodes.folder, 'theirs')];
    const right = clientFolder('right', { trusts: ours, signedBy: ours });
    expect(await code({ certificates: right })).toBe('reach.tlsName');
    expect(await args(right)).toEqual({ host: nodes.second.address, names: 'elsewhere' });
    const strangers = clientFolder('strangers', { trusts: theirs, signedBy: ours });
    expect(await code({ certificates: strangers })).toBe('reach.tlsAuthority');
    await serverBecomes(`IP:${nodes.second.address}`, -1);
    expect(await code({ certificates: right })).toBe('reach.tlsExpired');
    await serverBecomes(`IP:${nodes.second.address}`);
  });

  it('wants a certificate of ours that it trusts: none, a stranger’s and one that has run out are told apart', async () => {
    const [ours, theirs] = [join(nodes.folder, 'ours'), join(nodes.folder, 'theirs')];
    const none = clientFolder('none', { trusts: ours });
    expect(await code({ certificates: none })).toBe('reach.tlsNoClient');
    const strange = clientFolder('strange', { trusts: ours, signedBy: theirs });
    expect(await code({ certificates: strange })).toBe('reach.tlsClient');
    const over = clientFolder('over', { trusts: ours, signedBy: ours, days: -1 });
    expect(await code({ certificates: over })).toBe('reach.tlsOwnExpired');
    const mixed = clientFolder('mixed', { trusts: ours, signedBy: ours });
    copyFileSync(join(strange, 'key.pem'), join(mixed, 'key.pem'));
    expect(await code({ certificates: mixed })).toBe('reach.tlsFiles');
  });

  it('is joined with the right ones, worked on, lost and found again', async () => {
    const certificates = join(nodes.folder, 'right');
    const test = await nodes.calls['nodes.test']({ endpoint, certificates }, caller);
    expect(test).toMatchObject({ kind: 'docker', endpoint });
    await nodes.calls['nodes.add']({ endpoint, certificates, name: 'far' }, caller);
    await nodes.until('the node', (node) => node?.state === 'ready');
    expect((await nodes.node('far'))?.address).toBe(nodes.second.address);
    await nodes.second.kill();
    await nodes.until('its absence', (node) => node?.state === 'away' && node.words !== undefined);
    await nodes.second.start();
    await nodes.until('its return', (node) => node?.state === 'ready');
    const key = readFileSync(join(certificates, 'key.pem'), 'utf8').split('\n')[1] ?? '';
    expect(key.length).toBeGreaterThan(40);
    expect(nodes.logged.join('\n')).not.toContain(key);
  });
});
