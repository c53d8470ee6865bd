/** The tree a Compose file becomes: every value knows its place in the text. Maps are real Maps, so no key can reach a prototype. */
import type { LineCounter } from 'yaml';
import type { Place } from '../../contract/errors';
import type { Lookup } from './variables';

/** A file being read. */
export interface SourceFile {
  /** Its name as the user knows it. */
  name: string;
  /** What relative paths in it start from; undefined when the project has no directory. */
  directory?: string;
  /** The variables that it sees: an included file may have its own. */
  lookup: Lookup;
  lines: LineCounter;
}

/** A place: an offset (UTF-16 units) in a file. */
export interface At {
  source: SourceFile;
  offset: number;
}

export interface ScalarNode {
  kind: 'scalar';
  value: string | number | boolean | null;
  at: At;
  tag?: MergeTag;
  /** The text came out of a variable or quotes, so `"3"` may stand for 3 where a number is wanted. */
  loose?: boolean;
  /** It could not be read, which has been told; nothing more needs to be said about it. */
  broken?: boolean;
}

export interface ListNode {
  kind: 'list';
  items: Node[];
  at: At;
  tag?: MergeTag;
}

export interface MapNode {
  kind: 'map';
  entries: Map<string, Entry>;
  at: At;
  tag?: MergeTag;
}

/** A key's place and its value. */
export interface Entry {
  at: At;
  node: Node;
}

/** Compose's `!reset` and `!override`. */
export type MergeTag = 'reset' | 'override';

export type Node = ScalarNode | ListNode | MapNode;

/** A path inside a document: keys and list positions. */
export type Path = readonly (string | number)[];

/** The value of a key, or undefined when there is none or `node` is not a map. */
export function child(node: Node | undefined, key: string): Node | undefined {
  return node?.kind === 'map' ? node.entries.get(key)?.node : undefined;
}

/** The value at a path of keys. */
export function descend(node: Node | undefined, ...keys: string[]): Node | undefined {
  return keys.reduce<Node | undefined>(child, node);
}

/** The entries of a map; none for anything else. */
export function entriesOf(node: Node | undefined): [string, Entry][] {
  return node?.kind === 'map' ? [...node.entries] : [];
}

/** The items of a list; none for anything else. */
export function itemsOf(node: Node | undefined): Node[] {
  return node?.kind === 'list' ? node.items : [];
}

/** True for a missing value and an explicit null. */
export function isNull(node: Node | undefined): boolean {
  return node === undefined || (node.kind === 'scalar' && node.value === null);
}

/** A text node at the place of another. */
export function textNode(value: string | null, at: At): ScalarNode {
  return { kind: 'scalar', value, at };
}

/** An empty map at the place of another node. */
export function emptyMap(at: At): MapNode {
  return { kind: 'map', entries: new Map(), at };
}

/** How many nodes a walk would visit, aliases counted each time; stops counting beyond `limit`. */
export function countNodes(node: Node, limit: number): number {
  let count = 1;
  const children =
    node.kind === 'list' ? node.items : node.kind === 'map' ? entriesOf(node).map(([, e]) => e.node) : [];
  for (const each of children) {
    if (count > limit) break;
    count += countNodes(each, limit - count);
  }
  return count;
}

/** `services.web.ports[0]`; keys that are not plain words are quoted. */
export function pathText(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[\w-]{1,64}$/.test(part)) text += text === '' ? part : `.${part}`;
    else text += `[${JSON.stringify(cut(part, 64))}]`;
  }
  return text;
}

/** 1-based line and column of an offset. */
export function placeOf(at: At, path?: Path): Place {
  const { line, col } = at.source.lines.linePos(at.offset);
  const place: Place = { file: at.source.name, line: Math.max(line, 1), column: Math.max(col, 1) };
  if (path !== undefined && path.length > 0) place.path = pathText(path);
  return place;
}

/** Untrusted text for a message: one line, no control characters, at most `length` characters. */
export function cut(text: string, length = 120): string {
  let plain = '';
  for (const character of text) {
    if (plain.length >= length) return `${plain}…`;
    const point = character.codePointAt(0)!;
    const control =
      point < 0x20 ||
      (point >= 0x7f && point < 0xa0) ||
      (point >= 0x202a && point <= 0x202e) ||
      (point >= 0x2066 && point <= 0x2069);
    plain += control ? ' ' : character;
  }
  return plain;
}
