/**
 * P13: what the app costs while nothing happens: CPU of all its processes with quiet containers on a real engine and the window hidden,
 * and the delay of its main process's event loop; each against a hidden empty window of the same Electron. What the engine spends on
 * being watched is told beside it, against what it spends with nobody watching.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { testEngine } from '../support/engine';
import type { BenchOptions, Figure } from './figure';
import { newFolder, removeFolder } from './kit/folder';
import { composeFile } from './kit/ours';
import { cpuOf, engineProcesses } from './kit/processes';
import { RawApi } from './kit/raw';
import { compare, runRounds, type Contestant } from './kit/rounds';
import { clientAt, MeasuredWindow } from './kit/window';

export const needs: readonly string[] = ['engine', 'window'];

/** Length of one measurement, and what a start leaves behind before it, milliseconds. */
const watched = 20_000;
const settling = 10_000;
const stack = 'bench-idle';

/** Runs the benchmark on the private engine of this run; sizes are containers. */
export async function* run(options: BenchOptions = {}): AsyncIterable<Figure> {
  const { sizes = [10, 25, 50], rounds = 3, say = () => undefined } = options;
  const place = testEngine();
  const api = new RawApi(place.socket);
  const home = newFolder('home');
  const windows: MeasuredWindow[] = [];
  try {
    const empty = await MeasuredWindow.empty();
    windows.push(empty);
    await empty.hide();
    for (const size of sizes) {
      const ours = await MeasuredWindow.ours(home, place.dockerHost);
      windows.push(ours);
      await fill(home, size);
      await ours.hide();
      await sleep(settling);
      say(`${size} quiet containers, windows hidden`);
      const contestants: Contestant[] = [
        { name: 'ours', measure: () => alone(ours, empty, place.pid()) },
        { name: 'empty', measure: () => alone(empty, ours, place.pid()) },
      ];
      const result = await runRounds(contestants, { ...options, rounds });
      const [name, of] = [
        { bench: 'idle', size },
        { ours: 'ours', peer: 'empty' },
      ];
      const hidden = 'a hidden empty window';
      const figures = [
        compare(
          result,
          { ...of, of: 'cpu' },
          {
            ...name,
            figure: `cpu of the app, ${size} quiet containers, window hidden`,
            unit: '% of a core',
            peerName: hidden,
            goal: { of: 'ours', limit: 1 },
          },
        ),
        compare(
          result,
          { ...of, of: 'engine' },
          {
            ...name,
            figure: `cpu of the engine while the app watches ${size}`,
            unit: '% of a core',
            peerName: 'the engine unwatched',
          },
        ),
        compare(
          result,
          { ...of, of: 'delay' },
          {
            ...name,
            figure: `event loop's delay p99 in main, ${size} quiet containers`,
            unit: 'ms',
            peerName: hidden,
            goal: { of: 'ours', limit: 20 },
          },
        ),
      ];
      for (const figure of figures) if (figure) yield figure;
      await ours.quit();
      windows.pop();
    }
  } finally {
    for (const window of windows.reverse()) await window.quit();
    await api.clear(`io.pilothouse.stack=${stack}`);
    api.dispose();
    removeFolder(home);
  }
}

/** Brings the stack to so many quiet replicas, through the app's own socket. */
async function fill(home: string, replicas: number): Promise<void> {
  const client = await clientAt(home);
  await client.call('settings.set', { firstRunDone: true, closeToTray: false });
  const deadline = Date.now() + 180_000;
  const wait = async (done: () => Promise<boolean>, what: string): Promise<void> => {
    while (!(await done())) {
      if (Date.now() > deadline) throw new Error(`${what} within 180 s`);
      await sleep(200);
    }
  };
  const connected = async (): Promise<boolean> => (await client.call('engines.list', {}))[0]?.state === 'connected';
  await wait(connected, 'our app does not connect to the engine');
  const files = [{ name: 'compose.yaml', text: composeFile(stack, { replicas }) }];
  await client.call('stacks.apply', { source: { files } });
  // An applied count does not undo what somebody scaled; nobody did, but the next size comes through here too.
  await client.call('services.scale', { service: `${stack}/web`, replicas });
  const ready = async (): Promise<boolean> =>
    (await client.call('services.get', { service: `${stack}/web` })).ready === replicas;
  await wait(ready, `${replicas} replicas are not ready`);
  client.close();
}

/** Measures one app while the other stands still. */
async function alone(measured: MeasuredWindow, other: MeasuredWindow, daemon: number): Promise<Record<string, number>> {
  other.freeze(true);
  measured.freeze(false);
  try {
    // After standing still it has to catch up, which is not idling.
    await sleep(5_000);
    const [pids, engine] = [measured.pids, engineProcesses(daemon)];
    await measured.watchLoop();
    const [own, theirs, began] = [cpuOf(pids), cpuOf(engine, true), performance.now()];
    await sleep(watched);
    const elapsed = performance.now() - began;
    const share = (spent: number): number => (spent / elapsed) * 100;
    return {
      cpu: share(cpuOf(pids) - own),
      engine: share(cpuOf(engine, true) - theirs),
      delay: await measured.loopDelay(),
    };
  } finally {
    other.freeze(false);
  }
}
