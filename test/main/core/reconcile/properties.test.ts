import { describe, it } from 'vitest';
import { schedules, seed } from './effort';
import { checkCalm, checkWild } from './properties';

const wild = schedules(60);

/** A first look; `properties.1.slow.test.ts` and its twin take the long one. */
describe('random fault schedules', () => {
  it('keep every invariant, and converge when the troubles end', () => checkWild(wild, seed), 300_000 + wild * 100);
  it(
    'lose no replica that serves when nothing but users acts (I2, I11, I18)',
    () => checkCalm(Math.ceil(wild / 2), seed),
    300_000 + wild * 100,
  );
});
