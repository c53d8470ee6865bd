/** What tests of the whole app on a real engine share: its one engine, a caller, patience that tells what it saw, and a steady load. */
import { Agent, get, type IncomingMessage } from 'node:http';
import { Agent as SecureAgent, get as secureGet } from 'node:https';
import type { JobView } from '../../src-main/contract/api/storage';
import type { EventView, ServiceView } from '../../src-main/contract/nouns';
import type { App } from '../../src-main/app';
import { systemClock } from '../../src-main/app/clock';
import { seeded } from '../../src-main/base/random';
import type { DockerEngine } from '../../src-main/engine/docker';
import { appOver, caller } from '../support/app';
import { testEngine } from '../support/engine';

/** Waits until it holds, milliseconds at most; a failure says what `tell` sees then. Resolves with how long it took. */
export async function waitUntil(
  what: string,
  holds: () => Promise<boolean>,
  options: { limit?: number; tell?: () => Promise<unknown> } = {},
): Promise<number> {
  const { limit = 90_000, tell } = options;
  const start = performance.now();
  while (!(await holds().catch(() => false))) {
    if (performance.now() - start > limit)
      throw new Error(`${what} did not come: ${(JSON.stringify(await tell?.()) ?? '').slice(0, 6000)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return performance.now() - start;
}

export interface Load {
  sent: number;
  failed: string[];
  /** Good answers by who gave them. */
  answers: Map<string, number>;
  stop(): Promise<void>;
}

/**
 * Requests at a steady rate (a second), whatever becomes of the ones before. An answer is good with status 200 and somebody who gave it:
 * `from` says who.
 */
export function load(
  rate: number,
  options: {
    port: number;
    path?: string;
    keepAlive?: boolean;
    /** Encrypted, to this name, trusting this certificate and no other. */
    tls?: { ca: string; servername: string };
    from: (answer: IncomingMessage, body: string) => string | undefined;
  },
): Load {
  const { port, path = '/', keepAlive = false, tls, from } = options;
  // Without keeping alive every request is a handshake of its own: no session is resumed.
  const secure = { keepAlive, maxSockets: 64, ...(keepAlive ? {} : { maxCachedSessions: 0 }), ...tls };
  const agent = tls ? new SecureAgent(secure) : new Agent({ keepAlive, maxSockets: 64 });
  const ask = tls ? secureGet : get;
  const running = new Set<Promise<void>>();
  const state: Load = { sent: 0, failed: [], answers: new Map(), stop };
  const one = (): Promise<void> =>
    new Promise((resolve) => {
      state.sent += 1;
      const request = ask({ host: testEngine().address, port, path, agent, timeout: 8000 }, (answer) => {
        let body = '';
        answer.on('data', (chunk: Buffer) => (body += chunk.toString()));
        answer.on('error', (error) => state.failed.push(`body ${error.message}`));
        answer.on('close', () => {
          const who = answer.statusCode === 200 ? from(answer, body) : undefined;
          if (who === undefined) state.failed.push(`status ${answer.statusCode} ${body.slice(0, 80)}`);
          else state.answers.set(who, (state.answers.get(who) ?? 0) + 1);
          resolve();
        });
      });
      request.on('timeout', () => request.destroy(new Error('no answer in 8 s')));
      request.on('error', (error) => {
        state.failed.push(error.message);
        resolve();
      });
    });
  const started = performance.now();
  const timer = setInterval(() => {
    while (state.sent < ((performance.now() - started) / 1000) * rate) {
      const promise = one().finally(() => running.delete(promise));
      running.add(promise);
    }
  }, 10);
  async function stop(): Promise<void> {
    clearInterval(timer);
    await Promise.all(running);
    agent.destroy();
  }
  return state;
}

/** The whole app without a window on one engine, and short words for what tests ask of it. */
export interface TestApp {
  app: App;
  apply(text: string): Promise<void>;
  scale(service: string, replicas: number): Promise<void>;
  view(service: string): Promise<ServiceView>;
  /** Every wanted replica is there and ready, and no other. */
  settled(service: string, replicas: number): Promise<boolean>;
  /** The time line's events of a kind, about a service when one is named. */
  events(kind: string, service?: string): Promise<EventView[]>;
  until(what: string, holds: () => Promise<boolean>, limit?: number): Promise<number>;
  /** Ends the app and leaves everything running. */
  stop(): Promise<void>;
  /** Removes its stacks and ends it. */
  end(): Promise<void>;
}

/** The gateways on the engine, of whatever installation. */
export async function gateways(engine: DockerEngine): Promise<string[]> {
  return (await engine.list({})).map(({ name }) => name).filter((name) => name.startsWith('pilothouse-gateway-'));
}

/**
 * Waits until the gateway is gone, which is a moment after the last service it led to. Every file finds the engine empty
 * (`test/support/engine-file.ts`), so one that is there is this file's own, but for those of `others`.
 */
export async function gatewayGone(engine: DockerEngine, others: readonly string[] = []): Promise<void> {
  const own = async (): Promise<string[]> => (await gateways(engine)).filter((name) => !others.includes(name));
  await waitUntil('the end of the gateway', async () => (await own()).length === 0, { tell: own });
}

let started = 0;

/** Starts the app over this engine. Services are named without their stack, which is `stack`. */
export async function startApp(options: { engine: DockerEngine; stack: string; home: string }): Promise<TestApp> {
  const { engine, stack, home } = options;
  const others = await gateways(engine);
  const app = await appOver(engine, {
    home,
    clock: systemClock,
    // Two apps on one engine are two installations.
    random: seeded(process.pid + (started += 1)),
    log: (level, message, fields) => {
      if (level === 'error' || message.startsWith('gateway'))
        process.stdout.write(`${level} ${message} ${JSON.stringify(fields)}\n`);
    },
  });
  await app.start();
  const { calls } = app.api;
  const view = (service: string): Promise<ServiceView> =>
    calls['services.get']({ service: `${stack}/${service}` }, caller);
  const until: TestApp['until'] = (what, holds, limit = 60_000) =>
    waitUntil(what, holds, {
      limit,
      tell: async () => {
        const services = await calls['services.list']({}, caller);
        const flow = await Promise.all(services.map(({ key }) => calls['traffic.get']({ service: key }, caller)));
        const [first] = flow;
        return { gateway: first?.gateway, routes: first?.routes, ports: flow.map(({ ports }) => ports), services };
      },
    });
  await until('the engine', async () => (await calls['engines.list']({}, caller))[0]?.state === 'connected');
  return {
    app,
    view,
    until,
    apply: async (text) => {
      await calls['stacks.apply']({ source: { files: [{ name: 'compose.yaml', text }] }, name: stack }, caller);
    },
    scale: async (service, replicas) => {
      await calls['services.scale']({ service: `${stack}/${service}`, replicas }, caller);
    },
    settled: async (service, replicas) => {
      const now = await view(service);
      return now.health === 'ok' && now.ready === replicas && now.replicaList.length === replicas;
    },
    events: async (kind, service) => {
      const list = await calls['events.list']({ kinds: [kind], limit: 5000 }, caller);
      return list.filter((one) => service === undefined || one.service === `${stack}/${service}`);
    },
    stop: () => app.stop(),
    end: async () => {
      await calls['stacks.remove']({ stack, volumes: true }, caller).catch(() => {});
      await until(
        'the end of the stack',
        async () => (await engine.list({ labels: { 'io.pilothouse.stack': stack } })).length === 0,
      );
      await gatewayGone(engine, others);
      await app.stop();
    },
  };
}

/** The long acts of an app, as its window follows them. */
export interface LongActs {
  jobs: ReadonlyMap<string, JobView>;
  /** The end of one, well or not. */
  over(started: Promise<{ job: string }>): Promise<JobView>;
}

/** @param jobs where they are noted, for who wants them before there is an app */
export function followJobs(app: App, jobs = new Map<string, JobView>()): LongActs {
  app.api.streams['storage.watch'](
    {},
    {
      send: ({ put }) => put.forEach((job) => jobs.set(job.id, job)),
      credit: () => 1000,
      onCredit: () => ({ dispose() {} }),
      end() {},
      fail() {},
    },
    caller,
  );
  return {
    jobs,
    over: async (started) => {
      const { job } = await started;
      const isOver = (): Promise<boolean> => Promise.resolve(jobs.has(job) && jobs.get(job)?.state !== 'running');
      await waitUntil(`the end of ${job}`, isOver, { limit: 180_000 });
      return jobs.get(job) as JobView;
    },
  };
}

/** Tells what a row of the fault table came to; figures are told, never asserted. */
export function figure(row: string, text: string): void {
  process.stdout.write(`${row}: ${text}\n`);
}
