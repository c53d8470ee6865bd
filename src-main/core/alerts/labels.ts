/** Telling alerts apart, and matching them by their labels. */
import { RE2JS } from 're2js';
import { hash32 } from '../../base/random';
import type { LabelMatcher } from '../../contract/api/alerts';
import { fail } from '../../contract/errors';

export type Labels = Readonly<Record<string, string>>;

/** Equal for equal rules and labels, whatever their order: 16 hexadecimal digits. */
export function fingerprint(rule: string, labels: Labels): string {
  const text = `${rule}\u0000${sortedText(labels)}`;
  const hex = (value: number): string => value.toString(16).padStart(8, '0');
  return hex(hash32(text)) + hex(hash32(`${text}\u0000`));
}

/** Labels as one text, in order of their names. */
export function sortedText(labels: Labels): string {
  const pairs = Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1));
  return pairs.map(([name, value]) => `${name}\u0001${value}`).join('\u0002');
}

/** Whether labels match all of these; a label that is missing is empty. Throws `bad-input` for a pattern that is none. */
export function matcherOf(matchers: readonly LabelMatcher[]): (labels: Labels) => boolean {
  const tests = matchers.map(({ label, operator, value }): ((labels: Labels) => boolean) => {
    if (operator === '=') return (labels) => (labels[label] ?? '') === value;
    if (operator === '!=') return (labels) => (labels[label] ?? '') !== value;
    const pattern = compile(value);
    return (labels) => pattern.matches(labels[label] ?? '') === (operator === '=~');
  });
  return (labels) => tests.every((test) => test(labels));
}

/** The labels that all have with equal values. */
export function commonLabels(all: readonly Labels[]): Record<string, string> {
  const [first, ...rest] = all;
  return Object.fromEntries(
    Object.entries(first ?? {}).filter(([name, value]) => rest.every((labels) => labels[name] === value)),
  );
}

function compile(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern, RE2JS.DOTALL);
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : 'unknown reason';
    throw fail('bad-input', `The pattern ${JSON.stringify(pattern)} is not valid: ${reason}`);
  }
}
