/**
 * The window under load for minutes: containers write 50,000 lines a second, the log screen follows them, and the memory of each of our
 * processes is looked at all the while. Whether it grows is told by the last minute against the second: in the first, heaps, caches and the
 * list fill. The peer of the whole is a plain page in an empty window that shows as many lines.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { median, type BenchOptions, type Figure } from './figure';
import { newFolder, removeFolder } from './kit/folder';
import { pssByKind } from './kit/processes';
import { compare, runRounds, type Contestant } from './kit/rounds';
import { oursFollows, plainFollows, talk } from './kit/talk';
import { alone, MeasuredWindow } from './kit/window';

export const needs: readonly string[] = ['window'];

const rate = 50_000;
/** Between two looks at memory; of each minute there are then a dozen. Milliseconds. */
const every = 5_000;
const minute = 60_000;

interface Look {
  at: number;
  /** MB of each kind of process. */
  kinds: Map<string, number>;
  /** MB of JavaScript objects in the page, what nobody holds any more included. */
  heap: number;
}

/** Runs the benchmark; sizes are minutes. */
export async function* run(options: BenchOptions = {}): AsyncIterable<Figure> {
  const { sizes = [6], rounds = 1 } = options;
  for (const size of sizes) yield* soak(size, { ...options, rounds });
}

async function* soak(size: number, options: BenchOptions): AsyncIterable<Figure> {
  const { say = () => undefined } = options;
  if (size < 3) throw new Error('The first of three minutes fills what is filled; two are compared.');
  const home = newFolder('home');
  const [ours, plain] = [await MeasuredWindow.ours(home), await MeasuredWindow.empty()];
  try {
    await talk(home, rate);
    const watch = async (window: MeasuredWindow, minutes: number, steps: string): Promise<Record<string, number>> => {
      await window.run(steps);
      return judged(await looks(window, minutes * minute, say), minutes);
    };
    const contestants: Contestant[] = [
      { name: 'ours', measure: () => alone(ours, plain, () => watch(ours, size, oursFollows)) },
      { name: 'plain page', measure: () => alone(plain, ours, () => watch(plain, 3, plainFollows(rate))) },
    ];
    const result = await runRounds(contestants, options);
    const of = { ours: 'ours', peer: 'ours' };
    const name = { bench: 'soak', unit: 'MB', size };
    const [when, goal] = [`${rate} lines/s, minute ${size} against minute 2`, { of: 'ratio' as const, limit: 1.15 }];
    const figures = ['all', 'main', 'renderer', 'gpu-process'].map((kind) =>
      compare(
        result,
        { ...of, of: `${kind} last`, peerOf: `${kind} second` },
        {
          ...name,
          ...(kind === 'all' ? { goal } : {}),
          figure: `memory (PSS) of ${kind}, ${when}`,
          peerName: 'itself',
        },
      ),
    );
    figures.push(
      compare(
        result,
        { ours: 'ours', peer: 'plain page', of: 'all last' },
        {
          ...name,
          figure: `memory (PSS) while following ${rate} lines/s`,
          peerName: 'a plain page in an empty window',
        },
      ),
    );
    for (const figure of figures) if (figure) yield figure;
  } finally {
    await Promise.all([ours.quit(), plain.quit()]);
    removeFolder(home);
  }
}

async function looks(window: MeasuredWindow, length: number, say: (text: string) => void): Promise<Look[]> {
  const found: Look[] = [];
  const began = performance.now();
  while (performance.now() - began < length) {
    await sleep(every);
    const heap = (await window.run<number>('performance.memory.usedJSHeapSize')) / 1e6;
    found.push({ at: performance.now() - began, kinds: pssByKind(window.pids), heap });
    const last = found.at(-1);
    if (!last || found.length % 6 !== 0) continue;
    const kinds = [...last.kinds].filter(([, size]) => size >= 1).map(([kind, size]) => `${kind} ${size.toFixed(0)}`);
    say(`    ${(last.at / minute).toFixed(1)} min: ${kinds.join(', ')} MB; page's objects ${heap.toFixed(0)} MB`);
  }
  return found;
}

/** The median of the second and of the last minute, of each kind of process and of all. */
function judged(found: readonly Look[], minutes: number): Record<string, number> {
  const of = (from: number, kind: string): number =>
    median(
      found
        .filter(({ at }) => at >= from * minute && at < (from + 1) * minute)
        .map(({ kinds }) =>
          kind === 'all' ? [...kinds.values()].reduce((sum, one) => sum + one, 0) : (kinds.get(kind) ?? 0),
        ),
    );
  return Object.fromEntries(
    ['all', 'main', 'renderer', 'gpu-process'].flatMap((kind) => [
      [`${kind} second`, of(1, kind)],
      [`${kind} last`, of(minutes - 1, kind)],
    ]),
  );
}
