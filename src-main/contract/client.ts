/** The client's end of a connection: typed calls and streams over any transport. Used by the window and the command line. */
import { toDisposable, type Disposable } from '../base/lifecycle';
import type { ArgumentOf, ItemOf, OutputOf } from './api/define';
import type { CallName, Calls, StreamName, Streams } from './api';
import { fail, PilothouseError, type Problem } from './errors';
import type { ClientMessage, ServerMessage } from './wire';

/** How a reader of a stream hears of it. Return from `item` is enough; credit is granted again by `client` or by hand. */
export interface StreamReader<Item> {
  item(item: Item): void;
  /** The stream ended; with a problem when it was cut. */
  end?(problem?: Problem): void;
  /** Items the core may send ahead; default 8. With `manual`, call `grant` after drawing. */
  credit?: number;
  manual?: boolean;
}

export interface OpenedStream extends Disposable {
  /** Grants `count` more items (manual credit). */
  grant(count: number): void;
}

/** A typed connection. */
export class Client {
  private nextId = 1;
  private readonly waiting = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (thrown: unknown) => void }
  >();
  private readonly readers = new Map<number, StreamReader<unknown>>();
  private closed = false;

  constructor(private readonly send: (message: ClientMessage) => void) {}

  /** Asks once. Rejects with a `PilothouseError`. */
  call<Name extends CallName>(name: Name, input: ArgumentOf<Calls[Name]>): Promise<OutputOf<Calls[Name]>> {
    if (this.closed) return Promise.reject(gone());
    const id = this.nextId++;
    return new Promise<unknown>((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.send({ t: 'call', id, name, input });
    }) as Promise<OutputOf<Calls[Name]>>;
  }

  /** Subscribes. Dispose the result to close. */
  open<Name extends StreamName>(
    name: Name,
    input: ArgumentOf<Streams[Name]>,
    reader: StreamReader<ItemOf<Streams[Name]>>,
  ): OpenedStream {
    const id = this.nextId++;
    this.readers.set(id, reader as StreamReader<unknown>);
    if (this.closed) {
      this.readers.delete(id);
      reader.end?.(gone().problem);
    } else {
      this.send({ t: 'open', id, name, input, credit: reader.credit ?? 8 });
    }
    const close = toDisposable(() => {
      if (this.readers.delete(id) && !this.closed) this.send({ t: 'close', id });
    });
    return {
      dispose: () => close.dispose(),
      grant: (count) => {
        if (this.readers.has(id) && !this.closed) this.send({ t: 'credit', id, more: count });
      },
    };
  }

  /** Takes a message from the transport. */
  receive(message: ServerMessage): void {
    switch (message.t) {
      case 'ok':
        this.take(message.id)?.resolve(message.value);
        return;
      case 'fail':
        this.take(message.id)?.reject(new PilothouseError(message.problem));
        return;
      case 'item': {
        const reader = this.readers.get(message.id);
        if (!reader) return;
        reader.item(message.item);
        if (!reader.manual) this.send({ t: 'credit', id: message.id, more: 1 });
        return;
      }
      case 'end': {
        const reader = this.readers.get(message.id);
        this.readers.delete(message.id);
        reader?.end?.(message.problem);
        return;
      }
    }
  }

  /** The transport is gone: everything waiting fails, every stream ends. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    for (const { reject } of this.waiting.values()) reject(gone());
    this.waiting.clear();
    for (const reader of this.readers.values()) reader.end?.(gone().problem);
    this.readers.clear();
  }

  private take(id: number): { resolve: (value: unknown) => void; reject: (thrown: unknown) => void } | undefined {
    const waiter = this.waiting.get(id);
    this.waiting.delete(id);
    return waiter;
  }
}

function gone(): PilothouseError {
  return fail('engine-away', 'The connection to Pilothouse is closed.', 'Start Pilothouse, or run pilothouse serve.');
}
