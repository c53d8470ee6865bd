/** While a stack is applied: what its builds do, and the builder's last words when one fails. */
import type { JobView } from '../contract/api/storage';
import type { Client } from '../contract/client';
import { say } from '../contract/sentence';
import type { Context } from './command';
import { harmless } from './format';

const lastWords = 20;

/** Does the work, and tells of builds that begin meanwhile; an interrupt cancels them. */
export async function tellingBuilds<T>(context: Context, client: Client, work: () => Promise<T>): Promise<T> {
  const told = new Map<string, string>();
  let running: JobView | undefined;
  let failed: JobView | undefined;
  // What is there at first is somebody else's.
  const others = new Set<string>();
  const stream = client.open(
    'storage.watch',
    {},
    {
      item({ reset, put }) {
        for (const job of put) {
          if (job.kind !== 'build') continue;
          if (reset) others.add(job.id);
          if (others.has(job.id)) continue;
          running = job.state === 'running' ? job : undefined;
          if (job.state === 'failed') failed = job;
          const text = job.state === 'running' ? say(job.words) : '';
          if (text !== '' && told.get(job.id) !== text) context.out.note(harmless(text, true));
          told.set(job.id, text);
        }
      },
      // The call itself says what became of it.
      end: () => undefined,
    },
  );
  void context.world.interrupted.then(() => {
    if (running) void client.call('storage.cancel', { job: running.id }).catch(() => undefined);
  });
  try {
    return await work();
  } catch (thrown) {
    const job = failed ?? running;
    if (job) {
      const { lines } = await client.call('storage.log', { job: job.id }).catch(() => ({ lines: [] }));
      for (const line of lines.slice(-lastWords)) context.out.note(harmless(line, true));
    }
    throw thrown;
  } finally {
    stream.dispose();
  }
}
