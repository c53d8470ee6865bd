/** Keeps one follower per container of a list, and the list's wishes: level-triggered, so a lost event costs a moment, not a line. */
import type { Clock } from '../../../base/clock';
import type { Disposable } from '../../../base/lifecycle';
import type { Random } from '../../../base/random';
import type { Sentence } from '../../../contract/sentence';
import type { Engine } from '../../engine';
import type { LogSource } from '../line';
import { Follower } from './follower';
import type { Intake } from './intake';

export interface LogCollectorOptions {
  clock: Clock;
  random: Random;
  intake: Intake;
  /** Lines a second that one container may store; 0 means no limit. */
  linesPerSecond: number;
}

/** A container that left the list is read to its end for at most so long, milliseconds. */
const farewell = 5000;

/** Follows the containers it is told to. */
export class LogCollector implements Disposable {
  private readonly followers = new Map<string, Follower>();
  private readonly leaving = new Map<string, Disposable>();
  private readonly pressure: Disposable;
  private engine: Engine | undefined;
  private limit: number;
  /** Lines dropped by flood limits since the start. */
  skipped = 0;

  constructor(private readonly options: LogCollectorOptions) {
    this.limit = options.linesPerSecond;
    this.pressure = options.intake.onPressure((pressed) => {
      for (const follower of this.followers.values()) follower.pause(pressed);
    });
  }

  /** How many containers are being read now. */
  get following(): number {
    let count = 0;
    for (const follower of this.followers.values()) if (follower.following) count += 1;
    return count;
  }

  /** The engine to read from; undefined while there is none. */
  setEngine(engine: Engine | undefined): void {
    this.engine = engine;
    for (const follower of this.followers.values()) {
      if (engine) follower.attach(engine);
      else follower.detach();
    }
  }

  setLimit(linesPerSecond: number): void {
    this.limit = linesPerSecond;
    for (const follower of this.followers.values()) follower.setLimit(linesPerSecond);
  }

  /** The whole list of containers to follow; call it again whenever it changed. */
  follow(sources: readonly LogSource[]): void {
    const wanted = new Set<string>();
    for (const source of sources) {
      wanted.add(source.container);
      this.leaving.get(source.container)?.dispose();
      this.leaving.delete(source.container);
      if (!this.followers.has(source.container)) this.begin(source);
    }
    for (const container of this.followers.keys()) {
      if (!wanted.has(container) && !this.leaving.has(container)) this.leave(container);
    }
  }

  /** The container may have started, or its engine said something about it. */
  touch(container: string): void {
    this.followers.get(container)?.touch();
  }

  /** The computer was asleep: connections may be dead without a word. */
  wake(): void {
    for (const follower of this.followers.values()) follower.wake();
  }

  /** Writes a marker into every timeline that is followed, once. */
  announce(words: Sentence): void {
    const told = new Set<number>();
    for (const follower of this.followers.values()) {
      if (told.has(follower.lane)) continue;
      told.add(follower.lane);
      follower.announce(words);
    }
  }

  dispose(): void {
    this.pressure.dispose();
    for (const timer of this.leaving.values()) timer.dispose();
    this.leaving.clear();
    for (const follower of this.followers.values()) follower.dispose();
    this.followers.clear();
  }

  private begin(source: LogSource): void {
    const { clock, random, intake } = this.options;
    const follower = new Follower({
      clock,
      random,
      intake,
      source,
      limit: this.limit,
      onSkipped: (count) => {
        this.skipped += count;
      },
    });
    this.followers.set(source.container, follower);
    follower.pause(intake.underPressure);
    if (this.engine) follower.attach(this.engine);
  }

  private leave(container: string): void {
    const timer = this.options.clock.timer(farewell, () => {
      this.leaving.delete(container);
      this.followers.get(container)?.dispose();
      this.followers.delete(container);
    });
    this.leaving.set(container, timer);
  }
}
