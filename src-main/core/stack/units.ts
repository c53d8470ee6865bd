/** Compose's units: durations in milliseconds, sizes in bytes, CPUs in cores. */

const durationUnits: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Milliseconds of `1h30m`, `500ms`, `1.5s`, `0`; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const trimmed = text.trim();
  if (trimmed === '0') return 0;
  const part = /(\d+(?:\.\d+)?|\.\d+)(ns|us|µs|μs|ms|s|m|h|d|w)/y;
  let total = 0;
  while (part.lastIndex < trimmed.length) {
    const match = part.exec(trimmed);
    if (match === null) return undefined;
    total += Number(match[1]) * durationUnits[match[2]!]!;
  }
  if (trimmed === '' || !Number.isSafeInteger(Math.trunc(total))) return undefined;
  return Number.isInteger(total) ? total : Math.round(total * 1e6) / 1e6;
}

/** `1h30m0s` style text that `parseDuration` reads back to the same number. */
export function durationText(milliseconds: number): string {
  if (milliseconds === 0) return '0s';
  let rest = milliseconds;
  let text = '';
  for (const unit of ['h', 'm', 's', 'ms'] as const) {
    const count = Math.floor(rest / durationUnits[unit]!);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * durationUnits[unit]!;
  }
  const nanoseconds = Math.round(rest * 1e6);
  return nanoseconds > 0 ? `${text}${nanoseconds}ns` : text;
}

/** Bytes of `1.5g`, `64MB`, `512k`, `100`; 1024-based, as Docker counts. Undefined for anything else. */
export function parseBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s?([kmgtp]?)i?b?$/i.exec(text.trim());
  if (match === null) return undefined;
  const power = ' kmgtp'.indexOf((match[2] === '' ? ' ' : match[2]!).toLowerCase());
  const bytes = Math.floor(Number(match[1]) * 1024 ** power);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
