/** `pilothouse://services/shop/web` shows that screen. Deep links navigate, they never act. */

const longest = 512;

/** The route a deep link leads to, or undefined when it is not a plain one. Only a path of harmless characters passes. */
export function deepLinkRoute(text: string): string | undefined {
  if (text.length > longest) return undefined;
  const match = /^pilothouse:\/\/([a-z]+(?:\/[A-Za-z0-9._~-]+)*)\/?$/.exec(text);
  const path = match?.[1];
  if (!path || path.split('/').some((part) => /^\.+$/.test(part))) return undefined;
  return `/${path}`;
}
