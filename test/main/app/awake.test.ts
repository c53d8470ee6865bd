/** The real clock on a machine whose own monotonic hand goes on while it sleeps, as those of Windows and macOS do. */
import { expect, it } from 'vitest';
import { awakeClock, type Machine } from '../../../src-main/app/awake';
import { FakeClock } from '../../support/clock';

/** Timers stand still in `sleep`, both hands go on. */
function machine() {
  const clock = new FakeClock();
  let slept = 0;
  const self: Machine & { sleep(time: number): void; advance(time: number): Promise<void> } = {
    now: () => clock.now(),
    elapsed: () => clock.monotonic() + slept,
    later: (delay, fire) => {
      const timer = clock.timer(delay, fire);
      return () => timer.dispose();
    },
    every: (delay, fire) => {
      const again = (): void => {
        fire();
        clock.timer(delay, again);
      };
      clock.timer(delay, again);
    },
    sleep: (time) => {
      slept += time;
      clock.sleep(time);
    },
    advance: (time) => clock.advance(time),
  };
  return self;
}
const hour = 3_600_000;

it('counts only the time that it lived through', async () => {
  const the = machine();
  const clock = awakeClock(the);
  const fired: string[] = [];
  const began = { wall: clock.now(), monotonic: clock.monotonic() };
  for (const [name, delay] of [
    ['soon', 60_000],
    ['later', 2 * hour],
  ] as const)
    clock.timer(delay, () => fired.push(name));
  await the.advance(30_000);
  the.sleep(8 * hour);
  await the.advance(20_000);
  // The evening's timers are not due in the morning; what was left of them is.
  expect(fired).toEqual([]);
  expect(clock.now() - began.wall).toBe(8 * hour + 50_000);
  const lived = clock.monotonic() - began.monotonic;
  expect(lived).toBeGreaterThanOrEqual(45_000);
  expect(lived).toBeLessThanOrEqual(50_000);
  await the.advance(16_000);
  expect(fired).toEqual(['soon']);
  await the.advance(2 * hour);
  expect(fired).toEqual(['soon', 'later']);
});

it('a timer that is taken back stays silent, also in the middle of its wait', async () => {
  const the = machine();
  const clock = awakeClock(the);
  let fired = 0;
  const timer = clock.timer(60_000, () => (fired += 1));
  await the.advance(50_000);
  the.sleep(hour);
  await the.advance(11_000);
  timer.dispose();
  await the.advance(2 * hour);
  expect(fired).toBe(0);
});

it('counts a platform that was merely slow to call as time', async () => {
  const the = machine();
  const clock = awakeClock(the);
  clock.timer(1, () => undefined);
  const began = clock.monotonic();
  await the.advance(3_000);
  the.sleep(12_000);
  await the.advance(3_000);
  expect(clock.monotonic() - began).toBe(18_000);
});
