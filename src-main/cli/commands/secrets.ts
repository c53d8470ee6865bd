/** secret ls, set, rm, reveal. A value comes from standard input or a file, never from argv: others can read that. */
import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { longestSecret, type SecretView } from '../../contract/api/secrets';
import { fail } from '../../contract/errors';
import { say } from '../../contract/sentence';
import { UsageError, type Command, type Context } from '../command';
import { duration, harmless } from '../format';

export const secretList: Command = {
  verb: 'secret ls',
  usage: '',
  summary: 'The secrets of the vault, and who uses them',
  async run(context) {
    const { vault, secrets } = await (await context.client()).call('secrets.list', {});
    const { out } = context;
    const now = context.world.now();
    out.value({ vault, secrets });
    out.table<SecretView>(
      secrets,
      [
        { title: 'SECRET', text: (row) => harmless(row.name, true) },
        { title: 'VERSION', text: (row) => String(row.versions[0]?.version ?? '–'), right: true },
        { title: 'CHANGED', text: (row) => duration(now - row.updatedAt), right: true },
        { title: 'STACK', text: (row) => harmless(row.stack ?? '–', true) },
        { title: 'USED BY', text: (row) => harmless(row.users.join(', ') || '–', true) },
      ],
      'There are no secrets. Make one: pilothouse secret set NAME < FILE',
    );
    if (vault.health !== 'ok') out.line(out.state(vault.health, say(vault.words)));
  },
};

export const secretSet: Command = {
  verb: 'secret set',
  usage: 'NAME [--file PATH] [--note TEXT] [--keep-newline]',
  summary: 'Make a secret or its next version, from a file or standard input',
  options: { file: { type: 'string', short: 'f' }, note: { type: 'string' }, 'keep-newline': { type: 'boolean' } },
  async run(context) {
    if (context.words.length > 1) throw new UsageError('A value is never given as a word: others can read it there.');
    const name = context.word('secret');
    const text = valueOf(context);
    // What an editor or `echo` puts at the end is seldom meant.
    const value = context.flag('keep-newline') ? text : text.replace(/\r?\n$/, '');
    const note = context.text('note');
    const client = await context.client();
    const done = await client.call('secrets.set', { name, value, ...(note === undefined ? {} : { note }) });
    context.out.value(done);
    if (!done.changed) return context.out.line(`${name} is at version ${done.version} already`);
    context.out.line(`${name} is at version ${done.version}`);
    if (done.users.length > 0) context.out.line(`It reaches ${harmless(done.users.join(', '), true)} by a rollout`);
  },
};

export const secretRemove: Command = {
  verb: 'secret rm',
  usage: 'NAME',
  summary: 'Remove a secret that nobody uses',
  async run(context) {
    const name = context.word('secret');
    context.out.value(await (await context.client()).call('secrets.remove', { name }));
    context.out.line(`${name} is gone`);
  },
};

export const secretReveal: Command = {
  verb: 'secret reveal',
  usage: 'NAME --purpose TEXT [--version N]',
  summary: 'Show a value; the purpose is noted in the events',
  options: { purpose: { type: 'string' }, version: { type: 'string' } },
  async run(context) {
    const name = context.word('secret');
    const purpose = context.text('purpose');
    if (!purpose) throw new UsageError('Say what for: --purpose TEXT.');
    const version = context.count('version', 1);
    const client = await context.client();
    const shown = await client.call('secrets.reveal', { name, purpose, ...(version === undefined ? {} : { version }) });
    context.out.value(shown);
    context.out.line(harmless(shown.value, false));
  },
};

function valueOf(context: Context): string {
  const file = context.text('file');
  if (file === undefined || file === '-') return context.world.standardInput();
  const path = resolve(context.world.folder, file);
  try {
    if (statSync(path).size > longestSecret) throw fail('too-large', `${path} is longer than ${longestSecret} bytes.`);
    return readFileSync(path, 'utf8');
  } catch (thrown) {
    if (thrown instanceof Error && 'code' in thrown) throw fail('not-found', `${path} cannot be read.`);
    throw thrown;
  }
}
