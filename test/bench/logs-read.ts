/**
 * How fast a container's log is read back: our entries (stream, stamp, text) against the same stream with its frames counted and
 * nothing else done, and against `docker logs`. The engine's reader is the limit; this shows what we add to it.
 */
import { spawn } from 'node:child_process';
import { request } from 'node:http';
import { connect, type DockerEngine } from '../../src-main/engine/docker';
import { which } from '../machine/processes.mjs';
import { containerRequest } from '../main/engine/docker/request';
import { testEngine, type PrivateEngine } from '../support/engine';
import { rotated, toFigure, type BenchOptions, type Figure } from './figure';

const LINE = 'x'.repeat(149);

interface Reader {
  name: string;
  /** Reads one container's whole log and resolves with the number of lines. */
  read(id: string): Promise<number>;
}

/** Runs the benchmark on the private engine of this run; sizes are lines in each of one and of twenty containers. */
export async function* run(options: BenchOptions = {}): AsyncIterable<Figure> {
  const { rounds = 5, sizes = [10_000, 40_000, 160_000], say = () => undefined } = options;
  const place = testEngine();
  const engine = await connect({ endpoint: place.dockerHost });
  const readers = listReaders(engine, place, say);
  const made: string[] = [];
  try {
    for (const [containers, lines] of [...sizes.map((size) => [1, size] as const), [20, sizes[0] ?? 10_000] as const]) {
      const ids = await Promise.all(
        Array.from({ length: containers }, (_, at) =>
          writeLog(engine, { lines, name: `${lines}-${at}-${containers}` }),
        ),
      );
      made.push(...ids);
      const results: Record<string, number[]> = {};
      for (let round = 0; round < rounds; round += 1) {
        for (const reader of rotated(readers, round)) {
          const began = performance.now();
          const counts = await Promise.all(ids.map((id) => reader.read(id)));
          const rate = (lines * containers) / (performance.now() - began);
          if (counts.some((count) => count !== lines))
            throw new Error(`${reader.name} read ${counts.join()} of ${lines} lines`);
          (results[reader.name] ??= []).push(rate);
          say(`round ${round + 1}: ${reader.name} ${rate.toFixed(0)} klines/s`);
        }
      }
      for (const { name } of readers.slice(1)) {
        const pairs = (results[name] ?? []).map((peer, at) => ({ ours: results['ours']?.[at] ?? NaN, peer }));
        const figure = `read back, ${containers} × ${lines} lines`;
        yield toFigure({ bench: 'logs-read', figure, peerName: name, unit: 'klines/s' }, pairs);
      }
    }
  } finally {
    for (const id of made) await engine.remove(id, { force: true, anonymousVolumes: true });
    engine.dispose();
  }
}

export async function writeLog(
  engine: DockerEngine,
  { lines, name }: { lines: number; name: string },
): Promise<string> {
  const command = ['sh', '-c', `yes ${LINE} | head -n ${lines}`];
  const { id } = await engine.create(containerRequest({ name: `bench-logs-${process.pid}-${name}`, command }));
  await engine.start(id);
  while ((await engine.inspect(id))?.state !== 'exited') await new Promise((resolve) => setTimeout(resolve, 100));
  return id;
}

function listReaders(engine: DockerEngine, place: PrivateEngine, say: (text: string) => void): Reader[] {
  const readers: Reader[] = [
    {
      name: 'ours',
      read: async (id) => {
        let count = 0;
        const { error } = await engine.logs(id, { follow: false }, (entries) => (count += entries.length)).ended;
        if (error) throw error;
        return count;
      },
    },
    { name: 'API and demux', read: (id) => countFrames(place.socket, id) },
  ];
  if (which('docker')) readers.push({ name: 'docker logs', read: (id) => countLines(place.dockerHost, id) });
  else say('docker logs is skipped: the docker CLI is not installed');
  return readers;
}

/** The least that has to be done with the stream: its frames, one a line, are counted. */
export function countFrames(socketPath: string, id: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const path = `/containers/${id}/logs?stdout=1&stderr=1&timestamps=1`;
    const outgoing = request({ socketPath, path, agent: false }, (response) => {
      let rest: Buffer = Buffer.alloc(0);
      let count = 0;
      response.on('data', (chunk: Buffer) => {
        const data = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
        let at = 0;
        while (data.length - at >= 8 && data.length - at - 8 >= data.readUInt32BE(at + 4)) {
          at += 8 + data.readUInt32BE(at + 4);
          count += 1;
        }
        rest = data.subarray(at);
      });
      response.on('end', () => resolve(count));
      response.on('error', reject);
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

export function countLines(host: string, id: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn('docker', ['-H', host, 'logs', '--timestamps', id], { stdio: ['ignore', 'pipe', 'ignore'] });
    let count = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) count += 1;
    });
    child.on('error', reject);
    child.on('close', () => resolve(count));
  });
}
