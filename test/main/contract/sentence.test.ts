import { describe, expect, it } from 'vitest';
import { fail, toProblem } from '../../../src-main/contract/errors';
import { fill, say, sentence } from '../../../src-main/contract/sentence';
import { words } from '../../../src-main/contract/words';

describe('sentences', () => {
  it('fill their gaps, and show the ones that stay empty', () => {
    expect(fill('{a} → {b} {c}', { a: 1, b: '{a}' })).toBe('1 → {a} {c}');
    expect(fill('{constructor} {__proto__}', {})).toBe('{constructor} {__proto__}');
    expect(say(sentence('event.serviceScaled', { service: 'web', from: 3, to: 5 }))).toBe('web scaled 3 → 5');
  });

  it('follow the house: no final full stop unless there are two, no spaces at the ends', () => {
    for (const [code, text] of Object.entries(words)) {
      expect([code, text.trim()]).toEqual([code, text]);
      // A hint stands alone, as a sentence of its own.
      if (!code.endsWith('.hint') && !/[.!?] /.test(text)) expect([code, text.endsWith('.')]).toEqual([code, false]);
    }
  });
});

describe('problems', () => {
  it('keep what is ours and hide what is not', () => {
    expect(toProblem(fail('not-found', 'No such stack.', 'List them.'))).toEqual({
      code: 'not-found',
      message: 'No such stack.',
      hint: 'List them.',
    });
    expect(toProblem('text')).toMatchObject({ code: 'internal', message: 'text' });
    expect(Object.keys(toProblem(new Error('x')))).not.toContain('stack');
  });
});
