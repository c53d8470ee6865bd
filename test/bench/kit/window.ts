/** Starts Electron processes that are measured: our app, and the least an Electron app can be, on the same runtime. */
import { spawn, type ChildProcess } from 'node:child_process';
import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cacheFolder, projectRoot } from '../../machine/place.mjs';
import { electronRuntime } from '../../machine/electron.mjs';
import { clientOf, openWire, socketPath } from '../../../src-main/serve';
import type { Client } from '../../../src-main/contract/client';
import { newFolder, removeFolder } from './folder';
import { treeOf } from './processes';

/** What the page must show before it counts as interactive; each evaluates to a truthy value in it. */
const emptyReady = "document.readyState === 'complete' && document.body.innerText.length > 0";
const oursReady = `(location.hash === '#/welcome' || document.querySelector('[data-testid="view-overview"] h1')?.textContent?.trim()) && document.querySelector('main button, main a')`;

const emptyMain = `
const { app, BrowserWindow } = require('electron');
app.setPath('userData', process.env.PILOTHOUSE_BENCH_DATA);
app.whenReady().then(() => {
  const window = new BrowserWindow({ width: 1280, height: 800, show: false, webPreferences: { sandbox: true, contextIsolation: true, nodeIntegration: false } });
  window.once('ready-to-show', () => window.show());
  window.loadFile('index.html');
});
app.on('window-all-closed', () => app.quit());
`;
const emptyPage = '<!doctype html><meta charset="utf-8"><title>empty</title><body>empty</body>';

/** A running Electron app. */
export class MeasuredWindow {
  private serial = 0;
  private readonly waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();

  private constructor(
    private readonly child: ChildProcess,
    /** Milliseconds from the start of the process to an interactive page. */
    readonly startup: number,
    private readonly folder: string | undefined,
  ) {
    child.on('message', (message: { answer?: number; value?: unknown; failed?: string }) => {
      if (message.answer === undefined) return;
      const asked = this.waiting.get(message.answer);
      this.waiting.delete(message.answer);
      if (message.failed !== undefined) asked?.reject(new Error(message.failed));
      else asked?.resolve(message.value);
    });
    child.on('exit', () => {
      for (const asked of this.waiting.values()) asked.reject(new Error('the window has ended'));
      this.waiting.clear();
    });
  }

  /** Our app with this home. `engine` is a DOCKER_HOST; without it the tour engine is used. */
  static ours(home: string, engine?: string): Promise<MeasuredWindow> {
    const { path, appArguments } = electronRuntime();
    const world: Record<string, string> = engine
      ? { DOCKER_HOST: engine, DOCKER_CONTEXT: '' }
      : { PILOTHOUSE_ENGINE: 'memory' };
    const env = { ...world, PILOTHOUSE_HOME: home, PILOTHOUSE_ALLOW_ROOT: '1' };
    return MeasuredWindow.launch({ path, argv: appArguments, env, ready: oursReady });
  }

  /** A window with one word in it. */
  static empty(): Promise<MeasuredWindow> {
    const folder = newFolder('empty');
    const { path, argv } = emptyProgram();
    return MeasuredWindow.launch({ path, argv, env: { PILOTHOUSE_BENCH_DATA: folder }, ready: emptyReady, folder });
  }

  private static launch(how: {
    path: string;
    argv: string[];
    env: Record<string, string>;
    ready: string;
    folder?: string;
  }): Promise<MeasuredWindow> {
    const { path, argv, env, ready, folder } = how;
    // A frame with what we wait for must have been made before we call it shown.
    const script = `new Promise((resolve) => { const look = () => (${ready}) ? requestAnimationFrame(() => setTimeout(() => resolve(Date.now()))) : requestAnimationFrame(look); look(); })`;
    return new Promise((resolve, reject) => {
      const began = Date.now();
      const child = spawn(path, [...argv, ...electronRuntime().switches, '--disable-gpu'], {
        env: {
          ...process.env,
          ...env,
          NODE_OPTIONS: `--require=${join(projectRoot, 'test', 'bench', 'kit', 'windowProbe.cjs')}`,
          PILOTHOUSE_BENCH_READY: script,
        },
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      });
      const late = setTimeout(() => fail(new Error('the window is not interactive after 60 s')), 60_000);
      const fail = (error: Error): void => {
        clearTimeout(late);
        child.removeAllListeners();
        for (const pid of child.exitCode === null && child.pid ? treeOf(child.pid) : []) process.kill(pid, 'SIGKILL');
        reject(error);
      };
      child.on('error', fail);
      child.on('exit', (code) => fail(new Error(`Electron ended with ${code} before its window was interactive`)));
      child.on('message', (message: { ready?: number; failed?: string; answer?: number }) => {
        if (message.answer !== undefined) return;
        if (message.ready === undefined) return fail(new Error(message.failed ?? 'the probe failed'));
        clearTimeout(late);
        child.removeAllListeners('exit');
        resolve(new MeasuredWindow(child, message.ready - began, folder));
      });
    });
  }

  /** All of its processes, now. */
  get pids(): number[] {
    return treeOf(this.child.pid ?? 0);
  }

  /** Evaluates a script in the page and resolves with its value. */
  async run<Value>(script: string): Promise<Value> {
    return (await this.ask('run', { script })) as Value;
  }

  async hide(): Promise<void> {
    await this.ask('hide');
  }

  /** Begins to measure the delay of the main process's event loop. */
  async watchLoop(): Promise<void> {
    await this.ask('watchLoop');
  }

  /** Its p99 since then, milliseconds. */
  async loopDelay(): Promise<number> {
    return (await this.ask('loopDelay')) as number;
  }

  /** Stops all of its processes in their tracks, or lets them go on, so that somebody else can be measured. */
  freeze(frozen: boolean): void {
    for (const pid of this.pids) process.kill(pid, frozen ? 'SIGSTOP' : 'SIGCONT');
  }

  async quit(): Promise<void> {
    const ended = new Promise<void>((resolve) => this.child.once('exit', () => resolve()));
    const pids = this.pids;
    if (this.child.exitCode === null && this.child.connected) {
      void this.ask('quit').catch(() => undefined);
      await Promise.race([ended, sleep(8_000)]);
    }
    for (const pid of pids) {
      if (existsSync(`/proc/${pid}`) && treeOf(this.child.pid ?? 0).includes(pid)) process.kill(pid, 'SIGKILL');
    }
    if (this.folder) removeFolder(this.folder);
  }

  private ask(act: string, more: object = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = ++this.serial;
      this.waiting.set(id, { resolve, reject });
      this.child.send({ id, act, ...more });
    });
  }
}

/** The runtime with an app of one word: the real one takes it as an argument, the stand-in wants it beside itself. */
function emptyProgram(): { path: string; argv: string[] } {
  const runtime = electronRuntime();
  const app = cacheFolder('bench', 'empty-app');
  writeFileSync(join(app, 'package.json'), JSON.stringify({ name: 'empty', main: 'main.js' }));
  writeFileSync(join(app, 'main.js'), emptyMain);
  writeFileSync(join(app, 'index.html'), emptyPage);
  if (!runtime.standIn) return { path: runtime.path, argv: [app] };
  const copy = join(cacheFolder('bench'), `empty-${runtime.version}`);
  if (!existsSync(join(copy, 'electron'))) {
    rmSync(copy, { recursive: true, force: true });
    linkTree(dirname(runtime.path), copy);
    const place = join(copy, 'resources', 'app');
    rmSync(place, { recursive: true, force: true });
    symlinkSync(app, place);
  }
  return { path: join(copy, 'electron'), argv: [] };
}

/** Copies a folder by links of its files: the same bytes in memory for both. */
function linkTree(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) linkTree(source, target);
    else if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else
      try {
        linkSync(source, target);
      } catch {
        cpSync(source, target);
      }
  }
}

/** A client of the core that runs with this home. */
export async function clientAt(home: string): Promise<Client> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const wire = await openWire(socketPath(home));
    if (wire) return clientOf(wire);
    if (Date.now() > deadline) throw new Error('our app does not answer on its socket');
    await sleep(100);
  }
}

/** Measures one window while the other stands still. */
export async function alone<Value>(
  measured: MeasuredWindow,
  other: MeasuredWindow,
  work: () => Promise<Value>,
): Promise<Value> {
  other.freeze(true);
  measured.freeze(false);
  try {
    await sleep(1_000);
    return await work();
  } finally {
    other.freeze(false);
  }
}

/** How a page drew: milliseconds between frames, how many were longer than 100, and what was in it. */
export interface Frames {
  longest: number;
  p99: number;
  over: number;
  elements: number;
  note: string;
}

/** A page's script that counts its frames for so long. Counting keeps the page drawing. */
export function framesOf(seconds: number): string {
  return `new Promise((resolve) => {
    const gaps = [];
    const until = performance.now() + ${seconds * 1000};
    let last = performance.now();
    const tick = (now) => {
      gaps.push(now - last);
      last = now;
      if (now < until) return requestAnimationFrame(tick);
      gaps.shift();
      gaps.sort((one, other) => one - other);
      resolve({
        longest: gaps.at(-1),
        p99: gaps[Math.floor(gaps.length * 0.99)],
        over: gaps.filter((gap) => gap > 100).length,
        elements: document.querySelectorAll('*').length,
        note: (document.querySelector('.rate')?.textContent ?? '') + ', ' + gaps.length + ' frames',
      });
    };
    requestAnimationFrame(tick);
  })`;
}
