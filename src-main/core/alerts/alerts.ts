/** The room put together: rules → what fires → notices, and the handlers of the contract's alert calls. */
import type { Clock } from '../../base/clock';
import { Emitter } from '../../base/emitter';
import type { Log } from '../../base/log';
import type { Random } from '../../base/random';
import type { CallHandlers, StreamHandlers } from '../../contract/api';
import type {
  alertCalls,
  alertStreams,
  AlertRule,
  AlertView,
  ChannelView,
  DesktopNotice,
  NoticeView,
  RuleCheck,
  RuleInput,
  RuleView,
  Silence,
} from '../../contract/api/alerts';
import { fail, toProblem, type Problem } from '../../contract/errors';
import { feed, ListDiff } from '../../contract/feed';
import { sentence } from '../../contract/sentence';
import type { Metrics } from '../metrics';
import type { ChannelRow, NoticeRow, SilenceRow, Store, TableName } from '../store';
import { backtest } from './backtest';
import { Board } from './board';
import { matcherOf } from './labels';
import { Notifier } from './notifier';
import type { Deliver } from './outgoing';
import { outgoingOf, sampleNotice } from './payload/payload';
import { previewOf } from './preview';
import { parseRuleFile } from './ruleFile';
import { tryRouting } from './routing';
import { RuleRunner } from './runner';
import { Settings } from './settings';
import type { Sealer } from './secrets';
import { checkSource, look, type Sources } from './sources';
import { expand, unknownActions } from './template';

export interface AlertsOptions {
  clock: Clock;
  random: Random;
  store: Store;
  log: Log;
  metrics: Pick<Metrics, 'reader' | 'record' | 'measuring'>;
  countLogs: Sources['countLogs'];
  /** Sends what leaves the house; desktop notices stay in it. */
  deliver: Deliver;
  /** The rules that come with Pilothouse, as a Prometheus rule file. */
  defaults: string;
  sealer?: Sealer;
}

export interface Alerts {
  calls: CallHandlers<typeof alertCalls>;
  streams: StreamHandlers<typeof alertStreams>;
  /** Begins to evaluate and to tell. */
  start(): void;
  stop(): void;
}

const hour = 60 * 60 * 1000;
const plain: Sealer = { seal: (text) => text, open: (text) => text };
const watchedTables: ReadonlySet<TableName> = new Set<TableName>([
  'rules',
  'alerts',
  'silences',
  'channels',
  'notices',
  'routing',
]);

/** Makes the room. Nothing runs before `start`. */
export function createAlerts(options: AlertsOptions): Alerts {
  return new AlertsRoom(options).door();
}

class AlertsRoom {
  private readonly settings: Settings;
  private readonly board: Board;
  private readonly runner: RuleRunner;
  private readonly notifier: Notifier;
  private readonly sources: Sources;
  private readonly changed = new Emitter<void>();
  private readonly desktop = new Emitter<DesktopNotice>();
  private serial = 0;

  constructor(private readonly options: AlertsOptions) {
    const { clock, random, store, log, metrics, countLogs, sealer = plain } = options;
    this.sources = {
      reader: metrics.reader,
      countLogs,
      events: () => store.all('events'),
      running: (service) => (store.get('serviceStatus', service)?.ready ?? 0) > 0,
    };
    this.settings = new Settings({ store, clock, sealer });
    this.runner = new RuleRunner({
      clock,
      log,
      sources: this.sources,
      measuring: () => metrics.measuring(),
      // Told after the whole round, so that what another rule of it holds back is not told first.
      onChange: (changes) => this.board.note(changes),
      onPulse: () => this.pulse(),
    });
    this.board = new Board({ store, clock, settings: this.settings, runner: () => this.runner });
    this.notifier = new Notifier({
      clock,
      random,
      store,
      log,
      deliver: (outgoing, key) => this.deliver(outgoing, key),
      routing: () => this.settings.routing(),
      channel: (id) => this.settings.channel(id),
      onChange: () => this.changed.fire(),
    });
  }

  door(): Alerts {
    return { calls: this.calls(), streams: this.streams(), start: () => this.start(), stop: () => this.stop() };
  }

  private start(): void {
    this.settings.install(this.options.defaults);
    const rules = this.options.store.all('rules');
    for (const rule of rules) this.runner.put(rule, this.board.firingOf(rule.id));
    this.endOrphans(new Set(rules.filter(({ enabled }) => enabled).map(({ id }) => id)));
    this.notifier.start();
    this.runner.start();
  }

  private stop(): void {
    this.runner.dispose();
    this.notifier.dispose();
  }

  /** Alerts of rules that went away while nobody looked. */
  private endOrphans(alive: ReadonlySet<string>): void {
    const { store, clock } = this.options;
    const orphans = store.all('alerts').filter(({ state, rule }) => state === 'firing' && !alive.has(rule));
    store.transact((transaction) => {
      for (const row of orphans) {
        transaction.remove('alerts', row.id);
        const over = { ...row, state: 'resolved' as const, resolvedAt: clock.now() };
        transaction.put('alerts', `${row.id}@${row.firedAt.toString(36)}`, over);
      }
    });
  }

  private deliver: Deliver = (outgoing, key) => {
    if (outgoing.kind !== 'desktop') return this.options.deliver(outgoing, key);
    const { texts, route } = outgoing;
    this.desktop.fire({ key, texts, route });
    return Promise.resolve({ delivered: true });
  };

  /** What follows from time alone: silences and mute times that begin and end, and the alerts as a metric. */
  private pulse(): void {
    for (const { state, name, labels } of this.board.views(Infinity)) {
      const { alertname: _alertname, ...rest } = labels;
      this.options.metrics.record(
        'ALERTS',
        { alertname: name, alertstate: state, ...rest },
        { value: 1, hold: 12_000 },
      );
    }
    this.tell();
  }

  private tell(): void {
    this.notifier.update(this.board.tellables(), (id) => this.board.row(id));
    this.changed.fire();
  }

  private streams(): Alerts['streams'] {
    const { clock, store } = this.options;
    const watch = (): { event: Emitter<void>['event']; dispose: () => void } => {
      const any = new Emitter<void>();
      const subscriptions = [
        this.changed.event(() => any.fire()),
        store.onCommit((changes) => changes.some(({ table }) => watchedTables.has(table)) && any.fire()),
      ];
      return { event: any.event, dispose: () => subscriptions.forEach((one) => one.dispose()) };
    };
    const list = <Row extends { id: string }>(
      rows: () => Row[],
      sink: Parameters<typeof feed>[0],
    ): { dispose(): void } => {
      const source = watch();
      const diff = new ListDiff<Row>();
      // Views are made anew each time: equal ones must be the same object, or all would be sent each time.
      const known = new Map<string, { text: string; row: Row }>();
      const next = (): unknown => {
        const current = rows().map((row): [string, Row] => {
          const text = JSON.stringify(row);
          const before = known.get(row.id);
          if (before?.text === text) return [row.id, before.row];
          known.set(row.id, { text, row });
          return [row.id, row];
        });
        const present = new Map(current);
        for (const id of known.keys()) if (!present.has(id)) known.delete(id);
        return diff.next(present);
      };
      const feeding = feed(sink, { clock, every: 500, changed: source.event, next });
      return {
        dispose: () => {
          feeding.dispose();
          source.dispose();
        },
      };
    };
    return {
      'alerts.watch': (_input, sink) =>
        list(() => this.board.views(clock.now() - hour), sink as Parameters<typeof feed>[0]),
      'rules.watch': (_input, sink) =>
        list(() => store.all('rules').map((rule) => this.ruleView(rule)), sink as Parameters<typeof feed>[0]),
      'notices.desktop': (_input, sink) => this.desktop.event((notice) => sink.credit() > 0 && sink.send(notice)),
    };
  }

  private calls(): Alerts['calls'] {
    const { store, clock } = this.options;
    return {
      'alerts.list': (input) => Promise.resolve(this.list(input)),
      'rules.list': () => Promise.resolve(store.all('rules').map((rule) => this.ruleView(rule))),
      'rules.put': async ({ id, version, rule }) => this.putRule(this.settings.putRule({ id, version, rule })),
      'rules.remove': async ({ id }) => {
        const { name } = this.settings.removeRule(id);
        this.runner.remove(id);
        this.event('rule.removed', sentence('event.ruleRemoved', { rule: name }));
        this.tell();
        return null;
      },
      'rules.enable': async ({ id, enabled }) => {
        const known = this.settings.rule(id);
        return this.putRule(this.settings.putRule({ id, rule: { ...inputOf(known), enabled } }));
      },
      'rules.check': ({ rule }) => this.check(rule),
      'rules.backtest': ({ rule, from, to, points }) =>
        backtest(
          rule,
          { from, to: Math.min(to, clock.now()), points },
          { sources: this.sources, routing: this.settings.routing() },
        ),
      'rules.import': async ({ text, apply }) => {
        const { rules, problems } = parseRuleFile(text);
        if (apply) {
          for (const { id, ...rule } of rules) {
            const known = store.get('rules', id);
            // What comes with Pilothouse and what the user wrote is not overwritten by a file.
            const free = !known || known.origin === 'imported';
            this.runner.put(this.settings.putRule({ ...(free ? { id } : {}), rule, origin: 'imported' }));
          }
          this.tell();
        }
        return { rules, problems, applied: apply };
      },
      'silences.list': () => Promise.resolve(this.silences()),
      'silences.put': async (input) => this.putSilence(input),
      'silences.end': async ({ id }) => {
        const known = store.get('silences', id);
        if (!known) throw fail('not-found', 'There is no such silence.');
        const ended = { ...known, endsAt: Math.min(known.endsAt, clock.now()) };
        store.transact((transaction) => transaction.put('silences', id, ended));
        this.event('silence.ended', sentence('event.silenceEnded', { comment: known.comment }));
        this.tell();
        return null;
      },
      'channels.list': () => Promise.resolve(store.all('channels').map((row) => this.channelView(row))),
      'channels.put': async (input) => {
        const row = this.settings.putChannel(input);
        this.event('channel.changed', sentence('event.channelChanged', { channel: row.name }));
        this.tell();
        return this.channelView(row);
      },
      'channels.remove': async ({ id }) => {
        const name = store.get('channels', id)?.name ?? id;
        this.settings.removeChannel(id);
        this.event('channel.removed', sentence('event.channelRemoved', { channel: name }));
        this.tell();
        return null;
      },
      'channels.test': async ({ id, channel }) => {
        const complete = this.settings.complete(id, channel);
        const key = `test-${clock.now().toString(36)}-${(this.serial += 1)}`;
        const delivery = await this.deliver(outgoingOf(sampleNotice(clock.now(), false), complete), key);
        if (delivery.delivered) return { delivered: true, words: sentence('notice.delivered') };
        return { delivered: false, words: delivery.words };
      },
      'channels.preview': async ({ channel, resolved, language }) =>
        previewOf(channel, { now: clock.now(), resolved, language }),
      'routing.get': () => Promise.resolve(this.settings.routing()),
      'routing.try': async ({ labels, routing = this.settings.routing() }) =>
        tryRouting(labels, routing, this.options.clock.now()),
      'routing.set': async ({ routing }) => {
        for (const route of routing.routes) matcherOf(route.matchers);
        const next = this.settings.setRouting(routing);
        this.event('routing.changed', sentence('event.routingChanged'));
        this.notifier.routingChanged();
        this.tell();
        return next;
      },
      'notices.history': ({ limit }) => Promise.resolve(this.notices(limit)),
    };
  }

  private putRule(rule: AlertRule): RuleView {
    this.runner.put(rule);
    this.event('rule.changed', sentence('event.ruleChanged', { rule: rule.name }));
    this.tell();
    return this.ruleView(rule);
  }

  private list(input: { from?: number; to?: number; rule?: string; service?: string; limit: number }): AlertView[] {
    const { from = Infinity, to = Infinity, rule, service, limit } = input;
    return this.board
      .views(from)
      .filter(
        (view) =>
          view.activeAt <= to &&
          (rule === undefined || view.rule === rule) &&
          (service === undefined || view.labels['service'] === service),
      )
      .sort((one, other) => other.activeAt - one.activeAt)
      .slice(0, limit);
  }

  private ruleView(rule: AlertRule): RuleView {
    const states = [...this.runner.states(rule.id).values()];
    const count = (state: string): number => states.filter((one) => one.state === state).length;
    const [firing, pending] = [count('firing'), count('pending')];
    const state = !rule.enabled ? 'off' : firing > 0 ? 'firing' : pending > 0 ? 'pending' : 'inactive';
    return { ...rule, ...this.runner.report(rule.id), state, firing, pending };
  }

  private async check(rule: RuleInput): Promise<RuleCheck> {
    const bad = (message: string): Problem => ({ code: 'bad-input', message });
    const warnings = Object.values({ ...rule.annotations, ...rule.labels }).flatMap((text) =>
      unknownActions(text).map((action) => bad(`${action} is not understood and stays as it is.`)),
    );
    for (const id of rule.channels)
      if (!this.options.store.get('channels', id)) warnings.push(bad(`There is no channel ${id}.`));
    try {
      checkSource(rule.source);
      const { rows } = await look(rule, this.sources, this.options.clock.now());
      const now = rows.slice(0, 50).map(({ labels, value }) => {
        const texts = Object.entries(rule.annotations).map(
          ([name, text]) => [name, expand(text, { labels, value })] as const,
        );
        return { labels: { ...labels }, value, annotations: Object.fromEntries(texts) };
      });
      return { problems: [], warnings, now };
    } catch (thrown) {
      return { problems: [toProblem(thrown)], warnings };
    }
  }

  private silences(): Silence[] {
    const firing = this.board.views(Infinity).filter(({ state }) => state === 'firing');
    const rows = this.options.store.all('silences').sort((one, other) => other.endsAt - one.endsAt);
    return rows.map((row) => ({
      ...row,
      silences: firing.filter(({ silencedBy }) => silencedBy.includes(row.id)).length,
    }));
  }

  private putSilence(input: Partial<SilenceRow> & Pick<SilenceRow, 'matchers' | 'endsAt' | 'comment'>): Silence {
    const { store, clock } = this.options;
    const now = clock.now();
    matcherOf(input.matchers);
    if (input.endsAt <= now) throw fail('bad-input', 'A silence must end in the future.');
    const known = input.id === undefined ? undefined : store.get('silences', input.id);
    if (input.id !== undefined && !known) throw fail('not-found', 'There is no such silence.');
    const id = known?.id ?? `${now.toString(36)}-${(this.serial += 1).toString(36)}`;
    const { matchers, endsAt, comment, startsAt = known?.startsAt ?? now } = input;
    const row: SilenceRow = { id, matchers, startsAt, endsAt, comment, createdAt: known?.createdAt ?? now };
    store.transact((transaction) => {
      transaction.put('silences', id, row);
      // Those that ended a month ago tell nobody anything.
      for (const old of store.all('silences'))
        if (old.endsAt < now - 30 * 24 * hour) transaction.remove('silences', old.id);
    });
    this.event('silence.made', sentence('event.silenceMade', { comment }));
    this.tell();
    return { ...row, silences: this.silences().find((one) => one.id === id)?.silences ?? 0 };
  }

  private channelView(row: ChannelRow): ChannelView {
    const notices = this.options.store.all('notices').filter(({ channel }) => channel === row.id);
    const sent = notices.map(({ sentAt = 0 }) => sentAt);
    const failing = this.notifier.failureOf(row.id);
    return {
      ...Settings.hidden(row),
      waiting: notices.filter(({ state }) => state === 'sending').length,
      ...(sent.some((at) => at > 0) ? { lastSentAt: Math.max(...sent) } : {}),
      ...(failing ? { failing } : {}),
    };
  }

  private notices(limit: number): NoticeView[] {
    const { store } = this.options;
    const rows = store
      .all('notices')
      .sort((one, other) => other.createdAt - one.createdAt || (one.id < other.id ? 1 : -1));
    return rows.slice(0, limit).map((row: NoticeRow): NoticeView => {
      const { group: _group, groupLabels: _labels, alerts: _alerts, firing, resolved, ...rest } = row;
      const channelName = store.get('channels', row.channel)?.name ?? row.channel;
      return { ...rest, channelName, firing: firing.length, resolved: resolved.length };
    });
  }

  private event(kind: string, words: ReturnType<typeof sentence>): void {
    const at = this.options.clock.now();
    const id = `${at.toString(36).padStart(9, '0')}-${(this.serial += 1).toString(36)}-u`;
    const event = { id, at, actor: 'user' as const, kind, health: 'ok' as const, words, count: 1 };
    this.options.store.transact((transaction) => transaction.put('events', id, event));
  }
}

/** A rule without what the store adds to it. */
function inputOf(rule: AlertRule): RuleInput {
  const { id: _id, origin: _origin, version: _version, createdAt: _created, updatedAt: _updated, ...input } = rule;
  return input;
}
