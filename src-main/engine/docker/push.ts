/** Sending images, with the progress of all layers summed into one. */
import type { Signal } from '../../base/lifecycle';
import type { PullProgress } from '../../core/engine';
import { imagePath, type Client } from './client';
import { loginFor, registryOf, splitReference } from './credentials';
import { count, fields, text } from './parse';
import { transfer } from './transfer';

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
  await transfer(
    client,
    { method: 'POST', path: imagePath(name, '/push'), query: { tag }, login },
    {
      silence: LONGEST_SILENCE,
      quiet: 'Nothing moved',
      signal: options.signal,
      row: (row) => {
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
      },
    },
  );
}
