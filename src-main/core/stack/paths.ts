/** Paths without a file system: POSIX and Windows spellings, joined and made plain. */

/** True for `/x`, `C:\x`, `C:/x` and `\\server\share`. */
export function isAbsolute(path: string): boolean {
  return path.startsWith('/') || /^[A-Za-z]:[\\/]/.test(path) || path.startsWith('\\\\');
}

/** True for a path of a short volume or file reference, as opposed to a name: it starts with `.`, `/`, `~` or a drive. */
export function looksLikePath(text: string): boolean {
  return /^[./~\\]/.test(text) || /^[A-Za-z]:[\\/]/.test(text);
}

/** Resolves `.` and `..` and doubled slashes. A relative path that leaves its start begins with `../`; the start itself is `.`. */
export function plainPath(path: string): string {
  const windows = /^[A-Za-z]:[\\/]|^\\\\/.test(path);
  const slashed = windows ? path.replaceAll('\\', '/') : path;
  const root = (windows ? /^([A-Za-z]:\/|\/\/)/ : /^\//).exec(slashed)?.[0] ?? '';
  const parts: string[] = [];
  for (const part of slashed.slice(root.length).split('/')) {
    if (part === '' || part === '.') continue;
    if (part !== '..') parts.push(part);
    else if (parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (root === '') parts.push('..');
  }
  const plain = root + parts.join('/');
  if (plain === '') return '.';
  return windows ? plain.replaceAll('/', '\\') : plain;
}

/** `path` as seen from `base`; absolute paths stay. */
export function joinPath(base: string | undefined, path: string): string {
  if (isAbsolute(path) || base === undefined || base === '') return plainPath(path);
  const separator = /^[A-Za-z]:[\\/]|^\\\\/.test(base) ? '\\' : '/';
  return plainPath(`${base}${separator}${path}`);
}

/** The folder of a path; `.` for a bare name. */
export function folderOf(path: string): string {
  const plain = plainPath(path);
  const cut = Math.max(plain.lastIndexOf('/'), plain.lastIndexOf('\\'));
  if (cut < 0) return '.';
  return cut === 0 ? '/' : plain.slice(0, cut);
}

/** The last part of a path. */
export function baseName(path: string): string {
  return plainPath(path).split(/[\\/]/).at(-1) ?? '';
}

/** `path` relative to `directory` when it lies inside it, else unchanged. */
export function insideOf(directory: string | undefined, path: string): string {
  const plain = plainPath(path);
  if (directory === undefined || !isAbsolute(plain)) return plain;
  const folder = plainPath(directory);
  const prefix = /[\\/]$/.test(folder) ? folder : `${folder}${folder.includes('\\') ? '\\' : '/'}`;
  return plain.startsWith(prefix) ? plain.slice(prefix.length) : plain;
}
