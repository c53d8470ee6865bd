/** Whether anything was measured at each step of a query: an empty result means "well" only where something was. */
import type { Selector, Steps } from './ast';
import { staleAfter, type Selection } from './select';

/** 1 for each step at which any of the selectors has a value that is not too old. A query without selectors is always measured. */
export function coverage(selections: ReadonlyMap<Selector, Selection>, { from, step, count }: Steps): Uint8Array {
  const measured = new Uint8Array(count);
  if (selections.size === 0) return measured.fill(1);
  for (const [selector, { series, step: every }] of selections) {
    const stale = staleAfter(every);
    for (const { t } of series) {
      let place = -1;
      for (let at = 0; at < count; at++) {
        const time = from + at * step - selector.offset;
        while (place + 1 < t.length && (t[place + 1] as number) <= time) place += 1;
        if (place >= 0 && time - (t[place] as number) < stale) measured[at] = 1;
      }
    }
  }
  return measured;
}
