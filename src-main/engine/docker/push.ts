/** Sending images, with the progress of all layers summed into one. */
import type { Signal } from '../../base/lifecycle';
import { EngineError, type PullProgress } from '../../core/engine';
import { imagePath, type Client } from './client';
import { loginFor, registryOf, splitReference } from './credentials';
import { refusalText } from './failures';
import { count, fields, text } from './parse';
import { Feed, LineSplitter } from './streams';

/** A registry that takes nothing for so long has gone away. Milliseconds. */
const LONGEST_SILENCE = 120_000;

/** @throws EngineError `denied`, `no-image`, `timeout` (nothing moved for two minutes), … */
export async function pushImage(
  client: Client,
  reference: string,
  options: { progress?: (progress: PullProgress) => void; signal?: Signal | undefined },
): Promise<void> {
  // The engine wants a login in every push, be it an empty one.
  const login = (await loginFor(reference)) ?? { username: '', password: '', serveraddress: registryOf(reference) };
  const { name, tag } = splitReference(reference);
  const layers = new Map<string, { done: number; total: number }>();
  let failure: EngineError | undefined;
  let silence: NodeJS.Timeout | undefined;
  const feed = new Feed<never>(async (self) => {
    const watchSilence = (): void => {
      clearTimeout(silence);
      silence = setTimeout(() => {
        failure = new EngineError('timeout', `Nothing moved for ${LONGEST_SILENCE / 1_000} s`);
        self.dispose();
      }, LONGEST_SILENCE);
    };
    watchSilence();
    const response = await client.open({
      method: 'POST',
      path: imagePath(name, '/push'),
      query: { tag },
      login,
      deadline: LONGEST_SILENCE,
      signal: self.signal,
    });
    const lines = new LineSplitter((line) => {
      const row = fields(JSON.parse(line));
      const problem = text(fields(row['errorDetail'])['message'], 2_000) || text(row['error'], 2_000);
      if (problem) throw refusalText(problem);
      const id = text(row['id'], 128);
      const { current, total } = fields(row['progressDetail']);
      if (id && layers.size < 1_000) {
        const before = layers.get(id) ?? { done: 0, total: 0 };
        const size = Math.max(before.total, count(total));
        layers.set(id, { total: size, done: Math.min(size, Math.max(before.done, count(current))) });
      }
      let [done, all] = [0, 0];
      for (const layer of layers.values()) [done, all] = [done + layer.done, all + layer.total];
      options.progress?.({ done, total: all, status: text(row['status'], 200) });
    });
    await self.read(response, (chunk) => {
      watchSilence();
      lines.push(chunk);
    });
    lines.flush();
  });
  const cancel = (): void => {
    failure = new EngineError('timeout', 'cancelled');
    feed.dispose();
  };
  if (options.signal?.aborted) cancel();
  options.signal?.addEventListener('abort', cancel);
  const { error } = await feed.ended;
  options.signal?.removeEventListener('abort', cancel);
  clearTimeout(silence);
  const problem = failure ?? error;
  if (problem) throw problem;
}
