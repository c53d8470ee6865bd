/**
 * `.env` and `env_file` texts, as Compose reads them: `export`, `=` or `:`, comments, single quotes (literal), double quotes (escapes,
 * variables, several lines), unquoted values (variables, trailing comment cut).
 */
import type { Lookup, VariableIssue } from './variables';
import { substitute } from './variables';

/** What is wrong in an env file; `line` is 1-based. */
export type EnvIssue = { line: number } & (
  | VariableIssue
  | { kind: 'name'; text: string }
  | { kind: 'unclosed'; name: string }
  | { kind: 'trailing'; name: string }
);

/** How an env file is read. */
export interface EnvOptions {
  /** Variables from outside: they win over the file's own in expansions, and give `NAME` without a value its value. */
  lookup: Lookup;
  notice: (issue: EnvIssue) => void;
  /** Docker's format: `NAME=value` to the end of the line, nothing interpreted. */
  raw?: boolean;
}

/** The variables of an env file in order; a name without a value that is set nowhere is null. */
export function parseEnv(text: string, options: EnvOptions): Map<string, string | null> {
  const plain = text.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  return options.raw ? parseRaw(plain, options) : new EnvReader(plain, options).read();
}

function parseRaw(text: string, options: EnvOptions): Map<string, string | null> {
  const result = new Map<string, string | null>();
  for (const [index, line] of text.split('\n').entries()) {
    const trimmed = line.trimStart();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const equals = trimmed.indexOf('=');
    const name = equals < 0 ? trimmed.trimEnd() : trimmed.slice(0, equals);
    if (name === '' || /\s/.test(name)) options.notice({ kind: 'name', text: name, line: index + 1 });
    else result.set(name, equals < 0 ? (options.lookup(name) ?? null) : trimmed.slice(equals + 1));
  }
  return result;
}

const statement = /(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_.[\]-]*)[ \t]*(?:([=:])[ \t]*)?/y;

class EnvReader {
  readonly #result = new Map<string, string | null>();
  #at = 0;
  #line = 1;

  constructor(
    private readonly text: string,
    private readonly options: EnvOptions,
  ) {}

  read(): Map<string, string | null> {
    for (;;) {
      this.#skipBlank();
      if (this.#at >= this.text.length) return this.#result;
      statement.lastIndex = this.#at;
      const match = statement.exec(this.text);
      if (match === null) {
        this.options.notice({ kind: 'name', text: this.#restOfLine().slice(0, 40), line: this.#line });
        this.#skipLine();
        continue;
      }
      const name = match[1]!;
      this.#at = statement.lastIndex;
      if (match[2] === undefined) {
        if (this.#comment() || this.#restOfLine().trim() === '')
          this.#result.set(name, this.options.lookup(name) ?? null);
        else
          this.options.notice({ kind: 'name', text: `${name} ${this.#restOfLine().slice(0, 40)}`, line: this.#line });
        this.#skipLine();
      } else this.#value(name);
    }
  }

  #value(name: string): void {
    const quote = this.text[this.#at];
    if (quote !== '"' && quote !== "'") {
      const line = this.#restOfLine();
      const comment = /(?:^|\s)#/.exec(line);
      const value = (comment ? line.slice(0, comment.index) : line).trimEnd();
      this.#result.set(name, this.#expand(value));
      this.#skipLine();
      return;
    }
    let end = this.#at + 1;
    while (end < this.text.length && this.text[end] !== quote) end += this.text[end] === '\\' && quote === '"' ? 2 : 1;
    if (end >= this.text.length) {
      this.options.notice({ kind: 'unclosed', name, line: this.#line });
      this.#at = this.text.length;
      return;
    }
    const inside = this.text.slice(this.#at + 1, end);
    this.#result.set(name, quote === "'" ? inside : this.#expand(unescape(inside)));
    this.#at = end + 1;
    this.#line += inside.split('\n').length - 1;
    if (this.#restOfLine().trim() !== '' && !this.#comment()) {
      this.options.notice({ kind: 'trailing', name, line: this.#line });
    }
    this.#skipLine();
  }

  #expand(text: string): string {
    const lookup: Lookup = (name) => this.options.lookup(name) ?? this.#result.get(name) ?? undefined;
    return substitute(text, lookup, (issue) => this.options.notice({ ...issue, line: this.#line }));
  }

  #restOfLine(): string {
    const end = this.text.indexOf('\n', this.#at);
    return this.text.slice(this.#at, end < 0 ? this.text.length : end);
  }

  #comment(): boolean {
    return this.#restOfLine().trimStart().startsWith('#');
  }

  #skipLine(): void {
    this.#at += this.#restOfLine().length;
  }

  #skipBlank(): void {
    for (;;) {
      while (this.#at < this.text.length && /\s/.test(this.text[this.#at]!)) {
        if (this.text[this.#at] === '\n') this.#line += 1;
        this.#at += 1;
      }
      if (this.text[this.#at] !== '#') return;
      this.#skipLine();
    }
  }
}

/** Escapes of double quotes; an escaped dollar sign becomes `$$`, so that it survives the variables' replacement. */
function unescape(text: string): string {
  return text.replace(/\\([\s\S])/g, (whole, character: string) => {
    switch (character) {
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 't':
        return '\t';
      case '$':
        return '$$';
      case '"':
      case '\\':
        return character;
      default:
        return whole;
    }
  });
}
