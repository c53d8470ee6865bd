/** What tests of the whole app on a real engine share: its one engine, a caller, patience that tells what it saw, and a steady load. */
import { Agent, get, type IncomingMessage } from 'node:http';
import { Agent as SecureAgent, get as secureGet } from 'node:https';
import { never } from '../../src-main/base/lifecycle';
import type { Caller } from '../../src-main/contract/api';
import type { AppOptions } from '../../src-main/app';
import type { DockerEngine } from '../../src-main/engine/docker';
import { testEngine } from '../support/engine';

export const caller: Caller = { kind: 'cli', signal: never };

/** An app that finds this engine and no other. */
export function onlyEngine(engine: DockerEngine): NonNullable<AppOptions['engines']> {
  const found = { id: engine.id, kind: 'docker' as const, name: 'test', endpoint: engine.endpoint, source: 'test' };
  return { find: () => Promise.resolve([found]), connect: () => Promise.resolve(engine), release: () => {} };
}

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
