/** `--demo`: the sample stack, applied once an engine answers and only when no stack of its name is there. */
import { join } from 'node:path';
import type { Log } from '../base/log';
import type { Client } from '../contract/client';
import { readProject } from '../project';

const patience = 120_000;

/** Applies the sample. What goes wrong is logged: the window shows it too. */
export async function applyDemo(client: Client, resources: string, log: Log): Promise<void> {
  try {
    // Who asks for the sample has found the way: the welcome would only stand before it.
    await client.call('settings.set', { firstRunDone: true });
    await engineAnswers(client);
    const { source } = readProject({ folder: join(resources, 'samples', 'demo'), environment: {} });
    const stacks = await client.call('stacks.list', {});
    if (stacks.some((stack) => stack.name === 'demo')) return;
    const result = await client.call('stacks.apply', { source, name: 'demo' });
    log('info', 'Applied the sample stack', { version: result.version });
  } catch (thrown) {
    log('warn', 'The sample stack could not be applied', { thrown });
  }
}

function engineAnswers(client: Client): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => finish(new Error('no engine answered in two minutes')), patience);
    const watching = client.open(
      'engines.watch',
      {},
      {
        item: (change) => {
          if (change.put.some((engine) => engine.selected && engine.state === 'connected')) finish();
        },
        end: () => finish(new Error('the core has gone')),
      },
    );
    let done = false;
    function finish(problem?: Error): void {
      if (done) return;
      done = true;
      clearTimeout(timer);
      // The first item may come before `watching` is assigned.
      queueMicrotask(() => watching.dispose());
      if (problem) reject(problem);
      else resolve();
    }
  });
}
