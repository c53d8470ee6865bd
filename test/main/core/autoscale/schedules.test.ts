import { describe, expect, it } from 'vitest';
import { boundsAt, dueCount, nextTime, type Schedule } from '../../../../src-main/core/autoscale/schedules';

const monday = Date.UTC(2026, 0, 5);
const hour = 3_600_000;
const utc = (cron: string, more: Partial<Schedule>): Schedule => ({ cron, timezone: 'UTC', ...more });
const office = [utc('0 9 * * 1-5', { replicas: 5 }), utc('0 18 * * 1-5', { replicas: 1 })];

describe('schedules', () => {
  it('set their count once when their time comes', () => {
    const nine = monday + 9 * hour;
    expect(dueCount(office, nine - 15_000, nine - 1)).toBeUndefined();
    expect(dueCount(office, nine - 1, nine)).toMatchObject({ replicas: 5 });
    expect(dueCount(office, nine, nine + 15_000)).toBeUndefined();
  });

  it('make up for what was slept through, once and with the last one', () => {
    expect(dueCount(office, monday, monday + 3 * 24 * hour + 20 * hour)).toMatchObject({ replicas: 1 });
    expect(dueCount(office, monday, monday + 3 * 24 * hour + 12 * hour)).toMatchObject({ replicas: 5 });
  });

  it('take the later in the file of two at the same time', () => {
    const both = [utc('0 9 * * *', { replicas: 2 }), utc('0 9 * * 1', { replicas: 3 })];
    expect(dueCount(both, monday, monday + 10 * hour)).toMatchObject({ replicas: 3 });
  });

  it('move the bounds until the next one does', () => {
    const night = [utc('0 22 * * *', { max: 2, min: 0 }), utc('0 6 * * *', { max: 8, min: 2 })];
    const declared = { min: 1, max: 4 };
    expect(boundsAt(night, declared, monday + 23 * hour)).toEqual({ min: 0, max: 2 });
    expect(boundsAt(night, declared, monday + 30 * hour)).toEqual({ min: 2, max: 8 });
    expect(boundsAt([utc('0 6 * * *', { min: 9 })], declared, monday + 7 * hour)).toEqual({ min: 4, max: 4 });
    expect(boundsAt([], declared, monday)).toEqual(declared);
  });

  it('follow their own time zone through its changes of the clock', () => {
    const berlin: Schedule = { cron: '0 9 * * *', timezone: 'Europe/Berlin', replicas: 3 };
    expect(nextTime(berlin, Date.UTC(2026, 2, 28, 12))).toBe(Date.UTC(2026, 2, 29, 7));
    expect(nextTime(berlin, Date.UTC(2026, 2, 27, 12))).toBe(Date.UTC(2026, 2, 28, 8));
  });

  it('are never due when they are no schedule', () => {
    for (const cron of ['61 * * * *', 'a b c d e', '0 0 31 2 *']) {
      expect(nextTime(utc(cron, {}), monday)).toBeUndefined();
      expect(dueCount([utc(cron, { replicas: 1 })], 0, monday)).toBeUndefined();
    }
  });
});
