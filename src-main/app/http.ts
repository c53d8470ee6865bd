/** What the HTTP endpoints need of the app. */
import type { Clock } from '../base/clock';
import type { Event } from '../base/emitter';
import type { Log } from '../base/log';
import type { Settings } from '../contract/nouns';
import type { Config } from '../core/config';
import type { Engine } from '../core/engine';
import type { Store } from '../core/store';
import { readSettings } from '../core/system';

/** An endpoint of another room, behind the same door: `/metrics`. It needs a token for every namespace, or `open` reading. */
export interface HttpMount {
  /** Exactly this path, GET only. */
  path: string;
  handle(request: Request): Promise<Response>;
}

/** One place where a service can be reached. */
export interface HttpEndpoint {
  ip: string;
  port: number;
  replica: string;
  ready: boolean;
}

/** Everything the endpoints are given; they find nothing by themselves. */
export interface HttpWorld {
  config: Config;
  clock: Clock;
  log: Log;
  settings(): Settings['http'];
  onSettings: Event<unknown>;
  /** The secret part of a token, made of its id. Throws when there is no key. */
  secretOf(id: string): string;
  /** Subnets of the networks that containers of the engine are on by default. */
  subnets(): Promise<string[]>;
  /** The replicas of `<stack>/<service>`, or undefined when there is no such service. */
  endpoints(stack: string, service: string): HttpEndpoint[] | undefined;
  mounts: readonly HttpMount[];
}

/** Names of the network on which containers are that asked for none. */
const defaultNetworks = new Set(['bridge', 'podman']);

/** Puts together what the endpoints are given. `onEngine` fires when another engine is chosen. */
export function httpWorld(options: {
  store: Store;
  config: Config;
  clock: Clock;
  log: Log;
  secretOf: (id: string) => string;
  engine: () => Engine | undefined;
  onEngine: Event<unknown>;
  mounts?: readonly HttpMount[];
}): HttpWorld {
  const { store, config, clock, log, secretOf, engine, onEngine, mounts = [] } = options;
  return {
    ...{ config, clock, log, secretOf, mounts },
    settings: () => readSettings(store).http,
    onSettings: (listener) => {
      const commits = store.onCommit((changes) => {
        if (changes.some((change) => change.table === 'settings')) listener(undefined);
      });
      const engines = onEngine(listener);
      return {
        dispose: () => {
          commits.dispose();
          engines.dispose();
        },
      };
    },
    subnets: async () => {
      const networks = (await engine()?.networks()) ?? [];
      return networks.filter((network) => defaultNetworks.has(network.name)).flatMap((network) => network.subnets);
    },
    endpoints: (stack, service) => {
      const view = store.get('serviceStatus', `${stack}/${service}`);
      const port = view?.ports[0]?.target;
      return view?.replicaList.flatMap((replica) => {
        const ip = Object.values(replica.addresses).find((address) => address !== '');
        return ip === undefined || port === undefined
          ? []
          : [{ ip, port, replica: replica.id, ready: replica.state === 'ready' }];
      });
    },
  };
}

/** Prometheus' text under `/metrics`: one page, behind tokens on the endpoints and open on the loopback port of its own. */
export function scrape(text: () => string, type: string): HttpMount {
  const headers = { 'content-type': type, 'cache-control': 'no-store' };
  const handle = (): Promise<Response> => Promise.resolve(new Response(text(), { headers }));
  return { path: '/metrics', handle };
}
