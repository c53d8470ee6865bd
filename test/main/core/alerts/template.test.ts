import { describe, expect, it } from 'vitest';
import { expand, unknownActions } from '../../../../src-main/core/alerts/template';

const labels = { service: 'shop/web', odd: '{{ $value }}', constructor_: 'x' };

describe('templates', () => {
  it.each<[string, number | undefined, string]>([
    ['{{ $labels.service }} is {{$value}}', 3, 'shop/web is 3'],
    ['{{ .Labels.service }} {{ .Value }}', 1.23456, 'shop/web 1.235'],
    ['{{ index $labels "service" }}', 1, 'shop/web'],
    ['[{{ $labels.missing }}]', 1, '[]'],
    ['{{ $value | humanize }}', 12345, '12.35k'],
    ['{{ $value | humanize }}', 0.0123, '12.3m'],
    ['{{ humanize1024 $value }}', 3 * 1024 ** 3, '3Gi'],
    ['{{ $value | humanizePercentage }}', 0.9312, '93.12%'],
    ['{{ $value | humanizeDuration }}', 93784, '1d 2h'],
    ['{{ $value | humanizeDuration }}', 90, '1m 30s'],
    ['{{ $value | humanizeDuration }}', 0.5, '0.5s'],
    ['{{ printf "%.1f %%" $value }}', 12.34, '12.3 %'],
    ['{{ $value | printf "%.0f" }}', 4.6, '5'],
    ['{{ $labels.service | toUpper }}', 1, 'SHOP/WEB'],
    ['{{ $labels.odd }}', 7, '{{ $value }}'],
    ['{{ $labels.constructor }}{{ $labels.__proto__ }}', 1, ''],
    ['{{ $value }}', undefined, '?'],
    ['{{ query "up" }} {{ range $x }}', 1, '{{ query "up" }} {{ range $x }}'],
    ['no gaps', 1, 'no gaps'],
  ])('%s of %s', (text, value, expected) => {
    expect(expand(text, { labels, value })).toBe(expected);
  });

  it('names what it does not understand', () => {
    expect(unknownActions('{{ $labels.a }} {{ with $x }} {{ $value | filesize }}')).toEqual([
      '{{ with $x }}',
      '{{ $value | filesize }}',
    ]);
  });

  it('stays short and quick whatever a label holds', () => {
    const long = expand('{{ $labels.a }}{{ $labels.a }}{{ $labels.a }}{{ $labels.a }}{{ $labels.a }}', {
      labels: { a: 'x'.repeat(1e6) },
      value: 1,
    });
    expect(long.length).toBe(4000);
    const before = performance.now();
    expand(`{{${' '.repeat(50_000)}`, { labels: {}, value: 1 });
    expand('{{ printf "%'.repeat(2000), { labels: {}, value: 1 });
    expect(performance.now() - before).toBeLessThan(2000);
  });
});
