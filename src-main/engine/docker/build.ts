/** Building an image from a context, with the builder's words as they come. */
import { Readable } from 'node:stream';
import type { Signal } from '../../base/lifecycle';
import { EngineError, type ByteStream } from '../../core/engine';
import type { Client } from './client';
import { refusalText } from './failures';
import { fields, text } from './parse';
import { Feed, LineSplitter } from './streams';

/** A step of a build may compile for long without a word. Milliseconds. */
const LONGEST_SILENCE = 1_800_000;

/** See `Engine.build`. The classic builder: it is in every engine and needs no session. */
export async function buildImage(
  client: Client,
  context: ByteStream,
  options: {
    tag: string;
    dockerfile?: string;
    target?: string;
    args: Record<string, string>;
    progress?: (line: string) => void;
    signal?: Signal | undefined;
  },
): Promise<void> {
  let failure: EngineError | undefined;
  const file = Readable.from(context, { objectMode: false });
  // A context that breaks breaks the request; its own words are the better reason.
  file.on('error', (error) => (failure ??= new EngineError('invalid', error.message.slice(0, 2_000))));
  const feed = new Feed<never>(async (self) => {
    const response = await client.open({
      method: 'POST',
      path: '/build',
      query: {
        t: options.tag,
        dockerfile: options.dockerfile,
        target: options.target,
        buildargs: JSON.stringify(options.args),
        rm: true,
        forcerm: true,
      },
      file,
      deadline: LONGEST_SILENCE,
      signal: self.signal,
    });
    const lines = new LineSplitter((line) => {
      const row = fields(JSON.parse(line));
      const problem = text(fields(row['errorDetail'])['message'], 2_000) || text(row['error'], 2_000);
      if (problem) throw refusalText(problem);
      const said = (text(row['stream'], 4_096) || text(row['status'], 4_096)).trim();
      if (said) options.progress?.(said);
    });
    await self.read(response, (chunk) => lines.push(chunk));
    lines.flush();
  });
  const cancel = (): void => {
    failure ??= new EngineError('timeout', 'cancelled');
    feed.dispose();
  };
  if (options.signal?.aborted) cancel();
  options.signal?.addEventListener('abort', cancel);
  const { error } = await feed.ended;
  options.signal?.removeEventListener('abort', cancel);
  file.destroy();
  const problem = failure ?? error;
  if (problem) throw problem;
}
