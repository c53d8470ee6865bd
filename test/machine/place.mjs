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
 * Waits for all, and only then fails if one failed: the others are not torn off in the middle of their work.
 * @template {readonly unknown[]} T
 * @param {readonly [...T]} promises
 * @returns {Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }>}
 */
export async function together(promises) {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
