/** What a query means, after parsing. */

/** A piece of text to find, folded. A bound end must not run into another letter: whole words by default. */
export interface TextNode {
  kind: 'text';
  folded: string;
  left: boolean;
  right: boolean;
}

export type Comparison = '>' | '>=' | '<' | '<=';

/** What a field's value must be. `number` compares; durations and sizes are read as numbers of milliseconds and bytes. */
export type ValueTest =
  | { kind: 'text'; text: TextNode }
  | { kind: 'exact'; folded: string }
  | { kind: 'number'; comparison: Comparison; value: number }
  | { kind: 'regex'; source: string; flags: string }
  | { kind: 'exists' };

export type QueryNode =
  | { kind: 'all' }
  | { kind: 'and'; items: QueryNode[] }
  | { kind: 'or'; items: QueryNode[] }
  | { kind: 'not'; item: QueryNode }
  | TextNode
  | { kind: 'regex'; source: string; flags: string }
  | { kind: 'field'; name: string; test: ValueTest }
  /** Bit `code` set: lines of that level pass. */
  | { kind: 'level'; mask: number }
  | { kind: 'stream'; stderr: boolean }
  /** One of the places a line comes from; `pattern` may hold `*`. */
  | { kind: 'source'; part: SourcePart; pattern: string };

export type SourcePart = 'stack' | 'service' | 'replica' | 'container' | 'generation' | 'revision';
