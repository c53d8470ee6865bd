/** Pure helpers of the log screen: hues, hits of the query's plain words, and what a saved file holds. */
import type { LogLevel, LogLine } from '../../../src-main/contract/nouns';
import type { Sentence } from '../../../src-main/contract/sentence';
import type { PlacedLine } from '../../streams/historyRows';
import type { TailRow } from '../../streams/useLogTail';

/** A row of the list. */
export type ListRow = TailRow | PlacedLine;

/** The rows of a list: each keeps its number while others come and go before and after it. */
export interface ListRows {
  /** What they are rows of; another one is another list. */
  of: unknown;
  first: number;
  count: number;
  /** Undefined while it is not read. */
  row(number: number): ListRow | undefined;
}

export const logLevels: readonly LogLevel[] = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'unknown'];

export function isLine(row: ListRow): row is LogLine {
  return !('skipped' in row);
}

/** Markers that are drawn with a line. */
export function marksOf(row: ListRow): Pick<PlacedLine, 'before' | 'behind'> | undefined {
  return 'before' in row || 'behind' in row ? row : undefined;
}

/** A marker with its moments as the rows beside it show theirs. */
export function withClocks(words: Sentence, clock: (at: number) => string): Sentence {
  if (!words.args) return words;
  const args = Object.entries(words.args).map(([name, value]) => {
    const at = typeof value === 'string' && /^\d{4}-\d\d-\d\dT.*Z$/.test(value) ? Date.parse(value) : NaN;
    return [name, Number.isNaN(at) ? value : clock(at)] as const;
  });
  return { code: words.code, args: Object.fromEntries(args) };
}

/** `<stack>/<service>`; containers that are not ours have no stack. */
export function serviceKeyOf(line: LogLine): string {
  return line.stack ? `${line.stack}/${line.service}` : line.service;
}

/** A stable hue from 1 to 10 for each service, in the order of first need so that neighbours differ. */
export function hueOf(hues: Map<string, number>, service: string): number {
  const known = hues.get(service);
  if (known !== undefined) return known;
  const next = (hues.size % 10) + 1;
  hues.set(service, next);
  return next;
}

/** The words of a query that are searched as they stand: what the list marks. Fields, operators and negations mark nothing. */
export function plainWords(query: string): string[] {
  const words: string[] = [];
  for (const match of query.matchAll(/(-?)(?:"([^"]*)"|(\/(?:[^/\\]|\\.)+\/\w*)|(\S+))/g)) {
    const [, negated, phrase, regex, word] = match;
    if (negated || regex) continue;
    if (phrase) words.push(phrase);
    else if (word && !word.includes(':') && !/^(AND|OR|NOT|[()]+)$/.test(word)) words.push(word.replace(/[()*]/g, ''));
  }
  return words.filter((word) => word.length > 0);
}

// eslint-disable-next-line no-control-regex -- the escape character begins a colour
const colours = /\u001b\[[0-9;:]*m/g;

/** The text as it is read: colours are invisible. The core lets no other escape through. */
export function withoutColours(text: string): string {
  return text.includes('\u001b') ? text.replace(colours, '') : text;
}

/** Where the words occur in a text without escapes, case-insensitive, as sorted, non-overlapping [start, end). */
export function hitsOf(text: string, words: readonly string[]): [number, number][] {
  if (words.length === 0) return [];
  const plain = withoutColours(text).toLowerCase();
  const found: [number, number][] = [];
  for (const word of words) {
    const needle = word.toLowerCase();
    for (let at = plain.indexOf(needle); at >= 0 && found.length < 50; at = plain.indexOf(needle, at + needle.length))
      found.push([at, at + needle.length]);
  }
  found.sort((left, right) => left[0] - right[0]);
  return found.filter((hit, index) => index === 0 || hit[0] >= (found[index - 1]?.[1] ?? 0));
}

/** Lines as a text file: time, replica, level and text, colours removed. */
export function asText(rows: readonly TailRow[]): string {
  return rows
    .filter(isLine)
    .map(
      (line) =>
        `${new Date(line.at).toISOString()} ${serviceKeyOf(line)}.${line.slot} ${line.level} ${withoutColours(line.text)}`,
    )
    .join('\n');
}
