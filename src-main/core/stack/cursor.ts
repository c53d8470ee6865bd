/** Reads typed values out of the tree. The schema has already told what has the wrong shape, so a cursor is silent about that. */
import { asPairs } from './merge';
import type { At, Entry, Node, Path } from './node';
import { child, entriesOf, isNull, itemsOf } from './node';
import type { Report, Spot } from './report';
import { resolvePlain, scalarText } from './scalar';
import { parseBytes, parseDuration } from './units';

/** A place in the tree that may be empty. */
export class Cursor {
  constructor(
    readonly node: Node | undefined,
    readonly path: Path,
    readonly report: Report,
    /** Where to point to when there is no value here: the nearest that exists. */
    readonly near: At | undefined = node?.at,
  ) {}

  get spot(): Spot {
    const at = this.node?.at ?? this.near;
    return at === undefined ? { path: this.path } : { at, path: this.path };
  }

  /** True when there is a value other than null. */
  get given(): boolean {
    return !isNull(this.node);
  }

  /** True when the key is there, be it null. */
  get present(): boolean {
    return this.node !== undefined;
  }

  get(key: string): Cursor {
    return new Cursor(child(this.node, key), [...this.path, key], this.report, this.near);
  }

  /** The place of a key itself, for messages about the key rather than its value. */
  keySpot(key: string): Spot {
    const entry: Entry | undefined = this.node?.kind === 'map' ? this.node.entries.get(key) : undefined;
    return { at: entry?.at ?? this.near, path: [...this.path, key] };
  }

  items(): Cursor[] {
    return itemsOf(this.node).map((item, index) => new Cursor(item, [...this.path, index], this.report));
  }

  /** A list's items, or a single value as the only one. */
  many(): Cursor[] {
    if (this.node?.kind === 'list') return this.items();
    return this.given ? [this] : [];
  }

  entries(): [string, Cursor][] {
    return entriesOf(this.node).map(([key, entry]) => [
      key,
      new Cursor(entry.node, [...this.path, key], this.report, entry.at),
    ]);
  }

  /** A scalar as text; undefined for null and for collections. */
  text(): string | undefined {
    return this.node?.kind === 'scalar' && this.node.value !== null ? scalarText(this.node.value) : undefined;
  }

  texts(): string[] {
    return this.many().flatMap((item) => item.text() ?? []);
  }

  boolean(): boolean | undefined {
    const value = this.#value();
    return typeof value === 'boolean' ? value : this.#bad('compose.badBoolean', value);
  }

  number(): number | undefined {
    const value = this.#value();
    return typeof value === 'number' ? value : this.#bad('compose.badNumber', value);
  }

  /** A whole number of at least `least`. */
  integer(least = 0): number | undefined {
    const value = this.#value();
    if (typeof value === 'number' && Number.isInteger(value) && value >= least) return value;
    if (value === undefined || value === null) return undefined;
    this.report.problem('compose.badInteger', { value: String(value), least }, this.spot);
    return undefined;
  }

  /** Milliseconds. */
  duration(): number | undefined {
    const text = this.text();
    if (text === undefined) return undefined;
    return parseDuration(text) ?? this.#bad('compose.badDuration', text);
  }

  bytes(): number | undefined {
    const text = this.text();
    if (text === undefined) return undefined;
    return parseBytes(text) ?? this.#bad('compose.badSize', text);
  }

  /** `[A=1, B]` or `{A: 1, B: null}`: names, values as text and where they stand. A later one of the same name wins. */
  pairs(): Map<string, { value: string | null; at: At }> {
    const result = new Map<string, { value: string | null; at: At }>();
    if (this.node === undefined) return result;
    for (const [key, entry] of entriesOf(asPairs(this.node))) {
      if (entry.node.kind !== 'scalar') continue;
      result.set(key, { value: entry.node.value === null ? null : scalarText(entry.node.value), at: entry.at });
    }
    return result;
  }

  /** Pairs as a record; a name without a value has an empty one. */
  record(): Record<string, string> {
    return Object.fromEntries([...this.pairs()].map(([key, { value }]) => [key, value ?? '']));
  }

  #value(): string | number | boolean | null | undefined {
    if (this.node?.kind !== 'scalar') return undefined;
    return typeof this.node.value === 'string' ? resolvePlain(this.node.value.trim()) : this.node.value;
  }

  #bad(
    words: 'compose.badBoolean' | 'compose.badNumber' | 'compose.badDuration' | 'compose.badSize',
    value: string | number | boolean | null | undefined,
  ): undefined {
    if (value !== undefined && value !== null) this.report.problem(words, { value: String(value) }, this.spot);
    return undefined;
  }
}
