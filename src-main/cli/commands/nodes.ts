/** node ls, add, test, update, cordon, uncordon, drain, rm: the machines that take replicas. */
import { resolve } from 'node:path';
import type { DrainStep, NodeView } from '../../contract/nouns';
import { say } from '../../contract/sentence';
import { UsageError, type Command, type Context } from '../command';
import { bytes, duration, harmless } from '../format';
import { parseSpan } from '../times';

export const nodeList: Command = {
  verb: 'node ls',
  usage: '',
  summary: 'The nodes: the engine that is worked on, and those joined to it',
  async run(context) {
    const rows = await (await context.client()).call('nodes.list', {});
    const { out } = context;
    const now = context.world.now();
    out.value(rows);
    out.table<NodeView>(
      rows,
      [
        { title: 'NODE', text: (row) => harmless(row.name, true) + (row.home ? ' *' : '') },
        { title: 'STATE', text: (row) => stateOf(row, now) },
        { title: 'CPU', text: (row) => `${row.usedCpus.toFixed(2)} of ${row.cpus}`, right: true },
        { title: 'MEMORY', text: (row) => `${bytes(row.usedMemory)} of ${bytes(row.memory)}`, right: true },
        {
          title: 'RESERVED',
          text: (row) => `${row.reservedCpus.toFixed(2)}, ${bytes(row.reservedMemory)}`,
          right: true,
        },
        { title: 'REPLICAS', text: (row) => String(row.replicas), right: true },
        { title: 'CONTAINERS', text: (row) => String(row.containers), right: true },
        { title: 'ENDPOINT', text: (row) => harmless(row.endpoint, true) },
      ],
      'There are no nodes.',
    );
  },
};

function stateOf(node: NodeView, now: number): string {
  if (node.state !== 'away') return node.state;
  return node.since === undefined ? 'away' : `away ${duration(now - node.since)}`;
}

const reach = { certificates: { type: 'string' }, label: { type: 'string', multiple: true } } as const;

export const nodeTest: Command = {
  verb: 'node test',
  usage: 'ENDPOINT|CONTEXT [--certificates FOLDER]',
  summary: 'Ask an engine whether it could be a node',
  options: { certificates: reach.certificates },
  async run(context) {
    const endpoint = context.word('endpoint');
    const found = await (await context.client()).call('nodes.test', { endpoint, ...certificates(context) });
    context.out.value(found);
    const { name, version, cpus, memory, architecture, latency } = found;
    context.out.line(
      `${harmless(name, true)}: ${found.kind} ${harmless(version, true)}, ${architecture}, ${cpus} cores, ${bytes(memory)}, answers in ${latency} ms`,
    );
  },
};

export const nodeTrust: Command = {
  verb: 'node trust',
  usage: 'ENDPOINT|CONTEXT FINGERPRINT',
  summary: 'Accept the host key of a machine behind SSH, once its fingerprint was compared over there',
  async run(context) {
    const endpoint = context.word('endpoint');
    const fingerprint = context.word('fingerprint');
    const key = await (await context.client()).call('nodes.trustHost', { endpoint, fingerprint });
    context.out.value(key);
    context.out.line(`${harmless(key.host, true)} is known by ${key.type} ${key.fingerprint}`);
  },
};

export const nodeAdd: Command = {
  verb: 'node add',
  usage: 'ENDPOINT|CONTEXT [--name NAME] [--label KEY=VALUE]… [--certificates FOLDER] [--address HOST]',
  summary: 'Join an engine: ssh://user@host, tcp://host:2376 with certificates, unix:///path, or a Docker context',
  options: { ...reach, name: { type: 'string' }, address: { type: 'string' } },
  async run(context) {
    const endpoint = context.word('endpoint');
    const [name, address] = [context.text('name'), context.text('address')];
    const labels = labelsOf(context);
    const joined = await (
      await context.client()
    ).call('nodes.add', {
      endpoint,
      ...certificates(context),
      ...(name === undefined ? {} : { name }),
      ...(address === undefined ? {} : { address }),
      ...(labels ? { labels } : {}),
    });
    context.out.value(joined);
    context.out.line(`${harmless(joined.name, true)} joined`);
  },
};

export const nodeUpdate: Command = {
  verb: 'node update',
  usage:
    'NODE [--availability active|pause|drain] [--label KEY=VALUE]… [--no-labels] [--name NAME] [--grace SPAN] [--address HOST]',
  summary: 'Change what is set for a node; labels given replace all of them',
  options: {
    availability: { type: 'string' },
    label: reach.label,
    'no-labels': { type: 'boolean' },
    name: { type: 'string' },
    grace: { type: 'string' },
    address: { type: 'string' },
  },
  async run(context) {
    const node = context.word('node');
    const availability = context.text('availability');
    if (availability !== undefined && availability !== 'active' && availability !== 'pause' && availability !== 'drain')
      throw new UsageError(`--availability is active, pause or drain, not ${availability}.`);
    const labels = context.flag('no-labels') ? {} : labelsOf(context);
    const grace = context.text('grace');
    const [name, address] = [context.text('name'), context.text('address')];
    await (
      await context.client()
    ).call('nodes.update', {
      node,
      ...(availability === undefined ? {} : { availability }),
      ...(labels ? { labels } : {}),
      ...(name === undefined ? {} : { name }),
      ...(grace === undefined ? {} : { grace: parseSpan(grace, 'grace') }),
      ...(address === undefined ? {} : { address }),
    });
    context.out.value({ node });
    context.out.line(`${harmless(node, true)} is changed`);
  },
};

export const nodeDrain: Command = {
  verb: 'node drain',
  usage: 'NODE [--dry-run]',
  summary: 'Empty a node: what runs there goes elsewhere, each when its successor serves',
  options: { 'dry-run': { type: 'boolean' } },
  async run(context) {
    const node = context.word('node');
    const client = await context.client();
    const steps = await client.call('nodes.planDrain', { node });
    context.out.value(steps);
    context.out.table<DrainStep>(
      steps,
      [
        { title: 'SERVICE', text: (row) => harmless(row.service, true) },
        { title: 'REPLICAS', text: (row) => String(row.replicas), right: true },
        { title: '', text: (row) => (row.moves ? 'goes' : 'stays') },
        { title: 'WHY', text: (row) => harmless(say(row.words), true) },
      ],
      'Nothing of yours runs there.',
    );
    if (context.flag('dry-run')) return;
    await client.call('nodes.update', { node, availability: 'drain' });
    context.out.line(`${harmless(node, true)} is being emptied`);
  },
};

export const nodeRemove: Command = {
  verb: 'node rm',
  usage: 'NODE [--force]',
  summary: 'Let a joined engine go; with --force also while replicas are on it',
  options: { force: { type: 'boolean' } },
  async run(context) {
    const node = context.word('node');
    await (await context.client()).call('nodes.remove', { node, force: context.flag('force') });
    context.out.value({ node });
    context.out.line(`${harmless(node, true)} is no longer a node`);
  },
};

function cordon(verb: 'cordon' | 'uncordon', summary: string, done: string): Command {
  return {
    verb: `node ${verb}`,
    usage: 'NODE',
    summary,
    async run(context) {
      const node = context.word('node');
      await (await context.client()).call('nodes.cordon', { node, cordoned: verb === 'cordon' });
      context.out.line(`${harmless(node, true)} ${done}`);
      context.out.value({ node });
    },
  };
}

export const nodeCordon = cordon('cordon', 'Place nothing new on a node', 'takes nothing new');
export const nodeUncordon = cordon(
  'uncordon',
  'Place replicas on a node again, also after a drain',
  'takes new replicas again',
);

function certificates(context: Context): { certificates?: string } {
  const folder = context.text('certificates');
  // The core works in another folder than this one.
  return folder === undefined ? {} : { certificates: /^~(\/|$)/.test(folder) ? folder : resolve(folder) };
}

function labelsOf(context: Context): Record<string, string> | undefined {
  const given = context.list('label');
  if (given.length === 0) return undefined;
  return Object.fromEntries(
    given.map((text) => {
      const at = text.indexOf('=');
      if (at < 1) throw new UsageError(`--label wants KEY=VALUE, not ${text}.`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}
