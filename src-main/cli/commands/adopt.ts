/** adopt, release: containers that somebody else made, and letting go of them again. */
import type { ForeignContainer } from '../../contract/nouns';
import { fail } from '../../contract/errors';
import { say } from '../../contract/sentence';
import { UsageError, type Command } from '../command';
import { harmless } from '../format';
import { needEngine } from '../wait';

export const adopt: Command = {
  verb: 'adopt',
  usage: '[PROJECT | CONTAINER…] [--name STACK] [--dry-run]',
  summary: 'Take running containers over as they are, as a stack; without words: list what could be',
  options: { name: { type: 'string', short: 'p' }, 'dry-run': { type: 'boolean' } },
  async run(context) {
    const client = await context.client();
    await needEngine(client);
    const foreign = await client.call('containers.foreign', {});
    if (context.words.length === 0) {
      context.out.value(foreign);
      context.out.table(
        foreign,
        [
          { title: 'CONTAINER', text: (row) => harmless(row.name, true) },
          { title: 'PROJECT', text: (row) => harmless(row.composeProject ?? '–', true) },
          { title: 'STATE', text: (row) => harmless(row.state, true) },
          { title: 'IMAGE', text: (row) => harmless(row.image, true) },
        ],
        'Every container on this engine is looked after already.',
      );
      return;
    }
    const chosen = choose(foreign, context.words);
    const name = context.text('name') ?? chosen.project;
    if (name === undefined) throw new UsageError('Say what the stack shall be called: --name STACK.');
    const request = { containers: chosen.ids, name };
    const plan = await client.call('stacks.planAdopt', request);
    for (const warning of plan.warnings) context.out.warning(warning);
    for (const left of plan.leftOut) context.out.note(`left out: ${harmless(left.name, true)}, ${say(left.words)}`);
    if (context.flag('dry-run')) {
      context.out.value(plan);
      for (const line of plan.yaml.trimEnd().split('\n')) context.out.line(harmless(line, true));
      return;
    }
    const done = await client.call('stacks.adopt', request);
    context.out.line(`${done.stack} adopted: ${done.adopted} containers, none of them touched`);
    context.out.value(done);
  },
};

/** Containers by project, name or the beginning of an id. */
function choose(foreign: readonly ForeignContainer[], words: readonly string[]): { ids: string[]; project?: string } {
  const ids = new Set<string>();
  let project: string | undefined;
  for (const word of words) {
    const members = foreign.filter((row) => row.composeProject === word && /^(?:running|paused)$/.test(row.state));
    if (members.length > 0) project ??= word;
    const named = foreign.find((row) => row.name === word || (word.length >= 4 && row.id.startsWith(word)));
    const found = members.length > 0 ? members : named ? [named] : [];
    if (found.length === 0) {
      throw fail('not-found', `There is no project or container ${word} to adopt.`, 'List them with: pilothouse adopt');
    }
    for (const row of found) ids.add(row.id);
  }
  return { ids: [...ids], ...(project === undefined ? {} : { project }) };
}

export const release: Command = {
  verb: 'release',
  usage: 'STACK',
  summary: 'Let go of an adopted stack; its containers run on',
  options: {},
  async run(context) {
    const client = await context.client();
    const stack = context.word('stack');
    context.out.value(await client.call('stacks.release', { stack }));
    context.out.line(`${stack} is let go of; its containers run on as they are`);
  },
};
