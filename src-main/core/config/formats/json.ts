/** Reads JSON like `JSON.parse`, but says where it is wrong: the platform's messages differ and may lack the place. */
import type { Problem } from '../../../contract/errors';
import { limits } from '../limits';
import { faultAt } from './spot';

export type Parsed = { value: unknown } | { problem: Problem };

/** The value, or the first fault with its place. */
export function parseJson(text: string): Parsed {
  const fault = new Scanner(text).fault();
  if (fault) return { problem: faultAt(text, fault.at, fault.message) };
  return { value: JSON.parse(text) as unknown };
}

interface Fault {
  at: number;
  message: string;
}

const literal = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// eslint-disable-next-line no-control-regex -- JSON forbids control characters inside strings
const string = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const space = /[ \t\r\n]*/y;

/** Walks the grammar without building anything; what it accepts, `JSON.parse` accepts. */
class Scanner {
  private at = 0;

  constructor(private readonly text: string) {}

  fault(): Fault | undefined {
    try {
      this.value(0);
      this.skip();
      if (this.at < this.text.length) this.refuse('Nothing may follow the value.');
      return undefined;
    } catch (thrown) {
      if (thrown instanceof FaultThrown) return thrown.fault;
      throw thrown;
    }
  }

  private value(depth: number): void {
    if (depth > limits.depth) this.refuse(`It is nested deeper than ${limits.depth} levels.`);
    this.skip();
    const first = this.text[this.at];
    if (first === '{') this.list('}', () => this.member(depth), 'property');
    else if (first === '[') this.list(']', () => this.value(depth + 1), 'value');
    else if (first === '"') this.string();
    else if (!this.take(literal))
      this.refuse(
        first === undefined ? 'A value is missing at the end.' : `A value was expected here, not ${show(first)}.`,
      );
  }

  private member(depth: number): void {
    this.skip();
    if (this.text[this.at] !== '"') this.refuse('A property name in double quotes was expected here.');
    this.string();
    this.skip();
    if (this.text[this.at] !== ':') this.refuse('A colon was expected after the property name.');
    this.at += 1;
    this.value(depth + 1);
  }

  private list(end: string, one: () => void, what: string): void {
    this.at += 1;
    this.skip();
    if (this.text[this.at] === end) {
      this.at += 1;
      return;
    }
    for (;;) {
      one();
      this.skip();
      const next = this.text[this.at];
      if (next === end) {
        this.at += 1;
        return;
      }
      if (next !== ',') this.refuse(`A comma or ${end} was expected here.`);
      const comma = this.at;
      this.at += 1;
      this.skip();
      if (this.text[this.at] === end) {
        this.at = comma;
        this.refuse(`No comma may follow the last ${what}.`);
      }
    }
  }

  private string(): void {
    const start = this.at;
    if (this.take(string)) return;
    this.at = start;
    this.refuse('This text in quotes is not closed, or holds a character that must be escaped.');
  }

  private skip(): void {
    this.take(space);
  }

  private take(pattern: RegExp): boolean {
    pattern.lastIndex = this.at;
    if (!pattern.test(this.text)) return false;
    this.at = pattern.lastIndex;
    return true;
  }

  private refuse(message: string): never {
    throw new FaultThrown({ at: this.at, message });
  }
}

class FaultThrown extends Error {
  constructor(readonly fault: Fault) {
    super(fault.message);
  }
}

function show(character: string): string {
  return /[!-~]/.test(character) ? character : 'this character';
}
