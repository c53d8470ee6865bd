/** The core behind the windows: our own, or one that already runs with this home (`pilothouse serve`). */
import type { Disposable } from '../base/lifecycle';
import { Emitter, type Event } from '../base/emitter';
import { Client } from '../contract/client';
import { Session } from '../contract/session';
import type { Caller } from '../contract/api';
import type { ServerMessage } from '../contract/wire';
import { clientOf, openWire, socketPath } from '../serve';
import { runCore, type CoreOptions } from '../serve/run';

export interface CoreConnection extends Disposable {
  receive(message: unknown): void;
}

export interface Core {
  /** The shell's own client. */
  client: Client;
  /** Whether the core runs in another process. */
  attached: boolean;
  connect(kind: Caller['kind'], send: (message: ServerMessage) => void): CoreConnection;
  /** The other process has ended. */
  onGone: Event<void>;
  stop(): Promise<void>;
}

/** Attaches to a running core of this home, else starts one in this process. */
export async function openCore(world: CoreOptions): Promise<Core> {
  const path = socketPath(world.home);
  const wire = await openWire(path);
  if (!wire) return ownCore(world);
  world.log('info', 'Attached to a running core', { path });
  return {
    client: clientOf(wire),
    attached: true,
    connect: (_kind, send) => {
      let waiting: unknown[] | undefined = [];
      let link: Awaited<ReturnType<typeof openWire>>;
      let closed = false;
      void openWire(path).then((opened) => {
        link = opened;
        if (closed) return opened?.dispose();
        opened?.onMessage(send);
        for (const message of waiting ?? []) opened?.send(message);
        waiting = undefined;
      });
      return {
        receive: (message) => (waiting ? waiting.push(message) : link?.send(message)),
        dispose: () => {
          closed = true;
          link?.dispose();
        },
      };
    },
    onGone: wire.onClose,
    stop: () => {
      wire.dispose();
      return Promise.resolve();
    },
  };
}

async function ownCore(world: CoreOptions): Promise<Core> {
  const running = await runCore(world);
  const client: Client = new Client((message) => session.receive(message));
  const session = new Session(running.api, 'app', (message) => client.receive(message));
  return {
    client,
    attached: false,
    connect: (kind, send) => new Session(running.api, kind, send),
    onGone: new Emitter<void>().event,
    stop: async () => {
      session.dispose();
      await running.stop();
    },
  };
}
