/**
 * `.dockerignore`: one pattern a line, as Go's filepath.Match has them and `**` besides; `!` takes back, the last that fits decides.
 * A pattern that fits a folder fits what is in it, too.
 */
interface Rule {
  matches: RegExp;
  keeps: boolean;
  /** The pattern's parts that hold no wildcard, from its beginning. */
  start: string;
}

export class Ignore {
  private readonly rules: Rule[];

  /** @param always paths that are never ignored */
  constructor(
    text: string,
    private readonly always: readonly string[],
  ) {
    this.rules = text
      .replace(/^\uFEFF/, '')
      .split(/\r?\n/)
      .filter((line) => !line.startsWith('#'))
      .map((line) => line.trim())
      .filter((line) => line !== '' && line !== '!')
      .flatMap((line) => {
        const keeps = line.startsWith('!');
        const parts = cleaned(keeps ? line.slice(1).trim() : line);
        if (parts.length === 0) return [];
        const wild = parts.findIndex((part) => /[*?[\\]/.test(part));
        const start = (wild < 0 ? parts : parts.slice(0, wild)).join('/');
        return [{ matches: expression(parts), keeps, start }];
      });
  }

  ignores(path: string): boolean {
    if (this.always.includes(path)) return false;
    let ignored = false;
    for (const { matches, keeps } of this.rules) if (keeps === ignored && matches.test(path)) ignored = !keeps;
    return ignored;
  }

  /** Whether something in an ignored folder may be taken back, so that it must be looked into. */
  mayKeepInside(folder: string): boolean {
    const inside = (start: string): boolean =>
      start === '' || start === folder || start.startsWith(`${folder}/`) || folder.startsWith(`${start}/`);
    return (
      this.rules.some((rule) => rule.keeps && inside(rule.start)) ||
      this.always.some((path) => path.startsWith(`${folder}/`))
    );
  }
}

/** Without `.`, doubled slashes and the slash at either end; `..` goes up as far as it can. */
function cleaned(pattern: string): string[] {
  const parts: string[] = [];
  for (const part of pattern.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts;
}

function expression(parts: readonly string[]): RegExp {
  let text = '^';
  parts.forEach((part, at) => {
    const last = at === parts.length - 1;
    if (part === '**') text += last ? '.+' : '(?:[^/]+/)*';
    else text += translated(part) + (last ? '' : '/');
  });
  return new RegExp(`${text}(?:/.*)?$`, 'su');
}

function translated(part: string): string {
  let text = '';
  for (let at = 0; at < part.length; at++) {
    const sign = part[at] ?? '';
    if (sign === '*') {
      // Doubled inside a part, it crosses slashes.
      const double = part[at + 1] === '*';
      text += double ? '.*' : '[^/]*';
      if (double) at += 1;
    } else if (sign === '?') text += '[^/]';
    else if (sign === '[') {
      const end = part.indexOf(']', at + 2);
      const inner =
        end < 0
          ? ''
          : part
              .slice(at + 1, end)
              .replace(/[\\\]]/g, '\\$&')
              .replace(/\[/g, '\\[');
      if (end < 0 || !isClass(inner)) text += '\\[';
      else {
        text += `[${inner}]`;
        at = end;
      }
    } else if (sign === '\\' && at + 1 < part.length) {
      at += 1;
      text += escaped(part[at] ?? '');
    } else text += escaped(sign);
  }
  return text;
}

function isClass(inner: string): boolean {
  try {
    return new RegExp(`[${inner}]`, 'u').test('') || true;
  } catch {
    return false;
  }
}

function escaped(sign: string): string {
  return sign.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}
