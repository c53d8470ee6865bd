/**
 * Is an XML text well-formed? Tags match, attributes are quoted and not doubled, entities are the five known ones or numbers. A document
 * type is refused: with it come entities that grow without bound and files read from elsewhere.
 */
import type { Problem } from '../../../contract/errors';
import { limits } from '../limits';
import { faultAt } from './spot';

const name = /[A-Za-z_:\u00c0-\uffff][\w.:\u00b7-\uffff-]*/y;
const entity = /&(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});/y;

/** The first fault; none means well-formed. */
export function checkXml(text: string): Problem | undefined {
  const open: { name: string; at: number }[] = [];
  let roots = 0;
  let at = text.startsWith('\ufeff') ? 1 : 0;
  const fault = (offset: number, message: string): Problem => faultAt(text, offset, message);
  const match = (pattern: RegExp, from: number): string | undefined => {
    pattern.lastIndex = from;
    return pattern.exec(text)?.[0];
  };
  /** The end of a part that closes with `close`, or -1. */
  const past = (close: string, from: number): number => {
    const end = text.indexOf(close, from);
    return end < 0 ? -1 : end + close.length;
  };

  while (at < text.length) {
    const next = text.indexOf('<', at);
    const words = text.slice(at, next < 0 ? text.length : next);
    if (open.length === 0 && words.trim() !== '')
      return fault(at + words.search(/\S/), 'Text is only allowed inside the root element.');
    for (let amp = words.indexOf('&'); amp >= 0; amp = words.indexOf('&', amp + 1)) {
      if (match(entity, at + amp) === undefined) return fault(at + amp, 'Write &amp; for an ampersand.');
    }
    if (next < 0) break;
    at = next;
    const special = (
      [
        ['<!--', '-->'],
        ['<![CDATA[', ']]>'],
        ['<?', '?>'],
      ] as const
    ).find(([begin]) => text.startsWith(begin, at));
    if (special) {
      if (special[0] === '<![CDATA[' && open.length === 0)
        return fault(at, 'Text is only allowed inside the root element.');
      const end = past(special[1], at + special[0].length);
      if (end < 0) return fault(at, `${special[0]} is not closed by ${special[1]}.`);
      at = end;
      continue;
    }
    if (text.startsWith('<!', at)) return fault(at, 'Document types are not accepted.');
    if (text[at + 1] === '/') {
      const closing = match(name, at + 2);
      const last = open.pop();
      if (closing === undefined || closing !== last?.name)
        return fault(at, last ? `</${last.name}> was expected here.` : 'Nothing is open that could be closed here.');
      const end = match(/\s*>/y, at + 2 + closing.length);
      if (end === undefined) return fault(at, `</${closing}> is not closed by >.`);
      at += 2 + closing.length + end.length;
      continue;
    }
    const tag = match(name, at + 1);
    if (tag === undefined) return fault(at, 'Write &lt; for a less-than sign; a name was expected after it.');
    const start = at;
    at += 1 + tag.length;
    const seen = new Set<string>();
    for (;;) {
      const end = match(/\s*\/?>/y, at);
      if (end !== undefined) {
        at += end.length;
        if (open.length === 0 && (roots += 1) > 1) return fault(start, 'There is more than one root element.');
        if (!end.includes('/')) open.push({ name: tag, at: start });
        if (open.length > limits.depth) return fault(start, `It is nested deeper than ${limits.depth} levels.`);
        break;
      }
      const gap = match(/\s+/y, at);
      const attribute = gap === undefined ? undefined : match(name, at + gap.length);
      if (gap === undefined || attribute === undefined) return fault(at, `An attribute or > was expected in <${tag}>.`);
      at += gap.length;
      if (seen.has(attribute)) return fault(at, `${attribute} is there twice.`);
      seen.add(attribute);
      const value = match(/\s*=\s*(?:"[^"<]*"|'[^'<]*')/y, at + attribute.length);
      if (value === undefined) return fault(at, `The value of ${attribute} must be in quotes, without <.`);
      for (let amp = value.indexOf('&'); amp >= 0; amp = value.indexOf('&', amp + 1)) {
        if (match(entity, at + attribute.length + amp) === undefined)
          return fault(at + attribute.length + amp, 'Write &amp; for an ampersand.');
      }
      at += attribute.length + value.length;
    }
  }
  const last = open.at(-1);
  if (last) return fault(last.at, `<${last.name}> is not closed.`);
  return roots === 0 ? fault(text.length, 'A root element is missing.') : undefined;
}
