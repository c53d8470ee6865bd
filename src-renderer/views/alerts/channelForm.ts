/** A channel's target for each kind, and its lists as text. */
import type { ChannelInput, ChannelTarget } from '../../../src-main/contract/api/alerts';

export const channelKinds = ['desktop', 'webhook', 'mail', 'slack', 'dingtalk', 'wecom', 'feishu', 'ntfy'] as const;

export function blankTarget(kind: ChannelTarget['kind']): ChannelTarget {
  switch (kind) {
    case 'desktop':
      return { kind };
    case 'webhook':
      return { kind, url: 'https://', headers: {}, local: false };
    case 'mail':
      return {
        kind,
        host: '',
        port: 587,
        security: 'starttls',
        user: '',
        password: '',
        from: '',
        to: [],
        local: false,
      };
    case 'slack':
    case 'wecom':
      return { kind, url: 'https://', local: false };
    case 'dingtalk':
    case 'feishu':
      return { kind, url: 'https://', secret: '', local: false };
    case 'ntfy':
      return { kind, url: 'https://ntfy.sh/', token: '', local: false };
  }
}

export const blankChannel: ChannelInput = {
  name: '',
  enabled: true,
  target: blankTarget('webhook'),
  sendResolved: true,
  least: 'info',
};

/** `NAME: VALUE`, one a line. */
export function parseHeaders(text: string): Record<string, string> {
  const pairs = text.split('\n').flatMap((line): [string, string][] => {
    const at = line.indexOf(':');
    return at > 0 ? [[line.slice(0, at).trim(), line.slice(at + 1).trim()]] : [];
  });
  return Object.fromEntries(pairs);
}

export function writeHeaders(headers: Readonly<Record<string, string>>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n');
}
