/**
 * Host keys of machines behind SSH. What is known is the user's own known_hosts, as `ssh` itself reads it. A key is read without
 * logging in and without trusting it, into a file of its own; only the key whose fingerprint the user has confirmed is then added.
 * One that has changed is never replaced here.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { sentence, say } from '../../contract/sentence';
import { EngineError } from '../../core/engine';
import { parseEndpoint } from './endpoint';
import { explain } from './reasons';
import { SshEnded, sshPlace, type SshTarget } from './ssh';

export interface HostKey {
  host: string;
  /** `changed`: another one is known for this host. */
  state: 'known' | 'unknown' | 'changed';
  /** `ssh-ed25519` and the like. */
  type: string;
  /** `SHA256:` and 43 characters, as `ssh-keygen -l` writes it. */
  fingerprint: string;
}

/** The whole of a try, milliseconds; ssh's own patience is ten seconds. */
const patience = 15_000;
/** Nobody is logged in: neither keys nor agents are offered, nothing is forwarded, no connection is shared. */
const aside = [
  ...['-T', '-o', 'BatchMode=yes', '-o', 'ConnectTimeout=10', '-o', 'PreferredAuthentications=none'],
  ...['-o', 'ControlPath=none', '-o', 'ClearAllForwardings=yes', '-o', 'PermitLocalCommand=no'],
  ...['-o', 'UpdateHostKeys=no', '-o', 'VerifyHostKeyDNS=no'],
];

/**
 * The key that a host shows now, and whether it is the one that is known.
 * @throws EngineError `invalid` for an endpoint that is not behind SSH, `away` when the host shows none
 */
export async function readHostKey(endpoint: string): Promise<HostKey> {
  const { key } = await look(endpoint);
  return key;
}

/**
 * Makes the key with this fingerprint known.
 * @throws EngineError `denied` when another key is known, or the host shows another one than was confirmed
 */
export async function trustHost(endpoint: string, fingerprint: string): Promise<HostKey> {
  const { target, key, line } = await look(endpoint);
  if (key.state === 'known') return key;
  if (key.state === 'changed') throw refused(target, 'REMOTE HOST IDENTIFICATION HAS CHANGED');
  if (key.fingerprint !== fingerprint.trim().replace(/=+$/, ''))
    throw new EngineError('denied', `${key.host} shows the key ${key.fingerprint}, not the one that was confirmed`);
  const file = await knownHostsOf(target);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const before = await readFile(file, 'utf8').catch(() => '');
  const gap = before === '' || before.endsWith('\n') ? '' : '\n';
  await appendFile(file, `${gap}${line}\n`, { mode: 0o600 });
  return { ...key, state: 'known' };
}

async function look(endpoint: string): Promise<{ target: SshTarget; key: HostKey; line: string }> {
  const target = parseEndpoint(endpoint);
  if (!('kind' in target) || target.kind !== 'ssh')
    throw new EngineError('invalid', `${endpoint} is not behind SSH: it has no host key`);
  const [shown, state] = await Promise.all([shownBy(target), stateOf(target)]);
  return { target, line: shown.line, key: { host: target.host, state, ...shown.key } };
}

/** The key as it is shown, written by ssh itself into a file that nobody else reads. */
async function shownBy(target: SshTarget): Promise<{ line: string; key: { type: string; fingerprint: string } }> {
  const folder = await mkdtemp(join(tmpdir(), 'pilothouse-host-'));
  try {
    const file = join(folder, 'known');
    const options = [
      ...['-o', `UserKnownHostsFile="${file}"`, '-o', `GlobalKnownHostsFile="${join(folder, 'none')}"`],
      ...['-o', 'StrictHostKeyChecking=accept-new', '-o', 'HashKnownHosts=no', '-o', 'CheckHostIP=no'],
    ];
    const ended = await ssh([...aside, ...options, ...sshPlace(target), 'true']);
    const [line = ''] = (await readFile(file, 'utf8').catch(() => '')).split('\n');
    const [, type = '', bytes = ''] = line.split(' ');
    if (!/^[a-z0-9@.-]+$/.test(type) || bytes === '') throw refused(target, ended.said, ended.code);
    const hash = createHash('sha256').update(Buffer.from(bytes, 'base64')).digest('base64');
    return { line, key: { type, fingerprint: `SHA256:${hash.replace(/=+$/, '')}` } };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function stateOf(target: SshTarget): Promise<HostKey['state']> {
  const { said } = await ssh([...aside, '-o', 'StrictHostKeyChecking=yes', ...sshPlace(target), 'true']);
  if (/HOST IDENTIFICATION HAS CHANGED/i.test(said)) return 'changed';
  return /Host key verification failed/i.test(said) ? 'unknown' : 'known';
}

/** The file that ssh would write a new key into. */
async function knownHostsOf(target: SshTarget): Promise<string> {
  const { out } = await ssh(['-G', ...sshPlace(target)]);
  const file = /^userknownhostsfile (\S+)/im.exec(out)?.[1] ?? '~/.ssh/known_hosts';
  if (file === 'none' || file === '/dev/null')
    throw new EngineError('invalid', 'Your ssh configuration keeps no known hosts: UserKnownHostsFile');
  return file.replace(/^~(?=\/)/, homedir());
}

function refused(target: SshTarget, said: string, code: number | null = 255): EngineError {
  const cause = new SshEnded(code, said);
  return explain(new EngineError('away', cause.message, { cause }), { kind: 'ssh', ...target });
}

function ssh(argv: string[]): Promise<{ code: number | null; said: string; out: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('ssh', argv, { stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true, timeout: patience });
    let [said, out] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (out = (out + chunk.toString('utf8')).slice(0, 65_536)));
    child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString('utf8')).slice(0, 4_000)));
    child.on('error', (cause) => {
      const words = sentence('reach.sshMissing');
      reject(new EngineError('away', say(words), { cause, words }));
    });
    child.on('close', (code) => resolve({ code, said: said.trim(), out }));
  });
}
