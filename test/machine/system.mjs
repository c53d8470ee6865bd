/** Packages of the operating system: found, installed in one call where we may (root on Debian), else named. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { say } from './place.mjs';
import { capture, isLinuxRoot, run, which } from './processes.mjs';

/** What Electron's window needs. */
export const WINDOW_PACKAGES = [
  ...['libgtk-3-0', 'libnss3', 'libasound2', 'libgbm1', 'libxss1', 'libnotify4', 'libsecret-1-0'],
  'fonts-noto-cjk',
];

/** What a window needs on a machine without a display. */
export const DISPLAY_PACKAGES = ['xvfb', 'xauth'];

/** @returns {boolean} whether packages can be installed by us */
export function canInstallPackages() {
  return isLinuxRoot() && which('apt-get') !== undefined && which('dpkg-query') !== undefined;
}

/**
 * @param {string[]} packages
 * @returns {string[]} those that are not installed; all of them where dpkg is unknown
 */
export function missingPackages(packages) {
  // Since Debian 13 some libraries carry the suffix t64 and merely provide the old name.
  const names = packages.flatMap((name) => [name, `${name}t64`]);
  const { stdout } = capture('dpkg-query', ['-W', '-f', '${db:Status-Status} ${Package}\n', ...names]);
  const installed = new Set(stdout.split('\n').flatMap((line) => /^installed (\S+)$/.exec(line)?.[1] ?? []));
  return packages.filter((name) => !installed.has(name) && !installed.has(`${name}t64`));
}

/**
 * Installs what is missing, in one call.
 * @param {string[]} packages
 * @returns {Promise<string | undefined>} what stayed missing and what to do, in one sentence; undefined when all is there
 */
export async function ensurePackages(packages) {
  if (process.platform !== 'linux' || !which('dpkg-query')) return undefined;
  const missing = missingPackages(packages);
  if (missing.length === 0) return undefined;
  const advice = `Missing on this machine: install them with \`apt-get install ${missing.join(' ')}\`.`;
  if (!canInstallPackages()) return advice;
  say(`• installing ${missing.length} system packages: ${missing.join(' ')} …`);
  const began = Date.now();
  const denied = denyServices();
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const wait = ['-o', 'DPkg::Lock::Timeout=180', '-o', 'Acquire::Retries=2'];
    await run('apt-get', [...wait, '-q', 'update'], { env, quiet: true, timeoutMs: 180_000 });
    const argv = [...wait, '-q', '-y', '--no-install-recommends', 'install', ...missing];
    const { code, output } = await run('apt-get', argv, { env, quiet: true, timeoutMs: 600_000 });
    if (code !== 0) {
      say(output.trim().split('\n').slice(-8).join('\n'));
      return advice;
    }
  } finally {
    denied();
  }
  say(`  system packages installed in ${((Date.now() - began) / 1000).toFixed(1)} s`);
  return undefined;
}

/**
 * Keeps freshly installed services from starting by themselves: we want Docker's programs, not a second daemon.
 * @returns {() => void} takes the prohibition away
 */
function denyServices() {
  const policy = '/usr/sbin/policy-rc.d';
  if (existsSync(policy)) return () => undefined;
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  return () => rmSync(policy, { force: true });
}
