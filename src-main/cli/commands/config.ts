/** config: the config center from a terminal. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { ArgumentOf } from '../../contract/api/define';
import type { Calls } from '../../contract/api';
import {
  formatByName,
  type ConfigDiff,
  type ConfigFormat,
  type ConfigItemDetail,
  type ConfigItemId,
  type ConfigItemView,
  type ConfigSide,
} from '../../contract/api/config';
import { fail, PilothouseError } from '../../contract/errors';
import { say } from '../../contract/sentence';
import { UsageError, type Command, type Context } from '../command';
import { bytes, clockTime, harmless } from '../format';
import type { Output } from '../output';

const formats: readonly ConfigFormat[] = ['text', 'json', 'yaml', 'toml', 'properties', 'xml', 'env'];
const itemUsage = 'NAMESPACE/[GROUP/]NAME';

/** Reads `shop/app.yaml` or `shop/default/app.yaml`. */
function itemOf(text: string): ConfigItemId {
  const [namespace = '', second = '', third, ...more] = text.split('/');
  if (namespace === '' || second === '' || third === '' || more.length > 0)
    throw new UsageError(`${text} is no item: write ${itemUsage}.`);
  return third === undefined
    ? { namespace, group: 'default', name: second }
    : { namespace, group: second, name: third };
}

/** The item, and what follows it. */
function itemAnd(context: Context): { item: ConfigItemId; rest: string[] } {
  const [first, ...rest] = context.words;
  if (first === undefined) throw new UsageError(`Say which item: ${itemUsage}.`);
  return { item: itemOf(first), rest };
}

function formatOf(context: Context, name: string): ConfigFormat {
  const given = context.text('format');
  if (given !== undefined) {
    if (!formats.includes(given as ConfigFormat))
      throw new UsageError(`${given} is no format; there are ${formats.join(', ')}.`);
    return given as ConfigFormat;
  }
  return formatByName(name);
}

/** The text of a file, of `-` (standard input), or undefined when none was named. */
function textFrom(context: Context): string | undefined {
  const file = context.text('file');
  if (file === undefined) return undefined;
  return file === '-' ? context.world.standardInput() : readFileSync(resolve(context.world.folder, file), 'utf8');
}

export const configList: Command = {
  verb: 'config ls',
  usage: '[NAMESPACE]',
  summary: 'Items of the config center, what is released and who reads it',
  async run(context) {
    const [namespace, ...more] = context.words;
    if (more.length > 0) throw new UsageError('One namespace at a time.');
    const client = await context.client();
    const items = await client.call('config.items', namespace === undefined ? {} : { namespace });
    context.out.value(items);
    context.out.table(
      items,
      [
        { title: 'ITEM', text: (row) => row.key },
        { title: 'FORMAT', text: (row) => row.format },
        { title: 'RELEASE', text: releaseText, right: true },
        { title: 'SIZE', text: (row) => bytes(row.size), right: true },
        { title: 'READERS', text: (row) => (row.users === 0 ? '–' : `${row.current}/${row.users}`), right: true },
        { title: 'DRAFT', text: (row) => (row.draft ? 'changed' : '') },
      ],
      'Nothing is here yet: pilothouse config set.',
    );
  },
};

function releaseText(row: ConfigItemView): string {
  return `${row.release || '–'}${row.gray ? ` (gray ${row.gray.release})` : ''}`;
}

export const configGet: Command = {
  verb: 'config get',
  usage: `[--draft] [--release N] ${itemUsage}`,
  summary: 'The released text of an item, or its draft, or an older release',
  options: { draft: { type: 'boolean' }, release: { type: 'string' } },
  async run(context) {
    const item = itemOf(context.word('item'));
    const client = await context.client();
    const release = context.count('release', 1);
    const show = (text: string, whole: unknown): void => {
      context.out.value(whole);
      context.out.line(harmless(text.replace(/\n$/, '')));
    };
    if (release !== undefined) {
      const found = await client.call('config.release', { item, release });
      return show(found.text, found);
    }
    const detail = await client.call('config.get', { item });
    if (context.flag('draft')) return show(detail.text, detail);
    if (detail.released === undefined)
      throw fail(
        'not-found',
        `${detail.key} is not released yet.`,
        'See its draft with --draft, release it with: pilothouse config publish',
      );
    return show(detail.released, detail);
  },
};

export const configSet: Command = {
  verb: 'config set',
  usage: `[--file FILE|-] [--schema FILE] [--format FORMAT] [--publish] [--note TEXT] ${itemUsage} [TEXT]`,
  summary: 'Writes the draft of an item, and makes the item when it is new; with --publish releases it',
  options: {
    file: { type: 'string', short: 'f' },
    schema: { type: 'string' },
    format: { type: 'string' },
    publish: { type: 'boolean' },
    note: { type: 'string' },
  },
  async run(context) {
    const { item, rest } = itemAnd(context);
    const text = textFrom(context) ?? (rest.length > 0 ? rest.join(' ') : undefined);
    const schemaFile = context.text('schema');
    const schema =
      schemaFile === undefined ? undefined : readFileSync(resolve(context.world.folder, schemaFile), 'utf8');
    const formatGiven = context.text('format') !== undefined;
    if (text === undefined && schema === undefined && !formatGiven)
      throw new UsageError('Give the text, or --file FILE.');
    const client = await context.client();
    const found = await client.call('config.get', { item }).catch((thrown: unknown) => {
      if (thrown instanceof PilothouseError && thrown.problem.code === 'not-found') return undefined;
      throw thrown;
    });
    let detail: ConfigItemDetail;
    if (found) {
      const change = {
        ...(text === undefined ? {} : { text }),
        ...(schema === undefined ? {} : { schema }),
        ...(formatGiven ? { format: formatOf(context, item.name) } : {}),
      };
      detail = await client.call('config.saveDraft', { item, ...change, draftVersion: found.draftVersion });
    } else {
      const format = formatOf(context, item.name);
      detail = await client.call('config.create', { item, format, text: text ?? '', schema: schema ?? '' });
    }
    if (context.flag('publish')) {
      const note = context.text('note') ?? '';
      detail = await client.call('config.publish', { item, expected: detail.release, note });
      context.out.value(detail);
      context.out.line(`${detail.key} release ${detail.release} published`);
      return;
    }
    context.out.value(detail);
    for (const problem of detail.problems) context.out.warning(problem);
    context.out.line(`${detail.key}: draft kept${detail.draft ? '' : ', equal to what is released'}`);
  },
};

export const configPublish: Command = {
  verb: 'config publish',
  usage: `[--note TEXT] [--share PERCENT] [--label LABEL]… [--ip IP]… [--replica REPLICA]… [--guard SECONDS [--guard-errors N] [--guard-failed PERCENT] [--guard-slower TIMES]] [--widen|--withdraw] ${itemUsage}`,
  summary: 'Releases the draft: for all, for some, or to a few first and then by itself (--guard)',
  options: {
    note: { type: 'string', short: 'm' },
    share: { type: 'string' },
    label: { type: 'string', multiple: true },
    ip: { type: 'string', multiple: true },
    replica: { type: 'string', multiple: true },
    guard: { type: 'string' },
    'guard-errors': { type: 'string' },
    'guard-failed': { type: 'string' },
    'guard-slower': { type: 'string' },
    widen: { type: 'boolean' },
    withdraw: { type: 'boolean' },
  },
  async run(context) {
    const item = itemOf(context.word('item'));
    const client = await context.client();
    const note = context.text('note') ?? '';
    const before = await client.call('config.get', { item });
    const show = (detail: ConfigItemDetail, words: string): void => {
      context.out.value(detail);
      context.out.line(words);
    };
    if (context.flag('withdraw')) {
      const detail = await client.call('config.withdraw', { item });
      return show(detail, `${detail.key}: everybody has release ${detail.release} again`);
    }
    if (context.flag('widen')) {
      const detail = await client.call('config.widen', { item, expected: before.release, note });
      return show(detail, `${detail.key} release ${detail.release} is for all now`);
    }
    const share = context.count('share') ?? 0;
    const gray = { ips: context.list('ip'), labels: context.list('label'), replicas: context.list('replica'), share };
    const some = share > 0 || gray.ips.length + gray.labels.length + gray.replicas.length > 0;
    const seconds = context.count('guard', 1);
    const input: ArgumentOf<Calls['config.publish']> = { item, expected: before.release, note };
    if (some) input.gray = gray;
    if (seconds !== undefined) {
      const [errors, failed, slower] = ['errors', 'failed', 'slower'].map((name) => context.count(`guard-${name}`));
      input.guard = {
        watch: seconds * 1000,
        ...(errors === undefined ? {} : { errors }),
        ...(failed === undefined ? {} : { failed }),
        ...(slower === undefined ? {} : { slower }),
      };
    }
    const detail = await client.call('config.publish', input);
    if (!detail.gray) return show(detail, `${detail.key} release ${detail.release} published`);
    const guard = detail.gray.guard ? `; ${say(detail.gray.guard.words)}` : '';
    show(
      detail,
      `${detail.key} release ${detail.gray.release} given to some, the others keep ${detail.release || 'nothing'}${guard}`,
    );
  },
};

export const configHistory: Command = {
  verb: 'config history',
  usage: itemUsage,
  summary: 'Releases of an item, newest first',
  async run(context) {
    const item = itemOf(context.word('item'));
    const client = await context.client();
    const releases = await client.call('config.releases', { item });
    const now = context.world.now();
    context.out.value(releases);
    context.out.table(
      releases,
      [
        { title: 'RELEASE', text: (row) => String(row.release), right: true },
        { title: 'STATE', text: (row) => row.state },
        { title: 'AT', text: (row) => clockTime(row.at, now) },
        { title: 'BY', text: (row) => harmless(row.by, true) },
        { title: 'LINES', text: (row) => `+${row.added} −${row.removed}`, right: true },
        { title: 'NOTE', text: (row) => harmless(row.note, true) },
      ],
      'Nothing is released yet: pilothouse config publish.',
    );
  },
};

export const configDiff: Command = {
  verb: 'config diff',
  usage: `[--from N|draft|gray] [--to N|draft|gray] ${itemUsage}`,
  summary: 'What the draft would change, or what differs between two releases',
  options: { from: { type: 'string' }, to: { type: 'string' } },
  async run(context) {
    const item = itemOf(context.word('item'));
    const client = await context.client();
    const from = sideOf(context.text('from') ?? 'active', item);
    const to = sideOf(context.text('to') ?? 'draft', item);
    const diff = await client.call('config.diff', { from, to });
    context.out.value(diff);
    showDiff(context.out, diff);
  },
};

function sideOf(text: string, item: ConfigItemId): ConfigSide {
  if (text === 'draft' || text === 'active' || text === 'gray') return { kind: text, item };
  if (!/^[1-9]\d*$/.test(text)) throw new UsageError(`${text} is no release: write a number, draft, active or gray.`);
  return { kind: 'release', item, release: Number(text) };
}

function showDiff(out: Output, diff: ConfigDiff): void {
  if (diff.added + diff.removed === 0) return out.line('No difference.');
  for (const line of diff.lines) {
    const text = harmless(line.text, true);
    if (line.kind === 'skipped') out.line(out.paint('cyan', `@@ ${line.count ?? 0} equal lines @@`));
    else if (line.kind === 'added') out.line(out.paint('green', `+${text}`));
    else if (line.kind === 'removed') out.line(out.paint('red', `-${text}`));
    else out.line(` ${text}`);
  }
}

export const configRollback: Command = {
  verb: 'config rollback',
  usage: `[--to N] [--note TEXT] ${itemUsage}`,
  summary: 'Publishes an older release anew, by default the one before',
  options: { to: { type: 'string' }, note: { type: 'string', short: 'm' } },
  async run(context) {
    const item = itemOf(context.word('item'));
    const client = await context.client();
    const { release: expected } = await client.call('config.get', { item });
    const release = context.count('to', 1);
    const note = context.text('note') ?? '';
    const input = { item, expected, note, ...(release === undefined ? {} : { release }) };
    const detail = await client.call('config.rollback', input);
    context.out.value(detail);
    context.out.line(`${detail.key} release ${detail.release} published`);
  },
};

export const configWatch: Command = {
  verb: 'config watch',
  usage: `[${itemUsage}]`,
  summary: 'Says what is released and who has it, until interrupted',
  async run(context) {
    const [first, ...more] = context.words;
    if (more.length > 0) throw new UsageError('One item at a time.');
    const wanted = first === undefined ? undefined : itemOf(first);
    const client = await context.client();
    if (wanted) await client.call('config.get', { item: wanted });
    const key = wanted && `${wanted.namespace}/${wanted.group}/${wanted.name}`;
    const seen = new Map<string, string>();
    await new Promise<void>((done, reject) => {
      const stream = client.open(
        'config.watch',
        {},
        {
          item: (change) => {
            for (const view of change.put) {
              const words = `${releaseText(view)}${view.gray?.guard ? ` ${say(view.gray.guard.words)}` : ''}, ${view.current} of ${view.users} readers have it`;
              if ((key !== undefined && view.key !== key) || seen.get(view.key) === words) continue;
              seen.set(view.key, words);
              context.out.item(view);
              context.out.line(
                `${context.out.paint('grey', clockTime(context.world.now(), context.world.now()))} ${view.key} release ${words}`,
              );
            }
            for (const gone of change.gone) {
              if (key !== undefined && gone !== key) continue;
              seen.delete(gone);
              context.out.item({ key: gone, gone: true });
              context.out.line(`${gone} was removed`);
            }
          },
          end: (problem) => (problem ? reject(new PilothouseError(problem)) : done()),
        },
      );
      void context.world.interrupted.then(() => {
        stream.dispose();
        done();
      });
    });
  },
};

export const configServe: Command = {
  verb: 'config serve',
  usage: '[--port PORT] [--open|--closed] [--containers|--no-containers] [--off]',
  summary: 'Turns the HTTP endpoints for Apollo, Nacos and REST on or off, and says where they are',
  options: {
    port: { type: 'string' },
    open: { type: 'boolean' },
    closed: { type: 'boolean' },
    containers: { type: 'boolean' },
    'no-containers': { type: 'boolean' },
    off: { type: 'boolean' },
  },
  async run(context) {
    const client = await context.client();
    const { http } = await client.call('settings.get', {});
    const open = context.flag('open') || (http.open && !context.flag('closed'));
    const containers = context.flag('containers') || (http.containers && !context.flag('no-containers'));
    const port = context.count('port', 1024) ?? http.port;
    const next = { enabled: !context.flag('off'), port, open, containers };
    await client.call('settings.set', { http: next });
    // The server follows the settings by itself; what is told is what it says of itself then.
    const wanted = next.enabled ? 'running' : 'off';
    let view = await client.call('config.http', {});
    for (let turn = 0; turn < 50 && view.state !== wanted && view.state !== 'failed'; turn++) {
      await new Promise((later) => setTimeout(later, 100));
      view = await client.call('config.http', {});
    }
    context.out.value(view);
    context.out.line(`${say(view.words)}${view.urls.map((url) => `\n${url}`).join('')}`);
    return view.state === 'failed' ? 1 : undefined;
  },
};

export const configToken: Command = {
  verb: 'config token',
  usage: '[--write] [--revoke ID] [NAMESPACE|*] [NAME]',
  summary: 'Makes a token for the HTTP endpoints and tells it once; without words lists those there are',
  options: { write: { type: 'boolean' }, revoke: { type: 'string' } },
  async run(context) {
    const client = await context.client();
    const revoke = context.text('revoke');
    if (revoke !== undefined) {
      await client.call('config.revokeToken', { id: revoke });
      context.out.value({ revoked: revoke });
      return context.out.line(`${revoke} opens nothing any more`);
    }
    const [namespace, ...name] = context.words;
    if (namespace === undefined) {
      const tokens = await client.call('config.tokens', {});
      context.out.value(tokens);
      return context.out.table(
        tokens,
        [
          { title: 'ID', text: (row) => row.id },
          { title: 'NAME', text: (row) => harmless(row.name, true) },
          { title: 'NAMESPACE', text: (row) => row.namespace },
          { title: 'RIGHTS', text: (row) => row.rights },
        ],
        'There are no tokens.',
      );
    }
    const rights = context.flag('write') ? 'write' : 'read';
    const made = await client.call('config.createToken', { namespace, rights, name: name.join(' ') || namespace });
    context.out.value(made);
    context.out.line(made.token);
  },
};
