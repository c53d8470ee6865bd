/**
 * The time line: what happened, and because of what. Events are buffered a moment and ride along with the next commit; equal ones
 * within a minute are counted; only the newest 5,000 are kept.
 */
import type { Clock } from '../../base/clock';
import type { Disposable } from '../../base/lifecycle';
import type { EventView } from '../../contract/nouns';
import type { Sentence } from '../../contract/sentence';
import type { Store, Transaction } from '../store';

/** An event before it has an id. */
export type NewEvent = Omit<EventView, 'id' | 'at' | 'count' | 'actor'> & { at?: number; actor?: EventView['actor'] };

const keptEvents = 5000;
const sameWithin = 60_000;
const flushAfter = 200;
/** After a write that failed. */
const retryAfter = 5000;
const keptWaiting = 500;

export class Recorder implements Disposable {
  private readonly pending = new Map<string, EventView>();
  private readonly recent = new Map<string, EventView>();
  /** Ids of every stored event, oldest first. */
  private ids: string[];
  private serial = 0;
  private timer: Disposable | undefined;
  private readonly subscription: Disposable;
  private disposed = false;

  constructor(
    private readonly store: Store,
    private readonly clock: Clock,
  ) {
    this.ids = store.keys('events').sort();
    // Other rooms write events too; they count towards the bound.
    this.subscription = store.onCommit((changes) => {
      for (const change of changes) {
        if (change.table === 'events' && change.row && !change.before) this.ids.push(change.key);
      }
    });
  }

  /** Notes an event and returns its id, which may be an older equal event's. */
  record(event: NewEvent): string {
    const now = event.at ?? this.clock.now();
    const key = likeness(event);
    const before = this.recent.get(key);
    if (before && now - before.at < sameWithin && now >= before.at) {
      const counted = { ...before, count: before.count + 1 };
      this.recent.set(key, counted);
      this.pending.set(counted.id, counted);
      this.flushSoon();
      return counted.id;
    }
    const id = eventId(now, ++this.serial);
    const view: EventView = { ...event, id, at: now, actor: event.actor ?? 'controller', count: 1 };
    if (this.recent.size > 1000) this.recent.clear();
    this.recent.set(key, view);
    this.pending.set(id, view);
    this.flushSoon();
    return id;
  }

  /** Puts what waits into a transaction that is being made anyway. */
  into(transaction: Transaction): void {
    if (this.pending.size === 0) return;
    for (const [id, view] of this.pending) transaction.put('events', id, view);
    const over = this.ids.length + this.pending.size - keptEvents;
    if (over > 0) for (const id of this.ids.splice(0, over)) transaction.remove('events', id);
    this.pending.clear();
    this.timer?.dispose();
    this.timer = undefined;
  }

  /** True when something waits to be written. */
  get dirty(): boolean {
    return this.pending.size > 0;
  }

  flush(): void {
    if (this.pending.size > 0) this.store.transact((transaction) => this.into(transaction));
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.timer?.dispose();
    this.subscription.dispose();
    try {
      this.flush();
    } catch {
      // A disk that cannot be written any more must not keep the app from ending.
    }
  }

  private flushSoon(delay = flushAfter): void {
    if (this.timer || this.disposed) return;
    this.timer = this.clock.timer(delay, () => {
      this.timer = undefined;
      const events = [...this.pending];
      try {
        this.flush();
      } catch {
        // The disk is full, say: the newest of what waits is kept for later, and nobody is hurt by the rest.
        for (const [id, view] of events.slice(-keptWaiting)) this.pending.set(id, view);
        this.flushSoon(retryAfter);
      }
    });
  }
}

/** Ids sort by time. */
export function eventId(at: number, serial: number): string {
  return `${Math.max(0, Math.round(at)).toString(36).padStart(9, '0')}-${serial.toString(36).padStart(5, '0')}-r`;
}

function likeness(event: NewEvent): string {
  return `${event.kind}|${event.service ?? ''}|${event.replica ?? ''}|${event.stack ?? ''}|${text(event.words)}`;
}

function text(words: Sentence): string {
  return words.args ? `${words.code}${JSON.stringify(words.args)}` : words.code;
}
