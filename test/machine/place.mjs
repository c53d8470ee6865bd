/** Where things lie: the project, its cache, and the words we print with. */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder of package.json. */
export const projectRoot = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** Everything fetched or built once and kept between runs; may be deleted at any time. */
export const cacheRoot = join(projectRoot, '.cache');

/**
 * A folder in the cache, made when missing.
 * @param {...string} parts
 * @returns {string}
 */
export function cacheFolder(...parts) {
  const folder = join(cacheRoot, ...parts);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/**
 * One line of progress on stderr, so that stdout stays for results.
 * @param {string} text
 */
export function say(text) {
  process.stderr.write(`${text}\n`);
}

/**
 * Does something slow and says how long it took.
 * @template T
 * @param {string} what
 * @param {() => Promise<T>} act
 * @returns {Promise<T>}
 */
export async function step(what, act) {
  say(`• ${what} …`);
  const began = Date.now();
  const result = await act();
  say(`  done in ${((Date.now() - began) / 1000).toFixed(1)} s`);
  return result;
}
