/** What a verb of the command line is, and what it is given. */
import type { ParseArgsConfig } from 'node:util';
import { fail, type PilothouseError } from '../contract/errors';
import type { Client } from '../contract/client';
import type { Output } from './output';

export type Options = NonNullable<ParseArgsConfig['options']>;

/** Exit codes, as product.md fixes them. */
export const exits = { done: 0, failed: 1, usage: 2, notReady: 3, noEngine: 4 } as const;

/** The command was used wrongly: exit 2, and its usage is shown. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export interface Command {
  /** One word, or two for verbs such as `rollout undo`. */
  verb: string;
  /** What follows the verb, for help. */
  usage: string;
  summary: string;
  options?: Options;
  /** Resolves with an exit code; nothing means 0. */
  run(context: Context): Promise<number | undefined | void>;
}

/** A command's surroundings. */
export class Context {
  private connected: Promise<Client> | undefined;

  constructor(
    readonly out: Output,
    readonly words: readonly string[],
    private readonly values: Readonly<Record<string, unknown>>,
    readonly world: World,
  ) {}

  /** The connection to the running core; made at first use. */
  client(): Promise<Client> {
    this.connected ??= this.world.connect();
    return this.connected;
  }

  flag(name: string): boolean {
    return this.values[name] === true;
  }

  text(name: string): string | undefined {
    const value = this.values[name];
    return typeof value === 'string' ? value : undefined;
  }

  list(name: string): string[] {
    const value = this.values[name];
    return Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [];
  }

  /** A whole number from `least` up. */
  count(name: string, least = 0): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least)
      throw new UsageError(`--${name} wants a whole number from ${least} up, not ${text}.`);
    return value;
  }

  /** The only word after the verb. */
  word(what: string): string {
    const [first, ...rest] = this.words;
    if (first === undefined) throw new UsageError(`Say which ${what}.`);
    if (rest.length > 0) throw new UsageError(`One ${what} at a time: ${rest.join(' ')} is too much.`);
    return first;
  }
}

/** What a command takes from the process. */
export interface World {
  connect(): Promise<Client>;
  environment: NodeJS.ProcessEnv;
  folder: string;
  now(): number;
  standardInput(): string;
  version: string;
  /** The folder of the built programs. */
  programs: string;
  /** Resolves when the user wants us to end (Ctrl-C). */
  interrupted: Promise<void>;
}

/** What is said when no core runs. */
export function notRunning(): PilothouseError {
  return fail('engine-away', 'Pilothouse is not running.', 'Open Pilothouse, or run: pilothouse serve');
}
