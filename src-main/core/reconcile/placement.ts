/** Why a replica is on its node: kept small with its row when it is placed, and told from there as long as it runs. Pure. */
import type { PlacementView } from '../../contract/nouns';
import { sentence, type Sentence, type WordCode } from '../../contract/sentence';
import type { FilterName, Ranking, Scores } from '../schedule';
import type { AttemptRow, PlacementRow } from '../store';

/** The order of a kept score's parts. Part of what is on disk: only append. */
const parts = ['room', 'evenness', 'spread', 'image', 'volume', 'affinity', 'taint'] as const;

/** Nodes kept of each kind. */
export const mostKept = 3;
/** Characters of a name that are kept. */
const mostName = 64;

const partWords: Readonly<Record<keyof Scores, WordCode>> = {
  room: 'place.room',
  evenness: 'place.evenness',
  spread: 'place.spread',
  image: 'place.image',
  volume: 'place.volume',
  affinity: 'place.affinity',
  taint: 'place.taint',
};

const filterWords: Readonly<Record<FilterName, WordCode>> = {
  away: 'place.away',
  cordoned: 'place.cordoned',
  platform: 'place.platform',
  constraint: 'place.constraint',
  data: 'place.data',
  together: 'place.together',
  taint: 'place.tainted',
  perNode: 'place.perNode',
  port: 'place.port',
  affinity: 'place.against',
  cpus: 'place.cpus',
  memory: 'place.memory',
};

/** What is kept of a decision. */
export function placementRow(
  ranking: Ranking,
  nameOf: (id: string) => string,
  tie?: PlacementRow['tie'],
): PlacementRow {
  const name = (id: string): string => nameOf(id).slice(0, mostName);
  const row: PlacementRow = {
    rated: ranking.rated.slice(0, mostKept).map(({ node, scores }) => ({
      node: name(node),
      scores: parts.map((part) => Math.round(scores[part] * 1000)),
    })),
    fit: ranking.fit,
    refused: ranking.refused.map(({ filter, nodes, first = [] }) => ({
      filter,
      nodes,
      names: first.slice(0, mostKept).map(name),
    })),
  };
  if (tie) row.tie = { kind: tie.kind, name: tie.name.slice(0, mostName) };
  return row;
}

/** A replica that runs, or is to: where it was put, when, and why there. */
export function placementOf(attempt: AttemptRow, at: { node: string; alone: boolean }): PlacementView {
  const { placement } = attempt;
  const decided = { node: at.node, at: attempt.createdAt, revision: attempt.revision };
  if (attempt.adopted === true) return { ...decided, words: sentence('place.adopted', { node: at.node }), ...nobody };
  if (!placement)
    return { ...decided, words: sentence(at.alone ? 'place.alone' : 'place.unknown', { node: at.node }), ...nobody };
  return { ...decided, words: whyThere(placement, at.node), ...tellOf(placement) };
}

/** A replica that no node takes now. */
export function refusalOf(placement: PlacementRow, words: Sentence): PlacementView {
  return { words, ...tellOf(placement) };
}

const nobody = { rated: [], fit: 0, refused: [] };

function whyThere({ tie, fit, rated }: PlacementRow, node: string): Sentence {
  switch (tie?.kind) {
    case 'volume':
      return sentence('place.tieVolume', { volume: tie.name, node });
    case 'folder':
      return sentence('place.tieFolder', { path: tie.name, node });
    case 'network':
      return sentence('place.tieNetwork', { network: tie.name, node });
    case 'together':
      return sentence('place.tieTogether', { services: tie.name, node });
    case 'global':
      return sentence('place.tieGlobal', { node });
    case undefined: {
      if (rated.length < 2) return sentence('place.only', { node });
      const [best = 0, next = 0] = rated.map(({ scores = [] }) => scores.reduce((sum, one) => sum + one, 0));
      return sentence(best === next ? 'place.even' : 'place.best', { node, count: fit });
    }
  }
}

function tellOf({ rated, fit, refused }: PlacementRow): Pick<PlacementView, 'rated' | 'fit' | 'refused'> {
  const value = (scores: readonly number[] | undefined, at: number): number => (scores?.[at] ?? 0) / 1000;
  // A part that speaks for nobody is left out.
  const told = parts.flatMap((part, at) => (rated.some(({ scores }) => scores?.[at]) ? [{ part, at }] : []));
  return {
    rated: rated.flatMap(({ node, scores }) =>
      scores
        ? {
            node,
            score: scores.reduce((sum, one) => sum + one, 0) / 1000,
            parts: told.map(({ part, at }) => ({ words: sentence(partWords[part]), value: value(scores, at) })),
          }
        : [],
    ),
    fit,
    refused: refused.flatMap(({ filter, nodes, names }) =>
      isFilter(filter) ? { words: sentence(filterWords[filter], { count: nodes }), nodes: names } : [],
    ),
  };
}

function isFilter(filter: string): filter is FilterName {
  return Object.hasOwn(filterWords, filter);
}
