/** One running core with its socket: what `pilothouse serve` is, and what a window brings along when none runs yet. */
import { createApp, type AppOptions } from '../app';
import type { Log } from '../base/log';
import type { Api } from '../contract/api';
import { systemClock, systemRandom } from '../app/clock';
import { reachable } from './connect';
import { privateFolder, socketPath } from './home';
import { followMetricsPort } from './http/follow';
import { serveHttp, type HttpServer } from './http';
import { openLogThread } from '../app/logThread';
import { probeLoop } from './loopDelay';
import { alreadyRuns, serveSocket } from './server';

export interface RunningCore {
  api: Api;
  socket: string;
  /** Ends the core and its socket. Workloads go on. */
  stop(): Promise<void>;
}

export interface CoreOptions {
  home: string;
  version: string;
  log: Log;
  /** The folder of the built programs, where the worker threads start. */
  programs: string;
  /** The system's keychain, where there is a real one. */
  keychain?: AppOptions['keychain'];
}

/** Starts the core. Throws `conflict` when another one runs with this home. */
export async function runCore(options: CoreOptions): Promise<RunningCore> {
  const { home, version, log, programs } = options;
  privateFolder(home);
  const socket = socketPath(home);
  if (await reachable(socket)) throw alreadyRuns();
  const probe = probeLoop();
  const app = await createApp({
    home,
    version,
    log,
    socket,
    clock: systemClock,
    random: systemRandom(),
    openLogStore: (folder, budget) => openLogThread(programs, folder, budget),
    loopDelay: () => probe.delay(),
    keychain: options.keychain,
  });
  let http: HttpServer | undefined;
  const stop = async (): Promise<void> => {
    await http?.close();
    await app.stop();
    probe.dispose();
  };
  try {
    const server = await serveSocket(app.api, socket);
    await app.start();
    const metrics = followMetricsPort(app, log);
    if (app.http) http = serveHttp(app.http);
    return {
      api: app.api,
      socket,
      stop: async () => {
        await metrics.stop();
        await server.close();
        await stop();
      },
    };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}
