/** The list of millions of rows: where rows lie, how a short box scrolls a long content, and which questions bring a row. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogHistogram, LogPage } from '../../../src-main/contract/api/observe';
import type { LogLine } from '../../../src-main/contract/nouns';
import { HistoryRows, type HistoryQuestions, type Span } from '../../../src-renderer/streams/historyRows';
import { RowPlaces, rowHeight } from '../../../src-renderer/views/logs/rowPlaces';
import { RowSlots } from '../../../src-renderer/views/logs/rowSlots';
import { tallest, TallScroll } from '../../../src-renderer/views/logs/tallScroll';

describe('places of rows', () => {
  it('are those of a plain sum, whatever was measured, and the row at a height is the one that covers it', () => {
    const measured = fc.array(fc.tuple(fc.integer({ min: -20, max: 19 }), fc.integer({ min: 10, max: 90 })), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(measured, fc.integer({ min: -20, max: 0 }), (heights, first) => {
        const places = new RowPlaces();
        places.resize(-20, 40);
        const plain = new Map<number, number>();
        for (const [number, height] of heights) {
          const before = plain.get(number) ?? rowHeight;
          plain.set(number, height);
          expect(places.measure(number, height)).toBe(before !== height);
        }
        // Rows before the first are gone, the others keep their numbers and heights.
        places.resize(first, 20 - first);
        let top = 0;
        for (let number = first; number < 20; number++) {
          const height = plain.get(number) ?? rowHeight;
          expect(places.top(number)).toBe(top);
          expect(places.at(top)).toBe(number);
          expect(places.at(top + height - 1)).toBe(number);
          top += height;
        }
        expect(places.total).toBe(top);
        expect(places.at(-5)).toBe(first);
        expect(places.at(top + 5)).toBe(19);
      }),
    );
  });
});

describe('elements of rows', () => {
  it('stay with their row while it is drawn; rows that come take what is free', () => {
    const slots = new RowSlots();
    expect(slots.take(10, 14)).toEqual([0, 1, 2, 3, 4]);
    expect(slots.take(12, 16)).toEqual([2, 3, 4, 0, 1]);
    expect(slots.take(1000, 1002)).toEqual([0, 1, 2]);
    expect(slots.take(-2, 0).toSorted()).toEqual([0, 1, 2]);
  });
});

/** A browser's box: it cannot stand outside of what it has, and tells only of steps that were made. */
class Box {
  constructor(
    readonly tall: TallScroll,
    readonly view: number,
  ) {}
  to(place: number): void {
    const top = Math.max(0, Math.min(this.tall.box - this.view, place));
    if (top !== this.tall.boxTop) this.tall.scrolled(top);
    this.tall.move(this.tall.y);
  }
  by(step: number): void {
    this.to(this.tall.boxTop + step);
  }
}

describe('scrolling through more than a page can hold', () => {
  const view = 700;
  const rows = 5_000_000;
  const made = (count: number): { tall: TallScroll; box: Box } => {
    const tall = new TallScroll();
    tall.resize(count * rowHeight, view);
    tall.move(0);
    return { tall, box: new Box(tall, view) };
  };

  it('is plain scrolling while everything fits', () => {
    const { tall, box } = made(20_000);
    box.to(12_345);
    box.by(-45);
    expect([tall.y, tall.shift, tall.box]).toEqual([12_300, 0, 20_000 * rowHeight]);
  });

  it('reaches every share of millions of rows, both ends included, in a box the browser can place', () => {
    const { tall, box } = made(rows);
    expect(tall.box).toBe(tallest);
    for (let at = 0; at <= 100; at++) {
      box.to(((tallest - view) * at) / 100);
      expect(Math.abs(tall.y - (tall.end * at) / 100)).toBeLessThan(1);
    }
    expect(tall.y).toBe(tall.end);
    box.to(0);
    expect(tall.y).toBe(0);
  });

  it.each([
    ['down from near the end', 0.9995, 120, 1],
    ['up from near the beginning', 0.0005, -120, 0],
  ])('small steps reach the end of the content before the box ends: %s', (_name, from, step, end) => {
    const { tall, box } = made(rows);
    box.to((tallest - view) * from);
    for (let count = 0; count < 1000 && tall.y !== tall.end * end; count++) {
      const before = tall.y;
      box.by(step);
      // Every step moves as far as a plain box would, or to the end.
      expect(tall.y).toBeCloseTo(Math.max(0, Math.min(tall.end, before + step)), 6);
    }
    expect(tall.y).toBe(tall.end * end);
  });

  it('never leaves its content, whatever is done', () => {
    const act = fc.record({ jump: fc.boolean(), size: fc.double({ min: 0, max: 1, noNaN: true }), down: fc.boolean() });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
        const { tall, box } = made(rows);
        for (const { jump, size, down } of acts) {
          if (jump) box.to((tallest - view) * size);
          else box.by((down ? 1 : -1) * Math.ceil(size * view));
          expect(tall.y).toBeGreaterThanOrEqual(0);
          expect(tall.y).toBeLessThanOrEqual(tall.end);
          expect(tall.boxTop).toBeGreaterThanOrEqual(0);
          expect(tall.boxTop).toBeLessThanOrEqual(tall.box - view);
          // What is in view is inside the box.
          expect(tall.y - tall.shift).toBeCloseTo(tall.boxTop, 6);
        }
      }),
    );
  });
});

/** A core with lines at known times; it answers as the real one does, and counts what it is asked. */
class Core implements HistoryQuestions {
  asked = 0;
  constructor(
    private readonly times: Float64Array,
    private readonly markers: ReadonlySet<number> = new Set(),
  ) {}

  histogram({ from, to }: Span, buckets: number): Promise<LogHistogram> {
    this.asked += 1;
    const step = Math.max(1, Math.ceil((to - from + 1) / buckets));
    const answer: LogHistogram = { from, to, step, buckets: [], total: 0 };
    for (let at = from; at <= to; at += step) {
      let count = this.before(Math.min(to, at + step - 1) + 1) - this.before(at);
      for (const marker of this.markers) {
        const time = this.times[marker] ?? NaN;
        if (time >= at && time <= Math.min(to, at + step - 1)) count -= 1;
      }
      answer.buckets.push({ at, counts: count > 0 ? { info: count } : {} });
      answer.total += count;
    }
    return Promise.resolve(answer);
  }

  page({ from, to }: Span, limit: number, before?: string): Promise<LogPage> {
    this.asked += 1;
    const end = before === undefined ? this.before(to + 1) : Number(before);
    const start = Math.max(this.before(from), end - limit);
    const lines = Array.from({ length: end - start }, (_, at) => this.line(start + at));
    return Promise.resolve({ lines, before: start > this.before(from), after: false, matched: 0, scanned: 0 });
  }

  private line(at: number): LogLine {
    const line = { id: String(at), at: this.times[at] ?? 0, text: `row ${at}` } as LogLine;
    return this.markers.has(at) ? { ...line, marker: { code: 'log.gap' } } : line;
  }

  /** How many lines are older. */
  private before(time: number): number {
    let low = 0;
    let high = this.times.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.times[middle] ?? 0) < time) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

async function opened(core: Core, span: Span): Promise<{ rows: HistoryRows; settle: () => Promise<void> }> {
  let changes = 0;
  const rows = new HistoryRows(core, span, {
    changed: () => (changes += 1),
    failed: (thrown) => {
      throw thrown instanceof Error ? thrown : new Error(String(thrown));
    },
  });
  await rows.begin();
  const settle = async (): Promise<void> => {
    for (let quiet = 0, seen = changes; quiet < 5; quiet = seen === changes ? quiet + 1 : 0, seen = changes)
      await new Promise((resolve) => setTimeout(resolve));
  };
  return { rows, settle };
}

describe('rows of history by number', () => {
  it('brings any of five million with a few questions, and keeps a bounded number', async () => {
    const count = 5_000_000;
    // Half an hour, thick at the end: a burst of forty thousand lines within a millisecond.
    const times = Float64Array.from({ length: count }, (_, at) =>
      Math.floor(at < count - 40_000 ? (at / count) * 1_800_000 : 1_799_000),
    );
    const core = new Core(times);
    const { rows, settle } = await opened(core, { from: 0, to: 1_799_999 });
    expect(rows.count).toBe(count);
    for (const place of [0, 1, 0.5, 0.123, 0.9, 0.33, 0.77]) {
      const number = Math.round((count - 41_000) * place);
      const before = core.asked;
      rows.look(number, number + 50);
      await settle();
      for (let at = number; at <= number + 50; at++) expect(rows.row(at)?.text).toBe(`row ${at}`);
      expect(core.asked - before).toBeLessThanOrEqual(4);
    }
    let kept = 0;
    for (let at = 0; at < count; at++) if (rows.row(at)) kept += 1;
    expect(kept).toBeLessThan(25_000);
  });

  it('agrees with the plain list over any times, with markers beside their lines', async () => {
    const lines = fc.array(fc.record({ gap: fc.nat(30), marker: fc.boolean() }), { minLength: 1, maxLength: 300 });
    await fc.assert(
      fc.asyncProperty(lines, fc.nat(299), async (gaps, start) => {
        let time = 0;
        const times = Float64Array.from(gaps.map(({ gap }) => (time += gap)));
        const markers = new Set(gaps.flatMap(({ marker }, at) => (marker && at % 3 === 0 ? [at] : [])));
        const { rows, settle } = await opened(new Core(times, markers), { from: 0, to: time + 10 });
        rows.look(Math.min(start, rows.count - 1), rows.count - 1);
        await settle();
        rows.look(0, rows.count - 1);
        await settle();
        const wanted = gaps.flatMap((_, at) => (markers.has(at) ? [] : [`row ${at}`]));
        expect(Array.from({ length: rows.count }, (_, at) => rows.row(at)?.text)).toEqual(wanted);
        const said = Array.from({ length: rows.count }, (_, at) => rows.row(at)).flatMap((row) => [
          ...(row?.before ?? []),
          ...(row?.behind ?? []),
        ]);
        expect(said).toHaveLength(wanted.length > 0 ? markers.size : 0);
      }),
      { numRuns: 40 },
    );
  });

  it('reads what is looked at now, not what was passed on the way', async () => {
    const times = Float64Array.from({ length: 1_000_000 }, (_, at) => at);
    const core = new Core(times);
    const { rows, settle } = await opened(core, { from: 0, to: 999_999 });
    for (let at = 0; at < 1000; at++) rows.look(at * 900, at * 900 + 50);
    await settle();
    expect(rows.row(999 * 900)?.text).toBe('row 899100');
    expect(core.asked).toBeLessThan(12);
  });
});
