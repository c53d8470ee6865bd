/**
 * Search over history against ripgrep and grep on the same text, uncompressed in the page cache. Every count is compared with theirs.
 * Ours is compressed on disk; a rare word is found through the blocks' filters, everything else by unpacking and scanning.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync, statSync, type WriteStream } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Clock } from '../../src-main/base/clock';
import type { TextCodec } from '../../src-main/core/disk';
import { openLogStore, type LogStore } from '../../src-main/core/logs';
import { Intake } from '../../src-main/core/logs/ingest/intake';
import { levelOf } from '../../src-main/core/logs/ingest/level';
import { logCodec as codec, openFiles } from '../../src-main/storage';
import { which } from '../machine/processes.mjs';
import { expand, readCorpus } from './corpus';
import { rotated, toFigure, type BenchOptions, type Figure } from './figure';

/** Files and programs only. */
export const needs: readonly string[] = [];

const mebibyte = 1024 * 1024;
const start = Date.UTC(2026, 0, 5) * 1000;
const never = { aborted: false, addEventListener: () => undefined, removeEventListener: () => undefined };

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
  holds: (bytes, value) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(value),
};

interface Query {
  name: string;
  /** A new needle each round, so that no cache of ours answers. */
  ours: (round: number) => string;
  peers: { name: string; program: string; argv: (round: number) => string[]; input?: 'zstd' }[];
}

/** Runs the benchmark; sizes are MiB of text. */
export async function* run(options: BenchOptions = {}): AsyncIterable<Figure> {
  const { rounds = 5, sizes = [64, 256, 1024], say = () => undefined } = options;
  for (const name of ['rg', 'grep', 'zstd']) if (!which(name)) say(`${name} is skipped: it is not installed`);
  for (const size of sizes) yield* runSize({ rounds, size, say });
}

async function* runSize(options: { rounds: number; size: number; say: (text: string) => void }): AsyncIterable<Figure> {
  const { rounds, size, say } = options;
  const folder = mkdtempSync(join(tmpdir(), 'pilothouse-search-'));
  try {
    const plain = join(folder, 'plain.log');
    const built = await build(folder, plain, { bytes: size * mebibyte, needles: rounds });
    say(
      `${size} MiB of ${built.origin}: ${built.lines} lines, stored at ${built.speed.toFixed(0)} MB/s of one core's time`,
    );
    yield toFigure(
      { bench: 'search', figure: `bytes on disk, index included, ${size} MiB`, peerName: 'the text', unit: 'MB' },
      [{ ours: built.stored / 1e6, peer: built.bytes / 1e6 }],
    );
    if (which('zstd')) await command('zstd', ['-q', '-3', '-k', plain, '-o', `${plain}.zst`]);
    const range = { from: start / 1000, to: start / 1000 + built.lines };
    for (const query of queries(plain)) {
      const peers = query.peers.filter((peer) => which(peer.program));
      const times: Record<string, number[]> = {};
      for (let round = 0; round < rounds; round++) {
        const counts: Record<string, number> = {};
        // Opened anew, so that no block unpacked for an earlier round answers; opening is not counted.
        const { store, close } = await openStore(folder);
        const contestants = ['ours', ...peers.map((peer) => peer.name)];
        for (const name of rotated(contestants, round)) {
          const peer = peers.find((own) => own.name === name);
          const began = performance.now();
          counts[name] = peer
            ? Number(await command(peer.program, peer.argv(round)))
            : (await store.histogram({ scope: {}, query: query.ours(round), ...range, buckets: 1 }, never)).total;
          (times[name] ??= []).push(performance.now() - began);
        }
        await close();
        if (new Set(Object.values(counts)).size !== 1)
          throw new Error(`${query.name}: counts differ: ${JSON.stringify(counts)}`);
        say(
          `${size} MiB, ${query.name}, round ${round + 1}: ${contestants.map((name) => `${name} ${times[name]?.at(-1)?.toFixed(0)} ms`).join(', ')} (${counts['ours']} hits)`,
        );
      }
      for (const { name } of peers)
        yield toFigure(
          { bench: 'search', figure: `${query.name}, ${size} MiB`, peerName: name, unit: 'ms' },
          pair(times, name),
        );
    }
    yield* newest(folder, { size, rounds, plain, say });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function openStore(folder: string): Promise<{ store: LogStore; close: () => Promise<void> }> {
  const files = await openFiles(join(folder, 'store'));
  const store = await openLogStore({ files, codec, text, clock, budget: { bytes: 1e12, age: 1e15 } });
  return {
    store,
    close: async () => {
      await store.close();
      await files.close();
    },
  };
}

function pair(times: Record<string, number[]>, name: string): { ours: number; peer: number }[] {
  return (times[name] ?? []).map((peer, at) => ({ ours: times['ours']?.[at] ?? NaN, peer }));
}

/** The newest 200 lines: what opening the log screen costs. */
async function* newest(
  folder: string,
  options: { size: number; rounds: number; plain: string; say: (text: string) => void },
): AsyncIterable<Figure> {
  const { size, rounds, plain, say } = options;
  for (const [query, argv] of [
    ['', ['-c', `tail -n 200 ${plain} | wc -l`]],
    ['error', ['-c', `tac ${plain} | grep -i -w -m 200 error | wc -l`]],
  ] as const) {
    const results: { ours: number; peer: number }[] = [];
    for (let round = 0; round < rounds; round++) {
      const { store, close } = await openStore(folder);
      const began = performance.now();
      const page = await store.page({ scope: {}, query, limit: 200 }, never);
      const ours = performance.now() - began;
      const again = performance.now();
      await command('sh', [...argv]);
      results.push({ ours, peer: performance.now() - again });
      await close();
      say(`newest 200 of '${query}': ${ours.toFixed(1)} ms, ${page.lines.length} lines`);
    }
    const peerName = query === '' ? 'tail' : 'tac | grep -m 200';
    yield toFigure(
      {
        bench: 'search',
        figure: `newest 200 of ${query === '' ? 'anything' : query}, ${size} MiB`,
        peerName,
        unit: 'ms',
      },
      results,
    );
  }
}

function queries(plain: string): Query[] {
  const counted =
    (...rest: string[]): Query['peers'][number]['argv'] =>
    () => ['-c', ...rest, plain];
  const needle = (round: number): string => `needle_${round}_x7`;
  const zipped = `${plain}.zst`;
  const expression = 'session (opened|closed) for user [a-z]+ by';
  return [
    {
      name: 'rare word (10 hits)',
      ours: needle,
      peers: [
        { name: 'rg', program: 'rg', argv: (round) => ['-c', '-F', needle(round), plain] },
        { name: 'grep', program: 'grep', argv: (round) => ['-c', '-F', needle(round), plain] },
        { name: 'rg -z (zstd)', program: 'rg', argv: (round) => ['-z', '-c', '-F', needle(round), zipped] },
      ],
    },
    {
      name: 'common word, any case',
      ours: () => 'error',
      peers: [
        { name: 'rg -i -w', program: 'rg', argv: counted('-i', '-w', 'error') },
        { name: 'grep -i -w', program: 'grep', argv: counted('-i', '-w', 'error') },
        { name: 'rg -z -i -w (zstd)', program: 'rg', argv: () => ['-z', '-c', '-i', '-w', 'error', zipped] },
      ],
    },
    {
      name: 'regular expression',
      ours: () => `/${expression}/`,
      peers: [
        { name: 'rg', program: 'rg', argv: counted(expression) },
        { name: 'grep -E', program: 'grep', argv: counted('-E', expression) },
        { name: 'rg -z (zstd)', program: 'rg', argv: () => ['-z', '-c', expression, zipped] },
      ],
    },
  ];
}

interface Built {
  origin: string;
  lines: number;
  bytes: number;
  stored: number;
  speed: number;
}

/** Writes the text twice: plain, and through the intake into a store. Ten needles for each round are strewn in. */
async function build(folder: string, plain: string, options: { bytes: number; needles: number }): Promise<Built> {
  const corpus = readCorpus();
  const { store, close } = await openStore(folder);
  const intake = new Intake({ clock, state: await store.state(), append: (batch) => store.append(batch) });
  const handles = corpus.sources.map(({ name }, index) =>
    intake.source({ container: `bench${index}`, stack: 'bench', service: name, slot: 1, generation: 1, revision: 1 }),
  );
  const file = createWriteStream(plain);
  const every = Math.floor(options.bytes / (options.needles * 10 + 1));
  let needles = 0;
  let lines = 0;
  let bytes = 0;
  let chunk: string[] = [];
  const before = process.cpuUsage();
  let writing = 0;
  for (const { line: own, source, written } of expand(readCorpus(), options.bytes)) {
    let line = own;
    if (written > (needles + 1) * every && needles < options.needles * 10)
      line += ` needle_${needles++ % options.needles}_x7`;
    const handle = handles[source];
    if (handle) intake.add(handle, { time: start + lines, flags: levelOf(line), text: line });
    lines += 1;
    bytes = written;
    chunk.push(line);
    if (chunk.length < 4000) continue;
    await intake.flush();
    writing += await writeChunk(file, chunk);
    chunk = [];
  }
  await intake.flush();
  intake.dispose();
  await close();
  const used = process.cpuUsage(before);
  await writeChunk(file, chunk);
  file.end();
  await once(file, 'finish');
  const sizes = await (await openFiles(join(folder, 'store'))).list();
  return {
    origin: corpus.origin,
    lines,
    bytes: statSync(plain).size,
    stored: sizes.reduce((sum, file) => sum + file.size, 0),
    speed: bytes / Math.max(1, used.user + used.system - writing),
  };
}

/** Appends lines to the plain file; returns the microseconds of CPU it took, which are not the store's. */
async function writeChunk(file: WriteStream, lines: readonly string[]): Promise<number> {
  if (lines.length === 0) return 0;
  const before = process.cpuUsage();
  if (!file.write(`${lines.join('\n')}\n`)) await once(file, 'drain');
  const used = process.cpuUsage(before);
  return used.user + used.system;
}

/** Runs a program and returns what it printed; finding nothing (1) is an answer, other codes are failures. */
function command(program: string, argv: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, argv, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, LC_ALL: 'C' } });
    let out = '';
    let failure = '';
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (failure += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(out.trim());
      else if (code === 1 && failure === '') resolve(out.trim() === '' ? '0' : out.trim());
      else reject(new Error(`${program}: ${failure}`));
    });
  });
}
