/** Secret fields of channels: sealed in the store, hidden from screens, open only when a notice is sent. */
import type { ChannelTarget } from '../../contract/api/alerts';

/** Turns secrets into what may lie on the disk, and back. */
export interface Sealer {
  seal(text: string): string;
  open(sealed: string): string;
}

/** What screens see instead; sent back so, the secret stays as it is. */
export const hiddenText = '••••';

/** The target with each secret text changed. `field` is its path. */
export function mapSecrets(target: ChannelTarget, change: (text: string, field: string) => string): ChannelTarget {
  const one = (text: string, field: string): string => (text === '' ? '' : change(text, field));
  switch (target.kind) {
    case 'desktop':
      return target;
    case 'webhook': {
      const headers = Object.entries(target.headers).map(
        ([name, value]) => [name, one(value, `headers.${name}`)] as const,
      );
      return { ...target, headers: Object.fromEntries(headers) };
    }
    case 'mail':
      return { ...target, password: one(target.password, 'password') };
    case 'slack':
    case 'wecom':
      return { ...target, url: one(target.url, 'url') };
    case 'dingtalk':
    case 'feishu':
      return { ...target, url: one(target.url, 'url'), secret: one(target.secret, 'secret') };
    case 'ntfy':
      return { ...target, token: one(target.token, 'token') };
  }
}

/** What the user sent, with the secrets that he did not change taken from what is kept. */
export function keepSecrets(given: ChannelTarget, kept: ChannelTarget | undefined): ChannelTarget {
  const old = new Map<string, string>();
  // Only of the same kind and place: a secret must not be sent to another host because its field was left alone.
  if (kept && kept.kind === given.kind && placeOf(kept) === placeOf(given))
    mapSecrets(kept, (text, field) => {
      old.set(field, text);
      return text;
    });
  return mapSecrets(given, (text, field) => (text === hiddenText ? (old.get(field) ?? '') : text));
}

function placeOf(target: ChannelTarget): string {
  if (target.kind === 'mail') return `${target.host}:${target.port}`;
  return target.kind === 'webhook' || target.kind === 'ntfy' ? target.url : '';
}
