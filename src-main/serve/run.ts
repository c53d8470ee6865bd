/** One running core with its socket: what `pilothouse serve` is, and what a window brings along when none runs yet. */
import { createApp } from '../app';
import type { Log } from '../base/log';
import type { Api } from '../contract/api';
import { reachable } from './connect';
import { privateFolder, socketPath } from './home';
import { alreadyRuns, serveSocket } from './server';

export interface RunningCore {
  api: Api;
  socket: string;
  /** Ends the core and its socket. Workloads go on. */
  stop(): Promise<void>;
}

/** Starts the core. Throws `conflict` when another one runs with this home. */
export async function runCore(options: { home: string; version: string; log: Log }): Promise<RunningCore> {
  privateFolder(options.home);
  const path = socketPath(options.home);
  if (await reachable(path)) throw alreadyRuns();
  const app = createApp({ ...options, socket: path });
  try {
    const server = await serveSocket(app.api, path);
    await app.start();
    return {
      api: app.api,
      socket: path,
      stop: async () => {
        await server.close();
        await app.stop();
      },
    };
  } catch (thrown) {
    await app.stop();
    throw thrown;
  }
}
