/** The built app in `out/`: made again when a source has changed since. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot, say } from './place.mjs';
import { run } from './processes.mjs';

/** What the build reads. */
const SOURCES = [
  'src-main',
  'src-renderer',
  'resources',
  'electron.vite.config.ts',
  'package-lock.json',
  'tsconfig.base.json',
];

/**
 * @param {string} path
 * @returns {string[]} one line per file below: its path, size and time
 */
function describe(path) {
  if (!existsSync(path)) return [];
  const found = statSync(path);
  if (!found.isDirectory()) return [`${path} ${found.size} ${found.mtimeMs}`];
  return readdirSync(path).flatMap((name) => describe(join(path, name)));
}

/** @returns {string} changes when any source changes */
function fingerprint() {
  const lines = SOURCES.flatMap((source) => describe(join(projectRoot, source)));
  return createHash('sha256').update(lines.join('\n')).digest('hex');
}

/**
 * @returns {Promise<void>}
 * @throws Error when the build fails, after showing why
 */
export async function ensureBuild() {
  const stamp = join(projectRoot, 'out', '.built-from');
  const now = fingerprint();
  const main = join(projectRoot, 'out', 'main', 'main.js');
  if (existsSync(main) && existsSync(stamp) && readFileSync(stamp, 'utf8') === now) return;
  say('• building the app …');
  const began = Date.now();
  const tool = join(projectRoot, 'node_modules', 'electron-vite', 'bin', 'electron-vite.js');
  const { code, output } = await run(process.execPath, [tool, 'build'], {
    cwd: projectRoot,
    quiet: true,
    timeoutMs: 600_000,
  });
  if (code !== 0) {
    say(output.trim().split('\n').slice(-30).join('\n'));
    throw new Error('The app could not be built: see above.');
  }
  writeFileSync(stamp, now);
  say(`  built in ${((Date.now() - began) / 1000).toFixed(1)} s`);
}
