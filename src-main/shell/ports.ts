/** Connects a page's message port to the core, one connection per window, with caps on size and rate. */
import type { IpcMainEvent, MessagePortMain } from 'electron';
import type { Clock } from '../base/clock';
import type { Disposable } from '../base/lifecycle';
import type { Log } from '../base/log';
import type { ServerMessage } from '../contract/wire';
import type { Core } from './core';
import { RateLimit, withinSize } from './limits';

interface Connection extends Disposable {
  port: MessagePortMain;
}

/** Every open port by the id of its webContents. */
export class Ports implements Disposable {
  private readonly open = new Map<number, Connection>();

  constructor(private readonly world: { core: () => Promise<Core>; clock: Pick<Clock, 'monotonic'>; log: Log }) {}

  /** Takes the port of a message whose sender has been checked. Messages wait in the port until the core is there. */
  accept(event: IpcMainEvent): void {
    const port = event.ports[0];
    if (!port) return;
    const id = event.sender.id;
    this.open.get(id)?.dispose();
    let receive: ((message: unknown) => void) | undefined;
    let stop: Disposable | undefined;
    const connection: Connection = {
      port,
      dispose: () => {
        if (this.open.get(id) === connection) this.open.delete(id);
        stop?.dispose();
        port.close();
      },
    };
    this.open.set(id, connection);
    const rate = new RateLimit(this.world.clock);
    const send = (message: ServerMessage): void => port.postMessage(message);
    port.on('message', (incoming) => {
      const problem = !rate.take()
        ? ({ code: 'too-many', message: 'Too many messages in a second.' } as const)
        : !withinSize(incoming.data)
          ? ({ code: 'too-large', message: 'The message is too large.' } as const)
          : undefined;
      if (!problem) return receive?.(incoming.data);
      const message: unknown = incoming.data;
      const asked = typeof message === 'object' && message !== null && 'id' in message ? Number(message.id) : NaN;
      if (Number.isSafeInteger(asked)) send({ t: 'fail', id: asked, problem });
    });
    port.on('close', () => connection.dispose());
    void this.world
      .core()
      .then((core) => {
        if (this.open.get(id) !== connection) return;
        const session = core.connect('window', send);
        receive = (message) => session.receive(message);
        stop = session;
        port.start();
      })
      .catch((thrown: unknown) => {
        this.world.log('error', 'A window could not be connected', { thrown });
        connection.dispose();
      });
  }

  dispose(): void {
    for (const connection of [...this.open.values()]) connection.dispose();
  }
}
