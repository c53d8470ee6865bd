import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MetricsReader, SeriesSlice } from '../../../../src-main/core/metrics';
import { range, stepFor, type RangeInput } from '../../../../src-main/core/metrics/range';
import { day, hour, minute, openStore, second, start, write } from './support';

function input(over: Partial<RangeInput> & { from: number; to: number }): RangeInput {
  return { metric: 'cpu', by: 'replica', points: 300, ...over };
}

function slice(replica: string, values: number[], step = minute): SeriesSlice {
  const average = Float64Array.from(values);
  const labels = { stack: 'shop', service: replica.slice(0, replica.lastIndexOf('.')), replica };
  return { metric: 'cpu', labels, from: start, step, average, minimum: average, maximum: average };
}

/** A reader that has these slices, whatever the step. */
function reader(slices: SeriesSlice[]): MetricsReader {
  return {
    read: ({ where = () => true }) => Promise.resolve(slices.filter(({ labels }) => where(labels))),
    finest: () => second,
    series: () => slices,
    metrics: () => Promise.resolve(['cpu']),
  };
}

describe('metrics.range', () => {
  it('never gives more points than asked for, and keeps the extremes', async () => {
    const store = openStore();
    await store.open(start);
    let state = 1;
    const values = new Map<number, number>();
    await write(store, { from: start, to: start + 2 * hour }, (at) => {
      state = (state * 48271) % 2147483647;
      const value = at === start + 1234 * second ? 5000 : state % 1000;
      values.set(at, value);
      return value;
    });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 7000 }),
        fc.integer({ min: 1, max: 7200 }),
        fc.integer({ min: 2, max: 2000 }),
        async (first, length, points) => {
          const from = start + first * second;
          const to = Math.min(from + length * second, start + 2 * hour);
          const [series] = await range(store, input({ from, to, points }));
          if (!series) throw new Error('nothing');
          expect(series.t.length).toBeLessThanOrEqual(points);
          expect(series.t.length).toBe(series.v.length);
          expect(series.t.every((at, index) => index === 0 || at > (series.t[index - 1] as number))).toBe(true);
          const inside = [...values].filter(([at]) => at >= from && at < to).map(([, value]) => value);
          const drawn = series.v.filter((value) => value !== null);
          expect(Math.max(...drawn)).toBeGreaterThanOrEqual(Math.max(...inside));
          expect(Math.min(...drawn)).toBeLessThanOrEqual(Math.min(...inside));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('uses steps that people read', () => {
    expect(
      [5 * minute, 15 * minute, hour, 6 * hour, day, 7 * day, 30 * day, 365 * day].map(
        (span) => stepFor(span, 300) / second,
      ),
    ).toEqual([1, 10, 30, 300, 600, 7200, 21_600, 259_200]);
    expect(stepFor(300 * second, 300)).toBe(second);
  });

  it('adds up per service and in all; who was not measured adds nothing', async () => {
    const slices = [
      slice('shop/web.10', [1, NaN, NaN]),
      slice('shop/web.2', [2, 2, NaN]),
      slice('shop/db.1', [5, 5, 5]),
    ];
    const span = { from: start, to: start + 3 * minute };
    const each = await range(reader(slices), input(span));
    expect(each.map(({ labels }) => labels.replica)).toEqual(['shop/db.1', 'shop/web.2', 'shop/web.10']);
    const [db, web] = await range(reader(slices), input({ ...span, by: 'service' }));
    expect(db?.labels).toEqual({ stack: 'shop', service: 'shop/db' });
    expect(web?.v).toEqual([3, 3, 2, 2, null, null]);
    expect(await range(reader(slices), input({ ...span, by: 'total' }))).toMatchObject([
      { labels: {}, unit: 'cores', v: [8, 8, 7, 7, 5, 5] },
    ]);
    expect(slices[0]?.average[0]).toBe(1);
  });

  it('selects by service and by replica', async () => {
    const slices = [slice('shop/web.1', [1]), slice('shop/web.2', [2]), slice('shop/db.1', [5])];
    const span = { from: start, to: start + minute };
    const replicas = async (over: Partial<RangeInput>): Promise<(string | undefined)[]> =>
      (await range(reader(slices), input({ ...span, ...over }))).map(({ labels }) => labels.replica);
    expect(await replicas({ services: ['shop/web'] })).toEqual(['shop/web.1', 'shop/web.2']);
    expect(await replicas({ replicas: ['shop/web.2'] })).toEqual(['shop/web.2']);
    expect(await replicas({ services: ['shop/db'], replicas: ['shop/web.2'] })).toEqual(['shop/db.1', 'shop/web.2']);
    expect(await replicas({ services: [] })).toEqual([]);
    expect(await range(reader(slices), input({ from: start, to: start }))).toEqual([]);
  });
});
