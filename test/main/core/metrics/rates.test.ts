import { describe, expect, it } from 'vitest';
import type { StatsSample } from '../../../../src-main/core/engine';
import { CounterTrack } from '../../../../src-main/core/metrics/rates';

function sample(at: number, over: Partial<StatsSample> = {}): StatsSample {
  return {
    id: 'c1',
    at,
    cpuNanos: at * 500_000,
    memory: 100,
    networkRx: at * 2,
    networkTx: 0,
    blockRead: 0,
    blockWrite: 0,
    pids: 3,
    ...over,
  };
}

/** Steps a track through samples whose monotonic clock goes with the wall, unless told otherwise. */
function steps(samples: StatsSample[], monotonic: number[] = samples.map(({ at }) => at)): (number | undefined)[] {
  const track = new CounterTrack();
  return samples.map((one, index) => track.step(one, monotonic[index] as number)?.cpu);
}

describe('rates', () => {
  it('need two samples, and are per second of the time between them', () => {
    const track = new CounterTrack();
    expect(track.step(sample(10_000, { cpuThrottledNanos: 0, memoryLimit: 500 }), 0)).toBeUndefined();
    const second = sample(12_000, { cpuThrottledNanos: 200_000_000, memoryLimit: 500 });
    expect(track.step(second, 2_000)).toEqual({
      cpu: 0.5,
      cpuThrottled: 0.1,
      memory: 100,
      memoryLimit: 500,
      networkRx: 2000,
      networkTx: 0,
      blockRead: 0,
      blockWrite: 0,
      pids: 3,
    });
  });

  it.each<[string, StatsSample[], number[] | undefined, (number | undefined)[]]>([
    [
      'a restart',
      [sample(1000), sample(2000), sample(3000, { cpuNanos: 5 }), sample(4000, { cpuNanos: 1e9 + 5 })],
      undefined,
      [undefined, 0.5, undefined, 1],
    ],
    ['a pause of 10 s', [sample(1000), sample(11_000)], undefined, [undefined, 0.5]],
    ['a longer pause is a gap', [sample(1000), sample(11_001), sample(12_001)], undefined, [undefined, undefined, 0.5]],
    ['the same sample again', [sample(1000), sample(1000), sample(2000)], undefined, [undefined, undefined, 0.5]],
    ['a wall clock that jumps ahead', [sample(1000), sample(9000)], [1000, 2000], [undefined, undefined]],
    [
      'a wall clock set back',
      [sample(9000), sample(1000), sample(2000)],
      [1000, 2000, 3000],
      [undefined, undefined, 0.5],
    ],
    ['sleep that the monotonic clock counts', [sample(1000), sample(1500)], [1000, 60_000], [undefined, undefined]],
  ])('%s', (_name, samples, monotonic, expected) => {
    expect(steps(samples, monotonic)).toEqual(expected);
  });

  it('of a counter that cannot be read for a moment are no spike afterwards', () => {
    const track = new CounterTrack();
    const received = [1e9, 1e9 + 1000, 0, 1e9 + 3000].map(
      (networkRx, index) => track.step(sample(index * 1000 + 1000, { networkRx }), index * 1000)?.networkRx,
    );
    expect(received).toEqual([undefined, 1000, 0, 1000]);
  });

  it('of a counter that was reset alone begin again after a while', () => {
    const track = new CounterTrack();
    const values = [1e9, 10, 20, 30, 40, 50, 60, 70];
    const received = values.map(
      (networkRx, index) => track.step(sample(index * 1000 + 1000, { networkRx }), index * 1000)?.networkRx,
    );
    expect(received).toEqual([undefined, 0, 0, 0, 0, 0, 10, 10]);
  });

  it('are never negative or infinite, whatever the engine says', () => {
    const track = new CounterTrack();
    const odd = [0, -5, NaN, Infinity, 2 ** 60, 3];
    odd.forEach((value, index) => {
      const usage = track.step(sample(index * 1000 + 1000, { networkRx: value, blockRead: value }), index * 1000);
      if (!usage) return;
      expect(usage.networkRx).toBeGreaterThanOrEqual(0);
      expect(Number.isFinite(usage.blockRead)).toBe(true);
    });
  });
});
