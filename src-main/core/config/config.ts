/** The room: acts on items, what readers get, and who is told of a change. */
import type { Clock } from '../../base/clock';
import { Emitter, type Event } from '../../base/emitter';
import { DisposableStore, toDisposable } from '../../base/lifecycle';
import type { Log } from '../../base/log';
import type { Caller, CallHandlers, StreamHandlers } from '../../contract/api';
import type {
  configCalls,
  ConfigItemDetail,
  ConfigItemId,
  ConfigItemView,
  ConfigSide,
  configStreams,
  ConfigTokenView,
  ConfigUserView,
  HttpView,
} from '../../contract/api/config';
import { fail } from '../../contract/errors';
import { feed, ListDiff } from '../../contract/feed';
import type { EventView } from '../../contract/nouns';
import { say, sentence } from '../../contract/sentence';
import type { Engine } from '../engine';
import type { ConfigItemRow, ConfigReleaseRow, Transaction } from '../store';
import { answer, missing } from './answers';
import { Bindings } from './bindings';
import { Bound, valueOf } from './bound';
import { Catalog } from './catalog';
import { publish, refusal, regray, sameRelease, widen, withdraw, type Act, type Decided, type Wanted } from './decide';
import { Delivery } from './deliver';
import { diffLines, diffPairs } from './diff';
import { checkText, pairsOf } from './formats/check';
import type { Reader } from './gray';
import type { Rates } from './guard';
import { GuardWatch, type RateSpan } from './guardWatch';
import { itemKey, releaseKey } from './keys';
import { limits } from './limits';
import { searchItems } from './search';
import { Tokens, type TokenCalls, type TokenWorld } from './tokens';
import { transferCalls, type TransferCalls } from './transferCalls';
import { Users, type Via } from './users';

export interface ConfigOptions extends TokenWorld {
  clock: Clock;
  log: Log;
  /** Puts an event on the time line and returns its id. */
  note: (
    event: Pick<EventView, 'actor' | 'kind' | 'health' | 'words'> &
      Partial<Pick<EventView, 'affects' | 'cause' | 'mark'>>,
  ) => string;
  /** Errors, answers and their times of replicas; what is not known is left out. */
  rates?: (replicas: readonly string[], span: RateSpan) => Promise<Rates>;
}

/** What the endpoints and whoever delivers files need of the room. */
export interface Config {
  calls: CallHandlers<typeof configCalls>;
  streams: StreamHandlers<typeof configStreams>;
  /** Keys of items whose readers should look again; fires right after the commit. */
  onRelease: Event<ReadonlySet<string>>;
  /** The row of an item. */
  find(item: ConfigItemId): ConfigItemRow | undefined;
  items(namespace: string): ConfigItemRow[];
  /** The release this reader should have now. */
  release(item: ConfigItemRow, reader: Reader): ConfigReleaseRow | undefined;
  /** Kept releases, newest first. */
  releases(item: ConfigItemRow): ConfigReleaseRow[];
  /** The number of the last change of an item, also of one that is gone; 0 when it never was. */
  notice(key: string): number;
  /** A reader took a release (0: found none), or a replica's file now holds it. */
  acknowledge(item: string, reader: Reader, via: Via, release: number): void;
  /** The active release, whole or what it says of one key. */
  value(item: string, key?: string): { release: number; text: string } | undefined;
  /** What a container must get before it starts. */
  due: Delivery['due'];
  /** Whose containers get releases as files; undefined while none answers. */
  setEngine(engine: Engine | undefined): void;
  /** A reader begins to wait; dispose when it ends. */
  listen(items: readonly string[], reader: Reader, via: Via): { dispose(): void };
  /** The replica that has this address now. */
  replicaAt(ip: string): string | undefined;
  token(id: string): ConfigTokenView | undefined;
  tokens(): ConfigTokenView[];
  usedToken(id: string): void;
  /** Publishes for a client of the endpoints: makes the item when it is new. */
  put(item: ConfigItemId, wanted: Omit<Wanted, 'expected'> & { expected?: number }, by: string): ConfigReleaseRow;
  remove(item: ConfigItemId, by: string): boolean;
  /** Ends a gray release; false when there is none. */
  withdraw(item: ConfigItemId, by: string): boolean;
  setHttp(view: HttpView): void;
  stop(): void;
}

/** Makes the room. */
export function createConfig(options: ConfigOptions): Config {
  return new Room(options);
}

const tables = new Set(['configItems', 'configNamespaces', 'configTokens', 'configDeliveries', 'attempts']);

class Room implements Config {
  private readonly owned = new DisposableStore();
  private readonly users = new Users();
  private readonly catalog: Catalog;
  private readonly changed = new Emitter<undefined>();
  private readonly released = new Emitter<ReadonlySet<string>>();
  private readonly httpChanged = new Emitter<undefined>();
  private http: HttpView = { state: 'off', words: sentence('http.off'), urls: [], waiting: 0, answered: 0, refused: 0 };
  /** The last event of each item. */
  private readonly told = new Map<string, string>();
  private addresses: Map<string, string> | undefined;
  private readonly guards: GuardWatch;
  private readonly bindings: Bindings;
  private readonly delivery: Delivery;
  private readonly keys: Tokens;
  readonly calls: Config['calls'];
  readonly onRelease = this.released.event;

  constructor(private readonly options: ConfigOptions) {
    const { store, clock } = options;
    this.keys = new Tokens(options);
    this.bindings = this.owned.add(new Bindings(store));
    this.delivery = this.owned.add(
      new Delivery({
        ...{ store, clock, random: options.random, log: options.log, bindings: this.bindings },
        wanted: (item, replica) => this.catalog.wanted(item, { replica }),
        onRefused: (replica, item, { release, words }) => {
          const cause = this.told.get(item);
          options.note({
            kind: 'config.notTaken',
            health: 'warning',
            actor: 'system',
            words: sentence('event.configNotTaken', { replica, item, release, reason: say(words) }),
            affects: [replica.slice(0, replica.lastIndexOf('.'))],
            ...(cause === undefined ? {} : { cause }),
          });
        },
      }),
    );
    this.catalog = new Catalog(store, this.users, new Bound(this.bindings, this.delivery));
    this.owned.add(this.released.event((keys) => this.delivery.released(keys)));
    this.owned.add(
      store.onCommit((changes) => {
        const keys = new Set<string>();
        let seen = false;
        for (const { table, key, row, before } of changes) {
          if (table === 'serviceStatus') this.addresses = undefined;
          if (tables.has(table)) seen = true;
          if (table !== 'configItems') continue;
          const now = row as ConfigItemRow | undefined;
          const then = before as ConfigItemRow | undefined;
          if (now?.notice !== then?.notice) keys.add(key);
          if (!now) this.catalog.forget(key);
        }
        if (keys.size > 0) this.released.fire(keys);
        if (seen) this.changed.fire(undefined);
      }),
    );
    this.guards = new GuardWatch({
      store,
      clock,
      log: options.log,
      ...(options.rates ? { rates: options.rates } : {}),
      readers: (item) => this.liveUsers(item),
      isGray: (item, user) => this.catalog.isGray(item, user),
      end: (item, guard) => this.endGuard(item, guard),
    });
    this.owned.add(this.guards);
    this.calls = {
      ...this.own,
      ...this.keys.calls,
      ...transferCalls({
        store,
        now: () => this.now(),
        sorted: (namespace) => this.sorted(namespace),
        active: (row) => this.catalog.active(row)?.text,
        find: (item) => this.find(item),
        putNamespace: (...given) => this.putNamespace(...given),
        fresh: (...given) => this.fresh(...given),
      }),
    };
  }

  private readonly own: Omit<Config['calls'], keyof TokenCalls | keyof TransferCalls> = {
    'config.namespaces': () => answer(() => this.catalog.namespaces()),
    'config.putNamespace': (input) =>
      answer(() => {
        this.options.store.transact((transaction) =>
          this.putNamespace(transaction, input.namespace, input.description),
        );
        const view = this.catalog.namespaces().find((one) => one.name === input.namespace);
        if (!view) throw fail('internal', 'The namespace was not kept.');
        return view;
      }),
    'config.removeNamespace': (input) =>
      answer(() => {
        const { store } = this.options;
        if (!store.get('configNamespaces', input.namespace)) throw missing(`namespace ${input.namespace}`);
        if (this.items(input.namespace).length > 0)
          throw fail('conflict', `${input.namespace} holds items.`, 'Remove them first.');
        store.transact((transaction) => transaction.remove('configNamespaces', input.namespace));
        return null;
      }),
    'config.items': (input) =>
      answer(() => {
        const rows = this.options.store
          .all('configItems')
          .filter(
            (row) => (input.namespace ?? row.namespace) === row.namespace && (input.group ?? row.group) === row.group,
          );
        return [...this.catalog.items(rows, this.now()).values()].sort((one, two) => (one.key < two.key ? -1 : 1));
      }),
    'config.get': (input) => answer(() => this.detail(input.item)),
    'config.create': (input) =>
      answer(() => {
        if (this.find(input.item)) throw fail('conflict', `${itemKey(input.item)} exists already.`, 'Open it instead.');
        this.options.store.transact((transaction) => {
          const row = this.fresh(transaction, input.item, input.format);
          const { text, schema, description } = input;
          transaction.put('configItems', row.key, { ...row, draft: text, draftVersion: 1, schema, description });
        });
        return this.detail(input.item);
      }),
    'config.saveDraft': (input) =>
      answer(() => {
        const row = this.need(input.item);
        if (input.draftVersion !== undefined && input.draftVersion !== row.draftVersion)
          throw fail('conflict', `The draft of ${row.key} was changed meanwhile.`, 'Load it again and compare.');
        const next = { ...row, draftVersion: row.draftVersion + 1, updatedAt: this.now() };
        if (input.format !== undefined) next.format = input.format;
        if (input.schema !== undefined) next.schema = input.schema;
        if (input.description !== undefined) next.description = input.description;
        if (input.text !== undefined) next.draft = input.text;
        this.options.store.transact((transaction) => transaction.put('configItems', row.key, next));
        return this.detail(input.item);
      }),
    'config.discardDraft': (input) =>
      answer(() => {
        const { draft: _draft, ...row } = this.need(input.item);
        const format = this.catalog.active(row)?.format ?? row.format;
        this.options.store.transact((transaction) =>
          transaction.put('configItems', row.key, { ...row, format, draftVersion: row.draftVersion + 1 }),
        );
        return this.detail(input.item);
      }),
    'config.check': (input) => answer(() => ({ problems: checkText(input.text, input.format, input.schema) })),
    'config.diff': (input) =>
      answer(() => {
        const from = this.side(input.from);
        const to = this.side(input.to);
        const { lines, added, removed, coarse } = diffLines(from.text, to.text);
        const before = pairsOf(from.text, from.format ?? to.format ?? 'text')?.pairs;
        const after = pairsOf(to.text, to.format ?? from.format ?? 'text')?.pairs;
        const keys = before && after ? { keys: diffPairs(before, after) } : {};
        return { from: from.text, to: to.text, added, removed, lines, coarse, ...keys };
      }),
    'config.users': (input) => answer(() => this.catalog.userViews(this.need(input.item), this.now())),
    'config.affected': (input) =>
      answer(() => {
        const row = this.need(input.item);
        const gray = input.gray && { release: -1, rule: input.gray, at: 0 };
        if (input.first && !gray) {
          const first = this.first(this.liveUsers(row));
          return first ? [first] : [];
        }
        if (!gray) return this.catalog.userViews(row, this.now());
        const meant = { ...row, gray: { release: -1, rule: gray.rule, at: 0 } };
        return this.liveUsers(row).filter((user) => this.catalog.isGray(meant, user));
      }),
    'config.publish': (input, caller) =>
      answer(() => {
        const row = this.need(input.item);
        const text = input.text ?? row.draft;
        if (text === undefined)
          throw fail(
            'bad-input',
            `${row.key} has no draft to publish.`,
            'Change it first, or roll back to an older release.',
          );
        let gray = input.gray;
        if (input.guard && !gray) {
          const first = this.first(this.liveUsers(row));
          if (!first)
            throw fail(
              'not-ready',
              `Nobody is known to read ${row.key}, so nobody can be watched.`,
              'Say who gets it first, or publish without a guard.',
            );
          gray = {
            ips: first.replica === undefined && first.ip !== undefined ? [first.ip] : [],
            labels: [],
            replicas: first.replica === undefined ? [] : [first.replica],
            share: 0,
          };
        }
        const { expected, guard, note } = input;
        const guarded = guard ? { guard, starts: this.guards.starts(this.liveUsers(row)) } : {};
        const wanted = { text, format: row.format, expected, ...(gray ? { gray } : {}), ...guarded };
        this.decide(row, { by: byOf(caller), note }, (act) => publish(row, this.catalog.active(row), wanted, act));
        return this.detail(input.item);
      }),
    'config.widen': (input, caller) =>
      answer(() => {
        const row = this.need(input.item);
        const rows = { active: this.catalog.active(row), gray: this.catalog.release(row, row.gray?.release ?? 0) };
        this.decide(row, { by: byOf(caller), note: input.note }, (act) => widen(row, rows, input.expected, act));
        return this.detail(input.item);
      }),
    'config.withdraw': (input, caller) =>
      answer(() => {
        const row = this.need(input.item);
        this.decide(row, { by: byOf(caller), note: '' }, (act) => withdraw(row, act), 'withdrawn');
        return this.detail(input.item);
      }),
    'config.setGray': (input, caller) =>
      answer(() => {
        const row = this.need(input.item);
        this.decide(row, { by: byOf(caller), note: '' }, (act) => regray(row, input.gray, act), 'regrayed');
        return this.detail(input.item);
      }),
    'config.rollback': (input, caller) =>
      answer(() => {
        const row = this.need(input.item);
        const to = input.release ?? this.catalog.active(row)?.before ?? 0;
        const older = this.catalog.release(row, to);
        if (!older || to === row.release)
          throw fail(
            'not-found',
            `${row.key} has no release ${to || 'before this one'}.`,
            'See the list with pilothouse config history.',
          );
        const { text, format } = older;
        const wanted = { text, format, expected: input.expected, restores: to };
        const note = input.note || `Back to release ${to}`;
        this.decide(row, { by: byOf(caller), note }, (act) => publish(row, this.catalog.active(row), wanted, act));
        return this.detail(input.item);
      }),
    'config.remove': (input, caller) =>
      answer(() => {
        const row = this.need(input.item);
        sameRelease(row, this.catalog.active(row), input.expected, this.now());
        const users = this.bindings.services(row.key);
        if (users.length > 0)
          throw fail(
            'conflict',
            `${row.key} is used by ${users.join(', ')}.`,
            'Take it out of their file and apply it first.',
          );
        this.remove(input.item, byOf(caller));
        return null;
      }),
    'config.releases': (input) =>
      answer(() => {
        const row = this.need(input.item);
        return this.catalog
          .releases(row)
          .filter((one) => one.release < (input.before ?? Infinity))
          .slice(0, input.limit)
          .map((one) => this.catalog.releaseView(row, one));
      }),
    'config.release': (input) =>
      answer(() => {
        const row = this.need(input.item);
        const found = this.catalog.release(row, input.release);
        if (!found) throw missing(`release ${input.release} of ${row.key}`);
        return { ...this.catalog.releaseView(row, found), text: found.text };
      }),
    'config.search': (input) =>
      answer(() => {
        const rows = this.sorted(input.namespace);
        const hits = searchItems(rows, (row) => this.catalog.active(row)?.text, input.text, input.limit);
        return { hits: hits.slice(0, input.limit), more: hits.length > input.limit };
      }),
    'config.http': () => answer(() => this.http),
  };

  readonly streams: Config['streams'] = {
    'config.watch': (_input, sink) => {
      const diff = new ListDiff<ConfigItemView>();
      const next = (): ReturnType<typeof diff.next> =>
        diff.next(this.catalog.items(this.options.store.all('configItems'), this.now()));
      return feed(sink, { clock: this.options.clock, every: 250, changed: this.changed.event, next });
    },
    'config.watchItem': (input, sink) => {
      let last = '';
      const next = (): ConfigItemDetail | undefined => {
        if (!this.find(input.item)) {
          sink.end();
          return undefined;
        }
        const detail = this.detail(input.item);
        const text = JSON.stringify(detail);
        if (text === last) return undefined;
        last = text;
        return detail;
      };
      this.need(input.item);
      return feed(sink, { clock: this.options.clock, every: 250, changed: this.changed.event, next });
    },
    'config.watchHttp': (_input, sink) =>
      feed(sink, { clock: this.options.clock, every: 500, changed: this.httpChanged.event, next: () => this.http }),
  };

  find(item: ConfigItemId): ConfigItemRow | undefined {
    return this.options.store.get('configItems', itemKey(item));
  }

  items(namespace: string): ConfigItemRow[] {
    return this.options.store.all('configItems').filter((row) => row.namespace === namespace);
  }

  release(item: ConfigItemRow, reader: Reader): ConfigReleaseRow | undefined {
    return this.catalog.wanted(item, reader);
  }

  releases(item: ConfigItemRow): ConfigReleaseRow[] {
    return this.catalog.releases(item);
  }

  notice(key: string): number {
    const { store } = this.options;
    const row = store.get('configItems', key);
    if (row) return row.notice;
    return store.get('configCounter', 'counter')?.gone.find((one) => one.key === key)?.notice ?? 0;
  }

  acknowledge(item: string, reader: Reader, via: Via, release: number): void {
    this.users.saw(item, reader, { via, release, at: this.now() });
    this.changed.fire(undefined);
  }

  value(key: string, pair?: string): { release: number; text: string } | undefined {
    const row = this.options.store.get('configItems', key);
    const active = row && this.catalog.active(row);
    const text = active && valueOf(active, pair);
    return text === undefined ? undefined : { release: active?.release ?? 0, text };
  }

  due(...given: Parameters<Delivery['due']>): ReturnType<Delivery['due']> {
    return this.delivery.due(...given);
  }

  setEngine(engine: Engine | undefined): void {
    this.delivery.setEngine(engine);
  }

  listen(items: readonly string[], reader: Reader, via: Via): { dispose(): void } {
    for (const item of items) this.users.listens(item, reader, { via, change: 1, at: this.now() });
    this.changed.fire(undefined);
    return toDisposable(() => {
      for (const item of items) this.users.listens(item, reader, { via, change: -1, at: this.now() });
      this.changed.fire(undefined);
    });
  }

  replicaAt(ip: string): string | undefined {
    if (!this.addresses) {
      this.addresses = new Map();
      for (const service of this.options.store.all('serviceStatus'))
        for (const replica of service.replicaList)
          for (const address of Object.values(replica.addresses)) if (address) this.addresses.set(address, replica.id);
    }
    return this.addresses.get(ip);
  }

  token(id: string): ConfigTokenView | undefined {
    return this.keys.find(id);
  }

  tokens(): ConfigTokenView[] {
    return this.keys.all();
  }

  usedToken(id: string): void {
    this.keys.used(id);
  }

  put(item: ConfigItemId, wanted: Omit<Wanted, 'expected'> & { expected?: number }, by: string): ConfigReleaseRow {
    const { store } = this.options;
    if (!this.find(item)) {
      // Refused before anything is made.
      const problems = checkText(wanted.text, wanted.format);
      if (problems.length > 0) throw refusal(sentence('config.wrongText', { item: itemKey(item) }), problems);
      store.transact((transaction) => {
        const row = this.fresh(transaction, item, wanted.format);
        transaction.put('configItems', row.key, row);
      });
    }
    const found = this.need(item);
    const row = { ...found, format: wanted.format };
    const full = { ...wanted, expected: wanted.expected ?? row.release };
    const { release } = this.decide(row, { by, note: '' }, (act) => publish(row, this.catalog.active(row), full, act));
    if (!release) throw fail('internal', 'Nothing was released.');
    return release;
  }

  remove(item: ConfigItemId, by: string): boolean {
    const row = this.find(item);
    if (!row) return false;
    const { store } = this.options;
    const releases = this.catalog.releases(row);
    store.transact((transaction) => {
      const notice = this.number(transaction);
      const counter = transaction.get('configCounter', 'counter');
      const gone = [{ key: row.key, notice }, ...(counter?.gone ?? []).filter((one) => one.key !== row.key)];
      transaction.put('configCounter', 'counter', { last: notice, gone: gone.slice(0, limits.gone) });
      for (const release of releases) transaction.remove('configReleases', releaseKey(row.key, release.release));
      transaction.remove('configItems', row.key);
    });
    const words = sentence('event.configRemoved', { item: row.key, by });
    this.tell(row, { kind: 'config.removed', health: 'warning', words });
    this.told.delete(row.key);
    this.users.forget(row.key);
    return true;
  }

  withdraw(item: ConfigItemId, by: string): boolean {
    const row = this.find(item);
    if (!row?.gray) return false;
    this.decide(row, { by, note: '' }, (act) => withdraw(row, act), 'withdrawn');
    return true;
  }

  setHttp(view: HttpView): void {
    this.http = view;
    this.httpChanged.fire(undefined);
  }

  stop(): void {
    this.owned.dispose();
  }

  private now(): number {
    return this.options.clock.now();
  }

  private need(item: ConfigItemId): ConfigItemRow {
    const row = this.find(item);
    if (!row) throw missing(itemKey(item));
    return row;
  }

  private detail(item: ConfigItemId): ConfigItemDetail {
    return this.catalog.detail(this.need(item), this.now());
  }

  /** Those whom a gray release can reach: values of environments only change for all, by an ordinary rollout. */
  private liveUsers(row: ConfigItemRow): ConfigUserView[] {
    return this.catalog.userViews(row, this.now()).filter((user) => user.via !== 'environment');
  }

  /** Who gets a guarded release first: a replica that is ready now, since most is known of it. */
  private first(users: readonly ConfigUserView[]): ConfigUserView | undefined {
    const ready = ({ replica }: ConfigUserView): boolean => {
      const service = replica && this.options.store.get('serviceStatus', replica.slice(0, replica.lastIndexOf('.')));
      return service ? service.replicaList.some((one) => one.id === replica && one.state === 'ready') : false;
    };
    return users.find(ready) ?? users[0];
  }

  private sorted(namespace: string | undefined): ConfigItemRow[] {
    const rows = this.options.store.all('configItems');
    return rows
      .filter((row) => row.namespace === (namespace ?? row.namespace))
      .sort((one, two) => (one.key < two.key ? -1 : 1));
  }

  /** The next number over all items; never given twice, also across restarts. */
  private number(transaction: Transaction): number {
    const counter = transaction.get('configCounter', 'counter') ?? { last: 0, gone: [] };
    const last = counter.last + 1;
    transaction.put('configCounter', 'counter', { ...counter, last });
    return last;
  }

  private putNamespace(transaction: Transaction, name: string, description?: string): void {
    const row = transaction.get('configNamespaces', name);
    if (!row && this.options.store.keys('configNamespaces').length >= limits.namespaces)
      throw fail('too-many', `There are ${limits.namespaces} namespaces already.`, 'Remove some first.');
    if (row && description === undefined) return;
    transaction.put('configNamespaces', name, {
      name,
      description: description ?? '',
      createdAt: row?.createdAt ?? this.now(),
    });
  }

  private fresh(transaction: Transaction, item: ConfigItemId, format: ConfigItemRow['format']): ConfigItemRow {
    if (this.options.store.keys('configItems').length >= limits.items)
      throw fail('too-many', `There are ${limits.items} items already.`, 'Remove some first.');
    this.putNamespace(transaction, item.namespace);
    const key = itemKey(item);
    const now = this.now();
    return {
      key,
      ...item,
      format,
      description: '',
      schema: '',
      draftVersion: 0,
      release: 0,
      newest: 0,
      guards: [],
      // A waiting reader may know the number of the one that was removed.
      notice: this.notice(key),
      createdAt: now,
      updatedAt: now,
    };
  }

  /** Runs a decision and commits what it says, with the surplus of history taken away. */
  private decide(
    row: ConfigItemRow,
    who: { by: string; note: string },
    decision: (act: Act) => Decided,
    what: 'published' | 'withdrawn' | 'regrayed' = 'published',
  ): Decided {
    const { store } = this.options;
    const decided = store.transact((transaction) => {
      const number = this.number(transaction);
      const result = decision({ now: this.now(), ...who, number });
      if (result.release)
        transaction.put('configReleases', releaseKey(row.key, result.release.release), result.release);
      transaction.put('configItems', row.key, result.item);
      return result;
    });
    const surplus = this.catalog.surplus(decided.item);
    if (surplus.length > 0) {
      store.transact((transaction) => {
        for (const old of surplus) transaction.remove('configReleases', releaseKey(row.key, old.release));
      });
    }
    const { release } = decided;
    const args = { item: row.key, by: who.by, release: release?.release ?? row.gray?.release ?? 0 };
    const [kind, words] = !release
      ? ([`config.${what}`, what === 'withdrawn' ? 'event.configWithdrawn' : 'event.configRegrayed'] as const)
      : release.kind === 'gray'
        ? (['config.gray', 'event.configGray'] as const)
        : (['config.published', 'event.configPublished'] as const);
    this.tell(row, { kind, health: 'ok', words: sentence(words, args), by: who.by });
    return decided;
  }

  /** The guard has decided. */
  private endGuard(row: ConfigItemRow, guard: NonNullable<NonNullable<ConfigItemRow['gray']>['guard']>): void {
    const { store } = this.options;
    const gray = row.gray;
    if (!gray) return;
    const withGuard = { ...row, gray: { ...gray, guard } };
    if (guard.state === 'stalled' || guard.state === 'watching') {
      store.transact((transaction) => transaction.put('configItems', row.key, withGuard));
      if (guard.state === 'stalled')
        this.tell(row, {
          kind: 'config.guardStalled',
          health: 'warning',
          words: sentence('event.configStalled', { item: row.key, release: gray.release }),
          by: 'guard',
        });
      return;
    }
    const who = { by: 'guard', note: say(guard.words) };
    if (guard.state === 'withdrawn') {
      this.tell(row, {
        kind: 'config.guardWithdrew',
        health: 'critical',
        words: sentence('event.configGuardWithdrew', {
          item: row.key,
          release: gray.release,
          reason: say(guard.words),
        }),
        by: 'guard',
      });
      this.decide(withGuard, who, (act) => withdraw(withGuard, act), 'withdrawn');
      return;
    }
    const rows = { active: this.catalog.active(row), gray: this.catalog.release(row, gray.release) };
    this.decide(withGuard, who, (act) => widen(withGuard, rows, row.release, act));
  }

  private side(side: ConfigSide): { text: string; format?: ConfigItemRow['format'] } {
    if (side.kind === 'text') return { text: side.text };
    const row = this.need(side.item);
    if (side.kind === 'draft') return { text: row.draft ?? this.catalog.active(row)?.text ?? '', format: row.format };
    if (side.kind === 'active') return { text: this.catalog.active(row)?.text ?? '', format: row.format };
    const number = side.kind === 'gray' ? (row.gray?.release ?? 0) : side.release;
    const found = this.catalog.release(row, number);
    if (!found) throw missing(`${side.kind === 'gray' ? 'gray release' : `release ${number}`} of ${row.key}`);
    return { text: found.text, format: found.format };
  }

  /** Puts what happened to an item on the time line, with the services that read it. What the guard does follows from the release. */
  private tell(row: ConfigItemRow, event: Pick<EventView, 'kind' | 'health' | 'words'> & { by?: string }): void {
    const { by, ...own } = event;
    const replicas = this.catalog.userViews(row, this.now()).flatMap(({ replica }) => replica ?? []);
    const affects = [...new Set(replicas.map((id) => id.slice(0, id.lastIndexOf('.'))))].sort();
    const cause = by === 'guard' ? this.told.get(row.key) : undefined;
    const id = this.options.note({
      ...own,
      actor: by === 'guard' ? 'controller' : 'user',
      mark: 'release',
      ...(affects.length > 0 ? { affects } : {}),
      ...(cause === undefined ? {} : { cause }),
    });
    this.told.set(row.key, id);
  }
}

function byOf(caller: Caller): string {
  return caller.kind;
}
