/**
 * Regular expressions of users (S31), and the literals every match must contain. What is judged harmless runs on the platform's matcher
 * over lines it is quick for; everything else by RE2's method. Both answer alike, and neither can be made to go on for ages.
 */
import { RE2JS } from 're2js';
import { harmless } from './harmless';

/** A compiled pattern; the time of `test` is bounded by a multiple of the text's length. */
export interface LinearRegex {
  test(text: string): boolean;
}

const longestPattern = 1000;

/** What is wrong with a pattern, or undefined. */
export function checkRegex(source: string, flags: string): string | undefined {
  if (source.length > longestPattern) return `A regular expression may have at most ${longestPattern} characters.`;
  try {
    compile(source, flags);
    return undefined;
  } catch (thrown) {
    return `This regular expression is not valid: ${thrown instanceof Error ? thrown.message : 'unknown reason'}`;
  }
}

/** Compiles a pattern that `checkRegex` passed. */
export function linearRegex(source: string, flags: string): LinearRegex {
  const compiled = compile(source, flags);
  const quick = harmless(source, flags);
  if (!quick) return { test: (text) => compiled.test(text) };
  const { longest } = quick;
  const anyCase = flags.includes('i');
  const platform = new RegExp(quick.source, anyCase ? 'i' : '');
  // The platform counts halves of characters beyond the basic plane, and folds case by other tables outside ASCII.
  const foreign = anyCase ? beyondAscii : halves;
  const literal = anyCase
    ? ''
    : requiredLiterals(source).reduce((best, own) => (own.length > best.length ? own : best), '');
  return {
    test: (text) => {
      if (!text.includes(literal)) return false;
      return text.length > longest || foreign.test(text) ? compiled.test(text) : platform.test(text);
    },
  };
}

const halves = /[\ud800-\udfff]/;
const beyondAscii = /[^\t-~]/;

function compile(source: string, flags: string): RE2JS {
  let bits = 0;
  if (flags.includes('i')) bits |= RE2JS.CASE_INSENSITIVE;
  if (flags.includes('m')) bits |= RE2JS.MULTILINE;
  if (flags.includes('s')) bits |= RE2JS.DOTALL;
  return RE2JS.compile(source, bits);
}

/** Text as a pattern that matches only itself. */
export function escapeRegex(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/**
 * Runs of plain characters that every match contains, as they are written. Errs on the safe side: whatever it does not understand
 * yields nothing.
 */
export function requiredLiterals(source: string): string[] {
  // Flags inside, named groups and classes of classes: rare, and hard to read safely.
  if (/\(\?(?!:)/.test(source) || source.includes('[:') || source.includes('\\Q')) return [];
  const runs: string[] = [];
  let run = '';
  let depth = 0;
  const end = (): void => {
    if (depth === 0 && run !== '') runs.push(run);
    run = '';
  };
  for (let at = 0; at < source.length; at++) {
    const char = source.charAt(at);
    let literal: string | undefined;
    if (char === '\\') {
      at += 1;
      const next = source.charAt(at);
      if (/[^A-Za-z0-9]/.test(next)) literal = next;
      else if (/[pPx]/.test(next)) return runs;
    } else if (char === '[') {
      // A class: skip to its end; a bracket right after the start is a member.
      at += source.charAt(at + 1) === '^' ? 1 : 0;
      at += source.charAt(at + 1) === ']' ? 1 : 0;
      for (at += 1; at < source.length && source.charAt(at) !== ']'; at++) if (source.charAt(at) === '\\') at += 1;
    } else if (char === '|') {
      // An alternative to everything so far; inside a group the group is left out anyway.
      if (depth === 0) return [];
      continue;
    } else if (char === '(') {
      end();
      depth += 1;
      if (source.startsWith('?:', at + 1)) at += 2;
      continue;
    } else if (char === ')') {
      end();
      run = '';
      depth -= 1;
      continue;
    } else if ('*?{+'.includes(char)) {
      end();
      if (char === '{') while (at < source.length && source.charAt(at) !== '}') at += 1;
      continue;
    } else if (!'^$.'.includes(char)) literal = char;
    const quantifier = source.charAt(at + 1);
    if (literal === undefined) end();
    else if (quantifier !== '' && '*?{+'.includes(quantifier)) {
      end();
      // Once or more is at least once, but what follows it is not its neighbour.
      if (quantifier === '+' && depth === 0) runs.push(literal);
    } else run += literal;
  }
  end();
  return runs;
}
