/** alerts, rules, silence: what fires, why, and what shall not be told. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { AlertView, LabelMatcher, RuleView, Silence } from '../../contract/api/alerts';
import { fail } from '../../contract/errors';
import type { Health } from '../../contract/nouns';
import { UsageError, type Command } from '../command';
import { clockTime, duration, harmless } from '../format';
import { parseMoment, parseSpan } from '../times';

const severityHealth: Record<AlertView['severity'], Health> = {
  critical: 'critical',
  warning: 'warning',
  info: 'progress',
};

function healthOf(alert: AlertView): Health {
  if (alert.state === 'resolved') return 'ok';
  return alert.state === 'pending' ? 'progress' : severityHealth[alert.severity];
}

function subjectOf(labels: AlertView['labels']): string {
  return labels['replica'] ?? labels['service'] ?? labels['stack'] ?? labels['place'] ?? '–';
}

/** Why nobody is told of it, if nobody is. */
function quietOf({ silencedBy, heldBackBy, muted }: AlertView): string {
  if (silencedBy.length > 0) return ', silenced';
  if (heldBackBy.length > 0) return `, held back by ${heldBackBy.join(', ')}`;
  return muted ? ', muted' : '';
}

export const alerts: Command = {
  verb: 'alerts',
  usage: '[--since TIME]',
  summary: 'What fires or is about to; with --since also what is over',
  options: { since: { type: 'string' } },
  async run(context) {
    const now = context.world.now();
    const since = context.text('since');
    const from = since === undefined ? undefined : parseMoment(since, 'since', now);
    const rows = await (await context.client()).call('alerts.list', from === undefined ? {} : { from });
    const { out } = context;
    out.value(rows);
    out.table<AlertView>(
      rows,
      [
        {
          title: 'ALERT',
          text: (row) => out.state(healthOf(row), row.name),
        },
        { title: 'OF', text: (row) => harmless(subjectOf(row.labels), true) },
        { title: 'STATE', text: (row) => `${row.state}${harmless(quietOf(row), true)}` },
        { title: 'SINCE', text: (row) => clockTime(row.activeAt, now) },
        { title: 'SUMMARY', text: (row) => harmless(row.annotations['summary'] ?? '', true) },
      ],
      'Nothing fires.',
    );
  },
};

const ruleHealth: Record<RuleView['state'], Health> = {
  firing: 'critical',
  pending: 'progress',
  inactive: 'ok',
  off: 'off',
};

export const rules: Command = {
  verb: 'rules',
  usage: '',
  summary: 'The alert rules and how they are',
  async run(context) {
    const rows = await (await context.client()).call('rules.list', {});
    const { out } = context;
    out.value(rows);
    out.table<RuleView>(
      rows,
      [
        { title: 'STATE', text: (row) => out.state(row.problem ? 'warning' : ruleHealth[row.state], row.state) },
        { title: 'ID', text: (row) => harmless(row.id, true) },
        { title: 'SEVERITY', text: (row) => row.severity },
        { title: 'FOR', text: (row) => (row.for > 0 ? duration(row.for) : '–'), right: true },
        { title: 'LOOKS AT', text: (row) => harmless(row.problem ? row.problem.message : sourceText(row), true) },
      ],
      'There are no rules.',
    );
  },
};

function sourceText({ source }: RuleView): string {
  switch (source.kind) {
    case 'metric':
      return source.query.trim();
    case 'event':
      return `events ${source.kinds.join(', ')}`;
    case 'log':
      return `lines ${[...(source.levels ?? []), source.query].filter((part) => part !== '').join(' ')} ${source.condition} ${source.count} in ${duration(source.within)}`;
  }
}

function toggle(verb: 'enable' | 'disable'): Command {
  return {
    verb: `rules ${verb}`,
    usage: 'RULE…',
    summary: `Turn alert rules ${verb === 'enable' ? 'on' : 'off'}`,
    async run(context) {
      if (context.words.length === 0) throw new UsageError('Say which rule.');
      const client = await context.client();
      const changed = [];
      for (const id of context.words)
        changed.push(await client.call('rules.enable', { id, enabled: verb === 'enable' }));
      context.out.value(changed);
      for (const rule of changed) context.out.line(`${harmless(rule.name, true)} is ${rule.enabled ? 'on' : 'off'}`);
    },
  };
}

export const rulesEnable = toggle('enable');
export const rulesDisable = toggle('disable');

export const rulesImport: Command = {
  verb: 'rules import',
  usage: 'FILE [--dry-run]',
  summary: 'Take alert rules from a Prometheus rule file',
  options: { 'dry-run': { type: 'boolean' } },
  async run(context) {
    const path = context.word('file');
    const text = path === '-' ? context.world.standardInput() : read(resolve(context.world.folder, path));
    const client = await context.client();
    const answer = await client.call('rules.import', { text, apply: !context.flag('dry-run') });
    context.out.value(answer);
    for (const problem of answer.problems) context.out.warning(problem);
    for (const rule of answer.rules) context.out.line(harmless(rule.name, true));
    context.out.line(`${answer.rules.length} rules ${answer.applied ? 'taken' : 'would be taken'}`);
    if (answer.rules.length === 0 && answer.problems.length > 0)
      throw fail('bad-input', 'The file has no rule that could be taken.');
  },
};

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw fail('not-found', `${path} cannot be read.`);
  }
}

/** `service=shop/web`, `severity!=info`, `replica=~shop/.*`. */
export function parseMatcher(text: string): LabelMatcher {
  const found = /^([a-zA-Z_][a-zA-Z0-9_]*)(=~|!~|!=|=)(.*)$/s.exec(text);
  if (!found) throw new UsageError(`${text} is no matcher: write LABEL=VALUE, or !=, =~, !~ for =.`);
  const [, label = '', operator = '=', value = ''] = found;
  return { label, operator: operator as LabelMatcher['operator'], value };
}

const usualSilence = 2 * 60 * 60 * 1000;

export const silence: Command = {
  verb: 'silence',
  usage: 'LABEL=VALUE… [--for SPAN] [--comment TEXT]',
  summary: 'Tell nobody of matching alerts for two hours, or for so long',
  options: { for: { type: 'string' }, comment: { type: 'string', short: 'c' } },
  async run(context) {
    if (context.words.length === 0)
      throw new UsageError('Say what to silence: alertname=NAME or service=STACK/SERVICE.');
    const matchers = context.words.map(parseMatcher);
    const span = context.text('for');
    const lasts = span === undefined ? usualSilence : parseSpan(span, 'for');
    const now = context.world.now();
    const client = await context.client();
    const made = await client.call('silences.put', {
      matchers,
      endsAt: now + lasts,
      comment: context.text('comment') ?? '',
    });
    context.out.value(made);
    context.out.line(
      `${made.id} silences ${made.silences} alerts now, until ${clockTime(made.endsAt, now)}. End it with: pilothouse silence end ${made.id}`,
    );
  },
};

export const silenceList: Command = {
  verb: 'silence ls',
  usage: '',
  summary: 'The silences',
  async run(context) {
    const now = context.world.now();
    const rows = await (await context.client()).call('silences.list', {});
    const { out } = context;
    out.value(rows);
    out.table<Silence>(
      rows,
      [
        { title: 'ID', text: (row) => harmless(row.id, true) },
        { title: 'STATE', text: (row) => (row.endsAt <= now ? 'over' : row.startsAt > now ? 'to come' : 'active') },
        { title: 'UNTIL', text: (row) => clockTime(row.endsAt, now) },
        { title: 'SILENCES', text: (row) => String(row.silences), right: true },
        {
          title: 'MATCHES',
          text: (row) =>
            harmless(row.matchers.map(({ label, operator, value }) => `${label}${operator}${value}`).join(' '), true),
        },
        { title: 'COMMENT', text: (row) => harmless(row.comment, true) },
      ],
      'There are no silences.',
    );
  },
};

export const silenceEnd: Command = {
  verb: 'silence end',
  usage: 'ID',
  summary: 'End a silence now',
  async run(context) {
    const id = context.word('silence');
    context.out.value(await (await context.client()).call('silences.end', { id }));
    context.out.line(`${harmless(id, true)} is over`);
  },
};
