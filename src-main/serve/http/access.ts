/**
 * Who may do what. A token is `<id>.<secret>`; clients bring it in whatever way they know: a bearer header, Apollo's signature, Nacos'
 * user and password, Nacos' login, or Nacos' signature. Never by address and never by any other header.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { ConfigTokenView } from '../../contract/api/config';
import type { HttpWorld } from '../../app/http';

/** What a request may do. */
export interface Pass {
  /** The token's name, for `by`. */
  name: string;
  may(namespace: string, right: 'read' | 'write'): boolean;
}

export interface Shown {
  header(name: string): string | undefined;
  /** A parameter of the query or of the form. */
  parameter(name: string): string | undefined;
  /** Path and query as they were sent. */
  target: string;
}

/** Seconds a Nacos login holds. */
export const loginSeconds = 18_000;
/** How far a signature's time may be from ours, milliseconds. */
const skew = 60_000;

const nobody: Pass = { name: 'anybody', may: () => false };
const reader: Pass = { name: 'anybody', may: (_namespace, right) => right === 'read' };

export class Access {
  /** Signs logins; they end with the app, so clients log in again. */
  private readonly loginKey = randomBytes(32);

  constructor(private readonly world: HttpWorld) {}

  /** The pass of a request; undefined when it shows something that opens nothing. */
  pass(shown: Shown): Pass | undefined {
    const { header, parameter } = shown;
    const authorization = header('authorization');
    if (authorization?.startsWith('Bearer ')) return this.byToken(authorization.slice(7).trim());
    if (authorization?.startsWith('Apollo '))
      return this.bySignature(authorization.slice(7), header('timestamp'), shown.target);
    if (authorization !== undefined) return undefined;
    const login = parameter('accessToken') ?? header('accesstoken');
    if (login !== undefined && login !== '') return this.byLogin(login);
    const accessKey = header('spas-accesskey');
    if (accessKey !== undefined) return this.bySpas(accessKey, shown);
    const user = parameter('username');
    if (user !== undefined) return this.byUser(user, parameter('password') ?? '');
    return this.world.settings().open ? reader : nobody;
  }

  /** Nacos' login: a token of its own for a while. */
  login(user: string, password: string): string | undefined {
    if (!this.byUser(user, password)) return undefined;
    const body = `${user}.${this.world.clock.now() + loginSeconds * 1000}`;
    return `${body}.${this.loginMac(body)}`;
  }

  private byToken(text: string): Pass | undefined {
    const dot = text.indexOf('.');
    return dot < 0 ? undefined : this.byUser(text.slice(0, dot), text);
  }

  /** `password` is the whole token or its secret part. */
  private byUser(user: string, password: string): Pass | undefined {
    const token = this.world.config.token(user);
    // Compared in any case: how long it takes says nothing of whether the user exists.
    const secret = this.world.secretOf(user);
    const fits = same(password, secret) || same(password, `${user}.${secret}`);
    return token && fits ? this.passOf(token) : undefined;
  }

  private byLogin(text: string): Pass | undefined {
    const cut = text.lastIndexOf('.');
    const body = text.slice(0, cut);
    const [user = '', until = ''] = body.split('.');
    if (cut < 0 || !same(text.slice(cut + 1), this.loginMac(body))) return undefined;
    if (!(Number(until) > this.world.clock.now())) return undefined;
    const token = this.world.config.token(user);
    return token && this.passOf(token);
  }

  /** Apollo: `<appId>:<signature>` over the time and the path; any token that opens the namespace may have made it. */
  private bySignature(text: string, time: string | undefined, target: string): Pass | undefined {
    const colon = text.lastIndexOf(':');
    const appId = text.slice(0, colon);
    if (colon < 0 || !this.fresh(time)) return undefined;
    const found = this.world.config.tokens().filter((token) => {
      if (token.namespace !== '*' && token.namespace !== appId) return false;
      const made = hmac(this.whole(token.id), `${time ?? ''}\n${target}`);
      return same(text.slice(colon + 1), made);
    });
    const [token] = found;
    return token && this.passOf(token, appId);
  }

  private bySpas(accessKey: string, shown: Shown): Pass | undefined {
    const time = shown.header('timestamp');
    const token = this.world.config.token(accessKey);
    if (!token || !this.fresh(time)) return undefined;
    const tenant = shown.parameter('tenant') ?? '';
    const group = shown.parameter('group') ?? '';
    const resource = tenant && group ? `${tenant}+${group}` : tenant || group;
    const text = resource ? `${resource}+${time}` : (time ?? '');
    return same(shown.header('spas-signature') ?? '', hmac(this.whole(token.id), text))
      ? this.passOf(token)
      : undefined;
  }

  private fresh(time: string | undefined): boolean {
    return time !== undefined && /^\d{1,16}$/.test(time) && Math.abs(Number(time) - this.world.clock.now()) <= skew;
  }

  private whole(id: string): string {
    return `${id}.${this.world.secretOf(id)}`;
  }

  private passOf(token: ConfigTokenView, only?: string): Pass {
    this.world.config.usedToken(token.id);
    return {
      name: token.name,
      may: (namespace, right) =>
        (token.namespace === '*' || token.namespace === namespace) &&
        (only === undefined || only === namespace) &&
        (right === 'read' || token.rights === 'write'),
    };
  }

  private loginMac(body: string): string {
    return createHmac('sha256', this.loginKey).update(body).digest('base64url');
  }
}

function hmac(secret: string, text: string): string {
  return createHmac('sha1', secret).update(text).digest('base64');
}

/** Equal texts, in a time that depends on neither. */
function same(one: string, two: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(two));
}
