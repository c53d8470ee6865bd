/** The engine's event stream, as lossy as the real one (F3): 256 kept, nothing told of what happened while the daemon was away. */
import { Ring } from '../../base/ring';
import type { Random } from '../../base/random';
import type { Clock } from '../../base/clock';
import type { EngineEvent } from '../../core/engine';

/** What may go wrong with events on their way. Shares are probabilities between 0 and 1. */
export interface EventTrouble {
  drop: number;
  duplicate: number;
  /** Longest time an event is held back, milliseconds; different delays change the order. */
  delay: number;
  /** The connection stays open and nothing comes (M15). */
  held: boolean;
}

export class EventLog {
  readonly trouble: EventTrouble = { drop: 0, duplicate: 0, delay: 0, held: false };
  private readonly history = new Ring<EngineEvent>(256);
  private readonly listeners = new Set<(event: EngineEvent) => void>();

  constructor(
    private readonly clock: Clock,
    private readonly random: Random,
  ) {}

  /** What `docker events --since` would still show. */
  recent(): EngineEvent[] {
    return this.history.toArray();
  }

  emit(event: Omit<EngineEvent, 'at'>): void {
    const stamped: EngineEvent = { ...event, at: this.clock.now() };
    this.history.push(stamped);
    if (this.trouble.held || (this.trouble.drop > 0 && this.random() < this.trouble.drop)) return;
    this.send(stamped);
    if (this.trouble.duplicate > 0 && this.random() < this.trouble.duplicate) this.send(stamped);
  }

  /** Hears of every event from now on; call the result to stop. */
  listen(listener: (event: EngineEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** A new daemon remembers nothing. */
  forget(): void {
    this.history.clear();
  }

  private send(event: EngineEvent): void {
    const deliver = (): void => {
      for (const listener of [...this.listeners]) listener(event);
    };
    // Never from inside the call that caused it: over a socket an answer and its event race, too.
    if (this.trouble.delay > 0) this.clock.timer(this.random() * this.trouble.delay, deliver);
    else void Promise.resolve().then(deliver);
  }
}
