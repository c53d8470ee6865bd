/** Where a line comes from, asked by name. */
import { replicaOf, type LogSource } from '../line';
import { fold } from '../segment/tokens';
import type { SourcePart } from './ast';

/** A test of sources; `*` in the pattern stands for anything. The pattern is folded. */
export function sourceTest(part: SourcePart, pattern: string): (source: LogSource) => boolean {
  const glob = globTest(pattern);
  switch (part) {
    case 'stack':
      return (source) => glob(source.stack);
    case 'service':
      return (source) => glob(fold(source.service)) || glob(fold(`${source.stack}/${source.service}`));
    case 'replica':
      return (source) =>
        glob(String(source.slot)) || glob(fold(`${source.service}.${source.slot}`)) || glob(fold(replicaOf(source)));
    case 'container':
      return (source) =>
        (pattern.length >= 4 && source.container.startsWith(pattern)) ||
        glob(source.container) ||
        glob(fold(`${source.stack}.${source.service}.${source.slot}.g${source.generation}`));
    case 'generation':
      return (source) => glob(String(source.generation));
    case 'revision':
      return (source) => glob(String(source.revision));
  }
}

/** `*` stands for anything. Linear: each piece is found leftmost once. */
function globTest(pattern: string): (text: string) => boolean {
  if (!pattern.includes('*')) return (text) => text === pattern;
  const pieces = pattern.split(/\*+/);
  const first = pieces[0] ?? '';
  const last = pieces.at(-1) ?? '';
  const middle = pieces.slice(1, -1);
  return (text) => {
    if (!text.startsWith(first) || !text.endsWith(last)) return false;
    let at = first.length;
    for (const piece of middle) {
      const found = text.indexOf(piece, at);
      if (found < 0) return false;
      at = found + piece.length;
    }
    return at + last.length <= text.length;
  };
}
