/** Parses a corpus case with the real parser. */
import type { ParsedProject } from '../../../../../src-main/core/stack';
import { parseProject } from '../../../../../src-main/core/stack';
import type { ComposeCase } from './case';

/** The folder that every case is said to lie in. */
export const folder = '/srv/project';

/** Reads files beside the project's as the app would: by their path relative to the project. */
export function readerOf(beside: Record<string, string> = {}): (path: string) => string | undefined {
  return (path) => (Object.hasOwn(beside, path) ? beside[path] : undefined);
}

/** The case, parsed. */
export function parseCase(each: ComposeCase, directory = folder): ParsedProject {
  return parseProject(
    {
      files: Object.entries(each.files).map(([name, text]) => ({ name, text })),
      ...(each.env === undefined ? {} : { envFiles: [{ name: '.env', text: each.env }] }),
      environment: each.environment ?? {},
      ...(each.profiles === undefined ? {} : { profiles: each.profiles }),
      directory,
    },
    { readFile: readerOf({ ...each.beside, ...each.files }) },
  );
}
