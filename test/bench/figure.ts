/** What every benchmark gives, and how rounds become figures: only ratios taken in one round mean anything on a shared machine. */

/** One line of a benchmark's result. */
export interface Figure {
  bench: string;
  /** What was measured, with its size: `cpu of engine + app, 50 containers`. */
  figure: string;
  /** Medians over the rounds, in `unit`. */
  ours: number;
  peer: number;
  peerName: string;
  /** The median of the rounds' own ratios, ours to peer. */
  ratio: number;
  unit: string;
  runs: number;
  /** Smallest and largest of the rounds. */
  spread: { ours: [number, number]; peer: [number, number]; ratio: [number, number] };
  /** The size it was measured at, where there are several: growth is told from it. */
  size?: number;
  /** What it should be at most (or, with `atLeast`, at least), as performance.md sets it. */
  goal?: Goal;
  /** Rounds during which somebody else used this machine; such a figure passes or fails nothing. */
  noisy?: number;
  /** What the numbers do not say, such as `never, within 15 s`. */
  note?: string;
}

/** A limit for the ratio to the peer, or for our own figure in its unit. */
export interface Goal {
  of: 'ratio' | 'ours';
  limit: number;
  atLeast?: boolean;
}

export interface BenchOptions {
  /** Rounds per size; each measures ours and every peer in rotating order. */
  rounds?: number;
  /** Three sizes by default, so that the growth shows. */
  sizes?: number[];
  /** How often a round is done again when somebody else was busy on this machine; default 2. */
  redo?: number;
  /** Progress and skipped peers, for a person. */
  say?: (text: string) => void;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length >> 1;
  const [low = NaN, high = NaN] = [sorted[sorted.length % 2 ? middle : middle - 1], sorted[middle]];
  return (low + high) / 2;
}

/** Makes a figure of one peer out of the rounds. */
export function toFigure(
  name: Pick<Figure, 'bench' | 'figure' | 'peerName' | 'unit' | 'size' | 'goal' | 'noisy' | 'note'>,
  rounds: readonly { ours: number; peer: number }[],
): Figure {
  const [ours, peer] = [rounds.map((round) => round.ours), rounds.map((round) => round.peer)];
  const ratios = rounds.map((round) => round.ours / round.peer);
  const range = (values: number[]): [number, number] => [Math.min(...values), Math.max(...values)];
  return {
    ...name,
    ours: median(ours),
    peer: median(peer),
    ratio: median(ratios),
    runs: rounds.length,
    spread: { ours: range(ours), peer: range(peer), ratio: range(ratios) },
  };
}

/** The contestants in an order that moves on by one each round, so that none always comes first. */
export function rotated<T>(contestants: readonly T[], round: number): T[] {
  const shift = round % contestants.length;
  return [...contestants.slice(shift), ...contestants.slice(0, shift)];
}
