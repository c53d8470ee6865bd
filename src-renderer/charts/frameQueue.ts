/** Work for the next frames, one task per owner: charts share frames instead of holding one of them. */
export interface FrameQueue {
  /** Runs `task` in a coming frame; a task of the same owner that still waits is replaced. */
  add: (owner: object, task: () => void) => void;
  /** Forgets what the owner still waits for. */
  drop: (owner: object) => void;
}

/** `budget` ms of one frame are given away; at least one task runs. `request` asks for a frame, `now` reads a clock in ms. */
export function createFrameQueue(
  budget: number,
  host: { request: (run: () => void) => void; now: () => number },
): FrameQueue {
  const waiting = new Map<object, () => void>();
  let asked = false;
  function ask(): void {
    if (asked || waiting.size === 0) return;
    asked = true;
    host.request(run);
  }
  function run(): void {
    asked = false;
    const start = host.now();
    for (const [owner, task] of waiting) {
      waiting.delete(owner);
      task();
      if (host.now() - start >= budget) break;
    }
    ask();
  }
  return {
    add(owner, task) {
      waiting.delete(owner);
      waiting.set(owner, task);
      ask();
    },
    drop(owner) {
      waiting.delete(owner);
    },
  };
}
