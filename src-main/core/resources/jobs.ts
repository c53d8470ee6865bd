/** Long acts: each has a row that is watched, progress, and a way to cancel it. */
import type { Clock } from '../../base/clock';
import { Emitter, type Event } from '../../base/emitter';
import type { Signal } from '../../base/lifecycle';
import type { JobView } from '../../contract/api/storage';
import { fail, toProblem } from '../../contract/errors';
import { say, sentence, type Sentence } from '../../contract/sentence';
import { EngineError } from '../engine';

/** What a job's work is given. */
export interface Step {
  signal: Signal;
  /** Says what is done now; the count begins anew. */
  say(words: Sentence, total?: number): void;
  progress(done: number, total?: number): void;
}

/** A cancel button that satisfies `Signal`. */
export class Stop implements Signal {
  aborted = false;
  private readonly listeners = new Set<() => void>();
  addEventListener(_type: 'abort', listener: () => void): void {
    this.listeners.add(listener);
  }
  removeEventListener(_type: 'abort', listener: () => void): void {
    this.listeners.delete(listener);
  }
  abort(): void {
    if (this.aborted) return;
    this.aborted = true;
    for (const listener of [...this.listeners]) listener();
  }
}

const remembered = 50;
const atOnce = 4;

export class Jobs {
  private readonly changed = new Emitter<void>();
  readonly onChange: Event<void> = this.changed.event;
  private readonly views = new Map<string, JobView>();
  private readonly stops = new Map<string, Stop>();
  private readonly ends = new Map<string, Promise<void>>();

  /** The app ends: what is cancelled now was cancelled by nobody. */
  stopping = false;

  constructor(
    private readonly clock: Clock,
    private readonly nextId: () => string,
    private readonly problemOf: (error: EngineError) => Error,
  ) {}

  get all(): ReadonlyMap<string, JobView> {
    return this.views;
  }

  /** Begins; resolves with the id at once. One act at a time on one subject. */
  start(kind: JobView['kind'], subject: string, work: (step: Step) => Promise<string | void>): { job: string } {
    const running = [...this.views.values()].filter((view) => view.state === 'running');
    if (running.some((view) => view.subject === subject))
      throw fail(
        'conflict',
        `Something is being done with ${subject} already.`,
        'Wait until it is over, or cancel it.',
      );
    if (running.length >= atOnce) throw fail('too-many', 'Too many long acts run at once.', 'Wait for one to end.');
    const id = this.nextId();
    const stop = new Stop();
    this.stops.set(id, stop);
    this.put({
      id,
      kind,
      subject,
      state: 'running',
      words: sentence('storage.preparing'),
      done: 0,
      total: 0,
      startedAt: this.clock.now(),
    });
    const step: Step = {
      signal: stop,
      say: (words, total = 0) => this.change(id, { words, done: 0, total }),
      progress: (done, total) => this.change(id, total === undefined ? { done } : { done, total }),
    };
    const end = work(step).then(
      (result) => this.finish(id, { state: 'done', words: sentence('storage.done'), ...(result ? { result } : {}) }),
      (thrown: unknown) => {
        if (stop.aborted) return this.finish(id, { state: 'cancelled', words: sentence('storage.cancelled') });
        const problem = toProblem(thrown instanceof EngineError ? this.problemOf(thrown) : thrown);
        const reason = problem.words ? say(problem.words) : problem.message;
        this.finish(id, { state: 'failed', problem, words: sentence('storage.failed', { reason }) });
      },
    );
    this.ends.set(id, end);
    return { job: id };
  }

  cancel(id: string): void {
    const view = this.views.get(id);
    if (!view) throw fail('not-found', 'There is no such act.');
    this.stops.get(id)?.abort();
  }

  /** Resolves when the job is over. */
  async over(id: string): Promise<JobView | undefined> {
    await this.ends.get(id);
    return this.views.get(id);
  }

  /** Cancels everything and waits until it has cleaned up. */
  async stop(): Promise<void> {
    this.stopping = true;
    for (const stop of this.stops.values()) stop.abort();
    await Promise.all(this.ends.values());
  }

  private finish(id: string, change: Partial<JobView>): void {
    this.stops.delete(id);
    this.ends.delete(id);
    this.change(id, { ...change, endedAt: this.clock.now() });
    const over = [...this.views.values()].filter((view) => view.state !== 'running');
    for (const view of over.slice(0, Math.max(0, over.length - remembered))) this.views.delete(view.id);
    this.changed.fire();
  }

  private change(id: string, change: Partial<JobView>): void {
    const view = this.views.get(id);
    if (view) this.put({ ...view, ...change });
  }

  private put(view: JobView): void {
    this.views.set(view.id, view);
    this.changed.fire();
  }
}
