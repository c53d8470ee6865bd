/** What is wrong with a query, and where. */
import { PilothouseError } from '../../../contract/errors';

/** A `bad-input` that points at a place in the query. */
export function queryProblem(text: string, at: number, message: string): PilothouseError {
  const before = text.slice(0, at).split('\n');
  const where = { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
  return new PilothouseError({ code: 'bad-input', message, where });
}
