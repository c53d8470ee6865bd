/**
 * One YAML document's syntax tree to nodes. Anchors, aliases and merge keys are resolved here, and not by the library, because each
 * use of an alias is charged before it is followed.
 */
import { isAlias, isMap, isScalar, isSeq } from 'yaml';
import type { Node as YamlNode, Pair, ParsedNode } from 'yaml';
import type { Budget } from './limits';
import { limits } from './limits';
import type { At, Entry, ListNode, MapNode, MergeTag, Node, Path, ScalarNode, SourceFile } from './node';
import { countNodes } from './node';
import type { Report } from './report';
import { resolvePlain } from './scalar';

/** Names that would reach Object.prototype if a map were ever an object. No Compose file needs them. */
const forbiddenKeys = new Set([...Object.getOwnPropertyNames(Object.prototype), 'prototype']);

class Refused extends Error {}

/** A scalar's text: the failsafe schema makes nothing else of it. */
function rawText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** True for `key:` with nothing behind it, not even an anchor or a tag. */
function isEmpty(node: YamlNode): boolean {
  return (
    isScalar(node) && node.source === '' && node.type === 'PLAIN' && node.anchor === undefined && node.tag === undefined
  );
}

interface Sized {
  node: Node;
  size: number;
}

/** Reads one document. Each anchor's node is made once and shared; its size is charged for every use. */
export class YamlReader {
  readonly #anchors = new Map<string, Sized | 'open'>();

  constructor(
    private readonly source: SourceFile,
    private readonly context: { report: Report; budget: Budget },
  ) {}

  read(root: YamlNode): Node | undefined {
    try {
      return this.#node(root, []).node;
    } catch (thrown) {
      if (thrown instanceof Refused) return undefined;
      throw thrown;
    }
  }

  #at(node: { range?: readonly number[] | null } | null | undefined): At {
    return { source: this.source, offset: node?.range?.[0] ?? 0 };
  }

  #charge(size: number, at: At, path: Path): void {
    this.context.budget.nodes -= size;
    if (this.context.budget.nodes >= 0) return;
    this.context.report.problem('compose.tooManyNodes', { limit: limits.nodes }, { at, path }, 'too-large');
    throw new Refused();
  }

  #node(node: YamlNode, path: Path): Sized {
    const at = this.#at(node);
    if (isAlias(node)) {
      const known = this.#anchors.get(node.source);
      if (known === undefined || known === 'open') {
        const code = known === 'open' ? 'compose.aliasCycle' : 'compose.aliasUnknown';
        this.context.report.problem(code, { anchor: node.source }, { at, path });
        return { node: { kind: 'scalar', value: null, at, broken: true }, size: 1 };
      }
      this.#charge(known.size, at, path);
      return known;
    }
    const anchor = (node as { anchor?: string }).anchor;
    if (anchor !== undefined) this.#anchors.set(anchor, 'open');
    this.#charge(1, at, path);
    const sized = isMap(node)
      ? this.#map(node.items as Pair<YamlNode, YamlNode | null>[], node, path)
      : isSeq(node)
        ? this.#list(node.items as YamlNode[], node, path)
        : { node: this.#scalar(node, path), size: 1 };
    if (anchor !== undefined) this.#anchors.set(anchor, sized);
    return sized;
  }

  #list(items: YamlNode[], node: YamlNode, path: Path): Sized {
    const list: ListNode = { kind: 'list', items: [], at: this.#at(node), ...this.#tag(node, path, 'seq') };
    let size = 1;
    if (items.length > limits.listItems) {
      this.context.report.problem(
        'compose.listTooLong',
        { limit: limits.listItems },
        { at: list.at, path },
        'too-large',
      );
      throw new Refused();
    }
    for (const [index, item] of items.entries()) {
      const sized = this.#node(item, [...path, index]);
      size += sized.size;
      list.items.push(sized.node);
    }
    return { node: list, size };
  }

  #map(pairs: Pair<YamlNode, YamlNode | null>[], node: YamlNode, path: Path): Sized {
    const map: MapNode = { kind: 'map', entries: new Map(), at: this.#at(node), ...this.#tag(node, path, 'map') };
    const merged: Sized[] = [];
    let size = 1;
    for (const pair of pairs) {
      const keyAt = this.#at(pair.key);
      const key = this.#key(pair.key, path);
      if (key === undefined) continue;
      const inside = [...path, key];
      // A key without a value is pointed to by its key: there is nothing else to point to.
      const value: Sized =
        pair.value && !isEmpty(pair.value)
          ? this.#node(pair.value, inside)
          : { node: { kind: 'scalar', value: null, at: keyAt }, size: 1 };
      if (key === '<<' && isScalar(pair.key) && pair.key.type === 'PLAIN') {
        merged.push(...this.#mergeSources(value, inside));
        continue;
      }
      const before = map.entries.get(key);
      if (before !== undefined) {
        const line = this.source.lines.linePos(before.at.offset).line;
        this.context.report.problem('compose.duplicateKey', { key, line }, { at: keyAt, path: inside });
        continue;
      }
      map.entries.set(key, { at: keyAt, node: value.node });
      size += value.size;
    }
    if (merged.length > 0) {
      const own = map.entries;
      const all = new Map<string, Entry>();
      // YAML's merge: keys of the map itself win, then those of earlier sources.
      for (const source of [...merged].reverse()) {
        size += source.size;
        for (const [key, entry] of (source.node as MapNode).entries) all.set(key, entry);
      }
      for (const [key, entry] of own) all.set(key, entry);
      map.entries = all;
    }
    return { node: map, size };
  }

  #mergeSources(value: Sized, path: Path): Sized[] {
    if (value.node.kind === 'map') return [value];
    if (value.node.kind === 'list' && value.node.items.every((item) => item.kind === 'map')) {
      return value.node.items.map((node) => ({ node, size: countNodes(node, limits.nodes) }));
    }
    this.context.report.problem('compose.mergeKind', {}, { at: value.node.at, path });
    return [];
  }

  #key(node: unknown, path: Path): string | undefined {
    const { report } = this.context;
    const at = this.#at(node as ParsedNode);
    const text = this.#keyText(node, at);
    if (text === undefined) report.problem('compose.keyKind', {}, { at, path });
    else if (forbiddenKeys.has(text)) report.problem('compose.forbiddenKey', { key: text }, { at, path }, 'forbidden');
    else if (text.includes('\0')) report.problem('compose.zeroByte', {}, { at, path });
    else return text;
    return undefined;
  }

  #keyText(node: unknown, at: At): string | undefined {
    if (isAlias(node)) {
      const known = this.#anchors.get(node.source);
      if (known === undefined || known === 'open' || known.node.kind !== 'scalar') return undefined;
      return known.node.value === null ? undefined : String(known.node.value);
    }
    if (!isScalar(node)) return undefined;
    const text = rawText(node.value);
    if (node.anchor !== undefined) {
      this.#anchors.set(node.anchor, { node: { kind: 'scalar', value: text, at }, size: 1 });
    }
    return text === '' && node.type === 'PLAIN' ? undefined : text;
  }

  #scalar(node: YamlNode, path: Path): ScalarNode {
    const at = this.#at(node);
    const text = isScalar(node) ? rawText(node.value) : '';
    if (text.includes('\0')) {
      this.context.report.problem('compose.zeroByte', {}, { at, path });
      return { kind: 'scalar', value: null, at, broken: true };
    }
    const plain = !isScalar(node) || node.type === 'PLAIN' || node.type === undefined;
    const tag = isScalar(node) ? node.tag : undefined;
    const kind = this.#tag(node, path, 'scalar');
    if (tag === '!' || tag === 'tag:yaml.org,2002:str') return { kind: 'scalar', value: text, at };
    const typed = tag === undefined || tag === '!reset' || tag === '!override' ? plain : true;
    return typed
      ? { kind: 'scalar', value: resolvePlain(text), at, ...kind }
      : { kind: 'scalar', value: text, at, loose: true, ...kind };
  }

  /** Compose's own tags, YAML's own tags, and nothing else: `!!js/function` and its kind are refused. */
  #tag(node: YamlNode, path: Path, kind: 'scalar' | 'seq' | 'map'): { tag?: MergeTag } {
    const tag = (node as { tag?: string }).tag;
    if (tag === undefined || tag === '!') return {};
    if (tag === '!reset' || tag === '!override') return { tag: tag.slice(1) as MergeTag };
    const known = kind === 'scalar' ? ['str', 'int', 'float', 'bool', 'null'] : [kind];
    if (!known.some((name) => tag === `tag:yaml.org,2002:${name}`)) {
      this.context.report.problem(
        'compose.unknownTag',
        { tag: tag.replace('tag:yaml.org,2002:', '!!') },
        { at: this.#at(node), path },
      );
    }
    return {};
  }
}
