/** volume …, image pull, image prune: long acts are followed to their end, and cancelled with Ctrl-C. */
import type { JobView, PrunePlan } from '../../contract/api/storage';
import type { Client } from '../../contract/client';
import { fail, PilothouseError } from '../../contract/errors';
import { say } from '../../contract/sentence';
import { UsageError, type Command, type Context } from '../command';
import { bytes, duration, harmless } from '../format';

/** The node that an act is about, by `--node`; without it, the engine that is worked on. */
const onNode = { node: { type: 'string' } } as const;

function nodeOf(context: Context): { node?: string } {
  const node = context.text('node');
  return node === undefined ? {} : { node };
}

/** Follows a job to its end; notes what it does as that changes. */
async function follow(context: Context, client: Client, job: string): Promise<JobView> {
  let last = '';
  const view = await new Promise<JobView>((resolve, reject) => {
    const stream = client.open(
      'storage.watch',
      {},
      {
        item({ put }) {
          const view = put.find((one) => one.id === job);
          if (!view) return;
          const text = say(view.words);
          if (view.state === 'running') {
            if (text !== last) context.out.note(harmless(text, true));
            last = text;
            return;
          }
          stream.dispose();
          resolve(view);
        },
        end: (problem) =>
          reject(new PilothouseError(problem ?? { code: 'engine-away', message: 'The connection ended.' })),
      },
    );
    void context.world.interrupted.then(() => client.call('storage.cancel', { job }).catch(() => undefined));
  });
  if (view.problem) throw new PilothouseError(view.problem);
  if (view.state === 'cancelled') throw fail('cancelled', 'Cancelled.');
  context.out.value(view);
  return view;
}

function words(context: Context, count: number, what: string): string[] {
  if (context.words.length !== count) throw new UsageError(`Say ${what}.`);
  return [...context.words];
}

export const volumeInspect: Command = {
  verb: 'volume inspect',
  usage: 'NAME [--node NODE]',
  summary: 'A volume: its size, who uses it, its plan',
  options: onNode,
  async run(context) {
    const detail = await (
      await context.client()
    ).call('volumes.inspect', { name: context.word('volume'), ...nodeOf(context) });
    const { out } = context;
    out.value(detail);
    out.line(
      `${harmless(detail.name, true)}  ${detail.driver}  ${detail.size === undefined ? '–' : bytes(detail.size)}`,
    );
    if (detail.standsFor) out.line(`stands for ${harmless(detail.standsFor, true)}`);
    for (const { name, running, target } of detail.containers)
      out.line(`${running ? 'used' : 'held'} by ${harmless(name, true)} at ${harmless(target, true)}`);
    if (detail.plan) out.line(`backed up at ${detail.plan.cron}, the last ${detail.plan.keep.last} are kept`);
  },
};

export const volumeBackup: Command = {
  verb: 'volume backup',
  usage: 'NAME [--stopped] [--node NODE]',
  summary: 'Back a volume up, verified',
  options: { ...onNode, stopped: { type: 'boolean' } },
  async run(context) {
    const client = await context.client();
    const mode = context.flag('stopped') ? 'stopped' : 'live';
    const { job } = await client.call('volumes.backup', { name: context.word('volume'), mode, ...nodeOf(context) });
    const view = await follow(context, client, job);
    context.out.line(`Backed up as ${view.result ?? ''}`);
  },
};

export const volumeBackups: Command = {
  verb: 'volume backups',
  usage: '[NAME]',
  summary: 'The backups there are',
  async run(context) {
    const client = await context.client();
    const [name] = context.words;
    const list = await client.call('volumes.backups', name === undefined ? {} : { name });
    context.out.value(list);
    const now = context.world.now();
    context.out.table(
      list,
      [
        { title: 'BACKUP', text: (row) => row.id },
        { title: 'VOLUME', text: (row) => harmless(row.volume, true) },
        { title: 'AGE', text: (row) => duration(now - row.createdAt), right: true },
        { title: 'WHY', text: (row) => row.reason },
        { title: 'SIZE', text: (row) => bytes(row.packed), right: true },
      ],
      'There are no backups.',
    );
  },
};

export const volumeRestore: Command = {
  verb: 'volume restore',
  usage: 'BACKUP [--to VOLUME] [--swap] [--node NODE]',
  summary: 'Restore a backup to a new volume; with --swap the services use it',
  options: { ...onNode, to: { type: 'string' }, swap: { type: 'boolean' } },
  async run(context) {
    const client = await context.client();
    const to = context.text('to');
    const { job } = await client.call('volumes.restore', {
      backup: context.word('backup'),
      swap: context.flag('swap'),
      ...nodeOf(context),
      ...(to === undefined ? {} : { to }),
    });
    const view = await follow(context, client, job);
    context.out.line(`Restored to ${harmless(view.result ?? '', true)}`);
  },
};

export const volumeImport: Command = {
  verb: 'volume import',
  usage: 'FILE VOLUME',
  summary: 'Take an archive (tar, tar.gz, tar.br) in as a backup; hostile ones are refused',
  async run(context) {
    const client = await context.client();
    const [file = '', name = ''] = words(context, 2, 'which file, and the name of its volume');
    const { resolve } = await import('node:path');
    const { job } = await client.call('volumes.import', { file: resolve(context.world.folder, file), name });
    const view = await follow(context, client, job);
    context.out.line(`Taken in as ${view.result ?? ''}`);
  },
};

export const volumeClone: Command = {
  verb: 'volume clone',
  usage: 'NAME COPY [--node NODE]',
  summary: 'Copy a volume, compared with the original',
  options: onNode,
  async run(context) {
    const client = await context.client();
    const [name = '', to = ''] = words(context, 2, 'which volume, and the name of the copy');
    const { job } = await client.call('volumes.clone', { name, to, ...nodeOf(context) });
    await follow(context, client, job);
    context.out.line(`Copied to ${harmless(to, true)}`);
  },
};

export const volumeRemove: Command = {
  verb: 'volume rm',
  usage: 'NAME [--no-recycle] [--node NODE]',
  summary: 'Remove a volume; a backup stays in the recycle bin for 30 days',
  options: { ...onNode, 'no-recycle': { type: 'boolean' } },
  async run(context) {
    const client = await context.client();
    const name = context.word('volume');
    const { job } = await client.call('volumes.remove', {
      name,
      recycle: !context.flag('no-recycle'),
      ...nodeOf(context),
    });
    await follow(context, client, job);
    context.out.line(`Removed ${harmless(name, true)}`);
  },
};

export const volumePrune: Command = {
  verb: 'volume prune',
  usage: '[--yes] [--no-recycle] [--node NODE]',
  summary: 'Show the volumes of ours that nothing uses; with --yes remove them',
  options: { ...onNode, yes: { type: 'boolean' }, 'no-recycle': { type: 'boolean' } },
  async run(context) {
    const client = await context.client();
    const names = show(context, await client.call('volumes.prunePlan', nodeOf(context)));
    if (!context.flag('yes') || names.length === 0) return;
    const { job } = await client.call('volumes.prune', {
      names,
      recycle: !context.flag('no-recycle'),
      ...nodeOf(context),
    });
    await follow(context, client, job);
    context.out.line(`Removed ${names.length}`);
  },
};

export const imagePull: Command = {
  verb: 'image pull',
  usage: 'IMAGE [--node NODE]',
  summary: 'Pull an image',
  options: onNode,
  async run(context) {
    const client = await context.client();
    const reference = context.word('image');
    const { job } = await client.call('images.pull', { reference, ...nodeOf(context) });
    await follow(context, client, job);
    context.out.line(`Pulled ${harmless(reference, true)}`);
  },
};

export const imagePush: Command = {
  verb: 'image push',
  usage: 'IMAGE [--node NODE]',
  summary: 'Send an image to its registry',
  options: onNode,
  async run(context) {
    const client = await context.client();
    const reference = context.word('image');
    const { job } = await client.call('images.push', { reference, ...nodeOf(context) });
    await follow(context, client, job);
    context.out.line(`Sent ${harmless(reference, true)}`);
  },
};

export const imageBuild: Command = {
  verb: 'image build',
  usage: 'FOLDER -t NAME [-f DOCKERFILE] [--target STAGE] [--node NODE]',
  summary: 'Build an image from a folder with a Dockerfile',
  options: {
    ...onNode,
    tag: { type: 'string', short: 't' },
    file: { type: 'string', short: 'f' },
    target: { type: 'string' },
  },
  async run(context) {
    const [folder = ''] = words(context, 1, 'which folder');
    const tag = context.text('tag');
    if (tag === undefined) throw new UsageError('Say how the image is called: -t NAME.');
    const [dockerfile, target] = [context.text('file'), context.text('target')];
    const { resolve } = await import('node:path');
    const client = await context.client();
    const { job } = await client.call('images.build', {
      ...{ folder: resolve(context.world.folder, folder), tag },
      ...nodeOf(context),
      ...(dockerfile === undefined ? {} : { dockerfile }),
      ...(target === undefined ? {} : { target }),
    });
    try {
      await follow(context, client, job);
    } catch (thrown) {
      const { lines } = await client.call('storage.log', { job });
      for (const line of lines.slice(-20)) context.out.note(harmless(line));
      throw thrown;
    }
    context.out.line(`Built ${harmless(tag, true)}`);
  },
};

export const imageCheck: Command = {
  verb: 'image check',
  usage: '[IMAGE…] [--node NODE]',
  summary: 'Ask the registries whether there is something newer',
  options: onNode,
  async run(context) {
    const client = await context.client();
    const named = [...context.words];
    const all = named.length > 0 ? named : await tagsOn(client, context.text('node'));
    const list =
      all.length === 0 ? [] : await client.call('images.check', { references: all.slice(0, 200), ...nodeOf(context) });
    context.out.value(list);
    context.out.table(
      list,
      [
        { title: 'IMAGE', text: (row) => harmless(row.reference, true) },
        { title: 'REGISTRY', text: (row) => row.state },
        { title: 'WHY', text: (row) => harmless(row.reason ?? '', true) },
      ],
      'There are no images.',
    );
  },
};

/** The names of the images of a node; without one, of the engine that is worked on. */
async function tagsOn(client: Client, node: string | undefined): Promise<string[]> {
  const home = (await client.call('nodes.list', {})).find((one) => one.home);
  const wanted = new Set(node === undefined ? [undefined, home?.id] : [node]);
  const images = await client.call('images.list', {});
  return images.filter((one) => wanted.has(one.node?.id) || wanted.has(one.node?.name)).flatMap(({ tags }) => tags);
}

export const imagePrune: Command = {
  verb: 'image prune',
  usage: '[--unused] [--yes] [--node NODE]',
  summary: 'Show untagged images (with --unused all that nothing uses); with --yes remove them',
  options: { ...onNode, unused: { type: 'boolean' }, yes: { type: 'boolean' } },
  async run(context) {
    const client = await context.client();
    const names = show(
      context,
      await client.call('images.prunePlan', { unused: context.flag('unused'), ...nodeOf(context) }),
    );
    if (!context.flag('yes') || names.length === 0) return;
    const { job } = await client.call('images.prune', { names, ...nodeOf(context) });
    await follow(context, client, job);
    context.out.line(`Removed ${names.length}`);
  },
};

/** Shows what a prune would take; as JSON only while nothing is done, so that there is one answer. */
function show(context: Context, plan: PrunePlan): string[] {
  if (!context.flag('yes')) context.out.value(plan);
  context.out.table(
    plan.items,
    [
      { title: 'NAME', text: (row) => harmless(row.name, true) },
      { title: 'WHY', text: (row) => row.why },
      { title: 'SIZE', text: (row) => (row.size === undefined ? '–' : bytes(row.size)), right: true },
    ],
    'There is nothing to prune.',
  );
  if (!context.flag('yes') && plan.items.length > 0)
    context.out.note('Nothing was removed. Add --yes to remove these.');
  return plan.items.map((item) => item.name);
}
