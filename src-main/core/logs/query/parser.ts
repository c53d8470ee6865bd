/** Tokens into meaning. Faults are returned with their place, never thrown; size and depth are bounded. */
import type { Problem } from '../../../contract/errors';
import { levelOfWord } from '../ingest/level';
import { Level } from '../line';
import { fold } from '../segment/tokens';
import type { Comparison, QueryNode, SourcePart, TextNode, ValueTest } from './ast';
import { lex, type Token } from './lexer';
import { checkRegex, escapeRegex } from './regex';
import { quantityOf } from './values';

const mostNodes = 256;
const deepest = 32;
const allLevels = 0b111_1111;

class Fault extends Error {
  constructor(
    readonly at: number,
    message: string,
    readonly hint?: string,
  ) {
    super(message);
  }
}

/** Parses a query. An empty one means everything. */
export function parseQuery(text: string): { query: QueryNode } | { problem: Problem } {
  const lexed = lex(text);
  if ('error' in lexed) return { problem: problemAt(lexed.error.at, lexed.error.message) };
  if (lexed.tokens.length === 0) return { query: { kind: 'all' } };
  try {
    const parser = new Parser(lexed.tokens, text.length);
    return { query: parser.whole() };
  } catch (thrown) {
    if (thrown instanceof Fault) return { problem: problemAt(thrown.at, thrown.message, thrown.hint) };
    throw thrown;
  }
}

function problemAt(at: number, message: string, hint?: string): Problem {
  const problem: Problem = { code: 'bad-input', message, where: { path: 'query', line: 1, column: at + 1 } };
  if (hint !== undefined) problem.hint = hint;
  return problem;
}

class Parser {
  private at = 0;
  private nodes = 0;

  constructor(
    private readonly tokens: Token[],
    private readonly end: number,
  ) {}

  whole(): QueryNode {
    const query = this.or(undefined, 0);
    const rest = this.tokens[this.at];
    if (rest)
      throw new Fault(
        rest.at,
        rest.kind === 'close' ? 'This closing bracket opens nowhere.' : `${rest.text} is not expected here.`,
      );
    return query;
  }

  private or(field: string | undefined, depth: number): QueryNode {
    const items = [this.and(field, depth)];
    while (this.peek()?.kind === 'or') {
      this.at += 1;
      items.push(this.and(field, depth));
    }
    return items.length === 1 ? (items[0] as QueryNode) : { kind: 'or', items };
  }

  private and(field: string | undefined, depth: number): QueryNode {
    const items = [this.unary(field, depth)];
    for (let next = this.peek(); next && next.kind !== 'or' && next.kind !== 'close'; next = this.peek()) {
      if (next.kind === 'and') this.at += 1;
      items.push(this.unary(field, depth));
    }
    return items.length === 1 ? (items[0] as QueryNode) : { kind: 'and', items };
  }

  private unary(field: string | undefined, depth: number): QueryNode {
    let negations = 0;
    while (this.peek()?.kind === 'not') {
      negations += 1;
      this.at += 1;
    }
    const item = this.primary(field, depth);
    return negations % 2 === 1 ? { kind: 'not', item } : item;
  }

  private primary(field: string | undefined, depth: number): QueryNode {
    const token = this.tokens[this.at];
    if (!token) throw new Fault(this.end, 'The query ends where a word is expected.');
    if ((this.nodes += 1) > mostNodes) throw new Fault(token.at, `A query may have at most ${mostNodes} terms.`);
    this.at += 1;
    switch (token.kind) {
      case 'open': {
        if (depth >= deepest) throw new Fault(token.at, 'Brackets are nested too deeply.');
        const inner = this.or(field, depth + 1);
        if (this.peek()?.kind !== 'close') throw new Fault(token.at, 'This bracket is never closed.');
        this.at += 1;
        return inner;
      }
      case 'field': {
        const name = token.text.slice(0, -1);
        return this.primary(name, depth);
      }
      case 'compare':
        return this.comparison(field ?? '', token);
      case 'word':
      case 'phrase':
      case 'regex':
        return field === undefined ? textOf(token) : fieldNode(field, token);
      default:
        throw new Fault(token.at, `A word is expected here, not ${token.text}.`);
    }
  }

  private comparison(field: string, operator: Token): QueryNode {
    const token = this.tokens[this.at];
    if (!token || (token.kind !== 'word' && token.kind !== 'phrase'))
      throw new Fault(token?.at ?? this.end, `A value is expected after ${operator.text}.`);
    this.at += 1;
    if (operator.text === '=') {
      if (special.has(field)) return fieldNode(field, token);
      return { kind: 'field', name: plainName(field), test: { kind: 'exact', folded: fold(token.text) } };
    }
    const comparison = operator.text as Comparison;
    if (field === 'level') {
      const level = levelNamed(token);
      const passes = (own: number): boolean =>
        comparison === '>'
          ? own > level
          : comparison === '>='
            ? own >= level
            : comparison === '<'
              ? own < level && own > 0
              : own <= level && own > 0;
      let mask = 0;
      for (let own = 0; own <= Level.fatal; own++) if (passes(own)) mask |= 1 << own;
      return { kind: 'level', mask };
    }
    const value = quantityOf(token.text);
    if (value === undefined)
      throw new Fault(token.at, `${token.text} is not a number.`, 'Numbers may carry a unit: 250ms, 1.5s, 64MiB.');
    return { kind: 'field', name: plainName(field), test: { kind: 'number', comparison, value } };
  }

  private peek(): Token | undefined {
    return this.tokens[this.at];
  }
}

const sourceParts: readonly SourcePart[] = ['stack', 'service', 'replica', 'container', 'generation', 'revision'];
const special: ReadonlySet<string> = new Set([...sourceParts, 'level', 'stream']);

/** `.level` is a field of the line called level, not the level we found. */
function plainName(name: string): string {
  return name.startsWith('.') ? name.slice(1) : name;
}

function levelNamed(token: Token): number {
  const level = levelOfWord(token.text);
  if (level === Level.unknown && token.text.toLowerCase() !== 'unknown')
    throw new Fault(
      token.at,
      `There is no level ${token.text}.`,
      'Levels: trace, debug, info, warn, error, fatal, unknown.',
    );
  return level;
}

function fieldNode(field: string, token: Token): QueryNode {
  if (field === 'level') {
    if (token.text === '*') return { kind: 'level', mask: allLevels & ~1 };
    return { kind: 'level', mask: 1 << levelNamed(token) };
  }
  if (field === 'stream') {
    const name = token.text.toLowerCase();
    if (name !== 'stdout' && name !== 'stderr') throw new Fault(token.at, 'A stream is stdout or stderr.');
    return { kind: 'stream', stderr: name === 'stderr' };
  }
  const part = sourceParts.find((own) => own === field);
  if (part) {
    if (token.kind === 'regex') throw new Fault(token.at, `${field} takes a name; * stands for anything.`);
    return { kind: 'source', part, pattern: fold(token.text) };
  }
  return { kind: 'field', name: plainName(field), test: valueTest(token) };
}

function valueTest(token: Token): ValueTest {
  if (token.kind === 'word' && token.text === '*') return { kind: 'exists' };
  const text = textOf(token);
  if (text.kind === 'text') return { kind: 'text', text };
  if (text.kind === 'regex') return text;
  return { kind: 'exists' };
}

/** A term as a piece of text, or as a regular expression when `*` stands inside it. */
function textOf(token: Token): TextNode | Extract<QueryNode, { kind: 'regex' | 'all' }> {
  if (token.kind === 'regex') {
    const fault = checkRegex(token.text, token.flags ?? '');
    if (fault) throw new Fault(token.at, fault, 'Regular expressions follow RE2: no look-around, no back references.');
    return { kind: 'regex', source: token.text, flags: token.flags ?? '' };
  }
  if (token.kind === 'phrase') {
    if (token.text === '') return { kind: 'all' };
    return { kind: 'text', folded: fold(token.text), left: token.openLeft !== true, right: token.openRight !== true };
  }
  const left = !token.text.startsWith('*');
  const right = !token.text.endsWith('*');
  const core = token.text.replace(/^\*+|\*+$/g, '');
  if (core === '') return { kind: 'all' };
  if (!core.includes('*')) return { kind: 'text', folded: fold(core), left, right };
  const body = core.split(/\*+/).map(escapeRegex).join('\\S*');
  const edge = '[^\\pL\\pN_]';
  const source = `${left ? `(?:^|${edge})` : ''}${body}${right ? `(?:$|${edge})` : ''}`;
  return { kind: 'regex', source, flags: 'i' };
}
