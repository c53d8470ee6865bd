/** Rounds: everybody once per round, in an order that moves on, on a machine that is looked at before and after. */
import { setTimeout as sleep } from 'node:timers/promises';
import { rotated, toFigure, type BenchOptions, type Figure } from '../figure';
import { isQuiet, probe, showNoise, worse } from './noise';

/** Somebody who does the work that is measured. The first is ours. */
export interface Contestant {
  name: string;
  /** Does it once and tells the figures by name, in the bench's units. */
  measure(round: number): Promise<Record<string, number>>;
}

export interface Rounds {
  /** Per kept round: contestant → measure → value. */
  rows: Map<string, Record<string, number>>[];
  /** How many of them were noisy to the end. */
  noisy: number;
}

/** What is left of the last act settles before the next contestant begins, milliseconds. */
const breath = 700;

/**
 * Runs the rounds. A round with others at work is done again, at most `redo` times, and then kept and counted as noisy. A peer that
 * fails is left out from then on, aloud; ours failing is an error.
 */
export async function runRounds(
  contestants: readonly Contestant[],
  options: Pick<BenchOptions, 'rounds' | 'redo' | 'say'>,
): Promise<Rounds> {
  const { rounds = 5, redo = 2, say = () => undefined } = options;
  const [ours] = contestants;
  const out = new Set<Contestant>();
  const result: Rounds = { rows: [], noisy: 0 };
  for (let round = 0; round < rounds; round += 1) {
    for (let again = 0; ; again += 1) {
      const before = await probe();
      const row = new Map<string, Record<string, number>>();
      for (const contestant of rotated(contestants, round)) {
        if (out.has(contestant)) continue;
        try {
          const measured = await contestant.measure(round);
          row.set(contestant.name, measured);
          say(`  round ${round + 1}: ${contestant.name}: ${showAll(measured)}`);
        } catch (thrown) {
          if (contestant === ours) throw thrown;
          out.add(contestant);
          say(`! ${contestant.name} is left out: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
        }
        await sleep(breath);
      }
      const noise = worse(before, await probe());
      say(`  round ${round + 1}: ${showNoise(noise)}`);
      const quiet = isQuiet(noise);
      if (!quiet && again < redo) {
        say(`  round ${round + 1} is done again: the machine was not ours`);
        continue;
      }
      result.rows.push(row);
      if (!quiet) result.noisy += 1;
      break;
    }
  }
  return result;
}

/** The figure of one measure against one peer, from the rounds that have both; undefined when there is none. */
export function compare(
  rounds: Rounds,
  measure: { ours: string; peer: string; of: string; peerOf?: string },
  name: Omit<Parameters<typeof toFigure>[0], 'peerName' | 'noisy'> & { peerName?: string },
): Figure | undefined {
  const pairs = rounds.rows.flatMap((row) => {
    const ours = row.get(measure.ours)?.[measure.of];
    const peer = row.get(measure.peer)?.[measure.peerOf ?? measure.of];
    return ours === undefined || peer === undefined ? [] : [{ ours, peer }];
  });
  if (pairs.length === 0) return undefined;
  const noisy = rounds.noisy > 0 ? { noisy: rounds.noisy } : {};
  return toFigure({ peerName: measure.peer, ...name, ...noisy }, pairs);
}

function showAll(measured: Record<string, number>): string {
  return Object.entries(measured)
    .map(([name, value]) => `${name} ${Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(2)}`)
    .join(', ');
}
