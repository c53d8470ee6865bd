/** What could stand at the cursor of a query: metrics, labels, their values, functions or spans. Pure. */
import type { MetricName } from '../../../src-main/contract/api/promql';
import type { Completions } from '../../parts/CodeEditor.vue';

type Option = Completions['options'][number];

export const aggregations = [
  ...['sum', 'avg', 'min', 'max', 'count', 'group', 'stddev', 'stdvar', 'topk', 'bottomk', 'quantile', 'count_values'],
] as const;
const keywords = [
  'by',
  'without',
  'on',
  'ignoring',
  'group_left',
  'group_right',
  'offset',
  'bool',
  'and',
  'or',
  'unless',
];
/** What the core evaluates; a test holds this equal to its tables. */
export const functionNames = [
  ...['abs', 'absent', 'absent_over_time', 'avg_over_time', 'ceil', 'changes', 'clamp', 'clamp_max', 'clamp_min'],
  ...['count_over_time', 'day_of_month', 'day_of_week', 'delta', 'deriv', 'exp'],
  ...['first_over_time', 'floor', 'histogram_quantile', 'hour', 'idelta', 'increase', 'irate', 'label_join'],
  ...['label_replace', 'last_over_time', 'ln', 'log10', 'log2', 'max_over_time', 'min_over_time', 'minute', 'month'],
  ...['pi', 'predict_linear', 'present_over_time', 'quantile_over_time', 'rate', 'resets', 'round', 'scalar', 'sgn'],
  ...['sort', 'sort_desc', 'sqrt', 'stddev_over_time', 'stdvar_over_time', 'sum_over_time', 'time', 'timestamp'],
  ...['vector', 'year'],
] as const;
const spans = ['30s', '1m', '5m', '15m', '1h', '6h', '1d', '1w'];

/** Where the cursor stands: what is open before it, and the word it is in. */
interface Spot {
  inside: 'query' | 'labels' | 'value' | 'range' | 'grouping';
  /** The metric in front of the braces. */
  metric: string;
  /** The label in front of the quote. */
  label: string;
  /** Where the word under the cursor begins. */
  from: number;
}

export function completePromql(text: string, position: number, names: readonly MetricName[]): Completions | undefined {
  const spot = spotAt(text.slice(0, position));
  const options = optionsAt(spot, names);
  return options.length === 0 ? undefined : { from: spot.from, options };
}

function optionsAt(spot: Spot, names: readonly MetricName[]): Option[] {
  const known = names.filter(({ name }) => spot.metric === '' || name === spot.metric);
  switch (spot.inside) {
    case 'range':
      return spans.map((label) => ({ label, type: 'text' }));
    case 'value':
      return unique(known.flatMap(({ labels }) => labels[spot.label] ?? [])).map((label) => ({ label, type: 'text' }));
    case 'labels':
    case 'grouping':
      return unique(known.flatMap(({ labels }) => Object.keys(labels))).map((label) => ({ label, type: 'property' }));
    case 'query':
      return [
        ...names.map(({ name, unit }): Option => ({
          label: name,
          type: 'variable',
          ...(unit === 'none' ? {} : { detail: unit }),
        })),
        ...[...aggregations, ...functionNames].map((label): Option => ({ label, type: 'function', detail: '()' })),
        ...keywords.map((label): Option => ({ label, type: 'keyword' })),
      ];
  }
}

function spotAt(before: string): Spot {
  let metric = '';
  let brace = -1;
  let bracket = false;
  let quote = '';
  let quoteAt = 0;
  let grouping = -1;
  for (let at = 0; at < before.length; at += 1) {
    const letter = before.charAt(at);
    if (quote !== '') {
      if (letter === '\\') at += 1;
      else if (letter === quote) quote = '';
    } else if (letter === '"' || letter === "'" || letter === '`') {
      quote = letter;
      quoteAt = at;
    } else if (letter === '{') {
      brace = at;
      metric = /[A-Za-z_:][\w:]*$/.exec(before.slice(0, at).trimEnd())?.[0] ?? '';
    } else if (letter === '}') brace = -1;
    else if (letter === '[') bracket = true;
    else if (letter === ']') bracket = false;
    else if (letter === '(' && /\b(by|without|on|ignoring|group_left|group_right)\s*$/i.test(before.slice(0, at)))
      grouping = at;
    else if (letter === ')') grouping = -1;
  }
  const word = (pattern: RegExp): number => before.length - (pattern.exec(before)?.[0].length ?? 0);
  if (quote !== '') {
    const label = /([A-Za-z_]\w*)\s*(?:=~|!~|!=|=)\s*$/.exec(before.slice(0, quoteAt))?.[1] ?? '';
    return { inside: 'value', metric: brace < 0 ? '' : metric, label: brace < 0 ? '' : label, from: quoteAt + 1 };
  }
  if (brace >= 0) return { inside: 'labels', metric, label: '', from: word(/[A-Za-z_]\w*$/) };
  if (bracket) return { inside: 'range', metric: '', label: '', from: word(/\w*$/) };
  if (grouping >= 0) return { inside: 'grouping', metric: '', label: '', from: word(/[A-Za-z_]\w*$/) };
  return { inside: 'query', metric: '', label: '', from: word(/[A-Za-z_:][\w:]*$/) };
}

function unique(words: readonly string[]): string[] {
  return [...new Set(words)].sort();
}
