/** The metrics screen's pure parts: panels as queries, lines, tables, completion. */
import { describe, expect, it } from 'vitest';
import type { MetricName } from '../../../src-main/contract/api/promql';
import type { SeriesView } from '../../../src-main/contract/nouns';
import { functions } from '../../../src-main/core/metrics/promql/functions';
import { parsePromql } from '../../../src-main/core/metrics/promql/parse';
import { windowFunctions } from '../../../src-main/core/metrics/promql/windows';
import {
  builtInPanels,
  drawnLines,
  guessUnit,
  lineName,
  mostLines,
  toCsv,
  type Unit,
} from '../../../src-renderer/views/metrics/panels';
import { aggregations, completePromql, functionNames } from '../../../src-renderer/views/metrics/promqlComplete';

const line = (labels: Record<string, string>, v: (number | null)[], metric = ''): SeriesView => ({
  metric,
  labels,
  unit: 'none',
  t: v.map((_value, index) => 1_700_000_000_000 + index * 1000),
  v,
});

describe('built-in panels', () => {
  it.each(['total', 'service', 'replica'] as const)('are queries that parse, by %s', (split) => {
    for (const service of [undefined, 'demo/web', 'a"b/c\\d'])
      for (const { query } of builtInPanels(service, split)) expect(() => parsePromql(query), query).not.toThrow();
  });

  it('select the service and group by what was asked', () => {
    const [cpu] = builtInPanels('demo/web', 'replica');
    expect(cpu).toEqual({ id: 'cpu', unit: 'cores', query: 'sum by (replica) (cpu{service="demo/web"})' });
    expect(builtInPanels(undefined, 'total')[0]?.query).toBe('sum (cpu)');
  });

  it('never add up times', () => {
    const latency = builtInPanels(undefined, 'total').find(({ id }) => id === 'latency');
    expect(latency?.query).toMatch(/^max /);
  });
});

describe('lines', () => {
  it('are called by their replica, service or labels', () => {
    expect(lineName(line({ stack: 'demo', service: 'demo/web', replica: 'demo/web.1' }, []))).toBe('demo/web.1');
    expect(lineName(line({ service: 'demo/web' }, []))).toBe('demo/web');
    expect(lineName(line({ place: 'state' }, []))).toBe('place=state');
    expect(lineName(line({}, [], 'cpu'))).toBe('cpu');
  });

  it('of many, the greatest are drawn, in the order of their names', () => {
    const many = Array.from({ length: 30 }, (_none, index) => line({ replica: `s/a.${index}` }, [index]));
    const drawn = drawnLines(many, []);
    expect(drawn).toHaveLength(mostLines);
    expect(drawn[0]?.name).toBe('s/a.20');
    expect(drawn.at(-1)?.name).toBe('s/a.29');
  });

  it('share a hue with what they were earlier; what is gone is not drawn', () => {
    const now = [line({ replica: 's/a.1' }, [1]), line({ replica: 's/a.2' }, [2])];
    const drawn = drawnLines(now, [line({ replica: 's/a.2' }, [5]), line({ replica: 's/a.3' }, [9])]);
    expect(drawn.map(({ name, colour, dashed = false }) => [name, colour, dashed])).toEqual([
      ['s/a.2', 'cat-2', true],
      ['s/a.1', 'cat-1', false],
      ['s/a.2', 'cat-2', false],
    ]);
  });
});

describe('units of a query', () => {
  const units = new Map<string, Unit>([
    ['cpu', 'cores'],
    ['memory', 'bytes'],
    ['memory_limit', 'bytes'],
  ]);
  it.each<[string, Unit]>([
    ['cpu', 'cores'],
    ['topk(3, sum by (service) (cpu))', 'cores'],
    ['max_over_time(memory{service="cpu"}[5m])', 'bytes'],
    ['memory - memory_limit', 'bytes'],
    ['memory / memory_limit', 'none'],
    ['count(cpu)', 'none'],
    ['cpu > 1', 'none'],
    ['cpu + memory', 'none'],
    ['nothing', 'none'],
  ])('%s is in %s', (query, unit) => expect(guessUnit(query, units)).toBe(unit));
});

describe('tables', () => {
  it('have a row for each time; a gap is an empty cell', () => {
    const text = toCsv([{ title: 'CPU', series: [line({ replica: 's/a.1' }, [1, null, 3]), line({}, [2], 'x')] }]);
    expect(text.split('\r\n')).toEqual([
      'time,CPU: s/a.1,CPU: x',
      '2023-11-14T22:13:20.000Z,1,2',
      '2023-11-14T22:13:21.000Z,,',
      '2023-11-14T22:13:22.000Z,3,',
    ]);
  });

  it('quote what needs it, and defuse what a spreadsheet would run', () => {
    const [head] = toCsv([{ title: '', series: [line({}, [], '=HYPERLINK("x",1)')] }]).split('\r\n');
    expect(head).toBe(`time,"'=HYPERLINK(""x"",1)"`);
    expect(toCsv([{ title: '', series: [line({}, [-5], 'x')] }])).toMatch(/,-5$/);
  });
});

describe('completion', () => {
  const names: MetricName[] = [
    { name: 'cpu', unit: 'cores' as const, labels: { service: ['demo/web', 'demo/api'], replica: ['demo/web.1'] } },
    { name: 'disk_free_bytes', unit: 'bytes' as const, labels: { place: ['state'] } },
  ];
  /** The labels offered where the bar stands. */
  const at = (text: string): string[] => {
    const position = text.indexOf('|');
    return completePromql(text.replace('|', ''), position, names)?.options.map(({ label }) => label) ?? [];
  };

  it('offers metrics and functions', () => {
    expect(at('sum(c|')).toEqual(expect.arrayContaining(['cpu', 'disk_free_bytes', 'rate', 'sum', 'by']));
  });
  it('offers labels of the metric in braces', () => {
    expect(at('cpu{|}')).toEqual(['replica', 'service']);
    expect(at('disk_free_bytes{|')).toEqual(['place']);
  });
  it('offers values of the label in quotes', () => {
    expect(at('cpu{service="|')).toEqual(['demo/api', 'demo/web']);
    expect(at('cpu{replica="x", service=~"demo|')).toEqual(['demo/api', 'demo/web']);
    expect(at('cpu{service="a\\"|')).toEqual(['demo/api', 'demo/web']);
  });
  it('offers labels to group by, and spans', () => {
    expect(at('sum by (|')).toEqual(['place', 'replica', 'service']);
    expect(at('rate(cpu[|')).toContain('5m');
  });
  it('replaces the word it stands in', () => {
    expect(completePromql('sum(cp', 6, names)?.from).toBe(4);
    expect(completePromql('cpu{service="demo/w', 19, names)?.from).toBe(13);
  });
  it('knows exactly the functions that are evaluated', () => {
    expect([...functionNames].sort()).toEqual([...Object.keys(functions), ...Object.keys(windowFunctions)].sort());
    for (const name of aggregations) {
      const first = { topk: '1, ', bottomk: '1, ', quantile: '0.5, ', count_values: '"v", ' }[name as string] ?? '';
      expect(() => parsePromql(`${name}(${first}cpu)`), name).not.toThrow();
    }
  });
});
