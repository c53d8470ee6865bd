import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFrameQueue } from '../../../src-renderer/charts/frameQueue';
import { paletteOf, seriesColour } from '../../../src-renderer/charts/palette';
import { niceScale } from '../../../src-renderer/charts/scale';
import { aboveLimit, decimate, lastValue, valueAt } from '../../../src-renderer/charts/series';
import { timeSeries } from '../../../src-renderer/charts/timeSeries';
import type { TimeChart } from '../../../src-renderer/charts/timeSeries';

const steps = (count: number): number[] => Array.from({ length: count }, (_, index) => index * 1000);

describe('decimate', () => {
  it('leaves few points as they are', () => {
    const points = { at: steps(100), values: steps(100) };
    expect(decimate(points, 300)).toBe(points);
  });
  it('keeps every extreme, order and bounds, whatever the data', () => {
    const values = fc.array(fc.option(fc.integer({ min: -1000, max: 1000 }), { freq: 6 }), {
      minLength: 50,
      maxLength: 2000,
    });
    fc.assert(
      fc.property(values, fc.integer({ min: 4, max: 60 }), (data, width) => {
        const points = { at: steps(data.length), values: data };
        const thin = decimate(points, width);
        expect(thin.at.length).toBeLessThanOrEqual(Math.max(2 * width, data.length <= 2 * width ? data.length : 0));
        expect(thin.at.length).toBe(thin.values.length);
        const known = data.filter((value) => value !== null);
        const kept = thin.values.filter((value) => value !== null);
        if (known.length > 0) {
          expect(Math.max(...kept)).toBe(Math.max(...known));
          expect(Math.min(...kept)).toBe(Math.min(...known));
        }
        for (let index = 1; index < thin.at.length; index += 1)
          expect(thin.at[index]).toBeGreaterThan(thin.at[index - 1] ?? -1);
        thin.at.forEach((at, index) => {
          if (thin.values[index] !== null) expect(thin.values[index]).toBe(data[at / 1000]);
        });
      }),
    );
  });
  it('keeps a long gap a gap', () => {
    const values = Array.from({ length: 1000 }, (_, index) => (index > 300 && index < 700 ? null : 1));
    expect(decimate({ at: steps(1000), values }, 50).values).toContain(null);
  });
});

describe('values of a series', () => {
  const points = { at: [1000, 2000, 3000, 10_000], values: [1, null, 3, 4] };
  it.each([
    [1000, 1],
    [1400, 1],
    [2000, null],
    [2600, 3],
    [9900, 4],
    [60_000, null],
  ])('at %d is %s', (instant, value) => expect(valueAt(points, instant)).toBe(value));
  it('has a last one that is no gap', () => {
    expect(lastValue({ at: [1, 2], values: [5, null] })).toBe(5);
    expect(lastValue({ at: [], values: [] })).toBeNull();
  });
  it('is cut exactly where it crosses its limit', () => {
    expect(aboveLimit({ at: [0, 10, 20, 30], values: [0, 4, 4, 0] }, 2)).toEqual([
      [5, 2],
      [10, 4],
      [20, 4],
      [25, 2],
      [25, null],
    ]);
  });
});

describe('value axis', () => {
  it.each([
    [0.34, {}, 0.45],
    [78, {}, 90],
    [4.1, {}, 4.5],
    [420, {}, 450],
    [3, { whole: true }, 3],
    [2, { whole: true }, 2],
    [13, { whole: true }, 15],
    [256 * 1048576, { binary: true }, 300 * 1048576],
    [0, {}, 1.2],
  ])('holds %d with options %j up to %d', (most, options, top) =>
    expect(niceScale(most, options).max).toBeCloseTo(top, 6),
  );
  it('always holds the data in whole steps', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-6, max: 1e15, noNaN: true }),
        fc.boolean(),
        fc.boolean(),
        (most, binary, whole) => {
          const { max, interval } = niceScale(most, { binary, whole });
          expect(max).toBeGreaterThanOrEqual(most * 0.999999);
          expect(max / interval).toBeCloseTo(Math.round(max / interval), 6);
          if (whole) expect(Number.isInteger(interval)).toBe(true);
        },
      ),
    );
  });
});

describe('option of a chart over time', () => {
  const palette = paletteOf('dark');
  const window = { from: 0, to: 60_000 };
  const base: TimeChart = {
    series: [{ id: 'cpu', name: 'cpu', at: steps(61), values: steps(61).map((at) => at / 60_000), fill: true }],
    window,
    write: (value) => value.toFixed(2),
    writeTime: (at) => `${at / 1000} s`,
    width: 400,
  };
  interface Drawn {
    id?: string;
    type: string;
    data: unknown[];
    silent?: boolean;
    areaStyle?: unknown;
    lineStyle?: { color: string };
  }
  const seriesOf = (chart: TimeChart): Drawn[] => timeSeries(chart, palette).option['series'] as Drawn[];

  it('draws one series in neutral and colours only what is over its limit', () => {
    const [line] = seriesOf(base).filter((one) => one.type === 'line');
    expect(line?.lineStyle?.color).toBe(palette.neutral);
    const withLimit = seriesOf({ ...base, limit: { value: 0.5, tone: 'critical' } });
    expect(withLimit.find((one) => one.id === 'hot')?.lineStyle?.color).toBe(palette.states.critical);
    expect(seriesOf({ ...base, limit: { value: 0.5, tone: 'off' } }).some((one) => one.id === 'hot')).toBe(false);
  });
  it('shows alerts inside the window only, and marks above the plot', () => {
    const chart = {
      ...base,
      alerts: [
        { from: -5000, to: -1000, state: 'critical' as const },
        { from: 50_000, state: 'critical' as const },
      ],
      marks: [
        { at: 10_000, kind: 'rollout' as const },
        { at: 99_000, kind: 'release' as const },
      ],
    };
    const drawn = seriesOf(chart);
    expect(drawn.find((one) => one.id === 'below')?.data).toEqual([[50_000, 0]]);
    expect(drawn.find((one) => one.id === 'above')?.data).toHaveLength(2);
    expect(timeSeries(chart, palette).insets.top).toBeGreaterThan(timeSeries(base, palette).insets.top);
  });
  it('never animates, never listens, and gives ECharts no more points than pixels', () => {
    const at = Array.from({ length: 50_000 }, (_, index) => index * 1.2);
    const { option } = timeSeries({ ...base, series: [{ id: 'a', name: 'a', at, values: at }] }, palette);
    expect(option['animation']).toBe(false);
    const lines = (option['series'] as Drawn[]).filter((one) => one.type === 'line');
    expect(lines.every((one) => one.silent)).toBe(true);
    expect(lines[0]?.data.length).toBeLessThanOrEqual(400);
  });
  it('makes room for the widest words of its axis', () => {
    const wide = timeSeries({ ...base, write: () => '1,234.56 MiB' }, palette).insets.left;
    expect(wide).toBeGreaterThan(timeSeries(base, palette).insets.left);
  });
  it('begins the hues again after the tenth', () => {
    expect(seriesColour(palette, 'cat-11')).toBe(seriesColour(palette, 'cat-1'));
  });
});

describe('frame queue', () => {
  it('spreads work over frames and keeps only the last task of an owner', () => {
    let now = 0;
    const frames: (() => void)[] = [];
    const queue = createFrameQueue(10, { request: (run) => frames.push(run), now: () => now });
    const done: string[] = [];
    const owners = [{}, {}, {}, {}];
    owners.forEach((owner, index) => {
      queue.add(owner, () => done.push(`old ${index}`));
      queue.add(owner, () => {
        now += 6;
        done.push(`new ${index}`);
      });
    });
    queue.drop(owners[3] as object);
    expect(frames).toHaveLength(1);
    frames.shift()?.();
    expect(done).toEqual(['new 0', 'new 1']);
    frames.shift()?.();
    expect(done).toEqual(['new 0', 'new 1', 'new 2']);
    expect(frames).toHaveLength(0);
  });
});
