/** One run of the command line: find the verb, parse its options, run it, and turn what went wrong into an exit code. */
import { parseArgs } from 'node:util';
import { toProblem, type Problem } from '../contract/errors';
import { Context, exits, UsageError, type Command, type World } from './command';
import { commands } from './commands';
import { Output, type Screen } from './output';

export interface Screens {
  out: Screen;
  errors: Screen;
}

/** Runs argv (without program and script) and resolves with the exit code. Never rejects. */
export async function runCommandLine(argv: readonly string[], screens: Screens, world: World): Promise<number> {
  const json = argv.includes('--json');
  const out = new Output(json, screens.out, screens.errors);
  const words = argv.filter((word) => word !== '--json');
  if (words[0] === '--version' || words[0] === 'version') {
    out.value({ version: world.version });
    out.line(`pilothouse ${world.version}`);
    return exits.done;
  }
  const asksHelp = words.length === 0 || words[0] === 'help' || words[0] === '--help' || words[0] === '-h';
  if (asksHelp) {
    out.line(overview());
    return words.length === 0 ? exits.usage : exits.done;
  }
  const found = findCommand(words);
  if (!found) {
    out.problem({
      code: 'bad-input',
      message: `${words.slice(0, 2).join(' ')} is no command of pilothouse.`,
      hint: nearest(words[0] ?? ''),
    });
    return exits.usage;
  }
  const { command, rest } = found;
  try {
    const parsed = parseArgs({
      args: rest,
      options: { ...command.options, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
      strict: true,
    });
    if (parsed.values['help'] === true) {
      out.line(`${command.summary}\n\nusage: pilothouse ${command.verb} ${command.usage} [--json]`.trimEnd());
      return exits.done;
    }
    const context = new Context(out, parsed.positionals, parsed.values, world);
    return (await command.run(context)) ?? exits.done;
  } catch (thrown) {
    if (thrown instanceof UsageError || isParseError(thrown)) {
      const message = thrown instanceof Error ? thrown.message.split('. To specify')[0] : String(thrown);
      out.problem({
        code: 'bad-input',
        message: message ?? '',
        hint: `usage: pilothouse ${command.verb} ${command.usage}`.trimEnd(),
      });
      return exits.usage;
    }
    const problem = toProblem(thrown);
    out.problem(problem);
    return exitCode(problem);
  }
}

function exitCode(problem: Problem): number {
  if (problem.code === 'engine-away') return exits.noEngine;
  if (problem.code === 'not-ready') return exits.notReady;
  return exits.failed;
}

/** `node:util` marks its own refusals with these codes. */
function isParseError(thrown: unknown): boolean {
  return thrown instanceof Error && 'code' in thrown && String(thrown.code).startsWith('ERR_PARSE_ARGS');
}

function findCommand(words: readonly string[]): { command: Command; rest: string[] } | undefined {
  for (const length of [2, 1]) {
    const verb = words.slice(0, length).join(' ');
    const command = commands.find((one) => one.verb === verb);
    if (command && words.length >= length) return { command, rest: words.slice(length) };
  }
  return undefined;
}

function overview(): string {
  const width = Math.max(...commands.map((command) => command.verb.length));
  return [
    'Keeps the services of your Compose projects as declared.',
    '',
    'usage: pilothouse VERB [OPTIONS] [--json]',
    '',
    ...commands.map((command) => `  ${command.verb.padEnd(width)}  ${command.summary}`),
    '',
    'Each verb explains itself with --help. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not ready in time, 4 no engine.',
  ].join('\n');
}

/** The verb that was probably meant. */
function nearest(word: string): string {
  const verbs = [...new Set(commands.map((command) => command.verb))];
  const started = verbs.filter((verb) => verb.startsWith(word) || verb.split(' ')[0] === word);
  const list = started.length > 0 ? started : verbs.filter((verb) => distance(verb, word) <= 2);
  return list.length > 0 ? `Did you mean ${list.join(', ')}?` : 'See all with: pilothouse help';
}

/** Levenshtein's edit distance. */
function distance(one: string, two: string): number {
  let row = Array.from({ length: two.length + 1 }, (_, index) => index);
  for (let left = 1; left <= one.length; left++) {
    const next = [left];
    for (let right = 1; right <= two.length; right++) {
      const same = one[left - 1] === two[right - 1] ? 0 : 1;
      next.push(Math.min((row[right] ?? 0) + 1, (next[right - 1] ?? 0) + 1, (row[right - 1] ?? 0) + same));
    }
    row = next;
  }
  return row[two.length] ?? 0;
}
