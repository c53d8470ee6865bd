/** Logs, events and statistics of a real engine. */
import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { EngineEvent, LogEntry, StatsSample } from '../../src-main/core/engine';
import { type DockerEngine, connect } from '../../src-main/engine/docker';
import { followStats } from '../../src-main/engine/docker/stats';
import { Client } from '../../src-main/engine/docker/client';
import { testEngine, testImages } from '../support/engine';
import { which } from '../machine/processes.mjs';
import { collect, engineKit } from './engine-kit';

const { engine, create, run, shell } = engineKit();

const ended = (id: string): Promise<void> =>
  expect.poll(async () => (await engine().inspect(id))?.state, { timeout: 20_000 }).toBe('exited');

const logs = (
  id: string,
  options: Partial<Parameters<DockerEngine['logs']>[1]> = {},
): ReturnType<typeof collect<LogEntry>> => collect((take) => engine().logs(id, { follow: false, ...options }, take));

describe('logs', () => {
  it('are read with stream and stamp, in order', async () => {
    const id = await shell('for n in 1 2 3; do echo out $n; echo err $n >&2; sleep 0.02; done');
    await ended(id);
    const { items, code } = await logs(id);
    expect(code).toBeUndefined();
    expect(items.filter(({ stream }) => stream === 'stdout').map(({ text }) => text)).toEqual([
      'out 1',
      'out 2',
      'out 3',
    ]);
    expect(items.filter(({ stream }) => stream === 'stderr').map(({ text }) => text)).toEqual([
      'err 1',
      'err 2',
      'err 3',
    ]);
    const now = BigInt(Date.now()) * 1_000_000n;
    for (const { stamp } of items) {
      expect(stamp).toMatch(/^\d{19}$/);
      expect(now - BigInt(stamp)).toBeLessThan(120_000_000_000n);
    }
    expect((await logs(id, { tail: 1 })).items).toHaveLength(1);
  });

  it('resume from a stamp, which is included (F12)', async () => {
    const id = await shell('for n in $(seq 1 20); do echo $n; sleep 0.01; done');
    await ended(id);
    const { items } = await logs(id);
    const since = items[11]?.stamp ?? '';
    expect((await logs(id, { since })).items.map(({ text }) => text)).toEqual(items.slice(11).map(({ text }) => text));
  });

  it('join up from the pieces of 16 KiB that the engine cuts, with one stamp', async () => {
    const id = await shell(`head -c 50000 /dev/zero | tr '\\0' x; echo; echo short; printf 'no end'`);
    await ended(id);
    const { items } = await logs(id);
    expect(items.map(({ text, partial }) => [text.length, partial])).toEqual([
      [16_384, true],
      [16_384, true],
      [16_384, true],
      [848, false],
      [5, false],
      [6, false],
    ]);
    expect(new Set(items.slice(0, 4).map(({ stamp }) => stamp)).size).toBe(1);
  });

  it('have U+FFFD where bytes are no text', async () => {
    const id = await shell(`printf 'a\\377b\\n'`);
    await ended(id);
    expect((await logs(id)).items[0]?.text).toBe('a\ufffdb');
  });

  it('of a terminal are one stream of lines', async () => {
    const id = await shell(`echo one; echo two >&2; head -c 40000 /dev/zero | tr '\\0' x; echo`, { tty: true });
    await ended(id);
    const { items } = await logs(id);
    expect(items.map(({ stream, text, partial }) => [stream, text.length, partial])).toEqual([
      ['stdout', 3, false],
      ['stdout', 3, false],
      ['stdout', 16_384, true],
      ['stdout', 16_384, true],
      ['stdout', 7_232, false],
    ]);
  });

  it('are followed as they are written, until the container ends', async () => {
    const id = await shell('for n in 1 2 3 4; do echo $n; sleep 0.3; done');
    const began = Date.now();
    const arrivals: number[] = [];
    const { items, code } = await collect<LogEntry>((take) =>
      engine().logs(id, { follow: true }, (entries) => {
        for (const _ of entries) arrivals.push(Date.now() - began);
        take(entries);
      }),
    );
    expect(items.map(({ text }) => text)).toEqual(['1', '2', '3', '4']);
    expect(code).toBeUndefined();
    expect((arrivals.at(-1) ?? 0) - (arrivals[0] ?? 0)).toBeGreaterThan(500);
  });

  it('of a container that was not started yet wait for its start', async () => {
    const id = await create({ command: ['sh', '-c', 'echo begun'] });
    const following = logs(id, { follow: true });
    await sleep(700);
    await engine().start(id);
    expect((await following).items.map(({ text }) => text)).toEqual(['begun']);
    const waiting = engine().logs(await create(), { follow: true }, () => undefined);
    await sleep(100);
    waiting.dispose();
    expect(await waiting.ended).toEqual({});
  });

  it('hold the engine back while paused, and lose nothing', async () => {
    const id = await shell('seq 1 50000');
    await ended(id);
    const items: LogEntry[] = [];
    const stream = engine().logs(id, { follow: false }, (entries) => items.push(...entries));
    await expect.poll(() => items.length, { timeout: 10_000 }).toBeGreaterThan(0);
    stream.pause();
    await sleep(300);
    const held = items.length;
    expect(held).toBeLessThan(50_000);
    await sleep(300);
    expect(items.length).toBe(held);
    stream.resume();
    expect(await stream.ended).toEqual({});
    expect(items.map(({ text }) => Number(text))).toEqual(Array.from({ length: 50_000 }, (_, at) => at + 1));
  });

  it('end when disposed, and say when there is nothing to read', async () => {
    const id = await shell('while true; do echo x; sleep 0.05; done');
    let count = 0;
    const stream = engine().logs(id, { follow: true }, (entries) => (count += entries.length));
    await expect.poll(() => count, { timeout: 5_000 }).toBeGreaterThan(2);
    stream.dispose();
    expect(await stream.ended).toEqual({});
    const after = count;
    await sleep(200);
    expect(count).toBe(after);
    expect((await logs('f'.repeat(64))).code).toBe('not-found');
    const silent = await run({ command: ['true'], host: { logging: { driver: 'none', options: {} } } });
    expect((await logs(silent)).code).toBe('unsupported');
  });
});

describe('events', () => {
  it('tell what happens, but not every health check', async () => {
    const events: EngineEvent[] = [];
    const stream = engine().watch((event) => events.push(event));
    await sleep(200);
    const id = await run({ labels: { colour: 'red' }, healthcheck: { test: ['CMD', 'true'], interval: 1_000 } });
    await expect
      .poll(() => events.map(({ action }) => action), { timeout: 10_000 })
      .toContain('health_status: healthy');
    await engine().kill(id, 'SIGKILL');
    await engine().remove(id, { force: true, anonymousVolumes: true });
    await expect.poll(() => events.map(({ action }) => action)).toContain('destroy');
    const ours = events.filter((event) => event.id === id);
    expect(ours.map(({ action }) => action)).toEqual([
      'create',
      'start',
      'health_status: healthy',
      'kill',
      'die',
      'destroy',
    ]);
    expect(ours.find(({ action }) => action === 'die')).toMatchObject({
      type: 'container',
      attributes: { exitCode: '137', colour: 'red' },
    });
    expect(Math.abs((ours[0]?.at ?? 0) - Date.now())).toBeLessThan(60_000);
    expect(events.some(({ type, action }) => type === 'network' && action === 'connect')).toBe(true);
    stream.dispose();
    expect(await stream.ended).toEqual({});
  });
});

/** CPU in percent of a core between two moments, the counter read off the line through the samples. */
function cpuPercent(samples: readonly StatsSample[], [from, until]: readonly [number, number]): number {
  const at = (time: number): number => {
    const after = Math.max(
      1,
      samples.findIndex((sample) => sample.at >= time),
    );
    const [one, other] = [samples[after - 1], samples[after]];
    if (!one || !other) return NaN;
    return one.cpuNanos + ((other.cpuNanos - one.cpuNanos) * (time - one.at)) / (other.at - one.at);
  };
  return (at(until) - at(from)) / 1e4 / (until - from);
}

describe('statistics', () => {
  it('come from the kernel here, agree with the engine, and follow a changing set', async () => {
    expect(engine().capabilities.localCgroups).toBe(true);
    const busy = await shell('while :; do :; done', { host: { limits: { cpus: 0.3, memory: 64 * 1024 * 1024 } } });
    const idle = await run();
    const samples: StatsSample[] = [];
    const stream = engine().stats((more) => samples.push(...more));
    const remote: StatsSample[] = [];
    const fallback = followStats({
      client: new Client({ kind: 'socket', path: testEngine().socket }, '1.41'),
      mounts: undefined,
      deadline: 5_000,
      onSamples: (more) => remote.push(...more),
    });
    stream.follow([busy, idle]);
    fallback.follow([busy]);
    await expect.poll(() => remote.length, { timeout: 30_000 }).toBeGreaterThanOrEqual(7);
    const own = samples.filter(({ id }) => id === busy);
    const overlap = [
      Math.max(own[0]?.at ?? 0, remote[0]?.at ?? 0),
      Math.min(own.at(-1)?.at ?? 0, remote.at(-1)?.at ?? 0),
    ] as const;
    const [kernel, api] = [cpuPercent(own, overlap), cpuPercent(remote, overlap)];
    expect(kernel).toBeGreaterThan(5);
    expect(Math.abs(kernel - api)).toBeLessThan(2);
    const [ours, theirs] = [samples.findLast(({ id }) => id === busy), remote.at(-1)];
    expect(ours).toMatchObject({ memoryLimit: 64 * 1024 * 1024, pids: theirs?.pids, networkTx: theirs?.networkTx });
    expect(ours?.cpuThrottledNanos).toBeGreaterThan(0);
    expect(theirs).toMatchObject({ memoryLimit: 64 * 1024 * 1024 });
    expect(Math.abs((ours?.memory ?? 0) - (theirs?.memory ?? 0))).toBeLessThan(2_000_000);
    expect(samples.some(({ id }) => id === idle)).toBe(true);
    stream.follow([idle]);
    await sleep(50);
    samples.length = 0;
    await sleep(2_300);
    expect(new Set(samples.map(({ id }) => id))).toEqual(new Set([idle]));
    stream.dispose();
    fallback.dispose();
    expect(await stream.ended).toEqual({});
    expect(await fallback.ended).toEqual({});
  });

  // Two meters over windows that are not quite the same: on a busy machine one look may differ by more.
  it.runIf(which('docker'))('agree with docker stats within two points', { retry: 4 }, async () => {
    // A share so small that it is had even on a busy machine: the two windows are not quite the same.
    const id = await shell('while :; do :; done', { host: { limits: { cpus: 0.15 } } });
    const samples: StatsSample[] = [];
    const stream = engine().stats((more) => samples.push(...more));
    stream.follow([id]);
    await expect.poll(() => samples.length, { timeout: 10_000 }).toBeGreaterThan(1);
    const argv = ['-H', testEngine().dockerHost, 'stats', '--no-stream', '--format', '{{.CPUPerc}}', id];
    const shown = Array.from({ length: 3 }, () => parseFloat(execFileSync('docker', argv, { encoding: 'utf8' })));
    await sleep(1_100);
    const ours = cpuPercent(samples, [samples[0]?.at ?? 0, samples.at(-1)?.at ?? 0]);
    expect(ours).toBeGreaterThan(5);
    expect(Math.abs(ours - shown.reduce((sum, value) => sum + value, 0) / shown.length)).toBeLessThan(2);
    stream.dispose();
  });

  it('go on over a restart, with the counters of the new process', async () => {
    const id = await run({ image: testImages.demoApp, command: ['/demo-app'] });
    const samples: StatsSample[] = [];
    const stream = engine().stats((more) => samples.push(...more));
    stream.follow([id]);
    await expect.poll(() => samples.length, { timeout: 10_000 }).toBeGreaterThan(1);
    await engine().stop(id, 0);
    await sleep(1_500);
    const stopped = samples.length;
    await engine().start(id);
    await expect.poll(() => samples.length, { timeout: 10_000 }).toBeGreaterThan(stopped);
    expect(samples.at(-1)?.memory).toBeGreaterThan(0);
    stream.dispose();
  });

  it('of the engine itself end without a container and do not invent one', async () => {
    const own = await connect({ endpoint: testEngine().dockerHost });
    const samples: StatsSample[] = [];
    const stream = own.stats((more) => samples.push(...more));
    stream.follow(['f'.repeat(64)]);
    await sleep(1_500);
    own.dispose();
    expect(await stream.ended).toEqual({});
    expect(samples).toEqual([]);
  });
});
