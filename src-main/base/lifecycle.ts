/** Ownership: whoever starts something returns how to stop it, and a store stops everything it was given. */

/** Something that can be stopped once; stopping twice does nothing. */
export interface Disposable {
  dispose(): void;
}

/** Wraps a function as a disposable that runs at most once. */
export function toDisposable(stop: () => void): Disposable {
  let done = false;
  return {
    dispose() {
      if (done) return;
      done = true;
      stop();
    },
  };
}

/** Owns many disposables; disposes them in reverse order and refuses to keep new ones afterwards. */
export class DisposableStore implements Disposable {
  private readonly items: Disposable[] = [];
  private disposed = false;

  /** Registers an item and returns it. An item added after disposal is disposed at once. */
  add<T extends Disposable>(item: T): T {
    if (this.disposed) item.dispose();
    else this.items.push(item);
    return item;
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    for (const item of this.items.splice(0).reverse()) item.dispose();
  }
}

/** The part of the platform's AbortSignal that pure code needs; a real AbortSignal fits. */
export interface Signal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** The signal of a caller that never gives up. */
export const never: Signal = { aborted: false, addEventListener: () => {}, removeEventListener: () => {} };
