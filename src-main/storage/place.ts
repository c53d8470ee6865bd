/** Folders and files that only their owner may read, and that are what they seem to be. */
import {
  chmodSync,
  closeSync,
  constants,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  type Stats,
} from 'node:fs';
import { dirname } from 'node:path';
import { StorageError } from './errors';

/** Makes the folder if need be, for its owner only. Throws `forbidden` when it is a link or somebody else's. */
export function privateFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const found = lstatSync(folder);
  if (!found.isDirectory()) throw new StorageError('forbidden', `${folder} is not a folder but a link or a file.`);
  own(folder, { found, mode: 0o700 });
}

/** Checks a file that exists and takes it from everybody else; returns undefined when there is none. */
export function privateFile(file: string): Stats | undefined {
  const found = lstatSync(file, { throwIfNoEntry: false });
  if (!found) return undefined;
  if (!found.isFile()) throw new StorageError('forbidden', `${file} is not a plain file.`);
  if (found.nlink > 1) throw new StorageError('forbidden', `${file} has a second name somewhere.`);
  own(file, { found, mode: 0o600 });
  return found;
}

/** Creates an empty file for its owner only; throws when it exists. */
export function createPrivateFile(file: string): void {
  closeSync(openSync(file, constants.O_CREAT | constants.O_EXCL | constants.O_RDWR, 0o600));
}

/** Renames, and makes content and new name survive a power cut. */
export function settleRename(from: string, to: string): void {
  const handle = openSync(from, constants.O_RDWR);
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
  renameSync(from, to);
  syncFolder(dirname(to));
}

/** Makes the names in a folder durable. Windows cannot and need not. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const handle = openSync(folder, constants.O_RDONLY);
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function own(path: string, expected: { found: Stats; mode: number }): void {
  const { found, mode } = expected;
  const user = process.getuid?.();
  if (user === undefined) return;
  if (user !== 0 && found.uid !== user) throw new StorageError('forbidden', `${path} belongs to another user.`);
  if ((found.mode & 0o777 & ~mode) !== 0) chmodSync(path, mode);
}
