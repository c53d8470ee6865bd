import { describe, expect, it } from 'vitest';
import { words as english } from '../../../src-main/contract/words';
import { words as chinese } from '../../../src-renderer/locales/zh-CN/words';

const gaps = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '').sort();

describe('the sentences of the core', () => {
  it('are all said in Chinese, and no others', () => {
    expect(Object.keys(chinese).sort()).toEqual(Object.keys(english).sort());
  });

  it('have the same gaps in both languages', () => {
    for (const [code, text] of Object.entries(english)) {
      expect({ code, gaps: gaps(chinese[code as keyof typeof english]) }).toEqual({ code, gaps: gaps(text) });
    }
  });
});
