/**
 * How soon waiting clients hear of a release: the 99th percentile over all long polls from the publish to the answer, against a bare
 * `node:http` server that holds as many requests and answers them with the same bytes. The client's own work is in both.
 */
import { Agent, createServer, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serve, until, window } from '../main/serve/http/world';
import { rotated, toFigure, type BenchOptions, type Figure } from './figure';

/** No engine takes part. */
export const needs: readonly string[] = [];

const item = 'shop/default/application';

interface Contestant {
  name: string;
  /** Milliseconds from the release to each client's answer, with so many clients waiting. */
  measure(clients: number): Promise<number[]>;
}

/** Runs the benchmark; sizes are waiting clients. */
export async function* run(options: BenchOptions = {}): AsyncIterable<Figure> {
  const { rounds = 5, sizes = [250, 500, 1000], say = () => undefined } = options;
  const contestants: Contestant[] = [
    { name: 'ours', measure: ours },
    { name: 'bare node:http', measure: bare },
  ];
  for (const clients of sizes) {
    const pairs: { ours: number; peer: number }[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const results: Record<string, number> = {};
      for (const one of rotated(contestants, round)) results[one.name] = p99(await one.measure(clients));
      const pair = { ours: results['ours'] ?? NaN, peer: results['bare node:http'] ?? NaN };
      pairs.push(pair);
      say(`round ${round + 1}: ${clients} clients, ours ${pair.ours.toFixed(1)} ms, bare ${pair.peer.toFixed(1)} ms`);
    }
    const figure = `release to answer, p99 of ${clients} long polls`;
    const goal = { of: 'ours', limit: 50 } as const;
    yield toFigure({ bench: 'config', figure, peerName: 'bare node:http', unit: 'ms', size: clients, goal }, pairs);
  }
}

async function ours(clients: number): Promise<number[]> {
  const served = await serve();
  try {
    served.publish(item, 'a=1\n');
    const { token } = await served.token('shop');
    const notifications = [{ namespaceName: 'application', notificationId: served.config.notice(item) }];
    const path = `/notifications/v2?appId=shop&cluster=default&notifications=${encodeURIComponent(JSON.stringify(notifications))}`;
    const answers = polls(served.address, path, { authorization: `Bearer ${token}` }, clients);
    await until(async () => (await served.config.calls['config.http']({}, window)).waiting === clients, 60_000);
    const began = performance.now();
    served.publish(item, 'a=2\n');
    return (await answers).map((at) => at - began);
  } finally {
    await served.stop();
  }
}

async function bare(clients: number): Promise<number[]> {
  const held: ServerResponse[] = [];
  const server = createServer((_request, response) => held.push(response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const answers = polls(`127.0.0.1:${(server.address() as AddressInfo).port}`, '/', {}, clients);
    await until(() => held.length === clients, 60_000);
    const began = performance.now();
    const body = JSON.stringify([
      { namespaceName: 'application', notificationId: 2, messages: { details: { 'shop+default+application': 2 } } },
    ]);
    for (const response of held) response.writeHead(200, { 'content-type': 'application/json' }).end(body);
    return (await answers).map((at) => at - began);
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

/** So many requests at once, each on its own socket; resolves with when each was answered. */
function polls(address: string, path: string, headers: Record<string, string>, count: number): Promise<number[]> {
  const [host = '', port = ''] = address.split(':');
  const agent = new Agent({ keepAlive: false, maxSockets: count });
  const one = (): Promise<number> =>
    new Promise((resolve, reject) => {
      const sent = request(
        { host, port: Number(port), path, headers: { host: address, ...headers }, agent },
        (response) => {
          response.resume();
          response.on('end', () => resolve(performance.now()));
        },
      );
      sent.on('error', reject);
      sent.end();
    });
  return Promise.all(Array.from({ length: count }, one));
}

function p99(values: readonly number[]): number {
  const sorted = [...values].sort((one, two) => one - two);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * 0.99) - 1)] ?? NaN;
}
