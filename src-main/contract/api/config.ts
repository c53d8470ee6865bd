/**
 * The config center. A namespace holds groups, a group holds items, an item is one text. What is edited is the draft; what programs
 * read is a release: immutable, numbered per item from 1. Times in epoch milliseconds, durations in milliseconds.
 *
 * Apollo's words: appId = namespace, cluster = group, namespace = item. Nacos' words: tenant = namespace, group = group, dataId = item;
 * its `public` tenant and `DEFAULT_GROUP` are our `public` and `default`.
 */
import { z } from 'zod';
import type { Problem } from '../errors';
import type { Health } from '../nouns';
import type { Sentence } from '../sentence';
import { act, read, state } from './define';
import { nothing, replicaId } from './inputs';
import type { ListChange } from './stacks';

/** Longest text of an item, characters. */
export const longestConfig = 1024 * 1024;

const name = (most: number): z.ZodString =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^[A-Za-z0-9][A-Za-z0-9._:-]*$/, 'letters, digits and . _ : -, with a letter or a digit first');
const namespace = name(100);
const group = name(100);

/** The three names that make an item. */
export const configItemId = z.strictObject({ namespace, group: group.default('default'), name: name(200) });
export type ConfigItemId = z.output<typeof configItemId>;

export const configFormat = z.enum(['text', 'json', 'yaml', 'toml', 'properties', 'xml', 'env']);
export type ConfigFormat = z.output<typeof configFormat>;

/** The format that a file's ending tells; `text` when it tells none. */
export function formatByName(name: string): ConfigFormat {
  const ending = /\.([a-z]+)$/.exec(name)?.[1] ?? '';
  return ending === 'yml' ? 'yaml' : (configFormat.options.find((one) => one === ending) ?? 'text');
}

const text = z.string().max(longestConfig);
const schema = z.string().max(longestConfig);
const note = z.string().max(500);
const release = z.number().int().positive();
/** The release that was active when the editor looked; 0 when there was none. Another one now is a `conflict`. */
const expected = z.number().int().nonnegative();

/** Who gets a gray release: whoever fits any of these. */
export const grayRule = z.strictObject({
  /** Addresses of clients: `172.18.0.4`, or a network such as `172.18.0.0/16`. */
  ips: z.array(z.string().min(2).max(49)).max(200).default([]),
  /** Labels that clients name themselves with (Apollo's `label`, our `label`). */
  labels: z.array(z.string().min(1).max(100)).max(50).default([]),
  replicas: z.array(replicaId).max(200).default([]),
  /** Percent of replicas and clients, always the same ones; a larger share keeps those of a smaller one. */
  share: z.number().int().min(0).max(100).default(0),
});
export type GrayRule = z.output<typeof grayRule>;

/** A release that watches itself: some get it first, and only when they stay well do all the others. */
export const guardPlan = z.strictObject({
  /** How long they are watched before the release is widened. */
  watch: z.number().int().min(1000).max(86_400_000).default(60_000),
  /** Withdrawn when they log more than so many errors a minute above what they did before. */
  errors: z.number().int().min(0).max(1_000_000).default(5),
  /** Withdrawn when the 95th percentile of their answers takes longer than so many times what it did before; 0 does not look. */
  slower: z.number().min(0).max(1000).default(3),
  /** Withdrawn when so many in a hundred of their answers more than before fail (5xx, or none came); 100 does not look. */
  failed: z.number().min(0).max(100).default(5),
});
export type GuardPlan = z.output<typeof guardPlan>;

/** How a guarded release goes on. `stalled`: nobody could be watched when the time was over, so it waits for the user. */
export interface GuardView {
  state: 'watching' | 'widened' | 'withdrawn' | 'stalled';
  health: Health;
  words: Sentence;
  startedAt: number;
  /** When it is decided, if all stay well. */
  until: number;
  plan: GuardPlan;
  /** Replicas that are watched. */
  watched: string[];
}

export interface GrayView {
  release: number;
  rule: GrayRule;
  at: number;
  guard?: GuardView;
}

export interface ConfigNamespaceView {
  name: string;
  description: string;
  groups: string[];
  items: number;
  /** Items with a draft that differs from what is released. */
  drafts: number;
  createdAt: number;
}

export interface ConfigItemView extends ConfigItemId {
  /** `<namespace>/<group>/<name>`. */
  key: string;
  format: ConfigFormat;
  description: string;
  hasSchema: boolean;
  /** The active release for all; 0 while nothing is released. */
  release: number;
  /** The newest release, active or not. */
  newest: number;
  gray?: GrayView;
  /** What is edited differs from what is released. */
  draft: boolean;
  /** Grows with every change of the draft; compare-and-set on it. */
  draftVersion: number;
  size: number;
  /** Users of the item seen lately, and how many of them have what they should have. */
  users: number;
  current: number;
  createdAt: number;
  updatedAt: number;
}

export interface ConfigItemDetail extends ConfigItemView {
  /** What is edited: the draft, or the active text when nobody changed it. */
  text: string;
  /** The text of the active release. */
  released?: string;
  schema: string;
  /** What is wrong with the draft, with places. */
  problems: Problem[];
  userList: ConfigUserView[];
  /** Guarded releases of this item that are over, newest first. */
  guards: { release: number; guard: GuardView }[];
}

export interface ConfigReleaseView {
  item: string;
  release: number;
  kind: 'publish' | 'gray' | 'rollback' | 'remove';
  note: string;
  at: number;
  /** Who published: `window`, `cli`, or a token's name. */
  by: string;
  /** The release that was active before. */
  before: number;
  /** Of a rollback: the release whose text it brings back. */
  restores?: number;
  format: ConfigFormat;
  size: number;
  /** Lines against the release before. */
  added: number;
  removed: number;
  state: 'active' | 'gray' | 'past' | 'withdrawn';
}

/** Somebody who reads an item: a client that asked, or a replica with a file. */
export interface ConfigUserView {
  item: string;
  /** A replica's id, else the address. */
  who: string;
  replica?: string;
  ip?: string;
  label?: string;
  via: 'apollo' | 'nacos' | 'http' | 'file' | 'environment';
  /** The release it took last; 0 when it found none. */
  release: number;
  /** The release it should have. */
  wanted: number;
  at: number;
  /** It waits for news right now (long poll or event stream), or has the item as a file that is replaced. */
  listening: boolean;
  /** Why a file does not hold the release that is wanted, or its program was not told of it. */
  problem?: Sentence;
}

/** What is compared: the draft, the active text, a release, or any text. */
export const configSide = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('draft'), item: configItemId }),
  z.strictObject({ kind: z.literal('active'), item: configItemId }),
  z.strictObject({ kind: z.literal('gray'), item: configItemId }),
  z.strictObject({ kind: z.literal('release'), item: configItemId, release }),
  z.strictObject({ kind: z.literal('text'), text }),
]);
export type ConfigSide = z.output<typeof configSide>;

/** One line of a difference; numbers are 1-based and of the side that has the line. */
export interface DiffLine {
  kind: 'same' | 'added' | 'removed' | 'skipped';
  text: string;
  from?: number;
  to?: number;
  /** Of `skipped`: how many equal lines are left out. */
  count?: number;
}

export interface ConfigDiff {
  from: string;
  to: string;
  added: number;
  removed: number;
  /** With three equal lines around each change. */
  lines: DiffLine[];
  /** Of properties and env: the keys that differ. */
  keys?: { key: string; from?: string; to?: string }[];
  /** Too large to compare line by line: what differs is shown as one block. */
  coarse: boolean;
}

export interface ConfigHit extends ConfigItemId {
  key: string;
  in: 'name' | 'draft' | 'released';
  /** 1-based. */
  line?: number;
  excerpt: string;
}

/** What importing does to one item. */
export interface ImportStep extends ConfigItemId {
  key: string;
  act: 'create' | 'change' | 'same' | 'refuse';
  problem?: Problem;
}

/** A key to the HTTP endpoints, for one namespace or for all. */
export interface ConfigTokenView {
  /** Nacos' user name or access key. */
  id: string;
  name: string;
  /** `*` for every namespace. */
  namespace: string;
  rights: 'read' | 'write';
  createdAt: number;
  lastUsedAt?: number;
}

/** The HTTP endpoints as they are. */
export interface HttpView {
  state: 'off' | 'running' | 'failed';
  words: Sentence;
  /** Addresses that answer: `http://127.0.0.1:8848`. */
  urls: string[];
  /** Open long polls and event streams. */
  waiting: number;
  /** Requests answered since the start, and those refused. */
  answered: number;
  refused: number;
}

export const configCalls = {
  'config.namespaces': read<ConfigNamespaceView[]>()(nothing),
  /** Makes one, or changes its description. */
  'config.putNamespace': act<ConfigNamespaceView>()(
    z.strictObject({ namespace, description: z.string().max(500).default('') }),
  ),
  /** Only an empty one. */
  'config.removeNamespace': act<null>()(z.strictObject({ namespace })),

  'config.items': read<ConfigItemView[]>()(
    z.strictObject({ namespace: namespace.optional(), group: group.optional() }),
  ),
  'config.get': read<ConfigItemDetail>()(z.strictObject({ item: configItemId })),
  /** Makes an item with a draft; nothing is released yet. Its namespace is made with it. */
  'config.create': act<ConfigItemDetail>()(
    z.strictObject({
      item: configItemId,
      format: configFormat,
      text: text.default(''),
      schema: schema.default(''),
      description: z.string().max(500).default(''),
    }),
  ),
  /**
   * Keeps what is being edited, right or wrong; what is left out stays. With `draftVersion` it is refused with `conflict` when
   * somebody else changed the draft since.
   */
  'config.saveDraft': act<ConfigItemDetail>()(
    z.strictObject({
      item: configItemId,
      text: text.optional(),
      format: configFormat.optional(),
      schema: schema.optional(),
      description: z.string().max(500).optional(),
      draftVersion: z.number().int().nonnegative().optional(),
    }),
  ),
  'config.discardDraft': act<ConfigItemDetail>()(z.strictObject({ item: configItemId })),
  /** Is this text what its format says, and does it follow the schema? Touches nothing. */
  'config.check': read<{ problems: Problem[] }>()(
    z.strictObject({ text, format: configFormat, schema: schema.default('') }),
  ),
  'config.diff': read<ConfigDiff>()(z.strictObject({ from: configSide, to: configSide })),
  'config.users': read<ConfigUserView[]>()(z.strictObject({ item: configItemId })),
  /** Who would get a release: everybody, whoever fits the rule, or the one that gets a guarded release `first`. */
  'config.affected': read<ConfigUserView[]>()(
    z.strictObject({ item: configItemId, gray: grayRule.optional(), first: z.boolean().default(false) }),
  ),

  /**
   * Releases the draft (or `text`): for all, or with `gray` for some. With `guard` the release decides by itself when its watch is over.
   * A gray release that was there is replaced.
   */
  'config.publish': act<ConfigItemDetail>()(
    z.strictObject({
      item: configItemId,
      text: text.optional(),
      note: note.default(''),
      expected,
      gray: grayRule.optional(),
      guard: guardPlan.optional(),
    }),
  ),
  /** Makes the gray release the one for all. */
  'config.widen': act<ConfigItemDetail>()(z.strictObject({ item: configItemId, expected, note: note.default('') })),
  /** Ends the gray release; everybody has the active one again. */
  'config.withdraw': act<ConfigItemDetail>()(z.strictObject({ item: configItemId })),
  /** Changes who has the gray release, at once. A guard over it ends. */
  'config.setGray': act<ConfigItemDetail>()(z.strictObject({ item: configItemId, gray: grayRule })),
  /** Publishes the text of an older release anew; by default that of the one before. The draft stays as it is. */
  'config.rollback': act<ConfigItemDetail>()(
    z.strictObject({ item: configItemId, release: release.optional(), expected, note: note.default('') }),
  ),
  /** Takes the item away with its history; clients are told that it is gone. */
  'config.remove': act<null>()(z.strictObject({ item: configItemId, expected })),

  /** Newest first. */
  'config.releases': read<ConfigReleaseView[]>()(
    z.strictObject({
      item: configItemId,
      /** Only those older than this one. */
      before: release.optional(),
      limit: z.number().int().min(1).max(500).default(100),
    }),
  ),
  'config.release': read<ConfigReleaseView & { text: string }>()(z.strictObject({ item: configItemId, release })),

  /** In names, drafts and released texts; letter case does not count. */
  'config.search': read<{ hits: ConfigHit[]; more: boolean }>()(
    z.strictObject({
      text: z.string().trim().min(1).max(200),
      namespace: namespace.optional(),
      limit: z.number().int().min(1).max(1000).default(200),
    }),
  ),
  /** Namespaces, items, drafts and active texts as one JSON text; history and tokens stay here. */
  'config.export': read<{ name: string; text: string }>()(z.strictObject({ namespace: namespace.optional() })),
  /** Reads what `config.export` wrote into drafts; with `apply` false it only says what it would do. Nothing is released. */
  'config.import': act<{ steps: ImportStep[]; problems: Problem[]; applied: boolean }>()(
    z.strictObject({ text: z.string().max(6 * 1024 * 1024), apply: z.boolean().default(false) }),
  ),
  /** The same as a zip of plain files, `<namespace>/<group>/<item>`, with the list of the rest; `content` in base64. */
  'config.exportZip': read<{ name: string; content: string }>()(z.strictObject({ namespace: namespace.optional() })),
  /** Reads such a zip, or one of plain files alone; those that lie in `<group>/<item>`, as Nacos exports, go into `namespace`. */
  'config.importZip': act<{ steps: ImportStep[]; problems: Problem[]; applied: boolean }>()(
    z.strictObject({
      content: z.base64().max(8 * 1024 * 1024),
      namespace: namespace.default('public'),
      apply: z.boolean().default(false),
    }),
  ),

  'config.tokens': read<ConfigTokenView[]>()(nothing),
  /** The token is told this once; it is not kept. */
  'config.createToken': act<ConfigTokenView & { token: string }>()(
    z.strictObject({
      name: z.string().trim().min(1).max(100),
      namespace: z.union([namespace, z.literal('*')]),
      rights: z.enum(['read', 'write']).default('read'),
    }),
  ),
  /** It opens nothing any more from now on. */
  'config.revokeToken': act<null>()(z.strictObject({ id: z.string().min(1).max(40) })),
  'config.http': read<HttpView>()(nothing),
};

export const configStreams = {
  'config.watch': state<ListChange<ConfigItemView>>()(nothing),
  /** Ends when the item is removed. */
  'config.watchItem': state<ConfigItemDetail>()(z.strictObject({ item: configItemId })),
  'config.watchHttp': state<HttpView>()(nothing),
};
