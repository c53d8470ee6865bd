import fc from 'fast-check';
import { expect, it } from 'vitest';
import { utf8 } from '../../../src-main/base/utf8';

it('encodes as the platform does, lone surrogates included', () => {
  const platform = new TextEncoder();
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect([...utf8(text)]).toEqual([...platform.encode(text)]);
    }),
  );
  for (const text of ['', 'ä€😀', '\ud800', 'a\udc00b']) expect([...utf8(text)]).toEqual([...platform.encode(text)]);
});
