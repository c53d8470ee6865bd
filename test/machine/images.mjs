/**
 * Container images made from Debian packages, for engines that cannot reach a registry. They carry the official names
 * and keep the official habits the project relies on, so that a Compose file means the same here as on a user's machine.
 * They go into private engines only, never into an engine of the user's.
 */
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { call, importImage, tagImage } from './api.mjs';
import { cacheFolder } from './place.mjs';
import { must } from './processes.mjs';

const here = dirname(fileURLToPath(import.meta.url));

/**
 * @typedef {{ recipe: string, names: string[], changes: string[] }} Image what an engine gets: one root file system under
 *   one or more names, with Dockerfile lines
 */

/** @type {readonly Image[]} */
export const IMAGES = [
  {
    recipe: 'busybox',
    names: ['busybox:latest', 'busybox:1', 'busybox:1.36', 'busybox:1.37', 'busybox:stable'],
    changes: ['CMD ["sh"]'],
  },
  {
    recipe: 'haproxy',
    names: ['haproxy:3.2-alpine', 'haproxy:lts-alpine'],
    changes: [
      'ENTRYPOINT ["docker-entrypoint.sh"]',
      'CMD ["haproxy", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]',
      'WORKDIR /var/lib/haproxy',
      'USER haproxy',
    ],
  },
  ...['1', '2'].map((version) => ({
    recipe: 'demo-app',
    names: [`pilothouse/demo-app:${version}`],
    changes: [`ENV VERSION=${version}`, 'EXPOSE 8080', 'CMD ["/demo-app"]'],
  })),
];

/** Packages that the recipes need on the machine itself (the others are only downloaded and unpacked). */
export const IMAGE_PACKAGES = ['tcc', 'libc6-dev'];

/** Changes when a recipe does. */
const fingerprint = createHash('sha256')
  .update(readFileSync(fileURLToPath(import.meta.url)))
  .update(readFileSync(join(here, 'images', 'demo-app.c')))
  .digest('hex')
  .slice(0, 12);

/** @type {Record<string, (root: string) => void>} */
const RECIPES = { busybox: putBusybox, haproxy: putHaproxy, 'demo-app': putDemoApp };

/**
 * Builds what is missing in the cache.
 * @returns {Map<string, string>} recipe → tar of its root file system
 */
export function buildImages() {
  const folder = cacheFolder('images');
  const tars = new Map();
  for (const [recipe, put] of Object.entries(RECIPES)) {
    const file = join(folder, `${recipe}-${process.arch}-${fingerprint}.tar`);
    if (!existsSync(file)) buildOne(file, put);
    tars.set(recipe, file);
  }
  for (const name of readdirSync(folder)) {
    if (name.endsWith('.tar') && !name.includes(fingerprint)) rmSync(join(folder, name));
  }
  return tars;
}

/**
 * Puts every image into an engine, unless the engine has kept them from an earlier start: each import makes a new image
 * of the same content, and the older one would lie about without a name.
 * @param {string} socketPath
 * @param {string} dataRoot of that engine
 * @returns {Promise<void>}
 */
export async function importImages(socketPath, dataRoot) {
  const note = join(dataRoot, 'pilothouse-images');
  const names = IMAGES.flatMap((image) => image.names);
  const found = await Promise.all(names.map((name) => call(socketPath, 'GET', `/images/${name}/json`)));
  const kept = existsSync(note) && readFileSync(note, 'utf8') === fingerprint;
  if (kept && found.every(({ status }) => status === 200)) return;
  const tars = buildImages();
  await Promise.all(
    IMAGES.map(async (image) => {
      const [first = '', ...others] = image.names;
      const file = tars.get(image.recipe) ?? '';
      await importImage(socketPath, { file, ...split(first), changes: image.changes });
      for (const other of others) await tagImage(socketPath, first, split(other));
    }),
  );
  writeFileSync(note, fingerprint);
}

/**
 * @param {string} name
 * @returns {{ repository: string, tag: string }}
 */
function split(name) {
  const at = name.lastIndexOf(':');
  return { repository: name.slice(0, at), tag: name.slice(at + 1) };
}

/**
 * @param {string} file
 * @param {(root: string) => void} put
 */
function buildOne(file, put) {
  const root = mkdtempSync(join(tmpdir(), 'pilothouse-image-'));
  const part = `${file}.${process.pid}.part`;
  try {
    put(root);
    must('tar', ['--numeric-owner', '--owner=0', '--group=0', '-C', root, '-cf', part, '.']);
    renameSync(part, file);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/**
 * Downloads Debian packages (without installing them) and unpacks them.
 * @param {string[]} packages
 * @returns {string} the folder they were unpacked to
 */
function unpackPackages(packages) {
  const folder = mkdtempSync(join(tmpdir(), 'pilothouse-packages-'));
  // As another user apt could not write here; it warns about that and then downloads as us.
  must('apt-get', ['-q', '-o', 'APT::Sandbox::User=root', 'download', ...packages], { cwd: folder });
  for (const name of readdirSync(folder)) {
    if (name.endsWith('.deb')) must('dpkg-deb', ['-x', join(folder, name), folder]);
  }
  return folder;
}

/**
 * Copies a program and the shared libraries it needs, found in `folder` first and on this machine otherwise.
 * @param {string} root
 * @param {{ folder: string, program: string, target: string }} options
 */
function putProgram(root, { folder, program, target }) {
  mkdirSync(join(root, dirname(target)), { recursive: true });
  copyFileSync(join(folder, program), join(root, target));
  chmodSync(join(root, target), 0o755);
  const unpacked = must('find', [folder, '-name', '*.so*']).split('\n').filter(Boolean);
  const folders = [...new Set(unpacked.map((file) => dirname(file)))];
  const env = { ...process.env, LD_LIBRARY_PATH: folders.join(':') };
  for (const line of must('ldd', [join(folder, program)], { env }).split('\n')) {
    const source = /=> (\/\S+)/.exec(line)?.[1] ?? /^\s*(\/\S+)/.exec(line)?.[1];
    if (line.includes('not found')) throw new Error(`${program} lacks a library: ${line.trim()}`);
    if (!source) continue;
    // The loader must lie where the program names it; the rest go where the loader looks by itself.
    const place = /\/ld-linux/.test(source) ? source : join('/lib', basename(source));
    mkdirSync(join(root, dirname(place)), { recursive: true });
    copyFileSync(source, join(root, place));
    chmodSync(join(root, place), 0o755);
  }
}

/**
 * A root file system with every applet. Debian's dynamic busybox: the static one crashes when it looks up a host name.
 * @param {string} root
 */
function putBusybox(root) {
  for (const folder of [
    'bin',
    'etc',
    'dev',
    'proc',
    'sys',
    'root',
    'home',
    'var/spool',
    'var/www',
    'usr/bin',
    'usr/sbin',
  ]) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  mkdirSync(join(root, 'tmp'));
  chmodSync(join(root, 'tmp'), 0o1777);
  mkdirSync(join(root, 'run'));
  const folder = unpackPackages(['busybox']);
  const program = ['bin/busybox', 'usr/bin/busybox'].find((path) => existsSync(join(folder, path))) ?? 'bin/busybox';
  putProgram(root, { folder, program, target: 'bin/busybox' });
  for (const applet of must(join(root, 'bin/busybox'), ['--list']).split('\n')) {
    if (applet && applet !== 'busybox') symlinkSync('busybox', join(root, 'bin', applet));
  }
  rmSync(folder, { recursive: true, force: true });
  symlinkSync('../../bin/env', join(root, 'usr/bin/env'));
  writeFileSync(
    join(root, 'etc/passwd'),
    'root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/false\nnobody:x:65534:65534::/home:/bin/false\n',
  );
  writeFileSync(join(root, 'etc/group'), 'root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\n');
  writeFileSync(join(root, 'etc/nsswitch.conf'), 'passwd: files\ngroup: files\nhosts: files dns\n');
}

/**
 * What `haproxy:…-alpine` offers: the program in the PATH, its user (99), its configuration's folder, a shell.
 * The admin socket is reached as in the official image, by the shell's own tools: let HAProxy listen on
 * `stats socket ipv4@127.0.0.1:9999 level admin` and run `echo 'show info' | nc 127.0.0.1 9999` inside.
 * @param {string} root
 */
function putHaproxy(root) {
  putBusybox(root);
  const folder = unpackPackages(['haproxy', ...librariesOf('haproxy')]);
  putProgram(root, { folder, program: 'usr/sbin/haproxy', target: 'usr/local/sbin/haproxy' });
  rmSync(folder, { recursive: true, force: true });
  for (const place of ['usr/local/etc/haproxy', 'usr/local/bin', 'var/lib/haproxy']) {
    mkdirSync(join(root, place), { recursive: true });
  }
  chmodSync(join(root, 'var/lib/haproxy'), 0o1777);
  writeFileSync(
    join(root, 'usr/local/bin/docker-entrypoint.sh'),
    [
      '#!/bin/sh',
      'set -e',
      'if [ "${1#-}" != "$1" ]; then set -- haproxy "$@"; fi',
      'if [ "$1" = haproxy ]; then shift; set -- haproxy -W -db "$@"; fi',
      'exec "$@"',
      '',
    ].join('\n'),
    { mode: 0o755 },
  );
  writeFileSync(join(root, 'etc/passwd'), 'haproxy:x:99:99:haproxy:/var/lib/haproxy:/sbin/nologin\n', { flag: 'a' });
  writeFileSync(join(root, 'etc/group'), 'haproxy:x:99:\n', { flag: 'a' });
}

/**
 * @param {string} name of a Debian package
 * @returns {string[]} the library packages it depends on, with theirs
 */
function librariesOf(name) {
  const recursive = ['--recurse', '--no-recommends', '--no-suggests', '--no-conflicts', '--no-breaks', '--no-replaces'];
  const text = must('apt-cache', ['depends', ...recursive, '--no-enhances', '--no-pre-depends', name]);
  return [...new Set(text.split('\n').filter((line) => /^lib[a-z0-9.+-]+$/.test(line)))];
}

/**
 * busybox and our own small app, compiled by the tiny C compiler (0.3 MB, 50 ms).
 * @param {string} root
 */
function putDemoApp(root) {
  putBusybox(root);
  must('tcc', ['-Wall', '-o', join(root, 'demo-app'), join(here, 'images', 'demo-app.c')]);
}
