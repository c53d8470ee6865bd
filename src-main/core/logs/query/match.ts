/** A query compiled: first asked of a block's facts and word filter, then of its lines. */
import type { LogLevel, LogScope } from '../../../contract/nouns';
import type { Fields } from '../ingest/fields';
import { levelNames, replicaOf, type LogSource } from '../line';
import type { BlockMeta } from '../segment/block';
import { mayContain } from '../segment/filter';
import { fold, hashWord, joined, requiredWords } from '../segment/tokens';
import type { QueryNode, SourcePart, TextNode, ValueTest } from './ast';
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

/** What is certain about a block: no line matches, some may, or all do. */
export const Verdict = { none: 0, some: 1, all: 2 } as const;

export interface Matcher {
  /** The verdict from a block's facts; with a filter also from its words. Markers are not considered. */
  block(meta: BlockMeta, filter: Uint8Array | undefined): number;
  line(view: LineView): boolean;
  /** Whether markers of this source belong to the result: only when the query is about places, not about text. */
  marker(source: LogSource): boolean;
  /** Present when only source and level decide, so that counts alone answer. */
  counted: ((source: LogSource, level: number) => boolean) | undefined;
  /** Folded text that every matching line contains. */
  anchor: string | undefined;
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

function sourceTest(part: SourcePart, pattern: string): (source: LogSource) => boolean {
  const glob = globTest(pattern);
  switch (part) {
    case 'stack':
      return (source) => glob(source.stack);
    case 'service':
      return (source) => glob(fold(source.service)) || glob(fold(`${source.stack}/${source.service}`));
    case 'replica':
      return (source) =>
        glob(String(source.slot)) || glob(fold(`${source.service}.${source.slot}`)) || glob(fold(replicaOf(source)));
    case 'container':
      return (source) =>
        (pattern.length >= 4 && source.container.startsWith(pattern)) ||
        glob(source.container) ||
        glob(fold(`${source.stack}.${source.service}.${source.slot}.g${source.generation}`));
    case 'generation':
      return (source) => glob(String(source.generation));
    case 'revision':
      return (source) => glob(String(source.revision));
  }
}

/** `*` stands for anything. Linear: each piece is found leftmost once. */
function globTest(pattern: string): (text: string) => boolean {
  if (!pattern.includes('*')) return (text) => text === pattern;
  const pieces = pattern.split(/\*+/);
  const first = pieces[0] ?? '';
  const last = pieces.at(-1) ?? '';
  const middle = pieces.slice(1, -1);
  return (text) => {
    if (!text.startsWith(first) || !text.endsWith(last)) return false;
    let at = first.length;
    for (const piece of middle) {
      const found = text.indexOf(piece, at);
      if (found < 0) return false;
      at = found + piece.length;
    }
    return at + last.length <= text.length;
  };
}

type BlockTest = (meta: BlockMeta, filter: Uint8Array | undefined) => number;

function compileBlock(node: QueryNode): BlockTest {
  switch (node.kind) {
    case 'all':
      return () => Verdict.all;
    case 'and': {
      const tests = node.items.map(compileBlock);
      return (meta, filter) => {
        let result: number = Verdict.all;
        for (const test of tests) {
          const own = test(meta, filter);
          if (own === Verdict.none) return Verdict.none;
          if (own < result) result = own;
        }
        return result;
      };
    }
    case 'or': {
      const tests = node.items.map(compileBlock);
      return (meta, filter) => {
        let result: number = Verdict.none;
        for (const test of tests) {
          const own = test(meta, filter);
          if (own === Verdict.all) return Verdict.all;
          if (own > result) result = own;
        }
        return result;
      };
    }
    case 'not': {
      const test = compileBlock(node.item);
      return (meta, filter) => Verdict.all - test(meta, filter);
    }
    case 'text':
      return filterTest(requiredWords(node.folded, node), () => true);
    case 'regex':
      return filterTest(literalWords(node.source), () => true);
    case 'field': {
      const words = valueWords(node.test);
      return filterTest(words, (meta) => !meta.escapes);
    }
    case 'level':
      return (meta) => share(meta, (_source, level) => (node.mask & (1 << level)) !== 0);
    case 'source': {
      const test = sourceTest(node.part, node.pattern);
      return (meta) => {
        let passing = 0;
        for (const source of meta.sources) if (test(source)) passing += 1;
        return passing === 0 ? Verdict.none : passing === meta.sources.length ? Verdict.all : Verdict.some;
      };
    }
    case 'stream':
      return () => Verdict.some;
  }
}

function share(meta: BlockMeta, passes: (source: number, level: number) => boolean): number {
  let yes = 0;
  let no = 0;
  const width = levelNames.length;
  for (let place = 0; place < meta.counts.length; place++) {
    const count = meta.counts[place] as number;
    if (count === 0) continue;
    if (passes(Math.floor(place / width), place % width)) yes += count;
    else no += count;
  }
  return yes === 0 ? Verdict.none : no === 0 ? Verdict.all : Verdict.some;
}

function filterTest(words: readonly string[], usable: (meta: BlockMeta) => boolean): BlockTest {
  const hashes = [...new Set(words)].map(hashWord);
  if (hashes.length === 0) return () => Verdict.some;
  return (meta, filter) => {
    if (!filter || !usable(meta)) return Verdict.some;
    for (const hash of hashes) if (!mayContain(filter, hash)) return Verdict.none;
    return Verdict.some;
  };
}

function literalWords(source: string): string[] {
  return requiredLiterals(source).flatMap((literal) => requiredWords(fold(literal), { left: false, right: false }));
}

/** Words that a field's value has in common with its line's text. Numbers may be written otherwise, so only words that start with a letter. */
function valueWords(test: ValueTest): string[] {
  const words =
    test.kind === 'text'
      ? requiredWords(test.text.folded, test.text)
      : test.kind === 'exact'
        ? requiredWords(test.folded, { left: true, right: true })
        : test.kind === 'regex'
          ? literalWords(test.source)
          : [];
  return words.filter((word) => !/^[\d_]/.test(word));
}

/** The longest text that every matching line must contain. */
function anchorOf(items: readonly QueryNode[]): string | undefined {
  const candidates = items.flatMap((item) => {
    if (item.kind === 'text') return [item.folded];
    return item.kind === 'regex' ? requiredLiterals(item.source).map(fold) : [];
  });
  return candidates.reduce<string | undefined>(
    (best, own) => (best === undefined || own.length > best.length ? own : best),
    undefined,
  );
}
