/**
 * Compose's variable syntax: `$NAME`, `${NAME}`, `${NAME:-default}` and its relatives, nested, with `$$` for a dollar sign. A dollar sign
 * before anything else (`$1`, `$(date)`) stays; only a brace that was opened must be right. Our own `${config:…}` becomes a mark.
 */

import { markAt } from './configReferences';

/** What was noticed while replacing. */
export type VariableIssue =
  | { kind: 'invalid'; text: string }
  | { kind: 'required'; name: string; message: string }
  | { kind: 'unset'; name: string }
  | { kind: 'too-large' };

/** The value of a variable; undefined when it is not set. */
export type Lookup = (name: string) => string | undefined;

const nameAt = /[A-Za-z_][A-Za-z0-9_]*/y;
/** Characters that one value may grow to. */
const longest = 1024 * 1024;
const deepest = 32;

/**
 * Replaces the variables of a text. Never throws: what is wrong is told to `notice`, and the text goes on with the expression kept
 * (invalid) or left out (required, unset). Values are not searched for variables again.
 */
export function substitute(text: string, lookup: Lookup, notice: (issue: VariableIssue) => void): string {
  if (!text.includes('$')) return text;
  const result = replace(text, { lookup, notice, depth: 0, left: longest });
  return result;
}

interface Context {
  lookup: Lookup;
  notice: (issue: VariableIssue) => void;
  depth: number;
  left: number;
}

function replace(text: string, context: Context): string {
  let result = '';
  let from = 0;
  for (let at = text.indexOf('$'); at >= 0; at = text.indexOf('$', from)) {
    result += text.slice(from, at);
    const next = text[at + 1];
    if (next === '$') {
      result += '$';
      from = at + 2;
      continue;
    }
    const found = next === '{' ? braced(text, at, context) : (named(text, at, context) ?? { value: '$', end: at + 1 });
    if (found === undefined) {
      context.notice({ kind: 'invalid', text: text.slice(at, at + 40) });
      return result + text.slice(at);
    }
    result += found.value;
    context.left -= found.value.length;
    if (context.left < 0) {
      context.notice({ kind: 'too-large' });
      return '';
    }
    from = found.end;
  }
  return result + text.slice(from);
}

function named(text: string, at: number, context: Context): { value: string; end: number } | undefined {
  const name = nameFrom(text, at + 1);
  if (name === undefined) return undefined;
  return { value: valueOf(name, context), end: at + 1 + name.length };
}

function valueOf(name: string, context: Context): string {
  const value = context.lookup(name);
  if (value === undefined) context.notice({ kind: 'unset', name });
  return value ?? '';
}

function braced(text: string, at: number, context: Context): { value: string; end: number } | undefined {
  const name = nameFrom(text, at + 2);
  if (name === undefined || context.depth >= deepest) return undefined;
  const reference = name === 'config' ? markAt(text, at + 2) : undefined;
  if (reference) return reference;
  const after = at + 2 + name.length;
  if (text[after] === '}') return { value: valueOf(name, context), end: after + 1 };
  const operator = /^:?[-?+]/.exec(text.slice(after, after + 2))?.[0];
  if (operator === undefined) return undefined;
  const close = closing(text, after + operator.length);
  if (close === undefined) return undefined;
  const word = text.slice(after + operator.length, close);
  const value = context.lookup(name);
  const present = operator.startsWith(':') ? value !== undefined && value !== '' : value !== undefined;
  return { value: choose(operator, { name, word, value, present }, context), end: close + 1 };
}

function choose(
  operator: string,
  found: { name: string; word: string; value: string | undefined; present: boolean },
  context: Context,
): string {
  const inner = { ...context, depth: context.depth + 1 };
  switch (operator.at(-1)) {
    case '+':
      return found.present ? replace(found.word, inner) : '';
    case '?':
      if (found.present) return found.value ?? '';
      context.notice({
        kind: 'required',
        name: found.name,
        message: replace(found.word, { ...inner, notice: () => undefined }),
      });
      return '';
    default:
      return found.present ? (found.value ?? '') : replace(found.word, inner);
  }
}

function nameFrom(text: string, at: number): string | undefined {
  nameAt.lastIndex = at;
  return nameAt.exec(text)?.[0];
}

/** The brace that closes an expression whose content starts at `from`; inner braces come in pairs, as Compose counts them. */
function closing(text: string, from: number): number | undefined {
  let open = 1;
  for (let at = from; at < text.length; at++) {
    if (text[at] === '{') open += 1;
    else if (text[at] === '}' && --open === 0) return at;
  }
  return undefined;
}
