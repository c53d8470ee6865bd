/** Ours beside the real ones, where they are installed: Alertmanager's webhook and routing, and Prometheus' reading of rule files. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { routing as routingSchema, type Routing } from '../../../../src-main/contract/api/alerts';
import { parseRuleFile } from '../../../../src-main/core/alerts';
import { webhookBody } from '../../../../src-main/core/alerts/payload/webhook';
import { tryRouting } from '../../../../src-main/core/alerts/routing';
import { defaultRules } from './world';

const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0;
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'alertmanager-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** What a value is made of: names and types, whatever the values. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shape);
  if (value === null || typeof value !== 'object') return typeof value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([name, own]) => [name, shape(own)]),
  );
}

describe.skipIf(!has('prometheus-alertmanager'))('the real Alertmanager', () => {
  let receiver: Server;
  let manager: ChildProcess;
  let ended: Promise<unknown>;
  let address = '';
  const heard: Record<string, unknown>[] = [];

  beforeAll(async () => {
    receiver = createServer((request, response) => {
      let body = '';
      request.on('data', (part: Buffer) => (body += part.toString()));
      request.on('end', () => {
        heard.push(JSON.parse(body) as Record<string, unknown>);
        response.end();
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    const { port } = receiver.address() as AddressInfo;
    const own = await freePort();
    address = `http://127.0.0.1:${own}`;
    const file = join(folder, 'alertmanager.yml');
    writeFileSync(
      file,
      `route: { receiver: Ops, group_by: [alertname, stack], group_wait: 0s, group_interval: 1s }
receivers: [{ name: Ops, webhook_configs: [{ url: 'http://127.0.0.1:${port}/' }] }]
`,
    );
    manager = spawn(
      'prometheus-alertmanager',
      [
        `--config.file=${file}`,
        `--storage.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${own}`,
        '--cluster.listen-address=',
      ],
      { stdio: 'ignore' },
    );
    ended = new Promise((resolve) => manager.on('exit', resolve));
  });
  afterAll(async () => {
    manager.kill();
    await ended;
    receiver.closeAllConnections();
    receiver.close();
  });

  it('sends what we send, field for field', { timeout: 60_000 }, async () => {
    const labels = { alertname: 'Busy', severity: 'critical', stack: 'shop', service: 'shop/web' };
    const annotations = { summary: 'shop/web uses 3 cores', description: 'for long' };
    const activeAt = Date.now() - 60_000;
    const alert = { labels, annotations, startsAt: new Date(activeAt).toISOString() };
    const post = (more: object): Promise<Response> =>
      fetch(`${address}/api/v2/alerts`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify([{ ...alert, generatorURL: 'http://127.0.0.1/rule', ...more }]),
      });
    const until = async (status: string): Promise<Record<string, unknown>> => {
      for (let tries = 0; tries < 200; tries++) {
        const found = heard.find((body) => body['status'] === status);
        if (found) return found;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      throw new Error(`Alertmanager never sent ${status}`);
    };
    for (let tries = 0; ; tries++) {
      const answer = await post({}).catch(() => undefined);
      if (answer?.ok) break;
      if (tries > 100) throw new Error('Alertmanager does not take alerts');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const row = {
      id: '0123456789abcdef',
      rule: 'Busy',
      name: 'Busy',
      severity: 'critical' as const,
      labels,
      annotations,
    };
    const firing = { ...row, state: 'firing' as const, value: 3, activeAt, firedAt: activeAt };
    const groupLabels = { alertname: 'Busy', stack: 'shop' };
    const given = { receiver: 'Ops', group: 'one', externalUrl: 'pilothouse://' };
    const ours = (own: object): Record<string, unknown> =>
      JSON.parse(webhookBody({ id: 'one', groupLabels, firing: [], resolved: [], ...own }, given)) as Record<
        string,
        unknown
      >;

    const resolvedAt = Date.now();
    for (const [status, own] of [
      ['firing', ours({ firing: [firing] })],
      ['resolved', ours({ resolved: [{ ...firing, state: 'resolved', resolvedAt }] })],
    ] as const) {
      if (status === 'resolved') await post({ endsAt: new Date(resolvedAt).toISOString() });
      const theirs = await until(status);
      expect(shape(own)).toEqual(shape(theirs));
      for (const name of [
        'version',
        'status',
        'receiver',
        'groupKey',
        'truncatedAlerts',
        'groupLabels',
        'commonLabels',
      ])
        expect(own[name], name).toEqual(theirs[name]);
      expect(own['commonAnnotations']).toEqual(theirs['commonAnnotations']);
      const [mine] = own['alerts'] as Record<string, unknown>[];
      const [its] = theirs['alerts'] as Record<string, unknown>[];
      for (const name of ['status', 'labels', 'annotations']) expect(mine?.[name], name).toEqual(its?.[name]);
      // The same instants; Go leaves out zeros at the end of a second's fraction.
      for (const name of ['startsAt', 'endsAt'])
        expect(Date.parse(String(mine?.[name])), name).toBe(Date.parse(String(its?.[name])));
      expect(String(its?.['fingerprint'])).toMatch(/^[0-9a-f]{16}$/);
      expect(String(mine?.['fingerprint'])).toMatch(/^[0-9a-f]{16}$/);
    }
  });
});

describe.skipIf(!has('amtool'))('amtool', () => {
  const { routes, ...rest } = routingSchema.parse({
    channels: ['desktop'],
    routes: [
      { matchers: [{ label: 'severity', operator: '=', value: 'critical' }], channels: ['phone'], continue: true },
      { matchers: [{ label: 'service', operator: '=~', value: 'shop/(web|api)' }], channels: ['shop'] },
      {
        matchers: [
          { label: 'stack', operator: '!=', value: 'test' },
          { label: 'team', operator: '!~', value: 'a.*' },
        ],
        channels: ['chat'],
      },
      { matchers: [], channels: ['rest'] },
    ],
  });
  const given: Routing = { ...rest, routes };

  it('routes alerts as we do', () => {
    const file = join(folder, 'routes.yml');
    const names = ['desktop', 'phone', 'shop', 'chat', 'rest'];
    writeFileSync(
      file,
      JSON.stringify({
        route: {
          receiver: 'desktop',
          routes: routes.map((route) => ({
            receiver: route.channels[0],
            continue: route.continue,
            matchers: route.matchers.map(({ label, operator, value }) => `${label}${operator}${JSON.stringify(value)}`),
          })),
        },
        receivers: names.map((name) => ({ name })),
      }),
    );
    expect(spawnSync('amtool', ['check-config', file], { encoding: 'utf8' })).toMatchObject({ status: 0 });
    for (const labels of [
      { severity: 'critical', service: 'shop/web', stack: 'shop' },
      { severity: 'critical', service: 'blog/web', stack: 'blog' },
      { severity: 'warning', service: 'shop/api', stack: 'shop' },
      { severity: 'warning', service: 'shop/api2', stack: 'shop' },
      { severity: 'warning', stack: 'test' },
      { severity: 'warning', stack: 'blog', team: 'alpha' },
      { severity: 'warning', stack: 'blog', team: 'beta' },
      {},
    ] as Record<string, string>[]) {
      const words = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
      const asked = spawnSync('amtool', ['config', 'routes', 'test', `--config.file=${file}`, ...words], {
        encoding: 'utf8',
      });
      expect(tryRouting(labels, given, 0).channels.join(','), words.join(' ')).toBe(asked.stdout.trim());
    }
  });
});

describe.skipIf(!has('promtool'))('promtool', () => {
  const check = (text: string): { status: number | null; stdout: string; stderr: string } => {
    const file = join(folder, 'rules.yml');
    writeFileSync(file, text);
    return spawnSync('promtool', ['check', 'rules', file], { encoding: 'utf8' });
  };

  it('accepts the rules that come along, apart from what Prometheus has no words for', () => {
    const document = parseDocument(defaultRules).toJS() as { groups: { rules: Record<string, unknown>[] }[] };
    const own = document.groups.map((group) => ({
      ...group,
      rules: group.rules.filter((rule) => rule['expr'] !== undefined).map(({ 'x-pilothouse': _own, ...rule }) => rule),
    }));
    const { status, stderr, stdout } = check(JSON.stringify({ groups: own }));
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(stdout).toContain('SUCCESS');
    expect(parseRuleFile(defaultRules).problems).toEqual([]);
  });

  const rule = (more: string): string =>
    `groups:\n  - name: a\n    rules:\n      - alert: Odd\n${more.replace(/^/gm, '        ')}\n`;
  it.each([
    ['a plain rule', 'expr: up == 0\nfor: 5m', true],
    [
      'labels and templates',
      'expr: up == 0\nlabels: { severity: page }\nannotations: { summary: "{{ $labels.a }} {{ $value }}" }',
      true,
    ],
    ['keep_firing_for', 'expr: sum(rate(a[5m])) by (b) > 1\nkeep_firing_for: 10m', true],
    ['no expression', 'for: 5m', false],
    ['half an expression', 'expr: sum(a', false],
    ['an unknown function', 'expr: nosuch(a)', false],
    ['a span that is none', 'expr: up\nfor: soon', false],
    ['two matchers without a name', 'expr: "{}"', false],
  ])('agrees with us about %s', (_name, text, fine) => {
    const { status, stderr } = check(rule(text));
    expect(status === 0, stderr).toBe(fine);
    const { rules, problems } = parseRuleFile(rule(text));
    expect(rules.length === 1 && problems.length === 0, JSON.stringify(problems)).toBe(fine);
  });
});
