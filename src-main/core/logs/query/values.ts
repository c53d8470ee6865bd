/** Numbers with units in logs and in queries: durations in milliseconds, sizes in bytes, everything else as it is. */

const units: Readonly<Record<string, number>> = {
  '': 1,
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
  '%': 1,
};

/** The number a text stands for, or undefined: `12`, `-3.5`, `1e3`, `250ms`, `1.5s`, `64MiB`. */
export function quantityOf(value: string | number | boolean | null | undefined): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'string' || value.length > 32) return undefined;
  const match = /^\s*(-?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?)\s*([a-zA-Zµμ%]{0,3})\s*$/.exec(value);
  if (!match) return undefined;
  const unit = match[2] ?? '';
  const scale = Object.hasOwn(units, unit) ? units[unit] : units[unit.toLowerCase()];
  return scale === undefined ? undefined : Number(match[1]) * scale;
}
