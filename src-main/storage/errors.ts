/** What can be wrong with stored data, told apart so that the app can start in rescue mode and say why. */
import { PilothouseError, type ProblemCode } from '../contract/errors';

/**
 * `corrupt`: the file is damaged, empty or gone though it should be there. `newer`: a later version of Pilothouse wrote it. `locked`:
 * another Pilothouse has it open. `forbidden`: it is a symbolic link, not a file, or somebody else's. `unreadable`: the disk says no.
 */
export type StorageReason = 'corrupt' | 'newer' | 'locked' | 'forbidden' | 'unreadable';

/** The database could not be opened; nothing was changed. */
export class StorageError extends PilothouseError {
  constructor(
    readonly reason: StorageReason,
    message: string,
    options: { hint?: string; cause?: unknown } = {},
  ) {
    const code: ProblemCode = reason === 'locked' ? 'conflict' : reason === 'forbidden' ? 'forbidden' : 'internal';
    super(options.hint === undefined ? { code, message } : { code, message, hint: options.hint }, options.cause);
  }
}

/** Any failure of a write as the port promises it: `no-space` for a full disk or quota, else `internal`. */
export function writeError(thrown: unknown): PilothouseError {
  if (thrown instanceof PilothouseError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (isFull(thrown)) {
    const hint = 'Free some space; what was saved before is safe.';
    return new PilothouseError({ code: 'no-space', message: 'The disk is full, nothing was saved.', hint }, thrown);
  }
  return new PilothouseError({ code: 'internal', message: `Nothing was saved: ${message}` }, thrown);
}

/** True for a full disk or an exhausted quota, from SQLite or the file system. */
export function isFull(thrown: unknown): boolean {
  if (typeof thrown !== 'object' || thrown === null) return false;
  const { code, sqliteCode } = thrown as { code?: unknown; sqliteCode?: unknown };
  return code === 'ENOSPC' || code === 'EDQUOT' || sqliteCode === 13;
}

/** SQLite's primary result code of an error, when it is one. */
export function sqliteCode(thrown: unknown): number | undefined {
  if (typeof thrown !== 'object' || thrown === null || !('sqliteCode' in thrown)) return undefined;
  return typeof thrown.sqliteCode === 'number' ? thrown.sqliteCode : undefined;
}
