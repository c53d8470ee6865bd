import { describe, expect, it } from 'vitest';
import { Batch, coalesce } from '../../../src-main/base/batch';
import { FakeClock } from '../../support/clock';

function batch(limit = 3): { clock: FakeClock; flushed: number[][]; items: Batch<number> } {
  const clock = new FakeClock();
  const flushed: number[][] = [];
  return { clock, flushed, items: new Batch({ clock, delay: 100, limit, flush: (list) => flushed.push(list) }) };
}

describe('a batch', () => {
  it('is handed on when its first item has waited long enough', async () => {
    const { clock, flushed, items } = batch();
    items.add(1);
    await clock.advance(99);
    items.add(2);
    expect(flushed).toEqual([]);
    await clock.advance(1);
    expect(flushed).toEqual([[1, 2]]);
    await clock.advance(1000);
    expect(flushed).toHaveLength(1);
  });

  it('is handed on at once when it is full, and the next one waits its own time', async () => {
    const { clock, flushed, items } = batch();
    await clock.advance(50);
    for (const item of [1, 2, 3, 4]) items.add(item);
    expect(flushed).toEqual([[1, 2, 3]]);
    await clock.advance(100);
    expect(flushed).toEqual([[1, 2, 3], [4]]);
  });

  it('may be added to by its receiver', () => {
    const clock = new FakeClock();
    const flushed: number[][] = [];
    const items: Batch<number> = new Batch({
      clock,
      delay: 100,
      limit: 2,
      flush: (list) => {
        flushed.push(list);
        if (flushed.length === 1) items.add(9);
      },
    });
    items.add(1);
    items.add(2);
    items.flush();
    expect(flushed).toEqual([[1, 2], [9]]);
  });

  it('drops what waits when disposed, and leaves no timer', () => {
    const { clock, flushed, items } = batch();
    items.add(1);
    items.dispose();
    items.add(2);
    items.flush();
    expect([flushed, clock.pending]).toEqual([[], 0]);
  });
});

describe('coalesced work', () => {
  it('runs once for many askings, and once more for a later one', async () => {
    const clock = new FakeClock();
    let runs = 0;
    const work = coalesce(clock, { delay: 50, work: () => (runs += 1) });
    for (let turn = 0; turn < 10; turn++) work.ask();
    await clock.advance(50);
    expect(runs).toBe(1);
    work.ask();
    await clock.advance(50);
    expect(runs).toBe(2);
    work.ask();
    work.dispose();
    await clock.advance(50);
    expect([runs, clock.pending]).toEqual([2, 0]);
  });
});
