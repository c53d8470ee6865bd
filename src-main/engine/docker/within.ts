/** How long a call may take, and who may end it earlier. */
import type { Disposable, Signal } from '../../base/lifecycle';
import { EngineError } from '../../core/engine';
import { toEngineError } from './failures';

/** A deadline and the caller's signal as one, which remembers which of them struck. */
export class Within implements Disposable {
  private readonly controller = new AbortController();
  private readonly cancel = (): void => this.stop('cancelled');
  private timer: NodeJS.Timeout | undefined;
  private reason: string | undefined;

  constructor(
    deadline: number,
    private readonly caller: Signal | undefined,
  ) {
    this.timer = setTimeout(() => this.stop(`no answer within ${deadline / 1000} s`), deadline);
    if (caller?.aborted) this.cancel();
    else caller?.addEventListener('abort', this.cancel);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  get over(): boolean {
    return this.reason !== undefined;
  }

  explain(error: unknown): EngineError {
    return this.reason === undefined ? toEngineError(error) : new EngineError('timeout', this.reason);
  }

  /** No deadline any more; the caller's signal goes on. */
  disarm(): void {
    clearTimeout(this.timer);
  }

  dispose(): void {
    this.disarm();
    this.caller?.removeEventListener('abort', this.cancel);
  }

  private stop(reason: string): void {
    this.reason ??= reason;
    this.controller.abort();
  }
}
