/** What the tests of nodes on other machines share: an app on the engine of the run, and a second engine that is reached in their way. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { App } from '../../src-main/app';
import { systemClock } from '../../src-main/app/clock';
import { seeded } from '../../src-main/base/random';
import type { JobView } from '../../src-main/contract/api/storage';
import { PilothouseError, type Problem } from '../../src-main/contract/errors';
import type { NodeView } from '../../src-main/contract/nouns';
import { connect, type DockerEngine } from '../../src-main/engine/docker';
import { startPrivateEngine, testEngine, type PrivateEngine } from '../support/engine';
import { appOver, caller } from '../support/app';
import { followJobs, waitUntil } from './app-kit';

export interface Nodes {
  /** A folder of the test's own. */
  folder: string;
  second: PrivateEngine;
  calls: App['api']['calls'];
  /** Everything the app has logged. */
  logged: string[];
  /** The engine of the run. */
  engine: DockerEngine;
  /** The end of a long act. */
  over(started: Promise<{ job: string }>): Promise<JobView>;
  /** The problem of an attempt to join, as the user gets it. */
  problemOf(reach: { endpoint: string; certificates?: string }): Promise<Problem>;
  node(name: string): Promise<NodeView | undefined>;
  until(what: string, holds: (node: NodeView | undefined) => boolean, name?: string): Promise<void>;
  stop(): Promise<void>;
}

/** @param flags the second daemon's, given the folder */
export async function startNodes(name: string, flags: (folder: string) => string[] = () => []): Promise<Nodes> {
  // Before Docker 24 the id of a daemon is its machine's; two on one machine need a key each.
  const old = Number(/version (\d+)/.exec(execFileSync('dockerd', ['--version']).toString())?.[1]) < 24;
  const folder = mkdtempSync(join(tmpdir(), `pilothouse-${name}-`));
  const file = join(folder, 'daemon.json');
  writeFileSync(file, JSON.stringify(old ? { 'deprecated-key-path': join(folder, 'second-key.json') } : {}));
  const second = await startPrivateEngine({
    name: `${name}-${process.pid}`,
    hostNetwork: false,
    daemonArguments: ['--config-file', file, ...flags(folder)],
  });
  const engine = await connect({ endpoint: testEngine().dockerHost });
  const logged: string[] = [];
  const app = await appOver(engine, {
    home: join(folder, 'app'),
    clock: systemClock,
    random: seeded(process.pid),
    log: (level, message, fields) => logged.push(`${level} ${message} ${JSON.stringify(fields)}`),
  });
  await app.start();
  const calls = app.api.calls;
  await waitUntil('the engine', async () => (await calls['nodes.list']({}, caller)).length === 1);
  const node = async (which: string): Promise<NodeView | undefined> =>
    (await calls['nodes.list']({}, caller)).find((one) => one.name === which);
  return {
    folder,
    second,
    calls,
    logged,
    engine,
    node,
    over: followJobs(app).over,
    problemOf: async (reach) => {
      try {
        await calls['nodes.test'](reach, caller);
      } catch (thrown) {
        if (thrown instanceof PilothouseError) return thrown.problem;
        throw thrown;
      }
      throw new Error(`${reach.endpoint} was reached`);
    },
    until: (what, holds, which = 'far') =>
      waitUntil(what, async () => holds(await node(which)), { tell: () => node(which) }).then(() => undefined),
    stop: async () => {
      await app.stop();
      engine.dispose();
      await second.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
