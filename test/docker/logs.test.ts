/**
 * M31 and M32 on a real engine: numbered lines of real containers, a collector that is killed with SIGKILL again and again. Set
 * PILOTHOUSE_LOG_KILLS and PILOTHOUSE_LOG_LINES for the long run (100 and 1,000,000 over all containers).
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
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
}

/** Starts a collector and waits until it runs. */
async function startCollector(store: string, containers: readonly string[], limit = 0): Promise<Collector> {
  const child = spawn(process.execPath, [program, testEngine().dockerHost, store, String(limit), ...containers], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, PILOTHOUSE_TEST_COLLECTOR: '1' },
  });
  const collector: Collector = { child, lines: 0, changedAt: Date.now() };
  child.stdout?.on('data', (chunk: Buffer) => {
    collector.lines = Number(chunk.toString().trim().split('\n').at(-1));
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

/** Everything stored, container by container. */
async function stored(store: string): Promise<LogLine[]> {
  const opened = await openFolder(store);
  const all: LogLine[] = [];
  let after = '0'.repeat(23);
  for (;;) {
    const page = await opened.page({ scope: {}, query: '', limit: 5000, after }, never);
    all.push(...page.lines);
    after = page.lines.at(-1)?.id ?? after;
    if (!page.after) break;
  }
  await opened.close();
  return all;
}

/** Reads on until nothing more comes for a while. */
async function settle(store: string, containers: readonly string[]): Promise<void> {
  const collector = await startCollector(store, containers);
  await busy(collector, 60_000);
  while (Date.now() - collector.changedAt < 6000) await wait(200);
  await kill(collector);
}

describe('collecting from a real engine', () => {
  it(
    `stores every line once over ${kills} kills of the collector`,
    async () => {
      const store = join(folder, 'kills');
      const each = Math.ceil(lines / 2);
      // About a thousand lines a second on each stream, in small bursts.
      const script = `i=0; while [ $i -lt ${each} ]; do n=0; while [ $n -lt 50 ]; do echo "out $i"; echo "err $i" >&2; i=$((i+1)); n=$((n+1)); done; usleep 50000; done`;
      const containers: string[] = [];
      for (const name of ['one', 'two']) {
        const id = await create(
          containerRequest({ name: uniqueName(name), image: testImages.busybox, command: ['sh', '-c', script] }),
        );
        await engine().start(id);
        containers.push(id);
      }
      const random = seeded(42);
      for (let count = 0; count < kills; count++) {
        const child = await startCollector(store, containers);
        await new Promise((done) => setTimeout(done, 20 + random() * 700));
        await kill(child);
      }
      for (const id of containers) {
        while ((await engine().inspect(id))?.state !== 'exited') await wait(200);
      }
      await settle(store, containers);
      const found = await stored(store);
      expect(found.filter((line) => line.marker)).toEqual([]);
      for (const id of containers) {
        for (const stream of ['out', 'err']) {
          const own = found
            .filter((line) => line.container === id && line.stream === `std${stream}`)
            .map((line) => line.text);
          // Whole bursts are written: the last one may pass the limit.
          const total = Math.ceil(each / 50) * 50;
          expect(own.length).toBe(total);
          expect(own).toEqual(Array.from({ length: total }, (_, index) => `${stream} ${index}`));
        }
      }
    },
    300_000 + kills * 15_000 + lines * 2,
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
    expect(markers).toEqual(['log.gap']);
    const numbers = found.filter((line) => !line.marker).map((line) => Number(line.text));
    expect(numbers.slice(0, 100)).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
    expect(numbers.at(-1)).toBe(60_000);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(found[100]?.marker?.code).toBe('log.gap');
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
});
