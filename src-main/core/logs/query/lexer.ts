/** Text into tokens, each with its place. Linear; never throws. */

export interface Token {
  kind: 'word' | 'phrase' | 'regex' | 'field' | 'open' | 'close' | 'and' | 'or' | 'not' | 'compare';
  /** The word as written; the phrase or pattern without its quotes; a field's name. */
  text: string;
  /** A regular expression's flags. */
  flags?: string;
  /** Phrases: `*` before or after the quotes. */
  openLeft?: boolean;
  openRight?: boolean;
  /** Offset of the first character. */
  at: number;
}

export interface LexError {
  at: number;
  message: string;
}

const fieldName = /[A-Za-z_@.][\w.@-]*:/y;
const compare = /(?:>=|<=|>|<|=)/y;
// What may follow a minus that means NOT; `->` and `--` are text.
const negatable = /[\p{L}\p{N}_.@"(/*]/u;
const regexFlags = /[ims]*(?=$|[\s)])/y;

/** Tokens of a query, or the first fault. */
export function lex(text: string): { tokens: Token[] } | { error: LexError } {
  const tokens: Token[] = [];
  let at = 0;
  let end = 0;
  while (at < text.length) {
    const char = text.charAt(at);
    const after = tokens.at(-1);
    const inValue =
      after !== undefined &&
      after.at + after.text.length === at &&
      (after.kind === 'field' || after.kind === 'compare');
    if (isBlank(char)) at += 1;
    else if (char === '(' || char === ')') {
      tokens.push({ kind: char === '(' ? 'open' : 'close', text: char, at });
      at += 1;
    } else if ((char === '-' || char === '!') && !inValue && negatable.test(text.charAt(at + 1))) {
      tokens.push({ kind: 'not', text: char, at });
      at += 1;
    } else if (char === '"' || (char === '*' && text.charAt(at + 1) === '"')) {
      const phrase = readPhrase(text, at);
      if ('error' in phrase) return phrase;
      tokens.push(phrase.token);
      at = phrase.end;
    } else if (char === '/' && (end = regexEnd(text, at)) > 0) {
      regexFlags.lastIndex = end + 1;
      const flags = regexFlags.exec(text)?.[0] ?? '';
      tokens.push({ kind: 'regex', text: text.slice(at + 1, end).replaceAll('\\/', '/'), flags, at });
      at = end + 1 + flags.length;
    } else {
      if (inValue && after.kind === 'field') {
        compare.lastIndex = at;
        const operator = compare.exec(text)?.[0];
        if (operator) {
          tokens.push({ kind: 'compare', text: operator, at });
          at += operator.length;
          continue;
        }
      }
      fieldName.lastIndex = at;
      const name = inValue ? undefined : fieldName.exec(text)?.[0];
      if (name !== undefined && isValueStart(text, at + name.length)) {
        tokens.push({ kind: 'field', text: name, at });
        at += name.length;
        continue;
      }
      end = at;
      while (end < text.length && !isBlank(text.charAt(end)) && !'()"'.includes(text.charAt(end))) end += 1;
      const word = text.slice(at, end);
      const keyword = inValue ? undefined : keywords[word];
      tokens.push({ kind: keyword ?? 'word', text: word, at });
      at = end;
    }
  }
  return { tokens };
}

const keywords: Partial<Record<string, 'and' | 'or' | 'not'>> = Object.assign(
  Object.create(null) as object,
  {
    AND: 'and',
    OR: 'or',
    NOT: 'not',
  } as const,
);

/** `level:error` is a field; `http://host` and a pasted `ERROR: text` are words. */
function isValueStart(text: string, at: number): boolean {
  return at < text.length && !isBlank(text.charAt(at)) && text.charAt(at) !== ')' && !text.startsWith('//', at);
}

function isBlank(char: string): boolean {
  return char === ' ' || char === '\t' || char === '\n' || char === '\r' || char === '\u3000';
}

function readPhrase(text: string, start: number): { token: Token; end: number } | { error: LexError } {
  const openLeft = text.charAt(start) === '*';
  let value = '';
  for (let at = start + (openLeft ? 2 : 1); at < text.length; at++) {
    const char = text.charAt(at);
    if (char === '\\' && at + 1 < text.length) {
      at += 1;
      const next = text.charAt(at);
      value += next === 'n' ? '\n' : next === 't' ? '\t' : next === '"' || next === '\\' ? next : `\\${next}`;
    } else if (char === '"') {
      const openRight = text.charAt(at + 1) === '*';
      const end = at + (openRight ? 2 : 1);
      return { token: { kind: 'phrase', text: value, openLeft, openRight, at: start }, end };
    } else value += char;
  }
  return { error: { at: start, message: 'This quotation has no end.' } };
}

/**
 * The closing slash of a regular expression that starts here, or -1: the first unescaped slash must be the end of the term, so that
 * `/api/users` stays a path.
 */
function regexEnd(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === '\\') at += 1;
    else if (char === '/') {
      regexFlags.lastIndex = at + 1;
      return at > start + 1 && regexFlags.test(text) ? at : -1;
    }
  }
  return -1;
}
