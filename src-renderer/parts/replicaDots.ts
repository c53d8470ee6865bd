import type { State } from './state';

/** One replica as a dot. `revision` parts the dots by hairlines; `label` is said in the popover. */
export interface ReplicaDot {
  state: State;
  revision?: string;
  label?: string;
}

/** What ReplicaDots draws: glyphs and separators, and a sum instead when there are too many. */
export interface DotLayout {
  sum: string;
  items: ({ kind: 'dot'; dot: ReplicaDot } | { kind: 'separator' })[];
}

/**
 * Lays out the dots of a service. Up to `most` replicas are all drawn, with a hairline where the
 * revision changes; beyond, "12/14" stands for the well ones and only the others are drawn (at most `most`).
 */
export function layoutDots(dots: readonly ReplicaDot[], most = 8): DotLayout {
  const crowded = dots.length > most;
  const well = dots.filter((dot) => dot.state === 'ok').length;
  const drawn = crowded ? dots.filter((dot) => dot.state !== 'ok').slice(0, most) : dots;
  const items: DotLayout['items'] = [];
  drawn.forEach((dot, index) => {
    const before = drawn[index - 1];
    if (before && before.revision !== dot.revision) items.push({ kind: 'separator' });
    items.push({ kind: 'dot', dot });
  });
  return { sum: crowded ? `${well}/${dots.length}` : '', items };
}
