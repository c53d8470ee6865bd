/** The one way out of the app: http and https addresses, after the user has seen the whole host (S7). */

/** Text that could hide or reorder what the user reads: controls, spaces, bidirectional marks, zero-width characters. */
/* eslint-disable no-control-regex -- control characters are what is looked for */
const deceptive =
  /[\u0000-\u0020\u007f-\u00a0\u00ad\u061c\u115f\u1160\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\ufff0-\uffff]/;
/* eslint-enable no-control-regex */

export interface ExternalLink {
  /** The address as it will be opened: normalised, its host in ASCII (punycode), so that look-alikes show. */
  href: string;
  host: string;
}

/** The link if it may be opened at all: http or https, a real host, no user name in front of it, nothing hidden in it. */
export function externalLink(text: unknown): ExternalLink | undefined {
  if (typeof text !== 'string' || text.length > 2048 || deceptive.test(text) || text.includes('\\')) return undefined;
  if (!/^https?:\/\/[^/]/i.test(text)) return undefined;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return undefined;
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined;
  if (url.username !== '' || url.password !== '' || url.hostname === '') return undefined;
  return { href: url.href, host: url.host };
}
