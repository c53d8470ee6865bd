import { describe, expect, it } from 'vitest';
import { seeded } from '../../../src-main/base/random';
import { backoffDelay, WorkQueue } from '../../../src-main/base/workqueue';
import { FakeClock } from '../../support/clock';

interface Bench {
  clock: FakeClock;
  queue: WorkQueue;
  log: string[];
  /** Ends the oldest run of a key; `fails` rejects it. */
  finish(key: string, fails?: boolean): Promise<void>;
  running(): string[];
}

function bench(options: { concurrency?: number; minInterval?: number } = {}): Bench {
  const clock = new FakeClock();
  const log: string[] = [];
  const open = new Map<string, { resolve: () => void; reject: (error: Error) => void }>();
  const queue = new WorkQueue({
    clock,
    random: () => 0.5,
    concurrency: options.concurrency ?? 2,
    minInterval: options.minInterval ?? 0,
    baseDelay: 100,
    maxDelay: 1000,
    onError: (key, thrown) => log.push(`${key} failed: ${(thrown as Error).message}`),
    work: (key) => {
      if (open.has(key)) throw new Error('two workers for one key');
      log.push(`${key}@${clock.monotonic()}`);
      return new Promise<void>((resolve, reject) => open.set(key, { resolve, reject }));
    },
  });
  return {
    clock,
    queue,
    log,
    running: () => [...open.keys()],
    finish: async (key, fails = false) => {
      const run = open.get(key);
      open.delete(key);
      if (fails) run?.reject(new Error('no'));
      else run?.resolve();
      await clock.settle();
    },
  };
}

describe('WorkQueue', () => {
  it('folds adds before work starts into one run', async () => {
    const { queue, clock, log } = bench();
    queue.add('a');
    queue.add('a');
    await clock.settle();
    expect(log).toEqual(['a@0']);
  });

  it('works once more when a key was added during its work, however often', async () => {
    const { queue, clock, log, finish } = bench();
    queue.add('a');
    await clock.settle();
    queue.add('a');
    queue.add('a');
    await clock.settle();
    expect(log).toEqual(['a@0']);
    await finish('a');
    expect(log).toEqual(['a@0', 'a@0']);
    await finish('a');
    expect(queue.active).toBe(0);
  });

  it('gives one key one worker and all keys together at most the concurrency', async () => {
    const { queue, clock, running, finish } = bench({ concurrency: 2 });
    for (const key of ['a', 'b', 'c']) queue.add(key);
    queue.add('a');
    await clock.settle();
    expect(running()).toEqual(['a', 'b']);
    queue.add('a');
    await finish('b');
    expect(running()).toEqual(['a', 'c']);
  });

  it('does not let a stuck key block others', async () => {
    const { queue, clock, log, finish } = bench({ concurrency: 2 });
    queue.add('stuck');
    for (const key of ['a', 'b', 'c']) queue.add(key);
    await clock.settle();
    for (const key of ['a', 'b', 'c']) await finish(key);
    expect(log).toEqual(['stuck@0', 'a@0', 'b@0', 'c@0']);
  });

  it('retries failures after doubling delays up to the cap, and starts anew after a success', async () => {
    const { queue, clock, log, finish } = bench();
    queue.add('a');
    const starts: number[] = [];
    for (let round = 0; round < 6; round++) {
      await clock.until(() => log.filter((line) => line.startsWith('a@')).length === round + 1);
      starts.push(clock.monotonic());
      await finish('a', true);
    }
    expect(starts).toEqual([0, 100, 300, 700, 1500, 2500]);
    await clock.until(() => log.filter((line) => line.startsWith('a@')).length === 7);
    await finish('a');
    queue.add('a');
    await clock.settle();
    const again = clock.monotonic();
    await finish('a', true);
    await clock.until(() => log.filter((line) => line.startsWith('a@')).length === 9);
    expect(clock.monotonic() - again).toBe(100);
  });

  it('works at once on an add that comes during back-off, without a second run later', async () => {
    const { queue, clock, log, finish } = bench();
    queue.add('a');
    await clock.settle();
    await finish('a', true);
    expect(queue.delayed).toBe(1);
    queue.add('a');
    await clock.settle();
    await finish('a');
    await clock.advance(10_000);
    expect(log.filter((line) => line.startsWith('a@'))).toHaveLength(2);
    expect(clock.pending).toBe(0);
  });

  it('keeps the earlier of two waits', async () => {
    const { queue, clock, log } = bench();
    queue.addAfter('a', 500);
    queue.addAfter('a', 900);
    queue.addAfter('a', 200);
    await clock.advance(199);
    expect(log).toEqual([]);
    await clock.advance(1000);
    expect(log).toEqual(['a@200']);
  });

  it('keeps starts of one key apart by the interval, except for addNow', async () => {
    const { queue, clock, log, finish } = bench({ minInterval: 500 });
    queue.add('a');
    await clock.settle();
    await finish('a');
    for (let index = 0; index < 100; index++) {
      queue.add('a');
      await clock.advance(1);
    }
    expect(log).toEqual(['a@0']);
    queue.addNow('a');
    await clock.settle();
    await finish('a');
    await clock.advance(2000);
    expect(log).toEqual(['a@0', 'a@100']);
    for (let index = 0; index < 1000; index++) {
      queue.add('b');
      await clock.advance(10);
      if (log.at(-1)?.startsWith('b')) await finish('b');
    }
    expect(log.filter((line) => line.startsWith('b@')).length).toBeLessThanOrEqual(21);
  });

  it('starts nothing after dispose and leaves no timer', async () => {
    const { queue, clock, log, finish } = bench({ concurrency: 1 });
    queue.add('a');
    queue.add('b');
    queue.addAfter('c', 10);
    await clock.settle();
    queue.dispose();
    await finish('a', true);
    queue.add('d');
    queue.addAfter('d', 1);
    await clock.advance(10_000);
    expect(log).toEqual(['a@0', 'a failed: no']);
    expect(clock.pending).toBe(0);
  });
});

describe('backoffDelay', () => {
  it('stays within ±20 % of the doubling curve and under the cap', () => {
    const random = seeded(7);
    for (let failures = 1; failures < 60; failures++) {
      const plain = Math.min(1000, 10 * 2 ** (failures - 1));
      const delay = backoffDelay(failures, { base: 10, cap: 1000, random });
      expect(delay).toBeGreaterThanOrEqual(plain * 0.8);
      expect(delay).toBeLessThanOrEqual(Math.min(1000, plain * 1.2));
    }
    expect(backoffDelay(0, { base: 10, cap: 1000, random })).toBe(0);
  });
});
