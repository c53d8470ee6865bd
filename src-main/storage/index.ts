/**
 * The Node side of `core/disk.ts`. Rows live in one SQLite file that is checked, locked and backed up; logs and samples in
 * append-only files; both readable by their owner only.
 */
export { backupsOf, readBackup, recover, type Backup } from './backups';
export { codec, logCodec } from './codec';
export { StorageError, type StorageReason } from './errors';
export { openFiles, type OpenFiles } from './files';
export { openRows, type OpenRowsOptions } from './rows';
