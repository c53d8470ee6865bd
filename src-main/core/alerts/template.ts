/** Texts with values: the safe part of Prometheus' templates. There are no loops, no queries and no code. */
import type { Labels } from './labels';

export interface TemplateValues {
  labels: Labels;
  value: number | undefined;
}

// Plain on purpose: patterns with several repetitions side by side take for ever on hostile texts.
const action = /\{\{([^{}]*)\}\}/g;
/** A label's value may be hostile and long. */
const longestValue = 1000;
const longestText = 4000;
const mostPipes = 10;

/** Fills a text; what is not understood stays visible as it is written. */
export function expand(text: string, values: TemplateValues): string {
  return text.replace(action, (whole, inside: string) => evaluate(inside, values) ?? whole).slice(0, longestText);
}

/** The actions of a text that are not understood. */
export function unknownActions(text: string): string[] {
  const sample = { labels: {}, value: 1 };
  return [...text.matchAll(action)]
    .filter(([, inside = '']) => evaluate(inside, sample) === undefined)
    .map(([whole]) => whole);
}

function evaluate(inside: string, values: TemplateValues): string | undefined {
  const [first = '', ...pipes] = inside
    .replace(/^-|-$/g, '')
    .split('|')
    .map((part) => part.trim());
  if (pipes.length > mostPipes) return undefined;
  let result = operand(first, values) ?? called(first, values);
  for (const pipe of pipes) result = result === undefined ? undefined : apply(pipe, result);
  return result === undefined ? undefined : textOf(result).slice(0, longestValue);
}

/** `humanize $value` is `$value | humanize`. */
function called(text: string, values: TemplateValues): string | number | undefined {
  const found = /^(\w+(?:\s+"[^"]*")?)\s+(\S+)$/.exec(text);
  const inner = found?.[2] === undefined ? undefined : operand(found[2], values);
  return found?.[1] === undefined || inner === undefined ? undefined : apply(found[1], inner);
}

function operand(text: string, { labels, value }: TemplateValues): string | number | undefined {
  if (text === '$value' || text === '.Value') return value ?? NaN;
  const label = /^(?:\$labels|\.Labels)\.([a-zA-Z_]\w*)$/.exec(text)?.[1];
  if (label !== undefined) return Object.hasOwn(labels, label) ? (labels[label] ?? '') : '';
  const index = /^index\s+(?:\$labels|\.Labels)\s+"([^"]+)"$/.exec(text)?.[1];
  if (index !== undefined) return Object.hasOwn(labels, index) ? (labels[index] ?? '') : '';
  return /^"([^"\\]*)"$/.exec(text)?.[1];
}

function apply(name: string, input: string | number): string | number | undefined {
  const number = Number(input);
  switch (name) {
    case 'humanize':
      return scaled(number, 1000, ['', 'k', 'M', 'G', 'T', 'P'], ['m', 'µ', 'n']);
    case 'humanize1024':
      return scaled(number, 1024, ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi'], []);
    case 'humanizePercentage':
      return `${digits(number * 100)}%`;
    case 'humanizeDuration':
      return durationText(number);
    case 'toUpper':
      return textOf(input).toUpperCase();
    case 'toLower':
      return textOf(input).toLowerCase();
    case 'title':
      return textOf(input).replace(/\b\p{Ll}/gu, (letter) => letter.toUpperCase());
    default: {
      const format = /^printf\s+"([^"%]*)%(?:\.(\d))?([fgdsv])((?:[^"%]|%%)*)"$/.exec(name);
      if (!format) return undefined;
      const [, before = '', places, kind, after = ''] = format;
      return (
        before +
        printed(input, kind ?? 'v', places === undefined ? undefined : Number(places)) +
        after.replace('%%', '%')
      );
    }
  }
}

function printed(input: string | number, kind: string, places: number | undefined): string {
  if (kind === 'f') return Number(input).toFixed(places ?? 6);
  if (kind === 'd') return String(Math.trunc(Number(input)));
  return textOf(input);
}

function textOf(value: string | number): string {
  return typeof value === 'number' ? digits(value) : value;
}

/** Four digits that matter: `3.142`, `12340`. */
function digits(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? '?' : value > 0 ? '+Inf' : '-Inf';
  return String(Number(value.toPrecision(Math.abs(value) >= 10_000 ? Math.ceil(Math.log10(Math.abs(value) + 1)) : 4)));
}

function scaled(value: number, base: number, above: readonly string[], below: readonly string[]): string {
  if (value === 0 || !Number.isFinite(value)) return digits(value);
  let [rest, step] = [Math.abs(value), 0];
  while (rest >= base && step < above.length - 1) {
    rest /= base;
    step += 1;
  }
  while (rest < 1 && -step < below.length) {
    rest *= base;
    step -= 1;
  }
  return `${value < 0 ? '-' : ''}${digits(rest)}${step >= 0 ? (above[step] ?? '') : (below[-step - 1] ?? '')}`;
}

function durationText(seconds: number): string {
  if (!Number.isFinite(seconds)) return digits(seconds);
  const sign = seconds < 0 ? '-' : '';
  let rest = Math.abs(seconds);
  if (rest < 60) return `${sign}${digits(rest)}s`;
  rest = Math.round(rest);
  const parts = [
    [Math.floor(rest / 86_400), 'd'],
    [Math.floor(rest / 3600) % 24, 'h'],
    [Math.floor(rest / 60) % 60, 'm'],
    [rest % 60, 's'],
  ] as const;
  const from = parts.findIndex(([count]) => count > 0);
  return (
    sign +
    parts
      .slice(from, from + 2)
      .map(([count, unit]) => `${count}${unit}`)
      .join(' ')
  );
}
