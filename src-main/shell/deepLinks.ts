/**
 * `pilothouse://services/shop/web` shows that screen, `pilothouse://logs?q=refused&from=…` shows that selection. Deep links navigate, they
 * never act: what follows the question mark only chooses what is read, on screens that read.
 */

const longest = 512;
const longestQuery = 3000;

/** The route a deep link leads to, or undefined when it is not a plain one. Only harmless characters pass. */
export function deepLinkRoute(text: string): string | undefined {
  if (text.length > longest + longestQuery) return undefined;
  const match = /^pilothouse:\/\/([a-z]+(?:\/[A-Za-z0-9._~-]+)*)\/?(?:\?([A-Za-z0-9._~%*=&+-]*))?$/.exec(text);
  const [, path, query = ''] = match ?? [];
  if (!path || path.length > longest || path.split('/').some((part) => /^\.+$/.test(part))) return undefined;
  if (query === '') return text.includes('?') ? undefined : `/${path}`;
  return query.length <= longestQuery && withSelection.has(path) ? `/${path}?${query}` : undefined;
}

/** Screens whose address says what they show. */
const withSelection: ReadonlySet<string> = new Set(['logs', 'metrics', 'topology']);
