/** M31 in small: an engine's log is followed by a collector that is killed at random; every line is stored once. */
import { describe, expect, it } from 'vitest';
import type { Random } from '../../../../../src-main/base/random';
import { LogCollector } from '../../../../../src-main/core/logs/ingest/collector';
import { CursorTrack } from '../../../../../src-main/core/logs/ingest/cursor';
import { Intake } from '../../../../../src-main/core/logs/ingest/intake';
import { openLogStore, type LogStore } from '../../../../../src-main/core/logs';
import {
  EngineError,
  type ContainerDetail,
  type Engine,
  type EngineStream,
  type LogEntry,
} from '../../../../../src-main/core/engine';
import { FakeClock } from '../../../../support/clock';
import { codec, CrashingFiles, never, seeded, smallSizes, sourceOf, text } from '../support';

/** A container's log as an engine keeps it: `since` is inclusive, long lines come in parts, the other stream may be a little behind. */
class FakeLog {
  readonly entries: LogEntry[] = [];
  readonly lines: string[] = [];
  state: ContainerDetail['state'] = 'running';
  /** Rotation: entries before this one are gone. */
  first = 0;
  private readonly followers = new Set<() => void>();
  opened = 0;

  constructor(
    private readonly random: Random,
    private nanos: bigint,
  ) {}

  /** Writes a numbered line; now and then in parts, with an equal stamp, or as a trace. */
  write(number: number): void {
    const stream = this.random() < 0.25 ? 'stderr' : 'stdout';
    if (this.random() < 0.7) this.nanos += BigInt(Math.floor(this.random() * 3_000_000));
    const line = `line ${number} of ${stream}`;
    this.lines.push(line);
    const lag = stream === 'stderr' && this.random() < 0.3 ? 800_000n : 0n;
    const last = [...this.entries].reverse().find((entry) => entry.stream === stream);
    let stamp = this.nanos - lag;
    if (last && BigInt(last.stamp) > stamp) stamp = BigInt(last.stamp);
    if (this.random() < 0.1) {
      const cut = 1 + Math.floor(this.random() * (line.length - 1));
      this.entries.push({ stream, stamp: String(stamp), text: line.slice(0, cut), partial: true });
      this.entries.push({ stream, stamp: String(stamp + 5n), text: line.slice(cut), partial: false });
    } else this.entries.push({ stream, stamp: String(stamp), text: line, partial: false });
    for (const wake of this.followers) wake();
  }

  /** Writes exactly this entry; one that is overrun is gone before a reader who follows comes to it. */
  say(stream: LogEntry['stream'], line: string, { partial = false, overrun = false } = {}): void {
    this.nanos += 1000n;
    const entry: LogEntry = { stream, stamp: String(this.nanos), text: line, partial };
    if (overrun) this.overrun.add(entry);
    this.entries.push(entry);
    for (const wake of this.followers) wake();
  }

  /** Time passes for the engine. */
  pass(nanos: bigint): void {
    this.nanos += nanos;
  }

  /** Entries that are rotated away before a reader who follows comes to them; who reads anew finds them until `first` is beyond. */
  readonly overrun = new Set<LogEntry>();

  /** Entries that a reader who follows is behind when the container ends; the engine does not hand them out any more. */
  behind = 0;

  logs(
    options: { since?: string; follow?: boolean },
    onEntries: (entries: LogEntry[]) => void,
  ): EngineStream<LogEntry> {
    this.opened += 1;
    let at = this.first;
    let open = true;
    let paused = false;
    let finish: (end: { error?: EngineError }) => void = () => undefined;
    const ended = new Promise<{ error?: EngineError }>((resolve) => (finish = resolve));
    const pump = (): void => {
      if (!open || paused) return;
      const end = Math.max(0, this.entries.length - (options.follow ? this.behind : 0));
      const ready = this.entries
        .slice(Math.max(at, this.first), end)
        .filter((entry) => options.since === undefined || BigInt(entry.stamp) >= BigInt(options.since))
        .filter((entry) => !options.follow || !this.overrun.has(entry));
      at = Math.max(at, end);
      if (ready.length > 0) onEntries(ready);
      if (this.state === 'exited' || !options.follow) stop({});
    };
    const stop = (end: { error?: EngineError }): void => {
      if (!open) return;
      open = false;
      this.followers.delete(pump);
      finish(end);
    };
    this.cut = () => stop({ error: new EngineError('away', 'cut') });
    this.followers.add(pump);
    queueMicrotask(pump);
    return {
      ended,
      pause: () => (paused = true),
      resume: () => {
        paused = false;
        pump();
      },
      dispose: () => {
        open = false;
        this.followers.delete(pump);
      },
    };
  }

  cut: () => void = () => undefined;

  end(): void {
    this.state = 'exited';
    for (const wake of [...this.followers]) wake();
  }
}

function engineOf(logs: ReadonlyMap<string, FakeLog>): Engine {
  const engine: Pick<Engine, 'id' | 'logs' | 'inspect'> = {
    id: 'fake',
    logs: (id, options, onEntries) => {
      const log = logs.get(id);
      if (!log) throw new Error(`no container ${id}`);
      return log.logs(options, onEntries);
    },
    inspect: (id) =>
      Promise.resolve(
        logs.has(id) ? ({ id, state: logs.get(id)?.state, logsRotate: true } as ContainerDetail) : undefined,
      ),
  };
  return engine as Engine;
}

interface Life {
  collector: LogCollector;
  intake: Intake;
  store: LogStore;
}

async function begin(
  files: CrashingFiles,
  clock: FakeClock,
  options: { engine: Engine; limit: number; containers: readonly string[] },
): Promise<Life> {
  const store = await openLogStore({ files, codec, text, clock, budget: { bytes: 1e9, age: 1e12 }, sizes: smallSizes });
  const intake = new Intake({ clock, state: await store.state(), append: (batch) => store.append(batch) });
  const collector = new LogCollector({ clock, random: seeded(1), intake, linesPerSecond: options.limit });
  collector.setEngine(options.engine);
  collector.follow(options.containers.map((container, index) => sourceOf({ container, slot: index + 1 })));
  return { collector, intake, store };
}

async function storedLines(
  files: CrashingFiles,
  clock: FakeClock,
): Promise<{ text: string; container: string; marker: string | undefined; args: unknown }[]> {
  const store = await openLogStore({ files, codec, text, clock, budget: { bytes: 1e9, age: 1e12 }, sizes: smallSizes });
  const page = await store.page({ scope: {}, query: '', limit: 100_000 }, never);
  await store.close();
  return page.lines.map((line) => ({
    text: line.text,
    container: line.container,
    marker: line.marker?.code,
    args: line.marker?.args,
  }));
}

describe('following containers exactly once', () => {
  it.each([1, 2, 3, 4, 5, 6])('over random kills of the app, power cuts and cut streams (seed %i)', async (seed) => {
    const random = seeded(seed);
    const clock = new FakeClock();
    const start = BigInt(clock.now()) * 1_000_000n;
    const logs = new Map([
      ['c1', new FakeLog(random, start)],
      ['c2', new FakeLog(random, start)],
    ]);
    const options = { engine: engineOf(logs), limit: 0, containers: [...logs.keys()] };
    let files = new CrashingFiles();
    let life = await begin(files, clock, options);
    let number = 0;
    let kills = 0;
    for (let step = 0; step < 160; step++) {
      for (const log of logs.values()) {
        const burst = Math.floor(random() * 40);
        for (let count = 0; count < burst; count++) log.write(number++);
      }
      await clock.advance(Math.floor(random() * 120));
      const chance = random();
      if (chance < 0.12) for (const log of logs.values()) log.cut();
      else if (chance < 0.3) {
        kills += 1;
        // Killed: nothing of the old process runs on; its files stay as they are at this moment.
        files = random() < 0.5 ? files.killed() : files.powerCut(random);
        life.collector.dispose();
        life.intake.dispose();
        life = await begin(files, clock, options);
      }
    }
    for (const log of logs.values()) log.end();
    await clock.advance(10_000);
    await life.intake.flush();
    life.collector.dispose();
    life.intake.dispose();
    const stored = await storedLines(files.killed(), clock);
    expect(kills).toBeGreaterThan(5);
    for (const [container, log] of logs) {
      const own = stored
        .filter((line) => line.container === container && line.marker === undefined)
        .map((line) => line.text);
      expect(own.toSorted()).toEqual(log.lines.toSorted());
      for (const stream of ['stdout', 'stderr']) {
        const numbers = own.filter((line) => line.endsWith(stream)).map((line) => Number(line.split(' ')[1]));
        expect(numbers).toEqual(numbers.toSorted((left, right) => left - right));
      }
    }
    expect(stored.filter((line) => line.marker !== undefined)).toEqual([]);
  });

  it('reads a container that was restarted on from its last line', async () => {
    const clock = new FakeClock();
    const log = new FakeLog(() => 0.5, BigInt(clock.now()) * 1_000_000n);
    const logs = new Map([['c1', log]]);
    const files = new CrashingFiles();
    const life = await begin(files, clock, { engine: engineOf(logs), limit: 0, containers: ['c1'] });
    log.write(1);
    await clock.advance(200);
    log.end();
    await clock.advance(30_000);
    // Once to follow, once for what a reader that was behind did not get; not again while it stands still.
    expect(log.opened).toBe(2);
    log.state = 'running';
    log.write(2);
    life.collector.touch('c1');
    await clock.advance(1000);
    log.write(3);
    await clock.advance(1000);
    await life.intake.flush();
    expect((await storedLines(files.killed(), clock)).map((line) => line.text)).toEqual(log.lines);
    life.collector.dispose();
    await life.intake.flush();
    life.intake.dispose();
    await life.store.close();
    expect(clock.pending).toBe(0);
  });

  it('reads what the engine kept back from a reader that was behind when the container ended', async () => {
    const clock = new FakeClock();
    const log = new FakeLog(seeded(3), BigInt(clock.now()) * 1_000_000n);
    const files = new CrashingFiles();
    const life = await begin(files, clock, { engine: engineOf(new Map([['c1', log]])), limit: 0, containers: ['c1'] });
    log.behind = 120;
    for (let number = 0; number < 300; number++) log.write(number);
    await clock.advance(100);
    log.end();
    await clock.advance(10_000);
    await life.intake.flush();
    const stored = await storedLines(files.killed(), clock);
    expect(stored.map((line) => line.marker ?? line.text).toSorted()).toEqual(log.lines.toSorted());
    life.collector.dispose();
    life.intake.dispose();
  });

  it('drops what floods, says how much, and does not count it again after a kill', async () => {
    const clock = new FakeClock();
    let nanos = BigInt(clock.now()) * 1_000_000n;
    const log = new FakeLog(() => 0.95, nanos);
    const burst = (count: number): void => {
      for (let index = 0; index < count; index++) {
        nanos += 1000n;
        log.lines.push('x');
        log.entries.push({
          stream: 'stdout',
          stamp: String(nanos),
          text: `flood ${log.entries.length}`,
          partial: false,
        });
      }
      nanos += 2_000_000_000n;
    };
    burst(1000);
    burst(50);
    burst(300);
    let files = new CrashingFiles();
    const options = { engine: engineOf(new Map([['c1', log]])), limit: 100, containers: ['c1'] };
    for (let kill = 0; kill < 4; kill++) {
      const life = await begin(files, clock, options);
      await clock.advance(5000);
      files = files.killed();
      life.collector.dispose();
      life.intake.dispose();
    }
    const stored = await storedLines(files, clock);
    expect(stored.filter((line) => line.marker === undefined)).toHaveLength(250);
    const skipped = stored
      .filter((line) => line.marker === 'log.skipped')
      .map((line) => (line.args as { count: number }).count);
    expect(skipped.reduce((sum, count) => sum + count, 0)).toBe(1350 - 250);
  });

  it('marks a gap when the engine rotated away what was not read yet', async () => {
    const clock = new FakeClock();
    const log = new FakeLog(() => 0.5, BigInt(clock.now()) * 1_000_000n);
    for (let number = 0; number < 10; number++) log.write(number);
    let files = new CrashingFiles();
    const options = { engine: engineOf(new Map([['c1', log]])), limit: 0, containers: ['c1'] };
    const life = await begin(files, clock, options);
    await clock.advance(1000);
    files = files.killed();
    life.collector.dispose();
    life.intake.dispose();
    for (let number = 10; number < 20; number++) log.write(number);
    log.first = 15;
    const next = await begin(files, clock, options);
    await clock.advance(1000);
    await next.intake.flush();
    const stored = await storedLines(files.killed(), clock);
    expect(stored.map((line) => line.marker ?? line.text)).toEqual([
      ...log.lines.slice(0, 10),
      'log.missing',
      ...log.lines.slice(15),
    ]);
    next.collector.dispose();
    next.intake.dispose();
  });

  it.each(['still there', 'partly gone', 'gone'] as const)(
    'finds what the engine rotated away while it was followed, and says what nobody can know (%s)',
    async (left) => {
      const clock = new FakeClock();
      const log = new FakeLog(() => 0.5, BigInt(clock.now()) * 1_000_000n);
      const options = { engine: engineOf(new Map([['c1', log]])), limit: 0, containers: ['c1'] };
      const files = new CrashingFiles();
      const life = await begin(files, clock, options);
      const say = (from: number, to: number, overrun = false): void => {
        for (let number = from; number < to; number++) log.say('stdout', `line ${number}`, { overrun });
      };
      say(0, 200);
      say(200, 500, true);
      say(500, 600);
      if (left !== 'still there') log.first = left === 'gone' ? 550 : 300;
      await clock.advance(3000);
      await life.intake.flush();
      const stored = await storedLines(files.killed(), clock);
      const lines = (from: number, to: number): string[] =>
        Array.from({ length: to - from }, (_, at) => `line ${from + at}`);
      const kept = left === 'still there' ? [200, 500] : left === 'gone' ? [500, 500] : [300, 500];
      expect(stored.filter((line) => !line.marker).map((line) => line.text)).toEqual([
        ...lines(0, 200),
        ...lines(kept[0] ?? 0, kept[1] ?? 0),
        ...lines(500, 600),
      ]);
      const markers = stored.filter((line) => line.marker);
      expect(markers.map((line) => line.marker)).toEqual(left === 'still there' ? [] : ['log.overrun']);
      for (const { args } of markers)
        expect(args).toMatchObject({ from: expect.stringMatching(/^\d{4}-.*Z$/) as string });
      // A pause of the writer is nothing: the line before it is there.
      log.pass(5_000_000_000n);
      log.first = 0;
      say(600, 700);
      await clock.advance(3000);
      await life.intake.flush();
      const later = await storedLines(files.killed(), clock);
      expect(later.filter((line) => line.marker)).toHaveLength(markers.length);
      expect(later.filter((line) => !line.marker)).toHaveLength(stored.filter((line) => !line.marker).length + 100);
      life.collector.dispose();
      life.intake.dispose();
    },
  );

  it('drops what the engine repeats when it rotates, and keeps what a clock that jumped back stamps', () => {
    const track = new CursorTrack(undefined);
    const taken = (stamps: number[]): number[] => stamps.filter((stamp) => track.take({ stamp: String(stamp) }).taken);
    track.resume(undefined);
    expect(taken([1000, 1001, 1001, 1002])).toEqual([1000, 1001, 1001, 1002]);
    expect(taken([1001, 1001, 1002, 1003])).toEqual([1003]);
    expect(taken([1002, 1003, 1003])).toEqual([1003]);
    expect(track.position()).toEqual({ stamp: '1003', count: 2 });
    expect(taken([900, 901, 902])).toEqual([900, 901, 902]);
    expect(taken([1004, 1004])).toEqual([1004, 1004]);
    track.resume('900');
    expect(taken([900, 1003, 1004, 1004, 1004, 1005])).toEqual([1004, 1005]);
    for (let stamp = 2000; stamp < 60_000; stamp++) track.take({ stamp: String(stamp) });
    expect(taken([59_000, 59_999, 60_000])).toEqual([60_000]);
  });

  it.each([1, 2, 3, 4, 5])(
    'also when the clock is set back, by an hour or by a second, and kills follow (seed %i)',
    async (seed) => {
      const random = seeded(seed);
      const clock = new FakeClock();
      const log = new FakeLog(() => 0.5, BigInt(clock.now()) * 1_000_000n);
      const options = { engine: engineOf(new Map([['c1', log]])), limit: 0, containers: ['c1'] };
      let files = new CrashingFiles();
      let life = await begin(files, clock, options);
      const wanted: string[] = [];
      for (let step = 0; step < 120; step++) {
        for (let count = 0; count < 5; count++) {
          log.pass(BigInt(300_000_000 + Math.floor(random() * 200_000_000)));
          const line = `line ${wanted.length}`;
          wanted.push(line);
          log.say(random() < 0.3 ? 'stderr' : 'stdout', line);
        }
        await clock.advance(2000);
        // By an hour: our own clock goes back with the engine's, and whoever watches it says so. By a second: nobody notices.
        if (step === 40) {
          log.pass(-3_600_000_000_000n);
          clock.jump(-3_600_000);
          life.collector.wake();
        }
        if (step === 90) log.pass(-1_000_000_000n);
        if (step % 7 === 3) {
          files = files.killed();
          life.collector.dispose();
          life.intake.dispose();
          life = await begin(files, clock, options);
        }
      }
      await clock.advance(10_000);
      await life.intake.flush();
      const stored = await storedLines(files.killed(), clock);
      expect(stored.map((line) => line.marker ?? line.text).toSorted()).toEqual(wanted.toSorted());
      life.collector.dispose();
      life.intake.dispose();
    },
  );

  it('forgets the time before a jump when the clock has caught up', () => {
    const track = new CursorTrack(undefined);
    const second = 1_000_000_000;
    const taken = (stamps: number[]): number[] =>
      stamps.filter((stamp) => track.take({ stamp: String(stamp * second) }).taken);
    expect(taken([1000, 1001, 500, 501])).toEqual([1000, 1001, 500, 501]);
    expect(track.position()).toEqual({ stamp: String(501 * second), count: 1, peak: String(1001 * second) });
    track.resume(String(491 * second));
    expect(taken([995, 1000, 1001, 500, 501, 502])).toEqual([502]);
    // The time before was rotated away: the cursor's own entry tells that this is the present.
    track.resume(String(492 * second));
    expect(taken([500, 501, 502, 503])).toEqual([503]);
    expect(taken([1002])).toEqual([1002]);
    expect(track.position()).toEqual({ stamp: String(1002 * second), count: 1 });
  });

  it('stores the last line of a stream, which might go on, although the other stream never rests', async () => {
    const clock = new FakeClock();
    const log = new FakeLog(() => 0.5, BigInt(clock.now()) * 1_000_000n);
    const files = new CrashingFiles();
    const life = await begin(files, clock, { engine: engineOf(new Map([['c1', log]])), limit: 0, containers: ['c1'] });
    log.say('stderr', 'Error: the disk is on fire');
    for (let step = 0; step < 20; step++) {
      log.say('stdout', `still here ${step}`);
      await clock.advance(20);
    }
    await life.intake.flush();
    expect((await storedLines(files.killed(), clock)).map((line) => line.text)).toContain('Error: the disk is on fire');
    life.collector.dispose();
    life.intake.dispose();
  });

  it.each([
    ['a line that might go on', 'Error: the disk is on fire', false],
    ['an unfinished line', 'half a', true],
  ])('loses nothing of history that is read at once and cut off by a kill: %s', async (_name, held, partial) => {
    const clock = new FakeClock();
    const log = new FakeLog(() => 0.5, BigInt(clock.now()) * 1_000_000n);
    const wanted = [held];
    log.say('stderr', held, { partial });
    // A minute of the other stream lies between it and the place of the kill: more than is read again.
    for (let second = 0; second < 60; second++) {
      log.pass(1_000_000_000n);
      log.say('stdout', `second ${second}`);
      wanted.push(`second ${second}`);
    }
    const options = { engine: engineOf(new Map([['c1', log]])), limit: 0, containers: ['c1'] };
    let files = new CrashingFiles();
    const killed = await begin(files, clock, options);
    await clock.advance(45);
    await killed.intake.flush();
    files = files.killed();
    killed.collector.dispose();
    killed.intake.dispose();
    const next = await begin(files, clock, options);
    await clock.advance(10_000);
    await next.intake.flush();
    const stored = await storedLines(files.killed(), clock);
    expect(stored.map((line) => line.text).toSorted()).toEqual(wanted.toSorted());
    next.collector.dispose();
    next.intake.dispose();
  });

  it('stops reading while the store cannot write, and loses nothing', async () => {
    const clock = new FakeClock();
    const log = new FakeLog(() => 0.5, BigInt(clock.now()) * 1_000_000n);
    const files = new CrashingFiles();
    let full = true;
    files.fault = (verb) => (verb === 'append' && full ? 7 : undefined);
    const life = await begin(files, clock, { engine: engineOf(new Map([['c1', log]])), limit: 0, containers: ['c1'] });
    for (let number = 0; number < 500; number++) log.write(number);
    await clock.advance(5000);
    expect(life.intake.problem).toBeInstanceOf(Error);
    full = false;
    await clock.advance(5000);
    expect(life.intake.problem).toBeUndefined();
    expect((await storedLines(files.killed(), clock)).map((line) => line.text)).toEqual(log.lines);
    life.collector.dispose();
    life.intake.dispose();
  });
});
