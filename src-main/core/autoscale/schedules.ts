/** Schedules: which of them is due, and what bounds they leave in force. Pure: the time is given. */
import { Cron } from 'croner';
import type { PilothouseSpec } from '../../contract/spec';

export type Schedule = NonNullable<PilothouseSpec['schedules']>[number];

/** When a schedule comes next after `at`; undefined for never, and for what is no schedule. */
export function nextTime(schedule: Schedule, at: number): number | undefined {
  return cronOf(schedule)?.nextRun(new Date(at))?.getTime();
}

/**
 * The last schedule that sets a count in `(since, now]`: what was missed asleep is made up for once, not once per time. Of two at the
 * same time the later in the file wins.
 */
export function dueCount(
  schedules: readonly Schedule[],
  since: number,
  now: number,
): { schedule: Schedule; replicas: number } | undefined {
  let due: { at: number; schedule: Schedule; replicas: number } | undefined;
  for (const schedule of schedules) {
    if (schedule.replicas === undefined) continue;
    const at = lastTime(schedule, now);
    if (at !== undefined && at > since && at >= (due?.at ?? 0)) due = { at, schedule, replicas: schedule.replicas };
  }
  return due;
}

/** The bounds as the last schedule that speaks of each has left them. */
export function boundsAt(
  schedules: readonly Schedule[],
  declared: { min: number; max: number },
  now: number,
): { min: number; max: number } {
  const latest = (field: 'min' | 'max'): number => {
    let [value, since] = [declared[field], 0];
    for (const schedule of schedules) {
      const set = schedule[field];
      const at = set === undefined ? undefined : lastTime(schedule, now);
      if (set !== undefined && at !== undefined && at >= since) [value, since] = [set, at];
    }
    return value;
  };
  const [min, max] = [latest('min'), latest('max')];
  return { min: Math.min(min, max), max };
}

/** The last time at or before `now`; croner leaves its reference out. */
function lastTime(schedule: Schedule, now: number): number | undefined {
  return cronOf(schedule)
    ?.previousRuns(1, new Date(now + 1))
    .at(0)
    ?.getTime();
}

function cronOf({ cron, timezone }: Schedule): Cron | undefined {
  try {
    return new Cron(cron, { paused: true, ...(timezone === undefined ? {} : { timezone }) });
  } catch {
    // Said where the file is read; here it is never due.
    return undefined;
  }
}
