/** How the room's calls answer. */
import { fail } from '../../contract/errors';

/** A handler's answer; what it throws becomes a rejection. */
export function answer<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => resolve(work()));
}

/** The error for what is not there. */
export function missing(what: string): Error {
  return fail('not-found', `There is no ${what}.`, 'See the list with pilothouse config ls.');
}
