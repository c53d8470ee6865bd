/** The client's end of the local socket. */
import { createConnection, type Socket } from 'node:net';
import { Emitter, type Event } from '../base/emitter';
import { Client } from '../contract/client';
import type { ServerMessage } from '../contract/wire';
import { LineReader } from './lines';

/** A connection that carries raw protocol messages; the window's port is piped through one of these. */
export interface Wire {
  send(message: unknown): void;
  onMessage: Event<ServerMessage>;
  onClose: Event<void>;
  dispose(): void;
}

/** Connects, or resolves with undefined when nobody listens there (or not within `patience` milliseconds). */
export async function openWire(path: string, patience = 2000): Promise<Wire | undefined> {
  const socket = await dial(path, patience);
  if (!socket) return undefined;
  const messages = new Emitter<ServerMessage>();
  const closed = new Emitter<void>();
  const reader = new LineReader(
    (value) => messages.fire(value as ServerMessage),
    () => socket.destroy(),
  );
  socket.on('data', (chunk: Buffer) => reader.push(chunk));
  socket.on('error', () => socket.destroy());
  socket.on('close', () => closed.fire());
  return {
    send: (message) => {
      if (!socket.destroyed) socket.write(`${JSON.stringify(message)}\n`);
    },
    onMessage: messages.event,
    onClose: closed.event,
    dispose: () => socket.destroy(),
  };
}

/** A typed client over a wire. */
export function clientOf(wire: Wire): Client {
  const client = new Client((message) => wire.send(message));
  wire.onMessage((message) => client.receive(message));
  wire.onClose(() => client.close());
  return client;
}

/** Whether somebody accepts connections there. */
export async function reachable(path: string): Promise<boolean> {
  const socket = await dial(path, 1000);
  socket?.destroy();
  return socket !== undefined;
}

function dial(path: string, patience: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    const timer = setTimeout(() => give(undefined), patience);
    const give = (result: Socket | undefined): void => {
      clearTimeout(timer);
      socket.removeAllListeners();
      if (!result) {
        socket.on('error', () => {});
        socket.destroy();
      }
      resolve(result);
    };
    socket.once('connect', () => give(socket));
    socket.once('error', () => give(undefined));
  });
}
