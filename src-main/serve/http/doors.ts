/** Before anything is looked at: which requests are not for us. Pure. */

/** Names under which we can be called; everything else is somebody's DNS trick. */
export function hostNames(addresses: readonly string[], port: number): Set<string> {
  const names = ['localhost', 'host.docker.internal', 'host.containers.internal', ...addresses];
  return new Set(names.map((name) => `${name}:${port}`));
}

export interface Asked {
  /** Every Host header that came. */
  hosts: readonly string[];
  /** Path and query as they were sent. */
  target: string;
  headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** The status to refuse with, or undefined to go on. */
export function refused(asked: Asked, names: ReadonlySet<string>): number | undefined {
  const [host, ...more] = asked.hosts;
  if (host === undefined || more.length > 0 || !names.has(host.toLowerCase())) return 421;
  // Pages of browsers have nothing to do here: no origin is on any list.
  if (asked.headers['origin'] !== undefined) return 403;
  const site = asked.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'none') return 403;
  if (asked.headers['x-http-method-override'] !== undefined || asked.headers['x-method-override'] !== undefined)
    return 400;
  if (!plainPath(asked.target)) return 404;
  return undefined;
}

/** A path that means only one thing: no empty or dotted segments, nothing encoded that makes a path. */
export function plainPath(target: string): boolean {
  const path = target.split('?')[0] ?? '';
  if (!path.startsWith('/') || path.includes('\\') || path.includes(';')) return false;
  if (/%(?:2e|2f|5c|00|25)/i.test(path)) return false;
  const segments = path.slice(1).split('/');
  return segments.every((segment) => segment !== '' && segment !== '.' && segment !== '..');
}

/** How fast each address may ask: so many at once, and so many a second after that. */
export class Pace {
  private readonly known = new Map<string, { left: number; at: number }>();

  constructor(
    private readonly burst: number,
    private readonly perSecond: number,
  ) {}

  /** Takes one; false when there is none left. `now` in milliseconds. */
  take(address: string, now: number): boolean {
    const one = this.known.get(address) ?? { left: this.burst, at: now };
    const left = Math.min(this.burst, one.left + ((now - one.at) * this.perSecond) / 1000);
    this.known.delete(address);
    this.known.set(address, { left: left >= 1 ? left - 1 : left, at: now });
    if (this.known.size > 4096) this.known.delete(this.known.keys().next().value ?? '');
    return left >= 1;
  }
}
