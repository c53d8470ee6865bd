/**
 * What a word is, for the index and for the query language alike: a run of letters, digits and underscores; each ideograph, kana or
 * Hangul syllable is a word of its own, since such text has no blanks. Text is folded to lower case first.
 */

const separator = 0;
const letter = 1;
const ideograph = 2;

const kinds = makeKinds();

function makeKinds(): Uint8Array {
  const table = new Uint8Array(65_536);
  const set = (from: number, to: number, kind: number): void => {
    table.fill(kind, from, to + 1);
  };
  set(0x30, 0x39, letter);
  set(0x41, 0x5a, letter);
  set(0x61, 0x7a, letter);
  table[0x5f] = letter;
  set(0xaa, 0xaa, letter);
  set(0xb5, 0xb5, letter);
  set(0xba, 0xba, letter);
  set(0xc0, 0x1fff, letter);
  table[0xd7] = separator;
  table[0xf7] = separator;
  set(0x2c00, 0x2dff, letter);
  set(0x2e80, 0x2fff, ideograph);
  set(0x3005, 0x3007, ideograph);
  set(0x3040, 0xa4cf, ideograph);
  set(0xa4d0, 0xabff, letter);
  set(0xac00, 0xd7ff, ideograph);
  set(0xf900, 0xfaff, ideograph);
  set(0xfb00, 0xfdff, letter);
  set(0xfe70, 0xfefe, letter);
  set(0xff10, 0xff19, letter);
  set(0xff21, 0xff3a, letter);
  set(0xff41, 0xff5a, letter);
  set(0xff66, 0xffdc, ideograph);
  return table;
}

/** Whether two neighbouring code units belong to one word, so that no word ends between them. */
export function joined(left: number, right: number): boolean {
  return kinds[left] === letter && kinds[right] === letter;
}

/** Whether the code unit belongs to any word. */
export function isWord(code: number): boolean {
  return kinds[code] !== separator;
}

/** Lower case without ever changing the length, so that places in the folded text are places in the text. */
export function fold(text: string): string {
  const lower = text.toLowerCase();
  if (lower.length === text.length) return lower;
  let result = '';
  for (let index = 0; index < text.length; index++) {
    const own = text.charAt(index).toLowerCase();
    result += own.length === 1 ? own : text.charAt(index);
  }
  return result;
}

// FNV-1a over code units.
const basis = 0x811c9dc5;
const prime = 0x01000193;

/** Calls `each` with the hash of every word of a folded text. */
export function hashWords(folded: string, each: (hash: number) => void): void {
  let hash = basis;
  let inside = false;
  for (let index = 0; index < folded.length; index++) {
    const code = folded.charCodeAt(index);
    const kind = kinds[code];
    if (kind === letter) {
      hash = Math.imul(hash ^ code, prime);
      inside = true;
      continue;
    }
    if (inside) {
      each(hash >>> 0);
      hash = basis;
      inside = false;
    }
    if (kind === ideograph) each(Math.imul(basis ^ code, prime) >>> 0);
  }
  if (inside) each(hash >>> 0);
}

/** Lower case of each ASCII letter, digit and underscore; 0 for what is in no word. */
const asciiLetters = Uint8Array.from({ length: 256 }, (_, code) =>
  code < 0x80 && kinds[code] === letter ? (code >= 0x41 && code <= 0x5a ? code + 0x20 : code) : 0,
);

/** `hashWords` of ASCII text as bytes, in either case. */
export function hashAsciiWords(bytes: Uint8Array, each: (hash: number) => void): void {
  const { length } = bytes;
  for (let index = 0; index < length; index++) {
    let code = asciiLetters[bytes[index] as number] as number;
    if (code === 0) continue;
    let hash = basis;
    do {
      hash = Math.imul(hash ^ code, prime);
      index += 1;
      code = index < length ? (asciiLetters[bytes[index] as number] as number) : 0;
    } while (code !== 0);
    each(hash >>> 0);
  }
}

/** Hash of one word. */
export function hashWord(word: string): number {
  let hash = basis;
  for (let index = 0; index < word.length; index++) hash = Math.imul(hash ^ word.charCodeAt(index), prime);
  return hash >>> 0;
}

/** The words that every text containing `folded` must contain. With an open end, the word there may go on and says nothing. */
export function requiredWords(folded: string, ends: { left: boolean; right: boolean }): string[] {
  let from = 0;
  let to = folded.length;
  if (!ends.left) while (from < to && kinds[folded.charCodeAt(from)] === letter) from += 1;
  if (!ends.right) while (to > from && kinds[folded.charCodeAt(to - 1)] === letter) to -= 1;
  const found: string[] = [];
  let start = -1;
  for (let index = from; index <= to; index++) {
    const kind = index < to ? kinds[folded.charCodeAt(index)] : separator;
    if (kind === letter) {
      if (start < 0) start = index;
      continue;
    }
    if (start >= 0) found.push(folded.slice(start, index));
    start = -1;
    if (kind === ideograph) found.push(folded.charAt(index));
  }
  return found;
}
