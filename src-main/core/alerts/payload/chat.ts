/** Slack, DingTalk, WeCom, Feishu and ntfy: each its own JSON. Alerts' texts are data and never markup. */
import { listOf, titleOf, worstOf, type Notice } from './text';

const colours = { critical: '#d9363e', warning: '#d98e04', info: '#3b82f6', ok: '#2e9e5b' } as const;
/** WeCom takes 4,096 bytes, DingTalk about 20,000; a character of Chinese has three. */
const shortText = 1200;

export function slackBody(notice: Notice): string {
  const escape = (text: string): string => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
  const lines = listOf(notice).map(({ text, over }) => `${over ? ':white_check_mark:' : '•'} ${escape(text)}`);
  const title = escape(titleOf(notice));
  return JSON.stringify({
    text: title,
    attachments: [{ color: colours[worstOf(notice)], text: lines.join('\n'), mrkdwn_in: [] }],
  });
}

export function dingtalkBody(notice: Notice): string {
  const text = `### ${plain(titleOf(notice))}\n\n${markdownList(notice)}`;
  return JSON.stringify({ msgtype: 'markdown', markdown: { title: titleOf(notice), text } });
}

export function wecomBody(notice: Notice): string {
  const content = `**${plain(titleOf(notice))}**\n${markdownList(notice)}`;
  return JSON.stringify({ msgtype: 'markdown', markdown: { content: content.slice(0, shortText) } });
}

/** `timestamp` and `sign` are added when the channel has a secret. */
export function feishuBody(notice: Notice): string {
  const templates = { critical: 'red', warning: 'orange', info: 'blue', ok: 'green' } as const;
  return JSON.stringify({
    msg_type: 'interactive',
    card: {
      header: { title: { tag: 'plain_text', content: titleOf(notice) }, template: templates[worstOf(notice)] },
      elements: [
        {
          tag: 'div',
          text: {
            tag: 'plain_text',
            content: listOf(notice)
              .map(({ text, over }) => `${over ? '✓' : '•'} ${text}`)
              .join('\n'),
          },
        },
      ],
    },
  });
}

/** Published as JSON to the server's root, so that titles may have any letters; undefined when the address has no topic. */
export function ntfyRequest(notice: Notice, url: string): { url: string; body: string } | undefined {
  const [, server, topic] = /^(https?:\/\/[^?#]+)\/([A-Za-z0-9_-]{1,64})\/?$/.exec(url) ?? [];
  if (server === undefined || topic === undefined) return undefined;
  const priorities = { critical: 5, warning: 4, info: 3, ok: 3 } as const;
  const tags = {
    critical: 'rotating_light',
    warning: 'warning',
    info: 'information_source',
    ok: 'white_check_mark',
  } as const;
  const worst = worstOf(notice);
  const message = listOf(notice)
    .map(({ text }) => text)
    .join('\n');
  return {
    url: `${server}/`,
    body: JSON.stringify({ topic, title: titleOf(notice), message, priority: priorities[worst], tags: [tags[worst]] }),
  };
}

function markdownList(notice: Notice): string {
  return listOf(notice)
    .map(({ text, over }) => `- ${over ? '✓ ' : ''}${plain(text)}`)
    .join('\n');
}

/** Markdown's own characters, links and mentions lose their meaning. */
function plain(text: string): string {
  return text.replace(/[\\`*_[\]()<>#@!|~]/g, (char) => `\\${char}`);
}
