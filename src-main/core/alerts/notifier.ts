/**
 * Brings notices to their channels: at least once, and at most twice when the app dies between sending and noting it. A notice is
 * durable before it is sent, goes out in order per channel, and is tried until it arrives or a day has passed.
 */
import type { Clock } from '../../base/clock';
import type { Disposable } from '../../base/lifecycle';
import type { Log } from '../../base/log';
import { backoffDelay } from '../../base/workqueue';
import type { Random } from '../../base/random';
import type { ChannelInput, Routing } from '../../contract/api/alerts';
import { toProblem } from '../../contract/errors';
import { sentence, type Sentence } from '../../contract/sentence';
import type { AlertRow, NoticeRow, Store } from '../store';
import { GroupBook, type Due, type Tellable } from './groups';
import type { Deliver, Delivery } from './outgoing';
import { outgoingOf } from './payload/payload';
import { titleOf } from './payload/text';

const keptNotices = 1000;
const giveUpAfter = 24 * 60 * 60 * 1000;
const backoff = { base: 2000, cap: 300_000 };

export interface NotifierOptions {
  clock: Clock;
  random: Random;
  store: Store;
  log: Log;
  deliver: Deliver;
  routing: () => Routing;
  /** A channel with its secrets open; undefined when it is gone or off. */
  channel: (id: string) => ChannelInput | undefined;
  onChange: () => void;
}

export class Notifier implements Disposable {
  private readonly book: GroupBook;
  private tellables: readonly Tellable[] = [];
  private rows: (id: string) => AlertRow | undefined = () => undefined;
  private flushTimer: Disposable | undefined;
  private readonly sending = new Set<string>();
  /** By channel: the timer of the next try. */
  private readonly waits = new Map<string, Disposable>();
  private readonly failing = new Map<string, Sentence>();
  private serial = 0;
  private disposed = false;

  constructor(private readonly options: NotifierOptions) {
    this.book = new GroupBook(options.routing());
  }

  /** Takes up where the last run ended, and sends what it did not. */
  start(): void {
    const { clock, store } = this.options;
    const newest = new Map<string, NoticeRow>();
    for (const row of this.inOrder(store.all('notices'))) newest.set(row.group, row);
    for (const [group, { channel, groupLabels, firing, resolved, createdAt }] of newest) {
      const age = Math.max(0, clock.now() - createdAt);
      const told = { firing, resolved, at: clock.monotonic() - age };
      this.book.restore(group, { channel, labels: groupLabels, told, now: clock.monotonic() });
    }
    for (const channel of new Set(store.all('notices').map((row) => row.channel))) this.pump(channel);
  }

  dispose(): void {
    this.disposed = true;
    this.flushTimer?.dispose();
    for (const wait of this.waits.values()) wait.dispose();
  }

  /** Why a channel's last notice did not arrive, if it did not. */
  failureOf(channel: string): Sentence | undefined {
    return this.failing.get(channel);
  }

  /** All alerts that may be told, as they are now. */
  update(tellables: readonly Tellable[], rows: (id: string) => AlertRow | undefined): void {
    this.tellables = tellables;
    this.rows = rows;
    this.flush();
  }

  routingChanged(): void {
    this.book.setRouting(this.options.routing());
    this.flush();
  }

  private flush(): void {
    if (this.disposed) return;
    this.flushTimer?.dispose();
    const { clock } = this.options;
    const due = this.book.flush(this.tellables, clock.monotonic());
    if (due.length > 0) this.keep(due);
    const next = this.book.nextFlush;
    if (next !== undefined) this.flushTimer = clock.timer(Math.max(100, next - clock.monotonic()), () => this.flush());
  }

  private keep(due: readonly Due[]): void {
    const { store, clock, log } = this.options;
    const now = clock.now();
    const made = due.map((notice): NoticeRow => {
      const alerts = [...notice.firing, ...notice.resolved].flatMap((id) => this.rows(id) ?? []);
      const id = `${now.toString(36)}-${(this.serial += 1).toString(36)}-${Math.floor(this.options.random() * 1e9).toString(36)}`;
      const status = notice.firing.length > 0 ? 'firing' : 'resolved';
      const { group, channel, labels: groupLabels, firing, resolved } = notice;
      const row = {
        id,
        channel,
        group,
        groupLabels,
        firing,
        resolved,
        alerts,
        status,
        state: 'sending',
        createdAt: now,
        tries: 0,
      } as const;
      return { ...row, title: titleOf(noticeOf(row)) };
    });
    try {
      store.transact((transaction) => {
        for (const row of made) transaction.put('notices', row.id, row);
        const old = this.inOrder(store.all('notices')).filter(({ state }) => state !== 'sending');
        const over = old.length + made.length - keptNotices;
        for (const row of old.slice(0, Math.max(0, over))) transaction.remove('notices', row.id);
      });
    } catch (thrown) {
      // The disk is full, say. Sent all the same: two notices are better than none.
      log('error', 'a notice cannot be noted', { reason: String(thrown) });
    }
    this.options.onChange();
    for (const channel of new Set(made.map((row) => row.channel))) this.pump(channel);
  }

  /** Sends the oldest notice of a channel that is not sent yet. */
  private pump(channel: string): void {
    if (this.disposed || this.sending.has(channel) || this.waits.has(channel)) return;
    const [row] = this.inOrder(this.options.store.all('notices')).filter(
      (one) => one.channel === channel && one.state === 'sending',
    );
    if (!row) return;
    this.sending.add(channel);
    void this.send(row).then((delivery) => {
      this.sending.delete(channel);
      if (!this.disposed) this.settle(row, delivery);
    });
  }

  private async send(row: NoticeRow): Promise<Delivery> {
    const channel = this.options.channel(row.channel);
    if (!channel) return { delivered: false, retry: false, words: sentence('notice.noChannel') };
    try {
      return await this.options.deliver(
        outgoingOf(noticeOf(row), channel, (rule) => this.unchanged(rule)),
        row.id,
      );
    } catch (thrown) {
      return {
        delivered: false,
        retry: false,
        words: sentence('notice.failed', { reason: toProblem(thrown).message }),
      };
    }
  }

  /** A rule that comes along and that nobody has changed. */
  private unchanged(rule: string): boolean {
    const known = this.options.store.get('rules', rule);
    return known?.origin === 'default' && known.version === 1;
  }

  private settle(row: NoticeRow, delivery: Delivery): void {
    const { clock, random, log } = this.options;
    const tries = row.tries + 1;
    if (delivery.delivered) {
      this.failing.delete(row.channel);
      const { words: _words, ...rest } = row;
      this.put({ ...rest, tries, state: 'sent', sentAt: clock.now() });
    } else {
      this.failing.set(row.channel, delivery.words);
      const over = !delivery.retry || clock.now() - row.createdAt > giveUpAfter;
      this.put({ ...row, tries, words: delivery.words, state: over ? 'failed' : 'sending' });
      if (tries === 1 || over) log('warn', 'a notice did not arrive', { channel: row.channel, over });
      if (!over) {
        const wait = clock.timer(backoffDelay(tries, { ...backoff, random }), () => {
          this.waits.delete(row.channel);
          this.pump(row.channel);
        });
        this.waits.set(row.channel, wait);
      }
    }
    this.options.onChange();
    this.pump(row.channel);
  }

  private put(row: NoticeRow): void {
    try {
      this.options.store.transact((transaction) => transaction.put('notices', row.id, row));
    } catch (thrown) {
      this.options.log('error', 'a notice cannot be noted', { reason: String(thrown) });
      // It must not be sent again and again while the disk is full.
      this.waits.set(
        row.channel,
        this.options.clock.timer(backoff.cap, () => {
          this.waits.delete(row.channel);
          this.pump(row.channel);
        }),
      );
    }
  }

  private inOrder(rows: readonly NoticeRow[]): NoticeRow[] {
    return [...rows].sort((one, other) => one.createdAt - other.createdAt || (one.id < other.id ? -1 : 1));
  }
}

function noticeOf(row: Pick<NoticeRow, 'id' | 'groupLabels' | 'firing' | 'alerts'>): Parameters<typeof titleOf>[0] {
  const firing = new Set(row.firing);
  const { id, groupLabels, alerts } = row;
  return {
    id,
    groupLabels,
    firing: alerts.filter((alert) => firing.has(alert.id)),
    resolved: alerts.filter((alert) => !firing.has(alert.id)),
  };
}
