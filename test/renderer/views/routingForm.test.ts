import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { routing as routingSchema, type LabelMatcher } from '../../../src-main/contract/api/alerts';
import {
  faultsOf,
  formOf,
  parseMatchers,
  parseTime,
  routingOf,
  writeMatchers,
  writeTime,
} from '../../../src-renderer/views/alerts/routingForm';

const routing = routingSchema.parse({
  routes: [
    {
      matchers: [{ label: 'service', operator: '=~', value: 'shop/(a,b)' }],
      channels: ['desktop'],
      groupWait: 0,
      repeatInterval: 600_000,
    },
  ],
  muteTimes: [{ name: 'Night', days: [0, 6], from: 1320, to: 420, except: 'critical' }],
});

describe('matchers in one line', () => {
  it.each([
    ['', []],
    ['severity=critical', [['severity', '=', 'critical']]],
    [
      ' a = b , c!=d',
      [
        ['a', '=', 'b'],
        ['c', '!=', 'd'],
      ],
    ],
    [
      'a=~"x, y\\"z",b!~q',
      [
        ['a', '=~', 'x, y"z'],
        ['b', '!~', 'q'],
      ],
    ],
    ['a=', [['a', '=', '']]],
  ] as [string, string[][]][])('%s', (text, found) => {
    expect(parseMatchers(text)).toEqual(found.map(([label, operator, value]) => ({ label, operator, value })));
  });

  it.each(['shop', '=x', '1a=x', 'a=b c"d"', 'a="b', 'a=b,,c=d'])('%s is none', (text) =>
    expect(parseMatchers(text)).toBeUndefined(),
  );

  it('are read as they were written, whatever their values', () => {
    const matcher = fc.record({
      label: fc.stringMatching(/^[a-z_][a-z0-9_]{0,8}$/),
      operator: fc.constantFrom('=', '!=', '=~', '!~') as fc.Arbitrary<LabelMatcher['operator']>,
      value: fc.string({ maxLength: 20 }).filter((text) => !/[\r\n\u2028\u2029]/.test(text)),
    });
    fc.assert(
      fc.property(fc.array(matcher, { maxLength: 5 }), (matchers) => {
        expect(parseMatchers(writeMatchers(matchers))).toEqual(matchers);
      }),
      { numRuns: 1000 },
    );
    // What would make another operator of the one before it.
    expect(writeMatchers([{ label: 'a', operator: '=', value: '~b' }])).toBe('a="~b"');
  });
});

it('times of a day', () => {
  expect(['00:00', '7:05', '23：59', '24:00'].map(parseTime)).toEqual([0, 425, 1439, 1440]);
  for (const text of ['24:01', '12:60', '12', '-1:00', '']) expect(parseTime(text)).toBeUndefined();
  expect(writeTime(425)).toBe('07:05');
});

it('a routing goes through the form unchanged', () => {
  expect(routingOf(formOf(routing))).toEqual(routing);
});

it('says what is wrong, by field, and gives nothing then', () => {
  const form = formOf(routing);
  const [route] = form.routes;
  const [time] = form.muteTimes;
  if (!route || !time) throw new Error('the form is empty');
  route.matchers = 'nonsense';
  Object.assign(time, { name: ' ', to: '25:00' });
  Object.assign(form, { wait: '-1s', repeat: '5s' });
  route.interval = 'soon';
  const faults = faultsOf(form);
  expect([...faults.routes]).toEqual([route.key]);
  expect([...faults.names, ...faults.times]).toEqual([time.key, time.key]);
  expect([...faults.spans]).toEqual(['wait', 'repeat']);
  expect([...faults.routeSpans]).toEqual([`${route.key} interval`]);
  expect(routingOf(form)).toBeUndefined();
});
