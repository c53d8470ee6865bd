/** A query compiled: first asked of a block's facts and word filter, then of its lines. */
import type { LogLevel, LogScope } from '../../../contract/nouns';
import type { Fields } from '../ingest/fields';
import { levelNames, type LogSource } from '../line';
import type { BlockMeta } from '../segment/block';
import { fold, joined } from '../segment/tokens';
import type { QueryNode, SourcePart, TextNode, ValueTest } from './ast';
import { compileBlock } from './facts';
import { sourceTest } from './place';
import { linearRegex, requiredLiterals } from './regex';
import { quantityOf } from './values';

/** A line as a query sees it; what costs is computed when asked. */
export interface LineView {
  readonly level: number;
  readonly stderr: boolean;
  readonly source: LogSource;
  plain(): string;
  folded(): string;
  fields(): Fields | undefined;
}

/** `exact` as it stands in the plain text, else as in the folded one. */
export interface Anchor {
  text: string;
  exact: boolean;
}

export interface Matcher {
  /** The verdict from a block's facts; with a filter also from its words. Markers are not considered. */
  block(meta: BlockMeta, filter: Uint8Array | undefined): number;
  line(view: LineView): boolean;
  /** Whether markers of this source belong to the result: only when the query is about places, not about text. */
  marker(source: LogSource): boolean;
  /** Present when only source and level decide, so that counts alone answer. */
  counted: ((source: LogSource, level: number) => boolean) | undefined;
  /** Text that every matching line contains. */
  anchor: Anchor | undefined;
  /** The query is exactly this piece of text (beside source and level tests that the whole block passes). */
  text: TextNode | undefined;
  /** The verdict of everything but that piece of text. */
  rest(meta: BlockMeta): number;
  /** The filter can say something. */
  words: boolean;
}

export interface Selection {
  scope: LogScope;
  levels?: readonly LogLevel[];
  query: QueryNode;
}

/** Compiles a selection. */
export function compile(selection: Selection): Matcher {
  const items: QueryNode[] = [];
  const places = scopeNodes(selection.scope);
  if (places.length > 0) items.push({ kind: 'or', items: places });
  if (selection.levels && selection.levels.length > 0) {
    let mask = 0;
    for (const level of selection.levels) mask |= 1 << levelNames.indexOf(level);
    items.push({ kind: 'level', mask });
  }
  items.push(...(selection.query.kind === 'and' ? selection.query.items : [selection.query]));
  const root: QueryNode = { kind: 'and', items };
  const test = compileLine(root);
  const facts = compileBlock(root);
  const onlyPlaces = every(root, (node) => node.kind === 'all' || node.kind === 'source');
  const onlyCounts = every(root, (node) => node.kind === 'all' || node.kind === 'source' || node.kind === 'level');
  const texts = items.filter((item): item is TextNode => item.kind === 'text');
  const rest = items.filter((item) => item.kind !== 'text' && item.kind !== 'all');
  const restFacts = compileBlock({ kind: 'and', items: rest });
  return {
    rest: (meta) => restFacts(meta, undefined),
    block: facts,
    line: test,
    marker: onlyPlaces ? (source) => test(new FactView(source, 0)) : () => false,
    counted: onlyCounts ? (source, level) => test(new FactView(source, level)) : undefined,
    anchor: anchorOf(items),
    text: texts.length === 1 && rest.every((item) => every(item, isCounted)) ? texts[0] : undefined,
    words: !every(root, isCounted),
  };
}

function isCounted(node: QueryNode): boolean {
  return node.kind === 'all' || node.kind === 'source' || node.kind === 'level';
}

/** The place of a text in a folded text at or after `from`, or -1; ends that are bound must not run into a letter. */
export function findText(folded: string, node: TextNode, from: number): number {
  const length = node.folded.length;
  for (let at = folded.indexOf(node.folded, from); at >= 0; at = folded.indexOf(node.folded, at + 1)) {
    if (node.left && at > 0 && joined(folded.charCodeAt(at - 1), folded.charCodeAt(at))) continue;
    const end = at + length;
    if (node.right && end < folded.length && joined(folded.charCodeAt(end - 1), folded.charCodeAt(end))) continue;
    return at;
  }
  return -1;
}

/** A view that knows only place and level. */
class FactView implements LineView {
  readonly stderr = false;
  constructor(
    readonly source: LogSource,
    readonly level: number,
  ) {}
  plain(): string {
    return '';
  }
  folded(): string {
    return '';
  }
  fields(): undefined {
    return undefined;
  }
}

/** Whether a test holds for every leaf. */
function every(node: QueryNode, test: (leaf: QueryNode) => boolean): boolean {
  switch (node.kind) {
    case 'and':
    case 'or':
      return node.items.every((item) => every(item, test));
    case 'not':
      return every(node.item, test);
    default:
      return test(node);
  }
}

function scopeNodes(scope: LogScope): QueryNode[] {
  const nodes: QueryNode[] = [];
  const add = (part: SourcePart, names: readonly string[] | undefined): void => {
    for (const name of names ?? []) nodes.push({ kind: 'source', part, pattern: fold(name) });
  };
  add('stack', scope.stacks);
  add('service', scope.services);
  add('replica', scope.replicas);
  add('container', scope.containers);
  return nodes;
}

function compileLine(node: QueryNode): (view: LineView) => boolean {
  switch (node.kind) {
    case 'all':
      return () => true;
    case 'and': {
      const tests = node.items.map(compileLine);
      if (tests.length === 1 && tests[0]) return tests[0];
      return (view) => tests.every((test) => test(view));
    }
    case 'or': {
      const tests = node.items.map(compileLine);
      return (view) => tests.some((test) => test(view));
    }
    case 'not': {
      const test = compileLine(node.item);
      return (view) => !test(view);
    }
    case 'text':
      return (view) => findText(view.folded(), node, 0) >= 0;
    case 'regex': {
      const regex = linearRegex(node.source, node.flags);
      return (view) => regex.test(view.plain());
    }
    case 'level':
      return (view) => (node.mask & (1 << view.level)) !== 0;
    case 'stream':
      return (view) => view.stderr === node.stderr;
    case 'source': {
      const test = sourceTest(node.part, node.pattern);
      return (view) => test(view.source);
    }
    case 'field': {
      const test = compileValue(node.test);
      return (view) => {
        const fields = view.fields();
        if (!fields) return false;
        const value = node.name in fields ? fields[node.name] : anyCase(fields, node.name);
        return value !== undefined && test(value);
      };
    }
  }
}

function anyCase(fields: Fields, name: string): Fields[string] | undefined {
  const wanted = name.toLowerCase();
  for (const own in fields) if (own.toLowerCase() === wanted) return fields[own];
  return undefined;
}

function compileValue(test: ValueTest): (value: Fields[string]) => boolean {
  switch (test.kind) {
    case 'exists':
      return () => true;
    case 'exact':
      return (value) => fold(String(value)) === test.folded;
    case 'text':
      return (value) => findText(fold(String(value)), test.text, 0) >= 0;
    case 'regex': {
      const regex = linearRegex(test.source, test.flags);
      return (value) => regex.test(String(value));
    }
    case 'number':
      return (value) => {
        const number = quantityOf(value);
        if (number === undefined) return false;
        if (test.comparison === '>') return number > test.value;
        if (test.comparison === '>=') return number >= test.value;
        return test.comparison === '<' ? number < test.value : number <= test.value;
      };
  }
}

/** The longest text that every matching line must contain. */
function anchorOf(items: readonly QueryNode[]): Anchor | undefined {
  const candidates = items.flatMap((item): Anchor[] => {
    if (item.kind === 'text') return [{ text: item.folded, exact: false }];
    if (item.kind !== 'regex') return [];
    const exact = !item.flags.includes('i');
    return requiredLiterals(item.source).map((text) => ({ text: exact ? text : fold(text), exact }));
  });
  return candidates.reduce<Anchor | undefined>(
    (best, own) => (own.text !== '' && (best === undefined || own.text.length > best.text.length) ? own : best),
    undefined,
  );
}
