/** Times and spans as users type them. */
import { UsageError } from './command';

const units: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 };

/** `90`, `90s`, `2m30s`, `1.5h` as milliseconds; a bare number is seconds. */
export function parseSpan(text: string, option: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Math.round(Number(text) * 1000);
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g)];
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== text)
    throw new UsageError(`--${option} wants a span such as 90s, 10m or 2h, not ${text}.`);
  return Math.round(parts.reduce((sum, part) => sum + Number(part[1]) * (units[part[2] ?? 's'] ?? 1000), 0));
}

/** A moment: a span ago (`10m`), an ISO 8601 time, or seconds since the epoch. Epoch milliseconds out. */
export function parseMoment(text: string, option: string, now: number): number {
  if (/^\d{9,10}(\.\d+)?$/.test(text)) return Math.round(Number(text) * 1000);
  if (/^\d{4}-\d{2}-\d{2}/.test(text)) {
    const moment = Date.parse(text);
    if (!Number.isNaN(moment)) return moment;
    throw new UsageError(`--${option} wants a time such as 10m, 2024-05-01T12:00:00Z or 2024-05-01, not ${text}.`);
  }
  return Math.max(0, now - parseSpan(text, option));
}
