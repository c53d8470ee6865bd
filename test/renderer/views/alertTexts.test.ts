import { describe, expect, it } from 'vitest';
import {
  isSame,
  parseMatcher,
  parseSpan,
  writeMatcher,
  writeSpan,
} from '../../../src-renderer/views/alerts/alertTexts';
import { parseHeaders, writeHeaders } from '../../../src-renderer/views/alerts/channelForm';

describe('spans as rules are written', () => {
  it.each([
    ['0', 0],
    ['', 0],
    ['30s', 30_000],
    ['5m', 300_000],
    ['1h30m', 5_400_000],
    ['2 d', 172_800_000],
    ['500ms', 500],
  ])('%s', (text, span) => expect(parseSpan(text)).toBe(span));

  it.each(['5', 'm', '5x', '-5m', '1.5h', '5m later'])('%s is none', (text) => expect(parseSpan(text)).toBeUndefined());

  it('are written as they are read', () => {
    for (const span of [0, 15_000, 300_000, 5_400_000, 90_061_001]) expect(parseSpan(writeSpan(span))).toBe(span);
  });
});

describe('matchers', () => {
  it('are read and written', () => {
    expect(parseMatcher(' service = shop/web ')).toEqual({ label: 'service', operator: '=', value: 'shop/web' });
    for (const text of ['a=b', 'a!=b', 'a=~b.*', 'a!~b', 'a='])
      expect(writeMatcher(parseMatcher(text) ?? { label: '', operator: '=', value: '' })).toBe(text);
    for (const text of ['shop', '=x', '1a=x', '']) expect(parseMatcher(text)).toBeUndefined();
  });
});

it('headers are lines', () => {
  expect(parseHeaders('A: b\n\nX-Token:a:b\nnothing')).toEqual({ A: 'b', 'X-Token': 'a:b' });
  expect(parseHeaders(writeHeaders({ A: 'b', C: 'd: e' }))).toEqual({ A: 'b', C: 'd: e' });
});

it('the order of fields is no difference', () => {
  expect(isSame({ a: 1, b: { c: [1, 2], d: 2 } }, { b: { d: 2, c: [1, 2] }, a: 1 })).toBe(true);
  expect(isSame({ a: [1, 2] }, { a: [2, 1] })).toBe(false);
});
