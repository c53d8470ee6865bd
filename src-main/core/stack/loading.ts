/** What `extends` and `include` need of the project that is being loaded; they call it, and it calls them. */
import type { StackSource } from '../../contract/nouns';
import type { Budget } from './limits';
import type { Node, SourceFile } from './node';
import type { Report } from './report';
import type { Lookup } from './variables';

/** The files on the way to an included one, and how deep it is. */
export interface IncludeChain {
  files: readonly string[];
}

/** A project in the middle of being read. */
export interface Loading {
  readonly source: StackSource;
  readonly report: Report;
  readonly budget: Budget;
  /** The text of a file that another file refers to; the path is relative to the project directory, or absolute. */
  readText(path: string): string | undefined;
  /** The documents of a file, interpolated. `path` as for `readText`; relative paths inside start from `directory`. */
  documents(file: SourceFile, text: string): Node[];
  /** Merges one document over what came before it. */
  add(before: Node | undefined, document: Node, chain: IncludeChain): Node;
  /** The variables of an env file's text, over which `lookup` wins. */
  variables(file: { name: string; text: string }, lookup: Lookup): Map<string, string>;
}
