import { describe, it } from 'vitest';
import { calmShare, schedules, seed, wildShare } from './effort';
import { checkCalm, checkWild } from './properties';

describe('the first half of ten thousand random fault schedules', () => {
  it(
    'keeps every invariant, and converges when the troubles end',
    () => checkWild(schedules(wildShare), seed),
    900_000,
  );
  it(
    'loses no replica that serves when nothing but users acts (I2, I11, I18)',
    () => checkCalm(schedules(calmShare), seed),
    900_000,
  );
});
