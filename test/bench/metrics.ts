/**
 * P9: what it costs to sample containers once a second, engine and us together, against `docker stats`. Ours is measured on both of
 * its sources: the kernel's files, and the engine's streams as used where those cannot be seen.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type DockerEngine } from '../../src-main/engine/docker';
import { Client } from '../../src-main/engine/docker/client';
import { followStats } from '../../src-main/engine/docker/stats';
import { which } from '../machine/processes.mjs';
import { containerRequest } from '../main/engine/docker/request';
import { testEngine, type PrivateEngine } from '../support/engine';
import { rotated, toFigure, type BenchOptions, type Figure } from './figure';

/** Length of one measurement, and time for a contestant to get going before it. */
const WINDOW = 8_000;
const WARM_UP = 3_000;
/** USER_HZ: the unit of /proc/PID/stat on every Linux that Node supports. */
const TICK = 10;

interface Contestant {
  name: string;
  /** Begins to sample `ids`; resolves with what ends it, and the number of samples so far. */
  start(ids: string[]): { samples(): number; child?: ChildProcess; stop(): void };
}

/** Runs the benchmark on the private engine of this run. */
export async function* run(options: BenchOptions = {}): AsyncIterable<Figure> {
  const { rounds = 5, sizes = [10, 25, 50], say = () => undefined } = options;
  const place = testEngine();
  const engine = await connect({ endpoint: place.dockerHost });
  const contestants = listContestants(engine, place, say);
  const ids: string[] = [];
  try {
    for (const size of sizes) {
      while (ids.length < size) ids.push(await startWaker(engine, ids.length));
      say(`${size} containers run`);
      const results: Record<string, number[]> = {};
      for (let round = 0; round < rounds; round += 1) {
        for (const contestant of rotated(contestants, round)) {
          const cpu = await measure(place, contestant, ids);
          (results[contestant.name] ??= []).push(cpu);
          say(`round ${round + 1}: ${contestant.name} ${cpu.toFixed(2)} % of a core`);
        }
      }
      for (const source of ['files', 'streams']) {
        const pairs = (results['docker stats'] ?? []).map((peer, at) => ({ ours: results[source]?.[at] ?? NaN, peer }));
        if (pairs.length === 0) continue;
        const figure = `cpu of engine + app, ${source}, ${size} containers at 1 s`;
        yield toFigure({ bench: 'metrics', figure, peerName: 'docker stats', unit: '% of a core', size }, pairs);
      }
    }
  } finally {
    for (const id of ids) await engine.remove(id, { force: true, anonymousVolumes: true });
    engine.dispose();
  }
}

/** A container that wakes ten times a second, as an idle service does. */
async function startWaker(engine: DockerEngine, number: number): Promise<string> {
  const name = `bench-metrics-${process.pid}-${number}`;
  const { id } = await engine.create(containerRequest({ name, command: ['sh', '-c', 'while :; do sleep 0.1; done'] }));
  await engine.start(id);
  return id;
}

function listContestants(engine: DockerEngine, place: PrivateEngine, say: (text: string) => void): Contestant[] {
  const own = (
    name: string,
    open: (count: (more: unknown[]) => void) => ReturnType<DockerEngine['stats']>,
  ): Contestant => ({
    name,
    start(ids) {
      let samples = 0;
      const stream = open((more) => (samples += more.length));
      stream.follow(ids);
      return { samples: () => samples, stop: () => stream.dispose() };
    },
  });
  const client = new Client({ kind: 'socket', path: place.socket }, '1.41');
  const contestants = [
    own('files', (count) => engine.stats(count)),
    own('streams', (count) => followStats({ client, mounts: undefined, deadline: 10_000, onSamples: count })),
  ];
  if (!which('docker')) {
    say('docker stats is skipped: the docker CLI is not installed');
    return contestants;
  }
  const docker: Contestant = {
    name: 'docker stats',
    start(ids) {
      let samples = 0;
      const child = spawn('docker', [
        '-H',
        place.dockerHost,
        'stats',
        '--no-trunc',
        '--format',
        '{{.ID}} {{.CPUPerc}}',
        ...ids,
      ]);
      child.stdout.on('data', (chunk: Buffer) => (samples += chunk.toString('latin1').split('%\n').length - 1));
      return { samples: () => samples, child, stop: () => void child.kill() };
    },
  };
  return [...contestants, docker];
}

/** CPU of the engine, of us and of the contestant's process in percent of a core, while it samples. */
async function measure(place: PrivateEngine, contestant: Contestant, ids: string[]): Promise<number> {
  const running = contestant.start(ids);
  await sleep(WARM_UP);
  const pids = [...engineProcesses(place), ...(running.child?.pid ? [running.child.pid] : [])];
  const [ours, theirs, samples, began] = [process.cpuUsage(), ticksOf(pids), running.samples(), performance.now()];
  await sleep(WINDOW);
  const elapsed = performance.now() - began;
  const own = process.cpuUsage(ours);
  const cpu = (own.user + own.system) / 1_000 + (ticksOf(pids) - theirs) * TICK;
  const rate = (running.samples() - samples) / ids.length / (elapsed / 1_000);
  running.stop();
  await sleep(500);
  // Fewer samples would be less work, not the same work for less.
  if (rate < 0.7) throw new Error(`${contestant.name} gave ${rate.toFixed(2)} samples a second and container`);
  return (cpu / elapsed) * 100;
}

/** dockerd and its containerd; shims are left out: they are the containers' own and cost all contestants alike. */
function engineProcesses(place: PrivateEngine): number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const fields = statOf(Number(entry));
    if (fields) parents.set(Number(entry), Number(fields[1]));
  }
  const daemon = place.pid();
  return [...parents].filter(([pid, parent]) => pid === daemon || parent === daemon).map(([pid]) => pid);
}

function ticksOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + Number(statOf(pid)?.[11] ?? 0) + Number(statOf(pid)?.[12] ?? 0), 0);
}

/** The fields of /proc/PID/stat after the program's name, which may contain anything. */
function statOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
