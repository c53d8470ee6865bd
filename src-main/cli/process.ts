/** The command line in this process: real terminal, real socket. Also what the packaged app does when it is started with a verb. */
import { readFileSync } from 'node:fs';
import { clientOf, homeFolder, openWire, socketPath } from '../serve';
import { notRunning, type World } from './command';
import { commands } from './commands';
import { terminalScreen } from './output';
import { runCommandLine } from './run';

/** Whether argv (without program and script) is meant for the command line. */
export function isCommandLine(argv: readonly string[]): boolean {
  const first = argv[0];
  return first !== undefined && (first === 'help' || commands.some((command) => command.verb.split(' ')[0] === first));
}

/** Runs argv and resolves with the exit code once everything is said. */
export async function runProcess(argv: readonly string[], about: Pick<World, 'version' | 'programs'>): Promise<number> {
  const closers: (() => void)[] = [];
  const world: World = {
    connect: async () => {
      const wire = await openWire(socketPath(homeFolder()));
      if (!wire) throw notRunning();
      closers.push(() => wire.dispose());
      return clientOf(wire);
    },
    environment: process.env,
    folder: process.cwd(),
    now: () => Date.now(),
    standardInput: () => readFileSync(0, 'utf8'),
    ...about,
    interrupted: new Promise((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
    }),
  };
  // A reader such as `head` may close the pipe: that is its right, not our failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  const code = await runCommandLine(
    argv,
    { out: terminalScreen(process.stdout, process.env), errors: terminalScreen(process.stderr, process.env) },
    world,
  );
  for (const close of closers) close();
  await Promise.all([said(process.stdout), said(process.stderr)]);
  return code;
}

/** Resolves when what was written has left the process. */
function said(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.writableLength === 0) resolve();
    else stream.write('', () => resolve());
  });
}
