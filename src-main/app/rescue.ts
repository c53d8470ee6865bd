/**
 * Rescue mode: the database cannot be opened as it is, so nothing is changed. What the newest backup knows can be looked at, acts
 * are refused with the reason, and the engine is left alone: its containers go on by themselves.
 */
import type { Log } from '../base/log';
import { calls, type Api, type CallName } from '../contract/api';
import { PilothouseError } from '../contract/errors';
import { say, sentence, type Sentence } from '../contract/sentence';
import type { RowDisk } from '../core/disk';
import { openRows, readBackup, StorageError } from '../storage';

export interface OpenedDatabase {
  disk: RowDisk;
  /** Why only reading works. */
  rescue?: Sentence;
}

/** Opens the database; damage leads into rescue mode. Throws when another process has it open. */
export function openDatabase(file: string, log: Log): OpenedDatabase {
  try {
    return { disk: openRows(file) };
  } catch (thrown) {
    if (!(thrown instanceof StorageError) || thrown.reason === 'locked') throw thrown;
    log('error', 'The database could not be opened; rescue mode', { reason: thrown.reason, thrown });
    const rescue = sentence('app.rescue', { reason: thrown.problem.message });
    const backup = thrown.reason === 'forbidden' ? undefined : readBackup(file);
    const rows = backup?.rows ?? [];
    const refuse = (): never => {
      throw refusal(rescue);
    };
    return { disk: { load: () => rows, commit: refuse, close: () => {} }, rescue };
  }
}

/** The API without its acts. */
export function readOnly(api: Api, rescue: Sentence): Api {
  const refuse = (): Promise<never> => Promise.reject(refusal(rescue));
  const acts = (Object.keys(calls) as CallName[]).filter((name) => calls[name].kind === 'act');
  return { calls: { ...api.calls, ...Object.fromEntries(acts.map((name) => [name, refuse])) }, streams: api.streams };
}

function refusal(rescue: Sentence): PilothouseError {
  return new PilothouseError({
    code: 'forbidden',
    message: say(rescue),
    words: rescue,
    hint: 'Quit, move pilothouse.db away or put a backup in its place, and start again.',
  });
}
