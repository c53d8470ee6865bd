/**
 * Starting, waiting for and ending other programs. Everything here is argv only: no command ever passes through a shell.
 * Plain Node without packages, because it also runs before `npm ci` has.
 */
import { spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync, writeFileSync } from 'node:fs';
import { setPriority } from 'node:os';
import { delimiter, join } from 'node:path';

/** Programs of the system that a root shell without a login profile would miss. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/local/bin', '/usr/bin', '/bin'];

/**
 * Finds a program on the PATH (and in the system's sbin folders).
 * @param {string} name
 * @returns {string | undefined} its full path
 */
export function which(name) {
  const own = (process.env['PATH'] ?? '').split(delimiter);
  const folders = process.platform === 'win32' ? own : [...own, ...SYSTEM_FOLDERS];
  const names = process.platform === 'win32' ? [`${name}.exe`, `${name}.cmd`, name] : [name];
  for (const folder of folders) {
    for (const candidate of names) {
      if (folder && isExecutable(join(folder, candidate))) return join(folder, candidate);
    }
  }
  return undefined;
}

/**
 * @param {string} file
 * @returns {boolean}
 */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** @returns {boolean} whether we are root on Linux, so that packages and a private engine are possible */
export function isLinuxRoot() {
  return process.platform === 'linux' && process.getuid?.() === 0;
}

/**
 * Runs a program to its end and returns what it said. Never throws for a failing program: look at `code`.
 * @param {string} program
 * @param {string[]} argv
 * @param {{ input?: string, env?: NodeJS.ProcessEnv, cwd?: string, timeoutMs?: number }} [options]
 * @returns {{ code: number, stdout: string, stderr: string }} code 127 when the program is missing, 124 on time-out
 */
export function capture(program, argv, options = {}) {
  const result = spawnSync(which(program) ?? program, argv, {
    encoding: 'utf8',
    input: options.input ?? '',
    env: options.env ?? process.env,
    cwd: options.cwd,
    timeout: options.timeoutMs,
    maxBuffer: 64 * 1024 * 1024,
  });
  const missing = result.error !== undefined && 'code' in result.error && result.error.code === 'ENOENT';
  const late = result.error !== undefined && 'code' in result.error && result.error.code === 'ETIMEDOUT';
  const code = missing ? 127 : late ? 124 : (result.status ?? 1);
  return { code, stdout: result.stdout ?? '', stderr: result.stderr ?? result.error?.message ?? '' };
}

/**
 * Like `capture`, but a failure is an error that quotes what the program said last.
 * @param {string} program
 * @param {string[]} argv
 * @param {{ input?: string, env?: NodeJS.ProcessEnv, cwd?: string, timeoutMs?: number }} [options]
 * @returns {string} standard output
 */
export function must(program, argv, options = {}) {
  const { code, stdout, stderr } = capture(program, argv, options);
  if (code !== 0) {
    const said = (stderr || stdout).trim().split('\n').slice(-4).join(' / ');
    throw new Error(`${program} ${argv.slice(0, 4).join(' ')} ended with ${code}: ${said}`);
  }
  return stdout;
}

/**
 * Runs a program with our own output, in a process group of its own so that `end` reaches its children too.
 * @param {string} program
 * @param {string[]} argv
 * @param {{ env?: NodeJS.ProcessEnv, cwd?: string, quiet?: boolean, nice?: number, timeoutMs?: number }} [options] quiet
 *   collects the output instead of showing it; nice lets others go first, as nice(1) does, where the system can
 * @returns {Promise<{ code: number, output: string }>} code 124 on time-out, 127 when the program is missing
 */
export function run(program, argv, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(which(program) ?? program, argv, {
      env: options.env ?? process.env,
      cwd: options.cwd,
      stdio: ['ignore', options.quiet ? 'pipe' : 'inherit', options.quiet ? 'pipe' : 'inherit'],
      detached: process.platform !== 'win32',
    });
    children.add(child);
    if (options.nice && child.pid !== undefined) beNice(child.pid, options.nice);
    let output = '';
    let late = false;
    const keep = (/** @type {Buffer} */ chunk) => {
      output = (output + chunk.toString('utf8')).slice(-1_000_000);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    const timer = options.timeoutMs
      ? setTimeout(() => {
          late = true;
          endGroup(child, 'SIGTERM');
          setTimeout(() => endGroup(child, 'SIGKILL'), 5_000).unref();
        }, options.timeoutMs)
      : undefined;
    child.on('error', (error) => {
      clearTimeout(timer);
      children.delete(child);
      resolve({ code: 127, output: `${output}${error.message}\n` });
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      children.delete(child);
      resolve({ code: late ? 124 : (code ?? (signal ? 1 : 0)), output });
    });
  });
}

/** Everything `run` started that still lives, so that an interrupted run leaves nothing behind. */
const children = /** @type {Set<import('node:child_process').ChildProcess>} */ (new Set());

/**
 * Where Linux shares the processor between sessions first (sched(7), autogroup), a session of its own, as `run` gives, is a share of
 * its own whatever the nice values in it: the share has one, too.
 * @param {number} pid of a leader of a session
 * @param {number} nice
 */
function beNice(pid, nice) {
  try {
    setPriority(pid, nice);
    writeFileSync(`/proc/${pid}/autogroup`, String(nice));
  } catch {
    // It has ended, or the system has no such thing: it runs like any other.
  }
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @param {NodeJS.Signals} signal
 */
function endGroup(child, signal) {
  if (child.pid === undefined) return;
  try {
    if (process.platform === 'win32') child.kill(signal);
    else process.kill(-child.pid, signal);
  } catch {
    // Already gone.
  }
}

/** Ends every program that `run` started, with its children. */
export function endChildren() {
  for (const child of children) endGroup(child, 'SIGTERM');
}

/**
 * Calls `stop` once when the user or the system interrupts us, then leaves with the shell's code for that signal.
 * @param {() => Promise<void> | void} stop
 */
export function onInterrupt(stop) {
  let stopping = false;
  for (const [signal, code] of /** @type {const} */ ([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ])) {
    process.on(signal, () => {
      if (stopping) return;
      stopping = true;
      endChildren();
      void Promise.resolve(stop()).finally(() => process.exit(code));
    });
  }
}

/**
 * When a process began, in clock ticks since boot: with the pid it names a process for good, since pids are reused.
 * @param {number} pid
 * @returns {string | undefined} undefined when there is no such process (or it is a zombie)
 */
export function startTimeOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/**
 * Waits until `check` returns something other than undefined or false.
 * @template T
 * @param {() => T | undefined | false | Promise<T | undefined | false>} check
 * @param {{ timeoutMs: number, everyMs?: number }} options
 * @returns {Promise<T | undefined>} undefined when time ran out
 */
export async function waitFor(check, options) {
  const deadline = Date.now() + options.timeoutMs;
  for (;;) {
    const value = await check();
    if (value !== undefined && value !== false) return value;
    if (Date.now() >= deadline) return undefined;
    await new Promise((resolve) => setTimeout(resolve, options.everyMs ?? 50));
  }
}
