/**
 * Docker Compose v2, the real one: the oracle of our Compose parser and a peer in benchmarks. Found on the machine, or, on Debian,
 * unpacked beside the system from a later release's package; nothing is installed.
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheFolder } from './place.mjs';
import { capture, must, which } from './processes.mjs';

/** The release whose `docker-compose` is version 2 (2.26) and needs nothing but itself. */
const RELEASE = 'trixie';

/**
 * How to call Compose: a program and its first arguments, or undefined when there is none.
 * @returns {string[] | undefined}
 */
export function findCompose() {
  const candidates = [
    ...(process.env.PILOTHOUSE_COMPOSE ? [[process.env.PILOTHOUSE_COMPOSE]] : []),
    [join(cacheFolder('compose'), 'docker-compose')],
    ...(which('docker-compose') ? [['docker-compose']] : []),
    ...(which('docker') ? [['docker', 'compose']] : []),
  ];
  return candidates.find((words) => isVersion2(words));
}

/**
 * Finds Compose, or unpacks it where that is possible.
 * @returns {string[] | undefined}
 */
export function ensureCompose() {
  const found = findCompose();
  if (found) return found;
  const mirror = debianMirror();
  if (!mirror || !which('apt-get') || !which('dpkg')) return undefined;
  const work = mkdtempSync(join(tmpdir(), 'pilothouse-compose-'));
  try {
    unpack(work, mirror);
  } catch {
    // Out of reach, or another architecture: then there is no oracle here.
    return undefined;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return findCompose();
}

/** @param {string[]} words */
function isVersion2(words) {
  const [program = '', ...first] = words;
  if (program.includes('/') && !existsSync(program)) return false;
  const { code, stdout } = capture(program, [...first, 'version', '--short']);
  return code === 0 && /^v?2\./.test(stdout.trim());
}

/** The mirror that this machine's own packages come from. */
function debianMirror() {
  const files = ['/etc/apt/sources.list'];
  if (existsSync('/etc/apt/sources.list.d')) {
    for (const name of readdirSync('/etc/apt/sources.list.d')) files.push(join('/etc/apt/sources.list.d', name));
  }
  for (const file of files) {
    if (!existsSync(file)) continue;
    const text = readFileSync(file, 'utf8');
    const found = /^(?:URIs:|deb(?: \[[^\]]*\])?)\s+(\S+\/debian\/?)(?:\s|$)/m.exec(text);
    if (found) return found[1];
  }
  return undefined;
}

/**
 * @param {string} work
 * @param {string} mirror
 */
function unpack(work, mirror) {
  for (const folder of ['state/lists/partial', 'cache/archives/partial', 'download', 'root']) {
    mkdirSync(join(work, folder), { recursive: true });
  }
  writeFileSync(join(work, 'state/status'), '');
  const key = '/usr/share/keyrings/debian-archive-keyring.gpg';
  writeFileSync(join(work, 'sources.list'), `deb [signed-by=${key}] ${mirror} ${RELEASE} main\n`);
  const options = [
    `Dir::State=${work}/state`,
    `Dir::State::status=${work}/state/status`,
    `Dir::Cache=${work}/cache`,
    `Dir::Etc::sourcelist=${work}/sources.list`,
    'Dir::Etc::sourceparts=/dev/null',
    'APT::Sandbox::User=',
  ].flatMap((option) => ['-o', option]);
  must('apt-get', [...options, 'update', '-q'], { timeoutMs: 120_000 });
  must('apt-get', [...options, 'download', 'docker-compose'], { cwd: join(work, 'download'), timeoutMs: 120_000 });
  const archive = readdirSync(join(work, 'download')).find((name) => name.endsWith('.deb')) ?? '';
  must('dpkg', ['-x', join(work, 'download', archive), join(work, 'root')]);
  const binary = ['usr/libexec/docker/cli-plugins/docker-compose', 'usr/bin/docker-compose']
    .map((path) => join(work, 'root', path))
    .find((path) => existsSync(path));
  if (!binary) throw new Error('The package holds no docker-compose');
  const target = join(cacheFolder('compose'), 'docker-compose');
  copyFileSync(binary, target);
  chmodSync(target, 0o755);
}
