import { describe, expect, it } from 'vitest';
import { isLoopback, parseEndpoint, targetOf } from '../../../../src-main/engine/docker/endpoint';
import { sshArguments } from '../../../../src-main/engine/docker/ssh';

const tls = { folder: '/certificates', skipVerify: false };

describe('endpoints', () => {
  it.each([
    ['unix:///var/run/docker.sock', { kind: 'socket', path: '/var/run/docker.sock' }],
    ['npipe:////./pipe/docker_engine', { kind: 'socket', path: '//./pipe/docker_engine' }],
    ['tcp://localhost', { kind: 'tcp', host: 'localhost', port: 2_375 }],
    ['tcp://127.0.0.1:99', { kind: 'tcp', host: '127.0.0.1', port: 99 }],
    ['http://[::1]:80', { kind: 'tcp', host: '::1', port: 80 }],
    ['https://build:8443', { kind: 'tcp', host: 'build', port: 8_443, tls: { folder: '', skipVerify: false } }],
    ['ssh://user@host:2222', { kind: 'ssh', host: 'host', port: 2_222, user: 'user' }],
    ['ssh://host', { kind: 'ssh', host: 'host' }],
  ])('%s', (endpoint, target) => {
    expect(parseEndpoint(endpoint)).toEqual(target);
  });

  it('over TCP are encrypted where certificates are given', () => {
    expect(parseEndpoint('tcp://build', tls)).toEqual({ kind: 'tcp', host: 'build', port: 2_376, tls });
  });

  it.each([
    ['tcp://10.0.0.5:2375', 'engine.plainTcp'],
    ['tcp://build', 'engine.plainTcp'],
    ['tcp://localhost.evil.com:2375', 'engine.plainTcp'],
    ['tcp://127.0.0.1.nip.io', 'engine.plainTcp'],
    ['http://0.0.0.0:2375', 'engine.plainTcp'],
    ['tcp://[::ffff:10.0.0.1]:2375', 'engine.plainTcp'],
    ['', 'engine.badEndpoint'],
    ['nonsense', 'engine.badEndpoint'],
    ['unix://', 'engine.badEndpoint'],
    ['ftp://host', 'engine.badEndpoint'],
    ['file:///etc/passwd', 'engine.badEndpoint'],
    ['ssh://user:secret@host', 'engine.badEndpoint'],
    ['ssh://-oProxyCommand=touch%20x/', 'engine.badEndpoint'],
    ['ssh://-l@host', 'engine.badEndpoint'],
    ['tcp://host:99999', 'engine.badEndpoint'],
  ])('%s is refused: %s (S22)', (endpoint, code) => {
    expect(parseEndpoint(endpoint)).toMatchObject({ problem: { code } });
    expect(() => targetOf({ endpoint })).toThrow(
      code === 'engine.plainTcp' ? /^denied: .*not encrypted/ : /^invalid: /,
    );
  });

  it('with a problem cannot be connected to', () => {
    const problem = { code: 'engine.noCertificates' as const, args: { endpoint: 'e', path: 'p' } };
    expect(() => targetOf({ endpoint: 'unix:///x', problem })).toThrow('The certificates for e are not in p');
  });

  it.each([
    ['localhost', true],
    ['127.9.9.9', true],
    ['::1', true],
    ['128.0.0.1', false],
    ['127.0.0.1.evil', false],
    ['', false],
  ])('%s is this machine: %s', (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });

  it('over SSH cannot smuggle options in', () => {
    const argv = sshArguments({ host: 'host', port: 22, user: 'me' });
    expect(argv.slice(argv.indexOf('--'))).toEqual(['--', 'host', 'docker', 'system', 'dial-stdio']);
    expect(argv).toContain('BatchMode=yes');
  });
});
