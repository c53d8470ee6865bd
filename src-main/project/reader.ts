/** Reads what a Compose file refers to (`env_file`, `configs.file`, `extends.file`), from inside the project's folder only. */
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { isAbsolute, resolve, sep } from 'node:path';

const longestFile = 1024 * 1024;

/**
 * A reader for one project. It answers undefined for what is not there, is not a plain file of at most 1 MiB, or lies outside
 * the folder once links are followed: a Compose file from elsewhere must not copy `/etc/shadow` into a container.
 */
export function projectReader(directory: string): (path: string) => string | undefined {
  return (path) => {
    try {
      const root = realpathSync(directory);
      const file = realpathSync(isAbsolute(path) ? path : resolve(root, path));
      if (!file.startsWith(root.endsWith(sep) ? root : root + sep)) return undefined;
      const facts = statSync(file);
      return facts.isFile() && facts.size <= longestFile ? readFileSync(file, 'utf8') : undefined;
    } catch {
      return undefined;
    }
  };
}
