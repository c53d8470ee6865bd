/** Names and texts of alerts in the reader's language, spans of time as rules are written, and matchers. */
import { useI18n } from 'vue-i18n';
import type { AlertView, LabelMatcher, RuleInput, RuleView, Severity } from '../../../src-main/contract/api/alerts';
import type { State } from '../../parts/state';
import { subjectOfAlert } from '../../../src-main/contract/ruleTexts';
import { useRules } from '../../stores/alerts';

export const severityStates: Record<Severity, State> = { critical: 'critical', warning: 'warning', info: 'progress' };

export function stateOf(alert: AlertView): State {
  if (alert.state === 'resolved') return 'ok';
  return alert.state === 'pending' ? 'progress' : severityStates[alert.severity];
}

export { subjectOfAlert as subjectOf };

/** Rules that come along and were not changed speak the reader's language; all others as they were written. */
export function useAlertTexts(): { nameOf(rule: string, name: string): string; summaryOf(alert: AlertView): string } {
  const { t, te } = useI18n();
  const rules = useRules();
  const own = (id: string): boolean => {
    const rule = rules.rows.get(id);
    return rule !== undefined && rule.origin === 'default' && rule.version === 1 && te(`alerts.defaults.${id}.name`);
  };
  return {
    nameOf: (rule, name) => (own(rule) ? t(`alerts.defaults.${rule}.name`) : name),
    summaryOf: (alert) =>
      own(alert.rule)
        ? t(`alerts.defaults.${alert.rule}.summary`, { subject: subjectOfAlert(alert.labels) })
        : (alert.annotations['summary'] ?? ''),
  };
}

const units: readonly [string, number][] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
  ['ms', 1],
];

/** `1h30m` in milliseconds; undefined when it is no span. */
export function parseSpan(text: string): number | undefined {
  const plain = text.replace(/\s+/g, '');
  if (plain === '0' || plain === '') return 0;
  const parts = [...plain.matchAll(/(\d{1,6})(ms|d|h|m|s)/g)];
  if (parts.map(([all]) => all).join('') !== plain) return undefined;
  return parts.reduce(
    (sum, [, count, unit]) => sum + Number(count) * (units.find(([name]) => name === unit)?.[1] ?? 0),
    0,
  );
}

export function writeSpan(milliseconds: number): string {
  let rest = milliseconds;
  let text = '';
  for (const [name, size] of units) {
    const count = Math.floor(rest / size);
    if (count > 0) text += `${count}${name}`;
    rest -= count * size;
  }
  return text === '' ? '0s' : text;
}

/** `service=shop/web`; undefined when it is none. */
export function parseMatcher(text: string): LabelMatcher | undefined {
  const found = /^\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*(.*?)\s*$/.exec(text);
  if (!found) return undefined;
  const [, label = '', operator = '=', value = ''] = found;
  return { label, operator: operator as LabelMatcher['operator'], value };
}

export function writeMatcher({ label, operator, value }: LabelMatcher): string {
  return `${label}${operator}${value}`;
}

/** A rule as it is sent: without what the core adds. */
export function inputOf(rule: RuleView): RuleInput {
  const { name, enabled, source, keepFiringFor, noData, severity, labels, annotations, channels, holdsBack } = rule;
  return {
    name,
    enabled,
    source,
    for: rule.for,
    keepFiringFor,
    noData,
    severity,
    labels,
    annotations,
    channels,
    holdsBack,
  };
}

/** A copy without Vue's wrappers, which cannot cross to the core. */
export function plainCopy<Value>(value: Value): Value {
  return JSON.parse(JSON.stringify(value)) as Value;
}

/** Whether two plain values say the same, whatever the order of their fields. */
export function isSame(one: unknown, other: unknown): boolean {
  const sorted = (_key: string, value: unknown): unknown =>
    value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1)))
      : value;
  return JSON.stringify(one, sorted) === JSON.stringify(other, sorted);
}

export const blankRule: RuleInput = {
  name: '',
  enabled: true,
  source: { kind: 'metric', query: 'sum by (service) (cpu) > 1' },
  for: 60_000,
  keepFiringFor: 0,
  noData: 'keep',
  severity: 'warning',
  labels: {},
  annotations: { summary: '{{ $labels.service }}: {{ $value }}' },
  channels: [],
  holdsBack: { rules: [], equal: ['service'] },
};
