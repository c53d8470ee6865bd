/** The three streams of the port: events, output, samples. */
import type { Disposable } from '../../base/lifecycle';
import { Ring } from '../../base/ring';
import { EngineError, type EngineEvent, type EngineStream, type LogEntry, type StatsSample } from '../../core/engine';
import { away, type Connection } from './connection';
import { isAlive } from './container';
import { sample } from './stats';

/** The part that all streams share: they end once, by the reader, by themselves, or with the daemon. */
class MemoryStream implements EngineStream<never> {
  readonly ended: Promise<{ error?: EngineError }>;
  protected paused = false;
  protected done = false;
  private resolve: (end: { error?: EngineError }) => void = () => {};
  private readonly stops: (() => void)[] = [];

  constructor(protected readonly connection: Connection) {
    this.ended = new Promise((resolve) => {
      this.resolve = resolve;
    });
    const { power } = connection.daemon;
    this.stops.push(
      power.watch(() => {
        if (power.mode === 'down') this.finish(away());
      }),
      // A reader that was killed hears nothing any more, not even of the end.
      connection.atCut(() => this.close()),
    );
    if (power.mode === 'down' || power.mode === 'starting') this.finish(away());
  }

  dispose(): void {
    this.finish();
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  /** Registers what to undo at the end. */
  protected owns(stop: () => void): void {
    if (this.done) stop();
    else this.stops.push(stop);
  }

  finish(error?: EngineError): void {
    if (this.done) return;
    this.close();
    this.resolve(error ? { error } : {});
  }

  private close(): void {
    this.done = true;
    for (const stop of this.stops.splice(0)) stop();
  }
}

/** Events; while paused, 256 of them wait as in the socket's buffer and older ones are lost. */
export class EventStream extends MemoryStream {
  private readonly waiting = new Ring<EngineEvent>(256);

  constructor(
    connection: Connection,
    private readonly onEvent: (event: EngineEvent) => void,
  ) {
    super(connection);
    this.owns(
      connection.daemon.events.listen((event) => {
        if (this.paused) this.waiting.push(event);
        else if (!this.done) onEvent(event);
      }),
    );
  }

  override resume(): void {
    super.resume();
    for (let event = this.waiting.shift(); event && !this.done; event = this.waiting.shift()) this.onEvent(event);
  }
}

/** Milliseconds between two looks of a follower at the steady lines. */
const lookEvery = 200;

/** A container's output. A follower ends when the process ends, as Docker's does even if the policy restarts it. */
export class LogStream extends MemoryStream {
  private timer: Disposable | undefined;

  constructor(
    connection: Connection,
    reference: string,
    private readonly reader: {
      follow: boolean;
      since?: string;
      tail?: number;
      onEntries: (entries: LogEntry[]) => void;
    },
  ) {
    super(connection);
    this.owns(() => this.timer?.dispose());
    void Promise.resolve().then(() => {
      if (!this.done) this.begin(reference);
    });
  }

  private begin(reference: string): void {
    const { daemon } = this.connection;
    const container = daemon.find(reference);
    if (!container) return this.finish(new EngineError('not-found', `No such container: ${reference}`));
    const { since, tail } = this.reader;
    const first = container.output.read({
      ...(since === undefined ? {} : { since }),
      ...(tail === undefined ? {} : { tail }),
    });
    if (first.entries.length > 0) this.reader.onEntries(first.entries);
    if (this.done) return;
    if (!this.reader.follow || !isAlive(container)) return this.finish();
    let { cursor } = first;
    const look = (): void => {
      if (this.paused || this.done || daemon.power.mode !== 'up') return;
      const next = container.output.after(cursor);
      cursor = next.cursor;
      if (next.entries.length > 0) this.reader.onEntries(next.entries);
    };
    const tick = (): void => {
      look();
      if (!this.done) this.timer = daemon.clock.timer(lookEvery, tick);
    };
    const onEnd = (): void => {
      this.paused = false;
      look();
      this.finish();
    };
    container.onEnd.add(onEnd);
    this.owns(() => container.onEnd.delete(onEnd));
    this.owns(container.output.listen(look));
    this.timer = daemon.clock.timer(lookEvery, tick);
  }
}

/** Samples once a second. */
export class StatsStream extends MemoryStream {
  private ids: readonly string[] = [];
  private timer: Disposable | undefined;
  private period = 1000;

  constructor(
    connection: Connection,
    private readonly onSamples: (samples: StatsSample[]) => void,
  ) {
    super(connection);
    this.owns(() => this.timer?.dispose());
    if (!this.done) this.arm();
  }

  follow(ids: readonly string[]): void {
    this.ids = [...ids];
  }

  pace(period: number): void {
    this.period = period;
  }

  private arm(): void {
    const { daemon } = this.connection;
    this.timer = daemon.clock.timer(this.period, () => {
      if (!this.paused && daemon.power.mode === 'up') {
        const samples = this.ids.flatMap((id) => {
          const container = daemon.find(id);
          return (container && sample(container, daemon.clock)) ?? [];
        });
        if (samples.length > 0) this.onSamples(samples);
      }
      if (!this.done) this.arm();
    });
  }
}
