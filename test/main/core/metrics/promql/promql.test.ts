import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { preparePromql, queryAt, queryRange } from '../../../../../src-main/core/metrics';
import { openStore, second, start, write } from '../support';
import { given, interval, origin, written } from './given';

/** A sample stands at its cell's last second. */
const shift = interval - second;

const world = given({
  'requests{service="web",code="200"}': '0+10x60',
  'requests{service="web",code="500"}': '0+1x60',
  'requests{service="api",code="200"}': '0+20x30 0+20x29',
  'memory{service="web",replica="1"}': '100+1x60',
  'memory{service="web",replica="2"}': '300x60',
  'memory{service="api",replica="1"}': '50x20 _x40',
  'memory_limit{service="web",replica="1"}': '200x60',
  'memory_limit{service="web",replica="2"}': '400x60',
  'owner{service="web",team="shop"}': '1x60',
  'bucket{le="0.1",service="web"}': '10x60',
  'bucket{le="0.5",service="web"}': '30x60',
  'bucket{le="1",service="web"}': '40x60',
  'bucket{le="+Inf",service="web"}': '40x60',
  'saw{}': '1 2 3 1 2 3 1 2 3 1',
});

/** Ten minutes after the first sample. */
const end = origin + 600_000 + shift;

async function ask(text: string, at = end): Promise<string[]> {
  return written(await queryAt(world, preparePromql(text), at));
}

describe('PromQL', () => {
  it.each<[string, string[]]>([
    ['memory{replica="1"}', ['memory{replica="1",service="web"} 160']],
    ['memory{service=~"w.b",replica!~"[2-9]"}', ['memory{replica="1",service="web"} 160']],
    [
      '{__name__=~"mem.*",replica="2"}',
      ['memory_limit{replica="2",service="web"} 400', 'memory{replica="2",service="web"} 300'],
    ],
    ['memory offset 5m', ['memory{replica="1",service="web"} 130', 'memory{replica="2",service="web"} 300']],
    ['rate(requests{code="200",service="web"}[5m])', ['{code="200",service="web"} 1']],
    ['increase(requests{code="500"}[1m])', ['{code="500",service="web"} 6']],
    ['irate(requests{service="web"}[1m])', ['{code="200",service="web"} 1', '{code="500",service="web"} 0.1']],
    ['sum(rate(requests[5m]))', ['{} 3.03333']],
    ['sum by (service) (rate(requests{service="web"}[5m]))', ['{service="web"} 1.1']],
    ['sum without (code) (rate(requests{service="web"}[5m]))', ['{service="web"} 1.1']],
    ['sum(rate(requests{code=~"5..",service="web"}[5m])) / sum(rate(requests{service="web"}[5m]))', ['{} 0.0909091']],
    ['avg(memory)', ['{} 230']],
    ['max by (service) (memory)', ['{service="web"} 300']],
    ['min(memory)', ['{} 160']],
    ['count(memory)', ['{} 2']],
    ['group(memory)', ['{} 1']],
    ['stddev(memory)', ['{} 70']],
    ['quantile(0.25, memory)', ['{} 195']],
    ['topk(1, memory)', ['memory{replica="2",service="web"} 300']],
    ['bottomk(1, memory)', ['memory{replica="1",service="web"} 160']],
    ['count_values("size", memory_limit)', ['{size="200"} 1', '{size="400"} 1']],
    ['memory / memory_limit', ['{replica="1",service="web"} 0.8', '{replica="2",service="web"} 0.75']],
    ['memory / memory_limit > 0.75', ['{replica="1",service="web"} 0.8']],
    ['memory > 200', ['memory{replica="2",service="web"} 300']],
    ['200 < memory', ['memory{replica="2",service="web"} 300']],
    ['memory > bool 200', ['{replica="1",service="web"} 0', '{replica="2",service="web"} 1']],
    [
      'memory * on (service) group_left (team) owner',
      ['{replica="1",service="web",team="shop"} 160', '{replica="2",service="web",team="shop"} 300'],
    ],
    [
      'owner * on (service) group_right () memory',
      ['{replica="1",service="web"} 160', '{replica="2",service="web"} 300'],
    ],
    ['memory and memory_limit > 300', ['memory{replica="2",service="web"} 300']],
    ['memory unless (memory_limit > 300)', ['memory{replica="1",service="web"} 160']],
    [
      'memory{replica="1"} or memory_limit',
      ['memory_limit{replica="2",service="web"} 400', 'memory{replica="1",service="web"} 160'],
    ],
    ['absent(memory{service="nothing"})', ['{service="nothing"} 1']],
    ['absent(memory)', []],
    ['absent_over_time(memory{service="api"}[2m])', ['{service="api"} 1']],
    ['count_over_time(memory{service="api"}[10m])', ['{replica="1",service="api"} 20']],
    ['avg_over_time(memory{replica="1",service="web"}[1m])', ['{replica="1",service="web"} 157.5']],
    ['max_over_time(requests{code="500"}[2m])', ['{code="500",service="web"} 60']],
    ['min_over_time(requests{code="500"}[2m])', ['{code="500",service="web"} 49']],
    ['last_over_time(memory{service="api"}[10m])', ['memory{replica="1",service="api"} 50']],
    ['changes(memory{replica="1",service="web"}[1m])', ['{replica="1",service="web"} 5']],
    ['resets(requests{service="api"}[10m])', ['{code="200",service="api"} 1']],
    ['delta(memory{replica="1",service="web"}[1m])', ['{replica="1",service="web"} 6']],
    ['deriv(memory{replica="1",service="web"}[5m])', ['{replica="1",service="web"} 0.1']],
    ['predict_linear(memory{replica="1",service="web"}[5m], 3600)', ['{replica="1",service="web"} 520']],
    ['quantile_over_time(0.5, requests{code="500"}[50s])', ['{code="500",service="web"} 58']],
    ['histogram_quantile(0.5, bucket)', ['{service="web"} 0.3']],
    ['histogram_quantile(0.99, sum by (le) (bucket))', ['{} 0.98']],
    ['max_over_time(sum(memory{service="web"})[5m:1m])', ['{} 459']],
    ['clamp_max(memory, 200)', ['{replica="1",service="web"} 160', '{replica="2",service="web"} 200']],
    ['clamp(memory, 200, 250)', ['{replica="1",service="web"} 200', '{replica="2",service="web"} 250']],
    ['round(memory / 7, 0.5)', ['{replica="1",service="web"} 23', '{replica="2",service="web"} 43']],
    ['-memory{replica="1"}', ['{replica="1",service="web"} -160']],
    ['scalar(memory{replica="2"}) + 1', ['{} 301']],
    ['vector(3)', ['{} 3']],
    ['2 ^ 3 ^ 2 % 5', ['{} 2']],
    ['1 + 2 * 3 - 4 / 2', ['{} 5']],
    ['1 < bool 2', ['{} 1']],
    ['0x10 + 1e2 + 1_000 + 1m', ['{} 1176']],
    ['label_replace(owner, "who", "$1-${1}", "team", "(s).*")', ['owner{service="web",team="shop",who="s-s"} 1']],
    ['label_join(owner, "both", "/", "service", "team")', ['owner{both="web/shop",service="web",team="shop"} 1']],
    ['hour()', ['{} 9']],
    ['day_of_week(vector(0))', ['{} 4']],
    ['sum(memory{service="nothing"})', []],
    ['0 / 0', []],
    ['1 / 0 > bool 5', ['{} 1']],
    ['# a comment\nmemory{replica="1"} # and another', ['memory{replica="1",service="web"} 160']],
  ])('%s', async (text, expected) => {
    expect(await ask(text)).toEqual(expected);
  });

  it.each<[string, string, number]>([
    ['sum(', 'ends too early', 5],
    ['memory{', 'ends too early', 8],
    ['memory{a=1}', 'Unexpected', 10],
    ['', 'empty', 1],
    ['{}', 'at least which metric', 1],
    ['rate(memory)', 'rate takes a range vector, not an instant vector', 6],
    ['memory[5m]', 'gives a range vector', 1],
    ['rate(memory[5m], 2)', 'rate takes one argument', 1],
    ['holt(memory[5m])', 'Unexpected', 5],
    ['sin(memory)', 'The function sin is not supported', 1],
    ['1 == 2', 'needs bool', 3],
    ['1 and memory', 'two instant vectors', 3],
    ['memory @ 5', 'not supported', 1],
    ['sum(memory) offset 5m', 'Only a selector', 1],
    ['(memory + 1)[5m]', 'Only a selector can have a range', 1],
    ['topk(memory)', 'topk takes two arguments', 1],
    ['"text"', 'A text has no value', 1],
    ['memory{a=~"("}', 'regular expression', 1],
    ['rate(memory[5x])', 'Unexpected', 14],
  ])('refuses %s', async (text, message, column) => {
    const thrown: unknown = await (async () => queryAt(world, preparePromql(text), end))().catch(
      (reason: unknown) => reason,
    );
    expect(thrown).toBeInstanceOf(Error);
    expect(String(thrown)).toContain(message);
    const where = (thrown as { problem?: { where?: { column?: number } } }).problem?.where;
    if (where) expect(where.column).toBe(column);
  });

  it('gives a value for each step, and gaps where there is none', async () => {
    const span = { from: origin + shift, to: origin + shift + 300_000, step: 60_000 };
    const [row] = await queryRange(world, preparePromql('memory{service="api"}'), span);
    expect([...(row?.values ?? [])]).toEqual([50, 50, 50, 50, NaN, NaN]);
    const rates = await queryRange(world, preparePromql('sum(rate(requests{service="web"}[1m]))'), {
      ...span,
      from: span.from + 60_000,
    });
    expect(rates[0]?.values.every((value) => Math.abs(value - 1.1) < 1e-9)).toBe(true);
  });

  it('equals the instant query at every step', async () => {
    const texts = [
      'sum by (code) (rate(requests[2m]))',
      'memory > 120',
      'max_over_time(memory[1m:20s])',
      'absent(memory{service="api"})',
    ];
    for (const text of texts) {
      const query = preparePromql(text);
      const span = { from: origin + shift, to: end, step: 30_000 };
      const rows = await queryRange(world, query, span);
      for (let at = span.from, index = 0; at <= span.to; at += span.step, index++) {
        const here = rows
          .filter(({ values }) => !Number.isNaN(values[index]))
          .map(({ labels, values }) => ({ labels, value: values[index] as number }));
        expect(written(here)).toEqual(written(await queryAt(world, query, at)));
      }
    }
  });

  it("knows cAdvisor's names, and makes counters of kept rates", async () => {
    const store = openStore();
    await store.open(start);
    await write(store, { from: start, to: start + 600 * second }, (at) => (at < start + 300 * second ? 0.5 : 1.5));
    const at = start + 599 * second;
    const cpu = await queryAt(store, preparePromql('rate(container_cpu_usage_seconds_total[2m])'), at);
    expect(written(cpu)).toEqual(['{replica="shop/web.1"} 1.5']);
    const used = await queryAt(
      store,
      preparePromql('increase(container_cpu_usage_seconds_total[5m])'),
      at - 150 * second,
    );
    expect(used[0]?.value).toBeCloseTo(150 * 0.5 + 150 * 1.5, -1);
    const peak = await queryRange(store, preparePromql('max_over_time(cpu[5m])'), {
      from: start,
      to: at,
      step: 60_000,
    });
    expect(Math.max(...(peak[0]?.values.filter((value) => !Number.isNaN(value)) ?? []))).toBe(1.5);
  });

  it('never throws anything but a problem, whatever is typed', async () => {
    const words = [
      'memory',
      'rate(',
      'sum(',
      ')',
      '[5m]',
      '{',
      '}',
      'a="b"',
      ',',
      'by (x)',
      '+',
      '/',
      'and',
      'offset 1m',
      '5',
      '"x"',
      '(',
      ':',
      '@',
      '-',
      'topk(2,',
      'histogram_quantile(0.9,',
      'bool',
      '>',
      '#',
    ];
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...words), { maxLength: 14 }), async (parts) => {
        const problem = await (async () => queryAt(world, preparePromql(parts.join(' ')), end))().then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        if (problem !== undefined) expect(problem).toHaveProperty('problem.code', 'bad-input');
      }),
      { numRuns: 1000 },
    );
  });

  it('matches evil patterns in linear time', async () => {
    const evil = given({ [`m{l="${'a'.repeat(4000)}!"}`]: '1x60' });
    const before = performance.now();
    expect(await queryAt(evil, preparePromql('m{l=~"(a+)+$"}'), end)).toEqual([]);
    expect(performance.now() - before).toBeLessThan(5000);
  });

  it('refuses what would read too much', async () => {
    const span = { from: 0, to: 1e9, step: 1000 };
    await expect(queryRange(world, preparePromql('memory'), span)).rejects.toThrow('At most 11000 steps');
  });
});
