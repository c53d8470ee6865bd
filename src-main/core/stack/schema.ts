/**
 * Checks a tree against a JSON schema, in words that a person can act on. A walker of our own instead of Ajv, because it knows places
 * in the text, picks the one alternative that was meant, answers "did you mean", costs no 300 ms of compiling and no `new Function`.
 * It knows exactly the keywords of our two schemas; a test holds it against Ajv over the whole corpus.
 */
import type { At, Node, Path, ScalarNode } from './node';
import { entriesOf } from './node';
import { resolvePlain, scalarText } from './scalar';

/** The part of JSON Schema that the walker knows. */
export interface Schema {
  $ref?: string;
  type?: string | readonly string[];
  enum?: readonly unknown[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  minItems?: number;
  required?: readonly string[];
  properties?: Readonly<Record<string, Schema>>;
  patternProperties?: Readonly<Record<string, Schema>>;
  additionalProperties?: boolean | Schema;
  items?: Schema;
  uniqueItems?: boolean;
  oneOf?: readonly Schema[];
  definitions?: Readonly<Record<string, Schema>>;
}

/** One fault: where, and what was wanted. */
export type Fault = { at: At; path: Path } & (
  | { kind: 'type'; wanted: string[]; got: string; text?: string }
  | { kind: 'unknown'; key: string; known: string[]; owner: string }
  | { kind: 'name'; key: string; pattern: string }
  | { kind: 'missing'; key: string }
  | { kind: 'choice'; text: string; choices: string[] }
  | { kind: 'pattern'; text: string; pattern: string }
  | { kind: 'number'; text: string; limit: number; side: 'least' | 'most' | 'more' }
  | { kind: 'double'; text: string }
  | { kind: 'empty' }
);

interface Walk {
  root: Schema;
  faults: Fault[];
}

const patterns = new Map<string, RegExp>();

/** Everything about `node` that the schema does not allow. */
export function validate(node: Node, schema: Schema, path: Path = []): Fault[] {
  const walk: Walk = { root: schema, faults: [] };
  visit(node, schema, { walk, path });
  return walk.faults;
}

/** The schema at the end of its `$ref`s. */
export function deref(schema: Schema, root: Schema): Schema {
  let current = schema;
  for (let hops = 0; current.$ref !== undefined && hops < 10; hops++) {
    current = root.definitions?.[current.$ref.replace('#/definitions/', '')] ?? {};
  }
  return current;
}

function visit(node: Node, reference: Schema, at: { walk: Walk; path: Path }): void {
  if (node.kind === 'scalar' && node.broken) return;
  const { walk, path } = at;
  const schema = deref(reference, walk.root);
  const here = { at: node.at, path };
  if (schema.oneOf !== undefined) return alternatives(node, schema.oneOf, at);
  if (schema.type !== undefined && !accepts(node, schema)) {
    const text = node.kind === 'scalar' && node.value !== null ? scalarText(node.value) : undefined;
    walk.faults.push({
      ...here,
      kind: 'type',
      wanted: types(schema),
      got: typeOf(node),
      ...(text === undefined ? {} : { text }),
    });
    return;
  }
  if (node.kind === 'scalar') visitScalar(node, schema, at);
  else if (node.kind === 'list') {
    if (schema.minItems !== undefined && node.items.length < schema.minItems)
      walk.faults.push({ ...here, kind: 'empty' });
    if (schema.uniqueItems) visitUnique(node.items, at);
    if (schema.items !== undefined) {
      for (const [index, item] of node.items.entries()) visit(item, schema.items, { walk, path: [...path, index] });
    }
  } else visitMap(node, schema, at);
}

function visitScalar(node: ScalarNode, schema: Schema, { walk, path }: { walk: Walk; path: Path }): void {
  const here = { at: node.at, path };
  const text = scalarText(node.value);
  if (schema.enum !== undefined && !schema.enum.includes(node.value)) {
    walk.faults.push({ ...here, kind: 'choice', text, choices: schema.enum.map(String) });
  }
  if (schema.pattern !== undefined && typeof node.value === 'string' && !matches(schema.pattern, node.value)) {
    walk.faults.push({ ...here, kind: 'pattern', text, pattern: schema.pattern });
  }
  if (typeof node.value !== 'number') return;
  if (schema.minimum !== undefined && node.value < schema.minimum) {
    walk.faults.push({ ...here, kind: 'number', text, limit: schema.minimum, side: 'least' });
  } else if (schema.exclusiveMinimum !== undefined && node.value <= schema.exclusiveMinimum) {
    walk.faults.push({ ...here, kind: 'number', text, limit: schema.exclusiveMinimum, side: 'more' });
  } else if (schema.maximum !== undefined && node.value > schema.maximum) {
    walk.faults.push({ ...here, kind: 'number', text, limit: schema.maximum, side: 'most' });
  }
}

function visitMap(node: Node, schema: Schema, { walk, path }: { walk: Walk; path: Path }): void {
  for (const [key, entry] of entriesOf(node)) {
    const inside = [...path, key];
    let known = false;
    const property =
      schema.properties !== undefined && Object.hasOwn(schema.properties, key) ? schema.properties[key] : undefined;
    if (property !== undefined) {
      known = true;
      visit(entry.node, property, { walk, path: inside });
    }
    for (const [pattern, inner] of Object.entries(schema.patternProperties ?? {})) {
      if (!matches(pattern, key)) continue;
      known = true;
      visit(entry.node, inner, { walk, path: inside });
    }
    if (known) continue;
    if (schema.additionalProperties === false) unknownKey(key, entry.at, { schema, walk, path: inside });
    else if (typeof schema.additionalProperties === 'object')
      visit(entry.node, schema.additionalProperties, { walk, path: inside });
  }
  for (const key of schema.required ?? []) {
    if (node.kind === 'map' && !node.entries.has(key)) walk.faults.push({ at: node.at, path, kind: 'missing', key });
  }
}

function unknownKey(key: string, at: At, { schema, walk, path }: { schema: Schema; walk: Walk; path: Path }): void {
  const names = Object.keys(schema.patternProperties ?? {}).filter((pattern) => pattern !== '^x-');
  if (schema.properties === undefined && names.length > 0) {
    walk.faults.push({ at, path, kind: 'name', key, pattern: names[0]! });
    return;
  }
  const owner = path.length < 2 ? '' : String(path.at(-2));
  walk.faults.push({ at, path, kind: 'unknown', key, known: Object.keys(schema.properties ?? {}), owner });
}

function visitUnique(items: Node[], { walk, path }: { walk: Walk; path: Path }): void {
  const seen = new Set<string>();
  for (const [index, item] of items.entries()) {
    const key = fingerprint(item);
    if (seen.has(key)) {
      const text = item.kind === 'scalar' ? scalarText(item.value) : '…';
      walk.faults.push({ at: item.at, path: [...path, index], kind: 'double', text });
    }
    seen.add(key);
  }
}

function fingerprint(node: Node): string {
  if (node.kind === 'scalar') return JSON.stringify(node.value);
  if (node.kind === 'list') return `[${node.items.map(fingerprint).join(',')}]`;
  const pairs = entriesOf(node).map(([key, entry]) => `${JSON.stringify(key)}:${fingerprint(entry.node)}`);
  return `{${pairs.sort().join(',')}}`;
}

/** One alternative must fit. When none does, the faults of the one that was most likely meant are told. */
function alternatives(node: Node, choices: readonly Schema[], { walk, path }: { walk: Walk; path: Path }): void {
  const tried = choices.map((choice) => {
    const inner: Walk = { root: walk.root, faults: [] };
    visit(node, choice, { walk: inner, path });
    return inner.faults;
  });
  if (tried.some((faults) => faults.length === 0)) return;
  const inside = tried.filter(
    (faults) => !faults.some((fault) => fault.kind === 'type' && fault.path.length === path.length),
  );
  if (inside.length > 0) {
    walk.faults.push(...inside.reduce((best, faults) => (faults.length < best.length ? faults : best)));
    return;
  }
  const own = tried.flat().filter((fault) => fault.kind === 'type' && fault.path.length === path.length);
  const first = own[0];
  if (first?.kind !== 'type') return;
  const wanted = own.flatMap((fault) => (fault.kind === 'type' ? fault.wanted : []));
  walk.faults.push({ ...first, wanted: [...new Set(wanted)] });
}

function types(schema: Schema): string[] {
  return schema.type === undefined ? [] : typeof schema.type === 'string' ? [schema.type] : [...schema.type];
}

function accepts(node: Node, schema: Schema): boolean {
  const wanted = types(schema);
  if (fits(typeOf(node), wanted)) return true;
  // A variable's value and a quoted number are text; where text is not wanted they count as what they spell.
  if (node.kind !== 'scalar' || !node.loose || typeof node.value !== 'string') return false;
  const value = resolvePlain(node.value);
  return value !== null && fits(typeOfValue(value), wanted);
}

function fits(type: string, wanted: string[]): boolean {
  return wanted.includes(type) || (type === 'integer' && wanted.includes('number'));
}

function typeOf(node: Node): string {
  if (node.kind === 'list') return 'array';
  return node.kind === 'map' ? 'object' : typeOfValue(node.value);
}

function typeOfValue(value: ScalarNode['value']): string {
  if (value === null) return 'null';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function matches(pattern: string, text: string): boolean {
  let expression = patterns.get(pattern);
  if (expression === undefined) {
    // The patterns are our own data, never a user's.
    expression = new RegExp(pattern, 'u');
    patterns.set(pattern, expression);
  }
  return expression.test(text);
}
