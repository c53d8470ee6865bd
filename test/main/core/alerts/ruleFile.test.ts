import { describe, expect, it } from 'vitest';
import { parseRuleFile } from '../../../../src-main/core/alerts';
import { caller, defaultRules, world } from './world';

describe('rule files', () => {
  it('come with Pilothouse without a flaw', () => {
    const { rules, problems } = parseRuleFile(defaultRules);
    expect(problems).toEqual([]);
    expect(rules.map(({ id }) => id)).toEqual([
      'ServiceDown',
      'ReplicasMissing',
      'CrashLoop',
      'RestartStorm',
      'Unhealthy',
      'RolloutFailed',
      'OutOfMemory',
      'MemoryNearLimit',
      'CpuThrottled',
      'DiskFilling',
      'DiskFull',
      'CertificateExpiring',
      'GatewayErrors',
      'SlowRequests',
      'NoLogs',
      'FatalErrors',
      'EngineAway',
    ]);
    const ids = new Set(rules.map(({ id }) => id));
    for (const { holdsBack, annotations } of rules) {
      for (const id of holdsBack.rules) expect(ids.has(id)).toBe(true);
      expect(annotations['summary']).toBeTruthy();
      expect(annotations['description']).toBeTruthy();
    }
  });

  it("of Prometheus' documentation are read", () => {
    const { rules, problems } = parseRuleFile(`
groups:
- name: example
  interval: 30s
  rules:
  - record: job:requests
    expr: sum(rate(requests[5m]))
  - alert: HighRequestLatency
    expr: job:request_latency_seconds:mean5m{job="myjob"} > 0.5
    for: 10m
    keep_firing_for: 5m
    labels:
      severity: page
      team: web
    annotations:
      summary: High request latency on {{ $labels.instance }}
      description: '{{ range query "up" }}{{ . }}{{ end }}'
  - alert: HighRequestLatency
    expr: vector(1)
  - alert: Broken
    expr: sum(
  - alert: Slow
    expr: up == 0
    for: soon
`);
    expect(rules).toMatchObject([
      {
        id: 'HighRequestLatency',
        name: 'HighRequestLatency',
        for: 600_000,
        keepFiringFor: 300_000,
        severity: 'critical',
        labels: { team: 'web' },
      },
      { id: 'HighRequestLatency-2', severity: 'warning' },
    ]);
    expect(problems.map(({ message, where }) => `${where?.path}: ${message}`)).toEqual([
      'groups.example.rules[0]: Recording rules are not supported; use the expression itself.',
      'groups.example.rules[1]: HighRequestLatency: {{ range query "up" }} is not understood and stays as it is.',
      'groups.example.rules[1]: HighRequestLatency: {{ . }} is not understood and stays as it is.',
      'groups.example.rules[1]: HighRequestLatency: {{ end }} is not understood and stays as it is.',
      'groups.example.rules[3]: Broken: The query ends too early.',
      'groups.example.rules[4]: Slow: "soon" is not a duration, such as 5m',
    ]);
  });

  it.each([
    '',
    'groups: 5',
    '{',
    'a: &a [*a, *a]',
    'groups: [{name: x, rules: [5]}]',
    '\u0000',
    '- - - -',
    `groups: ${'['.repeat(5000)}`,
  ])('never throw: %j', (text) => {
    const { rules } = parseRuleFile(text.slice(0, 100_000));
    expect(rules).toEqual([]);
  });

  it('are imported beside what is there', async () => {
    const the = world({ defaults: defaultRules });
    const text =
      'groups: [{name: a, rules: [{alert: ServiceDown, expr: vector(1) > 2}, {alert: Mine, expr: cpu > 1}]}]';
    const tried = await the.alerts.calls['rules.import']({ text, apply: false }, caller);
    expect(tried.rules).toHaveLength(2);
    const count = (await the.alerts.calls['rules.list']({}, caller)).length;
    await the.alerts.calls['rules.import']({ text, apply: true }, caller);
    await the.alerts.calls['rules.import']({ text: text.replace('cpu > 1', 'cpu > 2'), apply: true }, caller);
    const rules = await the.alerts.calls['rules.list']({}, caller);
    expect(rules.find(({ id }) => id === 'ServiceDown')?.origin).toBe('default');
    expect(rules.find(({ id }) => id === 'Mine')).toMatchObject({
      origin: 'imported',
      version: 2,
      source: { query: 'cpu > 2' },
    });
    expect(rules.length).toBeGreaterThan(count);
    await expect(the.alerts.calls['rules.remove']({ id: 'ServiceDown' }, caller)).rejects.toMatchObject({
      problem: { code: 'forbidden' },
    });
    the.alerts.stop();
  });

  it('bring changes of the default rules, but not over what the user changed', async () => {
    const the = world({
      defaults: 'groups: [{name: a, rules: [{alert: One, expr: cpu > 1}, {alert: Two, expr: cpu > 1}]}]',
    });
    const two = (await the.alerts.calls['rules.list']({}, caller)).find(({ id }) => id === 'Two');
    if (!two) throw new Error('no rule');
    await the.alerts.calls['rules.enable']({ id: 'Two', enabled: false }, caller);
    the.alerts.stop();
    const rows = the.rows;
    const next = world({
      defaults: 'groups: [{name: a, rules: [{alert: One, expr: cpu > 5}, {alert: Two, expr: cpu > 5}]}]',
    });
    next.alerts.stop();
    for (const row of rows.load()) next.rows.commit([row]);
    next.restart();
    const rules = await next.alerts.calls['rules.list']({}, caller);
    expect(rules.map(({ id, enabled, source }) => [id, enabled, source.kind === 'metric' && source.query])).toEqual([
      ['One', true, 'cpu > 5'],
      ['Two', false, 'cpu > 1'],
    ]);
    next.alerts.stop();
  });
});
