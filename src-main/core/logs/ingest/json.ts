/** JSON lines, parsed once and tolerantly. */

export type JsonObject = Record<string, unknown>;

/** Longer objects are not parsed: their text stays searchable. Characters. */
const longest = 64 * 1024;

/** The object a line consists of, or undefined. Never throws. */
export function jsonObject(text: string): JsonObject | undefined {
  if (text.charCodeAt(0) !== 0x7b || text.length > longest) return undefined;
  // Cheap refusal before the parser builds an exception: an object's last character is a brace.
  let end = text.length - 1;
  while (end > 0 && (text.charCodeAt(end) === 0x20 || text.charCodeAt(end) === 0x0a)) end -= 1;
  if (text.charCodeAt(end) !== 0x7d) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}
