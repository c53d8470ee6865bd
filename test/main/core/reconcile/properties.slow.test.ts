import { describe, it } from 'vitest';
import { schedules, seed } from './effort';
import { checkCalm, checkWild } from './properties';

const wild = schedules(1500);

describe('fifteen hundred random fault schedules', () => {
  it('keep every invariant, and converge when the troubles end', () => checkWild(wild, seed), 900_000);
  it('lose no replica that serves when nothing but users acts (I2, I11, I18)', () => checkCalm(wild, seed), 600_000);
});
