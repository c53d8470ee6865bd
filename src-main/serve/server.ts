/**
 * The API on a local socket, for the command line and for a window that finds a core already running. Only the owner's user can
 * reach it: the folder is 0700 and the socket 0600 (on Windows the pipe's default rights give nobody else write access).
 */
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { Api } from '../contract/api';
import { fail, type PilothouseError } from '../contract/errors';
import { Session } from '../contract/session';
import { reachable } from './connect';
import { privateFolder } from './home';
import { LineReader } from './lines';

/** Bytes that may wait in a connection's send buffer before it is given up: the peer has stopped reading. */
const mostUnsent = 64 * 1024 * 1024;
const mostConnections = 64;

export interface SocketServer {
  path: string;
  close(): Promise<void>;
}

/**
 * Listens. Throws `conflict` when another core answers at this address; a socket file that nobody answers on is left over from a
 * crash and is replaced (tried by connecting, never by a pid file, F16).
 */
export async function serveSocket(api: Api, path: string): Promise<SocketServer> {
  const pipe = path.startsWith('\\\\');
  if (!pipe) privateFolder(dirname(path));
  if (await reachable(path)) throw alreadyRuns();
  if (!pipe) rmSync(path, { force: true });
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    if (sockets.size >= mostConnections) {
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    attend(api, socket);
  });
  await listen(server, path);
  if (!pipe) chmodSync(path, 0o600);
  return {
    path,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** What a second core with the same home is told. */
export function alreadyRuns(): PilothouseError {
  return fail(
    'conflict',
    'Pilothouse already runs with this home.',
    'Use it, or set PILOTHOUSE_HOME to another folder.',
  );
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    // The mode must be right from the first moment on, not only after chmod.
    const before = process.umask(0o177);
    try {
      server.listen(path, () => {
        server.removeListener('error', reject);
        server.on('error', () => {});
        resolve();
      });
    } finally {
      process.umask(before);
    }
  });
}

function attend(api: Api, socket: Socket): void {
  const session = new Session(api, 'cli', (message) => {
    if (socket.destroyed) return;
    socket.write(`${JSON.stringify(message)}\n`);
    if (socket.writableLength > mostUnsent) socket.destroy();
  });
  const reader = new LineReader(
    (value) => session.receive(value),
    () => socket.destroy(),
  );
  socket.on('data', (chunk: Buffer) => reader.push(chunk));
  socket.on('error', () => socket.destroy());
  socket.on('close', () => session.dispose());
}
