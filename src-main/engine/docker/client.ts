/**
 * One engine's HTTP API. dockerode's modem builds the requests (paths, queries, bodies, registry headers); what happens to them on
 * the wire is decided here, because the modem has no deadline for an answer's body, keeps answers of any length, takes cut JSON for
 * text and follows redirects to wherever an engine points.
 */
import Docker from 'dockerode';
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { Readable, pipeline } from 'node:stream';
import type { Disposable, Signal } from '../../base/lifecycle';
import { EngineError } from '../../core/engine';
import { parseAnswer, readAll } from './answer';
import { readTls, type Target } from './endpoint';
import { refusal } from './failures';
import { SshAgent } from './ssh';
import { Within } from './within';

/** A login for a registry as the engine wants it. */
export type RegistryLogin =
  { username: string; password: string; serveraddress: string } | { identitytoken: string; serveraddress: string };

/** One request. */
export interface Call {
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  query?: Record<string, string | number | boolean | readonly string[] | undefined>;
  /** Sent as JSON. */
  body?: object;
  /** Sent as it is, as a tar archive. */
  file?: Buffer | Readable;
  login?: RegistryLogin;
  /** Milliseconds until the whole answer is there; for streams until it begins. */
  deadline: number;
  signal?: Signal;
  /** Statuses besides 2xx that are successes. */
  accept?: readonly number[];
  /** Asks for the connection itself: after the answer's headers both sides write what they like. */
  hijack?: true;
}

/**
 * Reads and acts have pools of their own and streams none, so that a hundred followers or fifty slow stops never make a list wait.
 * The pools are wide because a stuck container holds its connection until the deadline (F4).
 */
type Pool = 'reads' | 'acts' | 'streams';

/** The parts of docker-modem that are used; its own types lack the second. */
interface Modem {
  agent: HttpAgent;
  dial(options: object, done: (error: Error | null, response: IncomingMessage) => void): void;
  buildRequest: (
    options: RequestOptions,
    context: object,
    data: string | Buffer | Readable | undefined,
    done: (error: Error | null, response?: IncomingMessage) => void,
  ) => void;
}

/** Every status is let through to us. */
const anyStatus: Record<number, true> = Object.fromEntries(Array.from({ length: 500 }, (_, at) => [at + 100, true]));

/** Writes a path of the API; every gap is one encoded segment. */
export function path(parts: TemplateStringsArray, ...gaps: string[]): string {
  return parts.map((part, at) => part + (at < gaps.length ? encodeURIComponent(gaps[at] ?? '') : '')).join('');
}

/** An image's reference as a path: its slashes stay, as the API wants them. */
export function imagePath(reference: string, rest: string = ''): string {
  return `/images/${reference.split('/').map(encodeURIComponent).join('/')}${rest}`;
}

/** What the registry has for a name, asked through the engine. */
export function distributionPath(name: string, tag: string): string {
  const mark = tag.startsWith('sha256:') ? '@' : ':';
  return imagePath(`${name}${mark}${tag}`, '/json').replace(/^\/images/, '/distribution');
}

export class Client implements Disposable {
  private readonly agents: HttpAgent[] = [];
  private readonly pools: Record<Pool, Modem>;
  private disposed = false;

  /** @param version `1.41`, or undefined to ask unversioned */
  constructor(
    private readonly target: Target,
    version?: string,
  ) {
    this.pools = {
      reads: this.makeModem({ keepAlive: true, maxSockets: 64, maxFreeSockets: 8 }, version),
      acts: this.makeModem({ keepAlive: true, maxSockets: 64, maxFreeSockets: 16 }, version),
      streams: this.makeModem({ keepAlive: false }, version),
    };
  }

  /** Sends a request and reads its whole answer: parsed JSON, or undefined when the answer is empty or no JSON. */
  async ask(call: Call): Promise<unknown> {
    const within = new Within(call.deadline, call.signal);
    try {
      const response = await this.send(call, call.method === 'GET' ? 'reads' : 'acts', within);
      const body = await readAll(response);
      checkStatus(call, response, body);
      if (!String(response.headers['content-type']).includes('json') || body.length === 0) return undefined;
      return parseAnswer(body);
    } catch (error) {
      throw within.explain(error);
    } finally {
      within.dispose();
    }
  }

  /** The headers of an answer without a body. */
  async head(call: Call): Promise<IncomingMessage['headers']> {
    const within = new Within(call.deadline, call.signal);
    try {
      const response = await this.send(call, 'reads', within);
      checkStatus(call, response, await readAll(response));
      return response.headers;
    } catch (error) {
      throw within.explain(error);
    } finally {
      within.dispose();
    }
  }

  /** Opens a stream: resolves when the answer begins. `call.signal` ends it later too; the reader listens for its errors. */
  async open(call: Call): Promise<IncomingMessage> {
    const within = new Within(call.deadline, call.signal);
    try {
      const response = await this.send(call, 'streams', within);
      if (!isSuccess(call, response)) checkStatus(call, response, await readAll(response));
      // From here on only the caller ends it.
      within.disarm();
      response.once('close', () => within.dispose());
      return response;
    } catch (error) {
      within.dispose();
      throw within.explain(error);
    }
  }

  /** Takes a connection over, for programs that are written to and read from. The caller destroys it and listens for its errors. */
  async hijack(call: Omit<Call, 'hijack'>): Promise<Socket> {
    const within = new Within(call.deadline, call.signal);
    try {
      const response = await this.send({ ...call, hijack: true }, 'streams', within);
      if (response.statusCode !== 101 && response.statusCode !== 200) {
        checkStatus(call, response, await readAll(response));
      }
      return response.socket;
    } catch (error) {
      throw within.explain(error);
    } finally {
      within.dispose();
    }
  }

  dispose(): void {
    this.disposed = true;
    for (const agent of this.agents) agent.destroy();
  }

  private async send(call: Call, pool: Pool, within: Within): Promise<IncomingMessage> {
    if (this.disposed) throw new EngineError('away', 'The connection to this engine was closed');
    try {
      return await this.dial(call, pool, within);
    } catch (error) {
      // The engine closed an idle connection just as it was picked up again. A read can be sent twice.
      if (call.method !== 'GET' || !(error instanceof StaleConnection) || within.over) throw error;
      return this.dial(call, pool, within);
    }
  }

  private dial(call: Call, pool: Pool, within: Within): Promise<IncomingMessage> {
    const query = Object.fromEntries(Object.entries(call.query ?? {}).filter(([, value]) => value !== undefined));
    const hasQuery = Object.keys(query).length > 0;
    return new Promise((resolve, reject) => {
      if (within.over) {
        reject(new EngineError('timeout', 'cancelled'));
        return;
      }
      this.pools[pool].dial(
        {
          path: hasQuery ? `${call.path}?` : call.path,
          method: call.method,
          options: { _query: query, _body: call.body ?? {} },
          file: call.file,
          hijack: call.hijack,
          authconfig: call.login,
          abortSignal: within.signal,
          isStream: true,
          statusCodes: anyStatus,
        },
        (error, response) => (error ? reject(error) : resolve(response)),
      );
    });
  }

  private makeModem(
    pool: { keepAlive: boolean; maxSockets?: number; maxFreeSockets?: number },
    version?: string,
  ): Modem {
    const { target } = this;
    const secure = target.kind === 'tcp' && target.tls !== undefined;
    const tls = target.kind === 'tcp' && target.tls ? readTls(target.tls) : {};
    const verify = { rejectUnauthorized: !(target.kind === 'tcp' && target.tls?.skipVerify) };
    const agent =
      target.kind === 'ssh'
        ? new SshAgent(target)
        : secure
          ? new HttpsAgent({ ...pool, ...tls, ...verify })
          : new HttpAgent(pool);
    this.agents.push(agent);
    const place =
      target.kind === 'socket'
        ? { socketPath: target.path }
        : { host: target.host, port: target.kind === 'tcp' ? target.port : 80 };
    const modem = withoutEnvironment(
      () =>
        new Docker({
          // Named although absent, because the modem would fill them in from the environment.
          ...{ socketPath: undefined, host: undefined, port: undefined, timeout: undefined },
          ...{ ca: undefined, cert: undefined, key: undefined },
          ...place,
          protocol: secure ? 'https' : 'http',
          headers: { 'User-Agent': 'pilothouse' },
          ...(version ? { version: `v${version}` } : {}),
        }).modem as unknown as Modem,
    );
    modem.agent = agent;
    modem.buildRequest = (options, _context, data, done) => {
      // Sockets of ours belong to the agent; a key in the options would make it open another pool for each.
      const { key: _key, cert: _cert, ca: _ca, ...rest } = options as RequestOptions & Record<string, unknown>;
      const request = (secure ? httpsRequest : httpRequest)(rest);
      request.on('response', (response: IncomingMessage) => done(null, response));
      request.on('upgrade', (response: IncomingMessage, socket: Socket, head: Buffer) => {
        if (head.length > 0) socket.unshift(head);
        done(null, response);
      });
      request.on('error', (error: NodeJS.ErrnoException) => {
        done(request.reusedSocket && error.code === 'ECONNRESET' ? new StaleConnection(error) : error);
      });
      // A stream that fails destroys the request, and a request that is over ends the stream: nobody waits for the other.
      if (data instanceof Readable) pipeline(data, request, () => undefined);
      else request.end(data);
    };
    return modem;
  }
}

/** A connection that was reused and turned out to be closed. */
class StaleConnection extends Error {
  readonly code = 'ECONNRESET';
  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}

/** The modem reads DOCKER_HOST whatever it is told, and throws when that cannot be parsed. Where to connect is our decision. */
function withoutEnvironment<T>(make: () => T): T {
  const host = process.env['DOCKER_HOST'];
  delete process.env['DOCKER_HOST'];
  try {
    return make();
  } finally {
    if (host !== undefined) process.env['DOCKER_HOST'] = host;
  }
}

function isSuccess(call: Call, response: IncomingMessage): boolean {
  const status = response.statusCode ?? 0;
  return (status >= 200 && status < 300) || (call.accept?.includes(status) ?? false);
}

function checkStatus(call: Call, response: IncomingMessage, body: Buffer): void {
  if (!isSuccess(call, response)) throw refusal(response.statusCode ?? 0, body.toString('utf8', 0, 64 * 1024));
}
