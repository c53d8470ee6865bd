/** What runs inside the containers of the memory engine: how long it takes to be ready, when it fails, what it logs and burns. */
import { hash32 } from '../../base/random';
import type { LogStyle } from './formats';
import { isPlainCommand, runCommand } from './shell';

/** A figure over the age of a process, in milliseconds; `seed` makes equal programs differ a little. */
export type Curve = (age: number, seed: number) => number;

/** One run of a process. Times are milliseconds after its start. */
export interface Program {
  /** From then on it serves and its health check passes. */
  readyAfter: number;
  /** From then on its health check fails, until `healthyAgainAfter`. */
  unhealthyAfter?: number;
  healthyAgainAfter?: number;
  /** It ends by itself; `oom`: the kernel kills it for its memory. */
  exit?: { after: number; code: number; oom?: boolean };
  /** What the stop signal does: it ends so long after it with this code, or does not care. */
  onStop: { after: number; code: number } | 'ignores';
  /** It cannot even be started: command not found is 127, not executable 126. */
  startError?: { exitCode: number; detail: string };
  logs?: { perSecond: number; style: LogStyle };
  /** Lines it writes at given times, beside the steady flow. */
  prints: { after: number; text: string; stream?: 'stdout' | 'stderr' }[];
  /** Cores. */
  cpu: Curve;
  /** Bytes. */
  memory: Curve;
  /** Bytes a second, received and sent. */
  network: Curve;
  /** Bytes a second it grows by; with a memory limit it is killed when it gets there. */
  grows?: number;
}

/** What a program knows about where it runs. */
export interface ProgramContext {
  image: string;
  name: string;
  command: readonly string[];
  /** The text of the script that the command runs, when one was put into the container. */
  script?: string;
  environment: Readonly<Record<string, string>>;
  /** Cores it may use, when limited. */
  cpus?: number;
  /** 1 at the container's first start; automatic restarts count too. */
  starts: number;
}

/** A program as a scenario gives it: only what differs from a quiet server, or a function of where and how often it starts. */
export type ProgramSource = Partial<Program> | ((context: ProgramContext) => Partial<Program>);

const mebibyte = 1024 * 1024;

/** Smooth pseudo-random noise in [0, 1] with features about `period` milliseconds long. */
export function noise(age: number, options: { period: number; seed: number }): number {
  const place = age / options.period;
  const from = Math.floor(place);
  const part = place - from;
  const smooth = part * part * (3 - 2 * part);
  const point = (index: number): number => hash32(`${options.seed}:${index}`) / 4294967296;
  return point(from) * (1 - smooth) + point(from + 1) * smooth;
}

/** A figure that wanders around `base` by up to `swing`, with short flickers on slow waves. */
export function wander(base: number, swing: number): Curve {
  return (age, seed) =>
    base +
    swing * (1.4 * noise(age, { period: 47_000, seed }) + 0.6 * noise(age, { period: 3_100, seed: seed + 7 }) - 1);
}

/** Memory that fills up in the first minute and then breathes. */
export function fills(target: number): Curve {
  return (age, seed) =>
    target * (0.55 + 0.4 * (1 - Math.exp(-age / 20_000)) + 0.05 * noise(age, { period: 13_000, seed: seed + 3 }));
}

/** A program from its differences to a quiet server; the environment of the container may change it further. */
export function makeProgram(source: ProgramSource | undefined, context: ProgramContext): Program {
  const given = typeof source === 'function' ? source(context) : (source ?? {});
  const base: Program = { ...server(), ...given };
  const named =
    context.command.length > 0 && isPlainCommand(context.command) ? fromCommand(base, context.command) : base;
  return fromEnvironment(named, context.environment);
}

function server(): Program {
  return {
    readyAfter: 0,
    onStop: { after: 20, code: 0 },
    prints: [],
    cpu: wander(0.02, 0.015),
    memory: fills(12 * mebibyte),
    network: wander(900, 700),
  };
}

function fromCommand(base: Program, command: readonly string[]): Program {
  const run = runCommand(command);
  const program: Program = {
    ...base,
    prints: run.prints,
    onStop: run.term === 'ignored' ? 'ignores' : { after: 5, code: run.term },
  };
  // A script that the reader does not follow to its end is somebody's server: it should obey a stop and look alive.
  if (run.exit) program.exit = run.exit;
  else if (run.prints.length === 0 && run.term === 'ignored' && !/^(?:sleep|tail|top)$/.test(command[0] ?? ''))
    program.onStop = base.onStop;
  if (run.exit && run.exit.after < 60_000) delete program.logs;
  return program;
}

/** The switches of the test image `pilothouse/demo-app`, understood for every image: seconds, as there. */
function fromEnvironment(program: Program, environment: Readonly<Record<string, string>>): Program {
  const seconds = (name: string): number | undefined => {
    const value = Number(environment[name]);
    return environment[name] && Number.isFinite(value) && value >= 0 ? value * 1000 : undefined;
  };
  const delay = seconds('START_DELAY');
  const fail = seconds('FAIL_AFTER');
  const end = seconds('EXIT_AFTER');
  const rate = environment['LOG_RATE'] ? Number(environment['LOG_RATE']) : Number.NaN;
  const result = { ...program };
  if (delay !== undefined) result.readyAfter = delay;
  if (fail !== undefined) result.unhealthyAfter = fail;
  if (end !== undefined) result.exit = { after: end, code: Number(environment['EXIT_CODE'] ?? 1) & 255 };
  if (environment['IGNORE_TERM'] === '1') result.onStop = 'ignores';
  if (Number.isFinite(rate) && rate >= 0) {
    if (rate === 0) delete result.logs;
    else result.logs = { perSecond: Math.min(rate, 10_000), style: program.logs?.style ?? 'mixed' };
  }
  return result;
}

/** Whether the health check of a process of this age passes. */
export function isHealthy(program: Program, age: number): boolean {
  if (age < program.readyAfter) return false;
  if (program.unhealthyAfter === undefined || age < program.unhealthyAfter) return true;
  return program.healthyAgainAfter !== undefined && age >= program.healthyAgainAfter;
}
