/** Addresses of engines: read, judged and made into something a request can be sent to. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sentence, say, type Sentence } from '../../contract/sentence';
import { EngineError } from '../../core/engine';

/** Where the three files of a TLS client lie. */
export interface TlsFiles {
  /** Folder with ca.pem, cert.pem and key.pem; each may be absent. */
  folder: string;
  /** The user's context says not to verify the server. */
  skipVerify: boolean;
}

/** An engine that exists, or is said to, not yet asked. Plain data. */
export interface FoundEngine {
  /** Stable for one endpoint; replaced by the daemon's own id once connected. */
  id: string;
  /** As Docker writes it: `unix:///var/run/docker.sock`, `ssh://user@host`, `tcp://host:2376`, `npipe:////./pipe/docker_engine`. */
  endpoint: string;
  /** Who named it: `DOCKER_HOST`, `context desktop-linux`, `Podman`. */
  source: string;
  /** What to call it before it has told its own name. */
  name: string;
  /** What its place suggests; the connected engine knows better. */
  kind: 'docker' | 'podman';
  /** Why it cannot be used as it is; connecting fails with the same sentence. */
  problem?: Sentence;
  tls?: TlsFiles;
}

/** An endpoint taken apart. */
export type Target =
  | { kind: 'socket'; path: string }
  | { kind: 'tcp'; host: string; port: number; tls?: TlsFiles }
  | { kind: 'ssh'; host: string; port?: number; user?: string };

/**
 * Takes an endpoint apart, or says why it cannot be used. Plain TCP is only for this machine: everybody who can reach such a port
 * is root there (S22).
 */
export function parseEndpoint(endpoint: string, tls?: TlsFiles): Target | { problem: Sentence } {
  const bad = { problem: sentence('engine.badEndpoint', { endpoint }) };
  const socket = /^(?:unix|npipe):\/\/(.+)$/.exec(endpoint);
  if (socket?.[1]) return { kind: 'socket', path: socket[1] };
  let url: URL;
  try {
    // The parser knows host and port rules only for schemes of the web.
    url = new URL(endpoint.replace(/^(tcp|ssh):/, 'http:'));
  } catch {
    return bad;
  }
  const scheme = /^(tcp|http|https|ssh):\/\//.exec(endpoint)?.[1];
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port ? Number(url.port) : /:80(\/|$)/.test(endpoint) ? 80 : undefined;
  if (!scheme || !host || host.startsWith('-') || url.password) return bad;
  if (scheme === 'ssh') {
    const user = decodeURIComponent(url.username);
    if (user.startsWith('-') || /[\s@]/.test(user)) return bad;
    return { kind: 'ssh', host, ...(port ? { port } : {}), ...(user ? { user } : {}) };
  }
  const encrypted = tls !== undefined || scheme === 'https';
  if (!encrypted && !isLoopback(host)) return { problem: sentence('engine.plainTcp', { endpoint }) };
  if (!encrypted) return { kind: 'tcp', host, port: port ?? 2375 };
  return { kind: 'tcp', host, port: port ?? 2376, tls: tls ?? { folder: '', skipVerify: false } };
}

/** Whether a host name can only mean this machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

/**
 * The endpoint of a found engine, ready to be dialled.
 * @throws EngineError `denied` or `invalid` with the problem's sentence
 */
export function targetOf(found: Pick<FoundEngine, 'endpoint' | 'problem' | 'tls'>): Target {
  const target = parseEndpoint(found.endpoint, found.tls);
  if (!('problem' in target)) {
    if (!found.problem) return target;
    throw new EngineError('invalid', say(found.problem), { words: found.problem });
  }
  const words = target.problem;
  throw new EngineError(words.code === 'engine.plainTcp' ? 'denied' : 'invalid', say(words), { words });
}

/** The contents of the TLS files that exist. */
export function readTls(files: TlsFiles): { ca?: Buffer; cert?: Buffer; key?: Buffer } {
  const read = (name: string): Buffer | undefined => {
    try {
      return files.folder ? readFileSync(join(files.folder, name)) : undefined;
    } catch {
      return undefined;
    }
  };
  const [ca, cert, key] = [read('ca.pem'), read('cert.pem'), read('key.pem')];
  return { ...(ca ? { ca } : {}), ...(cert ? { cert } : {}), ...(key ? { key } : {}) };
}
