/** Where a fault in a text is. */
import type { Problem } from '../../../contract/errors';

/** A `bad-input` problem at an offset of the text. */
export function faultAt(text: string, offset: number, message: string): Problem {
  const before = text.slice(0, Math.max(0, offset));
  const line = before.split('\n').length;
  const column = offset - (before.lastIndexOf('\n') + 1) + 1;
  return { code: 'bad-input', message, where: { line, column } };
}

/** A `bad-input` problem in a line, 1-based. */
export function faultIn(line: number, column: number, message: string): Problem {
  return { code: 'bad-input', message, where: { line, column } };
}
