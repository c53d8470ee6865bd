/** Alerts: rules, what fires, silences, channels, notices. Durations in milliseconds, times in epoch milliseconds. */
import type { Language } from '../ruleTexts';
import { z } from 'zod';
import type { Problem } from '../errors';
import type { SeriesView } from '../nouns';
import type { Sentence } from '../sentence';
import { act, flow, read, state } from './define';
import { nothing, serviceKey, stackName, time } from './inputs';
import type { ListChange } from './stacks';

const day = 86_400_000;
const duration = z
  .number()
  .int()
  .min(0)
  .max(365 * day);
const id = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[A-Za-z0-9_.:-]+$/, 'letters, digits and _.:-');
const labelName = z
  .string()
  .max(100)
  .regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, 'a letter or _, then letters, digits and _');
const labels = z.record(labelName, z.string().max(1000));
const texts = z.record(labelName, z.string().max(4000));

export const severity = z.enum(['critical', 'warning', 'info']);
export type Severity = z.output<typeof severity>;

/** What a rule looks at. */
export const ruleSource = z.discriminatedUnion('kind', [
  /** Each row of the result is an alert. */
  z.strictObject({ kind: z.literal('metric'), query: z.string().min(1).max(10_000) }),
  /** Services with more (or fewer) matching lines than `count` within `within`; fewer counts only who logged before. */
  z.strictObject({
    kind: z.literal('log'),
    query: z.string().max(2000).default(''),
    levels: z
      .array(z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'unknown']))
      .max(7)
      .optional(),
    stacks: z.array(stackName).max(200).optional(),
    services: z.array(serviceKey).max(1000).optional(),
    condition: z.enum(['above', 'below']).default('above'),
    count: z.number().int().min(0).max(1_000_000_000),
    within: duration.min(10_000).max(day),
  }),
  /** At least `count` events of these kinds within `within`, with none of `until` after them. A kind may end in a dot: a prefix. */
  z.strictObject({
    kind: z.literal('event'),
    kinds: z.array(z.string().max(64)).min(1).max(64),
    until: z.array(z.string().max(64)).max(64).default([]),
    count: z.number().int().min(1).max(100_000).default(1),
    within: duration.min(1000).max(30 * day),
  }),
]);
export type RuleSource = z.output<typeof ruleSource>;

const ruleShape = {
  name: z.string().trim().min(1).max(200),
  enabled: z.boolean().default(true),
  source: ruleSource,
  /** Held so long before it fires. */
  for: duration.default(0),
  /** Goes on firing so long after it is well again. */
  keepFiringFor: duration.default(0),
  /** When nothing is measured: stay as it is, count as well, or fire. While asleep or the engine is away it always stays. */
  noData: z.enum(['keep', 'ok', 'alert']).default('keep'),
  severity: severity.default('warning'),
  labels: labels.default({}),
  /** `summary` and `description`, with {{ $labels.service }} and {{ $value }}. */
  annotations: texts.default({}),
  /** Channels to tell; none means those of the routing. */
  channels: z.array(id).max(50).default([]),
  /** While it fires, these rules' alerts with equal `equal` labels are held back. */
  holdsBack: z
    .strictObject({ rules: z.array(id).max(100), equal: z.array(labelName).max(20).default(['service']) })
    .default({ rules: [], equal: ['service'] }),
};

/** A rule as it is written. */
export const ruleInput = z.strictObject(ruleShape);
export type RuleInput = z.output<typeof ruleInput>;

/** A rule as it is kept. */
export interface AlertRule extends RuleInput {
  id: string;
  origin: 'default' | 'user' | 'imported';
  /** Grows with each change; compare-and-set on it. */
  version: number;
  createdAt: number;
  updatedAt: number;
}

export interface RuleView extends AlertRule {
  state: 'inactive' | 'pending' | 'firing' | 'off';
  firing: number;
  pending: number;
  evaluatedAt?: number;
  /** How long the last evaluation took. */
  took?: number;
  /** False when nothing was there to measure at the last evaluation. */
  measured: boolean;
  problem?: Problem;
}

export interface AlertView {
  /** Rule and labels. */
  id: string;
  rule: string;
  name: string;
  state: 'pending' | 'firing' | 'resolved';
  severity: Severity;
  labels: Record<string, string>;
  annotations: Record<string, string>;
  value?: number;
  unit: SeriesView['unit'];
  /** The condition holds since. */
  activeAt: number;
  firedAt?: number;
  resolvedAt?: number;
  /** When it will fire if nothing changes. */
  firesAt?: number;
  silencedBy: string[];
  /** Names of rules that hold it back. */
  heldBackBy: string[];
  /** A mute time is on. */
  muted: boolean;
}

/** `=`, `!=`, and patterns over the whole value, in linear time. */
export const matcher = z.strictObject({
  label: z.string().max(100),
  operator: z.enum(['=', '!=', '=~', '!~']),
  value: z.string().max(1000),
});
export type LabelMatcher = z.output<typeof matcher>;
const matchers = z.array(matcher).max(20);

export interface Silence {
  id: string;
  matchers: LabelMatcher[];
  startsAt: number;
  endsAt: number;
  comment: string;
  createdAt: number;
  /** How many alerts it silences now. */
  silences: number;
}

const url = z.string().max(2000);
const secretText = z.string().max(2000);
/** Where notices go. Secret fields come back as `••••`, and sent so they stay as they are. */
export const channelTarget = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('desktop') }),
  z.strictObject({
    kind: z.literal('webhook'),
    url,
    headers: z.record(z.string().max(100), secretText).default({}),
    /** This machine and private networks may be reached; off by default, since a name can lead anywhere. */
    local: z.boolean().default(false),
  }),
  z.strictObject({
    kind: z.literal('mail'),
    host: z.string().min(1).max(255),
    port: z.number().int().min(1).max(65_535).default(587),
    security: z.enum(['starttls', 'tls', 'none']).default('starttls'),
    user: z.string().max(255).default(''),
    password: secretText.default(''),
    from: z.string().min(3).max(255),
    to: z.array(z.string().min(3).max(255)).min(1).max(50),
    local: z.boolean().default(false),
  }),
  z.strictObject({ kind: z.literal('slack'), url: secretText, local: z.boolean().default(false) }),
  z.strictObject({
    kind: z.literal('dingtalk'),
    url: secretText,
    secret: secretText.default(''),
    local: z.boolean().default(false),
  }),
  z.strictObject({ kind: z.literal('wecom'), url: secretText, local: z.boolean().default(false) }),
  z.strictObject({
    kind: z.literal('feishu'),
    url: secretText,
    secret: secretText.default(''),
    local: z.boolean().default(false),
  }),
  z.strictObject({
    kind: z.literal('ntfy'),
    url,
    token: secretText.default(''),
    local: z.boolean().default(false),
  }),
]);
export type ChannelTarget = z.output<typeof channelTarget>;

export const channelInput = z.strictObject({
  name: z.string().trim().min(1).max(100),
  enabled: z.boolean().default(true),
  target: channelTarget,
  /** Also says when all is well again. */
  sendResolved: z.boolean().default(true),
  /** Only alerts at least so severe. */
  least: severity.default('info'),
});
export type ChannelInput = z.output<typeof channelInput>;

export interface ChannelView extends ChannelInput {
  id: string;
  version: number;
  lastSentAt?: number;
  /** Why the last notice did not arrive; retried until it does or a day has passed. */
  failing?: Sentence;
  waiting: number;
}

const muteTime = z.strictObject({
  name: z.string().trim().min(1).max(100),
  /** 0 is Sunday; none means every day. */
  days: z.array(z.number().int().min(0).max(6)).max(7).default([]),
  /** Minutes after midnight of this machine's time; an end before the start lies on the next day. */
  from: z.number().int().min(0).max(1440),
  to: z.number().int().min(0).max(1440),
  /** Alerts that are as severe are told nevertheless. */
  except: severity.optional(),
});
export type MuteTime = z.output<typeof muteTime>;

const groupWait = duration.max(day);
const groupInterval = duration.min(1000).max(day);
const repeatInterval = duration.min(60_000).max(30 * day);

/** Whom the alerts that match are told to. Times that it does not name are the routing's. */
const route = z.strictObject({
  matchers,
  channels: z.array(id).max(50),
  continue: z.boolean().default(false),
  groupWait: groupWait.optional(),
  groupInterval: groupInterval.optional(),
  repeatInterval: repeatInterval.optional(),
});
export type Route = z.output<typeof route>;

/** How alerts become notices; Alertmanager's words and defaults. */
export const routing = z.strictObject({
  /** Alerts with equal labels are told in one notice; `...` stands for all labels. */
  groupBy: z.array(z.string().max(100)).max(20).default(['alertname', 'stack']),
  groupWait: groupWait.default(30_000),
  groupInterval: groupInterval.default(300_000),
  repeatInterval: repeatInterval.default(4 * 3_600_000),
  /** Told when neither the rule nor a route says otherwise. */
  channels: z.array(id).max(50).default(['desktop']),
  /** The first that matches counts, unless it says `continue`. */
  routes: z.array(route).max(100).default([]),
  muteTimes: z.array(muteTime).max(20).default([]),
});
export type Routing = z.output<typeof routing>;

/** What the routing makes of an alert, its rule's own channels left aside. */
export interface RoutingTrial {
  /** Places of the routes that it takes; none means the default channels. */
  routes: number[];
  channels: string[];
  /** The labels by which it is told together with others. */
  group: Record<string, string>;
  /** Names of the mute times that keep it quiet now. */
  mutedBy: string[];
}

/** One notice to one channel, as it was or will be sent. */
export interface NoticeView {
  id: string;
  channel: string;
  channelName: string;
  state: 'sending' | 'sent' | 'failed';
  status: 'firing' | 'resolved';
  title: string;
  firing: number;
  resolved: number;
  createdAt: number;
  sentAt?: number;
  tries: number;
  words?: Sentence;
}

/** What a rule would have done over the history. */
export interface BacktestView {
  from: number;
  to: number;
  /** Milliseconds between two evaluations. */
  step: number;
  /** What the condition is about, with its threshold when the query compares with a number. */
  series: SeriesView[];
  threshold?: { operator: string; value: number };
  firings: { labels: Record<string, string>; activeAt: number; firedAt: number; resolvedAt?: number }[];
  /** Times when it was pending and did not fire. */
  spikes: { labels: Record<string, string>; from: number; to: number }[];
  fires: number;
  firingFor: number;
  /** Mean time from the condition to firing. */
  noticedAfter?: number;
  notices: number;
  /** Share of the time in which anything was measured, 0 to 1. */
  measured: number;
}

export interface RuleCheck {
  problems: Problem[];
  warnings: Problem[];
  /** What the rule gives now. */
  now?: { labels: Record<string, string>; value: number; annotations: Record<string, string> }[];
}

export const alertCalls = {
  /** Pending and firing ones, and those that resolved within the times given. */
  'alerts.list': read<AlertView[]>()(
    z.strictObject({
      from: time.optional(),
      to: time.optional(),
      rule: id.optional(),
      service: serviceKey.optional(),
      limit: z.number().int().min(1).max(5000).default(1000),
    }),
  ),
  'rules.list': read<RuleView[]>()(nothing),
  /** Makes a rule, or changes one; `version` 0 means: must be new. */
  'rules.put': act<RuleView>()(
    z.strictObject({ id: id.optional(), version: z.number().int().nonnegative().optional(), rule: ruleInput }),
  ),
  'rules.remove': act<null>()(z.strictObject({ id })),
  'rules.enable': act<RuleView>()(z.strictObject({ id, enabled: z.boolean() })),
  'rules.check': read<RuleCheck>()(z.strictObject({ rule: ruleInput })),
  'rules.backtest': read<BacktestView>()(
    z.strictObject({ rule: ruleInput, from: time, to: time, points: z.number().int().min(2).max(4000).default(400) }),
  ),
  /** Reads a Prometheus rule file; with `apply` false it only says what it would do. */
  'rules.import': act<{ rules: (RuleInput & { id: string })[]; problems: Problem[]; applied: boolean }>()(
    z.strictObject({ text: z.string().max(1024 * 1024), apply: z.boolean().default(false) }),
  ),
  'silences.list': read<Silence[]>()(nothing),
  'silences.put': act<Silence>()(
    z.strictObject({
      id: id.optional(),
      matchers: matchers.min(1),
      startsAt: time.optional(),
      endsAt: time,
      comment: z.string().max(1000).default(''),
    }),
  ),
  /** Ends it now. */
  'silences.end': act<null>()(z.strictObject({ id })),
  'channels.list': read<ChannelView[]>()(nothing),
  'channels.put': act<ChannelView>()(
    z.strictObject({ id: id.optional(), version: z.number().int().nonnegative().optional(), channel: channelInput }),
  ),
  'channels.remove': act<null>()(z.strictObject({ id })),
  /** Sends a test notice; says whether it arrived, never what the other side answered. */
  'channels.test': act<{ delivered: boolean; words: Sentence }>()(
    z.strictObject({ id: id.optional(), channel: channelInput }),
  ),
  /** The notice that would be sent, as text, with secrets hidden. */
  'channels.preview': read<{ type: string; text: string }>()(
    z.strictObject({
      channel: channelInput,
      resolved: z.boolean().default(false),
      /** Of what is read here; what leaves the house is English. */
      language: z.enum(['en', 'zh-CN']).default('en'),
    }),
  ),
  'routing.get': read<Routing>()(nothing),
  /** Where an alert with these labels would go; with `routing`, by that one instead of the one that is kept. */
  'routing.try': read<RoutingTrial>()(z.strictObject({ labels, routing: routing.optional() })),
  'routing.set': act<Routing>()(z.strictObject({ routing })),
  'notices.history': read<NoticeView[]>()(z.strictObject({ limit: z.number().int().min(1).max(2000).default(200) })),
};

/** A notice for the desktop of whoever is here, who alone knows the language it is to be read in. */
export interface DesktopNotice {
  key: string;
  texts: Record<Language, { title: string; body: string }>;
  /** Where a click leads in the window. */
  route: string;
}

export const alertStreams = {
  /** Pending and firing alerts, and those that resolved in the last hour. */
  'alerts.watch': state<ListChange<AlertView>>()(nothing),
  'rules.watch': state<ListChange<RuleView>>()(nothing),
  'notices.desktop': flow<DesktopNotice>()(nothing),
};
