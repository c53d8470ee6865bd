/** Our side: the parts that the app is made of, driven by the same calls that the window makes. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createApp } from '../../../src-main/app';
import { silent } from '../../../src-main/base/log';
import type { Api, Caller } from '../../../src-main/contract/api';
import type { ServiceView } from '../../../src-main/contract/nouns';
import { Controller, stackHandlers } from '../../../src-main/core/reconcile';
import { Store } from '../../../src-main/core/store';
import { connect } from '../../../src-main/engine/docker';
import { systemClock, systemRandom } from '../../../src-main/serve';
import { openRows } from '../../../src-main/storage';
import { newFolder, removeFolder } from './folder';
import { quietCommand, quietImage } from './raw';

type StackCalls = Pick<Api['calls'], 'stacks.apply' | 'services.scale' | 'services.get'>;

export const caller: Caller = {
  kind: 'window',
  signal: { aborted: false, addEventListener: () => undefined, removeEventListener: () => undefined },
};

/** One running core with one stack of one service `web`. */
export interface Ours {
  /** The value of our containers' label `io.pilothouse.stack`. */
  stack: string;
  apply(compose: string): Promise<void>;
  scale(replicas: number): Promise<void>;
  view(): Promise<ServiceView>;
  /** Waits until our own view says that so many replicas are ready and none is on its way. Returns the time it said so. */
  ready(replicas: number): Promise<number>;
  /** Waits until no rollout is under way any more. */
  calm(): Promise<void>;
  dispose(): Promise<void>;
}

/** The Compose file that we and Compose are given: quiet replicas on the default bridge, as the raw calls make them. */
export function composeFile(
  name: string,
  options: { replicas: number; version?: number; update?: object; spares?: number },
): string {
  const { replicas, version, update, spares } = options;
  const deploy = { replicas, ...(update ? { update_config: update } : {}) };
  return JSON.stringify({
    name,
    services: {
      web: {
        image: quietImage,
        command: quietCommand,
        network_mode: 'bridge',
        ...(version === undefined ? {} : { environment: { VERSION: String(version) } }),
        deploy,
        ...(spares === undefined ? {} : { 'x-pilothouse': { warm_spares: spares } }),
      },
    },
  });
}

/** The controller, the Docker engine and a store on disk, without logs and metrics. */
export async function openCore(socketPath: string, stack: string): Promise<Ours> {
  const home = newFolder('home');
  const engine = await connect({ endpoint: `unix://${socketPath}` });
  const disk = openRows(join(home, 'pilothouse.db'));
  const store = new Store(disk);
  const random = systemRandom();
  const controller = new Controller({ store, engine, clock: systemClock, random, log: silent });
  const { calls } = stackHandlers({
    store,
    clock: systemClock,
    engine: () => engine,
    engineId: () => engine.id,
    controller: () => controller,
  });
  controller.start();
  return drive(stack, calls, () => {
    controller.dispose();
    engine.dispose();
    disk.close();
    removeFolder(home);
    return Promise.resolve();
  });
}

/** With everything else that the window can ask for. */
export interface OursApp extends Ours {
  calls: Api['calls'];
}

/** The whole app without its window: logs are followed and samples taken as well. */
export async function openApp(socketPath: string, stack: string): Promise<OursApp> {
  const home = newFolder('home');
  const found = {
    id: 'bench',
    kind: 'docker' as const,
    name: 'bench',
    endpoint: `unix://${socketPath}`,
    source: 'bench',
  };
  const app = await createApp({
    home,
    version: '0.0.0',
    socket: '',
    clock: systemClock,
    random: systemRandom(),
    log: silent,
    engines: {
      find: () => Promise.resolve([found]),
      connect: () => connect({ endpoint: found.endpoint }),
      release: (engine) => {
        if ('dispose' in engine && typeof engine.dispose === 'function') engine.dispose();
      },
    },
  });
  await app.start();
  const deadline = Date.now() + 20_000;
  while ((await app.api.calls['engines.list']({}, caller))[0]?.state !== 'connected') {
    if (Date.now() > deadline) throw new Error('our app does not connect to the engine');
    await sleep(50);
  }
  const driven = drive(stack, app.api.calls, async () => {
    await app.stop();
    removeFolder(home);
  });
  return { ...driven, calls: app.api.calls };
}

function drive(stack: string, calls: StackCalls, end: () => Promise<void>): Ours {
  const service = `${stack}/web`;
  const view = (): Promise<ServiceView> => calls['services.get']({ service }, caller);
  return {
    stack,
    view,
    apply: async (text) => {
      await calls['stacks.apply']({ source: { files: [{ name: 'compose.yaml', text }] } }, caller);
    },
    scale: async (replicas) => {
      await calls['services.scale']({ service, replicas }, caller);
    },
    ready: async (replicas) => {
      const deadline = Date.now() + 180_000;
      for (;;) {
        const now = await view();
        if (now.ready === replicas && now.replicaList.length === replicas) return Date.now();
        if (Date.now() > deadline) {
          throw new Error(`our view says ${now.ready} of ${replicas} ready after 180 s: ${JSON.stringify(now.words)}`);
        }
        await sleep(10);
      }
    },
    calm: async () => {
      const deadline = Date.now() + 60_000;
      for (;;) {
        const { rollout } = await view();
        if (rollout?.state !== 'running' && rollout?.state !== 'rolling-back') return;
        if (Date.now() > deadline) throw new Error('our rollout does not end');
        await sleep(50);
      }
    },
    dispose: end,
  };
}
