import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loginFor, registryOf, splitReference } from '../../../../src-main/engine/docker/credentials';

const HUB = 'https://index.docker.io/v1/';
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pilothouse-docker-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const environment = (): NodeJS.ProcessEnv => ({
  DOCKER_CONFIG: folder,
  PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`,
});
const configure = (config: object): void => writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** A helper that writes down what it was asked, and answers. */
function helper(name: string, script: string): void {
  mkdirSync(join(folder, 'bin'), { recursive: true });
  const file = join(folder, 'bin', `docker-credential-${name}`);
  writeFileSync(file, `#!/bin/sh\n(echo "$@"; cat) > ${join(folder, 'asked')}\n${script}\n`);
  chmodSync(file, 0o755);
}

describe('references', () => {
  it.each([
    ['busybox', HUB],
    ['library/busybox:1', HUB],
    ['docker.io/library/busybox', HUB],
    ['ghcr.io/a/b:1', 'ghcr.io'],
    ['localhost/a', 'localhost'],
    ['host:5000/a', 'host:5000'],
    ['user/repo', HUB],
  ])('%s is kept by %s', (reference, registry) => {
    expect(registryOf(reference)).toBe(registry);
  });

  it.each([
    ['busybox', 'busybox', 'latest'],
    ['busybox:1.36', 'busybox', '1.36'],
    ['host:5000/a/b', 'host:5000/a/b', 'latest'],
    ['host:5000/a/b:2', 'host:5000/a/b', '2'],
    ['a@sha256:abc', 'a', 'sha256:abc'],
  ])('%s is %s, %s', (reference, name, tag) => {
    expect(splitReference(reference)).toEqual({ name, tag });
  });
});

describe('logins', () => {
  it('are none without a config, or with a broken one', async () => {
    expect(await loginFor('busybox', environment())).toBeUndefined();
    writeFileSync(join(folder, 'config.json'), '{');
    expect(await loginFor('busybox', environment())).toBeUndefined();
  });

  it('come from the config under any of the registry’s names', async () => {
    configure({
      auths: {
        [HUB]: { auth: base64('me:pa:ss') },
        'https://ghcr.io': { identitytoken: 'token' },
        'bad.io': { auth: 'nonsense' },
      },
    });
    expect(await loginFor('busybox', environment())).toEqual({ username: 'me', password: 'pa:ss', serveraddress: HUB });
    expect(await loginFor('ghcr.io/a/b', environment())).toEqual({ identitytoken: 'token', serveraddress: 'ghcr.io' });
    expect(await loginFor('bad.io/a', environment())).toBeUndefined();
    expect(await loginFor('other.io/a', environment())).toBeUndefined();
  });

  it('come from helpers, which are asked on their standard input', async () => {
    configure({ credsStore: 'keychain', credHelpers: { 'ghcr.io': 'special' }, auths: { [HUB]: {} } });
    helper('keychain', `echo '{"ServerURL":"x","Username":"me","Secret":"s3cret"}'`);
    expect(await loginFor('busybox', environment())).toEqual({
      username: 'me',
      password: 's3cret',
      serveraddress: HUB,
    });
    expect(readFileSync(join(folder, 'asked'), 'utf8')).toBe(`get\n${HUB}`);
    helper('special', `echo '{"Username":"<token>","Secret":"t0ken"}'`);
    expect(await loginFor('ghcr.io/a', environment())).toEqual({ identitytoken: 't0ken', serveraddress: 'ghcr.io' });
  });

  it('are none when the helper fails, is missing, or has a name that is a path', async () => {
    helper('broken', 'echo "credentials not found"; exit 1');
    helper('babbling', 'echo no json');
    for (const credsStore of ['broken', 'babbling', 'missing', '../../bin/sh', '-x']) {
      configure({ credsStore });
      expect(await loginFor('busybox', environment())).toBeUndefined();
    }
  });
});
