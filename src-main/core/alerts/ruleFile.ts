/** Prometheus' rule files as rules. What Prometheus cannot say stands under `x-pilothouse` of a rule. */
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { ruleInput, severity as severities, type RuleInput } from '../../contract/api/alerts';
import { toProblem, type Problem } from '../../contract/errors';
import { parseDuration } from '../metrics';
import { checkSource } from './sources';
import { unknownActions } from './template';

const mostRules = 2000;
const text = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const duration = z.union([z.string(), z.number()]).transform((value, context) => {
  const parsed = parseDuration(String(value)) ?? (String(value) === '0' ? 0 : undefined);
  if (parsed === undefined) context.addIssue(`${JSON.stringify(value)} is not a duration, such as 5m`);
  return parsed ?? 0;
});
const alert = z.object({
  alert: z.string(),
  expr: text.optional(),
  for: duration.optional(),
  keep_firing_for: duration.optional(),
  labels: z.record(z.string(), text).nullish(),
  annotations: z.record(z.string(), text).nullish(),
  'x-pilothouse': z.record(z.string(), z.unknown()).optional(),
});
const file = z.object({
  groups: z
    .array(z.object({ name: z.string(), rules: z.array(z.record(z.string(), z.unknown())).nullish() }))
    .nullish(),
});

export interface ParsedRule extends RuleInput {
  id: string;
}

/** Reads a rule file: the rules that make sense, and what is wrong with the others. Never throws. */
export function parseRuleFile(source: string): { rules: ParsedRule[]; problems: Problem[] } {
  const problems: Problem[] = [];
  const rules = new Map<string, ParsedRule>();
  const say = (message: string, path?: string): void => {
    problems.push({ code: 'bad-input', message, ...(path === undefined ? {} : { where: { path } }) });
  };
  const content = readYaml(source, say);
  const parsed = file.safeParse(content ?? {});
  if (!parsed.success) {
    for (const issue of parsed.error.issues.slice(0, 20)) say(issue.message, issue.path.map(String).join('.'));
    return { rules: [], problems };
  }
  for (const group of parsed.data.groups ?? []) {
    for (const [index, raw] of (group.rules ?? []).entries()) {
      const path = `groups.${group.name}.rules[${index}]`;
      if ('record' in raw) {
        say('Recording rules are not supported; use the expression itself.', path);
        continue;
      }
      try {
        const { rule, warnings } = toRule(raw);
        for (const warning of warnings) say(warning, path);
        // Prometheus allows one name many times, for instance per severity.
        let id = rule.id;
        for (let count = 2; rules.has(id); count++) id = `${rule.id}-${count}`;
        rules.set(id, { ...rule, id });
      } catch (thrown) {
        const problem =
          thrown instanceof z.ZodError
            ? (thrown.issues[0]?.message ?? 'The rule is wrong.')
            : toProblem(thrown).message;
        say(`${String(raw['alert'] ?? 'A rule')}: ${problem}`, path);
      }
      if (rules.size >= mostRules) {
        say(`A file may have at most ${mostRules} rules.`);
        return { rules: [...rules.values()], problems };
      }
    }
  }
  return { rules: [...rules.values()], problems };
}

function readYaml(source: string, say: (message: string) => void): unknown {
  try {
    const document = parseDocument(source, { merge: false, uniqueKeys: true });
    for (const error of document.errors.slice(0, 20)) say(error.message.split('\n')[0] ?? 'This is not YAML.');
    return document.errors.length > 0 ? undefined : (document.toJS({ maxAliasCount: 100 }) as unknown);
  } catch (thrown) {
    say(thrown instanceof Error ? thrown.message : 'This is not YAML.');
    return undefined;
  }
}

function toRule(raw: Record<string, unknown>): { rule: ParsedRule; warnings: string[] } {
  const given = alert.parse(raw);
  const { severity, ...labels } = given.labels ?? {};
  const annotations = given.annotations ?? {};
  const known = severities.safeParse(severity === 'error' || severity === 'page' ? 'critical' : severity);
  const input = ruleInput.parse({
    name: annotations['title'] ?? given.alert,
    for: given.for ?? 0,
    keepFiringFor: given.keep_firing_for ?? 0,
    ...(known.success ? { severity: known.data } : {}),
    labels,
    annotations,
    source: { kind: 'metric', query: given.expr ?? '' },
    ...given['x-pilothouse'],
  });
  checkSource(input.source);
  const warnings = Object.values({ ...input.annotations, ...input.labels }).flatMap((value) =>
    unknownActions(value).map((action) => `${given.alert}: ${action} is not understood and stays as it is.`),
  );
  return { rule: { ...input, id: slug(given.alert) }, warnings };
}

/** `CrashLoop` as an id; other letters become `-`. */
export function slug(name: string): string {
  const plain = name
    .trim()
    .replace(/[^A-Za-z0-9_.:-]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return (plain === '' ? 'rule' : plain).slice(0, 80);
}
