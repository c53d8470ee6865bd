/** 32-bit floats as their bits, and plain texts as bytes. */

const floats = new Float32Array(1);
const words = new Uint32Array(floats.buffer);

/** The bits of a value as a 32-bit float (IEEE 754). */
export function bitsOf(value: number): number {
  floats[0] = value;
  return words[0] as number;
}

export function floatOf(bits: number): number {
  words[0] = bits;
  return floats[0] as number;
}

/** JSON in ASCII: the core has no text encoder, and JSON can say everything with escapes. */
export function encodeJson(value: unknown): Uint8Array {
  const text = JSON.stringify(value).replace(
    /[\u0080-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/** Throws a `SyntaxError` when the bytes are not JSON. */
export function decodeJson(bytes: Uint8Array): unknown {
  let text = '';
  const piece = 8192;
  for (let at = 0; at < bytes.length; at += piece) text += String.fromCharCode(...bytes.subarray(at, at + piece));
  return JSON.parse(text) as unknown;
}

/** Whether a value read from disk is a record of texts. */
export function isLabels(value: unknown): value is Record<string, string> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every((text) => typeof text === 'string')
  );
}
