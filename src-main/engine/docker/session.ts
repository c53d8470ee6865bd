/** A program inside a container that is written to and read from for as long as both want: exec with its standard input held open. */
import type { Socket } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import type { EngineError, EngineSession } from '../../core/engine';
import { path, type Client } from './client';
import { toEngineError } from './failures';
import { fields, text } from './parse';
import { Demuxer } from './streams';

/** See `Engine.session`. */
export async function openSession(
  client: Client,
  id: string,
  options: { argv: string[]; user?: string; deadline: number; onOutput: (text: string) => void },
): Promise<Session> {
  const { argv, user, deadline, onOutput } = options;
  const created = fields(
    await client.ask({
      method: 'POST',
      path: path`/containers/${id}/exec`,
      body: { AttachStdin: true, AttachStdout: true, AttachStderr: true, Tty: false, Cmd: argv, User: user },
      deadline,
    }),
  );
  const socket = await client.hijack({
    method: 'POST',
    path: path`/exec/${text(created['Id'], 256)}/start`,
    body: { Detach: false, Tty: false },
    deadline,
  });
  return new Session(socket, onOutput);
}

export class Session implements EngineSession {
  readonly ended: Promise<{ error?: EngineError }>;
  private isOver = false;

  constructor(
    private readonly socket: Socket,
    onOutput: (text: string) => void,
  ) {
    const decoder = new StringDecoder('utf8');
    const demuxer = new Demuxer((stream, data, start, end) => {
      if (stream === 'stdout' && !this.isOver) onOutput(decoder.write(data.subarray(start, end)));
    });
    this.ended = new Promise((resolve) => {
      const end = (error?: EngineError): void => {
        this.isOver = true;
        socket.destroy();
        resolve(error ? { error } : {});
      };
      socket.setNoDelay(true);
      socket.on('data', (chunk: Buffer) => {
        try {
          demuxer.push(chunk);
        } catch (thrown) {
          end(toEngineError(thrown));
        }
      });
      socket.on('end', () => end());
      socket.on('close', () => end());
      socket.on('error', (error) => end(toEngineError(error)));
      socket.resume();
    });
  }

  write(data: string | Uint8Array): void {
    if (!this.isOver) this.socket.write(data);
  }

  dispose(): void {
    this.isOver = true;
    // The program reads the end of its input and goes; what it still writes is dropped with the connection.
    this.socket.end();
    this.socket.destroySoon();
  }
}
