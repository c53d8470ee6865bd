/**
 * P12: how long from starting the process to a page that can be used, what memory it takes, and whether a long list stays smooth; each
 * against an empty window of the same Electron. The engine is the one in memory, so that nothing but the app is measured.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchOptions, Figure } from './figure';
import { newFolder, removeFolder } from './kit/folder';
import { pssByKind, pssOf } from './kit/processes';
import { compare, runRounds, type Contestant } from './kit/rounds';
import { alone, clientAt, MeasuredWindow } from './kit/window';

export const needs: readonly string[] = ['window'];

/** What is still loaded after the first picture, milliseconds. */
const settling = 3_000;
const perStack = 50;

/** Runs the benchmark; sizes are containers in the list, 0 is the start alone. */
export async function* run(options: BenchOptions = {}): AsyncIterable<Figure> {
  const { sizes = [250, 500, 1_000], say = () => undefined } = options;
  yield* startup(options);
  for (const size of sizes.filter((one) => one > 0)) {
    const home = newFolder('home');
    const [ours, empty] = [await MeasuredWindow.ours(home), await MeasuredWindow.empty()];
    try {
      await fill(home, size, say);
      await empty.run(plainTable(size));
      const lists = { bench: 'window', unit: 'ms', size };
      const contestants: Contestant[] = [
        { name: 'ours', measure: () => alone(ours, empty, () => ours.run(watched(oursSteps(size)))) },
        { name: 'plain table', measure: () => alone(empty, ours, () => empty.run(watched(plainSteps))) },
      ];
      const rounds = await runRounds(contestants, options);
      const peerName = 'a plain table in an empty window';
      for (const act of ['listed', 'sorted', 'scrolled'] as const) {
        const figure = `longest frame, ${size} containers ${act}`;
        const goal = size === 1_000 ? { goal: { of: 'ours' as const, limit: 50 } } : {};
        const found = compare(
          rounds,
          { ours: 'ours', peer: 'plain table', of: act },
          { ...lists, ...goal, figure, peerName },
        );
        if (found) yield found;
      }
    } finally {
      await Promise.all([ours.quit(), empty.quit()]);
      removeFolder(home);
    }
  }
}

/** Start and memory, with a small stack on show. */
async function* startup(options: BenchOptions): AsyncIterable<Figure> {
  const { say = () => undefined } = options;
  const home = newFolder('home');
  try {
    // One start of each that nobody measures: files and compiled code are cached afterwards, as on a user's second start.
    const first = await MeasuredWindow.ours(home);
    await fill(home, 10, say).finally(() => first.quit());
    await (await MeasuredWindow.empty()).quit();
    const contestants: Contestant[] = [
      { name: 'ours', measure: () => startOnce(() => MeasuredWindow.ours(home)) },
      { name: 'empty window', measure: () => startOnce(() => MeasuredWindow.empty()) },
    ];
    const rounds = await runRounds(contestants, options);
    const of = { ours: 'ours', peer: 'empty window' };
    const goal = { of: 'ratio' as const, limit: 1.5 };
    const name = { bench: 'window', peerName: 'an empty Electron window', goal };
    const figures = [
      compare(rounds, { ...of, of: 'interactive' }, { ...name, figure: 'start to interactive', unit: 'ms' }),
      compare(rounds, { ...of, of: 'pss' }, { ...name, figure: 'memory of all processes (PSS)', unit: 'MB' }),
    ];
    for (const figure of figures) if (figure) yield figure;
  } finally {
    removeFolder(home);
  }
}

async function startOnce(launch: () => Promise<MeasuredWindow>): Promise<Record<string, number>> {
  const window = await launch();
  try {
    await sleep(settling);
    // The kinds are for whoever looks for what takes it; the goal is about all.
    return { interactive: window.startup, pss: pssOf(window.pids), ...Object.fromEntries(pssByKind(window.pids)) };
  } finally {
    await window.quit();
  }
}

/** Applies services of one container each and waits until they are all well. */
async function fill(home: string, containers: number, say: (text: string) => void): Promise<void> {
  const client = await clientAt(home);
  await client.call('settings.set', { firstRunDone: true, closeToTray: false });
  const engineUntil = Date.now() + 30_000;
  while ((await client.call('engines.list', {}))[0]?.state !== 'connected') {
    if (Date.now() > engineUntil) throw new Error('our app does not connect to its engine in memory');
    await sleep(100);
  }
  for (let first = 0; first < containers; first += perStack) {
    const names = Array.from({ length: Math.min(perStack, containers - first) }, (_, at) => `service-${first + at}`);
    const services = Object.fromEntries(names.map((name) => [name, { image: `nginx:${(first % 7) + 1}` }]));
    const text = JSON.stringify({ name: `stack-${first / perStack}`, services });
    await client.call('stacks.apply', { source: { files: [{ name: 'compose.yaml', text }] } });
  }
  const deadline = Date.now() + 600_000;
  for (;;) {
    const ready = (await client.call('services.list', {})).filter((one) => one.ready === 1).length;
    if (ready === containers) break;
    if (Date.now() > deadline) throw new Error(`${ready} of ${containers} services are ready after 10 minutes`);
    await sleep(500);
  }
  say(`${containers} containers run in the engine in memory`);
  client.close();
}

/** Wraps steps into a page's script that tells the longest frame of each. `step(name, act)` is theirs to call. */
function watched(steps: string): string {
  return `(async () => {
    const pause = (time) => new Promise((resolve) => setTimeout(resolve, time));
    const longest = {};
    let name = '', last = performance.now(), over = false;
    const tick = (now) => {
      if (name) longest[name] = Math.max(longest[name] ?? 0, now - last);
      last = now;
      if (!over) requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
    const step = async (of, act, wait = 350) => { await pause(50); name = of; await act(); await pause(wait); name = ''; };
    const scrollThrough = async (box) => {
      for (let at = 1; at <= 30; at += 1) {
        box.scrollTop = (box.scrollHeight - box.clientHeight) * (at / 30);
        await new Promise((resolve) => requestAnimationFrame(resolve));
      }
      box.scrollTop = 0;
    };
    await pause(200);
    ${steps}
    over = true;
    return longest;
  })()`;
}

/** Goes to the services screen, sorts by every column, scrolls through. */
function oursSteps(size: number): string {
  return `
    location.hash = '#/events';
    await pause(800);
    await step('listed', async () => {
      location.hash = '#/services';
      while (!document.querySelector('[data-testid^="service-row-"]')) await pause(20);
    }, 500);
    const view = document.querySelector('[data-testid="view-services"]');
    const box = [...view.querySelectorAll('*')].find((one) => one.scrollHeight > one.clientHeight + 100 && /auto|scroll/.test(getComputedStyle(one).overflowY));
    if (!box || box.scrollHeight < ${size} * 20) throw new Error('the list is too short: ' + box?.scrollHeight);
    const sorters = view.querySelectorAll('button.sorter');
    if (sorters.length < 3) throw new Error('there is nothing to sort by');
    for (const sorter of sorters) await step('sorted', async () => sorter.click());
    await step('scrolled', () => scrollThrough(box));
    location.hash = '#/events';
    await pause(300);`;
}

/** As many rows with as many cells, without anything clever. */
function plainTable(size: number): string {
  return `document.body.innerHTML = '<div id="box" style="height:700px;overflow:auto"><table><tbody></tbody></table></div>';
    window.rows = Array.from({ length: ${size} }, (_, at) => Array.from({ length: 9 }, (_, cell) => 'cell ' + ((at * 7919 + cell * 31) % 1000)));
    window.show = () => {
      const body = document.querySelector('tbody');
      body.replaceChildren(...window.rows.map((row) => {
        const line = document.createElement('tr');
        line.append(...row.map((text) => { const cell = document.createElement('td'); cell.textContent = text; return cell; }));
        return line;
      }));
    };
    window.show(); 0`;
}

const plainSteps = `
  document.querySelector('tbody').replaceChildren();
  await pause(300);
  await step('listed', async () => window.show(), 500);
  for (let cell = 0; cell < 7; cell += 1) {
    await step('sorted', async () => { window.rows.sort((one, other) => one[cell].localeCompare(other[cell])); window.show(); });
  }
  await step('scrolled', () => scrollThrough(document.querySelector('#box')));`;
