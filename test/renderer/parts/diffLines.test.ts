import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diffLines } from '../../../src-renderer/parts/diffLines';

describe('diffLines', () => {
  it('shows what was added and removed with context, and folds the rest', () => {
    const before = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].join('\n');
    const after = before.replace('d', 'D');
    expect(diffLines(before, after, 1)).toEqual([
      { kind: 'fold', text: '2' },
      { kind: 'same', text: 'c' },
      { kind: 'remove', text: 'd' },
      { kind: 'add', text: 'D' },
      { kind: 'same', text: 'e' },
      { kind: 'fold', text: '3' },
    ]);
  });

  it('is empty for equal texts but for one fold', () => {
    expect(diffLines('a\nb\n', 'a\nb\n')).toEqual([{ kind: 'fold', text: '2' }]);
    expect(diffLines('', '')).toEqual([]);
  });

  it('rebuilds both texts for any input', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 30 });
    fc.assert(
      fc.property(text, text, (left, right) => {
        // Equal texts would be one fold, so the right one always ends with a line of its own.
        const rows = diffLines(left.join('\n'), [...right, 'end'].join('\n'), 1000);
        expect(rows.filter((row) => row.kind !== 'add').map((row) => row.text)).toEqual(left);
        expect(rows.filter((row) => row.kind !== 'remove').map((row) => row.text)).toEqual([...right, 'end']);
      }),
    );
  });
});
