/** Our core as a process of its own beside the engine of the run, driven by the command line as a person would. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { call } from '../machine/api.mjs';
import { ensureBuild } from '../machine/build.mjs';
import { testEngine } from '../support/engine';
import { waitUntil } from './app-kit';

export interface CoreProcess {
  /** Its folder; state and what a test puts there go at the end. */
  home: string;
  /** Runs the command line; rejects with what it said when it failed. */
  cli(...words: string[]): Promise<string>;
  /** Starts it where the engine's bridge and published ports are, and waits until it and the engine answer. */
  serve(): Promise<void>;
  stop(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>;
  /** Takes a stack down, and everything away. */
  end(stack: string): Promise<void>;
}

/** Builds the app when that is needed. */
export async function coreProcess(): Promise<CoreProcess> {
  await ensureBuild();
  const program = join(__dirname, '..', '..', 'out', 'main', 'cli.js');
  const place = testEngine();
  const home = mkdtempSync(join(tmpdir(), 'pilothouse-core-'));
  const env = {
    ...process.env,
    PILOTHOUSE_HOME: join(home, 'state'),
    PILOTHOUSE_ALLOW_ROOT: '1',
    DOCKER_HOST: place.dockerHost,
  };
  let serving: ChildProcess | undefined;
  const core: CoreProcess = {
    home,
    cli: (...words) =>
      new Promise((resolve, reject) => {
        execFile(process.execPath, [program, ...words], { env, timeout: 120_000 }, (error, out, err) => {
          if (error) reject(new Error(`${words.slice(0, 2).join(' ')}: ${out}${err}`));
          else resolve(out);
        });
      }),
    async serve() {
      const [command = '', ...argv] = place.runInNamespace([process.execPath, program, 'serve']);
      serving = spawn(command, argv, { env, stdio: 'ignore' });
      await waitUntil('the core', () =>
        core.cli('status').then(
          () => true,
          () => false,
        ),
      );
    },
    async stop(signal) {
      const child = serving;
      serving = undefined;
      if (!child || child.exitCode !== null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill(signal);
      await ended;
    },
    async end(stack) {
      try {
        await core.cli('down', stack, '--volumes');
        // Its gateway goes a moment after the last service; one that is left behind would be another test's trouble.
        await waitUntil(
          'the end of the gateway',
          async () =>
            !JSON.stringify(await call(place.socket, 'GET', '/containers/json?all=1')).includes('pilothouse-gateway-'),
        );
      } finally {
        await core.stop('SIGTERM');
        rmSync(home, { recursive: true, force: true });
      }
    },
  };
  return core;
}
