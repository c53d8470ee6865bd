/**
 * M31 and M32 on a real engine: numbered lines of real containers, a collector that is killed with SIGKILL again and again, each time
 * while it takes lines. The long run, about a quarter of an hour:
 *
 *   PILOTHOUSE_LOG_LINES=1000000 PILOTHOUSE_LOG_KILLS=100 npx vitest run --project docker test/docker/logs.test.ts -t kills
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LogLine } from '../../src-main/contract/nouns';
import { seeded } from '../../src-main/base/random';
import { containerRequest } from '../main/engine/docker/request';
import { testEngine, testImages } from '../support/engine';
import { engineKit, uniqueName } from './engine-kit';
import { openFolder } from './logs-collector';

const kills = Number(process.env['PILOTHOUSE_LOG_KILLS'] ?? 8);
const lines = Number(process.env['PILOTHOUSE_LOG_LINES'] ?? 8_000);
const { engine, create } = engineKit();
const never = { aborted: false, addEventListener: () => undefined, removeEventListener: () => undefined };

let folder = '';
let program = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pilothouse-collector-'));
  const root = resolve(import.meta.dirname, '../..');
  const outDir = join(root, 'node_modules/.vite/logs-collector');
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    build: {
      ssr: 'test/docker/logs-collector.ts',
      outDir,
      target: 'node20',
      minify: false,
      rollupOptions: { output: { entryFileNames: 'collector.mjs' } },
    },
    ssr: { external: ['@photostructure/sqlite', 'dockerode'], noExternal: ['re2js'] },
  });
  program = join(outDir, 'collector.mjs');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Collector {
  child: ChildProcess;
  /** Lines taken, and when that changed last. */
  lines: number;
  changedAt: number;
  /** Containers it reads now. */
  reading: number;
}

/** Starts a collector and waits until it runs. */
async function startCollector(store: string, containers: readonly string[], limit = 0): Promise<Collector> {
  const child = spawn(process.execPath, [program, testEngine().dockerHost, store, String(limit), ...containers], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, PILOTHOUSE_TEST_COLLECTOR: '1' },
  });
  const collector: Collector = { child, lines: 0, changedAt: Date.now(), reading: 0 };
  child.stdout?.on('data', (chunk: Buffer) => {
    const [taken, reading] = (chunk.toString().trim().split('\n').at(-1) ?? '').split(' ').map(Number);
    collector.lines = taken ?? 0;
    collector.reading = reading ?? 0;
    collector.changedAt = Date.now();
  });
  await Promise.race([
    once(child.stdout ?? child, 'data'),
    once(child, 'exit').then(() => Promise.reject(new Error('the collector ended by itself'))),
  ]);
  return collector;
}

const wait = (milliseconds: number): Promise<void> => new Promise((done) => setTimeout(done, milliseconds));

/** Waits until lines come in (the engine first scans its file for the place to resume from), or for so long. */
async function busy(collector: Collector, patience: number): Promise<void> {
  const began = Date.now();
  while (collector.lines === 0 && Date.now() - began < patience) await wait(5);
}

async function kill({ child }: Collector): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** Hands out everything stored, oldest first, without holding it. */
async function eachStored(store: string, take: (line: LogLine) => void): Promise<void> {
  const opened = await openFolder(store);
  let after = '0'.repeat(23);
  for (;;) {
    const page = await opened.page({ scope: {}, query: '', limit: 5000, after }, never);
    for (const line of page.lines) take(line);
    after = page.lines.at(-1)?.id ?? after;
    if (!page.after) break;
  }
  await opened.close();
}

async function stored(store: string): Promise<LogLine[]> {
  const all: LogLine[] = [];
  await eachStored(store, (line) => all.push(line));
  return all;
}

/**
 * Reads on until every container that has ended was read to its end. The engine first scans its whole file for the place to resume
 * from, one container sooner than the other: silence says nothing.
 */
async function settle(store: string, containers: readonly string[]): Promise<void> {
  await finish(await startCollector(store, containers));
}

/** Lets a collector come to the end of containers that have ended, write, and end. */
async function finish(collector: Collector): Promise<void> {
  while (collector.reading > 0 || Date.now() - collector.changedAt < 1000) await wait(50);
  const gone = once(collector.child, 'exit');
  collector.child.kill('SIGTERM');
  await gone;
}

describe('collecting from a real engine', () => {
  it(
    `stores every line once over ${kills} kills of the collector`,
    async () => {
      const store = join(folder, 'kills');
      const names = ['one', 'two'];
      const streams = ['out', 'err'];
      const each = Math.ceil(lines / names.length / streams.length);
      // Nearly a thousand lines a second on each stream, in small bursts, until there are enough and nobody is killed any more.
      const script = `i=0; while [ $i -lt ${each} ] || [ ! -f /stop ]; do n=0; while [ $n -lt 50 ]; do echo "out $i"; echo "err $i" >&2; i=$((i+1)); n=$((n+1)); done; usleep 50000; done; echo "out end $i"; echo "err end $i" >&2`;
      const containers: string[] = [];
      for (const name of names) {
        const id = await create(
          containerRequest({ name: uniqueName(name), image: testImages.busybox, command: ['sh', '-c', script] }),
        );
        await engine().start(id);
        containers.push(id);
      }
      const random = seeded(42);
      let atWork = 0;
      for (let count = 0; count < kills; count++) {
        const collector = await startCollector(store, containers);
        await busy(collector, 120_000);
        await wait(random() * 700);
        if (collector.lines > 0) atWork += 1;
        await kill(collector);
      }
      expect(atWork).toBe(kills);
      for (const id of containers) await engine().exec(id, ['touch', '/stop']);
      for (const id of containers) {
        while ((await engine().inspect(id))?.state !== 'exited') await wait(200);
      }
      await settle(store, containers);

      const next = new Map<string, number>();
      for (const id of containers) for (const stream of streams) next.set(`${id} ${stream}`, 0);
      const ended = new Set<string>();
      const wrong: string[] = [];
      let found = 0;
      await eachStored(store, (line) => {
        found += 1;
        const key = `${line.container} ${line.stream.slice(3)}`;
        const wanted = `${line.stream.slice(3)} ${next.get(key)}`;
        if (line.text === wanted) next.set(key, (next.get(key) ?? 0) + 1);
        else if (line.text === wanted.replace(' ', ' end ') && !ended.has(key)) ended.add(key);
        else if (wrong.length < 20)
          wrong.push(`${key}: '${line.text}' ${line.marker?.code ?? ''} where '${wanted}' was next`);
      });
      expect(wrong).toEqual([]);
      expect(ended.size).toBe(containers.length * streams.length);
      for (const count of next.values()) expect(count).toBeGreaterThanOrEqual(each);
      console.info(`${found} lines over ${kills} kills: none lost, none doubled`);
    },
    300_000 + kills * 30_000 + lines * 2,
  );

  it('marks what the engine rotated away while nobody read', async () => {
    const store = join(folder, 'rotation');
    const id = await create(
      containerRequest({
        name: uniqueName('rotate'),
        image: testImages.busybox,
        command: ['sh', '-c', 'seq 1 100; while [ ! -f /go ]; do usleep 50000; done; seq 101 60000'],
        host: { logging: { driver: 'json-file', options: { 'max-size': '100k', 'max-file': '2' } } },
      }),
    );
    await engine().start(id);
    const collector = await startCollector(store, [id]);
    await busy(collector, 10_000);
    await wait(500);
    await kill(collector);
    await engine().exec(id, ['touch', '/go']);
    while ((await engine().inspect(id))?.state !== 'exited') await wait(200);
    await settle(store, [id]);
    const found = await stored(store);
    const markers = found.filter((line) => line.marker).map((line) => line.marker?.code);
    expect(markers).toEqual(['log.missing']);
    const numbers = found.filter((line) => !line.marker).map((line) => Number(line.text));
    expect(numbers.slice(0, 100)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
    expect(numbers.at(-1)).toBe(60_000);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(found[100]?.marker?.code).toBe('log.missing');
  }, 120_000);

  it('marks what the engine rotated away under a reader who follows, with the times between which it is missing (M32)', async () => {
    const store = join(folder, 'overrun');
    const id = await create(
      containerRequest({
        name: uniqueName('overrun'),
        image: testImages.busybox,
        command: ['sh', '-c', 'while [ ! -f /go ]; do usleep 50000; done; seq 1 60000; sleep 1; echo end'],
        host: { logging: { driver: 'json-file', options: { 'max-size': '20k', 'max-file': '2' } } },
      }),
    );
    await engine().start(id);
    const collector = await startCollector(store, [id]);
    await wait(1000);
    await engine().exec(id, ['touch', '/go']);
    while ((await engine().inspect(id))?.state !== 'exited') await wait(200);
    while (Date.now() - collector.changedAt < 3000) await wait(200);
    await kill(collector);
    const found = await stored(store);
    const lines = found.filter((line) => !line.marker && line.text !== 'end');
    const numbers = lines.map((line) => Number(line.text));
    expect(new Set(numbers).size).toBe(numbers.length);
    const markers = found.filter((line) => line.marker);
    for (const { marker } of markers) expect(['log.missing', 'log.overrun']).toContain(marker?.code);
    const spans = markers.map(({ marker }) =>
      [marker?.args?.['from'], marker?.args?.['to']].map((at) => Date.parse(String(at))),
    );
    const marked = (from: number, to: number): boolean =>
      spans.some(([first = NaN, last = NaN]) => first <= from + 1 && last >= to - 1);
    const unmarked: string[] = [];
    let lost = 0;
    for (const [at, line] of lines.entries()) {
      const before = lines[at - 1];
      const hole = before ? (numbers[at] ?? 0) - (numbers[at - 1] ?? 0) - 1 : (numbers[at] ?? 0) - 1;
      lost += hole;
      // A handful of lines leaves no jump to be seen.
      if (before && hole >= 200 && !marked(before.at, line.at)) unmarked.push(`${before.text}–${line.text}`);
    }
    console.info(`${lost} of 60000 lines were rotated away; ${markers.length} markers`);
    expect(unmarked).toEqual([]);
    expect(numbers.at(-1)).toBe(60_000);
  }, 120_000);

  it('limits a flood, counts what it skipped, and keeps long lines whole up to the cap', async () => {
    const store = join(folder, 'flood');
    const id = await create(
      containerRequest({
        name: uniqueName('flood'),
        image: testImages.busybox,
        command: [
          'sh',
          '-c',
          'head -c 50000 /dev/zero | tr "\\0" a; echo; head -c 200000 /dev/zero | tr "\\0" b; echo; sleep 2; seq 1 20000; sleep 2; echo end',
        ],
      }),
    );
    await engine().start(id);
    const collector = await startCollector(store, [id], 500);
    while ((await engine().inspect(id))?.state !== 'exited') await wait(200);
    while (Date.now() - collector.changedAt < 4000) await wait(200);
    await kill(collector);
    const found = await stored(store);
    expect(found[0]?.text).toBe('a'.repeat(50_000));
    expect(found[1]?.text).toBe(`${'b'.repeat(65_536)} […${200_000 - 65_536} more characters cut]`);
    const skipped = found.reduce(
      (sum, line) => sum + (line.marker?.code === 'log.skipped' ? Number(line.marker.args?.['count']) : 0),
      0,
    );
    const numbers = found.filter((line) => !line.marker && /^\d+$/.test(line.text));
    expect(skipped).toBeGreaterThan(1000);
    expect(numbers.length + skipped).toBe(20_000);
    expect(found.at(-1)?.text).toBe('end');
  }, 120_000);

  it('stays small while one container floods, and loses nothing of the others (S35)', async () => {
    const store = join(folder, 'harm');
    const size = 60_000_000;
    const line = 200;
    const flood = await create(
      containerRequest({
        name: uniqueName('harm'),
        image: testImages.busybox,
        command: ['sh', '-c', `yes "$(head -c ${line - 1} /dev/zero | tr "\\0" f)" | head -c ${size}`],
      }),
    );
    const other = await create(
      containerRequest({
        name: uniqueName('calm'),
        image: testImages.busybox,
        command: ['sh', '-c', 'i=0; while [ $i -lt 100 ]; do echo "calm $i"; i=$((i+1)); usleep 20000; done'],
      }),
    );
    const both = [flood, other];
    for (const id of both) await engine().start(id);
    const collector = await startCollector(store, both, 500);
    for (const id of both) while ((await engine().inspect(id))?.state !== 'exited') await wait(100);
    while (collector.reading > 0) await wait(50);
    const peak = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${collector.child.pid}/status`, 'utf8'))?.[1];
    await finish(collector);
    const found = await stored(store);
    const kept = found.filter((one) => one.container === flood && !one.marker).length;
    const skipped = found.reduce((sum, one) => sum + Number(one.marker?.args?.['count'] ?? 0), 0);
    expect(kept + skipped).toBe(size / line);
    expect(skipped).toBeGreaterThan(size / line / 2);
    expect(found.filter((one) => one.container === other).map((one) => one.text)).toEqual(
      Array.from({ length: 100 }, (_, at) => `calm ${at}`),
    );
    expect(Number(peak)).toBeLessThan(600 * 1024);
  }, 180_000);
});
