/** Pulling images, with the progress of all layers summed into one. */
import type { Signal } from '../../base/lifecycle';
import { EngineError, type PullProgress } from '../../core/engine';
import type { Client } from './client';
import { loginFor, splitReference } from './credentials';
import { refusalText } from './failures';
import { count, fields, text, type Fields } from './parse';
import { Feed, LineSplitter } from './streams';

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
  let failure: EngineError | undefined;
  let silence: NodeJS.Timeout | undefined;
  let reported = 0;
  const meter = new PullMeter();
  const report = (): void => {
    reported = performance.now();
    options.progress?.(meter.progress);
  };
  const feed = new Feed<never>(async (self) => {
    const watchSilence = (): void => {
      clearTimeout(silence);
      silence = setTimeout(() => {
        failure = new EngineError('timeout', `Nothing came for ${LONGEST_SILENCE / 1_000} s`);
        self.dispose();
      }, LONGEST_SILENCE);
    };
    watchSilence();
    const response = await client.open({
      method: 'POST',
      path: '/images/create',
      query: { fromImage: name, tag, platform: options.platform },
      ...(login ? { login } : {}),
      // The engine answers when the registry has: that is part of the silence.
      deadline: LONGEST_SILENCE,
      signal: self.signal,
    });
    const lines = new LineSplitter((line) => {
      const row = fields(JSON.parse(line));
      const problem = text(fields(row['errorDetail'])['message'], 2_000) || text(row['error'], 2_000);
      if (problem) throw refusalText(problem);
      meter.add(row);
      if (performance.now() - reported >= REPORT_EVERY) report();
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
  report();
}
