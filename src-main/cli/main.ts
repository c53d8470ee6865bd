#!/usr/bin/env node
/** The command line's process: real terminal, real socket, exit code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { clientOf, homeFolder, openWire, socketPath } from '../serve';
import { notRunning, type World } from './command';
import { terminalScreen } from './output';
import { runCommandLine } from './run';

function version(): string {
  const found: unknown = JSON.parse(readFileSync(join(__dirname, '..', '..', 'package.json'), 'utf8'));
  return typeof found === 'object' && found !== null && 'version' in found ? String(found.version) : '';
}

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
  version: version(),
  interrupted: new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => resolve());
  }),
};

// A reader such as `head` may close the pipe: that is its right, not our failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

void runCommandLine(
  process.argv.slice(2),
  { out: terminalScreen(process.stdout, process.env), errors: terminalScreen(process.stderr, process.env) },
  world,
).then((code) => {
  for (const close of closers) close();
  process.exitCode = code;
  // Handlers of signals keep nothing alive, but a stuck terminal might: give output a moment, then go.
  setTimeout(() => process.exit(code), 500).unref();
});
