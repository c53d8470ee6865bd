/**
 * P10: what the gateway costs. The same requests over the same replicas by our gateway, by a bare HAProxy whose file somebody wrote by hand,
 * and directly to one replica. Load, proxy and replicas share the machine, so this is the cost of the way, not its capacity.
 */
import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { projectRoot } from '../machine/place.mjs';
import { testEngine, testImages } from '../support/engine';
import type { BenchOptions, Figure } from './figure';
import { openApp, type Ours } from './kit/ours';
import { cpuOf, treeOf } from './kit/processes';
import { RawApi } from './kit/raw';
import { compare, runRounds } from './kit/rounds';

const label = 'bench.gateway';
const connections = 64;
const seconds = 4;

/** Runs the benchmark on the private engine of this run; sizes are replicas. */
export async function* run(options: BenchOptions = {}): AsyncIterable<Figure> {
  const { rounds = 5, sizes = [1, 2, 4], say = () => undefined } = options;
  const place = testEngine();
  const api = new RawApi(place.socket);
  const undo: (() => Promise<void>)[] = [];
  const port = 23_000 + (process.pid % 4000);
  const wrk = spawnSync('wrk', ['-v']).error === undefined;
  if (!wrk) say('wrk is not on this machine: a loop of Node makes the load, and is itself much of what is measured');
  const load = (url: string): Promise<Record<string, number>> => ask(place.runInNamespace, url, wrk);
  try {
    undo.push(() => api.clear(`${label}=hand`));
    const app = await openApp(place.socket, 'bench-gateway');
    undo.push(async () => {
      await app.scale(0);
      await app.ready(0).catch(() => undefined);
      await app.dispose();
      await api.clear('io.pilothouse.stack=bench-gateway');
      await api.clear('io.pilothouse.gateway');
    });
    for (const size of sizes) {
      say(`${size} replicas, ${connections} connections, ${seconds} s each`);
      await app.apply(composeFile(app.stack, port, size));
      await app.ready(size);
      const addresses = await replicas(app);
      const hand = await byHand(api, port + 1, addresses);
      const ways = {
        ours: `http://127.0.0.1:${port}/`,
        'HAProxy by hand': `http://127.0.0.1:${port + 1}/`,
        direct: `http://${addresses[0] ?? ''}:8080/`,
      };
      for (const url of Object.values(ways)) await answers(load, url);
      const [{ Id: gateway = '' } = {}] = await api.ask<{ Id: string }[]>(
        'GET',
        `/containers/json?filters=${encodeURIComponent(JSON.stringify({ label: ['io.pilothouse.gateway'] }))}`,
      );
      const proxies: Record<string, number | undefined> = {
        ours: await processOf(api, gateway),
        'HAProxy by hand': await processOf(api, hand),
      };
      const contestants = Object.entries(ways).map(([name, url]) => {
        return { name, measure: () => withCpu(proxies[name], () => load(url)) };
      });
      const result = await runRounds(contestants, { ...options, rounds });
      await api.removeByForce(hand);
      const name = { bench: 'gateway', size };
      const figures = [
        compare(
          result,
          { ours: 'ours', peer: 'HAProxy by hand', of: 'rps' },
          {
            ...name,
            figure: `requests, ${size} replicas`,
            unit: '/s',
            goal: { of: 'ratio', limit: 0.97, atLeast: true },
          },
        ),
        compare(
          result,
          { ours: 'ours', peer: 'HAProxy by hand', of: 'cpu' },
          {
            ...name,
            figure: `CPU of HAProxy per request, ${size} replicas`,
            unit: 'µs',
            goal: { of: 'ratio', limit: 1.03 },
          },
        ),
        compare(
          result,
          { ours: 'ours', peer: 'HAProxy by hand', of: 'p99' },
          { ...name, figure: `99th percentile, ${size} replicas`, unit: 'ms', goal: { of: 'ratio', limit: 1.25 } },
        ),
        compare(
          result,
          { ours: 'ours', peer: 'direct', of: 'rps' },
          {
            ...name,
            figure: `requests, ${size} replicas`,
            unit: '/s',
            goal: { of: 'ratio', limit: 0.4, atLeast: true },
          },
        ),
      ];
      for (const figure of figures) if (figure) yield figure;
    }
  } finally {
    for (const one of undo.reverse()) await one().catch((thrown: unknown) => say(`! left over: ${String(thrown)}`));
    api.dispose();
  }
}

function composeFile(name: string, port: number, replicas: number): string {
  const web = {
    image: testImages.demoApp,
    environment: { LOG_RATE: '0' },
    ports: [`${port}:8080`],
    stop_grace_period: '1s',
    deploy: { replicas },
    'x-pilothouse': { traffic: { mode: 'http' } },
  };
  return JSON.stringify({ name, services: { web } });
}

async function replicas(app: Ours): Promise<string[]> {
  const { replicaList } = await app.view();
  return replicaList.flatMap((one) => Object.values(one.addresses)[0] ?? []);
}

/** The least that somebody would write for the same work: HTTP, round robin, checks. */
function handWritten(port: number, addresses: readonly string[]): string {
  const servers = addresses.map((address, at) => `  server s${at} ${address}:8080 check`).join('\n');
  return `defaults
  mode http
  timeout connect 2s
  timeout client 1m
  timeout server 1m
frontend web
  bind 127.0.0.1:${port}
  option forwardfor
  default_backend web
backend web
  balance roundrobin
${servers}
`;
}

/** A bare HAProxy on the engine's own network, as ours runs. Returns its container. */
async function byHand(api: RawApi, port: number, addresses: readonly string[]): Promise<string> {
  const config = Buffer.from(handWritten(port, addresses)).toString('base64');
  const script = `echo ${config} | base64 -d > /tmp/hand.cfg && exec haproxy -W -db -f /tmp/hand.cfg`;
  const { Id } = await api.ask<{ Id: string }>(
    'POST',
    `/containers/create?name=bench-gateway-hand-${addresses.length}`,
    {
      Image: testImages.haproxy,
      Entrypoint: ['sh', '-c', script],
      Cmd: [],
      User: 'root',
      Labels: { [label]: 'hand' },
      HostConfig: { NetworkMode: 'host' },
    },
  );
  await api.start(Id);
  return Id;
}

async function processOf(api: RawApi, container: string): Promise<number> {
  return (await api.ask<{ State: { Pid: number } }>('GET', `/containers/${container}/json`)).State.Pid;
}

/** Adds what a proxy's processes cost per request, microseconds: that hardly moves when others use the machine too. */
async function withCpu(
  proxy: number | undefined,
  load: () => Promise<Record<string, number>>,
): Promise<Record<string, number>> {
  const pids = proxy === undefined ? [] : treeOf(proxy);
  const before = cpuOf(pids);
  const measured = await load();
  const cpu = (cpuOf(pids) - before) * 1000;
  return pids.length === 0 ? measured : { ...measured, cpu: cpu / ((measured['rps'] ?? 0) * seconds) };
}

/** Waits until a way leads somewhere, and warms it. */
async function answers(load: (url: string) => Promise<Record<string, number>>, url: string): Promise<void> {
  for (let turn = 0; turn < 40; turn += 1) {
    try {
      await load(url);
      return;
    } catch (thrown) {
      if (turn === 39) throw new Error(`nobody answers at ${url}: ${String(thrown)}`);
    }
    await sleep(250);
  }
}

/** Requests a second, and the 99th percentile in milliseconds. A failed request makes it no measurement. */
async function ask(
  inNamespace: (argv: string[]) => string[],
  url: string,
  wrk: boolean,
): Promise<Record<string, number>> {
  const node = [
    process.execPath,
    join(projectRoot, 'test', 'bench', 'kit', 'httpLoad.mjs'),
    url,
    String(connections),
    String(seconds),
  ];
  const argv = wrk ? ['wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '--latency', url] : node;
  const [program = '', ...words] = inNamespace(argv);
  const out = await new Promise<string>((resolve, reject) => {
    execFile(program, words, { timeout: 60_000 }, (error, text) => (error ? reject(error) : resolve(text)));
  });
  if (!wrk) {
    const { rps, p99, failed } = JSON.parse(out) as { rps: number; p99: number; failed: number };
    if (failed > 0) throw new Error(`${failed} requests failed`);
    return { rps, p99 };
  }
  if (/Non-2xx|Socket errors/.test(out))
    throw new Error(`requests failed: ${/.*(?:Non-2xx|Socket errors).*/.exec(out)?.[0]}`);
  const [, value = '', unit = ''] = /99%\s+([\d.]+)(us|ms|s)/.exec(out) ?? [];
  const p99 = Number(value) * ({ us: 0.001, ms: 1, s: 1000 }[unit] ?? Number.NaN);
  return { rps: Number(/Requests\/sec:\s+([\d.]+)/.exec(out)?.[1]), p99 };
}
