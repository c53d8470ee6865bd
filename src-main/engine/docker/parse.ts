/**
 * Reading what an engine sent, which may be old, new, foreign or hostile: nothing is trusted to have the type the API documents,
 * every text has a longest length and every list a largest size.
 */

/** An object of unknown content. */
export type Fields = Readonly<Record<string, unknown>>;

const EMPTY: Fields = Object.freeze({});

/** Labels beyond this many are dropped, ours and Compose's last (S35). */
export const MOST_LABELS = 200;
const LONGEST_LABEL = 4_096;
const MOST_ITEMS = 10_000;

/** The value as an object; anything else is an empty one. */
export function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : EMPTY;
}

/** The value as a list of at most `most` items; anything else is empty. */
export function items(value: unknown, most: number = MOST_ITEMS): unknown[] {
  return Array.isArray(value) ? (value.length > most ? value.slice(0, most) : value) : [];
}

/** The value as a text of at most `longest` characters; anything but a text is empty. */
export function text(value: unknown, longest: number = 1_024): string {
  if (typeof value !== 'string') return '';
  return value.length > longest ? value.slice(0, longest) : value;
}

/** The texts of a list, each cut to `longest`. */
export function texts(value: unknown, longest: number = 4_096): string[] {
  return items(value)
    .filter((item) => typeof item === 'string')
    .map((item) => text(item, longest));
}

/** The value as a finite number; anything else is 0. */
export function count(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0;
}

/** The value as a number above 0, else undefined: engines write "no limit" as 0 or -1. */
export function limit(value: unknown): number | undefined {
  const number = count(value);
  return number > 0 ? number : undefined;
}

/** A map of texts (labels, options, attributes). When there are too many, ours and Compose's are the last to go. */
export function textMap(value: unknown, most: number = MOST_LABELS): Record<string, string> {
  let entries = Object.entries(fields(value)).filter(([key, entry]) => key !== '__proto__' && isScalar(entry));
  if (entries.length > most) {
    entries = entries.filter(([key]) => isKnown(key)).concat(entries.filter(([key]) => !isKnown(key)));
    entries.length = most;
  }
  return Object.fromEntries(entries.map(([key, entry]) => [text(key, 512), text(String(entry), LONGEST_LABEL)]));
}

function isKnown(label: string): boolean {
  return label.startsWith('io.pilothouse.') || label.startsWith('com.docker.compose.');
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

/** `['a=1', 'b']` as a map, the way engines list the labels of a machine. */
export function pairs(value: unknown): Record<string, string> {
  return Object.fromEntries(
    texts(value)
      .slice(0, MOST_LABELS)
      .map((pair) => {
        const at = pair.indexOf('=');
        return at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
      })
      .filter(([key]) => key !== '__proto__'),
  );
}

/** An RFC 3339 time as milliseconds since the epoch; undefined for none and for Go's zero time (year 1). */
export function time(value: unknown): number | undefined {
  if (typeof value !== 'string' || value.startsWith('0001-')) return undefined;
  const parsed = Date.parse(value);
  return Number.isFinite(parsed) && parsed > 0 ? parsed : undefined;
}
