/** A Compose project as a test needs it. The folder is always `directory` below; the oracle test moves it to a real one. */
export interface ComposeCase {
  name: string;
  /** In merge order. */
  files: Record<string, string>;
  /** Files that others refer to. */
  beside?: Record<string, string>;
  env?: string;
  environment?: Record<string, string>;
  profiles?: string[];
  /** Why Docker Compose 2.26 is not asked about it. */
  notForOracle?: string;
}

/** A case of one file. */
export function one(name: string, text: string, more: Partial<ComposeCase> = {}): ComposeCase {
  return { name, files: { 'compose.yaml': text }, ...more };
}
