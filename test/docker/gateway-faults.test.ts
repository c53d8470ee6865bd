/** Rows M34 and M35 of the fault table, and what the gateway promises by its settings, on a real HAProxy: see README.md of this folder. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TrafficView } from '../../src-main/contract/api/traffic';
import type { EngineFacts } from '../../src-main/core/engine';
import { connect, type DockerEngine } from '../../src-main/engine/docker';
import { containerRequest } from '../main/engine/docker/request';
import { testEngine, testImages } from '../support/engine';
import { caller } from '../support/app';
import { figure, load as steady, startApp, type Load, type TestApp } from './app-kit';
import { uniqueName } from './engine-kit';

const stack = `gf${process.pid}`;
const port = 20_000 + ((process.pid + 2500) % 9000);
const force = { force: true, anonymousVolumes: true };

let home: string;
let engine: DockerEngine;
let test: TestApp;
/** What is added to every configuration that is to be checked: how a broken generator looks from outside. */
let broken = '';
const foreign: string[] = [];

/** The engine with some of its methods replaced. */
function altered(change: Partial<DockerEngine>): DockerEngine {
  return new Proxy(engine, {
    get: (target, key) => {
      const value: unknown = Reflect.get(key in change ? change : target, key);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

const app = (replicas: number, traffic: string, at?: number): string => `
    image: ${testImages.demoApp}
    environment: { LOG_RATE: '0' }
    ${at === undefined ? '' : `ports: ['${at}:8080']`}
    stop_grace_period: 2s
    deploy: { replicas: ${replicas} }
    x-pilothouse: { traffic: { mode: http, check: { interval: 500ms, rise: 1, fall: 3 }, ${traffic} } }`;
function compose(options: { path?: string; slow?: number } = {}): string {
  const { path = '/', slow = 2 } = options;
  return `
name: ${stack}
services:
  web: ${app(3, `route: { port: 8080, path_prefix: '${path}' }`, port)}
  sticky: ${app(3, 'sticky: true', port + 1)}
  hashed: ${app(3, 'algorithm: consistent-hash, hash_on: X-User', port + 2)}
  source: ${app(3, 'algorithm: source', port + 3)}
  slow: ${app(slow, 'slow_start: 8s', port + 4)}
`;
}

const traffic = (name = 'web'): Promise<TrafficView> =>
  test.app.api.calls['traffic.get']({ service: `${stack}/${name}` }, caller);
const ready = async (name: string, replicas: number): Promise<boolean> =>
  (await test.settled(name, replicas)) &&
  (await traffic(name)).replicas.filter((one) => one.state === 'ready').length === replicas;
const hostOf = (body: string): string | undefined => /"hostname":\s*"([^"]+)"/.exec(body)?.[1];
const load = (rate: number, to = port): Load => steady(rate, { port: to, from: (_answer, body) => hostOf(body) });
const gatewayId = async (): Promise<string> => (await traffic()).gateway.container?.id ?? '';

/** One request: who answered, and the cookie that came with it. */
function ask(to: number, headers: Record<string, string> = {}): Promise<{ host?: string; cookie?: string }> {
  return new Promise((resolve, reject) => {
    get({ host: testEngine().address, port: to, headers, agent: false, timeout: 5000 }, (answer: IncomingMessage) => {
      let body = '';
      answer.on('data', (chunk: Buffer) => (body += chunk.toString()));
      answer.on('end', () => {
        const cookie = answer.headers['set-cookie']?.[0]?.split(';')[0];
        const host = hostOf(body);
        resolve({ ...(host === undefined ? {} : { host }), ...(cookie === undefined ? {} : { cookie }) });
      });
    }).on('error', reject);
  });
}
const who = async (to: number, headers: Record<string, string>, times: number): Promise<Map<string, number>> => {
  const found = new Map<string, number>();
  for (let turn = 0; turn < times; turn++) {
    const { host = 'nobody' } = await ask(to, headers);
    found.set(host, (found.get(host) ?? 0) + 1);
  }
  return found;
};
/** What a program on the engine's own machine gets from its loopback address. */
function askInside(to: number, host: string): Promise<string> {
  const script = `require('http').get({host:'127.0.0.1',port:${to},headers:{host:'${host}'}},(a)=>{let b='';a.on('data',(c)=>b+=c);a.on('end',()=>console.log(b))}).on('error',(e)=>console.log(e.message))`;
  const [program = '', ...words] = testEngine().runInNamespace([process.execPath, '-e', script]);
  return new Promise((resolve) => execFile(program, words, { timeout: 10_000 }, (_error, out) => resolve(out)));
}

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'pilothouse-gateway-faults-'));
  engine = await connect({ endpoint: testEngine().dockerHost });
  const putFile: DockerEngine['putFile'] = (id, file) => {
    if (!file.path.endsWith('candidate.cfg') || broken === '') return engine.putFile(id, file);
    return engine.putFile(id, { ...file, content: Buffer.concat([file.content, Buffer.from(broken)]) });
  };
  // Somebody has the port of host routes before we come.
  const thief = containerRequest({
    name: uniqueName('thief'),
    image: testImages.demoApp,
    environment: { PORT: '80', LOG_RATE: '0' },
    host: { networkMode: 'host' },
  });
  foreign.push((await engine.create(thief)).id);
  await engine.start(foreign[0] ?? '');
  test = await startApp({ engine: altered({ putFile }), stack, home });
  await test.apply(compose());
  for (const name of ['web', 'sticky', 'hashed', 'source']) await test.until(name, () => ready(name, 3));
  await test.until('slow', () => ready('slow', 2));
}, 120_000);

afterAll(async () => {
  broken = '';
  for (const id of foreign) await engine.remove(id, force).catch(() => {});
  await test.end();
  engine.dispose();
  rmSync(home, { recursive: true, force: true });
}, 120_000);

describe('the gateway in trouble', () => {
  it('answers host routes at another port where 80 is taken, and says so', async () => {
    const [route] = (await traffic()).routes;
    expect(route?.url).toMatch(new RegExp(`^http://web\\.${stack}\\.localhost:80[89]\\d/$`));
    expect(route?.note).toMatchObject({ code: 'traffic.routePort' });
    const to = Number(/:(\d+)\/$/.exec(route?.url ?? '')?.[1]);
    expect(hostOf(await askInside(to, `web.${stack}.localhost:${to}`))).toBeDefined();
  });

  it('M34: killed five times, it is back each time and knows its replicas', async () => {
    const times: number[] = [];
    for (let round = 0; round < 5; round++) {
      await engine.kill(await gatewayId(), 'SIGKILL');
      const began = performance.now();
      await test.until('answers', async () => (await who(port, {}, 3)).size > 0);
      times.push(Math.round(performance.now() - began));
      await test.until(
        'its line',
        async () => (await traffic()).gateway.state === 'running' && (await ready('web', 3)),
      );
    }
    expect((await who(port, {}, 12)).size).toBe(3);
    figure('M34', `gateway killed: answers again after ${times.join(', ')} ms (goal 3000)`);
  });

  it('M34: reloads under load lose no request', async () => {
    const before = (await traffic()).gateway.reloads;
    const flow = load(100);
    const rounds = 12;
    for (let round = 0; round < rounds; round++) {
      await test.apply(compose({ path: round % 2 === 0 ? '/one' : '/' }));
      await test.until('the reload', async () => (await traffic()).gateway.reloads === before + round + 1);
    }
    await flow.stop();
    figure('M34', `${rounds} reloads under ${flow.sent} requests: ${flow.failed.length} failed`);
    expect(flow.failed).toEqual([]);
  });

  it('M34: a bad configuration is never applied; the old one goes on, and follows its replicas', async () => {
    const flow = load(50);
    const config = async (): Promise<string> =>
      (await engine.exec(await gatewayId(), ['cat', '/usr/local/etc/haproxy/haproxy.cfg'])).output;
    broken = '\nfrontend nonsense\n  no such keyword\n';
    await test.apply(compose({ path: '/never' }));
    await test.until('it is said', async () => (await traffic()).gateway.words.code === 'traffic.refused');
    expect(await config()).not.toMatch(/nonsense|\/never/);
    await test.scale('web', 4);
    await test.until('four behind the old configuration', () => ready('web', 4));
    await test.scale('web', 3);
    await test.until('three', () => ready('web', 3));
    broken = '';
    await test.apply(compose({ path: '/better' }));
    await test.until('the next one is taken', async () => (await config()).includes('/better'));
    await test.apply(compose());
    await flow.stop();
    expect((await who(port, {}, 12)).size).toBe(3);
    figure('M34', `bad configuration under ${flow.sent} requests: ${flow.failed.length} failed, 0 applied`);
    expect(flow.failed).toEqual([]);
  });

  it('M35: a backend that is silently cut off is out after three checks', async () => {
    await test.until('three', () => ready('web', 3));
    const victim = (await test.view('web')).replicaList[0];
    const pid = (await engine.inspect(victim?.container?.id ?? ''))?.pid ?? 0;
    const link = (way: 'up' | 'down'): number | null =>
      spawnSync('nsenter', ['-t', String(pid), '-n', 'ip', 'link', 'set', 'eth0', way]).status;
    const flow = load(50);
    await sleep(1000);
    expect(link('down')).toBe(0);
    const took = await test.until('it is out', async () =>
      (await traffic()).replicas.some((one) => one.replica === victim?.id && one.state === 'down'),
    );
    await sleep(1000);
    const failed = flow.failed.length;
    await sleep(1500);
    expect(flow.failed.length).toBe(failed);
    link('up');
    await flow.stop();
    await test.until('it is back', () => ready('web', 3), 30_000);
    // Connections to it fail within two seconds and go elsewhere; only what it had begun to answer can be lost.
    figure(
      'M35',
      `cut off: out after ${Math.round(took)} ms (checks are 500 ms apart); ${flow.sent} requests, ${flow.failed.length} failed`,
    );
  });
});

describe('the ways to balance', () => {
  it('sticky: who has a cookie stays where he is', async () => {
    const hosts = new Set<string>();
    for (let client = 0; client < 6; client++) {
      const { host, cookie = '' } = await ask(port + 1);
      expect(cookie).toMatch(/^PILOTHOUSE=/);
      expect([...(await who(port + 1, { cookie }, 5)).keys()]).toEqual([host]);
      hosts.add(host ?? '');
    }
    expect(hosts.size).toBe(3);
  });

  it('consistent hash: a user keeps his replica, and most keep it when one goes', async () => {
    const users = Array.from({ length: 40 }, (_, at) => `user-${at}`);
    const place = async (): Promise<string[]> => {
      const hosts: string[] = [];
      for (const user of users) hosts.push((await ask(port + 2, { 'X-User': user })).host ?? '');
      return hosts;
    };
    const before = await place();
    expect(await place()).toEqual(before);
    expect(new Set(before).size).toBe(3);
    await test.scale('hashed', 2);
    await test.until('two', () => ready('hashed', 2));
    const after = await place();
    const left = new Set(after);
    expect(left.size).toBe(2);
    for (const [at, host] of before.entries()) if (left.has(host)) expect(after[at]).toBe(host);
  });

  it('source: one client, one replica; weights by hand count there too', async () => {
    const [host = ''] = (await who(port + 3, {}, 10)).keys();
    expect((await who(port + 3, {}, 10)).get(host)).toBe(10);
    const mine = (await test.view('source')).replicaList.find((one) => one.container?.id.startsWith(host));
    await test.app.api.calls['traffic.weight']({ replica: mine?.id ?? '', weight: 0 }, caller);
    const [other] = (await who(port + 3, {}, 10)).keys();
    expect(other).not.toBe(host);
    await test.app.api.calls['traffic.weight']({ replica: mine?.id ?? '', weight: 100 }, caller);
  });

  it('slow start: a new replica gets its share little by little', async () => {
    const old = new Set((await test.view('slow')).replicaList.map((one) => one.container?.id.slice(0, 12)));
    const flow = load(100, port + 4);
    await test.scale('slow', 3);
    await test.until('three', () => ready('slow', 3));
    const share = async (time: number): Promise<number> => {
      const before = new Map(flow.answers);
      await sleep(time);
      let [fresh, all] = [0, 0];
      for (const [host, count] of flow.answers) {
        const more = count - (before.get(host) ?? 0);
        all += more;
        if (!old.has(host)) fresh += more;
      }
      return fresh / all;
    };
    const first = await share(1500);
    await sleep(7000);
    const later = await share(1500);
    await flow.stop();
    process.stdout.write(
      `slow start: ${Math.round(first * 100)} % of the requests at first, ${Math.round(later * 100)} % later\n`,
    );
    expect(flow.failed).toEqual([]);
    expect(first).toBeLessThan(0.25);
    expect(later).toBeGreaterThan(0.28);
  });
});

describe('where the gateway cannot share the network of the machine', () => {
  it('publishes its ports itself, leaves out one that is taken, and answers host routes', async () => {
    const other = `gb${process.pid}`;
    const place = mkdtempSync(join(tmpdir(), 'pilothouse-gateway-desktop-'));
    const facts: DockerEngine['facts'] = async (signal): Promise<EngineFacts> => ({
      ...(await engine.facts(signal)),
      operatingSystem: 'Docker Desktop',
    });
    const desktop = await startApp({ engine: altered({ facts }), stack: other, home: place });
    try {
      const from = port + 10;
      await desktop.apply(`
name: ${other}
services:
  web: ${app(2, 'route: { port: 8080 }', from)}
  late: ${app(2, 'sticky: false', port)}
`);
      const shown = (name: string): Promise<TrafficView> =>
        desktop.app.api.calls['traffic.get']({ service: `${other}/${name}` }, caller);
      // The other installation's gateway has the port of `late`, somebody else the one of host routes.
      await desktop.until('the taken port is said', async () => (await shown('late')).ports[0]?.problem !== undefined);
      await desktop.until(
        'two',
        async () => (await shown('web')).replicas.filter((one) => one.state === 'ready').length === 2,
      );
      expect((await who(from, {}, 10)).size).toBe(2);
      const url = (await shown('web')).routes[0]?.url ?? '';
      const to = Number(/:(\d+)$/.exec(url)?.[1] ?? 80);
      expect(hostOf(await askInside(to, new URL(url).host))).toBeDefined();
    } finally {
      await desktop.end();
      rmSync(place, { recursive: true, force: true });
    }
  });
});
