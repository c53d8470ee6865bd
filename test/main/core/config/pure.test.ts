import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GrayRule, GuardView } from '../../../../src-main/contract/api/config';
import { sentence } from '../../../../src-main/contract/sentence';
import { diffLines } from '../../../../src-main/core/config/diff';
import { fits, holds } from '../../../../src-main/core/config/gray';
import {
  changes,
  step,
  type GuardSight,
  type Measured,
  type Rates,
  type Seen,
} from '../../../../src-main/core/config/guard';

describe('the difference of two texts', () => {
  const line = fc.constantFrom('a', 'b', 'c', 'd');
  const text = fc.array(line, { maxLength: 30 }).map((lines) => lines.join('\n'));

  it('brings one to the other, and is as short as can be', () => {
    fc.assert(
      fc.property(text, text, (from, to) => {
        const one = from === '' ? [] : from.split('\n');
        const two = to === '' ? [] : to.split('\n');
        const diff = diffLines(from, to);
        const rebuilt = diff.lines.flatMap((row) =>
          row.kind === 'removed'
            ? []
            : row.kind === 'skipped'
              ? two.slice(next(diff.lines, row), next(diff.lines, row) + (row.count ?? 0))
              : [row.text],
        );
        expect(rebuilt).toEqual(two);
        expect(diff.added + diff.removed).toBe(one.length + two.length - 2 * common(one, two));
        expect(
          diff.lines.filter((row) => row.kind === 'removed').every((row) => one[(row.from ?? 0) - 1] === row.text),
        ).toBe(true);
      }),
    );
  });

  it('of texts too large becomes one block', () => {
    const many = (word: string): string => Array.from({ length: 3000 }, (_, index) => `${word}${index}`).join('\n');
    const diff = diffLines(many('a'), many('b'));
    expect(diff).toMatchObject({ coarse: true, added: 3000, removed: 3000 });
  });
});

/** Where in `to` a skipped run begins: after all lines shown or skipped before it. */
function next(lines: ReturnType<typeof diffLines>['lines'], row: (typeof lines)[number]): number {
  let at = 0;
  for (const one of lines) {
    if (one === row) return at;
    if (one.kind === 'skipped') at += one.count ?? 0;
    else if (one.kind !== 'removed') at += 1;
  }
  return at;
}

/** Length of the longest common subsequence, the slow and certain way. */
function common(one: readonly string[], two: readonly string[]): number {
  const rows = Array.from({ length: one.length + 1 }, () => new Array<number>(two.length + 1).fill(0));
  for (let x = 1; x <= one.length; x++)
    for (let y = 1; y <= two.length; y++)
      rows[x]![y] = one[x - 1] === two[y - 1] ? rows[x - 1]![y - 1]! + 1 : Math.max(rows[x - 1]![y]!, rows[x]![y - 1]!);
  return rows[one.length]![two.length]!;
}

describe('who has a gray release', () => {
  const rule = (some: Partial<GrayRule>): GrayRule => ({ ips: [], labels: [], replicas: [], share: 0, ...some });
  it.each([
    [rule({ ips: ['10.0.0.4'] }), { ip: '10.0.0.4' }, true],
    [rule({ ips: ['10.0.0.0/8'] }), { ip: '10.200.3.4' }, true],
    [rule({ ips: ['10.0.0.0/8'] }), { ip: '11.0.0.1' }, false],
    [rule({ labels: ['canary'] }), { ip: '1.2.3.4', label: 'canary' }, true],
    [rule({ labels: ['canary'] }), { ip: '1.2.3.4' }, false],
    [rule({ replicas: ['shop/web.2'] }), { replica: 'shop/web.2' }, true],
    [rule({ replicas: ['shop/web.2'] }), { replica: 'shop/web.1' }, false],
    [rule({ share: 100 }), { ip: '1.2.3.4' }, true],
    [rule({}), { ip: '1.2.3.4', label: 'x', replica: 'a/b.1' }, false],
    [rule({ share: 100 }), {}, false],
  ])('%j for %j: %s', (given, reader, expected) => {
    expect(fits(given, reader, 'n/g/i')).toBe(expected);
  });

  it('keeps those of a smaller share in a larger one, and takes about as many as it says', () => {
    const replicas = Array.from({ length: 2000 }, (_, slot) => ({ replica: `shop/web.${slot}` }));
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 100 }), fc.string(), (one, two, item) => {
        const [small, large] = [Math.min(one, two), Math.max(one, two)];
        const some = replicas.filter((reader) => fits(rule({ share: small }), reader, item));
        expect(some.every((reader) => fits(rule({ share: large }), reader, item))).toBe(true);
      }),
      { numRuns: 30 },
    );
    const share = replicas.filter((reader) => fits(rule({ share: 30 }), reader, 'n/g/i')).length / replicas.length;
    expect(Math.abs(share - 0.3)).toBeLessThan(0.06);
  });

  it.each(['10.0.0.0/33', '10.0.0/8', 'x', '', '10.0.0.0/-1', '::/0'])('takes no nonsense: %s', (network) => {
    expect(holds(network, '10.0.0.1')).toBe(false);
  });
});

describe('a guard', () => {
  const guard: GuardView = {
    state: 'watching',
    health: 'progress',
    words: sentence('config.guardWatching'),
    startedAt: 0,
    until: 60_000,
    plan: { watch: 60_000, errors: 5, slower: 3, failed: 5 },
    watched: [],
  };
  const well: Seen = { replica: 'shop/web.1', ready: true, broken: false, restarts: 0, has: true };
  const sight = (now: number, some: Partial<GuardSight> = {}): GuardSight => ({
    now,
    measured: true,
    seen: [well],
    ...some,
  });

  it.each([
    ['waits while all are well', sight(59_999), 'watching'],
    ['widens when its time is over', sight(60_000), 'widened'],
    ['withdraws at once when one is broken', sight(1, { seen: [{ ...well, broken: true }] }), 'withdrawn'],
    ['withdraws when one restarted', sight(1, { seen: [well, { ...well, restarts: 1 }] }), 'withdrawn'],
    ['withdraws for errors', sight(1, { errors: { before: 2, now: 7.1 } }), 'withdrawn'],
    ['bears a few errors', sight(1, { errors: { before: 2, now: 7 } }), 'watching'],
    ['withdraws for slow answers', sight(1, { p95: { before: 10, now: 31 } }), 'withdrawn'],
    ['withdraws for slow answers where they took no time', sight(1, { p95: { before: 0, now: 31 } }), 'withdrawn'],
    ['bears a few milliseconds', sight(1, { p95: { before: 1, now: 30 } }), 'watching'],
    ['withdraws for failing answers', sight(1, { failed: { before: 10, now: 15.1 } }), 'withdrawn'],
    ['bears as many failing answers as before', sight(1, { failed: { before: 10, now: 15 } }), 'watching'],
    ['stalls when nobody took it', sight(60_000, { seen: [{ ...well, has: false }] }), 'stalled'],
    ['stalls when nobody is there', sight(60_000, { seen: [] }), 'stalled'],
  ])('%s', (_name, given, expected) => {
    expect(step(guard, given, 0).state).toBe(expected);
  });

  const measured = (length: number, rates: Rates): Measured => ({ rates, length });
  const p95 = (mean: number, most = mean): { mean: number; most: number } => ({ mean, most });

  it.each([
    ['takes one error of the first second for one a minute', [600_000, 0], [1000, 1], { before: 0, now: 1 }],
    ['takes errors over a minute for what they are', [600_000, 50], [60_000, 8], { before: 5, now: 8 }],
    ['counts what was before only as long as it was', [10_000, 2], [60_000, 8], { before: 12, now: 8 }],
  ])('%s', (_name, [before = 0, errors = 0], [length = 0, now = 0], expected) => {
    expect(changes([measured(before, { errors })], measured(length, { errors: now })).errors).toEqual(expected);
  });

  it('concludes nothing from a few answers, and nothing about times without a before', () => {
    const few = measured(60_000, { answers: 19, failures: 2, p95: p95(900) });
    expect(changes([measured(600_000, { p95: p95(5) })], few)).toEqual({});
    expect(changes([measured(600_000, {})], measured(60_000, { ...few.rates, answers: 20 }))).toEqual({});
    expect(
      changes(
        [measured(600_000, { p95: p95(5), answers: 100, failures: 1 })],
        measured(60_000, { answers: 40, failures: 10, p95: p95(900) }),
      ),
    ).toEqual({ p95: { before: 5, now: 900 }, failed: { before: 1, now: 25 } });
    // Connections that failed are no answers: all failed then.
    expect(changes([], measured(60_000, { answers: 0, failures: 3 }))).toEqual({ failed: { before: 0, now: 100 } });
  });

  it('takes the worst of what was before: trouble of the last moments is not of this release', () => {
    const long = measured(600_000, { errors: 10, answers: 600, failures: 6, p95: p95(8, 500) });
    const short = measured(60_000, { errors: 9, answers: 60, failures: 30, p95: p95(40, 150) });
    const now = measured(2000, { errors: 3, answers: 40, failures: 20, p95: p95(140) });
    expect(changes([long, short], now)).toEqual({
      errors: { before: 9, now: 3 },
      failed: { before: 50, now: 50 },
      p95: { before: 150, now: 140 },
    });
  });

  it('does not count time in which nothing was measured', () => {
    const later = step(guard, sight(50_000, { measured: false }), 10_000);
    expect(later).toMatchObject({ state: 'watching', until: 100_000 });
  });

  it('never widens on trouble, and never leaves an end', () => {
    const seen = fc.record({
      replica: fc.constant('a/b.1'),
      ready: fc.boolean(),
      broken: fc.boolean(),
      restarts: fc.nat(2),
      has: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(fc.array(seen, { maxLength: 4 }), { maxLength: 20 }), (looks) => {
        let state = guard;
        for (const [index, all] of looks.entries()) {
          const was = state;
          state = step(state, sight(index * 10_000, { seen: all }), index * 10_000);
          if (was.state !== 'watching') expect(state).toBe(was);
          if (was.state === 'watching' && state.state === 'widened') {
            expect(all.some((one) => one.broken || one.restarts > 0)).toBe(false);
            expect(all.some((one) => one.ready && one.has)).toBe(true);
          }
        }
      }),
    );
  });
});
