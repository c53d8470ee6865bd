/** The log store's thread as a real thread that dies: whoever waits is told, with the reason. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openLogThread } from '../../../src-main/app/logThread';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A folder of programs whose log worker answers once and then does what is said. */
function programs(then: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'pilothouse-thread-'));
  folders.push(folder);
  writeFileSync(
    join(folder, 'logWorker.js'),
    `const { parentPort } = require('node:worker_threads');
     parentPort.on('message', (message) => {
       if (message.method === 'figures') return parentPort.postMessage({ t: 'answer', id: message.id, value: { bytes: 7, damaged: 0 } });
       ${then}
     });`,
  );
  return folder;
}

describe('the thread of the log store', () => {
  it.each([
    ['throws', "throw new Error('out of everything');", 'out of everything'],
    ['ends by itself', 'process.exit(3);', 'ended with 3'],
  ])('%s: what waits is refused, and why is known', async (_name, then, reason) => {
    const store = await openLogThread(programs(then), 'unused', { bytes: 1, age: 1 });
    expect(await store.figures()).toEqual({ bytes: 7, damaged: 0 });
    await expect(store.state()).rejects.toThrow('The log store has stopped.');
    expect(String(await store.lost)).toContain(reason);
    await expect(store.figures()).rejects.toThrow('The log store has stopped.');
    await store.close();
  });
});
