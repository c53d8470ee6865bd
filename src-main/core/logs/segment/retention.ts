/** What goes when there is too much, or when it is too old: whole segment files, oldest first. */
import type { Clock } from '../../../base/clock';
import type { Segments } from './segments';

/** How much history is kept. */
export interface LogBudget {
  bytes: number;
  /** Milliseconds. */
  age: number;
}

/** Removes what the budget does not allow; `otherBytes` are the store's bytes outside the segments. */
export async function applyBudget(
  segments: Segments,
  budget: LogBudget,
  world: { clock: Pick<Clock, 'now'>; otherBytes: number },
): Promise<void> {
  let removed = true;
  while (removed && segments.bytes + world.otherBytes > budget.bytes) removed = await segments.removeOldest();
  const now = world.clock.now();
  const active = segments.list.at(-1);
  // A file that fills for months would keep its oldest lines for months: close it early.
  const begun = active?.entries[0]?.meta.to;
  if (active && !active.full && begun !== undefined && begun / 1000 < now - budget.age / 8)
    await segments.finishActive();
  // One a turn: a clock that jumps ahead for a moment must not empty the store.
  const oldest = segments.list[0];
  if (oldest?.full && oldest.entries.every((entry) => entry.meta.to / 1000 < now - budget.age))
    await segments.removeOldest();
}

/** A sixteenth of the budget, so that the oldest can go in small steps; between 1 and 64 MiB. */
export function segmentBytes(budget: LogBudget): number {
  return Math.min(64, Math.max(1, budget.bytes / 16 / 1024 / 1024)) * 1024 * 1024;
}
