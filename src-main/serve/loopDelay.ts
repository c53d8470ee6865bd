/** How long the event loop was held: a measured figure, not a hope. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { toDisposable, type Disposable } from '../base/lifecycle';

/** Milliseconds between two looks of the probe; its figures include that pause, so it is taken off. */
const resolution = 20;
const window = 60_000;
const settling = 3_000;

export interface LoopProbe extends Disposable {
  /** p99 of the delay over the last minute (at least), milliseconds. */
  delay(): number;
}

/** Starts measuring a moment after the start, whose loading of code is no delay of the work. */
export function probeLoop(): LoopProbe {
  let current = monitorEventLoopDelay({ resolution });
  let before = current;
  const begin = setTimeout(() => current.enable(), settling).unref();
  const timer = setInterval(() => {
    before.disable();
    before = current;
    current = monitorEventLoopDelay({ resolution });
    current.enable();
  }, window);
  timer.unref();
  const stop = toDisposable(() => {
    clearTimeout(begin);
    clearInterval(timer);
    current.disable();
    before.disable();
  });
  const read = (histogram: typeof current): number => (histogram.count > 0 ? histogram.percentile(99) / 1e6 : 0);
  return {
    delay: () => Math.max(0, Math.round((Math.max(read(current), read(before)) - resolution) * 10) / 10),
    dispose: () => stop.dispose(),
  };
}
