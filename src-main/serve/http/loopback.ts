/**
 * A small HTTP server for this machine alone. It listens on 127.0.0.1 and answers only to its own names: a web page whose name was
 * pointed at this address (DNS rebinding) still says its own name in `Host`.
 */
import type { Server } from 'node:http';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import { fail } from '../../contract/errors';

export interface LoopbackServer {
  port: number;
  close(): Promise<void>;
}

const headerPatience = 5_000;
const mostConnections = 64;

/** Listens on a port, 0 for any. Rejects when it is taken. */
export function serveLoopback(routes: Hono, port: number): Promise<LoopbackServer> {
  return new Promise((resolve, reject) => {
    const guard = new Hono();
    let own: ReadonlySet<string> = new Set();
    guard.use(async (context, next) => {
      if (!own.has(context.req.header('host') ?? '')) return context.text('Misdirected request\n', 421);
      return next();
    });
    guard.route('/', routes);
    const server = serve({ fetch: guard.fetch, hostname: '127.0.0.1', port }, (address) => {
      server.removeListener('error', refuse);
      server.on('error', () => {});
      own = new Set([`127.0.0.1:${address.port}`, `localhost:${address.port}`]);
      resolve({ port: address.port, close: () => close(server) });
    }) as Server;
    server.headersTimeout = headerPatience;
    server.requestTimeout = headerPatience;
    server.maxConnections = mostConnections;
    const refuse = (): void => {
      reject(fail('conflict', `Port ${port} of this machine is taken.`, 'Choose another one.'));
    };
    server.once('error', refuse);
  });
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.closeAllConnections();
    server.close(() => resolve());
  });
}
