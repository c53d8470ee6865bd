/** What a command inside a container answers: for `exec` and for health checks. */
import type { Container } from './container';
import { isHealthy } from './programs';
import { isPlainCommand, runCommand } from './shell';

/** Runs argv in a running container. Commands that are not understood ask the program whether it is well. `after` in milliseconds. */
export function execute(
  container: Container,
  argv: readonly string[],
  monotonic: number,
): { exitCode: number; output: string; after: number } {
  const script = argv.length >= 3 && /(?:^|\/)(?:sh|ash|bash)$/.test(argv[0] ?? '') ? (argv[2] ?? '') : argv.join(' ');
  const file = /^(?:test -[ef] |\[ -[ef] )(\S+?)(?: ?\])?$/.exec(script.trim());
  if (file?.[1]) return { exitCode: container.files.has(file[1]) ? 0 : 1, output: '', after: 1 };
  const shown = /^cat (\S+)$/.exec(script.trim());
  if (shown?.[1]) return show(container, shown[1]);
  if (isPlainCommand(argv)) {
    const run = runCommand(argv);
    if (run.exit) {
      const output = run.prints.map(({ text }) => `${text}\n`).join('');
      return { exitCode: run.exit.code, output, after: run.exit.after };
    }
  }
  const process = container.process;
  const well = process !== undefined && isHealthy(process.program, monotonic - process.startedAt);
  return well ? { exitCode: 0, output: '', after: 1 } : { exitCode: 1, output: 'connection refused\n', after: 1 };
}

function show(container: Container, path: string): { exitCode: number; output: string; after: number } {
  const file = container.files.get(path);
  return file
    ? { exitCode: 0, output: decode(file.content), after: 1 }
    : { exitCode: 1, output: `cat: can't open '${path}': No such file or directory\n`, after: 1 };
}

export function decode(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += `%${byte.toString(16).padStart(2, '0')}`;
  try {
    return decodeURIComponent(text);
  } catch {
    return String.fromCharCode(...bytes.subarray(0, 64 * 1024));
  }
}
