/** Whether a service goes to zero because nobody asks for it. Pure; times in milliseconds. */

export interface IdleInput {
  idleAfter: number;
  /** How long nobody has asked, 0 while a request is open; undefined when it cannot be told. */
  quiet: number | undefined;
  /** How long it has been awake with a ready replica: who woke is not put to rest at once. */
  awake: number;
  /** Replicas are being replaced. */
  rolling: boolean;
}

export type IdleVerdict = 'rest' | 'asked' | 'young' | 'rolling' | 'unknown';

export function idleVerdict({ idleAfter, quiet, awake, rolling }: IdleInput): IdleVerdict {
  if (quiet === undefined) return 'unknown';
  if (quiet < idleAfter) return 'asked';
  if (awake < idleAfter) return 'young';
  return rolling ? 'rolling' : 'rest';
}
