/**
 * Ingest: containers' logs read, parsed, stored and indexed, until every line is in the store, against the same streams with nothing
 * but their frames counted, and against `docker logs`. The engine's reader is the limit; this shows what keeping the lines adds.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../src-main/base/clock';
import type { TextCodec } from '../../src-main/core/disk';
import { openLogStore } from '../../src-main/core/logs';
import { LogCollector } from '../../src-main/core/logs/ingest/collector';
import { Intake } from '../../src-main/core/logs/ingest/intake';
import { connect, type DockerEngine } from '../../src-main/engine/docker';
import { logCodec as codec, openFiles } from '../../src-main/storage';
import { which } from '../machine/processes.mjs';
import { testEngine } from '../support/engine';
import { rotated, toFigure, type BenchOptions, type Figure } from './figure';
import { countFrames, countLines, writeLog } from './logs-read';

const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  timer: (delay, fire) => {
    const handle = setTimeout(fire, delay);
    return { dispose: () => clearTimeout(handle) };
  },
};

const text: TextCodec = {
  encode: (value) => Buffer.from(value, 'utf8'),
  decode: (bytes) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'),
};

interface Reader {
  name: string;
  /** Reads all of these containers at once; resolves with the number of lines and the milliseconds that took. */
  read(ids: readonly string[], lines: number): Promise<{ count: number; took: number }>;
}

/** Runs the benchmark on the private engine of this run; sizes are lines of one container, the last case has twenty. */
export async function* run(options: BenchOptions = {}): AsyncIterable<Figure> {
  const { rounds = 5, sizes = [20_000, 80_000, 320_000], say = () => undefined } = options;
  const place = testEngine();
  const engine = await connect({ endpoint: place.dockerHost });
  const peers: Reader[] = [
    { name: 'API and demux', read: (ids) => sum(() => ids.map((id) => countFrames(place.socket, id))) },
  ];
  if (which('docker'))
    peers.push({ name: 'docker logs', read: (ids) => sum(() => ids.map((id) => countLines(place.dockerHost, id))) });
  else say('docker logs is skipped: the docker CLI is not installed');
  const readers: Reader[] = [{ name: 'ours', read: (ids, lines) => ingest(engine, ids, lines) }, ...peers];
  const made: string[] = [];
  try {
    for (const [containers, lines] of [...sizes.map((size) => [1, size] as const), [20, sizes[0] ?? 20_000] as const]) {
      const ids = await Promise.all(
        Array.from({ length: containers }, (_, at) =>
          writeLog(engine, { lines, name: `ingest-${lines}-${at}-${containers}` }),
        ),
      );
      made.push(...ids);
      const results: Record<string, number[]> = {};
      for (let round = 0; round < rounds; round += 1) {
        for (const reader of rotated(readers, round)) {
          const { count, took } = await reader.read(ids, lines * containers);
          const rate = count / took;
          if (count !== lines * containers)
            throw new Error(`${reader.name} read ${count} of ${lines * containers} lines`);
          (results[reader.name] ??= []).push(rate);
          say(`round ${round + 1}: ${reader.name} ${rate.toFixed(0)} klines/s`);
        }
      }
      for (const { name } of peers) {
        const pairs = (results[name] ?? []).map((peer, at) => ({ ours: results['ours']?.[at] ?? NaN, peer }));
        yield toFigure(
          { bench: 'logs', figure: `ingest, ${containers} × ${lines} lines`, peerName: name, unit: 'klines/s' },
          pairs,
        );
      }
    }
  } finally {
    for (const id of made) await engine.remove(id, { force: true, anonymousVolumes: true });
    engine.dispose();
  }
}

async function sum(read: () => Promise<number>[]): Promise<{ count: number; took: number }> {
  const began = performance.now();
  const counts = await Promise.all(read());
  return { count: counts.reduce((total, count) => total + count, 0), took: performance.now() - began };
}

/**
 * Follows the containers into a new store until all lines are durable there; the store's own count is the answer. Opening the empty store
 * and removing it are not counted: that happens once, not for every line.
 */
async function ingest(
  engine: DockerEngine,
  ids: readonly string[],
  lines: number,
): Promise<{ count: number; took: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'pilothouse-ingest-'));
  try {
    const files = await openFiles(folder);
    const store = await openLogStore({ files, codec, text, clock, budget: { bytes: 1e12, age: 1e15 } });
    const intake = new Intake({ clock, state: await store.state(), append: (batch) => store.append(batch) });
    const collector = new LogCollector({ clock, random: Math.random, intake, linesPerSecond: 0 });
    const began = performance.now();
    collector.setEngine(engine);
    collector.follow(
      ids.map((container, at) => ({
        container,
        stack: 'bench',
        service: 'writer',
        slot: at + 1,
        generation: 1,
        revision: 1,
      })),
    );
    while (intake.lines < lines && performance.now() - began < 120_000)
      await new Promise((resolve) => setTimeout(resolve, 2));
    await intake.flush();
    const took = performance.now() - began;
    collector.dispose();
    intake.dispose();
    const never = { aborted: false, addEventListener: () => undefined, removeEventListener: () => undefined };
    const counted = await store.histogram(
      { scope: {}, query: '', from: 0, to: Date.now() + 60_000, buckets: 1 },
      never,
    );
    await store.close();
    await files.close();
    return { count: counted.total, took };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
