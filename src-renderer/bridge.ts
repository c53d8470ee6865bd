/** The only file that touches the preload global: a typed client over a message port that reconnects when the port closes. */
import { Client, type OpenedStream, type StreamReader } from '../src-main/contract/client';
import type { ArgumentOf, ItemOf, OutputOf } from '../src-main/contract/api/define';
import type { CallName, Calls, StreamName, Streams } from '../src-main/contract/api';
import type { PreloadBridge } from '../src-main/contract/bridge';
import type { ServerMessage } from '../src-main/contract/wire';

declare global {
  interface Window {
    pilothouse: PreloadBridge;
  }
}

let client: Promise<Client> | undefined;

/** The shell's side of the window: title-bar acts, file pickers, external links. */
export function shell(): PreloadBridge {
  return window.pilothouse;
}

function connect(): Promise<Client> {
  return new Promise((resolve) => {
    const onMessage = (event: MessageEvent): void => {
      // Only our own preload posts this, from this very window.
      if (event.source !== window || (event.data as { pilothouse?: string } | null)?.pilothouse !== 'port') return;
      const port = event.ports[0];
      if (!port) return;
      window.removeEventListener('message', onMessage);
      const made = new Client((message) => port.postMessage(message));
      port.onmessage = (incoming: MessageEvent<ServerMessage>) => made.receive(incoming.data);
      port.addEventListener('close', () => {
        made.close();
        client = undefined;
      });
      port.start();
      resolve(made);
    };
    window.addEventListener('message', onMessage);
    window.pilothouse.connect();
  });
}

function current(): Promise<Client> {
  client ??= connect();
  return client;
}

/** Asks the core once. Rejects with a `PilothouseError`. */
export async function call<Name extends CallName>(
  name: Name,
  input: ArgumentOf<Calls[Name]>,
): Promise<OutputOf<Calls[Name]>> {
  return (await current()).call(name, input);
}

/** Subscribes to a stream of the core. Dispose the result to close, also before it was opened. */
export function open<Name extends StreamName>(
  name: Name,
  input: ArgumentOf<Streams[Name]>,
  reader: StreamReader<ItemOf<Streams[Name]>>,
): OpenedStream {
  let opened: OpenedStream | undefined;
  let closed = false;
  void current().then((ready) => {
    if (!closed) opened = ready.open(name, input, reader);
  });
  return {
    dispose: () => {
      closed = true;
      opened?.dispose();
    },
    grant: (count) => opened?.grant(count),
  };
}
