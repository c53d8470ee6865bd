/**
 * What a plain YAML scalar means to Compose. Compose is read by Go's yaml.v3: the YAML 1.2 core schema, but with the octal `0777` and
 * the `1_000` of YAML 1.1, and with `yes`, `no`, `on` and `off` as text. Unlike there, a date stays the text that was written.
 */

const integer = /^[-+]?(0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[1-9][0-9_]*|0)$/;
const float = /^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$/;

/** The value of an unquoted scalar. */
export function resolvePlain(text: string): string | number | boolean | null {
  switch (text) {
    case '':
    case '~':
    case 'null':
    case 'Null':
    case 'NULL':
      return null;
    case 'true':
    case 'True':
    case 'TRUE':
      return true;
    case 'false':
    case 'False':
    case 'FALSE':
      return false;
    default:
      return number(text) ?? text;
  }
}

function number(text: string): number | undefined {
  if (integer.test(text)) {
    const plain = text.replaceAll('_', '').replace(/^\+/, '');
    const negative = plain.startsWith('-');
    const digits = negative ? plain.slice(1) : plain;
    const octal = /^0[0-7]+$/.test(digits);
    const value = octal ? Number.parseInt(digits, 8) : Number(digits);
    // Beyond 2^53 a number would come back changed; identifiers of that length are text.
    if (Number.isSafeInteger(value)) return negative ? -value : value;
    return undefined;
  }
  if (!float.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/** A scalar as text, the way Compose writes it into an environment or label: `1.50` has become 1.5, null is empty. */
export function scalarText(value: string | number | boolean | null): string {
  if (value === null) return '';
  if (typeof value !== 'number' || Math.abs(value) < 1e21) return String(value);
  return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
}
