import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Ring } from '../../../src-main/base/ring';

describe('a ring', () => {
  it('behaves as a list that is cut at its front', () => {
    const step = fc.oneof(
      fc.record({ push: fc.integer() }),
      fc.constant('shift' as const),
      fc.constant('clear' as const),
    );
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 7 }), fc.array(step, { maxLength: 60 }), (capacity, steps) => {
        const ring = new Ring<number>(capacity);
        let model: number[] = [];
        let lost = 0;
        for (const act of steps) {
          if (act === 'shift') expect(ring.shift()).toBe(model.shift());
          else if (act === 'clear') {
            ring.clear();
            model = [];
            lost = 0;
          } else {
            const gone = model.length === capacity ? model.shift() : undefined;
            if (gone !== undefined) lost += 1;
            model.push(act.push);
            expect(ring.push(act.push)).toBe(gone);
          }
          expect(ring.toArray()).toEqual(model);
          expect([ring.length, ring.overflow]).toEqual([model.length, lost]);
          expect([ring.at(0), ring.at(-1), ring.at(capacity), ring.at(-capacity - 1)]).toEqual([
            model.at(0),
            model.at(-1),
            undefined,
            undefined,
          ]);
        }
      }),
    );
  });

  it('refuses a capacity that is none', () => {
    for (const capacity of [0, -1, 1.5, Number.NaN]) expect(() => new Ring(capacity)).toThrow(RangeError);
  });
});
