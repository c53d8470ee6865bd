/**
 * An engine behind a real sshd as a node: a host that is met for the first time, one whose key has changed, keys that are not let in,
 * no docker at the far end, connections cut in the middle. Debian's openssh-server is installed by `npm test`; without it this is skipped.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { caller } from '../support/app';
import { waitUntil } from './app-kit';
import { startNodes, type Nodes } from './nodes-kit';

const sshd = ['/usr/sbin/sshd', '/usr/local/sbin/sshd'].find((path) => existsSync(path));
const realSsh = (process.env['PATH'] ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'ssh'))
  .find((path) => existsSync(path));
const before = process.env['PATH'] ?? '';

const first = 22_000 + (process.pid % 7000) * 3;
const [good, withoutDocker, withoutEngine] = [first, first + 1, first + 2];
const user = userInfo().username;
const at = (port: number): string => `ssh://${user}@127.0.0.1:${port}`;

let nodes: Nodes;
let server: ChildProcess | undefined;
const path = (...names: string[]): string => join(nodes.folder, ...names);

function makeKey(name: string): string {
  const file = path(name);
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file]);
  return file;
}
const fingerprintOf = (key: string): string =>
  /SHA256:\S+/.exec(execFileSync('ssh-keygen', ['-lf', `${key}.pub`]).toString())?.[0] ?? '';

/** The far machine; what it runs is told by the port. */
async function serve(hostKey: string): Promise<void> {
  const lines = [
    ...[good, withoutDocker, withoutEngine].map((port) => `Port ${port}`),
    'ListenAddress 127.0.0.1',
    `HostKey ${hostKey}`,
    `PidFile ${path('sshd.pid')}`,
    `AuthorizedKeysFile ${path('authorized_keys')}`,
    ...['StrictModes no', 'UsePAM no', 'PasswordAuthentication no', 'PermitRootLogin prohibit-password'],
    `Match LocalPort ${good}`,
    `  SetEnv DOCKER_HOST=${nodes.second.dockerHost} PATH=${before}`,
    `Match LocalPort ${withoutDocker}`,
    '  SetEnv PATH=/nowhere',
    `Match LocalPort ${withoutEngine}`,
    `  SetEnv DOCKER_HOST=unix:///nowhere/docker.sock PATH=${before}`,
  ];
  writeFileSync(path('sshd_config'), `${lines.join('\n')}\n`);
  const child = spawn(sshd ?? '', ['-D', '-e', '-f', path('sshd_config')], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  server = child;
  await waitUntil('sshd', () => {
    if (child.exitCode !== null) throw new Error(`sshd ended: ${said}`);
    return Promise.resolve(said.includes('Server listening on 127.0.0.1'));
  });
}

/** Ends it at once, and with it every session. */
async function cut(): Promise<void> {
  const child = server;
  server = undefined;
  if (!child?.pid) return;
  const sessions = execFileSync('sh', ['-c', 'cat "/proc/$1/task/$1/children"', 'sh', String(child.pid)]).toString();
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  for (const pid of sessions.trim().split(' ').filter(Boolean).map(Number)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended by itself.
    }
  }
  await ended;
}

describe.skipIf(sshd === undefined || realSsh === undefined)('an engine behind a real sshd', () => {
  beforeAll(async () => {
    nodes = await startNodes('ssh');
    mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
    for (const name of ['host', 'other-host', 'id']) makeKey(name);
    writeFileSync(path('authorized_keys'), '');
    // What the user's own ~/.ssh/config is otherwise; a `no` there must not make a changed key pass.
    const config = [
      'Host *',
      `  UserKnownHostsFile ${path('known_hosts')}`,
      '  GlobalKnownHostsFile /dev/null',
      '  StrictHostKeyChecking no',
      `  IdentityFile ${path('id')}`,
      '  IdentitiesOnly yes',
      '  IdentityAgent none',
    ];
    writeFileSync(path('ssh_config'), `${config.join('\n')}\n`);
    mkdirSync(path('bin'));
    const script = `#!/bin/sh\nprintf '%s\\n' "$*" >> ${path('argv')}\nexec ${realSsh} -F ${path('ssh_config')} "$@"\n`;
    writeFileSync(path('bin', 'ssh'), script);
    chmodSync(path('bin', 'ssh'), 0o755);
    process.env['PATH'] = path('bin') + delimiter + before;
    await serve(path('host'));
  }, 120_000);

  afterAll(async () => {
    process.env['PATH'] = before;
    await nodes?.stop();
    await cut();
  }, 60_000);

  it('is not talked to until its fingerprint is confirmed, and then by that key alone', async () => {
    const problem = await nodes.problemOf({ endpoint: at(good) });
    const fingerprint = fingerprintOf(path('host'));
    expect(problem.words).toEqual({
      code: 'reach.sshUnknownKey',
      args: { host: '127.0.0.1', type: 'ssh-ed25519', fingerprint },
    });
    expect(problem.hint).toContain(`pilothouse node trust ${at(good)} ${fingerprint}`);
    expect(existsSync(path('known_hosts'))).toBe(false);
    const wrong = fingerprintOf(path('other-host'));
    const refused = nodes.calls['nodes.trustHost']({ endpoint: at(good), fingerprint: wrong }, caller);
    await expect(refused).rejects.toThrow(/not the one that was confirmed/);
    expect(existsSync(path('known_hosts'))).toBe(false);
    const known = await nodes.calls['nodes.trustHost']({ endpoint: at(good), fingerprint }, caller);
    expect(known).toMatchObject({ state: 'known', fingerprint });
    expect(statSync(path('known_hosts')).mode & 0o777).toBe(0o600);
    for (const port of [withoutDocker, withoutEngine])
      await nodes.calls['nodes.trustHost']({ endpoint: at(port), fingerprint }, caller);
    expect(readFileSync(path('known_hosts'), 'utf8').trim().split('\n')).toHaveLength(3);
  });

  it('says what is missing: a key that is let in, docker, an engine, a server, a name', async () => {
    const code = async (endpoint: string): Promise<string | undefined> =>
      (await nodes.problemOf({ endpoint })).words?.code;
    expect(await code(at(good))).toBe('reach.sshDenied');
    writeFileSync(path('authorized_keys'), readFileSync(path('id.pub')));
    expect(await code(at(withoutDocker))).toBe('reach.sshNoDocker');
    expect(await code(at(withoutEngine))).toBe('reach.sshNoEngine');
    expect(await code('ssh://127.0.0.1:1')).toBe('reach.sshClosed');
    expect(await code('ssh://nowhere.invalid')).toBe('reach.sshNoHost');
  });

  it('is joined, lost with its connections, and found again', async () => {
    await nodes.calls['nodes.add']({ endpoint: at(good), name: 'far' }, caller);
    await nodes.until('the node', (node) => node?.state === 'ready');
    expect((await nodes.node('far'))?.address).toBe('127.0.0.1');
    await cut();
    await nodes.until('its absence', (node) => node?.state === 'away' && node.words !== undefined);
    await serve(path('host'));
    await nodes.until('its return', (node) => node?.state === 'ready');
  });

  it('is refused as soon as it shows another key, and comes back when the user has let the old one go', async () => {
    await cut();
    await serve(path('other-host'));
    await nodes.until('the refusal', (node) => node?.words?.code === 'reach.sshChanged');
    const fingerprint = fingerprintOf(path('other-host'));
    expect(await nodes.calls['nodes.hostKey']({ endpoint: at(good) }, caller)).toMatchObject({
      state: 'changed',
      fingerprint,
    });
    const trust = (): Promise<unknown> => nodes.calls['nodes.trustHost']({ endpoint: at(good), fingerprint }, caller);
    await expect(trust()).rejects.toMatchObject({ problem: { words: { code: 'reach.sshChanged' } } });
    const command = String((await nodes.node('far'))?.words?.args?.['command']);
    expect(command).toBe(`ssh-keygen -R '[127.0.0.1]:${good}'`);
    execFileSync('ssh-keygen', ['-R', `[127.0.0.1]:${good}`, '-f', path('known_hosts')], { stdio: 'ignore' });
    await trust();
    await nodes.until('its return', (node) => node?.state === 'ready');
    const secret = readFileSync(path('id'), 'utf8').split('\n')[1] ?? '';
    expect(secret.length).toBeGreaterThan(40);
    expect(nodes.logged.join('\n') + readFileSync(path('argv'), 'utf8')).not.toContain(secret);
  });
});
