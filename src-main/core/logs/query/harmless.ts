/**
 * Judges expressions of users: which may run on the platform's own matcher, although that one goes back over its steps. It is two to
 * twelve times as fast as RE2's method in JavaScript, and for what passes here it takes time that is bounded per line. The judge errs on the safe side:
 * repeated groups, look-around, references and whatever it does not know are left to RE2.
 *
 * How the time is bounded: only single characters may repeat. A repeat is *gated* when a character before it, since the last repeat,
 * cannot belong to it (`user [a-z]+`): its runs from different places then never overlap, and together take one pass over the line. Each
 * repeat that is not gated multiplies by the length of the line. With none the match is linear; with one the line's length is capped.
 */

/** A pattern for the platform that means what RE2 means by the original, in lines no longer than `longest`. */
export interface HarmlessPattern {
  source: string;
  longest: number;
}

/** A set of characters: the ASCII ones by number, and whether any other may belong to it. */
interface CharSet {
  ascii: boolean[];
  other: boolean;
}

type Item =
  | { kind: 'char'; set: CharSet; source: string }
  | { kind: 'assertion'; source: string }
  | { kind: 'repeat'; set: CharSet; source: string; min: number; max: number; suffix: string }
  | { kind: 'choice'; options: Item[][] };

/** Nothing longer than this is asked of a pattern with one repeat that is not gated. */
const longestOnce = 1024;
const unlimited = Number.MAX_SAFE_INTEGER;
const mostChoices = 32;
const mostCopies = 8;
const mostItems = 400;
const longestCount = 64;

/** The pattern rewritten for the platform, or undefined when it must not run there. Flags as in the query language. */
export function harmless(source: string, flags: string): HarmlessPattern | undefined {
  try {
    const items = new Reader(source, flags).whole();
    const cost = new Judge().judge(items);
    if (cost.power > 1 || cost.choices > mostChoices) return undefined;
    return { source: write(items), longest: cost.power === 0 ? unlimited : Math.floor(longestOnce / cost.choices) };
  } catch (thrown) {
    if (thrown instanceof Unknown) return undefined;
    throw thrown;
  }
}

class Unknown extends Error {}

const unknown = (): Unknown => new Unknown('not judged');

function setOf(test: (code: number) => boolean, other = false): CharSet {
  return { ascii: Array.from({ length: 128 }, (_, code) => test(code)), other };
}

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;
const isWord = (code: number): boolean =>
  isDigit(code) || (code >= 0x41 && code <= 0x5a) || code === 0x5f || (code >= 0x61 && code <= 0x7a);
/** RE2's blanks: fewer than the platform's. */
const isBlank = (code: number): boolean =>
  code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0c || code === 0x0d;

/** Classes by their letter: what they hold, and how the platform writes them inside brackets. */
const classes: Readonly<Record<string, { set: CharSet; inside: string }>> = {
  d: { set: setOf(isDigit), inside: '0-9' },
  w: { set: setOf(isWord), inside: '0-9A-Za-z_' },
  s: { set: setOf(isBlank), inside: '\\t\\n\\f\\r ' },
};
const controls: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f', v: '\v' };

function meets(left: CharSet, right: CharSet): boolean {
  return (left.other && right.other) || left.ascii.some((own, code) => own && right.ascii[code] === true);
}

function union(left: CharSet, right: CharSet): CharSet {
  return setOf((code) => left.ascii[code] === true || right.ascii[code] === true, left.other || right.other);
}

function escaped(code: number): string {
  return `\\u${code.toString(16).padStart(4, '0')}`;
}

/** Reads a pattern that RE2 has accepted; throws what it does not know. */
class Reader {
  private at = 0;
  private count = 0;

  constructor(
    private readonly source: string,
    private readonly flags: string,
  ) {}

  whole(): Item[] {
    const items = this.options();
    if (this.at < this.source.length) throw unknown();
    return items;
  }

  private options(): Item[] {
    const options = [this.sequence()];
    while (this.source.charAt(this.at) === '|') {
      this.at += 1;
      options.push(this.sequence());
    }
    return options.length === 1 ? (options[0] ?? []) : [{ kind: 'choice', options }];
  }

  private sequence(): Item[] {
    const items: Item[] = [];
    while (this.at < this.source.length && !'|)'.includes(this.source.charAt(this.at))) {
      const before = this.count;
      this.count += 1;
      const atom = this.atom();
      const own = this.repeated(atom);
      // A group that stands there several times is written so often.
      if (own.length > 1) this.count += (own.length - 1) * (this.count - before);
      if (this.count > mostItems) throw unknown();
      items.push(...own);
    }
    return items;
  }

  private atom(): Item[] {
    const char = this.source.charAt(this.at++);
    switch (char) {
      case '(': {
        if (this.source.startsWith('?:', this.at)) this.at += 2;
        else if (this.source.charAt(this.at) === '?') throw unknown();
        const inner = this.options();
        if (this.source.charAt(this.at) !== ')') throw unknown();
        this.at += 1;
        // Always a choice, even of one, so that a quantifier behind it is seen to be a group's.
        const only = inner[0];
        return [inner.length === 1 && only?.kind === 'choice' ? only : { kind: 'choice', options: [inner] }];
      }
      case '[':
        return [this.brackets()];
      case '.':
        return this.flags.includes('s')
          ? [{ kind: 'char', set: setOf(() => true, true), source: '[^]' }]
          : [{ kind: 'char', set: setOf((code) => code !== 0x0a, true), source: '[^\\n]' }];
      case '^':
        return [{ kind: 'assertion', source: this.flags.includes('m') ? '(?<![^\\n])' : '^' }];
      case '$':
        return [{ kind: 'assertion', source: this.flags.includes('m') ? '(?![^\\n])' : '$' }];
      case '\\':
        return [this.escape()];
      case '*':
      case '+':
      case '?':
      case '{':
        throw unknown();
      default:
        return [this.literal(char)];
    }
  }

  private literal(char: string): Item {
    const code = char.charCodeAt(0);
    if (code >= 0xd800 && code <= 0xdfff) throw unknown();
    return { kind: 'char', set: this.folded(setOf((own) => own === code, code > 0x7f)), source: escaped(code) };
  }

  private escape(): Item {
    const char = this.source.charAt(this.at++);
    const lower = classes[char.toLowerCase()];
    if (lower && /[dws]/i.test(char)) {
      const positive = char === char.toLowerCase();
      const set = positive ? lower.set : setOf((code) => lower.set.ascii[code] !== true, true);
      return { kind: 'char', set, source: `[${positive ? '' : '^'}${lower.inside}]` };
    }
    if (char === 'b' || char === 'B') return { kind: 'assertion', source: `\\${char}` };
    const control = controls[char];
    if (control !== undefined) return this.literal(control);
    if (char === '' || /[A-Za-z0-9]/.test(char)) throw unknown();
    return this.literal(char);
  }

  private brackets(): Item {
    const { source } = this;
    const negated = source.charAt(this.at) === '^';
    if (negated) this.at += 1;
    let set = setOf(() => false);
    let inside = '';
    for (let first = true; ; first = false) {
      const char = source.charAt(this.at);
      if (char === '' || (char === '[' && source.charAt(this.at + 1) === ':')) throw unknown();
      if (char === ']' && !first) break;
      const named = char === '\\' ? classes[source.charAt(this.at + 1)] : undefined;
      if (named) {
        this.at += 2;
        if (source.charAt(this.at) === '-' && source.charAt(this.at + 1) !== ']') throw unknown();
        set = union(set, named.set);
        inside += named.inside;
        continue;
      }
      const from = this.member();
      let to = from;
      if (source.charAt(this.at) === '-' && source.charAt(this.at + 1) !== ']') {
        this.at += 1;
        to = this.member();
        if (to < from) throw unknown();
      }
      set = union(
        set,
        setOf((code) => code >= from && code <= to, to > 0x7f),
      );
      inside += from === to ? escaped(from) : `${escaped(from)}-${escaped(to)}`;
    }
    this.at += 1;
    const folded = this.folded(set);
    return negated
      ? { kind: 'char', set: setOf((code) => folded.ascii[code] !== true, true), source: `[^${inside}]` }
      : { kind: 'char', set: folded, source: `[${inside}]` };
  }

  private member(): number {
    let char = this.source.charAt(this.at++);
    if (char === '\\') {
      char = this.source.charAt(this.at++);
      const control = controls[char];
      if (control !== undefined) return control.charCodeAt(0);
      if (char === '' || /[A-Za-z0-9]/.test(char)) throw unknown();
    }
    const code = char.charCodeAt(0);
    if (char === '' || (code >= 0xd800 && code <= 0xdfff)) throw unknown();
    return code;
  }

  private folded(set: CharSet): CharSet {
    if (!this.flags.includes('i')) return set;
    const has = (code: number): boolean => set.ascii[code] === true;
    const letter = (code: number): boolean => code >= 0x61 && code <= 0x7a;
    return setOf((code) => has(code) || (letter(code | 0x20) && has(code ^ 0x20)), set.other);
  }

  private repeated(atom: readonly Item[]): Item[] {
    const match = /^(?:([*+?])|\{(\d{1,4})(?:(,)(\d{0,4}))?\})(\??)/.exec(this.source.slice(this.at, this.at + 16));
    if (!match) return [...atom];
    this.at += match[0].length;
    if (/^[*+?{]/.test(this.source.slice(this.at))) throw unknown();
    const sign = match[1];
    const min = sign ? (sign === '+' ? 1 : 0) : Number(match[2]);
    const max = sign ? (sign === '?' ? 1 : Infinity) : !match[3] ? min : match[4] ? Number(match[4]) : Infinity;
    if (min > longestCount || (max !== Infinity && (max > longestCount || max < min))) throw unknown();
    const item = atom[0];
    if (!item || item.kind === 'assertion' || item.kind === 'repeat') throw unknown();
    if (item.kind === 'char')
      return [{ kind: 'repeat', set: item.set, source: item.source, min, max, suffix: match[0] }];
    // A group: optional, or so many times.
    if (min === 0 && max === 1) return [{ kind: 'choice', options: [...item.options, []] }];
    if (min !== max || min > mostCopies) throw unknown();
    return Array.from({ length: min }, () => item);
  }
}

interface Cost {
  /** Repeats that are not gated. */
  power: number;
  /** In how many ways the parts that do not repeat may be tried. */
  choices: number;
}

/** Walks a pattern from left to right, remembering the characters since the last repeat. */
class Judge {
  private power = 0;
  private choices = 1;

  judge(items: Item[]): Cost {
    this.walk(items, [], true);
    return { power: this.power, choices: this.choices };
  }

  /** Returns the characters since the last repeat at the end of `items`. `last` says that nothing follows them. */
  private walk(items: readonly Item[], before: readonly CharSet[], last: boolean): CharSet[] {
    let gates = [...before];
    for (const [at, item] of items.entries()) {
      const next = items[at + 1];
      if (item.kind === 'char') gates.push(item.set);
      else if (item.kind === 'repeat') {
        if (item.max === item.min) {
          gates.push(item.set);
          continue;
        }
        if (item.max - item.min <= 3) {
          // Behind all it can take stands nothing, or what it cannot be: then there is one way.
          const sure = next ? next.kind === 'char' && !meets(next.set, item.set) : last;
          if (!sure) this.choices *= item.max - item.min + 1;
          continue;
        }
        if (!gates.some((gate) => !meets(gate, item.set))) this.power += 1;
        gates = [];
      } else if (item.kind === 'choice') {
        this.choices *= item.options.length;
        const ends = item.options.map((option) => this.walk(option, gates, last && !next));
        if (ends.length === 1) gates = ends[0] ?? [];
        // Behind several ways, some of them with repeats, nothing from before counts any more.
        else if (item.options.some((option) => repeats(option))) gates = [];
      }
    }
    return gates;
  }
}

function repeats(items: readonly Item[]): boolean {
  return items.some(
    (item) =>
      (item.kind === 'repeat' && item.max - item.min > 3) ||
      (item.kind === 'choice' && item.options.some((option) => repeats(option))),
  );
}

function write(items: readonly Item[]): string {
  return items
    .map((item) => {
      switch (item.kind) {
        case 'char':
        case 'assertion':
          return item.source;
        case 'repeat':
          return `${item.source}${item.suffix}`;
        case 'choice':
          return `(?:${item.options.map((option) => write(option)).join('|')})`;
      }
    })
    .join('');
}
