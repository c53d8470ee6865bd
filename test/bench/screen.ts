/**
 * Containers on screen, measured every second: what the overview and the table of services cost while nobody touches them, by process, and
 * their longest frame. Containers are real and quiet, so that all that is seen is the watching. The peers are a plain page that draws a row
 * with two curves for each container once a second, and the same window while it draws nothing.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { testEngine } from '../support/engine';
import type { BenchOptions, Figure } from './figure';
import { newFolder, removeFolder } from './kit/folder';
import { cpuOf, kindOf } from './kit/processes';
import { quietCommand, quietImage, RawApi } from './kit/raw';
import { compare, runRounds, type Contestant } from './kit/rounds';
import { alone, clientAt, framesOf, MeasuredWindow, type Frames } from './kit/window';

export const needs: readonly string[] = ['engine', 'window'];

/** CPU is measured first, since counting frames keeps a window drawing. Milliseconds. */
const watched = 30_000;
const framed = 15_000;
/** After a screen is shown it fills, and the minute behind its curves is fetched. */
const settling = 5_000;
const stack = 'bench-screen';
/** The screens, and what must be seen on them: so many curves. */
const screens = { overview: { curves: 40, path: '/' }, services: { curves: 30, path: '/services' } } as const;
type Screen = keyof typeof screens;

/** Runs the benchmark on the private engine of this run; sizes are containers, one a service. */
export async function* run(options: BenchOptions = {}): AsyncIterable<Figure> {
  const { sizes = [25, 50, 100], rounds = 2, say = () => undefined } = options;
  const place = testEngine();
  const api = new RawApi(place.socket);
  const home = newFolder('home');
  const windows: MeasuredWindow[] = [];
  try {
    const ours = await MeasuredWindow.ours(home, place.dockerHost);
    windows.push(ours);
    const plain = await MeasuredWindow.empty();
    windows.push(plain);
    for (const size of sizes) {
      plain.freeze(true);
      await fill(home, size);
      plain.freeze(false);
      say(`${size} containers run`);
      for (const screen of Object.keys(screens) as Screen[]) {
        const contestants: Contestant[] = [
          { name: 'ours', measure: () => alone(ours, plain, () => watch(ours, oursShows(screen), say)) },
          { name: 'plain page', measure: () => alone(plain, ours, () => watch(plain, plainDraws(size), say)) },
          { name: 'empty', measure: () => alone(plain, ours, () => watch(plain, plainRests, say)) },
        ];
        const result = await runRounds(contestants, { ...options, rounds });
        const name = { bench: 'screen', size };
        const of = { ours: 'ours', peer: 'plain page' };
        const [cpu, what] = ['% of a core', `${size} containers on ${screen}`];
        const page = 'a plain page that draws as many rows';
        const figures = [
          compare(result, { ...of, of: 'cpu' }, { ...name, figure: `cpu, ${what}`, unit: cpu, peerName: page }),
          compare(
            result,
            { ...of, of: 'page' },
            { ...name, figure: `cpu of the page and what paints it, ${what}`, unit: cpu, peerName: page },
          ),
          compare(
            result,
            { ours: 'ours', peer: 'empty', of: 'cpu' },
            { ...name, figure: `cpu, ${what}`, unit: cpu, peerName: 'an empty window' },
          ),
          compare(
            result,
            { ...of, of: 'longest' },
            { ...name, goal: { of: 'ours', limit: 50 }, figure: `longest frame, ${what}`, unit: 'ms', peerName: page },
          ),
        ];
        for (const figure of figures) if (figure) yield figure;
      }
    }
  } finally {
    for (const window of windows.reverse()) await window.quit();
    await api.clear(`io.pilothouse.stack=${stack}`);
    api.dispose();
    removeFolder(home);
  }
}

/** Brings the stack to so many services of one quiet replica, and waits until they are all well. */
async function fill(home: string, size: number): Promise<void> {
  const client = await clientAt(home);
  const deadline = Date.now() + 300_000;
  const wait = async (what: string, done: () => Promise<boolean>): Promise<void> => {
    while (!(await done())) {
      if (Date.now() > deadline) throw new Error(`${what} within 300 s`);
      await sleep(300);
    }
  };
  await client.call('settings.set', { firstRunDone: true, closeToTray: false });
  await wait(
    'our app does not connect to the engine',
    async () => (await client.call('engines.list', {}))[0]?.state === 'connected',
  );
  const service = { image: quietImage, command: quietCommand, network_mode: 'bridge' };
  const names = Array.from({ length: size }, (_, at) => `service-${String(at).padStart(3, '0')}`);
  const text = JSON.stringify({ name: stack, services: Object.fromEntries(names.map((name) => [name, service])) });
  await client.call('stacks.apply', { source: { files: [{ name: 'compose.yaml', text }] } });
  await wait(
    `${size} services are not well`,
    async () => (await client.call('services.list', {})).filter(({ ready }) => ready === 1).length === size,
  );
  client.close();
}

/** CPU of a window in % of a core, all of it and that of the page, and its frames. */
async function watch(
  window: MeasuredWindow,
  steps: string,
  say: (text: string) => void,
): Promise<Record<string, number>> {
  await window.run(steps);
  await sleep(settling);
  const kinds = window.pids.map((pid) => ({ pid, kind: kindOf(pid) ?? '' }));
  const began = performance.now();
  const before = kinds.map(({ pid }) => cpuOf([pid]));
  await sleep(watched);
  const elapsed = performance.now() - began;
  const spent = kinds.map(({ pid, kind }, at) => ({
    kind,
    share: ((cpuOf([pid]) - (before[at] ?? 0)) / elapsed) * 100,
  }));
  const sum = (...wanted: string[]): number =>
    Math.max(
      0.05,
      spent
        .filter(({ kind }) => wanted.length === 0 || wanted.includes(kind))
        .reduce((all, { share }) => all + share, 0),
    );
  const frames = await window.run<Frames>(framesOf(framed / 1000));
  const [all, main, renderer, painting] = [sum(), sum('main'), sum('renderer'), sum('gpu-process')];
  say(
    `    cpu ${all.toFixed(1)} %: main ${main.toFixed(1)}, renderer ${renderer.toFixed(1)}, painting ${painting.toFixed(1)}; longest frame ${frames.longest.toFixed(0)} ms`,
  );
  return { cpu: all, main, page: renderer + painting, longest: frames.longest };
}

function oursShows(screen: Screen): string {
  return `(async () => {
    location.hash = '#${screens[screen].path}';
    while (document.querySelectorAll('[data-testid="view-${screen}"] svg.spark').length < ${screens[screen].curves})
      await new Promise((resolve) => setTimeout(resolve, 100));
  })()`;
}

const plainRests = 'clearInterval(window.drawing); 0';

/** A row for each container: its name, and the curve and the figure of two values, made anew each second. Nothing clever. */
function plainDraws(size: number): string {
  return `(() => {
    clearInterval(window.drawing);
    document.body.innerHTML = '<div style="height:700px;overflow:auto"><table><tbody></tbody></table></div>';
    const rows = Array.from({ length: ${size} }, (_, at) => ({ name: 'service-' + at, values: [Array(60).fill(0), Array(60).fill(0)] }));
    const body = document.querySelector('tbody');
    body.innerHTML = rows.map(({ name }) => '<tr><td>' + name + '</td>' + '<td><svg width="52" height="18" fill="none" stroke="gray"><path/></svg></td><td></td>'.repeat(2) + '</tr>').join('');
    const paths = [...body.querySelectorAll('path')], texts = [...body.querySelectorAll('td:nth-child(odd):not(:first-child)')];
    const draw = () => rows.forEach(({ values }, at) => values.forEach((list, which) => {
      list.push(Math.random());
      list.shift();
      paths[at * 2 + which].setAttribute('d', 'M' + list.map((value, x) => (x * 0.88).toFixed(1) + ' ' + (17 - value * 16).toFixed(1)).join('L'));
      texts[at * 2 + which].textContent = list.at(-1).toFixed(2);
    }));
    draw();
    window.drawing = setInterval(draw, 1000);
  })()`;
}
