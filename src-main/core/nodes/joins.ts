/** Streams of several nodes as one. A node's part begins and ends with its answering; the whole ends when no node is left. */
import {
  EngineError,
  type Engine,
  type EngineEvent,
  type EngineStream,
  type StatsFeed,
  type StatsSample,
} from '../engine';

interface Ended {
  error?: EngineError;
}

/** The stream of one node within the whole. */
interface Part<Stream> {
  engine: Engine;
  stream: Stream;
}

abstract class Join<T, Stream extends EngineStream<T>> implements EngineStream<T> {
  readonly ended: Promise<Ended>;
  protected readonly parts = new Map<string, Part<Stream>>();
  private finish: (end: Ended) => void = () => undefined;
  private begun = false;
  private over = false;
  private held = false;

  /** `onCut` is called when a node's part alone has ended; whoever gets it calls `sync` a little later. */
  constructor(private readonly onCut: () => void) {
    this.ended = new Promise((resolve) => {
      this.finish = resolve;
    });
  }

  /** Opens the parts that are missing, and lets go of those whose node has gone. */
  sync(engines: ReadonlyMap<string, Engine>): void {
    if (this.over) return;
    for (const [node, part] of [...this.parts]) {
      if (engines.get(node) === part.engine) continue;
      this.parts.delete(node);
      part.stream.dispose();
    }
    let opened = 0;
    for (const [node, engine] of engines) {
      if (this.parts.has(node)) continue;
      this.add(node, engine);
      opened += 1;
    }
    if (engines.size === 0) this.end({ error: new EngineError('away', 'no node answers') });
    else if (opened > 0) this.opened(this.begun);
    this.begun = true;
  }

  pause(): void {
    this.held = true;
    for (const { stream } of this.parts.values()) stream.pause();
  }

  resume(): void {
    this.held = false;
    for (const { stream } of this.parts.values()) stream.resume();
  }

  dispose(): void {
    this.end({});
  }

  protected abstract open(node: string, engine: Engine): Stream;
  /** Parts were opened; `again` when the whole had begun before. */
  protected abstract opened(again: boolean): void;

  private add(node: string, engine: Engine): void {
    const stream = this.open(node, engine);
    this.parts.set(node, { engine, stream });
    if (this.held) stream.pause();
    void stream.ended.then(() => {
      if (this.over || this.parts.get(node)?.stream !== stream) return;
      this.parts.delete(node);
      this.onCut();
    });
  }

  private end(how: Ended): void {
    if (this.over) return;
    this.over = true;
    for (const { stream } of this.parts.values()) stream.dispose();
    this.parts.clear();
    this.finish(how);
  }
}

export class EventJoin extends Join<EngineEvent, EngineStream<EngineEvent>> {
  /** `onReturn` hears that a node's events are heard again: what happened meanwhile is only in its list. */
  constructor(
    private readonly onEvent: (node: string, event: EngineEvent) => void,
    private readonly hears: { onCut: () => void; onReturn: () => void },
  ) {
    super(hears.onCut);
  }

  protected open(node: string, engine: Engine): EngineStream<EngineEvent> {
    return engine.watch((event) => this.onEvent(node, event));
  }

  protected opened(again: boolean): void {
    if (again) this.hears.onReturn();
  }
}

export class StatsJoin extends Join<StatsSample, StatsFeed> implements StatsFeed {
  private wanted: readonly string[] = [];
  private period: number | undefined;

  constructor(
    private readonly onSamples: (samples: StatsSample[]) => void,
    private readonly placeOf: (container: string) => string | undefined,
    onCut: () => void,
  ) {
    super(onCut);
  }

  follow(ids: readonly string[]): void {
    this.wanted = ids;
    this.opened();
  }

  pace(period: number): void {
    this.period = period;
    for (const { stream } of this.parts.values()) stream.pace(period);
  }

  protected open(_node: string, engine: Engine): StatsFeed {
    const stream = engine.stats(this.onSamples);
    if (this.period !== undefined) stream.pace(this.period);
    return stream;
  }

  protected opened(): void {
    const places = new Map<string, string[]>([...this.parts.keys()].map((node) => [node, []]));
    for (const id of this.wanted) places.get(this.placeOf(id) ?? '')?.push(id);
    for (const [node, ids] of places) this.parts.get(node)?.stream.follow(ids);
  }
}

/** A stream that never began. */
export function brokenStream<T>(error: EngineError): EngineStream<T> {
  const nothing = (): void => undefined;
  return { ended: Promise.resolve({ error }), pause: nothing, resume: nothing, dispose: nothing };
}
