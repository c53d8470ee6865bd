/**
 * `${config:<item>}` and `${config:<item>#<key>}` in values of the environment. Interpolation leaves a mark for each, so that a dollar
 * sign that was meant literally (`$$`) is never taken for one; reading the environment turns marks into references.
 */
import type { ServiceSpec } from '../../contract/spec';

type Pieces = NonNullable<ServiceSpec['configEnvironment']>[string];

const expression = /config:([A-Za-z0-9][A-Za-z0-9._:/-]*)(?:#([^\s{}#]{1,200}))?\}/y;
// eslint-disable-next-line no-control-regex -- YAML text holds no NUL, so nothing that was written can be taken for a mark
const marks = /\u0000config:([^\u0000#]+)(?:#([^\u0000]+))?\u0000/g;

/** The mark for the reference whose name begins at `at`, just after `${`; undefined when there is none. */
export function markAt(text: string, at: number): { value: string; end: number } | undefined {
  expression.lastIndex = at;
  const found = expression.exec(text);
  if (!found) return undefined;
  return { value: `\u0000${found[0].slice(0, -1)}\u0000`, end: at + found[0].length };
}

/** Splits the values that hold references from those that do not. */
export function splitReferences(
  environment: Record<string, string>,
): Pick<ServiceSpec, 'environment' | 'configEnvironment'> {
  const plain: Record<string, string> = {};
  const found: Record<string, Pieces> = {};
  for (const [name, value] of Object.entries(environment)) {
    const pieces = piecesOf(value);
    if (pieces.some((piece) => typeof piece !== 'string')) found[name] = pieces;
    else plain[name] = value;
  }
  return { environment: plain, ...(Object.keys(found).length > 0 ? { configEnvironment: found } : {}) };
}

/** Is a mark left anywhere in this plain data? */
export function hasReference(value: unknown): boolean {
  return (JSON.stringify(value) ?? '').includes('\\u0000config:');
}

/** The other way round, for writing: pieces as one text with marks. */
export function joinReferences(pieces: Pieces): string {
  return pieces
    .map((piece) =>
      typeof piece === 'string'
        ? piece
        : `\u0000config:${piece.item}${piece.key === undefined ? '' : `#${piece.key}`}\u0000`,
    )
    .join('');
}

/** Marks as expressions of a Compose file. */
export function writeMarks(text: string): string {
  return text.replace(marks, (mark) => `\${${mark.slice(1, -1)}}`);
}

function piecesOf(value: string): Pieces {
  const pieces: Pieces = [];
  let from = 0;
  for (const found of value.matchAll(marks)) {
    if (found.index > from) pieces.push(value.slice(from, found.index));
    const [, item = '', key] = found;
    pieces.push({ item, ...(key === undefined ? {} : { key }) });
    from = found.index + found[0].length;
  }
  if (from < value.length) pieces.push(value.slice(from));
  return pieces;
}
