/** Building an image from a context, with the builder's words as they come. */
import { Readable } from 'node:stream';
import type { Signal } from '../../base/lifecycle';
import { EngineError, type BuildOptions, type ByteStream } from '../../core/engine';
import type { Client } from './client';
import { text } from './parse';
import { transfer } from './transfer';

/** A step of a build may compile for long without a word. Milliseconds. */
const LONGEST_SILENCE = 1_800_000;

/** See `Engine.build`. The classic builder: it is in every engine and needs no session. */
export async function buildImage(
  client: Client,
  context: ByteStream,
  options: BuildOptions & { progress?: (line: string) => void; signal?: Signal | undefined },
): Promise<void> {
  let broken: EngineError | undefined;
  const file = Readable.from(context, { objectMode: false });
  // A context that breaks breaks the request; its own words are the better reason.
  file.on('error', (error) => (broken ??= new EngineError('invalid', error.message.slice(0, 2_000))));
  try {
    await transfer(
      client,
      {
        method: 'POST',
        path: '/build',
        query: {
          t: [options.tag, ...(options.tags ?? [])],
          dockerfile: options.dockerfile,
          target: options.target,
          buildargs: JSON.stringify(options.args),
          ...(options.labels ? { labels: JSON.stringify(options.labels) } : {}),
          ...(options.cacheFrom ? { cachefrom: JSON.stringify(options.cacheFrom) } : {}),
          extrahosts: options.extraHosts,
          networkmode: options.network,
          shmsize: options.shmSize,
          platform: options.platform,
          nocache: options.noCache,
          pull: options.pull,
          rm: true,
          forcerm: true,
        },
        file,
      },
      {
        silence: LONGEST_SILENCE,
        quiet: 'The builder said nothing',
        signal: options.signal,
        first: () => broken,
        row: (row) => {
          const said = (text(row['stream'], 4_096) || text(row['status'], 4_096)).trim();
          if (said) options.progress?.(said);
        },
      },
    );
  } finally {
    file.destroy();
  }
}
