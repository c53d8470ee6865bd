/**
 * The HTTP endpoints as a server: off until the user turns them on; on loopback, and for containers on the bridge gateway of an engine
 * on this machine. Follows the settings while it runs.
 */
import { getRequestListener } from '@hono/node-server';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Disposable } from '../../base/lifecycle';
import type { HttpView } from '../../contract/api/config';
import { sentence } from '../../contract/sentence';
import { hostNames, refused } from './doors';
import { routes } from './routes';
import { Waits } from './waits';
import type { HttpWorld } from '../../app/http';

const loopback = '127.0.0.1';
/** A client may take so long to say what it wants, milliseconds. */
const headersWithin = 5000;
const bodyWithin = 15_000;
/** Sockets at once; of one address, and of all. */
const perAddress = 2500;
const inAll = 5000;
/** Between two tellings of the figures, milliseconds. */
const tellEvery = 2000;

export interface HttpServer extends Disposable {
  /** Settles when the settings of now are in force. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** Starts to follow the settings. `port` 0 in the settings takes any free port, for tests. */
export function serveHttp(world: HttpWorld): HttpServer {
  return new Endpoints(world);
}

class Endpoints implements HttpServer {
  private servers: Server[] = [];
  private waits: Waits | undefined;
  private applied = '';
  private queue: Promise<void> = Promise.resolve();
  private closed = false;
  private readonly subscription: Disposable;
  private timer: Disposable | undefined;
  private answered = 0;
  private turnedAway = 0;
  private view: Omit<HttpView, 'waiting' | 'answered' | 'refused'> = {
    state: 'off',
    words: sentence('http.off'),
    urls: [],
  };

  constructor(private readonly world: HttpWorld) {
    this.subscription = world.onSettings(() => this.follow());
    this.follow();
  }

  settled(): Promise<void> {
    return this.queue;
  }

  dispose(): void {
    void this.close();
  }

  async close(): Promise<void> {
    if (this.closed) return this.queue;
    this.closed = true;
    this.subscription.dispose();
    this.queue = this.queue.then(() => this.stop());
    await this.queue;
  }

  private follow(): void {
    if (this.closed) return;
    this.queue = this.queue
      .then(() => this.apply())
      .catch((thrown: unknown) => {
        this.world.log('error', 'The HTTP endpoints could not follow the settings', { thrown });
      });
  }

  private async apply(): Promise<void> {
    const { enabled, port, containers } = this.world.settings();
    const wanted = enabled ? [loopback, ...(containers ? await this.bridges() : [])] : [];
    const text = JSON.stringify([wanted, port]);
    if (text === this.applied || this.closed) return;
    await this.stop();
    this.applied = text;
    if (wanted.length === 0) return this.tell({ state: 'off', words: sentence('http.off'), urls: [] });
    try {
      // Without its key there would be tokens that anybody could make.
      this.world.secretOf('probe');
      const waits = new Waits(this.world.clock, this.world.config);
      this.waits = waits;
      const answer = getRequestListener(routes(this.world, waits).fetch, { overrideGlobalObjects: false });
      const [first, ...others] = wanted;
      const main = await this.listen(first ?? loopback, port, answer);
      const chosen = (main.address() as AddressInfo).port;
      for (const address of others) {
        await this.listen(address, chosen, answer).catch((thrown: unknown) => {
          this.world.log('warn', 'Containers cannot reach the HTTP endpoints', { address, thrown });
        });
      }
      const urls = this.servers.map((server) => `http://${(server.address() as AddressInfo).address}:${chosen}`);
      this.tell({ state: 'running', words: sentence('http.running'), urls });
      this.tick();
    } catch (thrown) {
      await this.stop();
      this.applied = '';
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      this.tell({ state: 'failed', words: sentence('http.failed', { reason }), urls: [] });
    }
  }

  /** Addresses of this machine inside the engine's default networks: never one that the outside could reach by itself. */
  private async bridges(): Promise<string[]> {
    const subnets = await this.world.subnets().catch(() => []);
    const ours = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    const addresses = subnets.flatMap((subnet) => {
      const up = ours.filter(
        ({ family, internal, cidr }) => family === 'IPv4' && !internal && cidr !== null && sameNetwork(subnet, cidr),
      );
      // A bridge that no container is on has no carrier, and Node does not list it; its address can be bound all the same.
      return up.length > 0 ? up.map(({ address }) => address) : (firstHost(subnet) ?? []);
    });
    return addresses.slice(0, 2);
  }

  private async listen(
    address: string,
    port: number,
    answer: (request: IncomingMessage, response: ServerResponse) => unknown,
  ): Promise<Server> {
    const sockets = new Map<string, number>();
    let names = new Set<string>();
    const server = createServer(
      {
        maxHeaderSize: 16 * 1024,
        headersTimeout: headersWithin,
        requestTimeout: bodyWithin,
        connectionsCheckingInterval: 1000,
        keepAliveTimeout: 30_000,
      },
      (request, response) => {
        const hosts = request.rawHeaders.flatMap((name, index) =>
          index % 2 === 0 && name.toLowerCase() === 'host' ? [request.rawHeaders[index + 1] ?? ''] : [],
        );
        const status = refused({ hosts, target: request.url ?? '', headers: request.headers }, names);
        this.answered += 1;
        response.setHeader('x-content-type-options', 'nosniff');
        if (status !== undefined) {
          this.turnedAway += 1;
          response.writeHead(status, { connection: 'close' }).end();
          return;
        }
        response.once('finish', () => {
          if (response.statusCode >= 400) this.turnedAway += 1;
        });
        answer(request, response);
      },
    );
    server.maxConnections = inAll;
    server.on('connection', (socket: Socket) => {
      const from = socket.remoteAddress ?? '';
      const count = (sockets.get(from) ?? 0) + 1;
      if (count > perAddress) {
        socket.destroy();
        return;
      }
      sockets.set(from, count);
      socket.once('close', () => {
        const left = (sockets.get(from) ?? 1) - 1;
        if (left > 0) sockets.set(from, left);
        else sockets.delete(from);
      });
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, address, () => {
        server.off('error', reject);
        resolve();
      });
    });
    server.on('error', (thrown) => this.world.log('warn', 'The HTTP endpoints had an error', { thrown }));
    names = hostNames([address], (server.address() as AddressInfo).port);
    this.servers.push(server);
    return server;
  }

  private async stop(): Promise<void> {
    this.timer?.dispose();
    this.timer = undefined;
    this.applied = '';
    // Waiting polls are answered that there is nothing new; their clients come back by themselves.
    this.waits?.dispose();
    this.waits = undefined;
    const servers = this.servers;
    this.servers = [];
    await Promise.all(
      servers.map(
        (server) =>
          new Promise<void>((resolve) => {
            server.close(() => resolve());
            server.closeIdleConnections();
            setTimeout(() => server.closeAllConnections(), 200).unref();
          }),
      ),
    );
  }

  private tick(): void {
    this.timer = this.world.clock.timer(tellEvery, () => {
      this.tell(this.view);
      this.tick();
    });
  }

  private tell(view: typeof this.view): void {
    this.view = view;
    const { answered, turnedAway } = this;
    this.world.config.setHttp({ ...view, waiting: this.waits?.size ?? 0, answered, refused: turnedAway });
  }
}

/** `172.17.0.0/16` and `172.17.0.1/16` are the same network. */
export function sameNetwork(subnet: string, address: string): boolean {
  const [one, two] = [networkOf(subnet), networkOf(address)];
  return one !== undefined && two !== undefined && one.base === two.base && one.bits === two.bits;
}

/** Of `172.17.0.0/16` it is 172.17.0.1, which engines take for the bridge itself unless they are told otherwise. */
export function firstHost(subnet: string): string | undefined {
  const network = networkOf(subnet);
  if (!network || network.bits > 30) return undefined;
  const host = network.base + 1;
  return [24, 16, 8, 0].map((shift) => Math.floor(host / 2 ** shift) % 256).join('.');
}

function networkOf(text: string): { base: number; bits: number } | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  if (!match) return undefined;
  const [bits, parts] = [Number(match[5]), match.slice(1, 5).map(Number)];
  if (bits < 8 || bits > 32 || parts.some((part) => part > 255)) return undefined;
  const value = parts.reduce((sum, part) => sum * 256 + part, 0);
  return { base: value - (value % 2 ** (32 - bits)), bits };
}
