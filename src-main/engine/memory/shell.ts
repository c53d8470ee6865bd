/** A reader of very small shell programs: enough of `sh -c 'sleep 1; exit 3'` that containers without a known image do what they say. */

/** What a command does when it runs. Times are milliseconds after its start. */
export interface Run {
  /** Absent: it runs until it is stopped. */
  exit?: { after: number; code: number };
  prints: { after: number; text: string }[];
  /** What SIGTERM does to it as process 1: a code it exits with, or nothing at all. */
  term: number | 'ignored';
}

/** Runs argv in the mind. A program that is not known is taken for a server: it runs until it is stopped. */
export function runCommand(argv: readonly string[]): Run {
  const [program = '', ...rest] = argv;
  const name = program.slice(program.lastIndexOf('/') + 1);
  if ((name === 'sh' || name === 'ash' || name === 'bash') && rest[0]?.startsWith('-') && rest[0].endsWith('c')) {
    return runScript(rest[1] ?? '');
  }
  return runScript([name, ...rest].join(' '));
}

/** True when every word of the command is understood, so that its end can be told from its text. */
export function isPlainCommand(argv: readonly string[]): boolean {
  return /^(?:\/\S*\/)?(?:sh|ash|bash|sleep|true|false|echo|exit|tail|top)$/.test(argv[0] ?? '');
}

function runScript(script: string): Run {
  const run: Run = { prints: [], term: 'ignored' };
  let time = 0;
  let code = 0;
  let skip = false;
  for (const { joint, text } of statements(script)) {
    if (joint === '&&') skip = code !== 0;
    else if (joint === '||') skip = code === 0;
    else skip = false;
    if (skip || text === '' || text === ':') continue;
    const words = text.replace(/^exec\s+/, '').split(/\s+/);
    const [verb = '', first = ''] = words;
    code = 0;
    if (verb === 'sleep') {
      const seconds = sleepSeconds(first);
      if (seconds === undefined) return run;
      time += seconds * 1000;
    } else if (verb === 'exit') {
      return { ...run, exit: { after: time, code: Number.parseInt(first || String(code), 10) & 255 } };
    } else if (verb === 'false') {
      code = 1;
    } else if (verb === 'echo') {
      run.prints.push({
        after: time,
        text: words
          .slice(1)
          .join(' ')
          .replace(/^(['"])(.*)\1$/, '$2'),
      });
    } else if (verb === 'trap') {
      if (/\b(?:SIG)?TERM\b/.test(text)) run.term = trapCode(text);
    } else if (verb !== 'true') {
      return run;
    }
  }
  return { ...run, exit: { after: time, code } };
}

function* statements(script: string): Generator<{ joint: string; text: string }> {
  let joint = ';';
  let text = '';
  let quote = '';
  for (let index = 0; index < script.length; index++) {
    const letter = script[index] ?? '';
    const pair = script.slice(index, index + 2);
    if (quote !== '') {
      text += letter;
      if (letter === quote) quote = '';
    } else if (letter === '"' || letter === "'") {
      text += letter;
      quote = letter;
    } else if (pair === '&&' || pair === '||') {
      yield { joint, text: text.trim() };
      joint = pair;
      text = '';
      index += 1;
    } else if (letter === ';' || letter === '\n') {
      yield { joint, text: text.trim() };
      joint = ';';
      text = '';
    } else text += letter;
  }
  yield { joint, text: text.trim() };
}

function sleepSeconds(word: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)([smhd]?)$/.exec(word);
  if (!match) return undefined;
  const unit = { s: 1, m: 60, h: 3600, d: 86400 }[match[2] || 's'] ?? 1;
  return Number(match[1]) * unit;
}

function trapCode(text: string): number | 'ignored' {
  const exit = /exit\s+(\d+)/.exec(text);
  if (exit) return Number(exit[1]);
  return /\bexit\b/.test(text) ? 0 : 'ignored';
}
