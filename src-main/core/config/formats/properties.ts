/** Java properties and `.env` files: what keys a text holds, and how keys are written as a text. */
import type { Problem } from '../../../contract/errors';
import { faultIn } from './spot';

export interface Pairs {
  /** In order; a later value of the same key wins, in its first place. */
  pairs: Map<string, string>;
  problems: Problem[];
}

/** Reads Java properties as `java.util.Properties` does: `=`, `:` or a space between, `\` goes on, `#` and `!` comment. */
export function parseProperties(text: string): Pairs {
  const pairs = new Map<string, string>();
  const problems: Problem[] = [];
  const lines = text.split(/\r\n|\r|\n/);
  for (let index = 0; index < lines.length; index++) {
    const first = index;
    let line = trimStart(lines[index] ?? '');
    if (line === '' || line.startsWith('#') || line.startsWith('!')) continue;
    while (goesOn(line) && index + 1 < lines.length) {
      index += 1;
      line = line.slice(0, -1) + trimStart(lines[index] ?? '');
    }
    const split = separator(line);
    const key = unescape(line.slice(0, split.end));
    const value = unescape(line.slice(split.start));
    const broken = key.problem ?? value.problem;
    if (broken !== undefined) problems.push(faultIn(first + 1, 1, broken));
    else if (key.text === '') problems.push(faultIn(first + 1, 1, 'A key is missing before the separator.'));
    else pairs.set(key.text, value.text);
  }
  return { pairs, problems };
}

/** Writes keys so that `parseProperties` and Java read the same keys and values again. */
export function writeProperties(pairs: ReadonlyMap<string, string>): string {
  return [...pairs].map(([key, value]) => `${escape(key, true)}=${escape(value, false)}\n`).join('');
}

/** Reads an env file: `KEY=value`, `export` before it allowed, quotes taken off, `#` comments. */
export function parseEnv(text: string): Pairs {
  const pairs = new Map<string, string>();
  const problems: Problem[] = [];
  for (const [index, raw] of text.split(/\r\n|\r|\n/).entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const match = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*=\s*(.*)$/.exec(line);
    if (!match) {
      problems.push(faultIn(index + 1, 1, 'KEY=value was expected here.'));
      continue;
    }
    const value = unquote(match[2] ?? '');
    if (value === undefined) problems.push(faultIn(index + 1, raw.indexOf('=') + 2, 'The quote is not closed.'));
    else pairs.set(match[1] ?? '', value);
  }
  return { pairs, problems };
}

function unquote(value: string): string | undefined {
  const quote = value[0];
  if (quote !== '"' && quote !== "'") return value.replace(/\s+#.*$/, '');
  const body = quote === '"' ? /^"((?:[^"\\]|\\.)*)"\s*(?:#.*)?$/.exec(value) : /^'([^']*)'\s*(?:#.*)?$/.exec(value);
  if (!body) return undefined;
  const inner = body[1] ?? '';
  return quote === "'"
    ? inner
    : inner.replace(/\\(.)/g, (_, one: string) => (one === 'n' ? '\n' : one === 't' ? '\t' : one));
}

function trimStart(line: string): string {
  return line.replace(/^[ \t\f]+/, '');
}

/** An odd number of backslashes at the end. */
function goesOn(line: string): boolean {
  const slashes = /\\*$/.exec(line)?.[0].length ?? 0;
  return slashes % 2 === 1;
}

function separator(line: string): { end: number; start: number } {
  let end = 0;
  while (end < line.length && !/[=: \t\f]/.test(line[end] ?? '')) end += line[end] === '\\' ? 2 : 1;
  end = Math.min(end, line.length);
  let start = end;
  while (/[ \t\f]/.test(line[start] ?? '')) start += 1;
  if (line[start] === '=' || line[start] === ':') {
    start += 1;
    while (/[ \t\f]/.test(line[start] ?? '')) start += 1;
  }
  return { end, start };
}

function unescape(text: string): { text: string; problem?: string } {
  let problem: string | undefined;
  const plain = text.replace(/\\(u[0-9a-fA-F]{4}|u|[^]|$)/g, (_, one: string) => {
    if (one.length === 5) return String.fromCharCode(parseInt(one.slice(1), 16));
    if (one === 'u') problem = 'Four hexadecimal digits were expected after \\u.';
    return { n: '\n', t: '\t', r: '\r', f: '\f' }[one] ?? one;
  });
  return problem === undefined ? { text: plain } : { text: plain, problem };
}

const named: Record<string, string> = { '\n': '\\n', '\t': '\\t', '\r': '\\r', '\f': '\\f' };

function escape(text: string, key: boolean): string {
  const plain = text.replace(/[\\\n\t\r\f]/g, (one) => named[one] ?? '\\\\');
  if (key) return plain.replace(/[=: #!]/g, (one) => `\\${one}`);
  return plain.replace(/^ /, '\\ ');
}
