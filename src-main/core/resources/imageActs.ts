/** Building, sending and comparing images. */
import type { ImageFreshness } from '../../contract/api/storage';
import { fail } from '../../contract/errors';
import { sentence } from '../../contract/sentence';
import { EngineError, type BuildOptions, type Engine } from '../engine';
import type { BuildContext, ContextRequest } from './box';
import type { Step } from './jobs';

/** Lines of a builder that are kept, and characters of each. */
const keptLines = 500;
const longestLine = 500;
/** Registries that are asked at once. */
const atOnce = 4;

export type BuildInput = ContextRequest & Omit<BuildOptions, 'dockerfile'>;

/** What builders said, for the acts that are remembered. */
export class BuildLogs {
  private readonly logs = new Map<string, string[]>();

  of(job: string): string[] {
    return this.logs.get(job) ?? [];
  }

  /** The lines of a new act, which it goes on to fill; those of the oldest act are let go. */
  keep(job: string, lines: string[]): void {
    this.logs.set(job, lines);
    const [oldest] = this.logs.keys();
    if (this.logs.size > 10 && oldest !== undefined) this.logs.delete(oldest);
  }
}

/** Builds an image of a folder with the engine's own builder. */
export async function buildImage(
  engine: Engine,
  input: BuildInput,
  options: {
    open: (request: ContextRequest, signal: Step['signal']) => Promise<BuildContext>;
    say: (line: string) => void;
  },
  step: Step,
): Promise<void> {
  step.say(sentence('storage.packing', { folder: input.folder }));
  const { folder, dockerfile: file, inline, within, ...more } = input;
  const request = { folder, dockerfile: file, ...optional('inline', inline), ...optional('within', within) };
  const context = await options.open(request, step.signal);
  options.say(`${context.entries} entries, ${context.bytes} bytes`);
  step.say(sentence('storage.sending', { image: input.tag }), context.bytes);
  const counted = async function* (): AsyncGenerator<Uint8Array> {
    let sent = 0;
    for await (const piece of context.tar()) {
      if (step.signal.aborted) throw fail('cancelled', 'Cancelled.');
      sent += piece.length;
      step.progress(Math.min(sent, context.bytes));
      yield piece;
    }
  };
  const progress = (text: string): void => {
    for (const line of text.split(/\r?\n/)) {
      const cut = line.slice(0, longestLine);
      options.say(cut);
      // The builder's steps are its only measure.
      const at = /^Step (\d+)\/(\d+) :/.exec(cut);
      if (at) step.say(sentence('storage.building', { image: input.tag, step: Number(at[1]), steps: Number(at[2]) }));
    }
  };
  await engine.build(counted(), { ...more, dockerfile: context.dockerfile, progress }, step.signal);
}

function optional<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]: Value });
}

/** Adds a line; what falls over the bound is counted. */
export function addLine(lines: string[], line: string): void {
  if (lines.length >= keptLines) lines.shift();
  lines.push(line);
}

/** Whether registries have something else for these names than lies here. What cannot be asked is unknown, with the reason. */
export async function compareWithRegistries(
  engine: Engine,
  references: readonly string[],
  problemOf: (error: EngineError) => Error,
): Promise<ImageFreshness[]> {
  const found: ImageFreshness[] = [];
  const waiting = [...references];
  const work = async (): Promise<void> => {
    for (let reference = waiting.shift(); reference !== undefined; reference = waiting.shift())
      found.push(await compareOne(engine, reference, problemOf));
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return found.sort((one, two) => references.indexOf(one.reference) - references.indexOf(two.reference));
}

async function compareOne(
  engine: Engine,
  reference: string,
  problemOf: (error: EngineError) => Error,
): Promise<ImageFreshness> {
  const unknown = (reason: string): ImageFreshness => ({ reference, state: 'unknown', reason: reason.slice(0, 300) });
  if (!engine.registryDigest) return unknown('This engine cannot ask registries.');
  try {
    const image = await engine.inspectImage(reference);
    if (!image) return unknown('It is not on this engine.');
    const local = image.digests.map((digest) => digest.slice(digest.indexOf('@') + 1));
    // Built here and never sent: there is nothing to compare.
    if (local.length === 0) return unknown('It was made here; no registry knows it.');
    const remote = await engine.registryDigest(reference);
    if (remote === '') return unknown('The registry names no digest.');
    return { reference, state: local.includes(remote) ? 'current' : 'newer' };
  } catch (thrown) {
    if (!(thrown instanceof EngineError)) throw thrown;
    return unknown(problemOf(thrown).message);
  }
}
