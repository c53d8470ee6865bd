/**
 * Engines behind SSH. The system's own `ssh` is used, as the Docker CLI does: it checks the host against the user's known hosts,
 * reads `~/.ssh/config` (jump hosts, hardware keys, agents) and has its own security updates. A library would have to repeat all that.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { Agent } from 'node:http';
import { Duplex } from 'node:stream';

/** A machine as `ssh` is told of it. */
export interface SshTarget {
  host: string;
  port?: number;
  user?: string;
}

/** Where `ssh` goes: argv only, and `--` so that no host can be taken for an option. */
export function sshPlace({ host, port, user }: SshTarget): string[] {
  return [...(user ? ['-l', user] : []), ...(port ? ['-p', String(port)] : []), '--', host];
}

/** What `ssh` is told. A host whose key is not known, or another than before, is never talked to, whatever the user's file allows. */
export function sshArguments(target: SshTarget): string[] {
  return [
    ...['-T', '-o', 'BatchMode=yes', '-o', 'StrictHostKeyChecking=yes'],
    ...['-o', 'ConnectTimeout=10', '-o', 'ServerAliveInterval=15'],
    ...sshPlace(target),
    ...['docker', 'system', 'dial-stdio'],
  ];
}

/** Its beginning says what was wrong, its end how it ended. Characters. */
const longestSaid = 4_000;

/** `ssh` has ended, and what it said on its way. */
export class SshEnded extends Error {
  constructor(
    readonly code: number | null,
    readonly said: string,
  ) {
    super(`ssh ended with ${code ?? 'a signal'}: ${said.slice(-500)}`);
  }
}

/** An HTTP agent whose every connection is a `docker system dial-stdio` on the far machine. */
export class SshAgent extends Agent {
  constructor(private readonly target: SshTarget) {
    super({ keepAlive: true, maxSockets: 16, maxFreeSockets: 2 });
  }

  override createConnection(): Duplex {
    return new SshSocket(spawn('ssh', sshArguments(this.target), { stdio: 'pipe', windowsHide: true }));
  }
}

/** A child's input and output as the socket that Node's HTTP client wants. */
class SshSocket extends Duplex {
  private said = '';

  constructor(private readonly child: ChildProcessWithoutNullStreams) {
    super();
    child.stdout.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) child.stdout.pause();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      if (this.said.length < longestSaid) this.said += chunk.toString('utf8').slice(0, longestSaid);
    });
    child.stdin.on('error', () => undefined);
    child.on('error', (error) => this.destroy(error));
    child.on('close', (code) => {
      if (code === 0) this.push(null);
      else this.destroy(new SshEnded(code, this.said.trim()));
    });
  }

  override _read(): void {
    this.child.stdout.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    // A broken pipe only says that ssh has ended: `close` follows and tells why. Without it the call's deadline ends the wait.
    this.child.stdin.write(chunk, (error) => {
      if (!error) done();
    });
  }

  override _final(done: () => void): void {
    this.child.stdin.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.child.kill();
    done(error);
  }

  // What the HTTP client asks of a socket and a pipe has no use for.
  setKeepAlive(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setTimeout(): this {
    return this;
  }
  ref(): this {
    this.child.ref();
    return this;
  }
  unref(): this {
    this.child.unref();
    return this;
  }
}
