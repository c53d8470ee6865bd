/** Serves the window's own files under `app://pilothouse/`, and nothing else from the disk (S11). */
import { readFile, realpath } from 'node:fs/promises';
import { extname, resolve, sep } from 'node:path';
import { onOurPage } from './sender';

/**
 * `style-src 'unsafe-inline'`: Vue, CodeMirror and ECharts set style attributes and elements; styles cannot run code.
 * Everything that could load, post, frame or navigate elsewhere is off.
 */
export const contentPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "frame-src 'none'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff': 'font/woff',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
};

/** The file an address names, as a path relative to the bundle with `/` between parts; undefined when it is not a plain one. */
export function bundlePath(address: string): string | undefined {
  // Looked at before URL parsing, which would silently resolve dots away: a page of ours never asks for such a path.
  if (!onOurPage(address) || /%2f|%5c|%00|%2e|\\|\.\.|\/\/./i.test(address.slice(`app://`.length))) return undefined;
  let path: string;
  try {
    path = decodeURIComponent(new URL(address).pathname);
  } catch {
    return undefined;
  }
  // eslint-disable-next-line no-control-regex -- control characters are what is refused
  if (/[\u0000-\u001f\u007f\\:]/.test(path)) return undefined;
  const parts = path.split('/').filter((part) => part !== '');
  if (parts.some((part) => part.startsWith('.'))) return undefined;
  return parts.length === 0 ? 'index.html' : parts.join('/');
}

/** The file's real place, when that is inside the folder: links that lead out are refused. */
export async function bundleFile(folder: string, address: string): Promise<string | undefined> {
  const path = bundlePath(address);
  if (path === undefined) return undefined;
  try {
    const root = await realpath(folder);
    const file = await realpath(resolve(root, path));
    // With the separator: `/data-evil` starts with `/data`.
    return file.startsWith(root + sep) ? file : undefined;
  } catch {
    return undefined;
  }
}

/** Answers one request for a file of the bundle. */
export async function answer(folder: string, request: { method: string; url: string }): Promise<Response> {
  const headers: Record<string, string> = {
    'Content-Security-Policy': contentPolicy,
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Content-Type': 'text/plain; charset=utf-8',
  };
  if (request.method !== 'GET') return new Response('Only GET', { status: 405, headers });
  const file = await bundleFile(folder, request.url);
  if (!file) return new Response('Not found', { status: 404, headers });
  try {
    const body = await readFile(file);
    headers['Content-Type'] = types[extname(file)] ?? 'application/octet-stream';
    return new Response(new Uint8Array(body), { status: 200, headers });
  } catch {
    return new Response('Not found', { status: 404, headers });
  }
}
