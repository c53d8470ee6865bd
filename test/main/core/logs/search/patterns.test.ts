/** Kinds of lines: what is masked, what becomes one template, bounds, and the same out of a store. */
import { describe, expect, it } from 'vitest';
import { levelNames } from '../../../../../src-main/core/logs/line';
import { mask, Miner } from '../../../../../src-main/core/logs/search/mine';
import { Bench, makeLine, never, seeded, sharedLogs, sourceOf } from '../support';

const minerOf = (lines: readonly string[], before: readonly string[] = []): Miner => {
  const miner = new Miner();
  const offer = (text: string, time: number, isBefore: boolean): void =>
    miner.offer({ text, level: 0, service: 'shop/web', time, before: isBefore });
  before.forEach((text, at) => offer(text, at, true));
  lines.forEach((text, at) => offer(text, 1000 + at, false));
  return miner;
};
const templates = (miner: Miner): [string, number][] =>
  miner.templates.map(({ words, count }): [string, number] => [words.join(' '), count]);

describe('values are masked', () => {
  it.each([
    ['took 12.5 ms', 'took <n> ms'],
    ['from 10.0.0.7:8080', 'from <ip>'],
    ['2026-01-05T10:00:00.123Z started', '<time> started'],
    ['order 0f8fad5b-d9cb-469f-a165-70867728950e', 'order <id>'],
    ['at 0xDEADBEEF, commit 91c662f0ab', 'at <hex>, commit <hex>'],
    ['decade facade', 'decade facade'],
    ['no values here', 'no values here'],
  ])('%s', (text, masked) => expect(mask(text)).toBe(masked));

  it('even in lines that mean harm: an expression that goes back over itself would never end', () => {
    for (const hostile of ['a'.repeat(500), '1.'.repeat(250), '0x'.repeat(250), 'a1-'.repeat(160), '9'.repeat(500)])
      expect(mask(hostile).length).toBeLessThanOrEqual(hostile.length * 3);
  });
});

describe('templates', () => {
  it('join lines that differ in values, and in few words', () => {
    const miner = minerOf([
      'user anna logged in from 10.0.0.1',
      'user bob logged in from 10.0.0.2',
      'user carl logged in from 10.9.9.9',
      'disk is full',
    ]);
    expect(templates(miner)).toEqual([
      ['user <*> logged in from <ip>', 3],
      ['disk is full', 1],
    ]);
  });

  it('of structured lines are what they say', () => {
    const miner = minerOf([
      JSON.stringify({ level: 'info', msg: 'order 7 paid', user: 'anna' }),
      'level=info msg="order 8 paid" user=bob',
    ]);
    expect(templates(miner)).toEqual([['order <n> paid', 2]]);
  });

  it('know what there was before', () => {
    const miner = minerOf(['cache miss 1', 'pool exhausted'], ['cache miss 2', 'cache miss 3', 'old news']);
    expect(miner.templates.map(({ words, count, before }) => [words.join(' '), count, before])).toEqual([
      ['cache miss <n>', 1, 2],
      ['old news', 0, 1],
      ['pool exhausted', 1, 0],
    ]);
    expect([miner.lines, miner.linesBefore, miner.others]).toEqual([2, 3, 0]);
  });

  it('never lose a line, and stay bounded however different lines are', () => {
    const random = seeded(5);
    const letters = (): string =>
      String.fromCharCode(97 + Math.floor(random() * 26)).repeat(1 + Math.floor(random() * 6));
    const lines = Array.from({ length: 20_000 }, () => Array.from({ length: 4 }, letters).join(' '));
    const miner = minerOf(lines);
    const counted = miner.templates.reduce((sum, { count }) => sum + count, 0);
    expect(counted + miner.others).toBe(lines.length);
    expect(miner.templates.length).toBeLessThanOrEqual(2000);
  });

  it('of plausible lines are few', () => {
    const random = seeded(9);
    const miner = minerOf(Array.from({ length: 5000 }, () => makeLine(random)));
    expect(miner.others).toBeLessThan(250);
    expect(miner.templates.length).toBeLessThan(400);
  });

  it.skipIf(sharedLogs() === undefined)('of real logs are far fewer than their lines', () => {
    for (const { name, lines } of sharedLogs() ?? []) {
      const miner = minerOf(lines.slice(0, 2000));
      const counted = miner.templates.reduce((sum, { count }) => sum + count, 0);
      expect({ name, sum: counted + miner.others }).toEqual({ name, sum: Math.min(2000, lines.length) });
      expect(miner.templates.length, name).toBeLessThan(lines.length / 2);
    }
  });
});

it('a store answers with what is new first, in the scope and time that was asked', async () => {
  const bench = await Bench.open();
  const start = Date.UTC(2026, 0, 5);
  const web = sourceOf();
  const api = sourceOf({ container: 'd1', service: 'api' });
  const at = (minutes: number): number => (start + minutes * 60_000) * 1000;
  const error = levelNames.indexOf('error');
  for (let index = 0; index < 50; index += 1) {
    bench.put(web, { time: at(1) + index, text: `request ${index} served` });
    bench.put(web, { time: at(11) + index, text: `request ${index} served` });
  }
  for (let index = 0; index < 3; index += 1) {
    bench.put(web, { time: at(12) + index, flags: error, text: `pool exhausted after ${index} ms` });
    bench.put(api, { time: at(12) + index, text: `other service ${index}` });
  }
  await bench.intake.flush();
  const answer = await bench.store.patterns(
    {
      scope: { services: ['shop/web'] },
      query: '',
      from: start + 10 * 60_000,
      to: start + 20 * 60_000,
      before: { from: start, to: start + 10 * 60_000 - 1 },
      limit: 10,
    },
    never,
  );
  expect(answer).toMatchObject({ lines: 53, linesBefore: 50, others: 0 });
  expect(answer.patterns.map(({ template, count, before, level }) => [template, count, before, level])).toEqual([
    ['pool exhausted after <n> ms', 3, 0, 'error'],
    ['request <n> served', 50, 50, 'unknown'],
  ]);
  expect(answer.patterns[0]).toMatchObject({ services: ['shop/web'], firstAt: start + 12 * 60_000 });
  await expect(bench.store.patterns({ scope: {}, query: '', from: 2, to: 1, limit: 10 }, never)).rejects.toMatchObject({
    problem: { code: 'bad-input' },
  });
  await bench.close();
});
