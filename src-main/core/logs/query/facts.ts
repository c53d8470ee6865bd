/** What a query can tell from a block's facts and word filter, without reading it. */
import { levelCount } from '../line';
import type { BlockMeta } from '../segment/block';
import { mayContain } from '../segment/filter';
import { fold, hashWord, requiredWords } from '../segment/tokens';
import type { QueryNode, ValueTest } from './ast';
import { sourceTest } from './place';
import { requiredLiterals } from './regex';

/** What is certain about a block: no line matches, some may, or all do. */
export const Verdict = { none: 0, some: 1, all: 2 } as const;

/** The verdict on a block; without a filter its words are unknown. */
export type BlockTest = (meta: BlockMeta, filter: Uint8Array | undefined) => number;

/** Compiles the part of a query that asks blocks. Never says `none` or `all` wrongly. */
export function compileBlock(node: QueryNode): BlockTest {
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
  for (let place = 0; place < meta.counts.length; place++) {
    const count = meta.counts[place] as number;
    if (count === 0) continue;
    if (passes(Math.floor(place / levelCount), place % levelCount)) yes += count;
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
