import { shallowReactive } from 'vue';
import type { Component } from 'vue';
import type { State } from '../parts/state';
import { fuzzyMatch, hasWords } from './fuzzy';

export type PaletteGroup = 'goTo' | 'actOn' | 'searchLogs';
export const paletteGroups: readonly PaletteGroup[] = ['goTo', 'actOn', 'searchLogs'];

/** A line of the palette. `title` is matched and shown; `keywords` are matched only. */
export interface PaletteItem {
  id: string;
  group: PaletteGroup;
  title: string;
  hint?: string;
  keywords?: string;
  icon?: Component;
  state?: State;
  run: () => void;
}

/** Gives items for what is typed now. Items are ranked by the palette; `fixed` ones are shown as given (searches). */
export interface PaletteProvider {
  id: string;
  fixed?: boolean;
  items: (query: string) => readonly PaletteItem[];
}

const providers = shallowReactive<PaletteProvider[]>([]);

/** Adds a provider; returns how to take it away. A provider with the same id is replaced. */
export function providePalette(provider: PaletteProvider): () => void {
  const before = providers.findIndex((one) => one.id === provider.id);
  if (before >= 0) providers.splice(before, 1, provider);
  else providers.push(provider);
  return () => {
    const index = providers.indexOf(provider);
    if (index >= 0) providers.splice(index, 1);
  };
}

export interface RankedItem {
  item: PaletteItem;
  at: number[];
}

const mostPerGroup: Record<PaletteGroup, number> = { goTo: 8, actOn: 8, searchLogs: 3 };

/** Ranks items of one query, best first, at most a few per group; groups keep their fixed order. */
export function rankItems(
  query: string,
  sources: readonly { fixed: boolean; items: readonly PaletteItem[] }[],
): RankedItem[] {
  const ranked: (RankedItem & { score: number })[] = [];
  for (const source of sources) {
    for (const item of source.items) {
      if (source.fixed) {
        ranked.push({ item, at: [], score: 0 });
        continue;
      }
      const byTitle = fuzzyMatch(query, item.title);
      if (byTitle) ranked.push({ item, at: byTitle.at, score: byTitle.score });
      else if (hasWords(query, `${item.title} ${item.hint ?? ''} ${item.keywords ?? ''}`))
        ranked.push({ item, at: [], score: 0 });
    }
  }
  return paletteGroups.flatMap((group) =>
    ranked
      .filter((one) => one.item.group === group)
      .sort((a, b) => b.score - a.score)
      .slice(0, mostPerGroup[group]),
  );
}

/** What the palette shows for a query, from every provider. Reactive. */
export function paletteItems(query: string): RankedItem[] {
  return rankItems(
    query,
    providers.map((provider) => ({ fixed: provider.fixed ?? false, items: provider.items(query) })),
  );
}
