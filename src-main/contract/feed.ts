/** How a `state` stream is fed: the newest truth, at most so often, and only as fast as the reader asks for more. */
import type { Clock } from '../base/clock';
import type { Event } from '../base/emitter';
import { DisposableStore, type Disposable } from '../base/lifecycle';
import type { Sink } from './api';
import type { ListChange } from './api/stacks';

export interface FeedOptions<Item> {
  clock: Pick<Clock, 'timer'>;
  /** Least milliseconds between two items; default 100. */
  every?: number;
  /** Says that `next` may have something new. */
  changed: Event<unknown>;
  /** The item to send now, or undefined when the reader already has it. Called once at the start and then after changes. */
  next: () => Item | undefined;
}

/** Sends `next()` at once, then after changes: many changes between two items become one. Dispose to stop. */
export function feed<Item>(sink: Sink<Item>, options: FeedOptions<Item>): Disposable {
  const owned = new DisposableStore();
  let dirty = true;
  let resting: Disposable | undefined;
  const flush = (): void => {
    if (!dirty || resting || sink.credit() <= 0) return;
    dirty = false;
    const item = options.next();
    if (item === undefined) return;
    sink.send(item);
    resting = options.clock.timer(options.every ?? 100, () => {
      resting = undefined;
      flush();
    });
  };
  owned.add(
    options.changed(() => {
      dirty = true;
      flush();
    }),
  );
  owned.add(sink.onCredit(flush));
  owned.add({ dispose: () => resting?.dispose() });
  flush();
  return owned;
}

/** Remembers what a reader has of a list, and makes the next change of it. Rows are compared by identity. */
export class ListDiff<Row> {
  private sent: Map<string, Row> | undefined;

  /** The change that brings the reader to `rows`; undefined when there is none. The first one resets. */
  next(rows: ReadonlyMap<string, Row>): ListChange<Row> | undefined {
    const before = this.sent;
    this.sent = new Map(rows);
    if (!before) return { reset: true, put: [...rows.values()], gone: [] };
    const put = [...rows].filter(([key, row]) => before.get(key) !== row).map(([, row]) => row);
    const gone = [...before.keys()].filter((key) => !rows.has(key));
    return put.length + gone.length > 0 ? { reset: false, put, gone } : undefined;
  }
}
