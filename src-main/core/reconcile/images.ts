/** Images on the engine: looked up before a create, pulled when the file's policy says so, with progress in words and back-off. */
import type { Clock } from '../../base/clock';
import type { Log } from '../../base/log';
import { sentence } from '../../contract/sentence';
import { EngineError, type Engine } from '../engine';
import { Pool } from './pool';
import { retryDelay } from './restart';
import type { Action, ImageState } from './types';

export interface ImagesOptions {
  engine: Engine;
  /** The engine of one node; throws while it does not answer. */
  on?: (node: string) => Engine;
  clock: Clock;
  log: Log;
  /** Pulls at once. */
  concurrency: number;
  /** The state of an image that this service waits for has changed. */
  onChange: (service: string) => void;
  onPulled: (image: string, service: string) => void;
  onAway: (error: EngineError) => void;
}

/** Failures that another try will not mend. */
const definitive: ReadonlySet<string> = new Set(['no-image', 'not-found', 'denied', 'invalid', 'unsupported']);
/** Tries before any failure of a pull counts as an answer, for rollouts. */
const patience = 3;
/** Progress is told so often at most, milliseconds. */
const progressEvery = 1000;

export class Images {
  private readonly states = new Map<string, ImageState>();
  private readonly failures = new Map<string, number>();
  private readonly waiters = new Map<string, Set<string>>();
  private readonly pool: Pool;
  private closed = false;

  constructor(private readonly options: ImagesOptions) {
    this.pool = new Pool(options.concurrency);
  }

  state(key: string): ImageState | undefined {
    return this.states.get(key);
  }

  /** Sees to it that an image is there; `onChange` tells the services that wait. */
  ensure(service: string, action: Extract<Action, { do: 'image' }>): void {
    const waiters = this.waiters.get(action.key) ?? new Set<string>();
    waiters.add(service);
    this.waiters.set(action.key, waiters);
    if (this.pool.runs(action.key) || this.pool.waits(action.key)) return;
    this.pool.add(action.key, () => this.fetch(service, action));
  }

  /** The engine said that an image is not there after all, or the connection was lost: look again before the next create. */
  reset(image?: string): void {
    for (const [key, state] of this.states) {
      const about =
        image === undefined || key === image || key.startsWith(`${image} for `) || key.startsWith(`${image} on `);
      if (about && (state.state === 'ready' || image !== undefined)) this.states.delete(key);
    }
  }

  dispose(): void {
    this.closed = true;
    this.pool.close();
  }

  private async fetch(service: string, action: Extract<Action, { do: 'image' }>): Promise<void> {
    const { log, clock, on } = this.options;
    const { key, image, policy, node } = action;
    try {
      const engine = node !== undefined && on ? on(node) : this.options.engine;
      const here = await engine.inspectImage(image);
      if (here && policy !== 'always') {
        this.set(key, { state: 'ready' });
        return;
      }
      if (policy === 'never')
        throw new EngineError('no-image', 'it is not on the engine, and the file says never pull');
      this.set(key, { state: 'pulling', words: sentence('replica.pulling', { image }) });
      let toldAt = clock.monotonic();
      await engine.pull(image, {
        ...(action.platform === undefined ? {} : { platform: action.platform }),
        progress: ({ done, total }) => {
          const now = clock.monotonic();
          if (this.closed || now - toldAt < progressEvery || total <= 0) return;
          toldAt = now;
          const percent = Math.min(100, Math.round((100 * done) / total));
          this.set(key, { state: 'pulling', words: sentence('replica.pullingPart', { image, percent }) });
        },
      });
      this.set(key, { state: 'ready' });
      this.options.onPulled(image, service);
    } catch (thrown) {
      const error = thrown instanceof EngineError ? thrown : new EngineError('refused', String(thrown));
      log('warn', 'image not available', { image, error: error.message });
      if (error.code === 'away') {
        this.states.delete(key);
        this.options.onAway(error);
        return;
      }
      const failures = (this.failures.get(key) ?? 0) + 1;
      this.failures.set(key, failures);
      this.set(key, {
        state: 'failed',
        words:
          error.code === 'no-space'
            ? sentence('replica.noSpace')
            : sentence('replica.imageMissing', { image, reason: error.detail.slice(0, 300) }),
        nextTryAt: clock.monotonic() + retryDelay('pull', failures, key),
        definitive: definitive.has(error.code) || failures >= patience,
      });
    }
  }

  private set(key: string, state: ImageState): void {
    if (this.closed) return;
    this.states.set(key, state);
    if (state.state === 'ready') this.failures.delete(key);
    const waiters = this.waiters.get(key);
    if (state.state !== 'pulling') this.waiters.delete(key);
    for (const service of waiters ?? []) this.options.onChange(service);
  }
}
