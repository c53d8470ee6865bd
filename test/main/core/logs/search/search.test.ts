/** Searches over blocks, filters and hot lanes against the plain truth: every line looked at one by one. */
import { describe, expect, it } from 'vitest';
import { compile } from '../../../../../src-main/core/logs/query/match';
import { parseQuery } from '../../../../../src-main/core/logs/query/parser';
import { matchesRecord } from '../../../../../src-main/core/logs/search/scan';
import { levelOf } from '../../../../../src-main/core/logs/ingest/level';
import { plainOf } from '../../../../../src-main/core/logs/ingest/sanitize';
import { fieldsOf } from '../../../../../src-main/core/logs/ingest/fields';
import {
  levelBits,
  levelNames,
  lineId,
  markerBit,
  replicaOf,
  stderrBit,
  type LineRecord,
} from '../../../../../src-main/core/logs/line';
import type { LogLevel } from '../../../../../src-main/contract/nouns';
import { Bench, makeLine, never, seeded, sharedLogs, sourceOf } from '../support';

const start = Date.UTC(2026, 0, 5) * 1000;

const sources = [
  sourceOf(),
  sourceOf({ container: 'c2', slot: 2 }),
  sourceOf({ container: 'c3', slot: 1, generation: 2, revision: 2 }),
  sourceOf({ container: 'd1', service: 'api' }),
  sourceOf({ container: 'e1', stack: 'blog', service: 'web' }),
  sourceOf({ container: 'f1', stack: '', service: 'foreign' }),
];

const queries = [
  '',
  'error',
  'connection refused',
  '"connection refused"',
  'order_7',
  'order_*',
  '*ession*',
  'timeout OR refused',
  'NOT opened',
  '-level:info session',
  'level:error',
  'level:>=warn service:web',
  'status:>=500',
  'id:>30',
  'id:7',
  'msg:"user closed"',
  'msg:refused',
  'path:/api/order',
  '/order.*closed/',
  '/(?i)ERROR/',
  '/session_[0-9]+ refused by/',
  'stream:stderr',
  'replica:web.2 error',
  'stack:blog',
  'service:api -refused',
  'container:c3',
  'generation:2',
  '错误',
  'заказ refused',
  'nowhere_to_be_found',
  'constructor',
  '(error OR warning) AND (order OR user)',
  'at',
];

/** Random lines into a store and into a list. Times mostly rise, now and then they fall back. */
async function fill(seed: number, count: number): Promise<{ bench: Bench; truth: LineRecord[] }> {
  const random = seeded(seed);
  let bench = await Bench.open();
  const truth: LineRecord[] = [];
  const lanes = new Map<string, number>();
  let time = start;
  for (let index = 0; index < count; index++) {
    time += Math.floor(random() * 400_000) - (random() < 0.05 ? 3_000_000 : 0);
    const source = sources[Math.floor(random() ** 2 * sources.length)] ?? sourceOf();
    const text = makeLine(random);
    const flags = levelOf(plainOf(text.split('\n')[0] ?? '')) | (random() < 0.2 ? stderrBit : 0);
    const handle = bench.intake.source(source);
    const marker = random() < 0.01;
    if (marker) bench.intake.mark(handle, { time, words: { code: 'log.gap' } });
    else bench.intake.add(handle, { time, flags, text });
    const ordinal = lanes.get(handle.lane.service + handle.lane.stack) ?? 0;
    lanes.set(handle.lane.service + handle.lane.stack, ordinal + 1);
    truth.push({ lane: handle.lane, ordinal, time, flags: marker ? markerBit : flags, source, text });
    if (random() < 0.03) await bench.intake.flush();
    if (random() < 0.004) {
      await bench.intake.flush();
      const files = bench.files.killed();
      bench.intake.dispose();
      bench = await Bench.open({ files });
    }
  }
  await bench.intake.flush();
  truth.sort(
    (left, right) => left.time - right.time || left.lane.number - right.lane.number || left.ordinal - right.ordinal,
  );
  return { bench, truth };
}

function idOf(record: LineRecord): string {
  return lineId(record.time, record.lane.number, record.ordinal);
}

function expected(truth: readonly LineRecord[], query: string, levels?: LogLevel[]): LineRecord[] {
  const parsed = parseQuery(query);
  if ('problem' in parsed) throw new Error(parsed.problem.message);
  const matcher = compile(levels ? { scope: {}, levels, query: parsed.query } : { scope: {}, query: parsed.query });
  return truth.filter((record) => matchesRecord(matcher, record));
}

describe('searching', () => {
  it.each([11, 12])('finds exactly what a line by line filter finds, page by page (seed %i)', async (seed) => {
    const { bench, truth } = await fill(seed, 1400);
    for (const query of queries) {
      const wanted = expected(truth, query).map(idOf);
      const all = await bench.store.page({ scope: {}, query, limit: 5000 }, never);
      expect({ query, ids: all.lines.map((line) => line.id) }).toEqual({ query, ids: wanted });
      expect(all.before).toBe(false);
      // Backwards in pages, then forwards.
      const back: string[] = [];
      let before: string | undefined;
      for (;;) {
        const page = await bench.store.page({ scope: {}, query, limit: 170, ...(before ? { before } : {}) }, never);
        back.unshift(...page.lines.map((line) => line.id));
        before = page.lines[0]?.id;
        if (!page.before) break;
        expect(page.lines).toHaveLength(170);
      }
      expect(back).toEqual(wanted);
      const forth: string[] = wanted.slice(0, 1);
      for (let after = wanted[0]; after !== undefined;) {
        const page = await bench.store.page({ scope: {}, query, limit: 230, after }, never);
        forth.push(...page.lines.map((line) => line.id));
        after = page.after ? page.lines.at(-1)?.id : undefined;
      }
      expect(forth).toEqual(wanted);
    }
    await bench.close();
  });

  it('shows what stands around a line', async () => {
    const { bench, truth } = await fill(21, 1200);
    const wanted = expected(truth, 'error').map(idOf);
    const middle = wanted[Math.floor(wanted.length / 2)] ?? '';
    const page = await bench.store.page({ scope: {}, query: 'error', limit: 21, around: middle }, never);
    const at = wanted.indexOf(middle);
    expect(page.lines.map((line) => line.id)).toEqual(wanted.slice(at - 10, at + 11));
    expect([page.before, page.after]).toEqual([true, true]);
    const first = await bench.store.page({ scope: {}, query: 'error', limit: 20, around: wanted[0] ?? '' }, never);
    expect(first.lines[0]?.id).toBe(wanted[0]);
    expect(first.before).toBe(false);
    await bench.close();
  });

  it.each([31])('counts exactly: histogram, facets, levels, scope and time (seed %i)', async (seed) => {
    const { bench, truth } = await fill(seed, 1500);
    const times = truth.map((record) => record.time / 1000);
    const from = Math.floor((times[0] ?? 0) + 20_000);
    const to = Math.floor((times.at(-1) ?? 0) - 30_000);
    const inside = (record: LineRecord): boolean => record.time >= from * 1000 && record.time <= to * 1000 + 999;
    for (const query of queries) {
      for (const levels of [undefined, ['error', 'warn'] satisfies LogLevel[]]) {
        const wanted = expected(truth, query, levels).filter((record) => inside(record) && !(record.flags & markerBit));
        const selection = { scope: {}, query, ...(levels ? { levels } : {}) };
        const histogram = await bench.store.histogram({ ...selection, from, to, buckets: 37 }, never);
        expect({ query, total: histogram.total }).toEqual({ query, total: wanted.length });
        const byBucket = new Map<string, number>();
        for (const record of wanted) {
          const bucket = from + Math.floor((record.time / 1000 - from) / histogram.step) * histogram.step;
          const key = `${bucket} ${levelNames[record.flags & levelBits] ?? ''}`;
          byBucket.set(key, (byBucket.get(key) ?? 0) + 1);
        }
        const found = histogram.buckets.flatMap(({ at, counts }) =>
          Object.entries(counts).map(([level, count]) => [`${at} ${level}`, count] as const),
        );
        expect(new Map(found)).toEqual(byBucket);
        const facets = await bench.store.facets(
          { ...selection, from, to, fields: ['level', 'service', 'replica', 'id'] },
          never,
        );
        const count = (valueOf: (record: LineRecord) => string | undefined): Map<string, number> => {
          const counts = new Map<string, number>();
          for (const record of wanted) {
            const value = valueOf(record);
            if (value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1);
          }
          return counts;
        };
        const facet = (field: string): Map<string, number> =>
          new Map(facets.find((own) => own.field === field)?.values.map(({ value, count: own }) => [value, own]));
        expect(facet('level')).toEqual(count((record) => levelNames[record.flags & levelBits]));
        expect(facet('service')).toEqual(
          count(({ source }) => (source.stack ? `${source.stack}/${source.service}` : source.service)),
        );
        expect(facet('replica')).toEqual(count(({ source }) => replicaOf(source)));
        expect(facet('id')).toEqual(
          count((record) => {
            const value = fieldsOf(plainOf(record.text))?.['id'];
            return value === undefined ? undefined : String(value);
          }),
        );
        const facts = await bench.store.facets(
          { ...selection, from, to, fields: ['level', 'service', 'replica'] },
          never,
        );
        expect(facts).toEqual(facets.slice(0, 3));
      }
    }
    await bench.close();
  });

  it('keeps to the scope', async () => {
    const { bench, truth } = await fill(41, 800);
    const scopes = [
      { scope: { stacks: ['blog'] }, test: (record: LineRecord): boolean => record.source.stack === 'blog' },
      {
        scope: { services: ['shop/web'] },
        test: (record: LineRecord): boolean => record.source.stack === 'shop' && record.source.service === 'web',
      },
      {
        scope: { replicas: ['shop/web.2'] },
        test: (record: LineRecord): boolean => replicaOf(record.source) === 'shop/web.2',
      },
      { scope: { containers: ['c3'] }, test: (record: LineRecord): boolean => record.source.container === 'c3' },
      {
        scope: { stacks: ['blog'], services: ['shop/api'] },
        test: (record: LineRecord): boolean => record.source.stack === 'blog' || record.source.service === 'api',
      },
    ];
    for (const { scope, test } of scopes) {
      const page = await bench.store.page({ scope, query: '', limit: 5000 }, never);
      expect(page.lines.map((line) => line.id)).toEqual(truth.filter(test).map(idOf));
    }
    await bench.close();
  });

  it('refuses what it cannot do with a place or a reason', async () => {
    const bench = await Bench.open();
    await expect(bench.store.page({ scope: {}, query: '(a', limit: 1 }, never)).rejects.toMatchObject({
      problem: { code: 'bad-input', where: { column: 1 } },
    });
    await expect(bench.store.page({ scope: {}, query: '', limit: 1, before: 'x' }, never)).rejects.toMatchObject({
      problem: { code: 'bad-input' },
    });
    await expect(
      bench.store.histogram({ scope: {}, query: '', from: 2, to: 1, buckets: 3 }, never),
    ).rejects.toMatchObject({ problem: { code: 'bad-input' } });
    bench.put(sourceOf(), { time: start, text: 'x' });
    await bench.intake.flush();
    await expect(
      bench.store.page({ scope: {}, query: 'x', limit: 1 }, { ...never, aborted: true }),
    ).rejects.toMatchObject({ problem: { code: 'cancelled' } });
    await bench.close();
  });

  it('reads few blocks for a rare word, and none for an absent one', async () => {
    const bench = await Bench.open();
    for (let index = 0; index < 4000; index++) {
      bench.put(sourceOf(), {
        time: start + index * 1000,
        text: `request ${index} served in ${index % 7} ms${index === 1234 ? ' needle_8' : ''}`,
      });
      if (index % 50 === 0) await bench.intake.flush();
    }
    await bench.close();
    const again = await Bench.open({ files: bench.files });
    const rare = await again.store.page({ scope: {}, query: 'needle_8', limit: 10 }, never);
    expect(rare.lines).toHaveLength(1);
    expect(rare.scanned).toBeLessThan(400);
    const absent = await again.store.page({ scope: {}, query: 'haystack_9', limit: 10 }, never);
    expect(absent.lines).toHaveLength(0);
    expect(absent.scanned).toBeLessThan(400);
    await again.close();
  });

  it('agrees with a plain filter on real logs', async () => {
    const logs = sharedLogs();
    if (!logs) {
      console.warn('skipped: the shared logs are not here (set PILOTHOUSE_SHARED_DATA)');
      return;
    }
    const bench = await Bench.open({ sizes: { block: 64 * 1024, log: 1e6, carry: 16_000, carryTotal: 100_000 } });
    const all: string[] = [];
    let time = start;
    for (const { name, lines } of logs) {
      for (const line of lines) {
        bench.put(sourceOf({ container: name, service: name.replace('.log', '').toLowerCase() }), {
          time: (time += 100),
          flags: levelOf(line),
          text: line,
        });
        all.push(line);
      }
      await bench.intake.flush();
    }
    const cases: [string, RegExp][] = [
      ['error', /(?<!\w)error(?!\w)/i],
      ['"authentication failure"', /(?<!\w)authentication failure(?!\w)/i],
      ['blk_38865049064139660', /(?<!\w)blk_38865049064139660(?!\w)/],
      ['blk_*', /(?<!\w)blk_/i],
      ['/session (opened|closed) for user [a-z]+/', /session (opened|closed) for user [a-z]+/],
      ['218.188.2.4', /(?<!\w)218\.188\.2\.4(?!\w)/],
    ];
    for (const [query, pattern] of cases) {
      const histogram = await bench.store.histogram(
        { scope: {}, query, from: start / 1000, to: time / 1000 + 1, buckets: 10 },
        never,
      );
      expect({ query, total: histogram.total }).toEqual({
        query,
        total: all.filter((line) => pattern.test(line)).length,
      });
    }
    await bench.close();
  });
});
