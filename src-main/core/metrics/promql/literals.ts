/** Durations, numbers and quoted texts of PromQL. */

const units: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
};

const durationPattern = /^(?:\d+(?:ms|[smhdwy]))+$/;

/** `1h30m` in milliseconds; undefined when the text is no duration. */
export function parseDuration(text: string): number | undefined {
  if (!durationPattern.test(text)) return undefined;
  let sum = 0;
  for (const [, digits, unit] of text.matchAll(/(\d+)(ms|[smhdwy])/g)) sum += Number(digits) * (units[unit ?? ''] ?? 0);
  return sum;
}

/** Milliseconds as the shortest duration: `90000` is `1m30s`. */
export function writeDuration(milliseconds: number): string {
  let rest = Math.max(0, Math.round(milliseconds));
  if (rest === 0) return '0s';
  let text = '';
  for (const unit of ['d', 'h', 'm', 's', 'ms']) {
    const size = units[unit] as number;
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * size;
  }
  return text;
}

/** A number, also hexadecimal, with `_` between digits, `Inf`, `NaN`, or a duration in seconds. */
export function parseNumber(text: string): number {
  const plain = text.replace(/_/g, '').toLowerCase();
  const sign = plain.startsWith('-') ? -1 : 1;
  const body = plain.replace(/^[+-]/, '');
  if (body === 'inf' || body === 'infinity') return sign * Infinity;
  const duration = parseDuration(body);
  if (duration !== undefined) return (sign * duration) / 1000;
  return sign * Number(body);
}

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', a: '\u0007', b: '\b', f: '\f', v: '\v' };

/** The text in quotes; between backticks nothing is escaped. */
export function parseText(quoted: string): string {
  const body = quoted.slice(1, -1);
  if (quoted.startsWith('`')) return body;
  return body.replace(/\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{3}|.)/gs, (_all, code: string) => {
    const point = /^[xuU]./.test(code) ? parseInt(code.slice(1), 16) : /^[0-7]{3}$/.test(code) ? parseInt(code, 8) : -1;
    if (point >= 0 && point <= 0x10ffff) return String.fromCodePoint(point);
    return escapes[code] ?? code;
  });
}
