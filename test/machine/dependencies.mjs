/** The project's own packages: `npm ci` when node_modules does not hold what the lockfile says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot, say } from './place.mjs';
import { run, which } from './processes.mjs';

/**
 * The argv that runs npm: the very npm that started us when there is one. On Windows npm is a script that only a shell
 * could start, and that way no shell is needed.
 * @returns {string[]}
 */
export function npmCommand() {
  const own = process.env['npm_execpath'];
  return own && /npm-cli\.c?js$/.test(own) ? [process.execPath, own] : [which('npm') ?? 'npm'];
}

/**
 * @param {string} file
 * @returns {Record<string, { version?: string, optional?: boolean, devOptional?: boolean, link?: boolean }> | undefined}
 */
function readLock(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** @returns {boolean} whether every package of the lockfile is installed in that version */
export function dependenciesAreCurrent() {
  const wanted = readLock(join(projectRoot, 'package-lock.json'));
  const installed = readLock(join(projectRoot, 'node_modules', '.package-lock.json'));
  if (!wanted || !installed) return false;
  return Object.entries(wanted).every(
    ([place, entry]) =>
      place === '' || entry.optional || entry.devOptional || entry.link || installed[place]?.version === entry.version,
  );
}

/**
 * @returns {Promise<void>}
 * @throws Error with what to do when npm fails
 */
export async function ensureDependencies() {
  if (dependenciesAreCurrent()) return;
  say('• installing the project’s packages (npm ci) …');
  const began = Date.now();
  const [program = 'npm', ...argv] = npmCommand();
  const all = [...argv, 'ci', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
  const { code, output } = await run(program, all, { cwd: projectRoot, quiet: true, timeoutMs: 900_000 });
  if (code !== 0) {
    // The reason comes first; what follows is npm's own manual.
    const said = output.split('\n').filter((line) => /^npm (error|ERR!) \S/.test(line));
    say((said.length > 0 ? said : output.trim().split('\n')).slice(0, 10).join('\n'));
    throw new Error('The project’s packages could not be installed: run `npm ci` and see what it says.');
  }
  say(`  packages installed in ${((Date.now() - began) / 1000).toFixed(1)} s`);
}
