/** The real server on a free port of loopback, over a config room with real time. */
import { createHmac } from 'node:crypto';
import { systemClock, systemRandom } from '../../../../src-main/app/clock';
import type { HttpWorld } from '../../../../src-main/app/http';
import { Emitter } from '../../../../src-main/base/emitter';
import { never } from '../../../../src-main/base/lifecycle';
import type { Caller } from '../../../../src-main/contract/api';
import type { ConfigFormat, GrayRule } from '../../../../src-main/contract/api/config';
import type { Settings } from '../../../../src-main/contract/nouns';
import { createConfig, type Config } from '../../../../src-main/core/config';
import { Store } from '../../../../src-main/core/store';
import { serveHttp, type HttpServer } from '../../../../src-main/serve/http';
import { Rows } from '../../core/config/world';

export const window: Caller = { kind: 'window', signal: never };
export const secretOf = (id: string): string => createHmac('sha256', 'of this test').update(id).digest('base64url');

export interface Served {
  config: Config;
  server: HttpServer;
  settings: Settings['http'];
  /** `127.0.0.1:<port>`. */
  address: string;
  url: string;
  change(settings: Partial<Settings['http']>): Promise<void>;
  token(namespace: string, rights?: 'read' | 'write'): Promise<{ id: string; token: string }>;
  /** Publishes for all, or with a rule for some; makes the item when it is new. */
  publish(key: string, text: string, format?: ConfigFormat, gray?: Partial<GrayRule>): number;
  /** As if the app had been quit and started again: the same disk, the same port. */
  restart(): Promise<Served>;
  stop(): Promise<void>;
}

export async function serve(given: Partial<HttpWorld> = {}, rows = new Rows(), port = 0): Promise<Served> {
  const changed = new Emitter<unknown>();
  const settings: Settings['http'] = { enabled: true, port, containers: false, open: false };
  const base = { clock: systemClock, log: () => {}, secretOf };
  const config = createConfig({ ...base, store: new Store(rows), random: systemRandom(), note: () => '' });
  const server = serveHttp({
    ...base,
    config,
    settings: () => settings,
    onSettings: changed.event,
    subnets: () => Promise.resolve([]),
    endpoints: () => undefined,
    mounts: [],
    ...given,
  });
  await server.settled();
  const view = await config.calls['config.http']({}, window);
  const url = view.urls[0] ?? '';
  const stop = async (): Promise<void> => {
    await server.close();
    config.stop();
  };
  return {
    config,
    server,
    settings,
    url,
    address: url.replace('http://', ''),
    change: async (some) => {
      Object.assign(settings, some);
      changed.fire(undefined);
      await server.settled();
    },
    token: (namespace, rights = 'read') =>
      config.calls['config.createToken']({ name: `for ${namespace}`, namespace, rights }, window),
    publish: (key, text, format = 'properties', gray) => {
      const [namespace = '', group = '', name = ''] = key.split('/');
      const rule = gray && { ips: [], labels: [], replicas: [], share: 0, ...gray };
      return config.put({ namespace, group, name }, { text, format, ...(rule ? { gray: rule } : {}) }, 'test').release;
    },
    restart: async () => {
      await stop();
      return serve(given, rows, Number(new URL(url).port));
    },
    stop,
  };
}

/** Looks until it holds; fails after `limit` milliseconds. */
export async function until(condition: () => boolean | Promise<boolean>, limit = 10_000): Promise<void> {
  const end = performance.now() + limit;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`It did not hold within ${limit} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
