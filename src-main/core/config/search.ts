/** Finds a text in names, drafts and released texts. */
import type { ConfigHit } from '../../contract/api/config';
import type { ConfigItemRow } from '../store';

const widest = 160;

/** Hits in the order of the items; one more than `limit` at most, so that the caller knows that there are more. */
export function searchItems(
  items: readonly ConfigItemRow[],
  released: (item: ConfigItemRow) => string | undefined,
  text: string,
  limit: number,
): ConfigHit[] {
  const wanted = text.toLowerCase();
  const hits: ConfigHit[] = [];
  for (const item of items) {
    const id = { key: item.key, namespace: item.namespace, group: item.group, name: item.name };
    if (item.key.toLowerCase().includes(wanted)) hits.push({ ...id, in: 'name', excerpt: item.key });
    const active = released(item);
    const texts = [
      ['released', active],
      ['draft', item.draft === active ? undefined : item.draft],
    ] as const;
    for (const [place, body] of texts) {
      if (body === undefined || !body.toLowerCase().includes(wanted)) continue;
      for (const [index, line] of body.split('\n').entries()) {
        if (hits.length > limit) return hits;
        const at = line.toLowerCase().indexOf(wanted);
        if (at >= 0) hits.push({ ...id, in: place, line: index + 1, excerpt: cut(line, at) });
      }
    }
    if (hits.length > limit) return hits;
  }
  return hits;
}

function cut(line: string, at: number): string {
  if (line.length <= widest) return line;
  const from = Math.max(0, at - widest / 2);
  return `${from > 0 ? '…' : ''}${line.slice(from, from + widest)}${from + widest < line.length ? '…' : ''}`;
}
