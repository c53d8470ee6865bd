/** logs, events, top: what happens. */
import type { Client, OpenedStream } from '../../contract/client';
import { PilothouseError } from '../../contract/errors';
import type { EventView, LiveFigures, LogLevel, LogLine } from '../../contract/nouns';
import { say } from '../../contract/sentence';
import { UsageError, type Command, type Context } from '../command';
import { bytes, clockTime, harmless, logText } from '../format';
import type { Colour, Output } from '../output';
import { parseTarget, scopeOf } from '../targets';
import { parseMoment } from '../times';

const levels: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'unknown'];
const levelColours: Partial<Record<LogLevel, Colour>> = {
  warn: 'yellow',
  error: 'red',
  fatal: 'red',
  debug: 'grey',
  trace: 'grey',
};
const nameColours: readonly Colour[] = ['cyan', 'green', 'yellow'];

export const logs: Command = {
  verb: 'logs',
  usage: '[-f] [--since TIME] [--until TIME] [--grep QUERY] [--level LEVEL]… [--tail N] [SELECTOR…]',
  summary: 'Merged log lines of everything, or of stacks, services and replicas',
  options: {
    follow: { type: 'boolean', short: 'f' },
    since: { type: 'string' },
    until: { type: 'string' },
    grep: { type: 'string', short: 'g' },
    level: { type: 'string', short: 'l', multiple: true },
    tail: { type: 'string', short: 'n' },
  },
  async run(context) {
    const now = context.world.now();
    const since = context.text('since');
    const until = context.text('until');
    const query = {
      scope: scopeOf(context.words),
      query: context.text('grep') ?? '',
      ...(context.list('level').length > 0 ? { levels: chosenLevels(context.list('level')) } : {}),
    };
    const from = since === undefined ? undefined : parseMoment(since, 'since', now);
    const to = until === undefined ? undefined : parseMoment(until, 'until', now);
    const tail = context.count('tail') ?? (from === undefined ? 200 : undefined);
    const follow = context.flag('follow');
    if (follow && to !== undefined) throw new UsageError('--follow and --until do not go together.');
    const client = await context.client();
    const show = lineShower(context);
    if (follow && from === undefined)
      return followLines(client, context, { query, backlog: Math.min(5000, tail ?? 200) }, show);
    const last = await pages(client, query, { from, to, tail }, show);
    if (follow)
      await followLines(client, context, { query, backlog: 1000 }, (line) =>
        isLater(line.id, last) ? show(line) : undefined,
      );
  },
};

type Query = { scope: ReturnType<typeof scopeOf>; query: string; levels?: LogLevel[] };

function chosenLevels(given: readonly string[]): LogLevel[] {
  return given.flatMap((text) =>
    text.split(',').flatMap((name) => {
      // `warn+` means warn and everything worse.
      const plus = name.endsWith('+');
      const index = levels.indexOf((plus ? name.slice(0, -1) : name) as LogLevel);
      if (index < 0) throw new UsageError(`${name} is no level; there are ${levels.join(', ')}.`);
      return plus ? levels.slice(index, levels.indexOf('unknown')) : [levels[index] as LogLevel];
    }),
  );
}

/** Prints the pages between two times, the oldest first, or only the newest `tail` lines. Returns the last line's id. */
async function pages(
  client: Client,
  query: Query,
  range: { from?: number; to?: number; tail?: number },
  show: (line: LogLine) => void,
): Promise<string | undefined> {
  const limits = {
    ...(range.from === undefined ? {} : { from: range.from }),
    ...(range.to === undefined ? {} : { to: range.to }),
  };
  if (range.tail !== undefined) {
    if (range.tail === 0) return undefined;
    const kept: LogLine[] = [];
    let before: string | undefined;
    while (kept.length < range.tail) {
      const limit = Math.min(5000, range.tail - kept.length);
      const page = await client.call('logs.page', { ...query, ...limits, limit, ...(before ? { before } : {}) });
      kept.unshift(...page.lines);
      before = page.lines[0]?.id;
      if (!page.before || before === undefined) break;
    }
    kept.forEach(show);
    return kept.at(-1)?.id;
  }
  let after = '0';
  for (;;) {
    const page = await client.call('logs.page', { ...query, ...limits, after, limit: 5000 });
    page.lines.forEach(show);
    const last = page.lines.at(-1)?.id;
    if (last === undefined) return after;
    after = last;
    if (!page.after) return after;
  }
}

/** Ids are positions in the store; texts of one length compare as numbers, longer is later. */
function isLater(id: string, than: string | undefined): boolean {
  return than === undefined || id.length > than.length || (id.length === than.length && id > than);
}

async function followLines(
  client: Client,
  context: Context,
  input: { query: Query; backlog: number },
  show: (line: LogLine) => void,
): Promise<void> {
  await untilInterrupted(context, (end) =>
    client.open(
      'logs.tail',
      { ...input.query, backlog: input.backlog },
      {
        item: (batch) => {
          batch.lines.forEach(show);
          if (batch.skipped > 0)
            context.out.note(context.out.paint('yellow', `${batch.skipped} lines skipped: too fast to show`));
        },
        end,
      },
    ),
  );
}

/** Runs a stream until it ends or the user has had enough. */
async function untilInterrupted(
  context: Context,
  open: (end: (problem?: { code: 'internal' } | unknown) => void) => OpenedStream,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const stream = open((problem) => {
      if (problem && typeof problem === 'object' && 'code' in problem)
        reject(new PilothouseError(problem as PilothouseError['problem']));
      else resolve();
    });
    void context.world.interrupted.then(() => {
      stream.dispose();
      resolve();
    });
  });
}

/** One line each: time, replica, level, text. */
function lineShower(context: Context): (line: LogLine) => void {
  const out = context.out;
  let width = 12;
  const colours = new Map<string, Colour>();
  return (line) => {
    out.item(line);
    if (out.json) return;
    const name = `${line.stack}/${line.service}.${line.slot}`;
    width = Math.max(width, name.length);
    const colour = colours.get(name) ?? nameColours[colours.size % nameColours.length] ?? 'cyan';
    colours.set(name, colour);
    const head = `${out.paint('grey', clockTime(line.at, context.world.now()))} ${out.paint(colour, name.padEnd(width))}`;
    if (line.marker) return out.line(`${head} ${out.paint('grey', `— ${harmless(say(line.marker), true)}`)}`);
    const level = line.level === 'unknown' ? '     ' : line.level.padEnd(5);
    const painted = levelColours[line.level];
    const text = logText(line.text, out.coloured).replace(/\n/g, `\n${' '.repeat(9)}`);
    out.line(`${head} ${painted ? out.paint(painted, level) : out.paint('grey', level)} ${text}`);
  };
}

export const events: Command = {
  verb: 'events',
  usage: '[-f] [--since TIME] [--tail N] [STACK|STACK/SERVICE]',
  summary: 'What happened, and why',
  options: { follow: { type: 'boolean', short: 'f' }, since: { type: 'string' }, tail: { type: 'string', short: 'n' } },
  async run(context) {
    const now = context.world.now();
    const since = context.text('since');
    const target = context.words.length > 0 ? parseTarget(context.word('stack or service')) : undefined;
    const filter = target?.kind === 'stack' ? { stack: target.stack } : target ? { service: target.service } : {};
    const client = await context.client();
    const limit = Math.min(5000, context.count('tail', 1) ?? (since === undefined ? 50 : 5000));
    const list = await client.call('events.list', {
      ...filter,
      limit,
      ...(since === undefined ? {} : { from: parseMoment(since, 'since', now) }),
    });
    const oldestFirst = [...list].reverse();
    if (!context.flag('follow')) {
      context.out.value(oldestFirst);
      if (oldestFirst.length === 0) context.out.line('Nothing has happened yet.');
      for (const event of oldestFirst) showEvent(context.out, event, now);
      return;
    }
    const seen = new Map<string, number>();
    const show = (event: EventView): void => {
      if (seen.get(event.id) === event.count) return;
      seen.set(event.id, event.count);
      if (seen.size > 20_000) seen.delete(seen.keys().next().value ?? '');
      context.out.item(event);
      showEvent(context.out, event, context.world.now());
    };
    oldestFirst.forEach(show);
    const matches = (event: EventView): boolean =>
      target === undefined ||
      (target.kind === 'stack' ? event.stack === target.stack : event.service === target.service);
    let first = true;
    await untilInterrupted(context, (end) =>
      client.open(
        'events.watch',
        { limit: 500 },
        {
          item: (change) => {
            const fresh = change.put.filter(matches).sort((one, two) => one.at - two.at);
            // The first item repeats what was just listed, and older events that were not asked for.
            const from = oldestFirst.at(-1)?.at ?? now;
            for (const event of fresh) {
              if (first && event.at < from) seen.set(event.id, event.count);
              else show(event);
            }
            first = false;
          },
          end,
        },
      ),
    );
  },
};

function showEvent(out: Output, event: EventView, now: number): void {
  const times = event.count > 1 ? out.paint('grey', ` ×${event.count}`) : '';
  const words = out.state(event.health, say(event.words));
  out.line(`${out.paint('grey', clockTime(event.at, now))} ${event.actor.padEnd(10)} ${words}${times}`);
}

export const top: Command = {
  verb: 'top',
  usage: '[--watch] [STACK|STACK/SERVICE…]',
  summary: 'CPU, memory, network and disk of each replica',
  options: { watch: { type: 'boolean', short: 'w' } },
  async run(context) {
    const client = await context.client();
    const scope = scopeOf(context.words);
    const wanted = (id: string): boolean =>
      context.words.length === 0 ||
      (scope.stacks ?? []).some((stack) => id.startsWith(`${stack}/`)) ||
      (scope.services ?? []).some((service) => id.startsWith(`${service}.`)) ||
      (scope.replicas ?? []).includes(id);
    const watch = context.flag('watch');
    let shown = 0;
    await untilInterrupted(context, (end) => {
      const stream = client.open(
        'metrics.live',
        {},
        {
          item: (figures) => {
            const mine = { ...figures, replicas: figures.replicas.filter((row) => wanted(row.id)) };
            // Rates need two samples, so the first answer may still be empty.
            if (!watch && mine.replicas.length === 0 && figures.total.containers > 0 && ++shown < 4) return;
            if (watch) context.out.item(mine);
            else context.out.value(mine);
            if (watch && context.out.interactive) context.out.line('\u001b[H\u001b[2J');
            showFigures(context.out, mine);
            if (!watch) {
              queueMicrotask(() => stream.dispose());
              end();
            }
          },
          end,
        },
      );
      return stream;
    });
  },
};

function showFigures(out: Output, figures: LiveFigures): void {
  const rows = [...figures.replicas].sort((one, two) => two.cpu - one.cpu || one.id.localeCompare(two.id));
  out.table(
    rows,
    [
      { title: 'REPLICA', text: (row) => row.id },
      { title: 'CPU', text: (row) => row.cpu.toFixed(2), right: true },
      { title: 'MEMORY', text: (row) => bytes(row.memory), right: true },
      { title: 'LIMIT', text: (row) => (row.memoryLimit ? bytes(row.memoryLimit) : '–'), right: true },
      { title: 'NET IN/s', text: (row) => bytes(row.networkRx), right: true },
      { title: 'NET OUT/s', text: (row) => bytes(row.networkTx), right: true },
      { title: 'READ/s', text: (row) => bytes(row.blockRead), right: true },
      { title: 'WRITE/s', text: (row) => bytes(row.blockWrite), right: true },
      { title: 'PIDS', text: (row) => String(row.pids), right: true },
    ],
    'Nothing of ours runs.',
  );
  const { cpu, memory, containers } = figures.total;
  out.line(out.paint('grey', `${containers} containers use ${cpu.toFixed(2)} cores and ${bytes(memory)}`));
}
