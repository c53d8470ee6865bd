/** A small file for its owner's eyes only, written whole or not at all. */
import { closeSync, fsyncSync, lstatSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { fail } from '../contract/errors';

/** Its text; undefined when there is none. Throws `forbidden` when it is a link, or others can read it. */
export function readPrivate(file: string): string | undefined {
  const found = lstatSync(file, { throwIfNoEntry: false });
  if (!found) return undefined;
  if (!found.isFile()) throw fail('forbidden', `${file} is not a plain file.`);
  if (process.platform !== 'win32' && (found.mode & 0o077) !== 0)
    throw fail('forbidden', `Others can read ${file}.`, `Take it from them: chmod 600 ${file}`);
  return readFileSync(file, 'utf8');
}

/** Writes a new file (mode 0600) that survives a power cut. */
export function writePrivate(file: string, text: string): void {
  const draft = `${file}.new`;
  const handle = openSync(draft, 'w', 0o600);
  try {
    writeSync(handle, text);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(draft, file);
  if (process.platform === 'win32') return;
  const folder = openSync(dirname(file), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
