/** Long work of the engine that tells of itself in lines of JSON: pulls, pushes and builds. */
import type { Signal } from '../../base/lifecycle';
import { EngineError } from '../../core/engine';
import type { Client } from './client';
import { refusalText } from './failures';
import { fields, text, type Fields } from './parse';
import { Feed, LineSplitter } from './streams';

/**
 * Asks, and hands on each line until the answer ends. `silence` is how long the other side may say nothing, in milliseconds; what is
 * raised then begins with `quiet`. `first` is a reason of our own that goes before the engine's.
 * @throws EngineError what a line tells as an error; `timeout` when it was cancelled or nothing came for too long
 */
export async function transfer(
  client: Client,
  request: Omit<Parameters<Client['open']>[0], 'deadline' | 'signal'>,
  options: {
    silence: number;
    quiet: string;
    row: (row: Fields) => void;
    signal?: Signal | undefined;
    first?: () => EngineError | undefined;
  },
): Promise<void> {
  const { silence, quiet, row: take, signal, first } = options;
  let failure: EngineError | undefined;
  let timer: NodeJS.Timeout | undefined;
  const feed = new Feed<never>(async (self) => {
    const watchSilence = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        failure = new EngineError('timeout', `${quiet} for ${silence / 1_000} s`);
        self.dispose();
      }, silence);
    };
    watchSilence();
    // The engine may answer only when the other side has: that is part of the silence.
    const response = await client.open({ ...request, deadline: silence, signal: self.signal });
    const lines = new LineSplitter((line) => {
      const row = fields(JSON.parse(line));
      const problem = text(fields(row['errorDetail'])['message'], 2_000) || text(row['error'], 2_000);
      if (problem) throw refusalText(problem);
      take(row);
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
  if (signal?.aborted) cancel();
  signal?.addEventListener('abort', cancel);
  const { error } = await feed.ended;
  signal?.removeEventListener('abort', cancel);
  clearTimeout(timer);
  const problem = first?.() ?? failure ?? error;
  if (problem) throw problem;
}
