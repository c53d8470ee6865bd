/** Folders for what a run writes; the runner takes all of them away, also when it is interrupted. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new folder, below that of the run where there is one. */
export function newFolder(name: string): string {
  return mkdtempSync(join(process.env['PILOTHOUSE_BENCH_FOLDER'] ?? tmpdir(), `${name}-`));
}

/** Removes a folder in which a killed process may still be writing its last. */
export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}
