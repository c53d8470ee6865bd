/** How plain data is written as YAML, so that any reader of YAML takes every text for what it is. */
import { Document, Scalar, visit } from 'yaml';
import { writeMarks } from './configReferences';

/** Plain data to be written. */
export type Plain = Record<string, unknown>;

const nullable = Symbol('null when empty');

/** Marks a map whose empty values stand for something: `networks: {front: null}`. */
export function keepNulls(map: Plain): Plain {
  return Object.assign(map, { [nullable]: true });
}

/** Without undefined, empty lists and empty maps; `command: []` and its kind are kept because they mean something. */
function tidy(value: unknown, key = ''): unknown {
  if (Array.isArray(value))
    return value.length === 0 && key !== 'command' && key !== 'entrypoint'
      ? undefined
      : value.map((item) => tidy(item, '[]') ?? null);
  if (value === null || typeof value !== 'object') return value;
  const keep = nullable in value;
  const entries: [string, unknown][] = [];
  for (const [name, inner] of Object.entries(value)) {
    const plain = tidy(inner, name);
    if (plain !== undefined) entries.push([name, plain]);
    else if (keep) entries.push([name, null]);
  }
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** Plain data as YAML: undefined and empty parts dropped, dollar signs doubled, scripts as blocks, the ambiguous quoted. */
export function toYaml(value: Plain): string {
  const document = new Document(tidy(value) ?? {}, { aliasDuplicateObjects: false });
  visit(document, {
    Scalar(key, node) {
      if (typeof node.value !== 'string') return;
      const text = key === 'key' ? node.value : writeMarks(node.value.replaceAll('$', '$$$$'));
      node.value = text;
      // Scripts read better as blocks; anything that another YAML reader could take for a number, date or boolean is quoted.
      if (text.includes('\n'))
        node.type = /[^\n\t -~\u00a0-\ud7ff\ue000-\ufffc]/.test(text) ? Scalar.QUOTE_DOUBLE : Scalar.BLOCK_LITERAL;
      else if (ambiguous.test(text)) node.type = Scalar.QUOTE_DOUBLE;
    },
  });
  return document.toString({ lineWidth: 0, nullStr: 'null' });
}

const ambiguous = /^$|^[-+.]?\d|^(y|n|yes|no|on|off|true|false|null|~|=|<<|\.inf|\.nan)$/i;
