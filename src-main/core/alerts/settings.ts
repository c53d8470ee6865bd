/** Rules, channels and routing as the user keeps them. */
import type { Clock } from '../../base/clock';
import {
  routing as routingSchema,
  type AlertRule,
  type ChannelInput,
  type ChannelTarget,
  type Routing,
  type RuleInput,
} from '../../contract/api/alerts';
import { fail } from '../../contract/errors';
import type { ChannelRow, Store } from '../store';
import { parseRuleFile, slug } from './ruleFile';
import { hiddenText, keepSecrets, mapSecrets, type Sealer } from './secrets';
import { checkSource } from './sources';

const routingKey = 'routing';
const mostRules = 2000;
const mostChannels = 100;

export class Settings {
  constructor(private readonly options: { store: Store; clock: Clock; sealer: Sealer }) {}

  /** Brings the rules that come with Pilothouse up to date, apart from those that the user changed; makes the first channel. */
  install(defaults: string): void {
    const { store, clock } = this.options;
    const now = clock.now();
    const { rules } = parseRuleFile(defaults);
    store.transact((transaction) => {
      for (const { id, ...rule } of rules) {
        const known = store.get('rules', id);
        const row: AlertRule = {
          ...rule,
          id,
          origin: 'default',
          version: 1,
          createdAt: known?.createdAt ?? now,
          updatedAt: now,
        };
        const same = known && JSON.stringify({ ...known, updatedAt: 0 }) === JSON.stringify({ ...row, updatedAt: 0 });
        if (!known || (known.origin === 'default' && known.version === 1 && !same)) transaction.put('rules', id, row);
      }
      if (store.get('routing', routingKey)) return;
      transaction.put('routing', routingKey, routingSchema.parse({}));
      const desktop: ChannelRow = {
        id: 'desktop',
        name: 'Desktop',
        enabled: true,
        target: { kind: 'desktop' },
        sendResolved: false,
        least: 'warning',
        version: 1,
      };
      transaction.put('channels', desktop.id, desktop);
    });
  }

  routing(): Routing {
    return this.options.store.get('routing', routingKey) ?? routingSchema.parse({});
  }

  setRouting(next: Routing): Routing {
    this.options.store.transact((transaction) => transaction.put('routing', routingKey, next));
    return next;
  }

  /** Throws `bad-input` for a rule that cannot work and `conflict` when it was changed meanwhile. */
  putRule(given: {
    id?: string | undefined;
    version?: number | undefined;
    rule: RuleInput;
    origin?: AlertRule['origin'];
  }): AlertRule {
    const { store, clock } = this.options;
    const { rule, version, origin = 'user' } = given;
    checkSource(rule.source);
    const id = given.id ?? this.freeId(slug(rule.name), (one) => store.get('rules', one) !== undefined);
    const known = store.get('rules', id);
    if (version !== undefined && version !== (known?.version ?? 0)) throw changedMeanwhile('rule');
    if (!known && store.keys('rules').length >= mostRules)
      throw fail('too-many', `There may be at most ${mostRules} rules.`);
    const now = clock.now();
    const row: AlertRule = {
      ...rule,
      id,
      origin: known?.origin ?? origin,
      version: (known?.version ?? 0) + 1,
      createdAt: known?.createdAt ?? now,
      updatedAt: now,
    };
    store.transact((transaction) => transaction.put('rules', id, row));
    return row;
  }

  /** Throws for unknown rules, and for those that come with Pilothouse, which can be turned off. */
  removeRule(id: string): AlertRule {
    const known = this.rule(id);
    if (known.origin === 'default')
      throw fail('forbidden', `${known.name} comes with Pilothouse.`, 'Turn it off instead.');
    this.options.store.transact((transaction) => transaction.remove('rules', id));
    return known;
  }

  rule(id: string): AlertRule {
    const known = this.options.store.get('rules', id);
    if (!known) throw fail('not-found', `There is no alert rule ${id}.`);
    return known;
  }

  /** A channel that is on, with its secrets open. */
  channel(id: string): ChannelInput | undefined {
    const row = this.options.store.get('channels', id);
    if (!row?.enabled) return undefined;
    try {
      return { ...row, target: this.opened(row.target) };
    } catch {
      return undefined; // sealed with a key that is gone
    }
  }

  /** The channel as given, with the secrets that were left alone taken from what is kept under `id`. */
  complete(id: string | undefined, channel: ChannelInput): ChannelInput {
    const known = id === undefined ? undefined : this.options.store.get('channels', id);
    return { ...channel, target: keepSecrets(channel.target, known && this.opened(known.target)) };
  }

  putChannel(given: { id?: string | undefined; version?: number | undefined; channel: ChannelInput }): ChannelRow {
    const { store, sealer } = this.options;
    const id = given.id ?? this.freeId(slug(given.channel.name), (one) => store.get('channels', one) !== undefined);
    const known = store.get('channels', id);
    if (given.version !== undefined && given.version !== (known?.version ?? 0)) throw changedMeanwhile('channel');
    if (!known && store.keys('channels').length >= mostChannels)
      throw fail('too-many', `There may be at most ${mostChannels} channels.`);
    const complete = this.complete(id, given.channel);
    const target = mapSecrets(complete.target, (text) => sealer.seal(text));
    const row: ChannelRow = { ...complete, target, id, version: (known?.version ?? 0) + 1 };
    store.transact((transaction) => transaction.put('channels', id, row));
    return row;
  }

  removeChannel(id: string): void {
    if (!this.options.store.get('channels', id)) throw fail('not-found', `There is no channel ${id}.`);
    this.options.store.transact((transaction) => transaction.remove('channels', id));
  }

  /** A channel without its secrets. */
  static hidden(row: ChannelRow): ChannelRow {
    return { ...row, target: mapSecrets(row.target, () => hiddenText) };
  }

  private opened(target: ChannelTarget): ChannelTarget {
    return mapSecrets(target, (text) => this.options.sealer.open(text));
  }

  private freeId(wanted: string, taken: (id: string) => boolean): string {
    let id = wanted;
    for (let count = 2; taken(id); count++) id = `${wanted}-${count}`;
    return id;
  }
}

function changedMeanwhile(what: string): Error {
  return fail('conflict', `The ${what} was changed meanwhile.`, 'Look at it again and repeat your change.');
}
