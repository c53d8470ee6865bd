/**
 * P7 in the real window: the log screen follows everything while containers write as fast as told (the longest frame, memory, what was
 * skipped), and jumps to any of millions of rows. The peer is a plain page in an empty window of the same Electron.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchOptions, Figure } from './figure';
import { fillLogs } from './kit/fillLogs';
import { newFolder, removeFolder } from './kit/folder';
import { pssOf } from './kit/processes';
import { compare, runRounds, type Contestant } from './kit/rounds';
import { oursFollows, plainFollows, talk } from './kit/talk';
import { alone, clientAt, framesOf, MeasuredWindow, type Frames } from './kit/window';

export const needs: readonly string[] = ['window'];

/** For how long writing is watched: the greatest size for a minute. Seconds. */
const short = 15;
const long = 60;

/** Runs the benchmark; sizes are lines a second of all containers. Rounds are few: each of the last takes minutes. */
export async function* run(options: BenchOptions = {}): AsyncIterable<Figure> {
  const { sizes = [5_000, 20_000, 50_000], rounds = 1 } = options;
  for (const size of sizes) yield* follow(size, { ...options, rounds });
  yield* jump(5_000_000, { ...options, rounds: options.rounds ?? 3 });
}

async function* follow(size: number, options: BenchOptions): AsyncIterable<Figure> {
  const { say = () => undefined } = options;
  const seconds = size >= 50_000 ? long : short;
  const home = newFolder('home');
  const [ours, plain] = [await MeasuredWindow.ours(home), await MeasuredWindow.empty()];
  try {
    await talk(home, size);
    const contestants: Contestant[] = [
      { name: 'ours', measure: () => alone(ours, plain, () => watch(ours, { seconds, steps: oursFollows, say })) },
      {
        name: 'plain page',
        measure: () => alone(plain, ours, () => watch(plain, { seconds, steps: plainFollows(size), say })),
      },
    ];
    const rounds = await runRounds(contestants, options);
    const name = { bench: 'log-window', peerName: 'a plain page in an empty window', size };
    const what = `${size} lines/s for ${seconds} s`;
    const goal = size >= 50_000 ? { goal: { of: 'ours' as const, limit: 100 } } : {};
    const of = { ours: 'ours', peer: 'plain page' };
    const figures = [
      compare(rounds, { ...of, of: 'longest' }, { ...name, ...goal, figure: `longest frame, ${what}`, unit: 'ms' }),
      compare(rounds, { ...of, of: 'p99' }, { ...name, figure: `99th percentile of frames, ${what}`, unit: 'ms' }),
      compare(rounds, { ...of, of: 'grown' }, { ...name, figure: `memory (PSS) gained, ${what}`, unit: 'MB' }),
      compare(rounds, { ...of, of: 'elements' }, { ...name, figure: `elements in the page, ${what}`, unit: '' }),
    ];
    for (const figure of figures) if (figure) yield figure;
  } finally {
    await Promise.all([ours.quit(), plain.quit()]);
    removeFolder(home);
  }
}

/** Frames, memory and elements of one window while `steps` go on in it. */
async function watch(
  window: MeasuredWindow,
  options: { seconds: number; steps: string; say: (text: string) => void },
): Promise<Record<string, number>> {
  const { seconds, steps, say } = options;
  await window.run(steps);
  await sleep(5_000);
  const before = pssOf(window.pids);
  const frames = await window.run<Frames>(framesOf(seconds));
  const grown = Math.max(1, pssOf(window.pids) - before);
  say(
    `longest frame ${frames.longest.toFixed(0)} ms, p99 ${frames.p99.toFixed(0)} ms, ${frames.over} over 100 ms; memory +${grown.toFixed(0)} MB of ${before.toFixed(0)}; ${frames.elements} elements; ${frames.note}`,
  );
  return { longest: frames.longest, p99: frames.p99, elements: frames.elements, grown };
}

/** From pressing to the row on screen, at any of so many rows. */
async function* jump(rows: number, options: BenchOptions): AsyncIterable<Figure> {
  const { say = () => undefined } = options;
  const home = newFolder('home');
  const began = performance.now();
  const span = await fillLogs(home, rows);
  say(`${rows} rows written in ${((performance.now() - began) / 1000).toFixed(0)} s`);
  const window = await MeasuredWindow.ours(home);
  try {
    await (await clientAt(home)).call('settings.set', { firstRunDone: true, closeToTray: false });
    await window.run(`location.hash = '#/logs?from=${span.from}&to=${span.to}'`);
    const contestants: Contestant[] = [
      { name: 'ours', measure: () => window.run<Record<string, number>>(jumps(rows)) },
      { name: 'one frame', measure: () => Promise.resolve({ jump: 1000 / 60, frame: 1000 / 60 }) },
    ];
    const found = await runRounds(contestants, options);
    const of = { ours: 'ours', peer: 'one frame' };
    const name = { bench: 'log-window', peerName: 'one frame', unit: 'ms' };
    const figures = [
      compare(found, { ...of, of: 'jump' }, { ...name, figure: `slowest of 20 jumps in ${rows} rows` }),
      compare(found, { ...of, of: 'frame' }, { ...name, figure: `longest frame while scrolling through ${rows} rows` }),
    ];
    for (const figure of figures) if (figure) yield figure;
  } finally {
    await window.quit();
    removeFolder(home);
  }
}

/** Drags the scrollbar to twenty places, each time until the right row is drawn; then drags it all the way. */
function jumps(rows: number): string {
  return `(async () => {
    const pause = (time) => new Promise((resolve) => setTimeout(resolve, time));
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
    while (document.querySelector('[data-testid="log-list"]')?.dataset.rows !== '${rows}') await pause(50);
    const box = document.querySelector('[data-testid="log-list"]');
    let slowest = 0;
    for (let at = 0; at <= 20; at += 1) {
      const began = performance.now();
      box.scrollTop = (box.scrollHeight - box.clientHeight) * (((at * 7) % 21) / 20);
      for (;;) {
        await frame();
        const top = box.getBoundingClientRect().top;
        const first = [...box.querySelectorAll('[data-row]')].find((row) => row.getBoundingClientRect().bottom > top + 30);
        const line = first?.querySelector('[data-testid="log-line"]');
        if (line && line.textContent.includes('row ' + first.dataset.row + ' ')) break;
        if (performance.now() - began > 20000) throw new Error('row ' + first?.dataset.row + ' is not there after 20 s: ' + line?.textContent);
      }
      slowest = Math.max(slowest, performance.now() - began);
    }
    let longest = 0;
    let last = performance.now();
    for (let at = 0; at <= 200; at += 1) {
      box.scrollTop = (box.scrollHeight - box.clientHeight) * (at / 200);
      const now = await frame();
      longest = Math.max(longest, now - last);
      last = now;
    }
    return { jump: slowest, frame: longest };
  })()`;
}
