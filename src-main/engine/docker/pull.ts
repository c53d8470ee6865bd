/** Pulling images, with the progress of all layers summed into one. */
import type { Signal } from '../../base/lifecycle';
import type { PullProgress } from '../../core/engine';
import type { Client } from './client';
import { loginFor, splitReference } from './credentials';
import { count, fields, text, type Fields } from './parse';
import { transfer } from './transfer';

/** A registry that sends nothing for so long has gone away. */
const LONGEST_SILENCE = 120_000;
/** At most ten reports a second. */
const REPORT_EVERY = 100;

/** Adds up what the engine says about each layer. */
export class PullMeter {
  private readonly layers = new Map<string, { done: number; total: number }>();
  private status = '';

  /** Takes in one line of the engine. */
  add(line: Fields): void {
    this.status = text(line['status'], 200) || this.status;
    const id = text(line['id'], 128);
    // Lines about the whole image carry its tag where layers carry their id; they have no sizes.
    if (!id || this.layers.size > 1_000) return;
    const { current, total } = fields(line['progressDetail']);
    const layer = this.layers.get(id) ?? { done: 0, total: 0 };
    // Unpacking counts the same bytes a second time: only what comes over the wire is progress.
    if (this.status === 'Downloading') {
      layer.total = Math.max(layer.total, count(total));
      layer.done = Math.max(layer.done, count(current));
    } else if (/complete$|^Verifying|^Extracting/i.test(this.status)) {
      layer.done = layer.total;
    }
    this.layers.set(id, layer);
  }

  get progress(): PullProgress {
    let [done, total] = [0, 0];
    for (const layer of this.layers.values()) {
      done += Math.min(layer.done, layer.total);
      total += layer.total;
    }
    return { done, total, status: this.status };
  }
}

/**
 * Pulls an image.
 * @throws EngineError `no-image`, `denied`, `no-space`, `timeout` (nothing came for two minutes), …
 */
export async function pullImage(
  client: Client,
  reference: string,
  options: { platform?: string; progress?: (progress: PullProgress) => void; signal?: Signal },
): Promise<void> {
  const login = await loginFor(reference);
  const { name, tag } = splitReference(reference);
  let reported = 0;
  const meter = new PullMeter();
  const report = (): void => {
    reported = performance.now();
    options.progress?.(meter.progress);
  };
  await transfer(
    client,
    {
      method: 'POST',
      path: '/images/create',
      query: { fromImage: name, tag, platform: options.platform },
      ...(login ? { login } : {}),
    },
    {
      silence: LONGEST_SILENCE,
      quiet: 'Nothing came',
      signal: options.signal,
      row: (row) => {
        meter.add(row);
        if (performance.now() - reported >= REPORT_EVERY) report();
      },
    },
  );
  report();
}
