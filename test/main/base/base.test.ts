import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sleep } from '../../../src-main/base/clock';
import { Emitter } from '../../../src-main/base/emitter';
import { DisposableStore, toDisposable } from '../../../src-main/base/lifecycle';
import { hash32, seeded } from '../../../src-main/base/random';
import { FakeClock } from '../../support/clock';

describe('an emitter', () => {
  it('calls listeners in order, each subscription for itself', () => {
    const emitter = new Emitter<number>();
    const heard: string[] = [];
    const note = (value: number): void => void heard.push(`a${value}`);
    const first = emitter.event(note);
    emitter.event((value) => heard.push(`b${value}`));
    emitter.event(note);
    emitter.fire(1);
    first.dispose();
    first.dispose();
    emitter.fire(2);
    expect(heard).toEqual(['a1', 'b1', 'a1', 'b2', 'a2']);
    expect(emitter.size).toBe(2);
  });

  it('lets listeners come and go while it fires', () => {
    const emitter = new Emitter<void>();
    const heard: string[] = [];
    emitter.event(() => {
      heard.push('old');
      emitter.event(() => heard.push('new'));
    });
    emitter.fire();
    expect(heard).toEqual(['old']);
  });
});

describe('disposables', () => {
  it('stop once, in reverse order, and a closed store stops what comes late', () => {
    const stopped: string[] = [];
    const store = new DisposableStore();
    for (const name of ['a', 'b', 'c']) store.add(toDisposable(() => stopped.push(name)));
    store.dispose();
    store.dispose();
    store.add(toDisposable(() => stopped.push('late')));
    expect(stopped).toEqual(['c', 'b', 'a', 'late']);
  });
});

describe('seeded randomness', () => {
  it('repeats itself, stays in [0, 1) and spreads evenly', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const [one, other] = [seeded(seed), seeded(seed)];
        for (let turn = 0; turn < 50; turn++) {
          const value = one();
          expect(value).toBe(other());
          expect(value >= 0 && value < 1).toBe(true);
        }
      }),
    );
    const buckets = new Array<number>(10).fill(0);
    const random = seeded(7);
    for (let turn = 0; turn < 100_000; turn++)
      buckets[Math.floor(random() * 10)] = (buckets[Math.floor(random() * 10)] ?? 0) + 1;
    for (const count of buckets) expect(Math.abs(count - 10_000)).toBeLessThan(1200);
  });

  it('hashes texts as FNV-1a does', () => {
    expect([hash32(''), hash32('a'), hash32('foobar')]).toEqual([0x811c9dc5, 0xe40c292c, 0xbf9cf968]);
  });
});

describe('the fake clock', () => {
  it('runs timers in order of time, then of creation, with promises in between', async () => {
    const clock = new FakeClock(1000);
    const log: string[] = [];
    clock.timer(20, () => log.push(`late at ${clock.monotonic()}`));
    clock.timer(10, () => {
      log.push('first');
      void Promise.resolve().then(() => log.push('promise'));
    });
    clock.timer(10, () => log.push('second'));
    clock.timer(15, () => log.push('never')).dispose();
    void sleep(clock, 12).then(() => log.push(`slept until ${clock.now()}`));
    await clock.advance(25);
    expect(log).toEqual(['first', 'promise', 'second', 'slept until 1012', 'late at 20']);
    expect([clock.monotonic(), clock.now(), clock.pending]).toEqual([25, 1025, 0]);
  });

  it('jumps and sleeps on the wall only', async () => {
    const clock = new FakeClock(0);
    let fired = 0;
    clock.timer(100, () => (fired += 1));
    clock.jump(-7_200_000);
    clock.sleep(3_600_000);
    expect([clock.now(), clock.monotonic(), fired]).toEqual([-3_600_000, 0, 0]);
    await clock.advance(100);
    expect(fired).toBe(1);
  });

  it('says when something does not happen in time', async () => {
    const clock = new FakeClock();
    expect(await clock.until(() => clock.monotonic() >= 0)).toBe(0);
    await expect(clock.until(() => false, 500)).rejects.toThrow('500 ms');
    await expect(clock.finish(sleep(clock, 30).then(() => 'done'))).resolves.toBe('done');
  });
});
