/** A notice as people read it before it is sent; nothing secret in it. */
import type { ChannelInput } from '../../contract/api/alerts';
import type { Language } from '../../contract/ruleTexts';
import { outgoingOf, sampleNotice } from './payload/payload';
import { hiddenText, mapSecrets } from './secrets';

export function previewOf(
  channel: ChannelInput,
  given: { now: number; resolved: boolean; language: Language },
): { type: string; text: string } {
  const shown = {
    ...channel,
    target: mapSecrets(channel.target, (_text, field) => (field === 'url' ? `https://${hiddenText}` : hiddenText)),
  };
  const outgoing = outgoingOf(sampleNotice(given.now, given.resolved), shown);
  switch (outgoing.kind) {
    case 'desktop': {
      const { title, body } = outgoing.texts[given.language];
      return { type: 'text', text: `${title}\n${body}` };
    }
    case 'mail':
      return {
        type: 'mail',
        text: `From: ${outgoing.from}\nTo: ${outgoing.to.join(', ')}\nSubject: ${outgoing.subject}\n\n${outgoing.text}`,
      };
    case 'http': {
      const headers = Object.entries(outgoing.headers).map(([name, value]) => `${name}: ${value}`);
      const body = JSON.stringify(JSON.parse(outgoing.body), null, 2);
      return { type: 'http', text: [`POST ${outgoing.url}`, ...headers, '', body].join('\n') };
    }
  }
}
