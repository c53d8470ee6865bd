import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { discover, type Surroundings } from '../../../../src-main/engine/docker';

let home = '';

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'pilothouse-home-'));
});

afterEach(() => rmSync(home, { recursive: true, force: true }));

function write(file: string, content: unknown): void {
  const path = join(home, '.docker', file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
}

function writeContext(name: string, docker: object, certificates = false): void {
  const hash = createHash('sha256').update(name).digest('hex');
  write(`contexts/meta/${hash}/meta.json`, { Name: name, Metadata: {}, Endpoints: { docker } });
  if (certificates) write(`contexts/tls/${hash}/docker/ca.pem`, 'ca');
}

function look(change: Surroundings & { sockets?: string[] } = {}): string[] {
  const { sockets = [], ...rest } = change;
  const exists = (path: string): boolean => sockets.includes(path);
  const found = discover({ environment: {}, home, platform: 'linux', user: 1_000, exists, ...rest });
  return found.map(({ source, endpoint, problem }) => `${source} ${endpoint}${problem ? ` ${problem.code}` : ''}`);
}

describe('discovery', () => {
  it('finds nothing on a machine without engines', () => {
    expect(look()).toEqual([]);
  });

  it('goes by DOCKER_HOST, DOCKER_CONTEXT, the current context and sockets, each endpoint once', () => {
    writeContext('remote', { Host: 'ssh://me@build' });
    writeContext('desk', { Host: 'unix:///desk.sock' });
    writeContext('same', { Host: 'unix:///var/run/docker.sock' });
    write('config.json', { currentContext: 'desk' });
    const sockets = ['/var/run/docker.sock', '/run/user/1000/podman/podman.sock', '/run/user/1000/docker.sock'];
    const rest = [
      'context desk unix:///desk.sock',
      'Docker, rootless unix:///run/user/1000/docker.sock',
      'Docker unix:///var/run/docker.sock',
      'context remote ssh://me@build',
      'Podman, rootless unix:///run/user/1000/podman/podman.sock',
    ];
    expect(look({ sockets })).toEqual(rest);
    expect(look({ sockets, environment: { DOCKER_HOST: 'unix:///mine.sock' } })).toEqual([
      'DOCKER_HOST unix:///mine.sock',
      ...rest,
    ]);
    expect(look({ sockets, environment: { DOCKER_CONTEXT: 'remote' } })[0]).toBe('context remote ssh://me@build');
    expect(look({ sockets, environment: { DOCKER_CONTEXT: 'default' } })[0]).toMatch(/^Docker, rootless/);
  });

  it('finds the products of other platforms', () => {
    const at = (path: string): string => join(home, path);
    const mac = [
      '.docker/run/docker.sock',
      '.colima/default/docker.sock',
      '.rd/docker.sock',
      '.orbstack/run/docker.sock',
    ];
    expect(look({ platform: 'darwin', sockets: mac.map(at) })).toEqual([
      `Docker Desktop unix://${at('.docker/run/docker.sock')}`,
      `colima unix://${at('.colima/default/docker.sock')}`,
      `Rancher Desktop unix://${at('.rd/docker.sock')}`,
      `OrbStack unix://${at('.orbstack/run/docker.sock')}`,
    ]);
    expect(look({ platform: 'win32', sockets: ['//./pipe/docker_engine', '//./pipe/podman-machine-default'] })).toEqual(
      ['Docker npipe:////./pipe/docker_engine', 'Podman npipe:////./pipe/podman-machine-default'],
    );
    expect(look({ sockets: ['/run/podman/podman.sock'], environment: { XDG_RUNTIME_DIR: '/elsewhere' } })).toEqual([
      'Podman unix:///run/podman/podman.sock',
    ]);
  });

  it('says what stands against an engine instead of hiding it', () => {
    writeContext('plain', { Host: 'tcp://build:2375' });
    expect(look()).toEqual(['context plain tcp://build:2375 engine.plainTcp']);
    expect(look({ environment: { DOCKER_HOST: 'tcp://10.1.1.1:2375' } })[0]).toMatch(/engine\.plainTcp$/);
    expect(look({ environment: { DOCKER_HOST: '10.1.1.1:2375' } })[0]).toBe(
      'DOCKER_HOST tcp://10.1.1.1:2375 engine.plainTcp',
    );
    expect(look({ environment: { DOCKER_HOST: 'gopher://x' } })[0]).toMatch(/engine\.badEndpoint$/);
    expect(look({ environment: { DOCKER_CONTEXT: 'lost' } })[0]).toMatch(/engine\.unknownContext$/);
    const certificates = { DOCKER_HOST: 'tcp://build', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/nowhere' };
    expect(look({ environment: certificates })[0]).toMatch(/engine\.noCertificates$/);
  });

  it('takes certificates from the context, or from where the environment says', () => {
    writeContext('secure', { Host: 'tcp://build:2376' }, true);
    writeContext('careless', { Host: 'tcp://other:2376', SkipTLSVerify: true });
    write('ca.pem', 'ca');
    const environment = { DOCKER_HOST: 'tcp://third', DOCKER_TLS_VERIFY: '1' };
    const found = discover({ environment, home, platform: 'linux', exists: () => false });
    expect(found.map(({ endpoint, tls }) => [endpoint, tls?.skipVerify])).toEqual([
      ['tcp://third', false],
      ['tcp://other:2376', true],
      ['tcp://build:2376', false],
    ]);
    expect(found[0]?.tls?.folder).toBe(join(home, '.docker'));
    expect(found[2]?.tls?.folder).toContain(join('contexts', 'tls'));
  });

  it('survives files that are broken or hostile', () => {
    write('config.json', '{ not json');
    write(`contexts/meta/${'a'.repeat(64)}/meta.json`, '[]');
    write(`contexts/meta/${'b'.repeat(64)}/meta.json`, { Name: 5, Endpoints: { docker: { Host: ['x'] } } });
    write('contexts/meta/not-a-hash/meta.json', { Name: 'x', Endpoints: { docker: { Host: 'unix:///x' } } });
    expect(look()).toEqual([]);
  });

  it('gives an endpoint the same id each time', () => {
    const ids = ['unix:///a', 'unix:///b', 'unix:///a'].map(
      (endpoint) => discover({ environment: { DOCKER_HOST: endpoint }, home, exists: () => false })[0]?.id,
    );
    expect(ids[0]).toBe(ids[2]);
    expect(ids[0]).not.toBe(ids[1]);
  });
});
