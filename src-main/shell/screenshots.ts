/** Pictures of the own window for machines without a display: one soon after it is ready, then one every half minute. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BrowserWindow } from 'electron';
import { toDisposable, type Disposable } from '../base/lifecycle';
import type { Log } from '../base/log';

const first = 4_000;
const every = 30_000;
const kept = 20;

/** Starts taking pictures into the folder: `latest.png`, and dated ones of which the newest twenty stay. */
export function takeScreenshots(window: () => BrowserWindow | undefined, folder: string, log: Log): Disposable {
  let timer = setTimeout(() => void take(), first);
  const take = async (): Promise<void> => {
    try {
      const target = window();
      if (target) {
        const picture = (await target.webContents.capturePage()).toPNG();
        mkdirSync(folder, { recursive: true });
        const stamp = new Date().toISOString().replace(/[:.]/g, '-').slice(0, 19);
        writeFileSync(join(folder, `pilothouse-${stamp}.png`), picture);
        writeFileSync(join(folder, 'latest.png'), picture);
        const dated = readdirSync(folder).filter((name) => /^pilothouse-\d.*\.png$/.test(name));
        for (const name of dated.sort().slice(0, -kept)) rmSync(join(folder, name), { force: true });
      }
    } catch (thrown) {
      log('warn', 'No screenshot', { thrown });
    }
    timer = setTimeout(() => void take(), every);
  };
  return toDisposable(() => clearTimeout(timer));
}
