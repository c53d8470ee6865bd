/** The numbers that everything hostile runs into. */
export const limits = {
  /** UTF-16 units of one file. */
  textLength: 1024 * 1024,
  /** Open collections. */
  depth: 100,
  /** Nodes of a whole project, aliases counted as often as they are used. */
  nodes: 100_000,
  /** Words, marks, spaces and line ends of one file: what reading it costs. About 20,000 lines. */
  tokens: 150_000,
  listItems: 2000,
  documents: 32,
} as const;

/** What is left of the project's node allowance; shared by all its files. */
export interface Budget {
  nodes: number;
}
