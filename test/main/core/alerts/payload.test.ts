import { describe, expect, it } from 'vitest';
import { channelTarget } from '../../../../src-main/contract/api/alerts';
import { outgoingOf, sampleNotice } from '../../../../src-main/core/alerts/payload/payload';
import { lineOf, listOf, titleOf, type Notice } from '../../../../src-main/core/alerts/payload/text';
import type { AlertRow } from '../../../../src-main/core/store';

const now = Date.UTC(2026, 0, 5);

function row(over: Partial<AlertRow> = {}): AlertRow {
  return {
    id: '0123456789abcdef',
    rule: 'Busy',
    name: 'Busy',
    severity: 'critical',
    labels: { alertname: 'Busy', service: 'shop/web' },
    annotations: { summary: 'shop/web is busy' },
    state: 'firing',
    activeAt: now,
    firedAt: now,
    ...over,
  };
}

const hostile = row({
  annotations: {
    summary: '<script>alert(1)</script> [x](http://evil) *b* <!channel> @all \u001b[31m\r\nSubject: x \u202e',
  },
});

function notice(...firing: AlertRow[]): Notice {
  return { id: 'n1', groupLabels: { alertname: 'Busy' }, firing, resolved: [] };
}

function bodyOf(target: unknown, given: Notice): Record<string, never> {
  const outgoing = outgoingOf(given, { name: 'Here', target: channelTarget.parse(target) });
  if (outgoing.kind !== 'http') throw new Error('not over HTTP');
  return JSON.parse(outgoing.body) as Record<string, never>;
}

const url = 'https://chat.example/hook';

describe('what the desktop shows', () => {
  const texts = (given: Notice, unchanged: readonly string[]): { title: string; body: string } => {
    const channel = { name: 'Here', target: channelTarget.parse({ kind: 'desktop' }) };
    const outgoing = outgoingOf(given, channel, (rule) => unchanged.includes(rule));
    if (outgoing.kind !== 'desktop') throw new Error('not for the desktop');
    expect(outgoing.texts.en).toEqual({
      title: titleOf(given),
      body: listOf(given, { most: 4 })
        .map(({ text }) => text)
        .join('\n'),
    });
    return outgoing.texts['zh-CN'];
  };
  const loop = row({
    rule: 'CrashLoop',
    name: 'Restart loop',
    labels: { alertname: 'Restart loop', service: 'shop/web', replica: 'shop/web.2' },
    annotations: { summary: 'shop/web.2 restarts again and again' },
  });

  it('speaks Chinese of rules that came along', () => {
    expect(texts(notice(loop), ['CrashLoop'])).toEqual({
      title: '[触发中 1] 反复重启 · shop/web.2',
      body: 'shop/web.2 反复重启',
    });
    const over = { id: 'n1', groupLabels: {}, firing: [], resolved: [{ ...loop, state: 'resolved' as const }] };
    expect(texts(over, ['CrashLoop']).title).toBe('[已恢复] 反复重启 · shop/web.2');
    expect(texts(sampleNotice(now, false), []).title).toBe('[触发中 1] 测试通知 · shop/web');
  });

  it('leaves what somebody wrote, also over a rule that came along', () => {
    expect(texts(notice(loop), [])).toEqual({
      title: '[触发中 1] Restart loop · shop/web.2',
      body: 'shop/web.2 restarts again and again',
    });
    expect(texts(notice(row({ rule: 'toString' })), ['toString']).body).toBe('shop/web is busy');
  });

  it('counts what it does not list', () => {
    const many = ['A', 'B', 'C', 'D', 'E'].map((name) => row({ name, annotations: {}, labels: {} }));
    expect(texts(notice(...many), [])).toEqual({ title: '[触发中 5] A、B、C 等 5 项', body: 'A\nB\nC\nD\n另有 1 条' });
  });

  it('puts a subject in as it stands', () => {
    const odd = row({ rule: 'Unhealthy', labels: { service: 'shop/$&' } });
    expect(texts(notice(odd), ['Unhealthy']).body).toBe('shop/$& 的健康检查失败');
  });
});

describe('payloads', () => {
  it('are what each service documents', () => {
    const one = notice(row());
    expect(bodyOf({ kind: 'slack', url }, one)).toEqual({
      text: '[FIRING:1] Busy · shop/web',
      attachments: [{ color: '#d9363e', text: '• shop/web is busy', mrkdwn_in: [] }],
    });
    expect(bodyOf({ kind: 'dingtalk', url }, one)).toMatchObject({
      msgtype: 'markdown',
      markdown: { title: '[FIRING:1] Busy · shop/web' },
    });
    expect(bodyOf({ kind: 'wecom', url }, one)).toMatchObject({ msgtype: 'markdown' });
    expect(bodyOf({ kind: 'feishu', url }, one)).toMatchObject({
      msg_type: 'interactive',
      card: { header: { template: 'red' } },
    });
    expect(bodyOf({ kind: 'ntfy', url: 'https://ntfy.example/alerts' }, one)).toEqual({
      topic: 'alerts',
      title: '[FIRING:1] Busy · shop/web',
      message: 'shop/web is busy',
      priority: 5,
      tags: ['rotating_light'],
    });
    expect(bodyOf({ kind: 'webhook', url }, one)).toMatchObject({
      version: '4',
      status: 'firing',
      groupKey: '{}:{alertname="Busy"}',
      alerts: [
        {
          status: 'firing',
          startsAt: '2026-01-05T00:00:00.000Z',
          endsAt: '0001-01-01T00:00:00Z',
          fingerprint: '0123456789abcdef',
        },
      ],
    });
  });

  it('are signed only where there is a secret', () => {
    const one = notice(row());
    const sign = (target: unknown): unknown => {
      const outgoing = outgoingOf(one, { name: 'x', target: channelTarget.parse(target) });
      return outgoing.kind === 'http' ? outgoing.sign : undefined;
    };
    expect(sign({ kind: 'dingtalk', url })).toBeUndefined();
    expect(sign({ kind: 'dingtalk', url, secret: 's' })).toEqual({ kind: 'dingtalk', secret: 's' });
    expect(sign({ kind: 'feishu', url, secret: 's' })).toEqual({ kind: 'feishu', secret: 's' });
  });

  it('carry hostile texts as harmless ones', () => {
    const line = lineOf(hostile);
    for (const char of '\r\n\u001b\u202e') expect(line).not.toContain(char);
    const slack = JSON.stringify(bodyOf({ kind: 'slack', url }, notice(hostile)));
    expect(slack).not.toContain('<!channel>');
    expect(slack).not.toContain('<script>');
    const ding = String(
      (bodyOf({ kind: 'dingtalk', url }, notice(hostile)) as unknown as { markdown: { text: string } }).markdown.text,
    );
    expect(ding).not.toContain('[x](http');
    expect(ding).toContain('\\@all');
    const mail = outgoingOf(notice({ ...hostile, name: 'a\r\nBcc: x@y' }), {
      name: 'm',
      target: channelTarget.parse({ kind: 'mail', host: 'h', from: 'a@b.c', to: ['d@e.f'] }),
    });
    if (mail.kind !== 'mail') throw new Error('no mail');
    expect(mail.subject).not.toMatch(/[\r\n]/);
    expect(mail.html).not.toContain('<script>');
    expect(mail.html).toContain('&lt;script&gt;');
  });

  it('stay short with many alerts', () => {
    const many = notice(
      ...Array.from({ length: 500 }, (_, at) => row({ name: `Rule ${at}`, labels: { service: `shop/s${at}` } })),
    );
    expect(titleOf(many)).toBe('[FIRING:500] Rule 0, Rule 1, Rule 2 and 497 more');
    const text = (bodyOf({ kind: 'wecom', url }, many) as unknown as { markdown: { content: string } }).markdown
      .content;
    expect(text.length).toBeLessThanOrEqual(1200);
    expect((bodyOf({ kind: 'webhook', url }, many) as unknown as { alerts: unknown[] }).alerts).toHaveLength(500);
  });

  it('have a sample of each state', () => {
    expect(titleOf(sampleNotice(now, false))).toBe('[FIRING:1] Test notice · shop/web');
    expect(titleOf(sampleNotice(now, true))).toBe('[RESOLVED] Test notice · shop/web');
  });
});
