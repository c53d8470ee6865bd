/** A notice for a channel, ready to be sent. */
import type { ChannelInput } from '../../../contract/api/alerts';
import { fail } from '../../../contract/errors';
import type { Outgoing } from '../outgoing';
import { dingtalkBody, feishuBody, ntfyRequest, slackBody, wecomBody } from './chat';
import { mailBody } from './mail';
import { chineseSpeaker, english, testRule, type Speaker } from './speaker';
import { listOf, subjectOf, titleOf, type Notice } from './text';
import { webhookBody } from './webhook';

const json = { 'content-type': 'application/json; charset=utf-8' };
/** Where links in notices lead: the window, by its own scheme. */
const externalUrl = 'pilothouse://';

/**
 * Throws `bad-input` when the channel's address cannot work.
 *
 * @param unchanged whether a rule is as it came along: then its texts are known in every language
 */
export function outgoingOf(
  notice: Notice,
  channel: Pick<ChannelInput, 'name' | 'target'>,
  unchanged: (rule: string) => boolean = () => false,
): Outgoing {
  const { target } = channel;
  const post = (body: string, more: { answerCode?: 'errcode' | 'code' } = {}): Outgoing => {
    const { url, local } = target as { url: string; local: boolean };
    return { kind: 'http', url, headers: json, body, local, ...more };
  };
  const signed = (outgoing: Outgoing, kind: 'dingtalk' | 'feishu', secret: string): Outgoing =>
    outgoing.kind === 'http' && secret !== '' ? { ...outgoing, sign: { kind, secret } } : outgoing;
  switch (target.kind) {
    case 'desktop':
      return {
        kind: 'desktop',
        texts: {
          en: desktopText(notice, english),
          'zh-CN': desktopText(
            notice,
            chineseSpeaker((rule) => rule === testRule || unchanged(rule)),
          ),
        },
        route: routeOf(notice),
      };
    case 'webhook': {
      const body = webhookBody(notice, { receiver: channel.name, group: notice.id, externalUrl });
      return { kind: 'http', url: target.url, headers: { ...target.headers, ...json }, body, local: target.local };
    }
    case 'mail': {
      const { host, port, security, user, password, from, to, local } = target;
      return { kind: 'mail', host, port, security, user, password, from, to, local, ...mailBody(notice) };
    }
    case 'slack':
      return post(slackBody(notice));
    case 'dingtalk':
      return signed(post(dingtalkBody(notice), { answerCode: 'errcode' }), 'dingtalk', target.secret);
    case 'wecom':
      return post(wecomBody(notice), { answerCode: 'errcode' });
    case 'feishu':
      return signed(post(feishuBody(notice), { answerCode: 'code' }), 'feishu', target.secret);
    case 'ntfy': {
      const request = ntfyRequest(notice, target.url);
      if (!request) throw fail('bad-input', 'An ntfy address ends with the topic, such as https://ntfy.sh/my-topic.');
      const headers = target.token === '' ? json : { ...json, authorization: `Bearer ${target.token}` };
      return { kind: 'http', url: request.url, headers, body: request.body, local: target.local };
    }
  }
}

function desktopText(notice: Notice, speaker: Speaker): { title: string; body: string } {
  const lines = listOf(notice, { most: 4, speaker });
  return { title: titleOf(notice, speaker), body: lines.map(({ text }) => text).join('\n') };
}

/** The alert itself while one fires; what is over is in the history. */
function routeOf({ firing }: Notice): string {
  const [first] = firing;
  if (!first) return '/alerts/history';
  return firing.length === 1 ? `/alerts/firing/${first.id}` : '/alerts/firing';
}

/** A notice to look at or to test a channel with. */
export function sampleNotice(now: number, resolved: boolean): Notice {
  const alert = {
    id: '0000000000000000',
    rule: testRule,
    name: 'Test notice',
    severity: 'warning' as const,
    labels: { alertname: 'Test notice', severity: 'warning', stack: 'shop', service: 'shop/web' },
    annotations: { summary: 'This is a test of Pilothouse. Nothing is wrong.' },
    state: resolved ? ('resolved' as const) : ('firing' as const),
    value: 1,
    activeAt: now - 60_000,
    firedAt: now,
    ...(resolved ? { resolvedAt: now } : {}),
  };
  const groupLabels = { alertname: alert.name, stack: subjectOf({ stack: 'shop' }) };
  return { id: 'test', groupLabels, firing: resolved ? [] : [alert], resolved: resolved ? [alert] : [] };
}
