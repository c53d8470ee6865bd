/** What could stand at the cursor of a log query. Pure; the language is described in src-main/core/logs/README.md. */

export interface QueryOptions {
  /** Where the word that would be replaced begins. */
  from: number;
  options: readonly string[];
}

/** Names that lead to a place or a level; values of the first ones are known. */
const reserved = ['level', 'service', 'stack', 'replica', 'stream', 'container', 'generation', 'revision'] as const;
const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];
const most = 12;

export interface QueryKnown {
  services: readonly string[];
  replicas: readonly string[];
  stacks: readonly string[];
  /** Fields of the lines that are shown, with some of their values. */
  fields: ReadonlyMap<string, readonly string[]>;
}

/** Offers names of fields, then their values after the colon. Nothing inside phrases and expressions, and nothing for an empty word. */
export function completeLogQuery(text: string, position: number, known: QueryKnown): QueryOptions | undefined {
  const before = text.slice(0, position);
  if ((before.match(/(?<!\\)"/g)?.length ?? 0) % 2 === 1) return undefined;
  const word = /[^\s()]*$/.exec(before)?.[0] ?? '';
  const [, sign = '', rest = ''] = /^(-?)(.*)$/.exec(word) ?? [];
  if (rest === '' || rest.startsWith('/')) return undefined;
  const start = position - word.length + sign.length;
  const colon = rest.indexOf(':');
  if (colon < 0) {
    const names = [...reserved, ...[...known.fields.keys()].filter((name) => !isReserved(name))];
    return offer(
      start,
      names.map((name) => `${name}:`),
      rest,
    );
  }
  const name = rest.slice(0, colon);
  return offer(start + colon + 1, valuesOf(name, known).map(quoted), rest.slice(colon + 1));
}

function valuesOf(name: string, known: QueryKnown): readonly string[] {
  switch (name) {
    case 'level':
      return [...levels, ...levels.map((level) => `>=${level}`)];
    case 'stream':
      return ['stdout', 'stderr'];
    case 'service':
      return known.services;
    case 'stack':
      return known.stacks;
    case 'replica':
      return known.replicas;
    default:
      return known.fields.get(name) ?? [];
  }
}

function offer(from: number, all: readonly string[], typed: string): QueryOptions | undefined {
  const wanted = typed.toLowerCase();
  const options = all.filter((one) => one.toLowerCase().includes(wanted) && one !== typed);
  // What begins with it comes before what has it inside.
  options.sort(
    (left, right) => Number(right.toLowerCase().startsWith(wanted)) - Number(left.toLowerCase().startsWith(wanted)),
  );
  return options.length === 0 ? undefined : { from, options: options.slice(0, most) };
}

function isReserved(name: string): boolean {
  return (reserved as readonly string[]).includes(name);
}

/** A value as the language takes it. */
export function quoted(value: string): string {
  return /^(?:>=)?[\w./@-]+$/.test(value) ? value : `"${value.replace(/["\\]/g, '\\$&')}"`;
}

/** Fields of lines with their most frequent values, for completion. */
export function fieldsSeen(
  lines: readonly { fields?: Readonly<Record<string, string | number | boolean | null>> }[],
): Map<string, string[]> {
  const counts = new Map<string, Map<string, number>>();
  for (const { fields } of lines) {
    for (const [name, value] of Object.entries(fields ?? {})) {
      const values = counts.get(name) ?? new Map<string, number>();
      counts.set(name, values);
      const text = String(value);
      if (text.length <= 60 && (values.has(text) || values.size < 200)) values.set(text, (values.get(text) ?? 0) + 1);
    }
  }
  return new Map(
    [...counts].map(([name, values]) => [
      name,
      [...values].sort((left, right) => right[1] - left[1]).map(([value]) => value),
    ]),
  );
}
