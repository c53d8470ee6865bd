/**
 * A proxy for the engine's socket that misbehaves on demand: between the app and a real engine it delays, hangs, answers
 * with errors, cuts bodies, loses answers of requests that were carried out, and freezes event streams. Every choice
 * comes from a seed, and every call is recorded, so a failing run can be replayed and explained.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { seeded, type Random } from '../../src-main/base/random';
import type { ActiveFault, Fault, FaultKind, FaultProxy, ProxyCall } from './faults';

export type { ActiveFault, Fault, FaultKind, FaultProxy, ProxyCall } from './faults';

const MOST_CALLS = 10_000;

/** The state of one fault. */
interface Injected {
  fault: Fault;
  seen: number;
  hits: number;
}

/**
 * Starts a proxy on a socket of its own.
 * @param options.upstream path of the engine's Unix socket
 * @param options.seed of every random choice; 1 by default
 */
export async function startFaultProxy(options: { upstream: string; seed?: number }): Promise<FaultProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'pilothouse-faults-'));
  const proxy = new Proxy(options.upstream, join(folder, 'docker.sock'), seeded(options.seed ?? 1));
  await proxy.accept();
  return {
    socket: proxy.socket,
    dockerHost: `unix://${proxy.socket}`,
    calls: proxy.calls,
    inject: (fault) => proxy.inject(fault),
    clear: () => void proxy.faults.splice(0),
    count: (match) => proxy.count(match),
    forget: () => void proxy.calls.splice(0),
    cut: (path) => proxy.cut(path),
    refuse: () => proxy.refuse(),
    accept: () => proxy.accept(),
    stop: async () => {
      await proxy.refuse();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

class Proxy {
  readonly calls: ProxyCall[] = [];
  readonly faults: Injected[] = [];
  private readonly began = performance.now();
  private readonly open = new Map<Duplex, string>();
  private server = this.createServer();

  constructor(
    private readonly upstream: string,
    readonly socket: string,
    private readonly random: Random,
  ) {}

  inject(fault: Fault): ActiveFault {
    const injected: Injected = { fault, seen: 0, hits: 0 };
    this.faults.push(injected);
    return {
      fault,
      get hits() {
        return injected.hits;
      },
      remove: () => {
        const at = this.faults.indexOf(injected);
        if (at >= 0) this.faults.splice(at, 1);
      },
    };
  }

  count(match: { method?: string; path?: RegExp; fault?: FaultKind } = {}): number {
    return this.calls.filter(
      (call) =>
        (match.method === undefined || call.method === match.method) &&
        (match.path === undefined || match.path.test(call.path)) &&
        (match.fault === undefined || call.fault === match.fault),
    ).length;
  }

  cut(path?: RegExp): void {
    for (const [socket, current] of this.open) {
      if (path === undefined || path.test(current)) socket.destroy();
    }
  }

  async refuse(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.cut();
    await closed;
  }

  async accept(): Promise<void> {
    this.server = this.createServer();
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(this.socket, resolve);
    });
  }

  private createServer(): ReturnType<typeof createServer> {
    const server = createServer((incoming, outgoing) => this.pass(incoming, outgoing));
    server.requestTimeout = 0;
    server.headersTimeout = 0;
    server.keepAliveTimeout = 0;
    server.on('connection', (socket: Socket) => {
      this.open.set(socket, '');
      socket.on('close', () => this.open.delete(socket));
      socket.on('error', () => undefined);
    });
    server.on('upgrade', (incoming: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.passStream(incoming, { socket, head }),
    );
    return server;
  }

  private record(incoming: IncomingMessage): ProxyCall {
    const path = (incoming.url ?? '/').replace(/^\/v\d+\.\d+(?=\/)/, '');
    const call: ProxyCall = { method: incoming.method ?? 'GET', path, at: performance.now() - this.began, status: 0 };
    this.calls.push(call);
    if (this.calls.length > MOST_CALLS) this.calls.shift();
    this.open.set(incoming.socket, path);
    return call;
  }

  /** The first fault that strikes this call. Every fault that matches draws its lot, so that runs with one seed are alike. */
  private strike(call: ProxyCall): Fault | undefined {
    let struck: Injected | undefined;
    for (const injected of this.faults) {
      const { fault } = injected;
      if (!matches(fault, call)) continue;
      injected.seen += 1;
      const drawn = fault.probability === undefined || this.random() < fault.probability;
      const due = injected.seen > (fault.after ?? 0) && injected.hits < (fault.times ?? Infinity);
      if (struck === undefined && drawn && due) struck = injected;
    }
    if (!struck) return undefined;
    struck.hits += 1;
    call.fault = struck.fault.kind;
    return struck.fault;
  }

  /** Whether a `hold` that has not run out covers this call now; asked for each chunk, so open streams freeze too. */
  private holds(call: ProxyCall): boolean {
    return this.faults.some(
      ({ fault }) => fault.kind === 'hold' && fault.probability === undefined && matches(fault, call),
    );
  }

  private pass(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const call = this.record(incoming);
    const fault = this.strike(call);
    switch (fault?.kind) {
      case 'close':
        incoming.socket.destroy();
        return;
      case 'hang':
        incoming.resume();
        return;
      case 'status': {
        incoming.resume();
        call.status = fault.status ?? 500;
        outgoing.writeHead(call.status, { 'Content-Type': 'application/json' });
        outgoing.end(JSON.stringify({ message: fault.message ?? 'a fault that the test put in' }));
        return;
      }
      case 'answer':
        incoming.resume();
        call.status = fault.status ?? 200;
        outgoing.writeHead(call.status, { 'Content-Type': 'application/json' });
        outgoing.end(fault.message ?? '');
        return;
      case 'delay': {
        const timer = setTimeout(() => this.forward(incoming, outgoing, { call }), fault.ms ?? 1_000);
        incoming.socket.once('close', () => clearTimeout(timer));
        return;
      }
      default:
        this.forward(incoming, outgoing, fault ? { call, fault } : { call });
    }
  }

  private forward(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    options: { call: ProxyCall; fault?: Fault },
  ): void {
    const { call, fault } = options;
    const { method, url: path, headers } = incoming;
    // Every request on a connection of its own: a keep-alive connection of ours could end under a request of theirs.
    const upstream = request({ socketPath: this.upstream, method, path, headers, agent: false }, (response) => {
      response.on('error', () => outgoing.destroy());
      if (fault?.kind === 'drop-response') {
        response.resume();
        response.on('end', () => outgoing.destroy());
        return;
      }
      call.status = response.statusCode ?? 0;
      outgoing.writeHead(call.status, withoutHop(response.headers));
      outgoing.flushHeaders();
      if (fault?.kind === 'truncate') truncate(response, outgoing, fault.bytes);
      else this.stream(response, outgoing, call);
    });
    upstream.on('error', () => outgoing.destroy());
    outgoing.on('close', () => {
      // The caller has gone. What it asked for may still be carried out, as by the engine itself; only a stream ends here.
      if (!outgoing.writableFinished && fault?.kind !== 'drop-response') upstream.destroy();
    });
    incoming.pipe(upstream);
  }

  private stream(response: IncomingMessage, outgoing: ServerResponse, call: ProxyCall): void {
    response.on('data', (chunk: Buffer) => {
      if (this.holds(call)) {
        call.fault = 'hold';
        return;
      }
      if (!outgoing.write(chunk)) {
        response.pause();
        outgoing.once('drain', () => response.resume());
      }
    });
    response.on('end', () => {
      if (!this.holds(call)) outgoing.end();
    });
    response.on('aborted', () => outgoing.destroy());
  }

  /** Attach and exec take the connection over; their bytes pass unseen, only `close` and `hang` apply. */
  private passStream(incoming: IncomingMessage, { socket, head }: { socket: Duplex; head: Buffer }): void {
    const call = this.record(incoming);
    const fault = this.strike(call);
    if (fault?.kind === 'hang') return;
    if (fault?.kind === 'close') {
      socket.destroy();
      return;
    }
    const upstream = connect(this.upstream, () => {
      const lines = [`${incoming.method} ${incoming.url} HTTP/1.1`];
      for (let at = 0; at < incoming.rawHeaders.length; at += 2) {
        lines.push(`${incoming.rawHeaders[at]}: ${incoming.rawHeaders[at + 1]}`);
      }
      upstream.write(`${lines.join('\r\n')}\r\n\r\n`);
      upstream.write(head);
      call.status = 101;
      socket.pipe(upstream).pipe(socket);
    });
    const end = (): void => {
      socket.destroy();
      upstream.destroy();
    };
    for (const side of [socket, upstream]) side.on('error', end).on('close', end);
  }
}

function matches(fault: Fault, call: ProxyCall): boolean {
  return (
    (fault.method === undefined || fault.method === call.method) &&
    (fault.path === undefined || fault.path.test(call.path))
  );
}

/** Headers that describe one connection, not the answer. */
function withoutHop(headers: IncomingMessage['headers']): IncomingMessage['headers'] {
  const {
    connection: _connection,
    'keep-alive': _keepAlive,
    'transfer-encoding': _transferEncoding,
    ...rest
  } = headers;
  return rest;
}

/** Passes a part of the body and then breaks the connection. */
function truncate(response: IncomingMessage, outgoing: ServerResponse, bytes: number | undefined): void {
  const chunks: Buffer[] = [];
  response.on('data', (chunk: Buffer) => chunks.push(chunk));
  response.on('end', () => {
    const body = Buffer.concat(chunks);
    outgoing.write(body.subarray(0, bytes ?? Math.floor(body.length / 2)), () => outgoing.destroy());
  });
}
