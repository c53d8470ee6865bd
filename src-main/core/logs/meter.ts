/** Counts per second and per hour, without a timer of their own. */
import type { Clock } from '../../base/clock';

const seconds = 5;
const minutes = 60;

/** How fast something happens: the mean of the last whole seconds, and the sum of the last hour. */
export class Meter {
  private readonly perSecond = new Array<number>(seconds + 1).fill(0);
  private readonly perMinute = new Array<number>(minutes).fill(0);
  private second: number;
  private minute: number;
  private readonly start: number;

  constructor(private readonly clock: Pick<Clock, 'monotonic'>) {
    this.start = Math.floor(clock.monotonic() / 1000);
    this.second = this.start;
    this.minute = Math.floor(this.start / 60);
  }

  add(count: number): void {
    this.turn();
    const second = this.second % (seconds + 1);
    this.perSecond[second] = (this.perSecond[second] ?? 0) + count;
    const minute = this.minute % minutes;
    this.perMinute[minute] = (this.perMinute[minute] ?? 0) + count;
  }

  /** Per second, rounded. */
  rate(): number {
    this.turn();
    const whole = Math.min(seconds, Math.max(1, this.second - this.start));
    const current = this.perSecond[this.second % (seconds + 1)] ?? 0;
    const sum = this.perSecond.reduce((total, own) => total + own, 0) - (this.second > this.start ? current : 0);
    return Math.round(sum / whole);
  }

  lastHour(): number {
    this.turn();
    return this.perMinute.reduce((total, own) => total + own, 0);
  }

  private turn(): void {
    const second = Math.floor(this.clock.monotonic() / 1000);
    for (let own = this.second + 1; own <= Math.min(second, this.second + seconds + 1); own++)
      this.perSecond[own % (seconds + 1)] = 0;
    this.second = Math.max(this.second, second);
    const minute = Math.floor(this.second / 60);
    for (let own = this.minute + 1; own <= Math.min(minute, this.minute + minutes); own++)
      this.perMinute[own % minutes] = 0;
    this.minute = Math.max(this.minute, minute);
  }
}
