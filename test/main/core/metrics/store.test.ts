import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seeded } from '../../../../src-main/base/random';
import type { SeriesSlice } from '../../../../src-main/core/metrics';
import type { MetricStore } from '../../../../src-main/core/metrics/store/metricStore';
import { memoryFiles, type MemoryFiles } from '../../../support/disks';
import { day, hour, minute, openStore, second, start, write } from './support';

/** A value for each second that a test can compute again. */
function wave(at: number): number {
  return Math.round(50 + 40 * Math.sin(at / 97_000) + 10 * Math.sin(at / 3_000));
}

async function readOne(
  store: MetricStore,
  span: { from: number; to: number; step: number },
  metric = 'cpu',
): Promise<SeriesSlice | undefined> {
  return (await store.read({ metric, ...span }))[0];
}

/** Cells that have a value. */
function filled(slice: SeriesSlice | undefined): number {
  return slice ? slice.average.filter((value) => !Number.isNaN(value)).length : 0;
}

/** Checks every cell against the seconds it covers; the last bits are lost in sealed blocks. */
function expectWave(slice: SeriesSlice | undefined, known: (at: number) => boolean = () => true): void {
  if (!slice) throw new Error('nothing was read');
  for (let cell = 0; cell < slice.average.length; cell++) {
    const values: number[] = [];
    for (let at = slice.from + cell * slice.step; at < slice.from + (cell + 1) * slice.step; at += second)
      if (known(at)) values.push(wave(at));
    if (values.length === 0) {
      expect(slice.average[cell]).toBeNaN();
      continue;
    }
    expect(slice.minimum[cell]).toBe(Math.min(...values));
    expect(slice.maximum[cell]).toBe(Math.max(...values));
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(Math.abs((slice.average[cell] as number) - mean)).toBeLessThanOrEqual(mean * 0.0003 + 0.001);
  }
}

describe('the metric store', () => {
  it('answers the last hour second by second, and older stretches from the tiers', async () => {
    const store = openStore();
    await store.open(start);
    await write(store, { from: start, to: start + 3 * hour }, wave);
    const end = start + 3 * hour;
    expectWave(await readOne(store, { from: end - 30 * minute, to: end, step: second }));
    expectWave(await readOne(store, { from: start, to: end, step: 10 * second }));
    expectWave(await readOne(store, { from: start, to: end, step: minute }));
    expectWave(await readOne(store, { from: start, to: end, step: 10 * minute }));
    expectWave(await readOne(store, { from: start, to: end, step: hour }));
    // Finer than is kept: each second shows its bucket's values.
    const fine = await readOne(store, { from: start, to: start + minute, step: second });
    expect(filled(fine)).toBe(60);
    expect(fine?.average[0]).toBe(fine?.average[9]);
  });

  it('has the same answers after a restart, also when it was killed', async () => {
    const files = memoryFiles();
    const first = openStore({ files });
    await first.open(start);
    await write(first, { from: start, to: start + 2 * hour + 25 * second }, wave);
    await new Promise((resolve) => setImmediate(resolve));
    // Not closed: the process is gone, its appended bytes are not. The buckets in the making are.
    const second_ = openStore({ files });
    await second_.open(start + 2 * hour + 40 * second);
    second_.tick(start + 2 * hour + 40 * second);
    const slice = await readOne(second_, { from: start, to: start + 2 * hour + minute, step: 10 * second });
    expectWave(slice, (at) => at < start + 2 * hour + 20 * second);
    expectWave(await readOne(second_, { from: start, to: start + 2 * hour, step: minute }));
  });

  it('loses nothing when it is closed', async () => {
    const files = memoryFiles();
    const first = openStore({ files });
    await first.open(start);
    await write(first, { from: start, to: start + 95 * second }, wave);
    await first.close();
    const next = openStore({ files });
    await next.open(start + 100 * second);
    expectWave(
      await readOne(next, { from: start, to: start + 100 * second, step: 10 * second }),
      (at) => at < start + 95 * second,
    );
  });

  it('seals finished periods and removes their frames', async () => {
    const files = memoryFiles();
    const store = openStore({ files });
    await store.open(start);
    await write(store, { from: start, to: start + 3 * hour + second }, wave);
    await store.close();
    const names = (await files.list()).map(({ name }) => name);
    expect(names.filter((name) => name.startsWith('t10-') && name.endsWith('.blk'))).toHaveLength(3);
    expect(names.filter((name) => name.startsWith('t10-') && name.endsWith('.hot'))).toHaveLength(1);
    expect(store.bytes).toBe((await files.list()).reduce((sum, { size }) => sum + size, 0));
  });

  it('keeps each tier as long as it should, and no longer than the user wants', async () => {
    const files = memoryFiles();
    const store = openStore({ files, retention: 6 * hour });
    await store.open(start);
    await write(store, { from: start, to: start + 10 * hour }, (at) => (at % minute === 0 ? 5 : undefined));
    await store.close();
    const blocks = (await files.list())
      .filter(({ name }) => /^t10-.*blk$/.test(name))
      .map(({ name }) => Number(name.split('-')[1]) * 1000);
    expect(Math.min(...blocks)).toBeGreaterThanOrEqual(start + 3 * hour);
  });

  it('shows gaps as gaps, but not a tick that came late', async () => {
    const store = openStore();
    await store.open(start);
    const away = (at: number): boolean => at >= start + 60 * second && at < start + 95 * second;
    await write(store, { from: start, to: start + 3 * minute }, (at) => (away(at) ? undefined : wave(at)));
    const slice = await readOne(store, { from: start, to: start + 3 * minute, step: second });
    expectWave(slice, (at) => !away(at));
    const late = openStore();
    await late.open(start);
    for (const at of [0, 1, 3, 4, 7, 8, 12])
      await write(late, { from: start + at * second, to: start + (at + 1) * second }, () => at);
    const seen = await readOne(late, { from: start, to: start + 13 * second, step: second });
    expect([...(seen?.average ?? [])]).toEqual([0, 1, 3, 3, 4, 7, 7, 7, 8, NaN, NaN, NaN, 12]);
  });

  it('goes on when the clock is set back, beside what was written under the wrong time', async () => {
    const files = memoryFiles();
    const store = openStore({ files });
    await store.open(start);
    const wrong = start + 50 * hour;
    await write(store, { from: wrong, to: wrong + 5 * minute }, () => 7);
    await write(store, { from: start, to: start + 5 * minute }, wave);
    expectWave(await readOne(store, { from: start, to: start + 5 * minute, step: second }));
    await store.close();
    const next = openStore({ files });
    await next.open(start + 5 * minute);
    expectWave(await readOne(next, { from: start, to: start + 5 * minute, step: 10 * second }));
    await write(next, { from: wrong, to: wrong + minute }, () => 9);
    await next.close();
    const after = await readOne(next, { from: wrong, to: wrong + 5 * minute, step: minute });
    expect([...(after?.average ?? [])]).toEqual([9, 7, 7, 7, 7]);
  });

  it('reads around a damaged block and says so once', async () => {
    const files = memoryFiles();
    const notes: string[] = [];
    const store = openStore({ files });
    await store.open(start);
    await write(store, { from: start, to: start + 3 * hour + second }, wave);
    await store.close();
    const name = (await files.list()).find((file) => /^t10-.*blk$/.test(file.name))?.name ?? '';
    const bytes = await files.read(name, 0, 1e9);
    bytes[bytes.length - 3] = (bytes[bytes.length - 3] as number) ^ 0xff;
    await files.write(name, bytes);
    const next = openStore({ files, log: (_severity, text) => notes.push(text) });
    await next.open(start + 3 * hour);
    for (let time = 0; time < 2; time++) {
      const slice = await readOne(next, { from: start, to: start + 3 * hour, step: 10 * second });
      expectWave(slice, (at) => at >= start + hour);
    }
    expect(notes).toEqual(['a block of metrics cannot be read']);
  });

  it('goes on in memory while the disk is full, and catches up', async () => {
    const files = memoryFiles();
    const notes: string[] = [];
    let full = false;
    const refuse = (): Promise<never> => Promise.reject(new Error('no space'));
    const disk: MemoryFiles = {
      ...files,
      append: (name, bytes) => (full ? refuse() : files.append(name, bytes)),
      write: (name, bytes) => (full ? refuse() : files.write(name, bytes)),
    };
    const store = openStore({ files: disk, log: (_severity, text) => notes.push(text) });
    await store.open(start);
    await write(store, { from: start, to: start + 30 * minute }, wave);
    full = true;
    await write(store, { from: start + 30 * minute, to: start + 90 * minute }, wave);
    expectWave(await readOne(store, { from: start, to: start + 90 * minute, step: 10 * second }));
    full = false;
    await write(store, { from: start + 90 * minute, to: start + 110 * minute }, wave);
    await store.close();
    expect(notes.length).toBeGreaterThan(0);
    expect(notes.length).toBeLessThan(5);
    const next = openStore({ files });
    await next.open(start + 110 * minute);
    // The first period was sealed from memory once there was room; the next one lost the frames of the full disk's time.
    expectWave(
      await readOne(next, { from: start, to: start + 110 * minute, step: 10 * second }),
      (at) => at < start + hour || at >= start + 90 * minute - 10 * second,
    );
  });

  it('never fails to open, and keeps all that was synced, after a power cut at any place', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 2 ** 31 }),
        fc.integer({ min: 70, max: 4 * 3600 }),
        async (seed, seconds) => {
          const files = memoryFiles();
          const random = seeded(seed);
          const first = openStore({ files });
          await first.open(start);
          const end = start + seconds * second;
          await write(first, { from: start, to: end }, (at) => (at % (10 * second) === 0 ? wave(at) : undefined));
          await new Promise((resolve) => setImmediate(resolve));
          files.crash(random);
          const next = openStore({ files });
          await next.open(end);
          const slice = await readOne(next, { from: start, to: end, step: 10 * second });
          // Synced once a minute of buckets: at most that and the bucket in the making are gone.
          const safe = Math.floor((seconds - 70) / 10);
          const whole = (slice?.average ?? []).slice(0, safe);
          expect([...whole].every((value, cell) => Math.abs(value - wave(start + cell * 10 * second)) < 0.05)).toBe(
            true,
          );
          await write(next, { from: end, to: end + minute }, wave);
          await next.close();
        },
      ),
      { numRuns: 25 },
    );
  });

  it('refuses series beyond its limit and counts them', () => {
    const store = openStore();
    store.tick(start);
    for (let number = 0; number < 20_003; number++) store.find('m', { number: String(number) });
    expect(store.size).toBe(20_000);
    expect(store.refused).toBe(3);
  });

  it('forgets idle series in memory, not on disk', async () => {
    const store = openStore();
    await store.open(start);
    await write(store, { from: start, to: start + minute, labels: { replica: 'shop/old.1' } }, () => 1);
    await write(store, { from: start + minute, to: start + 2 * hour }, wave);
    expect(store.series()).toEqual([{ metric: 'cpu', labels: { replica: 'shop/web.1' } }]);
    const slices = await store.read({ metric: 'cpu', from: start, to: start + 2 * hour, step: minute });
    expect(slices.map(({ labels }) => labels.replica).sort()).toEqual(['shop/old.1', 'shop/web.1']);
    expect(await store.metrics()).toEqual(['cpu']);
  });

  it('gives averages only of what it knows', async () => {
    const store = openStore();
    await store.open(start);
    await write(store, { from: start, to: start + 20 * second }, () => 4);
    const series = store.find('cpu', { replica: 'shop/web.1' });
    if (!series) throw new Error('no series');
    expect(store.average(series, 20 * second)).toBe(4);
    expect(store.average(series, 40 * second)).toBe(4);
    expect(store.average(series, 41 * second)).toBeUndefined();
  });

  it('takes labels of any text', async () => {
    const files = memoryFiles();
    const labels = { name: '订单 "x"\n\\ \u{1f600}', odd: '\u0000\u2028' };
    const store = openStore({ files });
    await store.open(start);
    await write(store, { from: start, to: start + hour + second, labels }, () => 3);
    await store.close();
    const next = openStore({ files });
    await next.open(start + hour);
    expect((await readOne(next, { from: start, to: start + hour, step: minute }))?.labels).toEqual(labels);
  });

  it('reads a month back from a small folder', async () => {
    const files = memoryFiles();
    const store = openStore({ files });
    await store.open(start);
    // One value a minute is enough: what is kept does not depend on how many made a bucket.
    for (let at = start; at < start + 31 * day; at += minute) {
      store.tick(at);
      const series = store.find('cpu', { replica: 'shop/web.1' });
      if (series) store.put(series, wave(at));
      if (at % day === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await store.close();
    const slice = await readOne(store, { from: start + day, to: start + 31 * day, step: 2 * hour });
    expect(filled(slice)).toBe(361);
    expect((await files.list()).length).toBeLessThan(130);
  });
});
