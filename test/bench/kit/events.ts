/** The engine's own event stream as the stop-watch: its stamps say when something had happened, whoever asked for it. */
import { request, type ClientRequest } from 'node:http';

export interface Happening {
  action: string;
  id: string;
  attributes: Record<string, string>;
  /** Milliseconds since the epoch, as the engine stamped it. */
  at: number;
}

export type Match = (happening: Happening) => boolean;

/** Follows the container events of one engine. */
export class EventWatch {
  private seen: Happening[] = [];
  private readonly listeners = new Set<() => void>();
  private ended: Error | undefined;

  private constructor(private readonly outgoing: ClientRequest) {}

  static open(socketPath: string): Promise<EventWatch> {
    return new Promise((resolve, reject) => {
      const path = `/events?filters=${encodeURIComponent(JSON.stringify({ type: ['container'] }))}`;
      const outgoing = request({ socketPath, path, agent: false, headers: { Host: 'docker' } }, (response) => {
        let rest = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          const lines = (rest + chunk).split('\n');
          rest = lines.pop() ?? '';
          for (const line of lines) if (line) watch.take(line);
        });
        response.on('end', () => watch.end(new Error('the event stream ended')));
        response.on('error', (error) => watch.end(error));
        resolve(watch);
      });
      const watch = new EventWatch(outgoing);
      outgoing.on('error', (error) => {
        watch.end(error);
        reject(error);
      });
      outgoing.end();
    });
  }

  /** The stamp of the `count`th event that matches, from `from` on. Throws when it does not come within `patience` milliseconds. */
  async nth(count: number, options: { from: number; match: Match; patience?: number }): Promise<number> {
    const { from, match, patience = 180_000 } = options;
    const stamps = (): number[] => this.since(from, match).map((one) => one.at);
    const deadline = Date.now() + patience;
    for (;;) {
      const found = stamps();
      const last = found[count - 1];
      if (last !== undefined) return last;
      if (this.ended) throw this.ended;
      if (Date.now() >= deadline) throw new Error(`${found.length} of ${count} happened within ${patience / 1000} s`);
      await this.next(deadline - Date.now());
    }
  }

  /** What happened from then on, in the engine's order of time. */
  since(from: number, match: Match): Happening[] {
    return this.seen.filter((one) => one.at >= from && match(one)).sort((one, other) => one.at - other.at);
  }

  /** Drops what was seen so far; call between measurements. */
  forget(): void {
    this.seen = [];
  }

  dispose(): void {
    this.outgoing.destroy();
  }

  private next(patience: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.listeners.delete(done);
        resolve();
      };
      const timer = setTimeout(done, patience);
      this.listeners.add(done);
    });
  }

  private take(line: string): void {
    const event = JSON.parse(line) as {
      Action: string;
      timeNano: number;
      Actor: { ID: string; Attributes: Record<string, string> };
    };
    const { ID: id, Attributes: attributes } = event.Actor;
    this.seen.push({ action: event.Action, id, attributes, at: event.timeNano / 1e6 });
    for (const listener of [...this.listeners]) listener();
  }

  private end(error: Error): void {
    this.ended = error;
    for (const listener of [...this.listeners]) listener();
  }
}

/** Matches an action on containers with a label. */
export function happened(action: string, label: string, value: string): Match {
  return (one) => one.action === action && one.attributes[label] === value;
}
